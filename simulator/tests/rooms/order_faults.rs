//! Faults of orders and accounts at Binance, as a client sees them: what is lost, late, unknown, raced or told twice.

use std::time::{Duration, Instant};

use highwire_simulator::{Deed, Injection, Member, Simulator, Venue, Verb};

use crate::trader::{Trader, calm};

const ORDER: &str = "/api/v3/order";
const LIMIT: &str = "symbol=BTCUSDT&side=BUY&type=LIMIT&timeInForce=GTC&quantity=0.01&price=60000";

fn fault(simulator: &Simulator, venue: Venue, script: &str) {
    let verb: Verb = serde_json::from_str(script).unwrap();
    let mut injection = Injection::new(venue, verb);
    injection.target.symbol =
        ["force_close", "foreign_order"].iter().any(|v| script.contains(v)).then(|| "BTCUSDT".to_owned());
    simulator.control().apply(injection).unwrap();
}

fn clear(simulator: &Simulator) {
    simulator.control().take_back(|_, _| true);
}

fn orders(simulator: &Simulator) -> usize {
    simulator.records(0).iter().filter(|record| matches!(record.deed, Deed::Order { .. })).count()
}

#[tokio::test]
async fn outcomes_and_answers_part_ways() {
    let simulator = calm(Member::dummies()).await;
    let trader = Trader::at(&simulator, Venue::BinanceSpot);
    let spot = Venue::BinanceSpot;
    fault(&simulator, spot, r#"{"outcome":{"outcome":"accept","answer":"error"}}"#);
    assert_eq!(trader.ask("POST", ORDER, &format!("{LIMIT}&newClientOrderId=a")).await.code(), (504, -1007));
    assert_eq!(orders(&simulator), 1, "accepted all the same");
    clear(&simulator);
    fault(&simulator, spot, r#"{"outcome":{"outcome":"lost","answer":"error"}}"#);
    assert_eq!(trader.ask("POST", ORDER, LIMIT).await.code(), (504, -1007));
    assert_eq!(orders(&simulator), 1, "never arrived");
    clear(&simulator);
    fault(&simulator, spot, r#"{"outcome":{"outcome":"reject","answer":"ok"}}"#);
    assert_eq!(trader.ask("POST", ORDER, LIMIT).await.code(), (400, -2010));
    clear(&simulator);
    fault(&simulator, spot, r#"{"outcome":{"outcome":"accept","answer":"late","ms":300}}"#);
    let asked = Instant::now();
    assert_eq!(trader.ask("POST", ORDER, LIMIT).await.status, 200);
    assert!(asked.elapsed() >= Duration::from_millis(300));
    clear(&simulator);
    fault(&simulator, spot, r#"{"outcome":{"outcome":"accept","answer":"drop"}}"#);
    let dropped = tokio::time::timeout(Duration::from_millis(300), trader.ask("POST", ORDER, LIMIT)).await;
    assert!(dropped.is_err() && orders(&simulator) == 3);
    clear(&simulator);
    let open = trader.ask("GET", "/api/v3/openOrders", "symbol=BTCUSDT").await.body;
    assert_eq!(open.as_array().unwrap().len(), 3);
    simulator.stop().await;
}

#[tokio::test]
async fn fills_come_before_their_ack_and_in_parts() {
    let simulator = calm(Member::dummies()).await;
    let trader = Trader::at(&simulator, Venue::BinanceSpot);
    let mut stream = trader.listen(Venue::BinanceSpot).await;
    fault(&simulator, Venue::BinanceSpot, r#"{"fill_before_ack":{"ms":200}}"#);
    fault(&simulator, Venue::BinanceSpot, r#"{"partials":{"n":4}}"#);
    let asked = Instant::now();
    let query = "symbol=BTCUSDT&side=BUY&type=MARKET&quantity=0.004&newClientOrderId=parts";
    let (answer, kinds) = tokio::join!(trader.ask("POST", ORDER, query), async {
        let mut kinds = Vec::new();
        while kinds.len() < 5 {
            let event = stream.find(|m| m["event"]["e"] == "executionReport").await["event"].clone();
            kinds.push(event["x"].as_str().unwrap().to_owned());
        }
        kinds
    });
    assert_eq!(kinds, ["TRADE", "TRADE", "TRADE", "TRADE", "NEW"]);
    assert!(asked.elapsed() >= Duration::from_millis(200));
    assert_eq!(answer.body["fills"].as_array().unwrap().len(), 4);
    simulator.stop().await;
}

#[tokio::test]
async fn a_cancel_loses_its_race_and_an_ack_is_taken_back() {
    let simulator = calm(Member::dummies()).await;
    let trader = Trader::at(&simulator, Venue::BinanceSpot);
    let mut stream = trader.listen(Venue::BinanceSpot).await;
    let id = trader.ask("POST", ORDER, LIMIT).await.body["orderId"].as_u64().unwrap();
    fault(&simulator, Venue::BinanceSpot, r#"{"cancel_race":{"ms":150}}"#);
    let asked = Instant::now();
    assert_eq!(trader.ask("DELETE", ORDER, &format!("symbol=BTCUSDT&orderId={id}")).await.code(), (400, -2011));
    assert!(asked.elapsed() >= Duration::from_millis(150));
    assert_eq!(stream.find(|m| m["event"]["X"] == "FILLED").await["event"]["m"], true);
    clear(&simulator);
    fault(&simulator, Venue::BinanceSpot, r#"{"reject_after_ack":{}}"#);
    assert_eq!(trader.ask("POST", ORDER, LIMIT).await.status, 200);
    assert_eq!(stream.find(|m| m["event"]["x"] == "REJECTED").await["event"]["X"], "REJECTED");
    simulator.stop().await;
}

#[tokio::test]
async fn reports_are_dropped_doubled_and_overtaken() {
    let simulator = calm(Member::dummies()).await;
    let trader = Trader::at(&simulator, Venue::BinanceSpot);
    let mut stream = trader.listen(Venue::BinanceSpot).await;
    fault(&simulator, Venue::BinanceSpot, r#"{"report":{"how":"drop"}}"#);
    trader.ask("POST", ORDER, &format!("{LIMIT}&newClientOrderId=unseen")).await;
    tokio::time::sleep(Duration::from_millis(50)).await;
    clear(&simulator);
    fault(&simulator, Venue::BinanceSpot, r#"{"report":{"how":"dup"}}"#);
    trader.ask("POST", ORDER, &format!("{LIMIT}&newClientOrderId=twice")).await;
    let reports = [stream.json().await, stream.json().await];
    assert_eq!((&reports[0]["event"]["c"], &reports[0]), (&"twice".into(), &reports[1]));
    tokio::time::sleep(Duration::from_millis(50)).await;
    clear(&simulator);
    fault(&simulator, Venue::BinanceSpot, r#"{"report":{"how":"reorder"}}"#);
    trader.ask("POST", ORDER, &format!("{LIMIT}&newClientOrderId=late")).await;
    let kinds = [stream.find(|m| m["event"]["E"].is_u64() && m["event"]["c"] != "twice").await, stream.json().await];
    let kinds = kinds.map(|m| m["event"]["e"].as_str().unwrap().to_owned());
    assert!(kinds.contains(&"outboundAccountPosition".to_owned()), "{kinds:?}");
    clear(&simulator);
    fault(&simulator, Venue::BinanceSpot, r#"{"mute_private":{}}"#);
    trader.ask("POST", ORDER, LIMIT).await;
    let quiet = tokio::time::timeout(
        Duration::from_millis(200),
        stream.find(|m| m["event"]["x"] == "NEW" && m["event"]["c"] != "late"),
    );
    assert!(quiet.await.is_err());
    simulator.stop().await;
}

#[tokio::test]
async fn the_venue_acts_of_its_own_accord() {
    let simulator = calm(Member::dummies()).await;
    let (venue, trader) = (Venue::BinanceUsdm, Trader::at(&simulator, Venue::BinanceUsdm));
    let mut stream = trader.listen(venue).await;
    trader.ask("POST", "/fapi/v1/order", "symbol=BTCUSDT&side=BUY&type=MARKET&quantity=0.1").await;
    fault(&simulator, venue, r#"{"force_close":{"kind":"liquidation"}}"#);
    let closed = stream
        .find(|m| m["o"]["c"].as_str().is_some_and(|c| c.starts_with("autoclose-")) && m["o"]["X"] == "FILLED")
        .await;
    assert_eq!((&closed["o"]["S"], &closed["o"]["er"]), (&"SELL".into(), &"5".into()));
    assert_eq!(trader.ask("GET", "/fapi/v3/positionRisk", "").await.body, serde_json::json!([]));
    fault(&simulator, venue, r#"{"foreign_order":{}}"#);
    let foreign = stream.find(|m| m["o"]["x"] == "NEW" && m["o"]["c"].as_str().unwrap().starts_with("web_")).await;
    assert_eq!(foreign["o"]["X"], "NEW");
    fault(&simulator, venue, r#"{"balance":{"asset":"USDT","value":"12.5"}}"#);
    assert_eq!(stream.find(|m| m["a"]["m"] == "ADJUSTMENT").await["a"]["B"][0]["a"], "USDT");
    let refused = trader.ask("POST", "/fapi/v1/order", "symbol=BTCUSDT&side=BUY&type=MARKET&quantity=1").await;
    assert_eq!(refused.code(), (400, -2019));
    fault(&simulator, venue, r#"{"double_expire":{}}"#);
    let ends = [stream.find(|m| m["e"] == "listenKeyExpired").await, stream.json().await];
    assert_eq!(ends[0]["e"], ends[1]["e"]);
    let spot = Trader::at(&simulator, Venue::BinanceSpot);
    let mut stream = spot.listen(Venue::BinanceSpot).await;
    fault(&simulator, Venue::BinanceSpot, r#"{"terminate":{}}"#);
    assert_eq!(stream.find(|m| m["event"]["e"] == "eventStreamTerminated").await["subscriptionId"], 0);
    simulator.stop().await;
}

#[tokio::test]
async fn rules_change_at_run_time_and_queries_lag() {
    let simulator = calm(Member::dummies()).await;
    let trader = Trader::at(&simulator, Venue::BinanceSpot);
    fault(&simulator, Venue::BinanceSpot, r#"{"filters":{"min_notional":"1000"}}"#);
    let refused = trader.ask("POST", ORDER, LIMIT).await;
    assert_eq!((refused.code(), &refused.body["msg"]), ((400, -1013), &"Filter failure: NOTIONAL".into()));
    let listed = trader.send("GET", "/api/v3/exchangeInfo?symbol=BTCUSDT", None).await.body;
    let filters = listed["symbols"][0]["filters"].as_array().unwrap();
    assert!(filters.iter().any(|f| f["minNotional"] == "1000.00000000"));
    clear(&simulator);
    fault(&simulator, Venue::BinanceSpot, r#"{"order_limit":{"n":2,"s":60}}"#);
    let codes = [
        trader.ask("POST", ORDER, LIMIT).await,
        trader.ask("POST", ORDER, LIMIT).await,
        trader.ask("POST", ORDER, LIMIT).await,
    ];
    assert_eq!(codes.map(|answer| answer.status), [200, 200, 429]);
    clear(&simulator);
    fault(&simulator, Venue::BinanceSpot, r#"{"query_lag":{"ms":60000}}"#);
    let id = trader.ask("POST", ORDER, LIMIT).await.body["orderId"].as_u64().unwrap();
    assert_eq!(trader.ask("GET", ORDER, &format!("symbol=BTCUSDT&orderId={id}")).await.code(), (400, -2013));
    assert_eq!(trader.ask("GET", "/api/v3/openOrders", "symbol=BTCUSDT").await.body, serde_json::json!([]));
    clear(&simulator);
    fault(&simulator, Venue::BinanceSpot, r#"{"fee":{"asset":"BNB","rate":"0.00075"}}"#);
    let taken = trader.ask("POST", ORDER, "symbol=BTCUSDT&side=BUY&type=MARKET&quantity=0.001").await.body;
    assert_eq!(taken["fills"][0]["commissionAsset"], "BNB", "{taken}");
    simulator.stop().await;
}
