//! What venues say of orders comes in parts, late, twice, out of order, or not at all.

use super::rig::{PLACES, Rig};
use highwire_simulator::Verb;
use highwire_simulator::fault::verb::{AnswerFault, OutcomeFault, ReportFault};
use std::time::Duration;

async fn wait_ms(ms: u64) {
    tokio::time::sleep(Duration::from_millis(ms)).await;
}

/// Waits until the trades of an order at the second place were asked for.
fn wait_trades_asked(rig: &Rig) {
    let asked = || rig.judge().requests(PLACES[1].room, "/fapi/v1/userTrades");
    rig.running.wait(|| (asked() == 0).then(|| "no trades are asked for".to_owned()));
}

/// Fault: X05
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn fills_in_many_parts_are_all_booked_and_hedged() {
    let rig = Rig::trading("socket").await;
    rig.at(0, Verb::Partials { n: 100 }, 4_000);
    rig.at(1, Verb::Partials { n: 7 }, 4_000);
    wait_ms(4_000).await;
    rig.assert_recovered();
    rig.stop().await;
}

/// Fault: X07
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_order_that_is_refused_after_its_ack_frees_what_it_held_and_the_other_leg_is_hedged() {
    let rig = Rig::trading("socket").await;
    for place in 0..2 {
        rig.spoil_a_leg(place, Verb::RejectAfterAck {});
        rig.wait_trades(1);
    }
    rig.assert_recovered();
    rig.stop().await;
}

/// Fault: X09
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn reports_that_come_twice_late_and_in_any_order_are_booked_once() {
    let rig = Rig::trading("socket").await;
    let report = |how| Verb::Report { how, p: 0.5, ms: 400 };
    for how in [ReportFault::Dup, ReportFault::Reorder, ReportFault::Delay] {
        rig.at(0, report(how), 40_000);
        rig.at(1, report(how), 40_000);
        rig.wait_trades(4);
        wait_ms(400).await;
        rig.heal();
    }
    assert!(rig.wire("duplicate_reports") > 0, "{}", rig.running.said());
    rig.assert_recovered();
    rig.stop().await;
}

/// The word that a drifted report has for a filled order, and what of it must not be shown: an account's number and a balance.
const DRIFTED: (&str, [&str; 2]) = ("FILLED_BY_AUCTION", ["614488474791936", "98765.4321"]);

/// A status that nobody knows ends no order, and members that nobody knows are passed over: what it was is asked for. A
/// person is told of it once for each venue, with the word and the message's shape and nothing else of it, and again when it
/// is over.
///
/// Fault: M10
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn reports_in_words_of_a_later_version_end_no_order_and_every_fill_is_booked() {
    let rig = Rig::with("socket", "[alerts]\ndrift_quiet_s = 8\n").await;
    for place in 0..2 {
        rig.at(place, Verb::Report { how: ReportFault::Drift, p: 0.5, ms: 0 }, 40_000);
    }
    let venues = ["binance_spot", "binance_usdm"];
    let told = |venue: &str| rig.lines_said(&format!("incident={venue}/drift/unknown_status"));
    rig.running.wait(|| venues.iter().find(|venue| told(venue).is_empty()).map(|venue| format!("no drift of {venue}")));
    wait_trades_asked(&rig);
    rig.heal();
    for venue in venues {
        let told = || told(venue);
        rig.running.wait(|| (told().len() < 2).then(|| format!("{venue}'s drift is not over: {:?}", told())));
        let (first, last) = (&told()[0], &told()[1]);
        assert!(first.contains("WARN") && last.contains("INFO") && told().len() == 2, "{:?}", told());
        assert!(first.contains(DRIFTED.0) && first.contains("schema:text,?:[null×2],uid:text,free:text"), "{first}");
    }
    assert!(rig.wire("drifts") > 0 && !DRIFTED.1.iter().any(|secret| rig.running.said().contains(secret)));
    rig.assert_recovered();
    rig.stop().await;
}

/// Trades that no line tells are asked for one by one: what the account holds is right to the last fee.
///
/// Fault: X09
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn trades_that_no_line_tells_are_asked_for() {
    let rig = Rig::trading("socket").await;
    rig.at(0, Verb::Report { how: ReportFault::Drop, p: 0.5, ms: 0 }, 40_000);
    rig.at(1, Verb::Report { how: ReportFault::Drop, p: 0.5, ms: 0 }, 40_000);
    wait_trades_asked(&rig);
    wait_ms(2_000).await;
    rig.heal();
    rig.assert_recovered();
    rig.stop().await;
}

/// The answer is lost and so are most reports: an order that is known to be open is withdrawn, the venue knows no such
/// order (it has filled), and only what it says when asked ends the doubt.
///
/// Fault: X10
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_cancel_that_finds_nothing_proves_nothing() {
    let rig = Rig::trading("socket").await;
    for place in 0..2 {
        rig.at(place, Verb::CancelRace { ms: 200 }, 5_000);
        rig.at(place, Verb::Report { how: ReportFault::Drop, p: 0.5, ms: 0 }, 5_000);
        let lost = Verb::Outcome { outcome: OutcomeFault::Accept, answer: AnswerFault::Drop, ms: 0 };
        rig.at(place, lost, 5_000);
    }
    wait_ms(5_500).await;
    rig.assert_recovered();
    rig.stop().await;
}
