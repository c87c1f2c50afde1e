//! Injected faults reach the client as the venue would show them, and end when they should.

use std::time::Duration;

use highwire_simulator::{Fault, RuleOverrides, Simulator, Venue};
use tokio_tungstenite::tungstenite::Message;

use crate::client::{Book, Client, lively};

const SPOT_BOOK: &str = "spot/orderbook.50.BTCUSDT";

async fn bybit() -> (Simulator, Client) {
    let simulator = lively(RuleOverrides::default()).await;
    let url = format!("{}/v5/public/spot", simulator.address(Venue::Bybit).unwrap().ws);
    let mut client = Client::open(&url).await.unwrap();
    client.say(r#"{"op":"subscribe","args":["orderbook.50.BTCUSDT"]}"#).await;
    assert_eq!(client.json().await["success"], true);
    (simulator, client)
}

#[tokio::test]
async fn a_gap_breaks_the_chain_once() {
    let (simulator, mut client) = bybit().await;
    let mut last = client.json().await["data"]["u"].as_u64().unwrap();
    assert_eq!(simulator.control().inject(Venue::Bybit, &Fault::Gap(Some(SPOT_BOOK.to_owned()))), 1);
    let mut breaks = 0;
    for _ in 0..30 {
        let u = client.json().await["data"]["u"].as_u64().unwrap();
        breaks += u64::from(u != last + 1);
        last = u;
    }
    assert_eq!(breaks, 1);
    simulator.stop().await;
}

#[tokio::test]
async fn a_crossed_book_is_shown_and_taken_back() {
    let (simulator, mut client) = bybit().await;
    let mut book = Book { dp: (1, 6), ..Book::default() };
    simulator.control().inject(Venue::Bybit, &Fault::Cross(None));
    let mut crossed = 0;
    for _ in 0..30 {
        let message = client.json().await;
        if message["type"] == "snapshot" {
            book.clear();
        }
        book.apply(&message["data"]["b"], &message["data"]["a"]);
        crossed += u64::from(book.crossed());
    }
    assert!(crossed == 1 && !book.crossed(), "{crossed} crossed");
    simulator.stop().await;
}

#[tokio::test]
async fn a_restart_numbers_from_one_with_a_snapshot() {
    let (simulator, mut client) = bybit().await;
    client.json().await;
    simulator.control().inject(Venue::Bybit, &Fault::Restart(None));
    let snapshot = client.find(|m| m["type"] == "snapshot").await;
    assert_eq!(snapshot["data"]["u"], 1);
    assert_eq!(client.json().await["data"]["u"], 2);
    simulator.stop().await;
}

#[tokio::test]
async fn a_frozen_stream_is_silent_while_pings_are_answered_and_thaws_without_a_gap() {
    let (simulator, mut client) = bybit().await;
    let control = simulator.control();
    control.inject(Venue::Bybit, &Fault::Freeze(None));
    client.say(r#"{"op":"ping","req_id":"end"}"#).await;
    let mut last = 0;
    loop {
        let message = client.json().await;
        if message["op"] == "ping" {
            break;
        }
        last = message["data"]["u"].as_u64().unwrap();
    }
    let silent = tokio::time::timeout(Duration::from_millis(150), client.next()).await;
    assert!(silent.is_err(), "{silent:?}");
    control.inject(Venue::Bybit, &Fault::Thaw(None));
    assert_eq!(client.json().await["data"]["u"], last + 1);
    simulator.stop().await;
}

#[tokio::test]
async fn garbage_announcements_and_drops_arrive() {
    let simulator = lively(RuleOverrides::default()).await;
    let (control, base) = (simulator.control(), &simulator.address(Venue::BinanceSpot).unwrap().ws);
    let mut client = Client::open(&format!("{base}/ws/btcusdt@depth@100ms")).await.unwrap();
    client.json().await;
    assert_eq!(control.inject(Venue::BinanceSpot, &Fault::Announce), 1);
    client.find(|m| m["e"] == "serverShutdown").await;
    assert_eq!(control.inject(Venue::BinanceSpot, &Fault::Garbage(None)), 1);
    while serde_json::from_str::<serde_json::Value>(&client.text().await).is_ok() {}
    assert_eq!(control.inject(Venue::BinanceSpot, &Fault::Drop), 1);
    assert_eq!(client.end().await, None);
    assert_eq!(control.inject(Venue::BinanceSpot, &Fault::Close(1012)), 0);
    let mut again = Client::open(&format!("{base}/ws/btcusdt@trade")).await.unwrap();
    while control.inject(Venue::BinanceSpot, &Fault::Close(1012)) == 0 {
        tokio::task::yield_now().await;
    }
    assert_eq!(again.end().await, Some(1012));
    simulator.stop().await;
}

#[tokio::test]
async fn stop_ends_every_connection() {
    let (simulator, mut client) = bybit().await;
    simulator.stop().await;
    while let Some(message) = client.next().await {
        assert!(matches!(message, Message::Text(_)));
    }
}
