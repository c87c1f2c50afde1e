//! Orders at Bybit over HTTP and on the order-entry socket: codes of each category, batches, limits, private topics,
//! the switch that guards connections, and faults.

use highwire_simulator::{Board, Deed, Ending, Injection, Member, Simulator, Venue, Verb};
use hmac::{Hmac, KeyInit, Mac};
use serde_json::{Value, json};
use sha2::Sha256;

use crate::client::Client;
use crate::members::send;
use crate::trader::{calm, wall_ms};

const CREATE: &str = "/v5/order/create";

struct Bybit {
    member: Member,
    base: String,
    ws: String,
}

fn order(category: &str, more: Value) -> Value {
    let mut order = json!({
        "category": category, "symbol": "BTCUSDT", "side": "Buy", "orderType": "Limit", "qty": "0.01", "price": "60000"
    });
    order.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    order
}

impl Bybit {
    fn at(simulator: &Simulator) -> Self {
        let address = simulator.address(Venue::Bybit).unwrap();
        Self { member: Member::dummies().remove(0), base: address.rest.clone(), ws: address.ws.clone() }
    }

    fn sign(&self, text: &str) -> String {
        let mut mac = Hmac::<Sha256>::new_from_slice(self.member.secret.as_bytes()).unwrap();
        mac.update(text.as_bytes());
        mac.finalize().into_bytes().iter().map(|byte| format!("{byte:02x}")).collect()
    }

    async fn ask(&self, method: &str, path: &str, payload: &str) -> (String, Value) {
        let (at, key) = (wall_ms().to_string(), self.member.key.as_str());
        let sign = self.sign(&format!("{at}{key}5000{payload}"));
        let headers = [
            ("X-BAPI-API-KEY", key),
            ("X-BAPI-TIMESTAMP", at.as_str()),
            ("X-BAPI-RECV-WINDOW", "5000"),
            ("X-BAPI-SIGN", sign.as_str()),
        ];
        match method {
            "GET" => send(&self.base, method, &format!("{path}?{payload}"), &headers, "").await,
            _ => send(&self.base, method, path, &headers, payload).await,
        }
    }

    async fn get(&self, path: &str, query: &str) -> Value {
        self.ask("GET", path, query).await.1
    }

    async fn post(&self, path: &str, body: Value) -> Value {
        self.ask("POST", path, &body.to_string()).await.1
    }

    async fn socket(&self, path: &str) -> Client {
        let mut client = Client::open(&format!("{}{path}", self.ws)).await.unwrap();
        let expires = wall_ms() + 10_000;
        let args = json!([self.member.key, expires, self.sign(&format!("GET/realtime{expires}"))]);
        client.say(&json!({ "op": "auth", "args": args }).to_string()).await;
        assert_eq!(client.json().await["op"], "auth");
        client
    }

    async fn listen(&self, topics: Value) -> Client {
        let mut client = self.socket("/v5/private").await;
        client.say(&json!({ "op": "subscribe", "args": topics }).to_string()).await;
        assert_eq!(client.json().await["success"], true);
        client
    }
}

/// An operation on the order-entry socket.
fn operation(id: &str, op: &str, args: Value) -> String {
    let header = json!({ "X-BAPI-TIMESTAMP": wall_ms().to_string(), "X-BAPI-RECV-WINDOW": "5000" });
    json!({ "reqId": id, "header": header, "op": op, "args": [args] }).to_string()
}

fn fault(simulator: &Simulator, script: &str) {
    let verb: Verb = serde_json::from_str(script).unwrap();
    let mut injection = Injection::new(Venue::Bybit, verb);
    injection.target.symbol =
        ["force_close", "foreign_order"].iter().any(|v| script.contains(v)).then(|| "BTCUSDT".to_owned());
    simulator.control().apply(injection).unwrap();
}

#[tokio::test]
async fn what_breaks_a_rule_is_refused_in_the_code_of_its_category() {
    let simulator = calm(Member::dummies()).await;
    let bybit = Bybit::at(&simulator);
    for (more, spot, linear) in [
        (json!({ "side": "Up" }), 10_001, 10_001),
        (json!({ "symbol": "NOPE" }), 170_121, 10_001),
        (json!({ "price": "60000.01" }), 170_134, 10_001),
        (json!({ "qty": "0.00000001" }), 170_137, 10_001),
        (json!({ "qty": "0.00001", "price": "60000" }), 170_140, 10_001),
        (json!({ "qty": "500" }), 170_131, 110_007),
        (json!({ "price": "6000" }), 170_193, 110_003),
        (json!({ "orderLinkId": "a.b" }), 10_001, 10_001),
        (json!({ "positionIdx": 1 }), 10_001, 10_001),
        (json!({ "reduceOnly": true }), 0, 110_017),
        (json!({ "orderLinkId": "mine-1" }), 0, 0),
    ] {
        for (category, code) in [("spot", spot), ("linear", linear)] {
            // the spot order takes the id first
            let more = if category == "linear" && more["orderLinkId"] == "mine-1" {
                json!({ "orderLinkId": "mine-2" })
            } else {
                more.clone()
            };
            let answer = bybit.post(CREATE, order(category, more.clone())).await;
            assert_eq!(answer["retCode"], code, "{category} {more}: {answer}");
        }
        tokio::time::sleep(std::time::Duration::from_millis(110)).await; // ten orders a second on linear
    }
    for (category, id, code) in [("spot", "mine-1", 170_141), ("linear", "mine-2", 110_072)] {
        assert_eq!(bybit.post(CREATE, order(category, json!({ "orderLinkId": id }))).await["retCode"], code);
    }
    for (category, code) in [("spot", 170_213), ("linear", 110_001)] {
        let never = json!({ "category": category, "symbol": "BTCUSDT", "orderLinkId": "never" });
        assert_eq!(bybit.post("/v5/order/cancel", never.clone()).await["retCode"], code);
        assert_eq!(bybit.post("/v5/order/amend", never).await["retCode"], code);
    }
    assert_eq!(bybit.get("/v5/order/realtime", "category=linear").await["retCode"], 10_001, "symbol or coin");
    assert_eq!(bybit.get("/v5/position/list", "category=spot").await["retCode"], 10_001);
    assert_eq!(bybit.get("/v5/account/wallet-balance", "accountType=SPOT").await["retCode"], 10_001);
    simulator.stop().await;
}

#[tokio::test]
async fn orders_are_batched_changed_listed_in_pages_and_cancelled_together() {
    let simulator = calm(Member::dummies()).await;
    let bybit = Bybit::at(&simulator);
    let one = |id: &str, qty: &str| json!({ "symbol": "BTCUSDT", "side": "Buy", "orderType": "Limit", "qty": qty, "price": "60000", "orderLinkId": id });
    let batch = json!({ "category": "linear", "request": [one("a", "0.01"), one("b", "999"), one("c", "0.02")] });
    let answer = bybit.post("/v5/order/create-batch", batch).await;
    let codes: Vec<_> =
        answer["retExtInfo"]["list"].as_array().unwrap().iter().map(|row| row["code"].clone()).collect();
    assert_eq!((&answer["retCode"], codes), (&0.into(), vec![0.into(), 110_007.into(), 0.into()]));
    let first = answer["result"]["list"][0].clone();
    assert_eq!((&first["orderLinkId"], first["orderId"].as_str().unwrap().len()), (&"a".into(), 36), "a UUID");
    let page = bybit.get("/v5/order/realtime", "category=linear&settleCoin=USDT&limit=1").await["result"].clone();
    assert_eq!(page["list"][0]["orderLinkId"], "c");
    let query = format!("category=linear&settleCoin=USDT&limit=1&cursor={}", page["nextPageCursor"].as_str().unwrap());
    let next = bybit.get("/v5/order/realtime", &query).await["result"].clone();
    assert_eq!((&next["list"][0]["orderLinkId"], &next["nextPageCursor"]), (&"a".into(), &"".into()));
    let change = json!({ "category": "linear", "symbol": "BTCUSDT", "orderId": first["orderId"], "qty": "0.03", "price": "59000" });
    assert_eq!(bybit.post("/v5/order/amend", change.clone()).await["result"]["orderLinkId"], "a");
    assert_eq!(bybit.post("/v5/order/amend", change).await["retCode"], 10_001, "nothing would change");
    let wallet =
        bybit.get("/v5/account/wallet-balance", "accountType=UNIFIED&coin=USDT").await["result"]["list"][0].clone();
    // 0.03 × 59000 / 20 + 0.02 × 60000 / 20
    assert_eq!((&wallet["coin"][0]["totalOrderIM"], &wallet["coin"][0]["locked"]), (&"148.5".into(), &"0".into()));
    let all = bybit.post("/v5/order/cancel-all", json!({ "category": "linear", "settleCoin": "USDT" })).await;
    assert_eq!(all["result"]["list"].as_array().unwrap().len(), 2);
    let history = bybit.get("/v5/order/history", "category=linear&symbol=BTCUSDT").await["result"]["list"].clone();
    assert_eq!((&history[0]["orderStatus"], &history[0]["cancelType"]), (&"Cancelled".into(), &"CancelByUser".into()));
    let again = json!({ "category": "linear", "symbol": "BTCUSDT", "orderLinkId": "a" });
    assert_eq!(bybit.post("/v5/order/cancel", again).await["retCode"], 110_008);
    simulator.stop().await;
}

#[tokio::test]
async fn private_topics_tell_orders_executions_the_wallet_and_positions() {
    let simulator = calm(Member::dummies()).await;
    let bybit = Bybit::at(&simulator);
    let mut news =
        bybit.listen(json!(["order.linear", "execution.linear", "execution.fast", "position", "wallet"])).await;
    let mut entry = bybit.socket("/v5/trade").await;
    entry.say(&operation("spot", "order.create", order("spot", json!({})))).await;
    assert_eq!(entry.json().await["retCode"], 0, "told to nobody who asked for linear");
    let buy = json!({ "orderType": "Market", "price": null, "qty": "0.002" });
    entry.say(&operation("r1", "order.create", order("linear", buy.clone()))).await;
    let answer = entry.json().await;
    assert_eq!(
        (&answer["reqId"], &answer["retCode"], &answer["header"]["X-Bapi-Limit"]),
        (&"r1".into(), &0.into(), &"10".into())
    );
    let id = answer["data"]["orderId"].clone();
    let first = news.find(|m| m["topic"] == "order.linear").await["data"][0].clone();
    assert_eq!((&first["orderStatus"], &first["orderId"], &first["orderLinkId"]), (&"New".into(), &id, &"".into()));
    let fast = news.find(|m| m["topic"] == "execution.fast").await["data"][0].clone();
    let fill = news.find(|m| m["topic"] == "execution.linear").await["data"][0].clone();
    assert_eq!(
        (&fill["execType"], &fill["execQty"], &fill["leavesQty"], &fill["feeRate"]),
        (&"Trade".into(), &"0.002".into(), &"0".into(), &"0.00055".into())
    );
    assert_eq!((&fast["execId"], &fast["execFee"]), (&fill["execId"], &Value::Null));
    let position = news.find(|m| m["topic"] == "position").await["data"][0].clone();
    assert_eq!(
        (&position["side"], &position["size"], &position["entryPrice"]),
        (&"Buy".into(), &"0.002".into(), &fill["execPrice"])
    );
    entry.say(&operation("r1", "order.create", order("linear", buy))).await;
    assert_eq!(entry.json().await["retCode"], 20_006, "a request id is taken once");
    let late = operation("r2", "order.create", order("linear", json!({})))
        .replace("\"X-BAPI-TIMESTAMP\":\"", "\"X-BAPI-TIMESTAMP\":\"1");
    entry.say(&late).await;
    assert_eq!(entry.json().await["retCode"], 10_002);
    let listed = bybit.get("/v5/execution/list", "category=linear&symbol=BTCUSDT").await["result"]["list"][0].clone();
    assert_eq!((&listed["execId"], &listed["execFee"]), (&fill["execId"], &fill["execFee"]));
    let held = bybit.get("/v5/position/list", "category=linear&symbol=BTCUSDT").await["result"]["list"][0].clone();
    assert_eq!(held["avgPrice"], fill["execPrice"]);
    simulator.stop().await;
}

#[tokio::test]
async fn a_post_only_order_that_would_take_ends_and_a_part_that_is_cancelled_has_its_word() {
    let simulator = calm(Member::dummies()).await;
    let bybit = Bybit::at(&simulator);
    let ended = async |more: Value| {
        assert_eq!(bybit.post(CREATE, order("spot", more.clone())).await["retCode"], 0, "{more}");
        let query = format!("category=spot&symbol=BTCUSDT&orderLinkId={}", more["orderLinkId"].as_str().unwrap());
        let order = bybit.get("/v5/order/realtime", &query).await["result"]["list"][0].clone();
        (order["orderStatus"].as_str().unwrap().to_owned(), order["rejectReason"].as_str().unwrap().to_owned())
    };
    let told = |status: &str, reason: &str| (status.to_owned(), reason.to_owned());
    let post = json!({ "price": "70000", "timeInForce": "PostOnly", "orderLinkId": "post" });
    assert_eq!(ended(post).await, told("Cancelled", "EC_PostOnlyWillTakeLiquidity"));
    let fok = json!({ "qty": "14", "price": "65010", "timeInForce": "FOK", "orderLinkId": "fok" });
    assert_eq!(ended(fok).await, told("Cancelled", "EC_NoEnoughQtyToFill"));
    let part = json!({ "qty": "14", "price": "65010", "timeInForce": "IOC", "orderLinkId": "part" });
    assert_eq!(ended(part).await, told("PartiallyFilledCanceled", "EC_NoImmediateQtyToFill"));
    let quote = json!({ "orderType": "Market", "price": null, "qty": "100", "orderLinkId": "quote" });
    assert_eq!(ended(quote).await, told("Filled", "EC_NoError"));
    simulator.stop().await;
}

#[tokio::test]
async fn limits_are_the_members_per_kind_and_told_in_headers() {
    let simulator = calm(Member::dummies()).await;
    let bybit = Bybit::at(&simulator);
    let (head, _) = bybit.ask("POST", CREATE, &order("spot", json!({})).to_string()).await;
    assert!(head.contains("x-bapi-limit: 20") && head.contains("x-bapi-limit-status: 19"), "{head}");
    let mut entry = bybit.socket("/v5/trade").await;
    let mut codes = Vec::new();
    for number in 0..40 {
        entry.say(&operation(&number.to_string(), "order.create", order("linear", json!({})))).await;
        codes.push(entry.json().await["retCode"].as_u64().unwrap());
    }
    let first = codes.iter().position(|code| *code == 10_006).expect("a refusal");
    assert!(first >= 10 && codes.iter().all(|code| [0, 10_006].contains(code)), "{codes:?}");
    simulator.stop().await;
}

#[tokio::test]
async fn the_switch_fires_when_the_last_guard_of_a_product_is_gone() {
    let simulator = calm(Member::dummies()).await;
    let bybit = Bybit::at(&simulator);
    let protect = json!({ "product": "DERIVATIVES", "timeWindow": 10 });
    assert_eq!(bybit.post("/v5/order/disconnected-cancel-all", protect).await["retCode"], 0);
    for category in ["spot", "linear"] {
        assert_eq!(bybit.post(CREATE, order(category, json!({}))).await["retCode"], 0);
    }
    let switches = || {
        let switch = |deed: &Deed| {
            if let Deed::DeadMan { after_ms, fired, .. } = deed { Some((*after_ms, *fired)) } else { None }
        };
        simulator.records(0).iter().filter_map(|record| switch(&record.deed)).collect::<Vec<_>>()
    };
    let until = async |wanted: &[(u64, bool)]| {
        for _ in 0..400 {
            if switches() == wanted {
                return;
            }
            tokio::time::sleep(std::time::Duration::from_millis(10)).await;
        }
        panic!("{:?}, not {wanted:?}", switches());
    };
    let guard = bybit.listen(json!(["order", "dcp.future"])).await;
    until(&[(0, false)]).await;
    let second = bybit.listen(json!(["dcp.future"])).await;
    drop(guard);
    tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    until(&[(0, false)]).await;
    drop(second);
    until(&[(0, false), (10_000, false)]).await;
    let third = bybit.listen(json!(["dcp.future"])).await;
    until(&[(0, false), (10_000, false), (0, false)]).await;
    drop(third);
    until(&[(0, false), (10_000, false), (0, false), (10_000, false)]).await;
    fault(&simulator, r#"{"deadman_fire":{}}"#);
    let boards: Vec<_> = simulator
        .records(0)
        .into_iter()
        .filter_map(|record| match record.deed {
            Deed::Ended { why: Ending::DeadMan, board, .. } => Some(board),
            _ => None,
        })
        .collect();
    assert_eq!(boards, [Board::BybitLinear], "the spot order stays");
    simulator.stop().await;
}

#[tokio::test]
async fn faults_part_outcomes_from_answers_and_the_venue_acts_by_itself() {
    let simulator = calm(Member::dummies()).await;
    let bybit = Bybit::at(&simulator);
    let clear = || {
        simulator.control().take_back(|_, _| true);
    };
    let create = async |more: Value| bybit.post(CREATE, order("spot", more)).await["retCode"].as_u64().unwrap();
    let orders = || simulator.records(0).iter().filter(|r| matches!(r.deed, Deed::Order { .. })).count();
    fault(&simulator, r#"{"outcome":{"outcome":"accept","answer":"error"}}"#);
    assert_eq!((create(json!({})).await, orders()), (10_016, 1));
    clear();
    fault(&simulator, r#"{"outcome":{"outcome":"lost","answer":"error"}}"#);
    assert_eq!((create(json!({})).await, orders()), (10_016, 1));
    clear();
    fault(&simulator, r#"{"outcome":{"outcome":"reject","answer":"ok"}}"#);
    assert_eq!(create(json!({})).await, 170_193);
    clear();
    let mut news = bybit.listen(json!(["order", "execution"])).await;
    fault(&simulator, r#"{"reject_after_ack":{}}"#);
    assert_eq!(create(json!({ "orderLinkId": "taken" })).await, 0);
    assert_eq!(news.find(|m| m["data"][0]["orderStatus"] == "Rejected").await["data"][0]["orderLinkId"], "taken");
    clear();
    fault(&simulator, r#"{"fill_before_ack":{"ms":50}}"#);
    let mut entry = bybit.socket("/v5/trade").await;
    let taking = json!({ "orderType": "Market", "price": null, "qty": "100", "orderLinkId": "late" });
    entry.say(&operation("1", "order.create", order("spot", taking))).await;
    assert_eq!(
        news.find(|m| m["topic"] == "order" && m["data"][0]["orderLinkId"] == "late").await["data"][0]["orderStatus"],
        "Filled"
    );
    assert_eq!(entry.json().await["data"]["orderLinkId"], "late");
    clear();
    assert_eq!(create(json!({ "orderLinkId": "raced" })).await, 0);
    fault(&simulator, r#"{"cancel_race":{"ms":50}}"#);
    let cancel = json!({ "category": "spot", "symbol": "BTCUSDT", "orderLinkId": "raced" });
    assert_eq!(bybit.post("/v5/order/cancel", cancel).await["retCode"], 170_213);
    assert_eq!(
        news.find(|m| m["topic"] == "execution" && m["data"][0]["orderLinkId"] == "raced").await["data"][0]["isMaker"],
        true
    );
    clear();
    bybit.post(CREATE, order("linear", json!({ "orderType": "Market", "price": null }))).await;
    fault(&simulator, r#"{"force_close":{"kind":"adl"}}"#);
    let closed = news.find(|m| m["data"][0]["execType"] == "AdlTrade").await["data"][0].clone();
    assert_eq!(
        (&closed["side"], &closed["orderLinkId"], &closed["createType"]),
        (&"Sell".into(), &"".into(), &"CreateByAdl_PassThrough".into())
    );
    simulator.stop().await;
}
