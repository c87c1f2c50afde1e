//! One leg trades and the other does not: what is left is hedged within its price band, and no human is needed.

use super::rig::{PLACES, Rig};
use highwire_simulator::fault::verb::{AnswerFault, OutcomeFault};
use highwire_simulator::{Injection, Verb};
use std::time::Duration;

/// Fault: X06
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_leg_that_is_refused_leaves_the_other_hedged() {
    let rig = Rig::trading("socket").await;
    for place in [1, 0] {
        let refused = Verb::Outcome { outcome: OutcomeFault::Reject, answer: AnswerFault::Ok, ms: 0 };
        rig.spoil_a_leg(place, refused);
        rig.wait_trades(1);
    }
    rig.assert_recovered();
    rig.stop().await;
}

/// Fault: X06
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_leg_whose_venue_is_cut_off_leaves_the_other_hedged() {
    let rig = Rig::trading("socket").await;
    for _ in 0..3 {
        rig.at(1, Verb::Reset {}, 0);
        tokio::time::sleep(Duration::from_millis(1_500)).await;
    }
    let all_up = || rig.judge().orders().iter().filter(|(room, _)| *room == PLACES[1].room).count();
    let before = all_up();
    rig.running.wait(|| (all_up() == before).then(|| "no order reaches the venue again".to_owned()));
    rig.assert_recovered();
    rig.stop().await;
}

/// Fault: X06
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_leg_whose_market_is_halted_leaves_the_other_hedged_elsewhere_and_the_pair_rests() {
    let rig = Rig::trading("socket").await;
    for (place, status) in [(1, "SETTLING"), (0, "HALT")] {
        let halted = Verb::Status { status: status.to_owned() };
        let halted = Injection::new(PLACES[place].room, halted).symbol(PLACES[place].symbol);
        let rests = rig.wire("pair_rests");
        rig.inject(halted.lasting_ms(2_500));
        rig.running.wait(|| (rig.wire("pair_rests") == rests).then(|| "the pair never rests".to_owned()));
        tokio::time::sleep(Duration::from_millis(3_000)).await;
    }
    assert!(rig.wire("hedges") > 0, "{}", rig.running.said());
    rig.assert_recovered();
    rig.stop().await;
}
