//! Binance on sockets: the WebSocket API's requests, sessions with an Ed25519 key, and what accounts are told.

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use highwire_simulator::{Member, Venue};
use ring::signature::{Ed25519KeyPair, KeyPair};

use crate::client::Client;
use crate::trader::{Trader, calm, wall_ms};

const LIMIT: [(&str, &str); 6] = [
    ("symbol", "BTCUSDT"),
    ("side", "BUY"),
    ("type", "LIMIT"),
    ("timeInForce", "GTC"),
    ("quantity", "0.01"),
    ("price", "60000"),
];

#[tokio::test]
async fn orders_are_placed_queried_and_cancelled_on_a_socket_with_their_limits_told() {
    let simulator = calm(Member::dummies()).await;
    let trader = Trader::at(&simulator, Venue::BinanceSpot);
    let mut client = Client::open(&format!("{}/ws-api/v3", trader.ws)).await.unwrap();
    client.say(r#"{"id":1,"method":"time"}"#).await;
    let time = client.find(|m| m["id"] == 1).await;
    assert!(time["result"]["serverTime"].as_u64().unwrap().abs_diff(wall_ms()) < 1_000);
    client.say(&trader.message("p1", "order.place", &[&LIMIT[..], &[("newClientOrderId", "a")]].concat())).await;
    let placed = client.find(|m| m["id"] == "p1").await;
    assert_eq!((&placed["status"], &placed["result"]["status"]), (&200.into(), &"NEW".into()), "{placed}");
    let limits: Vec<_> = placed["rateLimits"].as_array().unwrap().iter().map(|l| l["rateLimitType"].clone()).collect();
    assert_eq!(limits, ["ORDERS", "ORDERS", "REQUEST_WEIGHT"]);
    assert_eq!(placed["rateLimits"][0]["count"], 1);
    let named = [("symbol", "BTCUSDT"), ("origClientOrderId", "a")];
    client.say(&trader.message("q1", "order.status", &named)).await;
    assert_eq!(client.find(|m| m["id"] == "q1").await["result"]["status"], "NEW");
    client.say(&trader.message("c1", "order.cancel", &named)).await;
    assert_eq!(client.find(|m| m["id"] == "c1").await["result"]["status"], "CANCELED");
    client.say(&trader.message("c2", "order.cancel", &named)).await;
    let refused = client.find(|m| m["id"] == "c2").await;
    assert_eq!((&refused["status"], &refused["error"]["code"]), (&400.into(), &(-2011).into()));
    client.say(&trader.message("p2", "order.place", &LIMIT).replace("60000", "60001")).await;
    assert_eq!(client.find(|m| m["id"] == "p2").await["error"]["code"], -1022);
    client.say(&trader.message("x1", "openOrders.cancelAll", &[("symbol", "BTCUSDT")])).await;
    assert_eq!(client.find(|m| m["id"] == "x1").await["error"]["code"], -2011);
    client.say(&trader.message("n1", "nothing.such", &[])).await;
    assert_eq!(client.find(|m| m["id"] == "n1").await["error"]["code"], -1020);
    simulator.stop().await;
}

#[tokio::test]
async fn a_session_is_logged_on_with_an_ed25519_key_and_then_asks_unsigned() {
    let pair = Ed25519KeyPair::from_seed_unchecked(&[9; 32]).unwrap();
    let head = [0x30, 0x2a, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x03, 0x21, 0x00];
    let der = [&head[..], pair.public_key().as_ref()].concat();
    let pem = format!("-----BEGIN PUBLIC KEY-----\n{}\n-----END PUBLIC KEY-----\n", BASE64_STANDARD.encode(der));
    let member = Member { key: "ed25519-key".to_owned(), public_key: Some(pem), ..Member::dummies().remove(0) };
    let simulator = calm(vec![member]).await;
    let ws = &simulator.address(Venue::BinanceSpot).unwrap().ws;
    let mut client = Client::open(&format!("{ws}/ws-api/v3")).await.unwrap();
    client.say(r#"{"id":"s","method":"userDataStream.subscribe","params":{}}"#).await;
    assert!(client.find(|m| m["id"] == "s").await["error"]["code"].is_i64());
    let text = format!("apiKey=ed25519-key&timestamp={}", wall_ms());
    let logon = |signature: String| {
        let timestamp = text.rsplit('=').next().unwrap();
        format!(
            r#"{{"id":"l","method":"session.logon","params":{{"apiKey":"ed25519-key","timestamp":{timestamp},"signature":"{signature}"}}}}"#
        )
    };
    client.say(&logon(BASE64_STANDARD.encode(pair.sign(b"something else")))).await;
    assert_eq!(client.find(|m| m["id"] == "l").await["error"]["code"], -1022);
    client.say(&logon(BASE64_STANDARD.encode(pair.sign(text.as_bytes())))).await;
    assert_eq!(client.find(|m| m["id"] == "l").await["result"]["apiKey"], "ed25519-key");
    client.say(r#"{"id":"s","method":"userDataStream.subscribe","params":{}}"#).await;
    assert_eq!(client.find(|m| m["id"] == "s").await["result"]["subscriptionId"], 0);
    let order = |timestamp: u64| {
        format!(
            r#"{{"id":"p","method":"order.place","params":{{"symbol":"BTCUSDT","side":"BUY","type":"LIMIT","timeInForce":"GTC","quantity":"0.01","price":"60000","newOrderRespType":"ACK","timestamp":{timestamp}}}}}"#
        )
    };
    client.say(&order(wall_ms() - 60_000)).await;
    assert_eq!(client.find(|m| m["id"] == "p").await["error"]["code"], -1021);
    client.say(&order(wall_ms())).await;
    let ack = client.find(|m| m["id"] == "p").await;
    assert!(ack["result"]["orderId"].is_u64() && ack["result"].get("status").is_none(), "{ack}");
    let report = client.find(|m| m["event"]["e"] == "executionReport").await;
    assert_eq!((&report["event"]["x"], &report["subscriptionId"]), (&"NEW".into(), &0.into()));
    simulator.stop().await;
}

#[tokio::test]
async fn spot_accounts_are_told_of_acks_fills_cancels_and_balances() {
    let simulator = calm(Member::dummies()).await;
    let trader = Trader::at(&simulator, Venue::BinanceSpot);
    let mut stream = trader.listen(Venue::BinanceSpot).await;
    let order = "/api/v3/order";
    let query = "symbol=BTCUSDT&side=BUY&type=LIMIT&timeInForce=IOC&quantity=0.5&price=65100&newClientOrderId=taker";
    let placed = trader.ask("POST", order, query).await.body;
    assert_eq!(stream.find(|m| m["event"]["x"] == "NEW").await["event"]["c"], "taker");
    let fill = stream.find(|m| m["event"]["x"] == "TRADE").await["event"].clone();
    assert_eq!((&fill["t"], &fill["L"]), (&placed["fills"][0]["tradeId"], &placed["fills"][0]["price"]));
    assert_eq!((&fill["n"], &fill["N"], &fill["m"]), (&placed["fills"][0]["commission"], &"BTC".into(), &false.into()));
    let position = stream.find(|m| m["event"]["e"] == "outboundAccountPosition").await;
    assert_eq!(position["event"]["B"].as_array().unwrap().len(), 2);
    let query = "symbol=BTCUSDT&side=BUY&type=LIMIT&timeInForce=GTC&quantity=0.5&price=60000&newClientOrderId=maker";
    trader.ask("POST", order, query).await;
    trader.ask("DELETE", order, "symbol=BTCUSDT&origClientOrderId=maker&newClientOrderId=end").await;
    let end = stream.find(|m| m["event"]["x"] == "CANCELED").await["event"].clone();
    assert_eq!((&end["c"], &end["C"], &end["X"]), (&"end".into(), &"maker".into(), &"CANCELED".into()));
    simulator.stop().await;
}

#[tokio::test]
async fn futures_accounts_are_told_on_the_stream_of_their_listen_key() {
    let simulator = calm(Member::dummies()).await;
    let trader = Trader::at(&simulator, Venue::BinanceUsdm);
    let key = Some(trader.member.key.as_str());
    assert_eq!(trader.send("PUT", "/fapi/v1/listenKey", key).await.code(), (400, -1125));
    let mut stream = trader.listen(Venue::BinanceUsdm).await;
    assert_eq!(trader.send("PUT", "/fapi/v1/listenKey", key).await.status, 200);
    let query = "symbol=BTCUSDT&side=BUY&type=MARKET&quantity=0.1&newClientOrderId=f1";
    assert_eq!(trader.ask("POST", "/fapi/v1/order", query).await.body["status"], "NEW", "an ACK by default");
    let new = stream.find(|m| m["o"]["x"] == "NEW").await;
    assert_eq!((&new["e"], &new["o"]["c"], &new["o"]["z"]), (&"ORDER_TRADE_UPDATE".into(), &"f1".into(), &"0".into()));
    assert_eq!(stream.find(|m| m["e"] == "TRADE_LITE").await["c"], "f1");
    let fill = stream.find(|m| m["o"]["X"] == "FILLED").await["o"].clone();
    assert_eq!((&fill["z"], &fill["N"], &fill["ps"]), (&"0.1".into(), &"USDT".into(), &"BOTH".into()));
    let update = stream.find(|m| m["e"] == "ACCOUNT_UPDATE").await["a"].clone();
    assert_eq!((&update["m"], &update["P"][0]["pa"]), (&"ORDER".into(), &"0.1".into()));
    simulator.stop().await;
}

#[tokio::test]
async fn spot_listen_keys_are_gone() {
    let simulator = calm(Member::dummies()).await;
    let trader = Trader::at(&simulator, Venue::BinanceSpot);
    let key = Some(trader.member.key.as_str());
    assert_eq!(trader.send("POST", "/api/v3/userDataStream", key).await.status, 410);
    simulator.stop().await;
}
