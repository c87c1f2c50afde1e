//! Trades of two legs over both transports, without a fault.

use super::rig::Rig;

async fn ends_in_agreement(orders_over: &str) {
    let rig = Rig::trading(orders_over).await;
    rig.wait_trades(5);
    rig.assert_sound();
    rig.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn orders_over_sockets_trade_and_everybody_agrees() {
    ends_in_agreement("socket").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn orders_over_http_trade_and_everybody_agrees() {
    ends_in_agreement("http").await;
}
