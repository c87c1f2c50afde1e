//! Both sides of a question bought at Polymarket below one, over its real protocols: without a fault, with answers that do
//! not say what became of an order, and on a chain that takes back what was matched.

use super::outcomes::{Market, apart};
use highwire_simulator::fault::verb::{AnswerFault, OutcomeFault};
use highwire_simulator::{PolymarketConfig, Verb};
use std::time::Duration;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn polymarket_sets_below_one_are_bought_and_everybody_agrees() {
    let market = Market::start(apart(), "").await;
    market.wait_trades(8);
    market.assert_sound().await;
    let truth = market.truth();
    assert!(truth.assert_sets_cost_less_than_one() >= 8, "{}", truth.tail());
    market.stop().await;
}

/// The venue has no ids of ours: whoever sends again trades twice, so every order is known by the hash that was computed
/// before it left.
///
/// Fault: X04
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn polymarket_orders_without_a_telling_answer_are_found_by_their_hash_and_never_sent_again() {
    use {AnswerFault as A, OutcomeFault as O};
    let market = Market::start(apart(), "").await;
    market.wait_trades(1);
    let faults = [(O::Accept, A::Drop), (O::Accept, A::Nameless), (O::Accept, A::Error), (O::Lost, A::Error)];
    for (number, (outcome, answer)) in faults.into_iter().enumerate() {
        market.at(Verb::Outcome { outcome, answer, ms: 1_500 }, 20_000);
        if number % 2 == 1 {
            market.at(Verb::MutePrivate {}, 20_000);
        }
        let before = market.wire("orders");
        market.running.wait(|| (market.wire("orders") == before).then(|| format!("{answer:?} met no order")));
        tokio::time::sleep(Duration::from_millis(1_200)).await;
        market.heal();
        market.wait_trades(1);
    }
    market.assert_sound().await;
    market.stop().await;
}

/// Fault: X18
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn polymarket_trades_that_are_matched_and_then_fail_are_taken_back_told_and_hedged() {
    let market = Market::start(PolymarketConfig { failures_ppm: 350_000, ..apart() }, "").await;
    market.wait_said("is not settled, and taken back");
    market.wait_said("mode of polymarket: Full → HedgeOnly (settlement");
    let known = market.wire("sagas");
    market.running.wait(|| market.unsettled());
    market.assert_sound().await;
    let failed = market.truth().failed().len();
    assert!(failed >= 3, "{failed} of {} failed, and that stopped it", market.truth().fills().len());
    assert!(market.wire("hedges") > 0, "{}", market.truth().tail());
    println!("{failed} of {} trades failed; {known} trades of both sides", market.truth().fills().len());
    market.stop().await;
}

/// Fault: X18
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn polymarket_trades_that_stay_matched_for_too_long_reduce_what_is_done_there() {
    let slow = PolymarketConfig { mined_after: Duration::from_secs(6), ..apart() };
    let market = Market::start(slow, "[modes]\nsettle_stuck_ms = 3000").await;
    market.wait_trades(1);
    market.wait_said("mode of polymarket: Full → Reduced (settlement)");
    market.assert_sound().await;
    market.stop().await;
}
