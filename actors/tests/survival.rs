//! Real threads, real sockets: a thread that panics under load, a warden that freezes, a budget that
//! is spent. Nothing here asserts times: the machine may be slow.

mod endings;
mod rig;

use highwire_actors::warden::Rules;
use highwire_links::cnc::{State, StopWord};
use highwire_links::counter::Counter;
use highwire_links::page::BookState;
use highwire_supervision::backoff::Backoff;
use highwire_supervision::budget::Budget;
use highwire_supervision::liveness::Thresholds;
use rig::{Layout, Rig};
use std::sync::atomic::Ordering;
use std::time::Duration;

/// A heartbeat limit that a loaded test machine does not reach by itself.
const PATIENT_NS: u64 = 20_000_000_000;

fn rules(restarts: u32) -> Rules {
    let backoff = Backoff { first_ns: 20_000_000, max_ns: 100_000_000 };
    Rules {
        tick: Duration::from_millis(10),
        budget: Budget { restarts, period_ns: 600_000_000_000, backoff },
        heartbeat: Thresholds { late_ns: PATIENT_NS, stuck_ns: 2 * PATIENT_NS },
        seed: 1,
    }
}

async fn a_panic_is_survived(layout: Layout) {
    let rig = Rig::start(layout, rules(3), PATIENT_NS).await;
    rig.until_it_trades(4).await;
    assert!(rig.books_are(BookState::Live));

    rig.knobs.refusing.store(true, Ordering::SeqCst);
    rig.knobs.poison.store(true, Ordering::SeqCst);
    rig.until("the death told", |rig| rig.log.has("Died { panic: \"injected panic\" }")).await;
    rig.until("the restart", |rig| rig.log.has("Started { restarts: 1 }")).await;
    rig.until("both lines sent home", |rig| rig.log.count("LineEnded") >= 2).await;
    assert!(rig.log.has("ThreadDied"), "{:#?}", rig.log.tail());

    // Both threads have settled what was in flight; from here on nothing may be opened.
    tokio::time::sleep(Duration::from_millis(300)).await;
    let opened = rig.log.opened();
    assert!((0..rig::VENUES).all(|i| rig.pages.read(i).is_some_and(|page| page.state != BookState::Live)));
    tokio::time::sleep(Duration::from_millis(300)).await;
    assert_eq!(rig.log.opened(), opened, "traded while the books were not live");

    rig.knobs.refusing.store(false, Ordering::SeqCst);
    rig.until("the books live again", |rig| rig.books_are(BookState::Live)).await;
    rig.until_it_trades(4).await;
    assert!(rig.knobs.upgrades.load(Ordering::SeqCst) >= 4, "both sessions connected again");
    assert!(rig.cncs.iter().all(|cnc| cnc.state() == State::Run && cnc.stop_word() == StopWord::Go));
    rig.stop().await;
}

/// Fault: P11
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_thread_that_panics_comes_back_on_the_same_rings_and_trades_only_on_live_books() {
    a_panic_is_survived(Layout::Together).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_feed_thread_that_panics_comes_back_and_the_engine_thread_trades_only_on_live_books() {
    a_panic_is_survived(Layout::Split).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_engine_thread_that_panics_comes_back_on_the_same_rings_while_the_feed_goes_on() {
    let rig = Rig::start(Layout::Split, rules(3), PATIENT_NS).await;
    rig.until_it_trades(4).await;
    rig.knobs.fuse.store(true, Ordering::SeqCst);
    rig.until("the death told", |rig| rig.log.has("Died { panic: \"injected panic\" }")).await;
    rig.until("the restart", |rig| rig.log.has("Started { restarts: 1 }")).await;
    assert_eq!(rig.log.count("LineEnded"), 0, "the feed's lines are none of its business");
    assert!(rig.books_are(BookState::Live));
    rig.until_it_trades(4).await;
    assert!(rig.cncs.iter().all(|cnc| cnc.state() == State::Run && cnc.stop_word() == StopWord::Go));
    rig.stop().await;
}

/// A new engine goes on from the state, which lacks what the journal has not taken: while the disk holds that up the thread
/// stays away, which is told, and when all is taken it is there.
///
/// Fault: P11
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_thread_that_died_waits_for_the_journal_to_take_what_it_left() {
    let rig = Rig::start(Layout::Together, rules(3), PATIENT_NS).await;
    rig.until_it_trades(4).await;
    rig.knobs.held.store(true, Ordering::SeqCst);
    let taken = rig.tally(Counter::Taken);
    rig.until("records that nobody takes", |rig| rig.tally(Counter::Taken) > taken + 4).await;
    rig.knobs.poison.store(true, Ordering::SeqCst);
    rig.until("that it waits", |rig| rig.log.has("Waits")).await;
    assert!(!rig.log.has("Started { restarts: 1 }") && !rig.log.has("GaveUp"), "{:#?}", rig.log.tail());
    rig.knobs.held.store(false, Ordering::SeqCst);
    rig.until("the restart", |rig| rig.log.has("Started { restarts: 1 }")).await;
    rig.until_it_trades(4).await;
    assert_eq!((rig.log.count("Waits"), rig.cncs[0].stop_word()), (1, StopWord::Go));
    rig.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_spent_restart_budget_raises_the_stop_word_and_is_told() {
    let rig = Rig::start(Layout::Together, rules(0), PATIENT_NS).await;
    rig.until_it_trades(2).await;
    rig.knobs.poison.store(true, Ordering::SeqCst);
    rig.until("giving up", |rig| rig.log.has("GaveUp")).await;
    assert_eq!((rig.cncs[0].stop_word(), rig.cncs[0].state()), (StopWord::CancelsOnly, State::Fail));
    assert!(!rig.books_are(BookState::Live));
    let opened = rig.log.opened();
    tokio::time::sleep(Duration::from_millis(300)).await;
    assert_eq!(rig.log.opened(), opened);
    rig.stop().await;
}

/// Fault: P11
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stuck_thread_has_the_stop_word_raised_over_it_and_both_are_told() {
    let impatient = Thresholds { late_ns: 500_000_000, stuck_ns: 1_000_000_000 };
    let rig = Rig::start(Layout::Together, Rules { heartbeat: impatient, ..rules(3) }, PATIENT_NS).await;
    rig.until_it_trades(2).await;
    rig.knobs.stall.store(true, Ordering::SeqCst);
    rig.until("the judgement", |rig| rig.log.has("to: Stuck")).await;
    assert_eq!(rig.cncs[0].stop_word(), StopWord::CancelsOnly);
    rig.until("its return", |rig| rig.log.has("from: Stuck")).await;
    assert_eq!(rig.cncs[0].stop_word(), StopWord::CancelsOnly, "only an operator releases it");
    rig.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn while_the_warden_is_frozen_the_engine_opens_nothing() {
    let rig = Rig::start(Layout::Together, rules(3), 1_000_000_000).await;
    rig.until_it_trades(4).await;
    rig.freeze.store(true, Ordering::SeqCst);
    // The warden tells nothing meanwhile; what the thread did stands in the order of its rings.
    tokio::time::sleep(Duration::from_secs(4)).await;
    let live = rig.books_are(BookState::Live);
    rig.freeze.store(false, Ordering::SeqCst);
    assert!(live, "the feed goes on");
    assert_eq!(rig.tally(Counter::AuditLost) + rig.tally(Counter::LifecycleLost), 0, "what it did is all there");
    rig.until("the judgement told", |rig| rig.log.has("WardenSilent") && rig.log.has("WardenBack")).await;
    rig.until_it_trades(4).await;
    let (refused, opened) = (rig.log.times("decided Stopped"), rig.log.times("sent Open"));
    let silence = *refused.first().expect("no opportunity was refused")..=*refused.last().unwrap();
    assert!(refused.len() > 1 && !opened.iter().any(|at| silence.contains(at)), "opened while the warden was silent");
    rig.stop().await;
}

/// A warden owns ring ends that cannot be made anew, so nothing starts it again: when one is killed, its thread's records have no
/// reader any more, and long before its silence is noticed nothing is opened. The thread goes on and keeps its books.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn the_thread_of_a_warden_that_is_killed_lives_on_and_opens_nothing_more() {
    let rig = Rig::start(Layout::Together, rules(3), PATIENT_NS).await;
    rig.until_it_trades(4).await;
    rig.wardens[0].kill();
    // What was opened until then is to end.
    tokio::time::sleep(Duration::from_secs(1)).await;
    let (seen, orders) = (rig.tally(Counter::Opportunities), rig.tally(Counter::Orders));
    rig.until("what could have been opened", |rig| rig.tally(Counter::Opportunities) >= seen + 4).await;
    assert_eq!(rig.tally(Counter::Orders), orders, "an order left although nobody watches");
    assert!(rig.books_are(BookState::Live));
    rig.pools.iter().for_each(|pool| pool.stop(None));
}

/// What a thread did last is told before its warden ends, also when the journal takes it late.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stop_waits_for_the_journal_to_take_what_the_thread_left() {
    let rig = Rig::start(Layout::Together, rules(3), PATIENT_NS).await;
    rig.until_it_trades(4).await;
    rig.knobs.held.store(true, Ordering::SeqCst);
    let (taken, told) = (rig.tally(Counter::Taken), rig.log.opened());
    rig.until("records that nobody takes", |rig| rig.tally(Counter::Taken) > taken + 4).await;
    let (knobs, log) = (rig.knobs.clone(), rig.log.clone());
    tokio::spawn(async move {
        tokio::time::sleep(Duration::from_millis(500)).await;
        knobs.held.store(false, Ordering::SeqCst);
    });
    rig.stop().await;
    assert!(log.opened() > told + 4, "{} of {told} and what was left", log.opened());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stop_ends_each_thread_in_order_and_gives_its_ring_ends_back() {
    for layout in [Layout::Together, Layout::Split] {
        let rig = Rig::start(layout, rules(3), PATIENT_NS).await;
        rig.until_it_trades(2).await;
        let (cncs, log) = (rig.cncs.clone(), rig.log.clone());
        rig.stop().await;
        assert!(cncs.iter().all(|cnc| cnc.state() == State::Halt), "{layout:?}");
        assert_eq!(log.count("Halted"), cncs.len());
    }
}
