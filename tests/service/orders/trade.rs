//! Trades of two legs over both transports, without a fault.

use super::rig::{OTHERS, PERPETUALS, PLACES, Place, Rig};

async fn ends_in_agreement(places: &'static [Place], orders_over: &str) {
    let rig = Rig::between(places, orders_over, "").await;
    rig.wait_trades(8);
    rig.assert_sound();
    rig.stop().await;
}

/// Conformance: binance_spot trades; binance_usdm trades
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn orders_over_sockets_trade_and_everybody_agrees() {
    ends_in_agreement(&PLACES, "socket").await;
}

/// Conformance: binance_spot trades; binance_usdm trades
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn orders_over_http_trade_and_everybody_agrees() {
    ends_in_agreement(&PLACES, "http").await;
}

/// Conformance: okx trades; bybit_spot trades
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn where_sockets_answer_no_questions_everybody_agrees_too() {
    ends_in_agreement(&OTHERS, "socket").await;
}

/// Conformance: okx trades; bybit_spot trades
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn okx_and_bybit_over_http_agree() {
    ends_in_agreement(&OTHERS, "http").await;
}

/// Conformance: okx trades; bybit_linear trades
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn perpetuals_of_okx_and_bybit_trade_over_sockets_and_everybody_agrees() {
    ends_in_agreement(&PERPETUALS, "socket").await;
}

/// Conformance: okx trades; bybit_linear trades
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn perpetuals_of_okx_and_bybit_over_http_agree() {
    ends_in_agreement(&PERPETUALS, "http").await;
}
