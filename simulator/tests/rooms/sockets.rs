//! Faults of the WebSocket: closes, pings, acks, frames, ages.

use std::time::{Duration, Instant};

use futures_util::StreamExt;
use highwire_simulator::fault::verb::AckFault;
use highwire_simulator::{Endpoint, Happening, Injection, RuleOverrides, Simulator, Venue, Verb, When};
use serde_json::Value;
use tokio_tungstenite::tungstenite::Message;

use crate::client::{Client, PATIENCE, lively, lively_with};

const VENUE: Venue = Venue::Okx;
const BOOKS: &str = r#"{"op":"subscribe","args":[{"channel":"books","instId":"BTC-USDT"}]}"#;

async fn okx() -> (Simulator, Client) {
    let simulator = lively(RuleOverrides::default()).await;
    let url = format!("{}/ws/v5/public", simulator.address(VENUE).unwrap().ws);
    let client = Client::open(&url).await.unwrap();
    (simulator, client)
}

fn now(simulator: &Simulator, verb: Verb) -> usize {
    simulator.control().apply(Injection::new(VENUE, verb)).unwrap()
}

#[tokio::test]
async fn every_close_code_arrives_with_its_reason() {
    let simulator = lively_with(|config| config.rules.connections = Some(100)).await;
    let url = format!("{}/ws/v5/public", simulator.address(VENUE).unwrap().ws);
    for code in [1000, 1001, 1003, 1007, 1008, 1009, 1011, 1012, 1013, 4000, 4004] {
        let mut client = Client::open(&url).await.unwrap();
        client.say("ping").await;
        client.text().await;
        assert_eq!(now(&simulator, Verb::Close { code, reason: "because".to_owned() }), 1);
        let frame = match client.next().await {
            Some(Message::Close(Some(frame))) => frame,
            other => panic!("{code}: {other:?}"),
        };
        assert_eq!((u16::from(frame.code), frame.reason.as_str()), (code, "because"));
    }
    let mut client = Client::open(&url).await.unwrap();
    client.say("ping").await;
    client.text().await;
    now(&simulator, Verb::Close { code: 1006, reason: String::new() });
    assert_eq!(client.end().await, None);
    simulator.stop().await;
}

#[tokio::test]
async fn pings_carry_the_asked_payload() {
    let (simulator, mut client) = okx().await;
    client.say("ping").await;
    client.text().await;
    for size in [0, 4, 125] {
        now(&simulator, Verb::Ping { size });
        assert_eq!(client.next().await, Some(Message::Ping(vec![b'p'; size].into())));
    }
    simulator.stop().await;
}

#[tokio::test]
async fn without_pongs_neither_ping_is_answered_and_data_flows() {
    let (simulator, mut client) = okx().await;
    client.say(BOOKS).await;
    client.json().await;
    now(&simulator, Verb::NoPong {});
    client.say("ping").await;
    futures_util::SinkExt::send(&mut client.0, Message::Ping("x".into())).await.unwrap();
    for _ in 0..30 {
        let Some(Message::Text(text)) = client.next().await else { panic!("wanted a text") };
        assert_ne!(text.as_str(), "pong");
    }
    simulator.control().take_back(|_, _| true);
    futures_util::SinkExt::send(&mut client.0, Message::Ping("y".into())).await.unwrap();
    while !matches!(client.next().await, Some(Message::Pong(payload)) if payload.as_ref() == b"y") {}
    simulator.stop().await;
}

#[tokio::test]
async fn acks_are_dropped_late_refused_or_half_refused() {
    let (simulator, mut client) = okx().await;
    let event = async |client: &mut Client, fault: AckFault| {
        simulator.control().take_back(|_, _| true);
        now(&simulator, Verb::Ack { how: fault, ms: 200 });
        client.say(BOOKS).await;
        client.json().await
    };
    assert_eq!(event(&mut client, AckFault::Drop).await["action"], "snapshot", "data without an ack");
    client.say(r#"{"op":"unsubscribe","args":[{"channel":"books","instId":"BTC-USDT"}]}"#).await;
    let url = format!("{}/ws/v5/public", simulator.address(VENUE).unwrap().ws);
    let mut client = Client::open(&url).await.unwrap();
    let asked = Instant::now();
    assert_eq!(event(&mut client, AckFault::Delay).await["action"], "snapshot", "data before the ack");
    assert_eq!(client.find(|m| m.get("event").is_some()).await["event"], "subscribe");
    assert!(asked.elapsed() >= Duration::from_millis(200));
    let mut client = Client::open(&url).await.unwrap();
    let refused = event(&mut client, AckFault::Error).await;
    assert_eq!(refused["code"], "60018");
    assert!(refused["msg"].as_str().unwrap().contains("instId:BTC-USDT doesn't"), "{refused}");
    simulator.control().take_back(|_, _| true);
    now(&simulator, Verb::Ack { how: AckFault::Partial, ms: 0 });
    let two = r#"{"channel":"bbo-tbt","instId":"BTC-USDT"},{"channel":"trades","instId":"BTC-USDT"}"#;
    client.say(&format!(r#"{{"op":"subscribe","args":[{two}]}}"#)).await;
    assert_eq!(client.json().await["code"], "60018");
    assert_eq!(client.json().await["arg"]["channel"], "trades");
    simulator.stop().await;
}

#[tokio::test]
async fn binance_and_bybit_refuse_in_their_own_words() {
    let simulator = lively(RuleOverrides::default()).await;
    for venue in [Venue::BinanceSpot, Venue::Bybit] {
        simulator.control().apply(Injection::new(venue, Verb::Ack { how: AckFault::Error, ms: 0 })).unwrap();
    }
    let mut client = Client::open(&format!("{}/ws", simulator.address(Venue::BinanceSpot).unwrap().ws)).await.unwrap();
    client.say(r#"{"method":"SUBSCRIBE","params":["btcusdt@trade"],"id":1}"#).await;
    assert_eq!(client.json().await["error"]["code"], 2);
    let url = format!("{}/v5/public/spot", simulator.address(Venue::Bybit).unwrap().ws);
    let mut client = Client::open(&url).await.unwrap();
    client.say(r#"{"op":"subscribe","args":["orderbook.50.BTCUSDT"]}"#).await;
    assert_eq!(client.json().await["ret_msg"], "error:handler not found,topic:orderbook.50.BTCUSDT");
    simulator.stop().await;
}

#[tokio::test]
async fn messages_are_cut_into_frames_and_can_be_huge() {
    let (simulator, mut client) = okx().await;
    client.say(BOOKS).await;
    client.json().await;
    now(&simulator, Verb::Fragment { n: 7 });
    for _ in 0..5 {
        assert!(client.json().await["data"].is_array(), "put together again");
    }
    simulator.control().take_back(|_, _| true);
    now(&simulator, Verb::Huge { bytes: 3 << 20 });
    loop {
        let text = client.text().await;
        if text.starts_with(r#"{"pad""#) {
            assert_eq!(text.len(), 3 << 20);
            break;
        }
    }
    simulator.stop().await;
}

#[tokio::test]
async fn fragments_are_frames_on_the_wire() {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    let simulator = lively(RuleOverrides::default()).await;
    simulator.control().apply(Injection::new(Venue::BinanceSpot, Verb::Fragment { n: 3 })).unwrap();
    let host = simulator.address(Venue::BinanceSpot).unwrap().ws.strip_prefix("ws://").unwrap().to_owned();
    let mut socket = tokio::net::TcpStream::connect(&host).await.unwrap();
    let head = format!(
        "GET /ws/btcusdt@bookTicker HTTP/1.1\r\nHost: {host}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"
    );
    socket.write_all(head.as_bytes()).await.unwrap();
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(socket.read_u8().await.unwrap());
    }
    for wanted in [0x01, 0x00, 0x80] {
        assert_eq!(socket.read_u8().await.unwrap(), wanted);
        let length = socket.read_u8().await.unwrap();
        assert!(length > 0 && length < 126);
        socket.read_exact(&mut vec![0; length.into()]).await.unwrap();
    }
    simulator.stop().await;
}

#[tokio::test]
async fn a_notice_comes_before_the_close_it_announces() {
    let (simulator, mut client) = okx().await;
    client.say("ping").await;
    client.text().await;
    assert_eq!(now(&simulator, Verb::ShutdownNotice { close_after_ms: 150 }), 1);
    let told = Instant::now();
    assert_eq!(client.json().await["code"], "64008");
    assert_eq!(client.end().await, Some(1001));
    assert!(told.elapsed() >= Duration::from_millis(140));
    simulator.stop().await;
}

#[tokio::test]
async fn connections_end_at_the_age_that_is_set_whether_old_or_new() {
    let (simulator, mut client) = okx().await;
    client.say("ping").await;
    client.text().await;
    now(&simulator, Verb::MaxAge { s: 1 });
    assert_eq!(client.end().await, Some(1001));
    simulator.control().take_back(|_, _| true);
    now(&simulator, Verb::Flap { ms: 100 });
    let url = format!("{}/ws/v5/public", simulator.address(VENUE).unwrap().ws);
    assert_eq!(Client::open(&url).await.unwrap().end().await, Some(1001));
    simulator.stop().await;
}

#[tokio::test]
async fn a_reader_slower_than_the_limit_is_kicked() {
    let simulator = lively_with(|config| {
        (config.market.rate_per_s, config.market.levels) = (5_000, 400);
        (config.cadence_divisor, config.queue_frames) = (20, 100_000);
    })
    .await;
    simulator.control().apply(Injection::new(Venue::Bybit, Verb::SlowKick { s: 1 })).unwrap();
    let url = format!("{}/v5/public/spot", simulator.address(Venue::Bybit).unwrap().ws);
    let mut client = Client::narrow(&url).await;
    client.say(r#"{"op":"subscribe","args":["orderbook.200.BTCUSDT","orderbook.1000.BTCUSDT"]}"#).await;
    let started = Instant::now();
    tokio::time::sleep(Duration::from_millis(500)).await;
    assert_eq!(simulator.control().connections(Venue::Bybit), 1);
    while simulator.control().connections(Venue::Bybit) > 0 {
        assert!(started.elapsed() < Duration::from_secs(10), "still connected");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    simulator.stop().await;
}

#[tokio::test]
async fn a_muted_topic_is_silent_on_one_endpoint_only() {
    let simulator = lively(RuleOverrides::default()).await;
    let mut clients = Vec::new();
    for endpoint in Endpoint::ALL {
        let url = format!("{}/ws/v5/public", simulator.endpoint(VENUE, endpoint).unwrap().ws);
        let mut client = Client::open(&url).await.unwrap();
        client.say(r#"{"op":"subscribe","args":[{"channel":"books","instId":"BTC-USDT"},{"channel":"bbo-tbt","instId":"BTC-USDT"}]}"#).await;
        client.find(|m| m["arg"]["channel"] == "books" && m.get("action").is_some()).await;
        clients.push(client);
    }
    let mute = Injection::new(VENUE, Verb::Mute {}).on(Endpoint::A).topic("books:*");
    simulator.control().apply(mute).unwrap();
    let seen = async |client: &mut Client| {
        let (mut books, mut tops) = (0, 0);
        let until = Instant::now() + Duration::from_millis(400);
        while Instant::now() < until {
            let Ok(Some(Ok(Message::Text(text)))) = tokio::time::timeout(PATIENCE, client.0.next()).await else {
                panic!("no text")
            };
            let value: Value = serde_json::from_str(&text).unwrap();
            match value["arg"]["channel"].as_str() {
                Some("books") => books += 1,
                _ => tops += 1,
            }
        }
        (books, tops)
    };
    let (a, b) = (seen(&mut clients[0]).await, seen(&mut clients[1]).await);
    assert!(a.0 <= 3 && a.1 > 5, "{a:?}");
    assert!(b.0 > 5, "{b:?}");
    simulator.stop().await;
}

#[tokio::test]
async fn a_trigger_fires_at_the_nth_happening_and_not_before() {
    let (simulator, mut client) = okx().await;
    let close = Injection::new(VENUE, Verb::Close { code: 1013, reason: String::new() });
    simulator
        .control()
        .apply(Injection { when: When::After { what: Happening::Push, count: 5, delay_ns: 0 }, ..close })
        .unwrap();
    client.say(BOOKS).await;
    let (mut pushes, mut code) = (0, None);
    while let Some(message) = client.next().await {
        match message {
            // The snapshot is the first of them.
            Message::Text(text) if text.contains(r#""action""#) => pushes += 1,
            Message::Close(frame) => code = frame.map(|f| u16::from(f.code)),
            _ => {}
        }
    }
    assert!(pushes >= 5, "{pushes}");
    assert_eq!(code, Some(1013));
    simulator.stop().await;
}
