//! What bounds how much is sent: the venues' order-rate limits, and the last gate before the wire.

use super::rig::{PLACES, Rig};
use highwire_simulator::Verb;
use std::time::Duration;

async fn wait_ms(ms: u64) {
    tokio::time::sleep(Duration::from_millis(ms)).await;
}

/// Fault: X22
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_venue_that_takes_fewer_orders_is_not_hammered() {
    let rig = Rig::trading("socket").await;
    rig.at(1, Verb::OrderLimit { n: 2, s: 5 }, 6_000);
    wait_ms(6_000).await;
    let refused = rig.judge().refusals(PLACES[1].room, "Rate");
    assert!((1..=6).contains(&refused), "{refused} refusals: {}", rig.judge().tail());
    rig.assert_recovered();
    rig.stop().await;
}

/// Fault: X23
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_runaway_is_halted_by_the_last_gate_and_nothing_follows() {
    let rig = Rig::start("socket", "[guard]\nrepeats_per_min_max = 4").await;
    rig.wait_said("CRITICAL: the last gate tripped (Repeats): halted");
    rig.wait_agreement();
    let sagas = rig.wire("sagas");
    let orders = rig.judge().orders().len();
    wait_ms(4_000).await;
    assert_eq!((rig.wire("sagas"), rig.judge().orders().len()), (sagas, orders), "{}", rig.judge().tail());
    assert_eq!(sagas, 4, "as many as the limit, and no more");
    assert_eq!(rig.times_said("CRITICAL: the last gate tripped"), 1);
    rig.assert_sound();
    rig.stop().await;
}

/// Fault: X23
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn orders_worth_more_than_the_limit_of_a_minute_are_never_sent() {
    let rig = Rig::start("socket", "[guard]\nnotional_per_min_max = \"60000\"").await;
    rig.wait_said("CRITICAL: the last gate tripped (NotionalRate): halted");
    rig.wait_agreement();
    let value = rig.judge().value();
    // A hedge of the last trade is never held back.
    assert!(value <= highwire_simulator::Amount::whole(62_000), "{value} was sent");
    let orders = rig.judge().orders().len();
    wait_ms(3_000).await;
    assert_eq!(rig.judge().orders().len(), orders, "{}", rig.judge().tail());
    rig.assert_sound();
    rig.stop().await;
}
