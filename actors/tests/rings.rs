//! Every ring full, each by its own policy: records and reports are never lost, and nothing is opened before they could be;
//! telemetry is dropped and counted; and a full command ring keeps no halt from holding. Nor do descriptors run out.

mod descriptors;
mod endings;
mod rig;

use highwire_actors::warden::{Rules, WardenMsg};
use highwire_links::Mode;
use highwire_links::cnc::StopWord;
use highwire_links::counter::Counter;
use highwire_links::limits::COMMAND_RING;
use highwire_links::page::BookState;
use highwire_supervision::backoff::Backoff;
use highwire_supervision::budget::Budget;
use highwire_supervision::liveness::Thresholds;
use rig::{Layout, Rig, Sizes};
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

/// No heartbeat is late here: it is rings that are tried.
const PATIENT_NS: u64 = 600_000_000_000;
/// A thread that has opened nothing for so long opens nothing.
const QUIET: Duration = Duration::from_millis(700);

fn rules() -> Rules {
    let backoff = Backoff { first_ns: 20_000_000, max_ns: 100_000_000 };
    Rules {
        tick: Duration::from_millis(10),
        budget: Budget { restarts: 3, period_ns: 600_000_000_000, backoff },
        heartbeat: Thresholds { late_ns: PATIENT_NS, stuck_ns: 2 * PATIENT_NS },
        seed: 1,
    }
}

/// Waits until a counter has stood still for a while.
async fn still(rig: &Rig, counter: Counter) {
    let (mut last, mut since, began) = (rig.tally(counter), Instant::now(), Instant::now());
    while since.elapsed() < QUIET {
        assert!(began.elapsed() < Duration::from_secs(120), "{counter:?} goes on: {last}");
        tokio::time::sleep(Duration::from_millis(20)).await;
        let now = rig.tally(counter);
        if now != last {
            (last, since) = (now, Instant::now());
        }
    }
}

/// The warden takes no record, no report and no stamp any more. Openings stop while half of the record ring is free for what
/// hedges and settles; what came is all there when it looks again, in its order.
///
/// Fault: P12
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn while_nobody_takes_its_records_it_opens_nothing_and_none_is_lost() {
    let rig = Rig::start(Layout::Together, rules(), PATIENT_NS).await;
    rig.until_it_trades(4).await;
    rig.freeze.store(true, Ordering::SeqCst);
    still(&rig, Counter::Taken).await;
    let (taken, seen) = (rig.tally(Counter::Taken), rig.tally(Counter::Opportunities));
    tokio::time::sleep(QUIET).await;
    assert!(rig.tally(Counter::Opportunities) > seen && rig.books_are(BookState::Live), "there is something to trade");
    assert_eq!(rig.tally(Counter::Taken), taken, "it opens with its records in doubt");
    let lost = [Counter::AuditLost, Counter::ReportsLost, Counter::LifecycleLost].map(|counter| rig.tally(counter));
    assert_eq!(lost, [0; 3], "records, reports, events");
    rig.freeze.store(false, Ordering::SeqCst);
    rig.until_it_trades(4).await;
    rig.until("every opening recorded", |rig| rig.log.count("decided Taken") as u64 >= rig.tally(Counter::Taken)).await;
    // Each decision's record came once.
    let times = rig.log.times("decided Taken");
    assert!(times.is_sorted(), "out of order");
    println!(
        "{taken} trades before it stopped; {} stamps dropped and counted, 0 records, reports or events lost",
        rig.tally(Counter::TelemetryDropped)
    );
    rig.stop().await;
}

/// Stamps are all that may be lost. With a ring of eight of them and nobody who takes any, each one that found it full is
/// counted, each other one is told, and it trades on meanwhile. The ring of the service cannot fill before openings stop for
/// want of room for records: it has as many places, and a trade has one stamp and many records.
///
/// Fault: P12
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn stamps_that_find_their_ring_full_are_dropped_and_counted_while_it_trades_on() {
    const PLACES: u64 = 8;
    let sizes = Sizes { stamps: PLACES as usize, ..Sizes::default() };
    let rig = Rig::start_with(Layout::Together, rules(), PATIENT_NS, sizes).await;
    rig.until_it_trades(4).await;
    rig.freeze.store(true, Ordering::SeqCst);
    let before = rig.tally(Counter::Taken);
    rig.until("trades beyond the ring", |rig| rig.tally(Counter::Taken) >= before + 4 * PLACES).await;
    rig.freeze.store(false, Ordering::SeqCst);
    rig.until_it_trades(4).await;
    rig.wardens.last().unwrap().cast(WardenMsg::SetMode(Mode::Halted)).unwrap();
    still(&rig, Counter::Taken).await;
    let [taken, dropped] = [Counter::Taken, Counter::TelemetryDropped].map(|counter| rig.tally(counter));
    let told = |rig: &Rig| rig.log.count("Trace") as u64;
    rig.until("the stamps that were kept", |rig| told(rig) + dropped >= taken).await;
    assert_eq!(told(&rig) + dropped, taken, "{} told, {dropped} dropped", told(&rig));
    assert!(dropped >= 2 * PLACES, "{dropped} of {taken} dropped");
    let lost = [Counter::AuditLost, Counter::ReportsLost, Counter::LifecycleLost].map(|counter| rig.tally(counter));
    assert_eq!(lost, [0; 3], "records, reports, events");
    println!("{taken} trades, {dropped} stamps dropped and counted, {} told", told(&rig));
    rig.stop().await;
}

/// The thread hangs, and its ring of commands fills with others: the stop word is raised over it at once, and when it turns
/// again it opens nothing, although every one of those commands says that it may.
///
/// Fault: P12
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn with_its_command_ring_full_of_other_commands_a_halt_holds() {
    let rig = Rig::start(Layout::Together, rules(), PATIENT_NS).await;
    rig.until_it_trades(4).await;
    rig.knobs.stall.store(true, Ordering::SeqCst);
    rig.until("the hang", |rig| !rig.knobs.stall.load(Ordering::SeqCst)).await;
    tokio::time::sleep(Duration::from_millis(100)).await;
    let (warden, began) = (rig.wardens.last().unwrap(), Instant::now());
    for _ in 0..10 * COMMAND_RING {
        warden.cast(WardenMsg::SetMode(Mode::Full)).unwrap();
    }
    rig.until("the stop word", |rig| rig.cncs[0].stop_word() == StopWord::CancelsOnly).await;
    println!("raised {} ms after the first of {} commands", began.elapsed().as_millis(), 10 * COMMAND_RING);
    assert!(rig.log.has("CommandsFull"));
    // The turn in which the word was raised may have begun before it.
    rig.until("it turns again", |rig| rig.log.count("decided Stopped") > 0).await;
    let opened = rig.tally(Counter::Orders);
    rig.until("it goes on turning", |rig| rig.log.count("decided Stopped") > 4).await;
    assert!(rig.books_are(BookState::Live), "there is something to trade");
    assert_eq!(rig.tally(Counter::Orders), opened, "it opened under the stop word");
    rig.stop().await;
}
