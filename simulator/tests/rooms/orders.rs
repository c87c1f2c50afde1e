//! Orders at Binance over HTTP: signatures, filters, ids, partial fills, queries that agree with each other and
//! with the ledger.

use highwire_simulator::{Deed, Member, Venue};
use serde_json::Value;

use crate::trader::{Answer, Trader, calm, wall_ms};

const ORDER: &str = "/api/v3/order";
const LIMIT: &str = "symbol=BTCUSDT&side=BUY&type=LIMIT&timeInForce=GTC&quantity=0.01&price=60000";

fn decimal(value: &Value) -> f64 {
    value.as_str().unwrap_or_else(|| panic!("{value}")).parse().unwrap()
}

#[tokio::test]
async fn only_a_member_with_a_good_signature_in_time_is_heard() {
    let simulator = calm(Member::dummies()).await;
    let trader = Trader::at(&simulator, Venue::BinanceSpot);
    let key = Some(trader.member.key.as_str());
    let at = |timestamp: u64, more: &str| {
        let query = format!("{LIMIT}&timestamp={timestamp}{more}");
        format!("{ORDER}?{query}&signature={}", trader.sign(&query))
    };
    let code = async |target: String, key: Option<&str>| trader.send("POST", &target, key).await.code();
    assert_eq!(code(at(wall_ms(), ""), None).await, (401, -2014));
    assert_eq!(code(at(wall_ms(), ""), Some("no-such-key")).await, (401, -2015));
    assert_eq!(code(at(wall_ms(), "") + "0", key).await, (400, -1022));
    assert_eq!(code(at(wall_ms() - 6_000, ""), key).await, (400, -1021));
    assert_eq!(code(at(wall_ms() + 2_000, ""), key).await, (400, -1021));
    assert_eq!(code(at(wall_ms() - 6_000, "&recvWindow=9000"), key).await, (200, 0));
    assert_eq!(code(at(wall_ms(), "&recvWindow=60001"), key).await, (400, -1131));
    assert_eq!(code(format!("{ORDER}?{LIMIT}&timestamp={}", wall_ms()), key).await, (400, -1102));
    simulator.stop().await;
}

#[tokio::test]
async fn an_order_rests_shows_everywhere_and_is_cancelled() {
    let simulator = calm(Member::dummies()).await;
    let trader = Trader::at(&simulator, Venue::BinanceSpot);
    let placed = trader.ask("POST", ORDER, &format!("{LIMIT}&newClientOrderId=mine-1")).await;
    assert_eq!(
        (placed.status, &placed.body["status"], &placed.body["fills"]),
        (200, &"NEW".into(), &serde_json::json!([]))
    );
    let id = placed.body["orderId"].as_u64().unwrap();
    let queried = trader.ask("GET", ORDER, "symbol=BTCUSDT&origClientOrderId=mine-1").await.body;
    assert_eq!((queried["orderId"].as_u64(), &queried["price"]), (Some(id), &"60000.00000000".into()));
    let open = trader.ask("GET", "/api/v3/openOrders", "").await;
    assert_eq!((open.body[0]["orderId"].as_u64(), open.header("x-mbx-used-weight-1m").is_some()), (Some(id), true));
    let account = trader.ask("GET", "/api/v3/account", "omitZeroBalances=true").await.body;
    let usdt = account["balances"].as_array().unwrap().iter().find(|b| b["asset"] == "USDT").unwrap().clone();
    assert_eq!((&usdt["free"], &usdt["locked"]), (&"999400.00000000".into(), &"600.00000000".into()));
    let cancelled =
        trader.ask("DELETE", ORDER, &format!("symbol=BTCUSDT&orderId={id}&newClientOrderId=c-1")).await.body;
    assert_eq!(
        (&cancelled["status"], &cancelled["origClientOrderId"], &cancelled["clientOrderId"]),
        (&"CANCELED".into(), &"mine-1".into(), &"c-1".into())
    );
    assert_eq!(trader.ask("DELETE", ORDER, &format!("symbol=BTCUSDT&orderId={id}")).await.code(), (400, -2011));
    assert_eq!(trader.ask("GET", ORDER, "symbol=BTCUSDT&origClientOrderId=never").await.code(), (400, -2013));
    assert_eq!(trader.ask("DELETE", "/api/v3/openOrders", "symbol=BTCUSDT").await.code(), (400, -2011));
    simulator.stop().await;
}

#[tokio::test]
async fn a_market_order_is_filled_and_its_trades_balances_and_ledger_agree() {
    let simulator = calm(Member::dummies()).await;
    let trader = Trader::at(&simulator, Venue::BinanceSpot);
    let before = trader.top("/api/v3").await;
    let placed = trader.ask("POST", ORDER, "symbol=BTCUSDT&side=BUY&type=MARKET&quantity=2").await.body;
    assert_eq!(placed["status"], "FILLED", "{placed}");
    let fills = placed["fills"].as_array().unwrap();
    assert!(fills.len() > 1 && fills.iter().all(|fill| fill["commissionAsset"] == "BTC"));
    let trades =
        trader.ask("GET", "/api/v3/myTrades", &format!("symbol=BTCUSDT&orderId={}", placed["orderId"])).await.body;
    let key = |rows: &Value, id: &str| -> Vec<(u64, String, String)> {
        let text = |value: &Value| value.as_str().unwrap().to_owned();
        rows.as_array().unwrap().iter().map(|t| (t[id].as_u64().unwrap(), text(&t["price"]), text(&t["qty"]))).collect()
    };
    assert_eq!(key(&trades, "id"), key(&placed["fills"], "tradeId"));
    let written: Vec<u64> = simulator
        .records(0)
        .iter()
        .filter_map(|record| match &record.deed {
            Deed::Fill(fill) => Some(fill.trade),
            _ => None,
        })
        .collect();
    assert_eq!(written, key(&trades, "id").iter().map(|t| t.0).collect::<Vec<_>>());
    let account = trader.ask("GET", "/api/v3/account", "").await.body;
    let free = |asset: &str| {
        let row = account["balances"].as_array().unwrap().iter().find(|b| b["asset"] == asset).unwrap();
        row["free"].as_str().unwrap().to_owned()
    };
    assert_eq!(free("BTC"), "11.99800000");
    let spent = 1_000_000.0 - decimal(&placed["cummulativeQuoteQty"]);
    assert!((free("USDT").parse::<f64>().unwrap() - spent).abs() < 1e-6);
    let after = trader.top("/api/v3").await;
    assert!(after.1 > before.1, "what was taken is gone from the published book: {before:?} {after:?}");
    simulator.stop().await;
}

#[tokio::test]
async fn what_breaks_a_rule_is_refused_in_the_documented_words() {
    let simulator = calm(Member::dummies()).await;
    let trader = Trader::at(&simulator, Venue::BinanceSpot);
    let refused = async |query: &str| {
        let Answer { status, body, .. } = trader.ask("POST", ORDER, &format!("symbol=BTCUSDT&{query}")).await;
        assert_eq!(status, 400, "{query}: {body}");
        (body["code"].as_i64().unwrap(), body["msg"].as_str().unwrap().to_owned())
    };
    let limit = "side=BUY&type=LIMIT&timeInForce=GTC";
    for (query, code, message) in [
        ("side=BUY&type=LIMIT&quantity=1&price=60000", -1102, "'timeInForce'"),
        ("side=UP&type=LIMIT&timeInForce=GTC&quantity=1&price=60000", -1117, "side"),
        ("side=BUY&type=OCO&quantity=1", -1116, "orderType"),
        (&format!("{limit}&quantity=1&price=60000.001"), -1013, "PRICE_FILTER"),
        (&format!("{limit}&quantity=1.000001&price=60000"), -1013, "LOT_SIZE"),
        (&format!("{limit}&quantity=0.00001&price=60000"), -1013, "NOTIONAL"),
        (&format!("{limit}&quantity=1&price=6000"), -1013, "PERCENT_PRICE_BY_SIDE"),
        (&format!("{limit}&quantity=100&price=60000"), -2010, "insufficient balance"),
        (&format!("{limit}&quantity=1&price=6e4"), -1100, "'price'"),
        (&format!("{limit}&quantity=1&price=60000&newClientOrderId=a.b"), -1100, "'newClientOrderId'"),
        ("side=BUY&type=LIMIT_MAKER&quantity=1&price=70000", -2010, "immediately match and take"),
        ("side=BUY&type=MARKET&quantity=1&price=60000", -1106, "'price' sent when not required"),
    ] {
        let (got, text) = refused(query).await;
        assert!(got == code && text.contains(message), "{query}: {got} {text}");
    }
    assert_eq!(trader.ask("POST", ORDER, "symbol=NOPE&side=BUY&type=MARKET&quantity=1").await.code(), (400, -1121));
    simulator.stop().await;
}

#[tokio::test]
async fn spot_ids_are_unique_among_open_orders_only_and_futures_ids_for_ever() {
    let simulator = calm(Member::dummies()).await;
    let spot = Trader::at(&simulator, Venue::BinanceSpot);
    let query = format!("{LIMIT}&newClientOrderId=same");
    assert_eq!(spot.ask("POST", ORDER, &query).await.status, 200);
    let again = spot.ask("POST", ORDER, &query).await;
    assert_eq!((again.code(), &again.body["msg"]), ((400, -2010), &"Duplicate order sent.".into()));
    spot.ask("DELETE", ORDER, "symbol=BTCUSDT&origClientOrderId=same").await;
    assert_eq!(spot.ask("POST", ORDER, &query).await.status, 200);
    let usdm = Trader::at(&simulator, Venue::BinanceUsdm);
    assert_eq!(usdm.ask("POST", "/fapi/v1/order", &query).await.status, 200);
    usdm.ask("DELETE", "/fapi/v1/order", "symbol=BTCUSDT&origClientOrderId=same").await;
    assert_eq!(usdm.ask("POST", "/fapi/v1/order", &query).await.code(), (400, -4116));
    simulator.stop().await;
}

#[tokio::test]
async fn an_order_is_made_smaller_and_replaced() {
    let simulator = calm(Member::dummies()).await;
    let trader = Trader::at(&simulator, Venue::BinanceSpot);
    let id = trader.ask("POST", ORDER, LIMIT).await.body["orderId"].as_u64().unwrap();
    let amend = "/api/v3/order/amend/keepPriority";
    let amended = trader.ask("PUT", amend, &format!("symbol=BTCUSDT&orderId={id}&newQty=0.005")).await.body;
    assert_eq!(amended["amendedOrder"]["qty"], "0.00500000", "{amended}");
    assert_eq!(
        trader.ask("PUT", amend, &format!("symbol=BTCUSDT&orderId={id}&newQty=0.02")).await.code(),
        (400, -2038)
    );
    let replace = "/api/v3/order/cancelReplace";
    let query = format!("{LIMIT}&cancelReplaceMode=STOP_ON_FAILURE&cancelOrderId={id}");
    let replaced = trader.ask("POST", replace, &query).await.body;
    assert_eq!((&replaced["cancelResult"], &replaced["newOrderResult"]), (&"SUCCESS".into(), &"SUCCESS".into()));
    let stopped = trader.ask("POST", replace, &query).await;
    assert_eq!((stopped.code(), &stopped.body["data"]["newOrderResult"]), ((400, -2022), &"NOT_ATTEMPTED".into()));
    let half = trader.ask("POST", replace, &query.replace("STOP_ON_FAILURE", "ALLOW_FAILURE")).await;
    assert_eq!((half.code(), &half.body["data"]["newOrderResult"]), ((409, -2021), &"SUCCESS".into()));
    simulator.stop().await;
}

#[tokio::test]
async fn too_many_orders_and_too_much_weight_are_refused_and_stubbornness_is_banned() {
    let simulator = calm(Member::dummies()).await;
    let trader = Trader::at(&simulator, Venue::BinanceSpot);
    let first = trader.ask("POST", ORDER, LIMIT).await;
    assert_eq!((first.header("x-mbx-order-count-10s"), first.header("x-mbx-order-count-1d")), (Some(1), Some(1)));
    let mut last = first;
    for _ in 0..210 {
        last = trader.ask("POST", ORDER, LIMIT).await;
        if last.status != 200 {
            break;
        }
    }
    assert_eq!(last.code(), (429, -1015), "{last:?}");
    let mut seen = Vec::new();
    for _ in 0..120 {
        let answer = trader.send("GET", "/api/v3/depth?symbol=BTCUSDT&limit=5000", None).await;
        let retry = answer.header("retry-after");
        if seen.last() != Some(&answer.status) {
            seen.push(answer.status);
            assert_eq!(retry.is_some(), answer.status != 200);
        }
        if answer.status == 418 {
            assert!(retry > Some(100), "{retry:?}");
            break;
        }
    }
    // a minute that turns in between gives one more run of answers
    assert!(seen.ends_with(&[200, 429, 418]), "{seen:?}");
    assert_eq!(trader.ask("POST", ORDER, LIMIT).await.status, 418);
    simulator.stop().await;
}

#[tokio::test]
async fn every_request_stands_in_the_ledger_with_its_answer_and_without_its_proof() {
    let simulator = calm(Member::dummies()).await;
    let trader = Trader::at(&simulator, Venue::BinanceSpot);
    trader.ask("POST", ORDER, &format!("{LIMIT}&newClientOrderId=kept")).await;
    trader.ask("GET", "/api/v3/openOrders", "symbol=NOPE").await;
    let records = simulator.records(0);
    let asked: Vec<_> = records
        .iter()
        .filter_map(|record| match &record.deed {
            Deed::Request { method, path, query, .. } => {
                Some((record.number, method.clone(), path.clone(), query.clone()))
            }
            _ => None,
        })
        .collect();
    assert_eq!(asked.len(), 2);
    assert!(asked[0].3.contains("newClientOrderId=kept") && !asked[0].3.contains("signature"));
    let statuses: Vec<_> = records
        .iter()
        .filter_map(|record| match record.deed {
            Deed::Answer { request, status } => Some((request, status)),
            _ => None,
        })
        .collect();
    assert_eq!(statuses, [(asked[0].0, 200), (asked[1].0, 400)]);
    assert!(records.windows(2).all(|pair| pair[0].at_ns <= pair[1].at_ns && pair[0].number + 1 == pair[1].number));
    simulator.stop().await;
}

#[tokio::test]
async fn futures_positions_margin_and_reduce_only_follow_the_fills() {
    let simulator = calm(Member::dummies()).await;
    let trader = Trader::at(&simulator, Venue::BinanceUsdm);
    let order = "/fapi/v1/order";
    let market = |side: &str, qty: &str, more: &str| {
        format!("symbol=BTCUSDT&side={side}&type=MARKET&quantity={qty}&newOrderRespType=RESULT{more}")
    };
    assert_eq!(trader.ask("POST", order, &market("SELL", "1", "&reduceOnly=true")).await.code(), (400, -2022));
    let opened = trader.ask("POST", order, &market("BUY", "0.1", "")).await.body;
    assert_eq!((&opened["status"], &opened["executedQty"]), (&"FILLED".into(), &"0.1".into()));
    let positions = trader.ask("GET", "/fapi/v3/positionRisk", "").await.body;
    assert_eq!((&positions[0]["positionAmt"], positions.as_array().unwrap().len()), (&"0.1".into(), 1));
    assert!((decimal(&positions[0]["entryPrice"]) - decimal(&opened["avgPrice"])).abs() < 0.01);
    trader.ask("POST", order, &market("SELL", "0.4", "&reduceOnly=true")).await;
    assert_eq!(trader.ask("GET", "/fapi/v3/positionRisk", "").await.body, serde_json::json!([]));
    let trades = trader.ask("GET", "/fapi/v1/userTrades", "symbol=BTCUSDT").await.body;
    let sum = |name: &str| trades.as_array().unwrap().iter().map(|t| decimal(&t[name])).sum::<f64>();
    let balance = trader.ask("GET", "/fapi/v3/balance", "").await.body;
    let usdt = balance.as_array().unwrap().iter().find(|b| b["asset"] == "USDT").unwrap().clone();
    assert!((decimal(&usdt["balance"]) - (1_000_000.0 + sum("realizedPnl") - sum("commission"))).abs() < 1e-6);
    assert_eq!(usdt["balance"], usdt["availableBalance"], "no margin is held");
    assert_eq!(trader.ask("GET", "/fapi/v1/positionSide/dual", "").await.body["dualSidePosition"], false);
    let fok = "symbol=BTCUSDT&side=BUY&type=LIMIT&timeInForce=FOK&quantity=90&price=65100";
    assert_eq!(trader.ask("POST", order, fok).await.code(), (400, -5021));
    let post = "symbol=BTCUSDT&side=BUY&type=LIMIT&timeInForce=GTX&quantity=1&price=65100";
    assert_eq!(trader.ask("POST", order, post).await.code(), (400, -5022));
    simulator.stop().await;
}

#[tokio::test]
async fn futures_batches_answer_item_by_item_and_the_dead_mans_switch_fires() {
    let simulator = calm(Member::dummies()).await;
    let trader = Trader::at(&simulator, Venue::BinanceUsdm);
    let good =
        r#"{"symbol":"BTCUSDT","side":"BUY","type":"LIMIT","timeInForce":"GTC","quantity":"0.01","price":"60000"}"#;
    let bad =
        r#"{"symbol":"BTCUSDT","side":"BUY","type":"LIMIT","timeInForce":"GTC","quantity":"0.00001","price":"60000"}"#;
    let list: String = format!("[{good},{bad},{good}]").bytes().map(|b| format!("%{b:02X}")).collect();
    let answers = trader.ask("POST", "/fapi/v1/batchOrders", &format!("batchOrders={list}")).await.body;
    assert_eq!(
        (&answers[0]["status"], &answers[1]["code"], &answers[2]["status"]),
        (&"NEW".into(), &(-1111).into(), &"NEW".into())
    );
    let id = answers[0]["orderId"].as_u64().unwrap();
    let modified = trader
        .ask("PUT", "/fapi/v1/order", &format!("symbol=BTCUSDT&orderId={id}&side=BUY&quantity=0.02&price=60001"))
        .await
        .body;
    assert_eq!((&modified["origQty"], &modified["price"]), (&"0.02".into(), &"60001".into()));
    let armed = trader.ask("POST", "/fapi/v1/countdownCancelAll", "symbol=BTCUSDT&countdownTime=60").await.body;
    assert_eq!(armed["countdownTime"], "60");
    let mut open = usize::MAX;
    for _ in 0..100 {
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
        open = trader.ask("GET", "/fapi/v1/openOrders", "symbol=BTCUSDT").await.body.as_array().unwrap().len();
        if open == 0 {
            break;
        }
    }
    assert_eq!(open, 0);
    let order = trader.ask("GET", "/fapi/v1/order", &format!("symbol=BTCUSDT&orderId={id}")).await.body;
    assert_eq!(order["status"], "CANCELED");
    simulator.stop().await;
}
