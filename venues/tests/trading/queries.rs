//! Questions about an account: what is asked, and what answers say.

use crate::support::{ID, TEXT, VENUES, WALL_MS, keys};
use highwire_links::fill::{OrderReject, trade_key};
use highwire_links::{InstrumentId, Side};
use highwire_venues::Venue;
use highwire_venues::orders::Listed;
use highwire_venues::private::{
    HttpRequest, KeyScope, OrderStatus, Query, QueryError, Refusal, Reply, StreamKey, Why, answer, request,
};

fn asked(venue: Venue, query: &Query<'_>) -> HttpRequest {
    request(venue, &keys(), query, WALL_MS).unwrap()
}

fn told(venue: Venue, query: &Query<'_>, body: &str) -> Reply {
    answer(venue, query, 200, body.as_bytes()).unwrap_or_else(|refusal| panic!("{refusal:?}: {body}"))
}

const OPEN: Query<'_> = Query::OpenOrders { symbol: None, page: None };
const ORDER: Query<'_> = Query::Order { symbol: "BTCUSDT", id: ID };
const OF: Query<'_> = Query::OrderOf { symbol: "BTCUSDT", venue_id: "7" };
const WITHDRAW: Query<'_> = Query::Cancel { symbol: "BTCUSDT", venue_id: "7" };
const FILLS: Query<'_> = Query::Fills { symbol: "BTCUSDT", since_ms: 5, page: None };

#[test]
fn each_venue_is_asked_at_its_own_address() {
    for (venue, query, method, path) in [
        (Venue::BinanceSpot, Query::Time, "GET", "/api/v3/time"),
        (
            Venue::BinanceSpot,
            ORDER,
            "GET",
            "/api/v3/order?symbol=BTCUSDT&origClientOrderId=hw000100000000002a&recvWindow=2000&timestamp=1790000000123&signature=",
        ),
        (Venue::BinanceSpot, Query::CancelAll { symbol: "BTCUSDT" }, "DELETE", "/api/v3/openOrders?symbol=BTCUSDT&"),
        (Venue::BinanceSpot, OF, "GET", "/api/v3/order?symbol=BTCUSDT&orderId=7&recvWindow="),
        (Venue::BinanceSpot, WITHDRAW, "DELETE", "/api/v3/order?symbol=BTCUSDT&orderId=7&recvWindow="),
        (Venue::BinanceUsdm, OF, "GET", "/fapi/v1/order?symbol=BTCUSDT&orderId=7&recvWindow="),
        (Venue::BinanceUsdm, WITHDRAW, "DELETE", "/fapi/v1/order?symbol=BTCUSDT&orderId=7&recvWindow="),
        (Venue::Okx, OF, "GET", "/api/v5/trade/order?instId=BTCUSDT&ordId=7"),
        (Venue::Okx, WITHDRAW, "POST", "/api/v5/trade/cancel-order"),
        (Venue::BybitSpot, OF, "GET", "/v5/order/realtime?category=spot&symbol=BTCUSDT&orderId=7"),
        (Venue::BybitSpot, WITHDRAW, "POST", "/v5/order/cancel"),
        (Venue::BinanceSpot, Query::KeyScope, "GET", "/sapi/v1/account/apiRestrictions?recvWindow="),
        (Venue::BinanceUsdm, Query::Positions, "GET", "/fapi/v3/positionRisk?recvWindow="),
        (
            Venue::BinanceUsdm,
            Query::DeadMan { symbol: Some("BTCUSDT"), after_ms: 30_000 },
            "POST",
            "/fapi/v1/countdownCancelAll?symbol=BTCUSDT&countdownTime=30000&",
        ),
        (Venue::BinanceUsdm, Query::StreamKey(StreamKey::Create), "POST", "/fapi/v1/listenKey"),
        (Venue::BinanceUsdm, Query::StreamKey(StreamKey::Renew), "PUT", "/fapi/v1/listenKey"),
        (
            Venue::Okx,
            Query::OpenOrders { symbol: Some("BTC-USDT-SWAP"), page: Some("9") },
            "GET",
            "/api/v5/trade/orders-pending?limit=100&instType=SWAP&instId=BTC-USDT-SWAP&after=9",
        ),
        (Venue::Okx, Query::DeadMan { symbol: None, after_ms: 15_000 }, "POST", "/api/v5/trade/cancel-all-after"),
        (
            Venue::Okx,
            Query::Fees { symbol: "BTC-USDT-SWAP" },
            "GET",
            "/api/v5/account/trade-fee?instType=SWAP&instFamily=BTC-USDT",
        ),
        (Venue::BybitLinear, OPEN, "GET", "/v5/order/realtime?category=linear&openOnly=0&limit=50&settleCoin=USDT"),
        (Venue::BybitSpot, OPEN, "GET", "/v5/order/realtime?category=spot&openOnly=0&limit=50"),
        (Venue::BybitSpot, Query::DeadMan { symbol: None, after_ms: 1 }, "POST", "/v5/order/disconnected-cancel-all"),
        (
            Venue::BybitLinear,
            Query::Fills { symbol: "BTCUSDT", since_ms: 5, page: Some("a=b") },
            "GET",
            "/v5/execution/list?category=linear&symbol=BTCUSDT&startTime=5&limit=100&cursor=a%3Db",
        ),
    ] {
        let asked = asked(venue, &query);
        assert_eq!(asked.method, method);
        assert!(asked.path_and_query.starts_with(path), "{}", asked.path_and_query);
        let auth = ["X-MBX-APIKEY", "OK-ACCESS-SIGN", "X-BAPI-SIGN"];
        assert_eq!(asked.headers().any(|(name, _)| auth.contains(&name)), query != Query::Time);
        assert!(!format!("{asked:?}").contains("signature"));
    }
    assert_eq!(
        asked(Venue::BybitSpot, &Query::DeadMan { symbol: None, after_ms: 1 }).body,
        r#"{"product":"SPOT","timeWindow":10}"#
    );
    assert_eq!(asked(Venue::Okx, &WITHDRAW).body, r#"{"instId":"BTCUSDT","ordId":"7"}"#);
    let body = r#"{"category":"linear","orderId":"7","symbol":"BTCUSDT"}"#;
    assert_eq!(asked(Venue::BybitLinear, &WITHDRAW).body, body);
    assert_eq!(asked(Venue::Okx, &Query::DeadMan { symbol: None, after_ms: 0 }).body, r#"{"timeOut":"0"}"#);
}

#[test]
fn what_a_venue_does_not_have_is_said() {
    for (venue, query) in [
        (Venue::BinanceSpot, Query::DeadMan { symbol: None, after_ms: 1 }),
        (Venue::BinanceSpot, Query::Positions),
        (Venue::BinanceUsdm, Query::DeadMan { symbol: None, after_ms: 1 }),
        (Venue::Okx, Query::CancelAll { symbol: "BTC-USDT" }),
        (Venue::BybitSpot, Query::Positions),
        (Venue::BinanceCoinm, Query::Time),
    ] {
        assert!(
            matches!(request(venue, &keys(), &query, WALL_MS), Err(QueryError::Unsupported(_))),
            "{venue:?} {query:?}"
        );
    }
}

/// Conformance: binance_spot queries; binance_usdm queries
#[test]
fn binance_tells_orders_trades_and_balances() {
    let order = format!(
        r#"{{"symbol":"BTCUSDT","orderId":1,"orderListId":-1,"clientOrderId":"{TEXT}","price":"0.1","origQty":"1.0","executedQty":"0.25","cummulativeQuoteQty":"0.0","status":"PARTIALLY_FILLED","timeInForce":"GTC","type":"LIMIT","side":"BUY","time":1499827319559,"updateTime":1499827319560,"isWorking":true}}"#
    );
    let Reply::Orders { orders, next: None } = told(Venue::BinanceSpot, &OPEN, &format!("[{order}]")) else { panic!() };
    assert_eq!((orders[0].id, orders[0].side, orders[0].status), (Some(ID), Side::Buy, OrderStatus::Open));
    assert_eq!(
        (orders[0].filled.to_string(), orders[0].px.to_string(), orders[0].at_ms),
        ("0.25".into(), "0.1".into(), 1_499_827_319_560)
    );
    let trades = r#"[{"symbol":"BTCUSDT","id":28457,"orderId":100234,"price":"4.00000100","qty":"12.00000000","quoteQty":"48.000012","commission":"10.10000000","commissionAsset":"BNB","time":1499865549590,"isBuyer":true,"isMaker":false,"isBestMatch":true}]"#;
    let Reply::Fills { fills, next: None } = told(Venue::BinanceSpot, &FILLS, trades) else { panic!() };
    assert_eq!(
        (fills[0].trade, fills[0].fee.to_string(), fills[0].fee_asset.as_str(), fills[0].maker),
        (28_457, "10.1".into(), "BNB", false)
    );
    let futures = trades.replace("isBuyer", "buyer").replace("isMaker", "maker");
    assert!(matches!(told(Venue::BinanceUsdm, &FILLS, &futures), Reply::Fills { .. }));
    let account = r#"{"balances":[{"asset":"BTC","free":"4723846.89208129","locked":"0.00000000"}],"canTrade":true}"#;
    let Reply::Balances(balances) = told(Venue::BinanceSpot, &Query::Balances, account) else { panic!() };
    assert_eq!(balances[0].free.to_string(), "4723846.89208129");
    let margin =
        r#"[{"accountAlias":"SgsR","asset":"USDT","balance":"122607.35137903","availableBalance":"23.72469206"}]"#;
    let Reply::Balances(balances) = told(Venue::BinanceUsdm, &Query::Balances, margin) else { panic!() };
    assert_eq!(balances[0].locked.to_string(), "122583.62668697");
    let risk = r#"[{"symbol":"BTCUSDT","positionSide":"BOTH","positionAmt":"-0.010","entryPrice":"65000.5"}]"#;
    let Reply::Positions(positions) = told(Venue::BinanceUsdm, &Query::Positions, risk) else { panic!() };
    assert_eq!(positions[0].qty.to_string(), "-0.01");
}

#[test]
fn a_full_page_of_trades_names_the_next() {
    let trade = |id| {
        format!(
            r#"{{"symbol":"BTCUSDT","id":{id},"orderId":1,"price":"4","qty":"1","commission":"0","commissionAsset":"BNB","time":1,"isBuyer":true,"isMaker":false}}"#
        )
    };
    let page: Vec<String> = (1..=1_000).map(trade).collect();
    let Reply::Fills { next, .. } = told(Venue::BinanceSpot, &FILLS, &format!("[{}]", page.join(","))) else {
        panic!()
    };
    assert_eq!(next.as_deref(), Some("1001"));
    let bybit = r#"{"retCode":0,"result":{"list":[],"nextPageCursor":"132766%3A2"}}"#;
    let Reply::Orders { next, .. } = told(Venue::BybitSpot, &OPEN, bybit) else { panic!() };
    assert_eq!(next.as_deref(), Some("132766%3A2"));
}

#[test]
fn fees_are_exact_and_charges_positive() {
    let fees = |venue, body| {
        let Reply::Fees(fees) = told(venue, &Query::Fees { symbol: "BTCUSDT" }, body) else { panic!() };
        (fees.maker_ppb, fees.taker_ppb)
    };
    let spot = r#"{"symbol":"BTCUSDT","standardCommission":{"maker":"0.00100000","taker":"0.00100000","buyer":"0","seller":"0"},"specialCommission":{"maker":"0.00000000","taker":"0.00010000"},"taxCommission":{"maker":"0","taker":"0"},"discount":{"enabledForAccount":true,"discount":"0.75"}}"#;
    assert_eq!(fees(Venue::BinanceSpot, spot), (1_000_000, 1_100_000));
    assert_eq!(
        fees(
            Venue::BinanceUsdm,
            r#"{"symbol":"BTCUSDT","makerCommissionRate":"0.0002","takerCommissionRate":"0.0005"}"#
        ),
        (200_000, 500_000)
    );
    assert_eq!(
        fees(
            Venue::Okx,
            r#"{"code":"0","msg":"","data":[{"maker":"-0.0008","taker":"-0.001","makerU":"","takerU":"","ts":"1"}]}"#
        ),
        (800_000, 1_000_000)
    );
    assert_eq!(
        fees(
            Venue::Okx,
            r#"{"code":"0","msg":"","data":[{"maker":"-0.0002","taker":"-0.0005","makerU":"0.0001","takerU":"-0.0004"}]}"#
        ),
        (-100_000, 400_000)
    );
    assert_eq!(
        fees(
            Venue::BybitLinear,
            r#"{"retCode":0,"result":{"list":[{"symbol":"BTCUSDT","takerFeeRate":"0.00055","makerFeeRate":"0.0002"}]}}"#
        ),
        (200_000, 550_000)
    );
}

#[test]
fn a_key_that_can_withdraw_is_found_out() {
    let scope = |venue, body: &str| {
        let Reply::KeyScope(scope) = told(venue, &Query::KeyScope, body) else { panic!() };
        scope
    };
    let all = KeyScope { withdraw: true, trade: true, address_bound: true };
    let safe = KeyScope { withdraw: false, ..all };
    let binance = r#"{"ipRestrict":true,"createTime":1,"enableReading":true,"enableWithdrawals":true,"enableSpotAndMarginTrading":true,"enableFutures":true}"#;
    assert_eq!(scope(Venue::BinanceSpot, binance), all);
    assert_eq!(
        scope(Venue::BinanceUsdm, &binance.replace(r#""enableWithdrawals":true"#, r#""enableWithdrawals":false"#)),
        safe
    );
    let okx = r#"{"code":"0","msg":"","data":[{"acctLv":"2","posMode":"net_mode","perm":"read_only,withdraw,trade","ip":"1.2.3.4"}]}"#;
    assert_eq!(scope(Venue::Okx, okx), all);
    assert_eq!(scope(Venue::Okx, &okx.replace("withdraw,", "")), safe);
    let bybit = r#"{"retCode":0,"result":{"readOnly":0,"permissions":{"ContractTrade":["Order","Position"],"Spot":["SpotTrade"],"Wallet":["AccountTransfer","Withdraw"]},"ips":["1.2.3.4"]}}"#;
    assert_eq!(scope(Venue::BybitSpot, bybit), all);
    assert_eq!(scope(Venue::BybitLinear, &bybit.replace(r#","Withdraw""#, "")), safe);
    // An answer that does not tell is no answer.
    assert!(answer(Venue::BinanceSpot, &Query::KeyScope, 200, b"{}").is_err());
    assert!(answer(Venue::Okx, &Query::KeyScope, 200, br#"{"code":"0","data":[{}]}"#).is_err());
    assert!(answer(Venue::BybitSpot, &Query::KeyScope, 200, br#"{"retCode":0,"result":{}}"#).is_err());
}

/// Conformance: okx queries
#[test]
fn okx_tells_orders_trades_and_balances() {
    let order = format!(
        r#"{{"instId":"BTC-USDT","ordId":"301835739059335168","clOrdId":"{TEXT}","px":"59200","sz":"1","accFillSz":"0","side":"buy","state":"live","uTime":"1618235248028"}}"#
    );
    let Reply::Orders { orders, next: None } =
        told(Venue::Okx, &OPEN, &format!(r#"{{"code":"0","msg":"","data":[{order}]}}"#))
    else {
        panic!()
    };
    assert_eq!(
        (orders[0].id, orders[0].status, orders[0].px.to_string()),
        (Some(ID), OrderStatus::Open, "59200".into())
    );
    let fills = format!(
        r#"{{"code":"0","msg":"","data":[{{"instType":"SPOT","instId":"BTC-USDT","tradeId":"123","ordId":"123445","clOrdId":"{TEXT}","billId":"1111","fillPx":"999.5","fillSz":"3","side":"buy","execType":"M","feeCcy":"BTC","fee":"-0.003","ts":"1597026383085"}}]}}"#
    );
    let Reply::Fills { fills, next: None } = told(Venue::Okx, &FILLS, &fills) else { panic!() };
    assert_eq!((fills[0].id, fills[0].fee.to_string(), fills[0].maker), (Some(ID), "0.003".into(), true));
    let balance = r#"{"code":"0","msg":"","data":[{"details":[{"ccy":"USDT","availBal":"-1.5","frozenBal":"2","cashBal":"0.5"}]}]}"#;
    let Reply::Balances(balances) = told(Venue::Okx, &Query::Balances, balance) else { panic!() };
    assert_eq!((balances[0].free.to_string(), balances[0].locked.to_string()), ("-1.5".into(), "2".into()));
    let position =
        r#"{"code":"0","msg":"","data":[{"instId":"BTC-USDT-SWAP","pos":"3","posSide":"short","avgPx":"65000.1"}]}"#;
    let Reply::Positions(positions) = told(Venue::Okx, &Query::Positions, position) else { panic!() };
    assert_eq!(positions[0].qty.to_string(), "-3");
}

/// Conformance: bybit_spot queries; bybit_linear queries
#[test]
fn bybit_tells_orders_trades_and_balances() {
    let order = format!(
        r#"{{"retCode":0,"result":{{"list":[{{"symbol":"BTCUSDT","orderId":"x","orderLinkId":"{TEXT}","side":"Sell","price":"65000.12","qty":"0.01","cumExecQty":"0.01","orderStatus":"Filled","updatedTime":"1672364262457"}}],"nextPageCursor":""}}}}"#
    );
    let Reply::Orders { orders, next: None } = told(Venue::BybitSpot, &ORDER, &order) else { panic!() };
    assert_eq!((orders[0].id, orders[0].status, orders[0].side), (Some(ID), OrderStatus::Filled, Side::Sell));
    let fills = r#"{"retCode":0,"result":{"list":[{"symbol":"BTCUSDT","orderId":"a","orderLinkId":"","side":"Buy","execId":"e-1","execPrice":"1","execQty":"2","execFee":"-0.1","feeCurrency":"USDT","execType":"Trade","isMaker":true,"execTime":"5"},{"symbol":"BTCUSDT","execType":"Funding"}]}}"#;
    let Reply::Fills { fills, .. } = told(Venue::BybitLinear, &FILLS, fills) else { panic!() };
    assert_eq!(
        (fills.len(), fills[0].trade, fills[0].fee.to_string(), fills[0].id),
        (1, trade_key(b"e-1"), "-0.1".into(), None)
    );
    let wallet = r#"{"retCode":0,"result":{"list":[{"accountType":"UNIFIED","coin":[{"coin":"BTC","walletBalance":"1.5","locked":"0.25","equity":"1.5"}]}]}}"#;
    let Reply::Balances(balances) = told(Venue::BybitSpot, &Query::Balances, wallet) else { panic!() };
    assert_eq!(balances[0].free.to_string(), "1.25");
    let position =
        r#"{"retCode":0,"result":{"list":[{"symbol":"BTCUSDT","side":"Sell","size":"0.5","avgPrice":"65000"}]}}"#;
    let Reply::Positions(positions) = told(Venue::BybitLinear, &Query::Positions, position) else { panic!() };
    assert_eq!(positions[0].qty.to_string(), "-0.5");
}

#[test]
fn what_is_not_there_what_is_refused_and_what_proves_nothing_are_three_things() {
    let why = |venue, status, body: &str| answer(venue, &ORDER, status, body.as_bytes()).unwrap_err().why;
    assert_eq!(why(Venue::BinanceSpot, 400, r#"{"code":-2013,"msg":"Order does not exist."}"#), Why::NotFound);
    assert_eq!(why(Venue::Okx, 200, r#"{"code":"51603","msg":"Order does not exist","data":[]}"#), Why::NotFound);
    assert_eq!(why(Venue::BybitSpot, 200, r#"{"retCode":0,"result":{"list":[]}}"#), Why::NotFound);
    assert_eq!(why(Venue::BinanceSpot, 400, r#"{"code":-1021,"msg":"Timestamp"}"#), Why::Refused(OrderReject::Clock));
    assert_eq!(why(Venue::Okx, 401, r#"{"code":"50113","msg":"Invalid Sign"}"#), Why::Refused(OrderReject::Auth));
    assert_eq!(
        why(Venue::BybitSpot, 200, r#"{"retCode":10003,"retMsg":"API key is invalid."}"#),
        Why::Refused(OrderReject::Auth)
    );
    for venue in VENUES {
        for (status, body) in [
            (502, "<html>"),
            (200, ""),
            (200, "[]"),
            (200, "{}"),
            (200, "null"),
            (500, r#"{"code":"0","retCode":0,"data":[]}"#),
        ] {
            assert_eq!(why(venue, status, body), Why::Unknown, "{venue:?} {status} {body}");
        }
    }
}

#[test]
fn a_list_with_an_entry_that_cannot_be_read_is_no_list() {
    let body = r#"[{"symbol":"BTCUSDT","orderId":1,"clientOrderId":"a","price":"1e5","origQty":"1.0","executedQty":"0","status":"NEW","side":"BUY","time":1}]"#;
    let refusal: Refusal = answer(Venue::BinanceSpot, &OPEN, 200, body.as_bytes()).unwrap_err();
    assert_eq!(refusal.why, Why::Unknown);
}

#[test]
fn a_listen_key_does_not_print() {
    let query = Query::StreamKey(StreamKey::Create);
    let reply = told(Venue::BinanceUsdm, &query, r#"{"listenKey":"pqia91ma19a5s61cv6a81va65sdf19v8a65a1a5s61"}"#);
    assert!(!format!("{reply:?}").contains("pqia91"));
    let Reply::StreamKey(key) = reply else { panic!() };
    assert_eq!(key.expose(), "pqia91ma19a5s61cv6a81va65sdf19v8a65a1a5s61");
    assert_eq!(told(Venue::BinanceUsdm, &Query::StreamKey(StreamKey::Renew), "{}"), Reply::Done);
}

#[test]
fn okx_s_instrument_list_gives_the_code_that_its_order_socket_asks_for() {
    let list = r#"{"code":"0","data":[{"instId":"BTC-USDT","instType":"SPOT","baseCcy":"BTC","quoteCcy":"USDT","tickSz":"0.1","lotSz":"0.00000001","minSz":"0.00001","state":"live","instIdCode":1000000000}]}"#;
    let query = Query::Instruments { symbol: "BTC-USDT" };
    let Reply::Instruments(listing) = told(Venue::Okx, &query, list) else { panic!() };
    assert_eq!(Listed::of(&listing.specs[0], InstrumentId(1)).code, Some(1_000_000_000));
}

#[test]
fn ended_orders_are_asked_for_by_kind_where_a_venue_lists_them() {
    let ended = Query::EndedOrders { symbol: "BTC-USDT-SWAP", since_ms: 5, page: Some("9") };
    let asked = asked(Venue::Okx, &ended);
    let path = "/api/v5/trade/orders-history?limit=100&instType=SWAP&begin=5&after=9";
    assert_eq!((asked.method, asked.path_and_query.as_str()), ("GET", path));
}
