//! Faults of market data: what one client's stream shows, and that it is whole again afterwards.

use std::time::{Duration, Instant};

use highwire_simulator::fault::verb::{BookSide, ChecksumFault, Hostile};
use highwire_simulator::{Endpoint, Injection, RuleOverrides, Simulator, Venue, Verb};
use serde_json::Value;

use crate::client::{Book, Client, decimals, get, lively, lively_with};

const BYBIT: &str = "spot/orderbook.50.BTCUSDT";

async fn bybit_on(simulator: &Simulator, endpoint: Endpoint) -> Client {
    let url = format!("{}/v5/public/spot", simulator.endpoint(Venue::Bybit, endpoint).unwrap().ws);
    let mut client = Client::open(&url).await.unwrap();
    client.say(r#"{"op":"subscribe","args":["orderbook.50.BTCUSDT"]}"#).await;
    assert_eq!(client.json().await["success"], true);
    client
}

async fn okx(simulator: &Simulator) -> Client {
    let mut client =
        Client::open(&format!("{}/ws/v5/public", simulator.address(Venue::Okx).unwrap().ws)).await.unwrap();
    client.say(r#"{"op":"subscribe","args":[{"channel":"books","instId":"BTC-USDT"}]}"#).await;
    client.json().await;
    client
}

fn on_a(simulator: &Simulator, verb: Verb) {
    let injection = Injection::new(Venue::Bybit, verb).on(Endpoint::A).topic(BYBIT);
    simulator.control().apply(injection).unwrap();
}

fn u(message: &Value) -> u64 {
    message["data"]["u"].as_u64().unwrap_or_else(|| panic!("no u: {message}"))
}

async fn numbers(client: &mut Client, count: usize) -> Vec<u64> {
    let mut out = Vec::new();
    for _ in 0..count {
        out.push(u(&client.json().await));
    }
    out
}

#[tokio::test]
async fn a_gap_of_n_is_n_pushes_wide_and_on_one_endpoint_only() {
    let simulator = lively(RuleOverrides::default()).await;
    let (mut a, mut b) = (bybit_on(&simulator, Endpoint::A).await, bybit_on(&simulator, Endpoint::B).await);
    let steps = async |client: &mut Client, before: u64| {
        let us = [vec![before], numbers(client, 300).await].concat();
        us.windows(2).map(|w| w[1] - w[0]).filter(|&step| step != 1).collect::<Vec<_>>()
    };
    let before = (u(&a.json().await), u(&b.json().await));
    on_a(&simulator, Verb::Gap { n: 3 });
    assert_eq!(steps(&mut a, before.0).await, [4]);
    assert_eq!(steps(&mut b, before.1).await, [0; 0]);
    simulator.stop().await;
}

#[tokio::test]
async fn the_second_endpoint_lags_by_what_is_configured() {
    let simulator = lively_with(|config| config.lag_b = Duration::from_millis(120)).await;
    let (mut a, mut b) = (bybit_on(&simulator, Endpoint::A).await, bybit_on(&simulator, Endpoint::B).await);
    a.json().await;
    b.json().await;
    let wanted = u(&a.json().await) + 30; // both streams are under way by then
    while u(&a.json().await) < wanted {}
    let first = Instant::now();
    while u(&b.json().await) < wanted {}
    assert!(first.elapsed() >= Duration::from_millis(90), "{:?}", first.elapsed());
    simulator.stop().await;
}

#[tokio::test]
async fn pushes_come_twice_out_of_order_and_again() {
    let simulator = lively(RuleOverrides::default()).await;
    let mut client = bybit_on(&simulator, Endpoint::A).await;
    client.json().await;
    on_a(&simulator, Verb::Dup { p: 1.0 });
    numbers(&mut client, 50).await; // what was on its way
    let us = numbers(&mut client, 10).await;
    assert!(us.windows(2).filter(|w| w[0] == w[1]).count() >= 4, "{us:?}");
    simulator.control().take_back(|_, _| true);
    on_a(&simulator, Verb::Reorder { p: 1.0 });
    numbers(&mut client, 50).await; // what was on its way
    let us = numbers(&mut client, 10).await;
    assert!(us.windows(2).filter(|w| w[1] + 1 == w[0]).count() >= 4, "{us:?}");
    simulator.control().take_back(|_, _| true);
    let latest = *numbers(&mut client, 10).await.iter().max().unwrap();
    on_a(&simulator, Verb::Replay { s: 30 });
    let us = numbers(&mut client, 60).await;
    assert!(us.iter().any(|&u| u + 5 < latest), "{us:?}");
    simulator.stop().await;
}

#[tokio::test]
async fn a_restarted_engine_numbers_lower_on_every_venue() {
    let simulator = lively(RuleOverrides::default()).await;
    let (mut client, mut bybit) = (okx(&simulator).await, bybit_on(&simulator, Endpoint::A).await);
    let mut last = client.json().await["data"][0]["seqId"].as_i64().unwrap();
    bybit.json().await;
    for (venue, symbol) in [(Venue::Okx, "BTC-USDT"), (Venue::Bybit, "BTCUSDT")] {
        simulator.control().apply(Injection::new(venue, Verb::SeqReset {}).symbol(symbol)).unwrap();
    }
    loop {
        let message = client.json().await;
        let data = &message["data"][0];
        assert_eq!(data["prevSeqId"], last, "the chain itself holds");
        let seq = data["seqId"].as_i64().unwrap();
        if std::mem::replace(&mut last, seq) > seq {
            break;
        }
    }
    let snapshot = bybit.find(|m| m["type"] == "snapshot").await;
    assert_eq!(u(&snapshot), 1);
    simulator.stop().await;
}

#[tokio::test]
async fn checksums_are_wrong_or_missing() {
    let simulator = lively(RuleOverrides::default()).await;
    let mut client = okx(&simulator).await;
    client.json().await;
    let apply = |how| simulator.control().apply(Injection::new(Venue::Okx, Verb::Checksum { how })).unwrap();
    apply(ChecksumFault::Bad);
    client.find(|m| m["data"][0]["checksum"].as_i64().is_some_and(|sum| sum != 0)).await;
    simulator.control().take_back(|_, _| true);
    apply(ChecksumFault::Absent);
    let without = client.find(|m| m["data"][0].get("checksum").is_none()).await;
    assert!(without["data"][0]["seqId"].is_u64());
    simulator.stop().await;
}

#[tokio::test]
async fn rest_shows_an_old_book_as_often_as_asked() {
    let simulator = lively(RuleOverrides::default()).await;
    let rest = simulator.address(Venue::BinanceSpot).unwrap().rest.clone();
    let old = Injection::new(Venue::BinanceSpot, Verb::OldSnapshot { n: 2 }).symbol("BTCUSDT");
    simulator.control().apply(old).unwrap();
    tokio::time::sleep(Duration::from_millis(200)).await;
    let mut ids = Vec::new();
    for _ in 0..3 {
        ids.push(get(&rest, "/api/v3/depth?symbol=BTCUSDT&limit=5").await.2["lastUpdateId"].as_u64().unwrap());
    }
    assert!(ids[0] == ids[1] && ids[1] < ids[2], "{ids:?}");
    simulator.stop().await;
}

/// Applies deltas for a while; how often the book was crossed, had no bids, and had its best ask far away.
async fn oddities(client: &mut Client, book: &mut Book, count: usize) -> (usize, usize, usize) {
    let (mut crossed, mut empty, mut far) = (0, 0, 0);
    for _ in 0..count {
        let message = client.json().await;
        if message["type"] == "snapshot" {
            book.clear();
        }
        book.apply(&message["data"]["b"], &message["data"]["a"]);
        crossed += usize::from(book.crossed() && !book.bids.is_empty());
        empty += usize::from(book.bids.is_empty());
        far += usize::from(book.asks.first_key_value().is_some_and(|(&px, _)| px < 200_000));
    }
    (crossed, empty, far)
}

#[tokio::test]
async fn books_cross_lose_a_side_and_show_outliers_and_are_whole_afterwards() {
    let simulator = lively(RuleOverrides::default()).await;
    let mut client = bybit_on(&simulator, Endpoint::A).await;
    let mut book = Book { dp: (1, 6), ..Book::default() };
    oddities(&mut client, &mut book, 5).await;
    on_a(&simulator, Verb::Cross { ms: 200 });
    assert!(oddities(&mut client, &mut book, 80).await.0 >= 3);
    on_a(&simulator, Verb::Outlier { x: 0.01 });
    assert_eq!(oddities(&mut client, &mut book, 80).await.2, 1);
    on_a(&simulator, Verb::EmptySide { side: BookSide::Bid });
    assert!(oddities(&mut client, &mut book, 80).await.1 >= 5);
    simulator.control().take_back(|_, _| true);
    oddities(&mut client, &mut book, 80).await;
    assert!(!book.crossed() && book.bids.len() > 40 && book.asks.len() > 40, "{} bids", book.bids.len());
    simulator.stop().await;
}

#[tokio::test]
async fn after_a_shown_lie_the_book_equals_the_truth_again() {
    let simulator = lively(RuleOverrides::default()).await;
    let mut client = bybit_on(&simulator, Endpoint::A).await;
    let mut book = Book { dp: (1, 6), ..Book::default() };
    for verb in [Verb::Cross { ms: 0 }, Verb::Outlier { x: 100.0 }, Verb::Outlier { x: 0.5 }] {
        on_a(&simulator, verb);
        let mut last = 0;
        for _ in 0..60 {
            let message = client.json().await;
            if message["type"] == "snapshot" {
                book.clear();
            }
            book.apply(&message["data"]["b"], &message["data"]["a"]);
            last = u(&message);
        }
        let truth = simulator.ledger(Venue::Bybit, BYBIT).into_iter().find(|e| e.count == last).unwrap();
        assert_eq!(book.digest(), truth.digest);
    }
    simulator.stop().await;
}

#[tokio::test]
async fn hostile_values_stand_where_a_price_should() {
    let simulator = lively(RuleOverrides::default()).await;
    let mut client = okx(&simulator).await;
    for (kind, shown) in [
        (Hostile::Nan, Value::from("NaN")),
        (Hostile::Null, Value::Null),
        (Hostile::SmallExponent, Value::from("1e-8")),
        (Hostile::Number, Value::from(65000.5)),
    ] {
        simulator.control().apply(Injection::new(Venue::Okx, Verb::Value { kind })).unwrap();
        let first = |side: &Value| side.get(0).is_some_and(|level| level[0] == shown);
        let odd = |m: &Value| first(&m["data"][0]["asks"]) || first(&m["data"][0]["bids"]);
        client.find(odd).await;
    }
    simulator.stop().await;
}

#[tokio::test]
async fn times_are_shifted_change_their_unit_and_follow_the_venues_clock() {
    let simulator = lively(RuleOverrides::default()).await;
    let mut client = bybit_on(&simulator, Endpoint::A).await;
    client.json().await;
    let apply = |verb| simulator.control().apply(Injection::new(Venue::Bybit, verb)).unwrap();
    let wall = || std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_millis() as i64;
    apply(Verb::TsShift { ms: -5_000 });
    let late = client.find(|m| (wall() - m["ts"].as_i64().unwrap()) > 4_000).await;
    assert!((wall() - late["cts"].as_i64().unwrap()) > 4_000);
    simulator.control().take_back(|_, _| true);
    apply(Verb::TsUnit {});
    client.find(|m| m["ts"].as_i64().unwrap() > wall() * 900).await;
    simulator.control().take_back(|_, _| true);
    apply(Verb::VenueOffset { ms: 6_000 });
    client.find(|m| m["ts"].as_i64().unwrap() - wall() > 5_000).await;
    let (_, _, time) = get(&simulator.address(Venue::Bybit).unwrap().rest, "/v5/market/time").await;
    let ahead = time["time"].as_i64().unwrap() - wall();
    assert!((5_800..=6_200).contains(&ahead), "{ahead}");
    let (_, _, okx) = get(&simulator.address(Venue::Okx).unwrap().rest, "/api/v5/public/time").await;
    let okx: i64 = okx["data"][0]["ts"].as_str().unwrap().parse().unwrap();
    assert!((okx - wall()).abs() < 1_000, "the other venue's clock is right");
    simulator.stop().await;
}

#[tokio::test]
async fn a_drifting_clock_gains() {
    let simulator = lively(RuleOverrides::default()).await;
    simulator.control().apply(Injection::new(Venue::Okx, Verb::VenueDrift { ppm: 100_000 })).unwrap();
    let rest = simulator.address(Venue::Okx).unwrap().rest.clone();
    let wall = || std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_millis() as i64;
    let ahead = async || {
        let (_, _, body) = get(&rest, "/api/v5/public/time").await;
        body["data"][0]["ts"].as_str().unwrap().parse::<i64>().unwrap() - wall()
    };
    tokio::time::sleep(Duration::from_millis(1_000)).await;
    let gained = ahead().await;
    assert!((60..=300).contains(&gained), "{gained} ms in about a second at 10 %");
    simulator.stop().await;
}

#[tokio::test]
async fn status_tick_name_and_listing_change_in_metadata_and_streams() {
    let simulator = lively(RuleOverrides::default()).await;
    let (rest, control) = (simulator.address(Venue::Bybit).unwrap().rest.clone(), simulator.control());
    let row = async || get(&rest, "/v5/market/instruments-info?category=spot").await.2["result"]["list"][0].clone();
    let at = |verb| control.apply(Injection::new(Venue::Bybit, verb).symbol("BTCUSDT"));
    let mut client = bybit_on(&simulator, Endpoint::A).await;
    client.json().await;
    at(Verb::Status { status: "Closed".to_owned() }).unwrap();
    assert_eq!(row().await["status"], "Closed");
    control.take_back(|_, _| true);
    assert_eq!(row().await["status"], "Trading");
    at(Verb::Tick { value: "0.001".to_owned() }).unwrap();
    assert_eq!(decimals(&row().await["priceFilter"]["tickSize"]), 3);
    let fresh = client.find(|m| m["type"] == "snapshot").await;
    assert_eq!((u(&fresh), fresh["data"]["b"][0][0].as_str().unwrap().split_once('.').unwrap().1.len()), (1, 3));
    at(Verb::Tick { value: "1".to_owned() }).unwrap();
    let coarse = client.find(|m| m["type"] == "snapshot").await;
    assert!(!coarse["data"]["b"][0][0].as_str().unwrap().contains('.'));
    assert!(at(Verb::Rename { to: "XBTUSDT".to_owned() }).unwrap() >= 1);
    assert_eq!(row().await["symbol"], "XBTUSDT");
    assert!(at(Verb::Delist {}).unwrap_err().contains("no instrument `BTCUSDT`"));
    control.apply(Injection::new(Venue::Bybit, Verb::Delist {}).symbol("XBTUSDT")).unwrap();
    assert!(row().await.is_null());
    simulator.stop().await;
}

#[tokio::test]
async fn a_delisted_book_ends_empty() {
    let simulator = lively(RuleOverrides::default()).await;
    let mut client = bybit_on(&simulator, Endpoint::A).await;
    client.json().await;
    simulator.control().apply(Injection::new(Venue::Bybit, Verb::Delist {}).symbol("BTCUSDT")).unwrap();
    let last = client.find(|m| m["type"] == "snapshot").await;
    assert_eq!((u(&last), last["data"]["b"].as_array().unwrap().len()), (1, 0));
    simulator.stop().await;
}
