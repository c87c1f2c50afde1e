//! Each venue's book, rebuilt by its documented algorithm, equals the simulator's own at every update.

use highwire_simulator::{RuleOverrides, Simulator, Venue};
use serde_json::Value;

use crate::client::{Book, Client, decimals, get, lively};

const UPDATES: usize = 60;

/// The digest that the simulator noted for a push.
fn truth(simulator: &Simulator, venue: Venue, key: &str, id: &Value, by_count: bool) -> u64 {
    let id = id.as_u64().expect("an id");
    let entries = simulator.ledger(venue, key);
    let entry = entries.iter().rev().find(|e| id == if by_count { e.count } else { e.id });
    entry.unwrap_or_else(|| panic!("{key}: nothing was published as {id}")).digest
}

async fn binance(usdm: bool) {
    let simulator = lively(RuleOverrides::default()).await;
    let venue = if usdm { Venue::BinanceUsdm } else { Venue::BinanceSpot };
    let (address, api) = (simulator.address(venue).unwrap(), if usdm { "/fapi/v1" } else { "/api/v3" });
    let (_, _, info) = get(&address.rest, &format!("{api}/exchangeInfo")).await;
    let filters = &info["symbols"][0]["filters"];
    let dp = (decimals(&filters[0]["tickSize"]), decimals(&filters[1]["stepSize"]));
    let route = if usdm { "/public" } else { "" };
    let url = format!("{}{route}/stream?streams=btcusdt@depth@100ms/btcusdt@bookTicker", address.ws);
    let mut client = Client::open(&url).await.unwrap();
    let mut book = Book { dp, ..Book::default() };
    client.find(|m| m["stream"] == "btcusdt@depth@100ms").await; // the stream runs before the snapshot is taken
    let (status, head, snapshot) = get(&address.rest, &format!("{api}/depth?symbol=BTCUSDT&limit=1000")).await;
    assert_eq!((status, head.contains("x-mbx-used-weight-1m")), (200, true));
    let mut last = snapshot["lastUpdateId"].as_u64().unwrap();
    book.apply(&snapshot["bids"], &snapshot["asks"]);
    let (mut applied, mut tickers, mut previous) = (0, 0, None);
    while applied < UPDATES || tickers < UPDATES {
        let message = client.json().await;
        let data = &message["data"];
        let number = |key: &str| data[key].as_u64().unwrap_or_else(|| panic!("{key} in {data}"));
        if message["stream"] == "btcusdt@bookTicker" {
            tickers += 1;
            assert_eq!(data["s"], "BTCUSDT");
            assert_eq!(data.get("e").is_some(), usdm, "spot bookTicker has no event type");
            continue;
        }
        assert_eq!(data["e"], "depthUpdate");
        if let Some(previous) = previous {
            assert_eq!(number("U"), previous + 1);
            assert_eq!(data["pu"].as_u64(), usdm.then_some(previous));
        }
        previous = Some(number("u"));
        if number("u") <= last {
            continue;
        }
        assert!(number("U") <= last + 1, "a gap after {last}: {data}");
        book.apply(&data["b"], &data["a"]);
        last = number("u");
        applied += 1;
        let truth = truth(&simulator, venue, "btcusdt@depth@100ms", &data["u"], false);
        assert!(!book.crossed() && book.digest() == truth, "update {applied}");
    }
    simulator.stop().await;
}

#[tokio::test]
async fn binance_spot_book_equals_ours_at_every_update() {
    binance(false).await;
}

#[tokio::test]
async fn binance_usdm_book_equals_ours_at_every_update() {
    binance(true).await;
}

async fn okx(kind: &str, symbol: &str) {
    let simulator = lively(RuleOverrides::default()).await;
    let address = simulator.address(Venue::Okx).unwrap();
    let (_, _, info) = get(&address.rest, &format!("/api/v5/public/instruments?instType={kind}")).await;
    let row = &info["data"][0];
    assert_eq!(row["instId"], *symbol);
    assert_eq!(row["ctVal"], if kind == "SWAP" { "0.01" } else { "" });
    let mut book = Book { dp: (decimals(&row["tickSz"]), decimals(&row["lotSz"])), ..Book::default() };
    let mut client = Client::open(&format!("{}/ws/v5/public", address.ws)).await.unwrap();
    client.say(&format!(r#"{{"op":"subscribe","args":[{{"channel":"books","instId":"{symbol}"}}]}}"#)).await;
    assert_eq!(client.json().await["event"], "subscribe");
    let mut last = Value::from(-1);
    for update in 0..UPDATES {
        let message = client.json().await;
        let data = &message["data"][0];
        assert_eq!(message["action"], if update == 0 { "snapshot" } else { "update" });
        assert_eq!((&data["prevSeqId"], &data["checksum"]), (&last, &Value::from(0)));
        last = data["seqId"].clone();
        book.apply(&data["bids"], &data["asks"]);
        let truth = truth(&simulator, Venue::Okx, &format!("books:{symbol}"), &last, false);
        assert!(!book.crossed() && book.digest() == truth, "update {update}");
    }
    simulator.stop().await;
}

#[tokio::test]
async fn okx_spot_book_equals_ours_at_every_update() {
    okx("SPOT", "BTC-USDT").await;
}

#[tokio::test]
async fn okx_swap_book_in_contracts_equals_ours_at_every_update() {
    okx("SWAP", "BTC-USDT-SWAP").await;
}

async fn bybit(category: &str, lot: &str) {
    let simulator = lively(RuleOverrides::default()).await;
    let address = simulator.address(Venue::Bybit).unwrap();
    let (_, _, info) = get(&address.rest, &format!("/v5/market/instruments-info?category={category}")).await;
    let row = &info["result"]["list"][0];
    let dp = (decimals(&row["priceFilter"]["tickSize"]), decimals(&row["lotSizeFilter"][lot]));
    let mut book = Book { dp, ..Book::default() };
    let mut client = Client::open(&format!("{}/v5/public/{category}", address.ws)).await.unwrap();
    client.say(r#"{"op":"subscribe","req_id":"s1","args":["orderbook.50.BTCUSDT"]}"#).await;
    assert_eq!(client.json().await["success"], true);
    let (mut u, mut seq) = (0, 0);
    for update in 0..UPDATES {
        let message = client.json().await;
        let data = &message["data"];
        assert_eq!(message["type"], if update == 0 { "snapshot" } else { "delta" });
        assert!(update == 0 || data["u"] == u + 1);
        assert!(data["seq"].as_u64().unwrap() > seq && message["cts"].is_u64());
        (u, seq) = (data["u"].as_u64().unwrap(), data["seq"].as_u64().unwrap());
        book.apply(&data["b"], &data["a"]);
        assert!(book.bids.len() <= 50 && !book.crossed());
        let key = format!("{category}/orderbook.50.BTCUSDT");
        assert_eq!(book.digest(), truth(&simulator, Venue::Bybit, &key, &data["u"], true), "update {update}");
    }
    simulator.stop().await;
}

#[tokio::test]
async fn bybit_spot_book_equals_ours_at_every_update() {
    bybit("spot", "basePrecision").await;
}

#[tokio::test]
async fn bybit_linear_book_equals_ours_at_every_update() {
    bybit("linear", "qtyStep").await;
}
