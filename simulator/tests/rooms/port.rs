//! The control port: what a program outside can do and see.

use highwire_simulator::fault::script;
use highwire_simulator::{Simulator, Venue};
use serde_json::Value;

use crate::client::{Client, get, lively_with, raw};

async fn served() -> (Simulator, String) {
    let simulator = lively_with(|config| config.control = Some(0)).await;
    let base = simulator.control_address().expect("a control port");
    (simulator, base)
}

async fn ask(base: &str, method: &str, path: &str, body: &str) -> (u16, Value) {
    let text = String::from_utf8(raw(base, method, path, body).await).unwrap();
    let (head, body) = text.split_once("\r\n\r\n").unwrap();
    (head.split(' ').nth(1).unwrap().parse().unwrap(), serde_json::from_str(body).unwrap())
}

#[tokio::test]
async fn faults_come_and_go_over_the_port() {
    let (simulator, base) = served().await;
    let script = r#"{"faults":[{"verb":"html","code":503,"venue":"okx","topic":"/api/v5/*"},
        {"verb":"close","code":1012,"venue":"bybit","at_ms":60000}]}"#;
    assert_eq!(ask(&base, "POST", "/faults", script).await.0, 200);
    let rest = simulator.address(Venue::Okx).unwrap().rest.clone();
    assert!(raw(&rest, "GET", "/api/v5/public/time", "").await.starts_with(b"HTTP/1.1 503"));
    let (_, state) = ask(&base, "GET", "/state", "").await;
    assert_eq!((&state["faults"][0]["verb"], &state["faults"][0]["parameters"]["code"]), (&"html".into(), &503.into()));
    assert_eq!(
        (&state["waiting"][0]["verb"], state["addresses"].as_array().unwrap().len()),
        (&"close".into(), 2 * Venue::ALL.len())
    );
    let (_, gone) = ask(&base, "DELETE", "/faults?verb=html", "").await;
    assert_eq!(gone["taken_back"], 1);
    assert_eq!(get(&rest, "/api/v5/public/time").await.0, 200);
    simulator.stop().await;
}

#[tokio::test]
async fn what_is_not_understood_is_refused_with_a_reason() {
    let (simulator, base) = served().await;
    for (script, why) in [
        (r#"[{"verb":"gapp"}]"#, "unknown variant `gapp`"),
        (r#"[{"verb":"gap","n":1,"colour":"red"}]"#, "unknown field `colour`"),
        (r#"[{"verb":"delist","venue":"okx"}]"#, "needs a `symbol`"),
        (r#"[{"verb":"delist","venue":"okx","symbol":"NO-PE"}]"#, "no instrument `NO-PE`"),
        (r#"[{"verb":"alert","code":40}]"#, "serves TLS"),
        (r#"[{"verb":"query_lag","ms":40,"venue":"polymarket"}]"#, "not obeyed there"),
        ("hello", "not JSON"),
    ] {
        let (status, body) = ask(&base, "POST", "/faults", script).await;
        assert_eq!(status, 400, "{script}");
        assert!(body["error"].as_str().unwrap().contains(why), "{body}");
    }
    assert_eq!(ask(&base, "DELETE", "/faults?colour=red", "").await.0, 400);
    simulator.stop().await;
}

#[tokio::test]
async fn connections_and_books_are_shown_and_one_connection_can_be_named() {
    let (simulator, base) = served().await;
    let url = format!("{}/ws/v5/public", simulator.address(Venue::Okx).unwrap().ws);
    let (mut first, mut second) = (Client::open(&url).await.unwrap(), Client::open(&url).await.unwrap());
    for client in [&mut first, &mut second] {
        client.say(r#"{"op":"subscribe","args":[{"channel":"books","instId":"BTC-USDT"}]}"#).await;
        client.json().await;
    }
    let (_, state) = ask(&base, "GET", "/state", "").await;
    let shown = state["connections"].as_array().unwrap();
    assert_eq!((shown.len(), &shown[0]["topics"][0]), (2, &"books:BTC-USDT".into()));
    let script = format!(r#"[{{"verb":"close","code":4001,"conn":{}}}]"#, shown[1]["conn"]);
    assert_eq!(ask(&base, "POST", "/faults", &script).await.1["touched"][0], 1);
    assert_eq!(second.end().await, Some(4001));
    first.json().await;
    simulator.control().pause();
    let (_, book) = ask(&base, "GET", "/books/okx/BTC-USDT", "").await;
    let rest = simulator.address(Venue::Okx).unwrap().rest.clone();
    let (_, _, served) = get(&rest, "/api/v5/market/books?instId=BTC-USDT&sz=400").await;
    assert_eq!(book[0]["id"], served["data"][0]["seqId"]);
    assert_eq!(book[0]["bids"][0][0], served["data"][0]["bids"][0][0]);
    assert_eq!(ask(&base, "GET", "/books/nyse/X", "").await.0, 400);
    simulator.stop().await;
}

#[tokio::test]
async fn the_ledger_is_read_from_any_record_on() {
    let (simulator, base) = served().await;
    let rest = simulator.address(Venue::Okx).unwrap().rest.clone();
    get(&rest, "/api/v5/public/time").await;
    let lines = async |from: &str| {
        let text = String::from_utf8(raw(&base, "GET", &format!("/ledger?from={from}"), "").await).unwrap();
        let (_, body) = text.split_once("\r\n\r\n").unwrap();
        body.lines().map(|line| serde_json::from_str(line).unwrap()).collect::<Vec<Value>>()
    };
    let all = lines("0").await;
    let asked = all.iter().find(|record| record["deed"] == "request").unwrap();
    assert_eq!((&asked["venue"], &asked["path"]), (&"okx".into(), &"/api/v5/public/time".into()));
    let answer =
        lines(&asked["number"].to_string()).await.into_iter().find(|record| record["deed"] == "answer").unwrap();
    assert_eq!((&answer["request"], &answer["status"]), (&asked["number"], &200.into()));
    assert_eq!(ask(&base, "GET", "/ledger?from=x", "").await.0, 400);
    simulator.stop().await;
}

#[tokio::test]
async fn the_authority_is_handed_out() {
    let simulator = lively_with(|config| (config.control, config.tls) = (Some(0), true)).await;
    let base = simulator.control_address().unwrap();
    let text = String::from_utf8(raw(&base, "GET", "/ca.pem", "").await).unwrap();
    assert!(text.ends_with(simulator.ca_pem().unwrap()));
    simulator.stop().await;
}

#[tokio::test]
async fn a_script_in_the_configuration_runs_from_the_start() {
    let entries =
        script::parse(r#"[{"verb":"close","code":1013,"venue":"okx","after":{"event":"subscribe","count":2}}]"#);
    let simulator = lively_with(|config| config.script = entries.unwrap()).await;
    let mut client =
        Client::open(&format!("{}/ws/v5/public", simulator.address(Venue::Okx).unwrap().ws)).await.unwrap();
    client.say(r#"{"op":"subscribe","args":[{"channel":"trades","instId":"BTC-USDT"}]}"#).await;
    client.json().await;
    assert_eq!(simulator.control().connections(Venue::Okx), 1);
    client.say(r#"{"op":"subscribe","args":[{"channel":"books","instId":"BTC-USDT"}]}"#).await;
    assert_eq!(client.end().await, Some(1013));
    simulator.stop().await;
}
