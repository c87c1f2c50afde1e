//! Rows M02 to M06: books that the venue spoils are not traded on, and are the venue's again afterwards.

use crate::rig::{Plan, Rig};
use highwire_links::page::BookState;
use highwire_simulator::{Injection, Venue as Room, Verb};
use serde_json::json;

const OKX: &str = "okx:BTC-USDT";
const BINANCE: &str = "binance_spot:BTCUSDT";
const BYBIT: &str = "bybit_spot:BTCUSDT";

/// A verb in the words of a fault script: what the simulator gives no type for.
pub fn verb(words: serde_json::Value) -> Verb {
    serde_json::from_value(words).unwrap()
}

/// Fault: M06
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_crossed_book_is_not_traded_on_and_comes_back() {
    let rig = Rig::start(Plan::default()).await;
    for (room, name, topic) in
        [(Room::Okx, OKX, "books:*"), (Room::Bybit, BYBIT, "spot/orderbook.50*"), (Room::BinanceSpot, BINANCE, "*@depth@100ms")]
    {
        let _ = topic;
        rig.strike(room, Verb::Cross { ms: 0 });
        rig.wait("the crossed book is noticed", |rig| rig.losses(name).iter().any(|why| why.contains("Crossed"))).await;
        rig.wait("it is live again", |rig| rig.state(name) == BookState::Live).await;
    }
    // The venue itself is crossed for ten seconds: it is left alone, and what asks anew does not storm.
    let (from, asked) = (rig.now(), rig.connections(Room::Okx).len());
    rig.inject(Injection::new(Room::Okx, Verb::Cross { ms: 10_000 }));
    rig.rest(10_500).await;
    rig.no_trade_on(OKX, (from + 500_000_000, from + 10_000_000_000));
    let anew = rig.connections(Room::Okx).len() - asked;
    assert!(anew <= 3, "{anew} connections in ten seconds");
    rig.wait("it is live again", |rig| rig.state(OKX) == BookState::Live).await;
    rig.wait_trades_on(OKX, 1).await;
    rig.books_are_the_venues().await;
    rig.end().await;
    let _ = json!(null);
}
