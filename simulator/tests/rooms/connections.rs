//! Connection rules are enforced: budgets, pings, idle and age limits, message rates, slow readers.

use std::time::Duration;

use highwire_simulator::{AssetSpec, MarketConfig, RuleOverrides, Simulator, SimulatorConfig, Venue};
use tokio_tungstenite::tungstenite::Message;

use crate::client::{Client, lively};

const SHORT: Option<Duration> = Some(Duration::from_millis(100));

#[tokio::test]
async fn a_fourth_okx_connection_in_a_second_is_refused() {
    let simulator = lively(RuleOverrides::default()).await;
    let url = format!("{}/ws/v5/public", simulator.address(Venue::Okx).unwrap().ws);
    let mut open = Vec::new();
    for _ in 0..3 {
        open.push(Client::open(&url).await.unwrap());
    }
    assert!(Client::open(&url).await.is_err());
    tokio::time::sleep(Duration::from_millis(1_050)).await;
    assert!(Client::open(&url).await.is_ok());
    simulator.stop().await;
}

#[tokio::test]
async fn six_messages_in_a_second_end_a_binance_spot_connection() {
    let simulator = lively(RuleOverrides::default()).await;
    let url = format!("{}/ws", simulator.address(Venue::BinanceSpot).unwrap().ws);
    let mut client = Client::open(&url).await.unwrap();
    for id in 0..6 {
        client.say(&format!(r#"{{"method":"LIST_SUBSCRIPTIONS","id":{id}}}"#)).await;
    }
    assert_eq!(client.end().await, Some(1008));
    simulator.stop().await;
}

#[tokio::test]
async fn only_answered_pings_keep_a_binance_connection() {
    let rules = RuleOverrides { ping_every: SHORT, pong_within: SHORT.map(|s| s * 5 / 2), ..RuleOverrides::default() };
    let simulator = lively(rules).await;
    let url = format!("{}/ws", simulator.address(Venue::BinanceUsdm).unwrap().ws);
    let mut deaf = Client::open(&url).await.unwrap();
    let mut client = Client::open(&url).await.unwrap();
    for _ in 0..5 {
        assert!(matches!(client.next().await, Some(Message::Ping(_)))); // tungstenite answers on the next read
    }
    let mut seen = 0;
    while let Some(Ok(message)) = futures_util::StreamExt::next(&mut deaf.0).await {
        // reading this late: the pongs leave after their time
        seen += u64::from(matches!(message, Message::Ping(_)));
        if let Message::Close(frame) = message {
            assert_eq!(frame.map(|f| u16::from(f.code)), Some(1008));
        }
    }
    assert!(seen > 0);
    simulator.stop().await;
}

#[tokio::test]
async fn idle_and_old_connections_are_closed_with_the_venues_code() {
    let rules = RuleOverrides { idle: SHORT, lifetime: SHORT.map(|s| s * 2), ..RuleOverrides::default() };
    let simulator = lively(rules).await;
    let okx = format!("{}/ws/v5/public", simulator.address(Venue::Okx).unwrap().ws);
    assert_eq!(Client::open(&okx).await.unwrap().end().await, Some(4004));
    let binance = format!("{}/ws/btcusdt@bookTicker", simulator.address(Venue::BinanceSpot).unwrap().ws);
    assert_eq!(Client::open(&binance).await.unwrap().end().await, Some(1001));
    simulator.stop().await;
}

#[tokio::test]
async fn oversized_and_binary_messages_end_the_connection() {
    let simulator = lively(RuleOverrides::default()).await;
    let url = format!("{}/ws/v5/public", simulator.address(Venue::Okx).unwrap().ws);
    let mut client = Client::open(&url).await.unwrap();
    client.say(&"x".repeat(65 << 10)).await;
    assert!(matches!(client.end().await, None | Some(1009)));
    let mut client = Client::open(&url).await.unwrap();
    futures_util::SinkExt::send(&mut client.0, Message::binary(vec![1])).await.unwrap();
    assert_eq!(client.end().await, Some(1003));
    simulator.stop().await;
}

#[tokio::test]
async fn a_reader_that_never_reads_is_cut_off() {
    let assets = vec![AssetSpec::new("BTC", 65_000 * 100_000_000)];
    let market = MarketConfig { assets, rate_per_s: 5_000, levels: 400, ..MarketConfig::default() };
    let venues = vec![(Venue::Bybit, Default::default())];
    let config = SimulatorConfig { market, venues, queue_frames: 8, cadence_divisor: 20, ..SimulatorConfig::default() };
    let simulator = Simulator::start(config).await.unwrap();
    let url = format!("{}/v5/public/spot", simulator.address(Venue::Bybit).unwrap().ws);
    let mut client = Client::narrow(&url).await;
    client.say(r#"{"op":"subscribe","args":["orderbook.200.BTCUSDT","orderbook.1000.BTCUSDT"]}"#).await;
    let started = std::time::Instant::now();
    while simulator.control().connections(Venue::Bybit) > 0 {
        assert!(started.elapsed() < Duration::from_secs(8), "still connected");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    simulator.stop().await;
}
