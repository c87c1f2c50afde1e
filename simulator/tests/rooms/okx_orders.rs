//! Orders at OKX over HTTP and on the private socket: codes, rules, batches, limits, private channels, the switch
//! that cancels everything, and faults.

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use highwire_simulator::{Deed, Ending, Injection, Member, Simulator, Venue, Verb};
use hmac::{Hmac, KeyInit, Mac};
use serde_json::{Value, json};
use sha2::Sha256;

use crate::client::Client;
use crate::members::{iso, send};
use crate::trader::{calm, wall_ms};

const ORDER: &str = "/api/v5/trade/order";

struct Okx {
    member: Member,
    base: String,
    ws: String,
}

fn order(more: Value) -> Value {
    let mut order = json!({ "instId": "BTC-USDT", "tdMode": "cash", "side": "buy", "ordType": "limit", "sz": "0.01", "px": "60000" });
    order.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    order
}

/// Outer code, then the element's.
fn codes(answer: &Value) -> (&str, &str) {
    (answer["code"].as_str().unwrap(), answer["data"][0]["sCode"].as_str().unwrap_or(""))
}

impl Okx {
    fn at(simulator: &Simulator) -> Self {
        let address = simulator.address(Venue::Okx).unwrap();
        Self { member: Member::dummies().remove(0), base: address.rest.clone(), ws: address.ws.clone() }
    }

    fn sign(&self, text: &str) -> String {
        let mut mac = Hmac::<Sha256>::new_from_slice(self.member.secret.as_bytes()).unwrap();
        mac.update(text.as_bytes());
        BASE64_STANDARD.encode(mac.finalize().into_bytes())
    }

    async fn ask(&self, method: &str, path: &str, body: &str, more: &[(&str, &str)]) -> (u16, Value) {
        let at = iso(wall_ms());
        let sign = self.sign(&format!("{at}{method}{path}{body}"));
        let mut headers = vec![
            ("OK-ACCESS-KEY", self.member.key.as_str()),
            ("OK-ACCESS-SIGN", &sign),
            ("OK-ACCESS-TIMESTAMP", &at),
            ("OK-ACCESS-PASSPHRASE", &self.member.passphrase),
        ];
        headers.extend(more);
        let (head, body) = send(&self.base, method, path, &headers, body).await;
        (head.split(' ').nth(1).unwrap().parse().unwrap(), body)
    }

    async fn get(&self, path: &str) -> Value {
        self.ask("GET", path, "", &[]).await.1
    }

    async fn post(&self, path: &str, body: Value) -> Value {
        self.ask("POST", path, &body.to_string(), &[]).await.1
    }

    async fn socket(&self) -> Client {
        let mut client = Client::open(&format!("{}/ws/v5/private", self.ws)).await.unwrap();
        let at = (wall_ms() / 1_000).to_string();
        let sign = self.sign(&format!("{at}GET/users/self/verify"));
        let login =
            json!({ "apiKey": self.member.key, "passphrase": self.member.passphrase, "timestamp": at, "sign": sign });
        client.say(&json!({ "op": "login", "args": [login] }).to_string()).await;
        assert_eq!(client.json().await["event"], "login");
        client
    }
}

async fn subscribe(client: &mut Client, args: Value) {
    client.say(&json!({ "op": "subscribe", "args": [args] }).to_string()).await;
    client.find(|m| m["event"] == "channel-conn-count").await;
}

fn fault(simulator: &Simulator, script: &str) {
    let verb: Verb = serde_json::from_str(script).unwrap();
    let mut injection = Injection::new(Venue::Okx, verb);
    injection.target.symbol =
        ["force_close", "foreign_order"].iter().any(|v| script.contains(v)).then(|| "BTC-USDT-SWAP".to_owned());
    simulator.control().apply(injection).unwrap();
}

#[tokio::test]
async fn what_breaks_a_rule_is_refused_by_its_element_in_the_documented_code() {
    let simulator = calm(Member::dummies()).await;
    let okx = Okx::at(&simulator);
    for (more, outer, inner) in [
        (json!({ "side": "up" }), "1", "51000"),
        (json!({ "tdMode": "cross" }), "1", "51000"),
        (json!({ "ordType": "oco" }), "1", "51000"),
        (json!({ "px": "60000.01" }), "1", "51000"),
        (json!({ "px": "" }), "50014", ""),
        (json!({ "sz": "0.00000001" }), "1", "51121"),
        (json!({ "sz": "100" }), "1", "51008"),
        (json!({ "px": "6000" }), "1", "51006"),
        (json!({ "clOrdId": "with-dash" }), "1", "51000"),
        (json!({ "instId": "NOPE-USDT" }), "1", "51001"),
        (json!({ "instId": "BTC-USDT-SWAP", "tdMode": "cross", "reduceOnly": true, "sz": "1" }), "1", "51169"),
    ] {
        let answer = okx.post(ORDER, order(more.clone())).await;
        assert_eq!(codes(&answer), (outer, inner), "{more}: {answer}");
    }
    assert_eq!(codes(&okx.post(ORDER, order(json!({ "clOrdId": "mine1" }))).await), ("0", "0"));
    let again = okx.post(ORDER, order(json!({ "clOrdId": "mine1" }))).await;
    assert_eq!((codes(&again), &again["data"][0]["clOrdId"]), (("1", "51016"), &"mine1".into()));
    let late = [("expTime", "1000")];
    let (_, answer) = okx.ask("POST", ORDER, &order(json!({})).to_string(), &late).await;
    assert_eq!(answer["code"], "50036", "a deadline that is over");
    assert_eq!(
        okx.ask("POST", ORDER, "nonsense", &[]).await,
        (400, json!({ "code": "50002", "data": [], "msg": "JSON syntax error" }))
    );
    assert_eq!(okx.get("/api/v5/trade/order?instId=BTC-USDT&clOrdId=never").await["code"], "51603");
    let gone = okx.post("/api/v5/trade/cancel-order", json!({ "instId": "BTC-USDT", "clOrdId": "never" })).await;
    assert_eq!(codes(&gone), ("1", "51400"));
    assert_eq!(okx.ask("GET", "/api/v5/trade/nothing", "", &[]).await.0, 404);
    simulator.stop().await;
}

#[tokio::test]
async fn batches_answer_item_by_item_and_lists_come_in_pages() {
    let simulator = calm(Member::dummies()).await;
    let okx = Okx::at(&simulator);
    let three =
        json!([order(json!({ "clOrdId": "a" })), order(json!({ "sz": "999" })), order(json!({ "clOrdId": "c" }))]);
    let answer = okx.post("/api/v5/trade/batch-orders", three).await;
    let inner: Vec<_> = answer["data"].as_array().unwrap().iter().map(|row| row["sCode"].as_str().unwrap()).collect();
    assert_eq!((&answer["code"], inner), (&"2".into(), vec!["0", "51008", "0"]));
    let amended = okx
        .post(
            "/api/v5/trade/amend-order",
            json!({ "instId": "BTC-USDT", "clOrdId": "a", "newSz": "0.02", "reqId": "r1" }),
        )
        .await;
    assert_eq!((codes(&amended), &amended["data"][0]["reqId"]), (("0", "0"), &"r1".into()));
    let page = okx.get("/api/v5/trade/orders-pending?limit=1").await;
    assert_eq!((&page["data"][0]["clOrdId"], page["data"].as_array().unwrap().len()), (&"c".into(), 1));
    let next =
        okx.get(&format!("/api/v5/trade/orders-pending?after={}", page["data"][0]["ordId"].as_str().unwrap())).await;
    assert_eq!((&next["data"][0]["clOrdId"], &next["data"][0]["sz"]), (&"a".into(), &"0.02".into()));
    let held = okx.get("/api/v5/account/balance?ccy=USDT").await["data"][0]["details"][0].clone();
    assert_eq!(
        (&held["cashBal"], &held["availBal"], &held["frozenBal"]),
        (&"1000000".into(), &"998200".into(), &"1800".into())
    );
    let both = json!([{ "instId": "BTC-USDT", "clOrdId": "a" }, { "instId": "BTC-USDT", "clOrdId": "c" }]);
    assert_eq!(okx.post("/api/v5/trade/cancel-batch-orders", both).await["code"], "0");
    let history = okx.get("/api/v5/trade/orders-history?instType=SPOT").await;
    assert_eq!((&history["data"][0]["state"], &history["data"][0]["cancelSource"]), (&"canceled".into(), &"1".into()));
    let closed =
        okx.post("/api/v5/trade/amend-order", json!({ "instId": "BTC-USDT", "clOrdId": "a", "newSz": "0.03" })).await;
    assert_eq!(codes(&closed), ("1", "51509"));
    simulator.stop().await;
}

#[tokio::test]
async fn the_socket_names_instruments_by_code_and_channels_tell_orders_balances_and_positions() {
    let simulator = calm(Member::dummies()).await;
    let okx = Okx::at(&simulator);
    let listed = okx.get("/api/v5/public/instruments?instType=SWAP").await["data"][0].clone();
    let mut client = okx.socket().await;
    for args in [json!({ "channel": "orders", "instType": "SWAP" }), json!({ "channel": "account" })] {
        subscribe(&mut client, args).await;
    }
    assert_eq!(client.find(|m| m["arg"]["channel"] == "account").await["eventType"], "snapshot");
    subscribe(&mut client, json!({ "channel": "positions", "instType": "ANY" })).await;
    subscribe(&mut client, json!({ "channel": "balance_and_position" })).await;
    let say = json!({ "id": "7", "op": "order", "args": [{ "instId": "BTC-USDT-SWAP", "tdMode": "cross", "side": "buy", "ordType": "market", "sz": "1" }] });
    client.say(&say.to_string()).await;
    assert_eq!(client.find(|m| m["id"] == "7").await["code"], "50014", "no instIdCode");
    let mut say = say;
    say["args"][0]["instIdCode"] = listed["instIdCode"].clone();
    client.say(&say.to_string()).await;
    let answer = client.find(|m| m["op"] == "order").await;
    assert_eq!((codes(&answer), answer["inTime"].as_str().unwrap().len()), (("0", "0"), 16));
    let first = client.find(|m| m["arg"]["channel"] == "orders").await;
    assert_eq!(
        (&first["data"][0]["state"], &first["arg"]["instType"], &first["data"][0]["clOrdId"]),
        (&"live".into(), &"SWAP".into(), &"".into())
    );
    let fill = client.find(|m| m["data"][0]["state"] == "filled").await["data"][0].clone();
    assert_eq!(
        (&fill["execType"], &fill["fillFeeCcy"], &fill["accFillSz"]),
        (&"T".into(), &"USDT".into(), &"1".into())
    );
    assert!(fill["fillFee"].as_str().unwrap().starts_with('-'));
    let position = client.find(|m| m["arg"]["channel"] == "positions" && m["eventType"] == "event_update").await;
    assert_eq!((&position["data"][0]["pos"], &position["data"][0]["avgPx"]), (&"1".into(), &fill["fillPx"]));
    assert_eq!(okx.get("/api/v5/account/positions").await["data"][0]["pos"], "1");
    let spot = okx.post(ORDER, order(json!({}))).await;
    assert_eq!(codes(&spot), ("0", "0"));
    let quiet =
        client.find(|m| m["arg"]["channel"] == "balance_and_position" && m["data"][0]["posData"] == json!([])).await;
    assert_eq!(
        quiet["data"][0]["balData"][0]["ccy"], "USDT",
        "a spot order moves no position and is not told among swaps"
    );
    simulator.stop().await;
}

#[tokio::test]
async fn a_market_buy_names_what_it_spends_unless_it_says_otherwise() {
    let simulator = calm(Member::dummies()).await;
    let okx = Okx::at(&simulator);
    let market = |more: Value| {
        let mut order = order(json!({ "ordType": "market", "px": null }));
        order.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        order
    };
    okx.post(ORDER, market(json!({ "sz": "100", "clOrdId": "quote" }))).await;
    let spent = okx.get("/api/v5/trade/order?instId=BTC-USDT&clOrdId=quote").await["data"][0].clone();
    assert_eq!(
        (&spent["sz"], &spent["tgtCcy"], &spent["state"]),
        (&"100".into(), &"quote_ccy".into(), &"filled".into())
    );
    let worth: f64 = spent["accFillSz"].as_str().unwrap().parse::<f64>().unwrap() * 65_000.0;
    assert!((99.0..101.0).contains(&worth), "{spent}");
    okx.post(ORDER, market(json!({ "sz": "0.001", "tgtCcy": "base_ccy", "clOrdId": "base" }))).await;
    let bought = okx.get("/api/v5/trade/order?instId=BTC-USDT&clOrdId=base").await["data"][0].clone();
    assert_eq!(
        (&bought["accFillSz"], &bought["feeCcy"], &bought["fee"]),
        (&"0.001".into(), &"BTC".into(), &"-0.000001".into())
    );
    simulator.stop().await;
}

#[tokio::test]
async fn sixty_orders_in_two_seconds_are_taken_per_instrument_over_both_transports() {
    let simulator = calm(Member::dummies()).await;
    let okx = Okx::at(&simulator);
    let mut client = okx.socket().await;
    let say = json!({ "id": "1", "op": "order", "args": [{ "instIdCode": 10_000, "tdMode": "cash", "side": "buy", "ordType": "limit", "sz": "0.01", "px": "60000" }] });
    let mut codes = Vec::new();
    for _ in 0..70 {
        client.say(&say.to_string()).await;
        codes.push(client.find(|m| m["op"] == "order").await["code"].as_str().unwrap().to_owned());
    }
    assert_eq!(codes.iter().filter(|code| *code == "0").count(), 60, "{codes:?}");
    assert!(codes.iter().skip(60).all(|code| code == "50011"));
    let (status, body) = okx.ask("POST", ORDER, &order(json!({})).to_string(), &[]).await;
    assert_eq!((status, &body["code"]), (429, &"50011".into()));
    let swap = json!({ "instId": "BTC-USDT-SWAP", "tdMode": "cross", "sz": "1" });
    assert_eq!(okx.post(ORDER, order(swap)).await["code"], "0", "another instrument has its own limit");
    simulator.stop().await;
}

#[tokio::test]
async fn the_switch_cancels_everything_when_it_fires() {
    let simulator = calm(Member::dummies()).await;
    let okx = Okx::at(&simulator);
    let path = "/api/v5/trade/cancel-all-after";
    assert_eq!(okx.post(path, json!({ "timeOut": "5" })).await["code"], "51000");
    okx.post(ORDER, order(json!({ "clOrdId": "spot" }))).await;
    okx.post(ORDER, order(json!({ "instId": "BTC-USDT-SWAP", "tdMode": "cross", "sz": "1", "clOrdId": "swap" }))).await;
    let armed = okx.post(path, json!({ "timeOut": "10" })).await;
    assert!(armed["data"][0]["triggerTime"].as_str().unwrap().parse::<u64>().unwrap() > wall_ms() + 8_000);
    fault(&simulator, r#"{"deadman_fire":{}}"#);
    for (symbol, id) in [("BTC-USDT", "spot"), ("BTC-USDT-SWAP", "swap")] {
        let order = okx.get(&format!("{ORDER}?instId={symbol}&clOrdId={id}")).await["data"][0].clone();
        assert_eq!((&order["state"], &order["cancelSource"]), (&"canceled".into(), &"20".into()));
    }
    let ended = |deed: &Deed| matches!(deed, Deed::Ended { why: Ending::DeadMan, .. });
    assert_eq!(simulator.records(0).iter().filter(|record| ended(&record.deed)).count(), 2);
    simulator.stop().await;
}

#[tokio::test]
async fn faults_part_outcomes_from_answers_and_the_venue_acts_by_itself() {
    let simulator = calm(Member::dummies()).await;
    let okx = Okx::at(&simulator);
    let clear = || {
        simulator.control().take_back(|_, _| true);
    };
    let orders = || simulator.records(0).iter().filter(|r| matches!(r.deed, Deed::Order { .. })).count();
    fault(&simulator, r#"{"outcome":{"outcome":"accept","answer":"error"}}"#);
    assert_eq!((okx.post(ORDER, order(json!({}))).await["code"].as_str(), orders()), (Some("50004"), 1));
    clear();
    fault(&simulator, r#"{"outcome":{"outcome":"lost","answer":"error"}}"#);
    assert_eq!((okx.post(ORDER, order(json!({}))).await["code"].as_str(), orders()), (Some("50004"), 1));
    clear();
    fault(&simulator, r#"{"outcome":{"outcome":"reject","answer":"ok"}}"#);
    assert_eq!(codes(&okx.post(ORDER, order(json!({}))).await), ("1", "51006"));
    clear();
    let mut client = okx.socket().await;
    subscribe(&mut client, json!({ "channel": "orders", "instType": "ANY" })).await;
    fault(&simulator, r#"{"reject_after_ack":{}}"#);
    assert_eq!(codes(&okx.post(ORDER, order(json!({ "clOrdId": "taken" }))).await), ("0", "0"));
    assert_eq!(client.find(|m| m["data"][0]["state"] == "canceled").await["data"][0]["clOrdId"], "taken");
    clear();
    let id = okx.post(ORDER, order(json!({}))).await["data"][0]["ordId"].clone();
    fault(&simulator, r#"{"cancel_race":{"ms":50}}"#);
    let cancel = json!({ "instId": "BTC-USDT", "ordId": id });
    assert_eq!(codes(&okx.post("/api/v5/trade/cancel-order", cancel).await), ("1", "51400"));
    assert_eq!(client.find(|m| m["data"][0]["state"] == "filled").await["data"][0]["execType"], "M");
    clear();
    fault(&simulator, r#"{"foreign_order":{}}"#);
    let foreign = client.find(|m| m["data"][0]["instId"] == "BTC-USDT-SWAP").await["data"][0].clone();
    assert_eq!((&foreign["clOrdId"], &foreign["state"]), (&"".into(), &"live".into()));
    okx.post(
        ORDER,
        order(json!({ "instId": "BTC-USDT-SWAP", "tdMode": "cross", "ordType": "market", "px": "", "sz": "2" })),
    )
    .await;
    fault(&simulator, r#"{"force_close":{"kind":"liquidation"}}"#);
    let closed = client.find(|m| m["data"][0]["category"] == "full_liquidation" && m["data"][0]["tradeId"] != "").await;
    assert_eq!((&closed["data"][0]["clOrdId"], &closed["data"][0]["side"]), (&"".into(), &"sell".into()));
    let script = r#"{"terminate":{}}"#;
    let refused = simulator.control().apply(Injection::new(Venue::Okx, serde_json::from_str(script).unwrap()));
    assert!(refused.unwrap_err().contains("does not have"));
    simulator.stop().await;
}
