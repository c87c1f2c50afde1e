//! The venue's clock steps while orders are on their way to it.

use super::rig::{PLACES, Rig};
use highwire_simulator::{Injection, Verb};

const ORDERS: &str = "/fapi/v1/order";

/// Each step costs one order at most: the first that is refused for its time ends all openings there until the clock was
/// measured anew. No request asks for more than five seconds of tolerance, and the clock is followed back.
///
/// Fault: C11
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_clock_that_steps_costs_an_order_at_most_and_is_followed() {
    let rig = Rig::with("http", "").await;
    let place = PLACES[1];
    let differs = "clock-offset: its clock and ours differ too much";
    for ms in [-600, 1_100, -6_000, 70_000] {
        let (refused, told) = (rig.judge().answers(place.room, ORDERS, 400), rig.times_said(differs));
        rig.inject(Injection::new(place.room, Verb::VenueOffset { ms }));
        rig.running.wait(|| (rig.times_said(differs) == told).then(|| format!("{ms} ms: it was not noticed")));
        rig.heal();
        let over = || rig.running.health()["venue_modes"][place.venue] == "Full";
        rig.running.wait(|| (!over()).then(|| format!("{ms} ms: it is not over: {}", rig.running.health())));
        rig.wait_trades(2);
        let cost = rig.judge().answers(place.room, ORDERS, 400) - refused;
        // There and back again.
        assert!(cost <= 2, "{ms} ms: {cost} orders were refused: {}", rig.judge().tail());
    }
    let windows = rig.judge().windows_ms();
    assert!(!windows.is_empty() && windows.iter().all(|&ms| ms <= 5_000), "{windows:?}");
    rig.assert_recovered();
    rig.stop().await;
}
