//! Faults of REST answers, in front of every venue.

use std::time::{Duration, Instant};

use highwire_simulator::{Endpoint, Injection, RuleOverrides, Simulator, Venue, Verb};

use crate::client::{get, lively, raw};

async fn okx(verb: Verb) -> (Simulator, String) {
    let simulator = lively(RuleOverrides::default()).await;
    simulator.control().apply(Injection::new(Venue::Okx, verb).on(Endpoint::A)).unwrap();
    let rest = simulator.address(Venue::Okx).unwrap().rest.clone();
    (simulator, rest)
}

async fn answer(rest: &str) -> String {
    String::from_utf8_lossy(&raw(rest, "GET", "/api/v5/public/time", "").await).into_owned()
}

#[tokio::test]
async fn statuses_pages_and_limits_come_instead_of_an_answer() {
    let headers = vec![("x-odd".to_owned(), "1".to_owned())];
    for (verb, words) in [
        (Verb::HttpStatus { code: 502, headers, body: "oops".to_owned() }, ["HTTP/1.1 502", "x-odd: 1", "oops"]),
        (Verb::Html { code: 520 }, ["HTTP/1.1 520", "text/html", "cloudflare"]),
        (Verb::RetryAfter { value: "soon".to_owned() }, ["HTTP/1.1 429", "retry-after: soon", "50011"]),
        (Verb::RetryAfter { value: String::new() }, ["HTTP/1.1 429", "50011", ""]),
        (Verb::Ban { s: 30 }, ["HTTP/1.1 429", "retry-after: 30", "50011"]),
    ] {
        let (simulator, rest) = okx(verb).await;
        let text = answer(&rest).await;
        assert!(words.iter().all(|word| text.contains(word)), "{words:?}: {text}");
        let other = simulator.endpoint(Venue::Okx, Endpoint::B).unwrap().rest.clone();
        assert!(answer(&other).await.contains(r#""code":"0""#), "the other endpoint is sound");
        simulator.stop().await;
    }
}

#[tokio::test]
async fn a_ban_of_binance_is_a_418_that_ends() {
    let simulator = lively(RuleOverrides::default()).await;
    simulator.control().apply(Injection::new(Venue::BinanceSpot, Verb::Ban { s: 1 })).unwrap();
    let rest = simulator.address(Venue::BinanceSpot).unwrap().rest.clone();
    let (status, head, body) = get(&rest, "/api/v3/time").await;
    assert_eq!((status, body["code"].as_i64()), (418, Some(-1003)));
    assert!(head.contains("retry-after: 1"));
    tokio::time::sleep(Duration::from_millis(1_100)).await;
    assert_eq!(get(&rest, "/api/v3/time").await.0, 200);
    simulator.stop().await;
}

#[tokio::test]
async fn a_smaller_quota_is_enforced() {
    let simulator = lively(RuleOverrides::default()).await;
    let rest = simulator.address(Venue::BinanceSpot).unwrap().rest.clone();
    simulator.control().apply(Injection::new(Venue::BinanceSpot, Verb::Weight { limit: 30 })).unwrap();
    let mut statuses = Vec::new();
    for _ in 0..8 {
        statuses.push(get(&rest, "/api/v3/depth?symbol=BTCUSDT&limit=100").await.0); // weight 5
    }
    assert!(statuses.starts_with(&[200, 200]) && statuses.contains(&429), "{statuses:?}");
    simulator.stop().await;
}

#[tokio::test]
async fn answers_are_cut_short_with_and_without_saying_so() {
    let (simulator, rest) = okx(Verb::Truncate { n: 10, announced: true }).await;
    let text = answer(&rest).await;
    assert!(text.contains("content-length: 10") && text.ends_with(r#"{"code":"0"#), "{text}");
    simulator.stop().await;
    let (simulator, rest) = okx(Verb::Truncate { n: 10, announced: false }).await;
    let text = answer(&rest).await;
    let (head, body) = text.split_once("\r\n\r\n").unwrap();
    let promised: usize = head.split("content-length: ").nth(1).unwrap().lines().next().unwrap().parse().unwrap();
    assert!(promised > body.len() && body.len() <= 10, "{text}");
    simulator.stop().await;
}

#[tokio::test]
async fn answers_hang_or_come_late_and_only_on_the_named_path() {
    let (simulator, rest) = okx(Verb::DelayInsteadOf429 { ms: 150, limit: 0 }).await;
    let asked = Instant::now();
    assert!(answer(&rest).await.contains(r#""code":"0""#));
    assert!(asked.elapsed() >= Duration::from_millis(150));
    simulator.control().take_back(|_, _| true);
    simulator.control().apply(Injection::new(Venue::Okx, Verb::Hang {}).topic("/api/v5/public/*")).unwrap();
    assert!(tokio::time::timeout(Duration::from_millis(200), answer(&rest)).await.is_err());
    assert_eq!(get(&rest, "/api/v5/market/books?instId=BTC-USDT").await.0, 200);
    simulator.stop().await;
}
