//! Acks, errors and REST answers are what the venues give.

use highwire_simulator::{Board, RuleOverrides, Venue};

use crate::client::{Client, get, lively};

#[tokio::test]
async fn binance_acks_lists_and_refuses() {
    let simulator = lively(RuleOverrides::default()).await;
    let base = &simulator.address(Venue::BinanceSpot).unwrap().ws;
    let mut client = Client::open(&format!("{base}/ws")).await.unwrap();
    client.say(r#"{"method":"SUBSCRIBE","params":["btcusdt@bookTicker","nonesuch@trade"],"id":1}"#).await;
    assert_eq!(client.text().await, r#"{"result":null,"id":1}"#);
    let ticker = client.json().await;
    assert!(ticker["u"].is_u64() && ticker["b"].as_str().unwrap().len() > 9, "eight decimals: {ticker}");
    client.say(r#"{"method":"LIST_SUBSCRIPTIONS","id":"b"}"#).await;
    let listed = client.find(|m| m["id"] == "b").await;
    assert_eq!(listed["result"], serde_json::json!(["btcusdt@bookTicker", "nonesuch@trade"]));
    client.say(r#"{"method":"SUBSCRIBE","params":["garbage"],"id":3}"#).await;
    assert_eq!(client.find(|m| m["id"] == 3).await["error"]["code"], 2);
    client.say("{").await;
    assert_eq!(client.find(|m| m.get("error").is_some()).await["error"]["code"], 3);
    assert!(Client::open(&format!("{base}/nowhere")).await.is_err());
    simulator.stop().await;
}

#[tokio::test]
async fn binance_usdm_serves_books_and_trades_on_their_own_routes() {
    let simulator = lively(RuleOverrides::default()).await;
    let base = &simulator.address(Venue::BinanceUsdm).unwrap().ws;
    for (route, served) in [("/public", "bookTicker"), ("/market", "aggTrade"), ("", "bookTicker")] {
        let url = format!("{base}{route}/stream?streams=btcusdt@aggTrade/btcusdt@bookTicker");
        let mut client = Client::open(&url).await.unwrap();
        for _ in 0..3 {
            assert_eq!(client.json().await["data"]["e"], served, "{route}");
        }
    }
    simulator.stop().await;
}

#[tokio::test]
async fn binance_rest_validates_and_charges() {
    let simulator = lively(RuleOverrides::default()).await;
    let (spot, usdm) = (simulator.address(Venue::BinanceSpot).unwrap(), simulator.address(Venue::BinanceUsdm).unwrap());
    let code = async |base: &str, path: &str| {
        let (status, _, body) = get(base, path).await;
        (status, body["code"].as_i64().unwrap_or(0))
    };
    assert_eq!(code(&spot.rest, "/api/v3/depth?symbol=NOPE").await, (400, -1121));
    assert_eq!(code(&spot.rest, "/api/v3/depth").await, (400, -1102));
    assert_eq!(code(&usdm.rest, "/fapi/v1/depth?symbol=BTCUSDT&limit=999").await, (400, -4021));
    assert_eq!(code(&spot.rest, "/api/v3/time").await, (200, 0));
    // 60 x 250 exceeds twice the 6000 of a clock minute, so a minute that turns meanwhile does not matter
    let mut refused = None;
    for _ in 0..60 {
        let (status, head, _) = get(&spot.rest, "/api/v3/depth?symbol=BTCUSDT&limit=5000").await;
        if status == 429 {
            refused = Some(head);
            break;
        }
    }
    assert!(refused.expect("a refusal").contains("retry-after: "));
    simulator.stop().await;
}

#[tokio::test]
async fn okx_acks_each_argument_and_names_its_errors() {
    let simulator = lively(RuleOverrides::default()).await;
    let address = simulator.address(Venue::Okx).unwrap();
    let mut client = Client::open(&format!("{}/ws/v5/public", address.ws)).await.unwrap();
    client.say("ping").await;
    assert_eq!(client.text().await, "pong");
    client.say("nonsense").await;
    assert_eq!(client.json().await["code"], "60012");
    let args = r#"{"channel":"bbo-tbt","instId":"BTC-USDT"},{"channel":"books","instId":"NOPE"}"#;
    client.say(&format!(r#"{{"id":"1512","op":"subscribe","args":[{args}]}}"#)).await;
    let ack = client.json().await;
    assert_eq!((&ack["event"], &ack["id"]), (&"subscribe".into(), &"1512".into()));
    assert_eq!(client.find(|m| m.get("event").is_some()).await["code"], "60018");
    let bbo = client.find(|m| m["arg"]["channel"] == "bbo-tbt").await;
    assert_eq!(bbo["data"][0]["asks"][0].as_array().unwrap().len(), 4);
    let (status, _, body) = get(&address.rest, "/api/v5/market/books?instId=BTC-USDT&sz=5").await;
    assert_eq!((status, body["data"][0]["bids"].as_array().unwrap().len()), (200, 5));
    assert_eq!(get(&address.rest, "/api/v5/market/books?instId=NOPE").await.2["code"], "51001");
    simulator.stop().await;
}

#[tokio::test]
async fn bybit_takes_ten_arguments_on_spot_and_answers_pings() {
    let simulator = lively(RuleOverrides::default()).await;
    let address = simulator.address(Venue::Bybit).unwrap();
    let mut client = Client::open(&format!("{}/v5/public/spot", address.ws)).await.unwrap();
    client.say(r#"{"op":"ping","req_id":"7"}"#).await;
    let pong = client.json().await;
    assert_eq!((&pong["ret_msg"], &pong["req_id"]), (&"pong".into(), &"7".into()));
    let eleven = [r#""orderbook.1.BTCUSDT""#; 11].join(",");
    client.say(&format!(r#"{{"op":"subscribe","args":[{eleven}]}}"#)).await;
    assert_eq!(client.json().await["ret_msg"], "args size >10");
    client.say(r#"{"op":"subscribe","args":["orderbook.3.BTCUSDT"]}"#).await;
    assert_eq!(client.json().await["success"], false);
    client.say(r#"{"op":"subscribe","args":["publicTrade.BTCUSDT"]}"#).await;
    assert_eq!(client.json().await["success"], true);
    let trade = client.json().await;
    assert!(trade["data"][0]["i"].as_str().unwrap().len() == 36 && trade["type"] == "snapshot");
    let (_, _, body) = get(&address.rest, "/v5/market/orderbook?category=linear&symbol=BTCUSDT&limit=5").await;
    assert_eq!(body["result"]["a"].as_array().unwrap().len(), 5);
    assert_eq!(get(&address.rest, "/v5/market/orderbook?category=x").await.2["retCode"], 10_001);
    simulator.stop().await;
}

#[tokio::test]
async fn a_paused_market_answers_with_the_book_we_see() {
    let simulator = lively(RuleOverrides::default()).await;
    simulator.control().pause();
    let rest = &simulator.address(Venue::BinanceSpot).unwrap().rest;
    let (_, _, body) = get(rest, "/api/v3/depth?symbol=BTCUSDT&limit=5000").await;
    let view = simulator.book(Board::BinanceSpot, "BTCUSDT").unwrap();
    assert_eq!(body["lastUpdateId"], view.id);
    assert_eq!(body["bids"].as_array().unwrap().len(), view.bids.len());
    simulator.stop().await;
}
