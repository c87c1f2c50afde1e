//! Requests: who may ask, what discovery says, what too many of them cost, and what a restart refuses.

use std::time::{Duration, Instant};

use highwire_simulator::{Fact, Injection, Venue, Verb};
use serde_json::json;

use crate::client::{ask, get, private, signed, simulator, tokens};

#[tokio::test(flavor = "multi_thread")]
async fn only_a_request_signed_now_by_the_account_is_answered() {
    let simulator = simulator().await;
    assert_eq!(get(&simulator, "/data/orders").await.0, 401);
    assert_eq!(private(&simulator, "GET", "/data/orders?next_cursor=MA%3D%3D", "").await.0, 200);
    let stale = signed("GET", "/data/orders", "", -120);
    assert_eq!(ask(&simulator, "GET", "/data/orders", &stale, "").await.0, 401);
    let for_another_path = signed("GET", "/data/trades", "", 0);
    assert_eq!(ask(&simulator, "GET", "/data/orders", &for_another_path, "").await.0, 401);
    let for_another_body = signed("DELETE", "/order", r#"{"orderID":"0x00"}"#, 0);
    assert_eq!(ask(&simulator, "DELETE", "/order", &for_another_body, r#"{"orderID":"0x01"}"#).await.0, 401);
    simulator.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn discovery_finds_both_spans_and_their_parameters_agree() {
    let simulator = simulator().await;
    let [up, down] = tokens(&simulator).await;
    let (_, hourly) = get(&simulator, "/gamma/events?series_id=10114&closed=false").await;
    assert!(hourly[0]["slug"].as_str().unwrap().starts_with("bitcoin-up-or-down-"), "{hourly}");
    let (_, mut market) = get(&simulator, &format!("/gamma/markets?clob_token_ids={up}")).await;
    let (_, mut unprefixed) = get(&simulator, &format!("/markets?limit=100&clob_token_ids={up}")).await;
    // prices move between two questions
    for moving in ["bestBid", "bestAsk", "outcomePrices"] {
        assert!(!market[0][moving].take().is_null() && !unprefixed[0][moving].take().is_null(), "no {moving}");
    }
    assert_eq!(unprefixed, market, "without its prefix too");
    let (_, listed) = get(&simulator, "/markets").await;
    assert!(listed["data"][0]["condition_id"].is_string(), "the CLOB's own list");
    let condition = market[0]["conditionId"].as_str().unwrap();
    let (status, compact) = get(&simulator, &format!("/clob-markets/{condition}")).await;
    assert_eq!((status, &compact["t"][1]["t"], &compact["mos"]), (200, &json!(down), &json!(5)));
    assert_eq!((&compact["fd"]["r"], &compact["nr"]), (&json!(0.07), &json!(false)));
    let (_, tick) = get(&simulator, &format!("/tick-size?token_id={up}")).await;
    assert_eq!(tick["minimum_tick_size"], compact["mts"]);
    let (_, book) = get(&simulator, &format!("/book?token_id={up}")).await;
    let best = |side: &str| book[side].as_array().unwrap().last().unwrap()["price"].as_str().unwrap().to_owned();
    assert!(best("bids") < best("asks"), "the best level is the last: {book}");
    assert_eq!(get(&simulator, "/book?token_id=1").await.0, 404);
    simulator.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn requests_beyond_the_limit_are_answered_late_not_refused() {
    let simulator = simulator().await;
    let [up, _] = tokens(&simulator).await;
    let path = format!("/tick-size?token_id={up}");
    let began = Instant::now();
    for _ in 0..210 {
        assert_eq!(get(&simulator, &path).await.0, 200);
    }
    // 200 fit into the span at once, each further one waits for 50 ms of it to pass
    assert!(began.elapsed() >= Duration::from_millis(450), "{:?}", began.elapsed());
    simulator.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_switch_is_fed_with_its_own_id_only() {
    let simulator = simulator().await;
    let (status, _, first) = private(&simulator, "POST", "/v1/heartbeats", r#"{"heartbeat_id":""}"#).await;
    assert_eq!(status, 200);
    let (status, _, refused) = private(&simulator, "POST", "/v1/heartbeats", r#"{"heartbeat_id":"x"}"#).await;
    assert_eq!((status, &refused["heartbeat_id"]), (400, &first["heartbeat_id"]));
    let body = json!({ "heartbeat_id": first["heartbeat_id"] }).to_string();
    assert_eq!(private(&simulator, "POST", "/v1/heartbeats", &body).await.0, 200);
    simulator.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_restart_by_script_answers_425_and_then_takes_makers_only() {
    let simulator = simulator().await;
    let restart = Verb::EngineRestart { down_ms: 300, post_only_ms: 60_000 };
    simulator.control().apply(Injection::new(Venue::Polymarket, restart)).unwrap();
    tokio::time::sleep(Duration::from_millis(50)).await;
    assert_eq!(private(&simulator, "POST", "/order", "{}").await.0, 425);
    assert_eq!(private(&simulator, "DELETE", "/cancel-all", "").await.0, 425);
    tokio::time::sleep(Duration::from_millis(400)).await;
    let (status, _, body) = private(&simulator, "POST", "/order", "{}").await;
    assert_eq!((status, &body["code"]), (503, &json!("post_only_mode")));
    assert_eq!(private(&simulator, "DELETE", "/cancel-all", "").await.0, 200);
    simulator.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn orders_beyond_the_signers_tokens_are_refused_with_the_time_to_wait() {
    let simulator = simulator().await;
    let mut refused = None;
    for _ in 0..200 {
        let (status, head, _) = private(&simulator, "POST", "/order", "{}").await;
        if status == 429 {
            refused = Some(head);
            break;
        }
        assert!(status == 400 && head.contains("poly-ratelimit-remaining"), "{head}");
    }
    assert!(refused.unwrap().contains("retry-after: 1"));
    let asked = simulator.polymarket_ledger(0).into_iter().filter(|entry| matches!(entry.fact, Fact::Request { .. }));
    assert!(asked.count() > 60, "the ledger has every request");
    simulator.stop().await;
}
