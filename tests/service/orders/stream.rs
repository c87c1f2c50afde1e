//! The private line goes mute or ends, and the dead-man switch that stands behind it all.

use super::rig::{PLACES, Rig};
use highwire_simulator::{Injection, Verb};
use std::time::Duration;

async fn wait_ms(ms: u64) {
    tokio::time::sleep(Duration::from_millis(ms)).await;
}

/// Its bytes flow, and it tells nothing of our trades: it is replaced, nothing is opened meanwhile, and what it kept
/// back is asked for trade by trade.
///
/// Fault: X17
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_private_line_that_is_mute_is_found_by_the_echo_of_our_own_trades() {
    let rig = Rig::trading("socket").await;
    rig.at(1, Verb::MutePrivate {}, 6_000);
    rig.wait_said("binance_usdm: line 0 tells nothing of our trades");
    rig.assert_recovered();
    rig.stop().await;
}

/// Fault: X17
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn private_lines_that_the_venue_ends_once_or_twice_come_back_once() {
    let rig = Rig::trading("socket").await;
    for (place, verb) in [(0, Verb::Terminate {}), (1, Verb::Expire {}), (1, Verb::DoubleExpire {})] {
        let ends = rig.count("highwire_line_ends_total");
        rig.inject(Injection::new(PLACES[place].room, verb));
        rig.running.wait(|| (rig.count("highwire_line_ends_total") == ends).then(|| "no line ended".to_owned()));
        rig.wait_trades(2);
        assert_eq!(rig.count("highwire_line_ends_total"), ends + 1, "{}", rig.running.said());
    }
    rig.assert_recovered();
    rig.stop().await;
}

/// Fault: X21
/// Conformance: binance_usdm deadman
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn while_the_dead_mans_switch_is_not_renewed_nothing_is_opened_there() {
    let rig = Rig::with("socket", "[lines]\ndead_man_ms = 4000").await;
    let path = "/fapi/v1/countdownCancelAll";
    assert!(rig.judge().requests(PLACES[1].room, path) > 0, "never armed");
    let refused = Verb::HttpStatus { code: 401, headers: Vec::new(), body: String::new() };
    rig.inject(Injection::new(PLACES[1].room, refused).topic(path).lasting_ms(7_000));
    rig.wait_said("its dead-man switch could not be renewed");
    wait_ms(500).await;
    rig.wait_agreement();
    let orders = rig.judge().orders().len();
    wait_ms(2_000).await;
    assert_eq!(rig.judge().orders().len(), orders, "{}", rig.judge().tail());
    rig.inject(Injection::new(PLACES[1].room, Verb::DeadmanFire {}));
    rig.assert_recovered();
    rig.stop().await;
}
