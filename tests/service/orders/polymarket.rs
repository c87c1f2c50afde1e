//! Both sides of a question bought at Polymarket below one, over its real protocols, without a fault.

use super::outcomes::{Market, apart};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn polymarket_sets_below_one_are_bought_and_everybody_agrees() {
    let market = Market::start(apart(), "").await;
    market.wait_trades(8);
    market.assert_sound().await;
    let truth = market.truth();
    assert!(truth.assert_sets_cost_less_than_one() >= 8, "{}", truth.tail());
    market.stop().await;
}
