//! What goes wrong with orders, and what the service makes of it. Every story ends healed, and in agreement with the
//! ledger: no order twice, no fill lost, nothing left unhedged.

use super::rig::Rig;
use highwire_simulator::Verb;
use highwire_simulator::fault::verb::{AnswerFault, OutcomeFault};

async fn survives(place: usize, verb: Verb) {
    let rig = Rig::trading("socket").await;
    rig.at(place, verb, 3_000);
    tokio::time::sleep(std::time::Duration::from_secs(4)).await;
    rig.heal();
    rig.assert_sound();
    rig.stop().await;
}

const fn outcome(outcome: OutcomeFault, answer: AnswerFault) -> Verb {
    Verb::Outcome { outcome, answer, ms: 1_000 }
}

/// Fault: X06
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_leg_that_is_refused_leaves_the_other_hedged() {
    survives(1, outcome(OutcomeFault::Reject, AnswerFault::Ok)).await;
}

/// Fault: X08
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_fill_before_its_ack_is_booked() {
    survives(0, Verb::FillBeforeAck { ms: 300 }).await;
}

/// Fault: X01
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn orders_whose_answer_is_lost_are_asked_for_and_never_sent_again() {
    survives(0, outcome(OutcomeFault::Lost, AnswerFault::Drop)).await;
}
