//! One literal frame of every shape in the venues' documents, decoded by both tiers.

use crate::support::{Bench, Call, Outcome};
use highwire_links::decode::{FrameKind, Reject};
use highwire_links::update::{Control, DepthHead, DepthKind, Level, Sequence};
use highwire_links::{Px, Qty, Side};
use highwire_venues::Venue;

/// What both tiers say of a frame.
fn decoded(venue: Venue, symbol: &str, frame: &str) -> Outcome {
    let mut bench = Bench::assumed(venue, &[symbol]);
    let outcome = bench.decode(frame.as_bytes());
    assert_eq!(outcome, bench.reference(frame.as_bytes()), "{frame}");
    outcome
}

fn kind(venue: Venue, frame: &str) -> Result<FrameKind, Reject> {
    decoded(venue, "BTCUSDT", frame).0.map_err(|why| why.reason)
}

fn depth(venue: Venue, symbol: &str, frame: &str) -> (DepthHead, Vec<Level>, Vec<Level>) {
    match decoded(venue, symbol, frame).1.as_slice() {
        [Call::Depth(head, bids, asks)] => (*head, bids.clone(), asks.clone()),
        other => panic!("{frame}: {other:?}"),
    }
}

fn control(venue: Venue, frame: &str) -> Option<Control> {
    let (result, calls) = decoded(venue, "BTCUSDT", frame);
    assert_eq!(result, Ok(FrameKind::Control), "{frame}");
    match calls.as_slice() {
        [] => None,
        [Call::Control(word)] => Some(*word),
        other => panic!("{frame}: {other:?}"),
    }
}

fn sequence(first: Option<u64>, last: Option<u64>, prev: Option<u64>, cross: Option<u64>) -> Sequence {
    Sequence { first, last, prev, cross }
}

#[test]
fn binance_tops() {
    let spot =
        r#"{"u":400900217,"s":"BTCUSDT","b":"25.35190000","B":"31.21000000","a":"25.36520000","A":"40.66000000"}"#;
    let (head, bids, asks) = depth(Venue::BinanceSpot, "BTCUSDT", spot);
    assert_eq!((head.kind, head.event_ns), (DepthKind::Top, 0));
    assert_eq!(head.sequence, sequence(None, Some(400_900_217), None, Some(400_900_217)));
    assert_eq!((bids[0].px, bids[0].qty, bids[0].px_shown), (2_535_190_000, 3_121_000_000, 8));
    assert_eq!((asks[0].px, asks[0].qty), (2_536_520_000, 4_066_000_000));
    let wrapped = format!(r#"{{"stream":"btcusdt@bookTicker","data":{spot}}}"#);
    assert_eq!(depth(Venue::BinanceSpot, "BTCUSDT", &wrapped), (head, bids, asks));
    let usdm = r#"{"e":"bookTicker","u":400900217,"E":1568014460893,"T":1568014460891,"s":"BTCUSDT","b":"25.35","B":"31.21","a":"25.36","A":"40.66"}"#;
    assert_eq!(depth(Venue::BinanceUsdm, "BTCUSDT", usdm).0.event_ns, 1_568_014_460_891_000_000);
}

#[test]
fn an_empty_side_of_a_top_has_no_level() {
    let top = r#"{"u":1,"s":"BTCUSDT","b":"0.00000000","B":"0.00000000","a":"25.36520000","A":"40.66000000"}"#;
    let (_, bids, asks) = depth(Venue::BinanceSpot, "BTCUSDT", top);
    assert_eq!((bids.len(), asks.len()), (0, 1));
    let free = r#"{"u":1,"s":"BTCUSDT","b":"0.00","B":"1","a":"2","A":"4"}"#;
    assert_eq!(kind(Venue::BinanceSpot, free), Err(Reject::BadNumber));
}

#[test]
fn binance_diffs() {
    let spot = r#"{"e":"depthUpdate","E":5,"s":"BTCUSDT","U":157,"u":160,"b":[["0.0024","10"]],"a":[["0.0026","0"],["0.003","1"]]}"#;
    let (head, bids, asks) = depth(Venue::BinanceSpot, "BTCUSDT", spot);
    assert_eq!((head.kind, head.event_ns, head.checksum), (DepthKind::Delta, 5_000_000, None));
    assert_eq!(head.sequence, sequence(Some(157), Some(160), None, Some(160)));
    assert_eq!((bids.len(), asks.len(), asks[0].qty, asks[1].px), (1, 2, 0, 300_000));
    let coin = r#"{"stream":"btcusd_perp@depth@0ms","data":{"e":"depthUpdate","E":5,"T":4,"s":"BTCUSD_PERP","ps":"BTCUSD","U":157,"u":160,"pu":149,"b":[],"a":[["61777.6","12"]]}}"#;
    let (head, _, asks) = depth(Venue::BinanceCoinm, "BTCUSD_PERP", coin);
    assert_eq!((head.event_ns, head.sequence.prev, asks[0].qty), (4_000_000, Some(149), 12));
    assert_eq!(kind(Venue::BinanceUsdm, spot), Err(Reject::MissingField));
}

#[test]
fn binance_trades() {
    let spot =
        r#"{"e":"trade","E":3,"s":"BTCUSDT","t":12345,"p":"0.001","q":"100","b":88,"a":50,"T":2,"m":true,"M":true}"#;
    let aggregated = r#"{"e":"aggTrade","E":3,"s":"BTCUSDT","a":5933014,"p":"0.001","q":"100","nq":"100","f":100,"l":105,"T":2,"m":false}"#;
    for (frame, taker) in [(spot, Side::Sell), (aggregated, Side::Buy)] {
        let (result, calls) = decoded(Venue::BinanceUsdm, "BTCUSDT", frame);
        let [Call::Trade(trade)] = calls.as_slice() else { panic!("{calls:?}") };
        assert_eq!((result, trade.event_ns, trade.taker), (Ok(FrameKind::Trade), 2_000_000, taker));
        assert_eq!((trade.px, trade.qty), (Px(100_000), Qty(10_000_000_000)));
    }
    let nothing = r#"{"e":"trade","E":3,"s":"BTCUSDT","p":"0","q":"0","T":2,"X":"NA","m":true}"#;
    assert_eq!(decoded(Venue::BinanceUsdm, "BTCUSDT", nothing), (Ok(FrameKind::Trade), Vec::new()));
}

#[test]
fn binance_controls_and_what_is_not_used() {
    let of = |frame| control(Venue::BinanceSpot, frame);
    assert_eq!(of(r#"{"result":null,"id":1}"#), Some(Control::Subscribed));
    assert_eq!(of(r#"{"error":{"code":2,"msg":"Invalid"},"id":1}"#), Some(Control::Refused));
    assert_eq!(of(r#"{"code":2,"msg":"Invalid request"}"#), Some(Control::Refused));
    assert_eq!(of(r#"{"e":"serverShutdown","E":1}"#), Some(Control::Closing));
    assert_eq!(of(r#"{"stream":"!serverShutdown","data":{"e":"serverShutdown","E":1}}"#), Some(Control::Closing));
    for other in [
        r#"{"stream":"btcusdt@kline_1m","data":{"e":"kline","E":1,"s":"BTCUSDT","k":{"t":1,"o":"1"}}}"#,
        r#"{"stream":"btcusdt@markPrice@1s","data":{"e":"markPriceUpdate","E":1,"s":"BTCUSDT","p":"28154.10","i":"28151.2","r":"0.0001","T":1}}"#,
        r#"{"stream":"!miniTicker@arr","data":[{"e":"24hrMiniTicker"}]}"#,
        r#"{"stream":"btcusdt@depth20@100ms","data":{"lastUpdateId":160,"bids":[["0.0024","10"]],"asks":[]}}"#,
        r#"{"stream":"btcusdt@depth20","data":{"e":"depthUpdate","E":1,"T":1,"s":"BTCUSDT","U":1,"u":2,"pu":0,"b":[],"a":[]}}"#,
        r#"{"lastUpdateId":160,"bids":[],"asks":[]}"#,
    ] {
        assert_eq!(kind(Venue::BinanceUsdm, other), Ok(FrameKind::Other), "{other}");
    }
    assert_eq!(kind(Venue::BinanceSpot, r#"{"e":"novelty","E":1,"s":"BTCUSDT"}"#), Err(Reject::UnknownChannel));
}

#[test]
fn okx_tops_and_books() {
    let top = r#"{"arg":{"channel":"bbo-tbt","instId":"BTC-USDT"},"data":[{"asks":[["8446","95","0","3"]],"bids":[["8445","1","0","1"]],"ts":"1597026383085","seqId":363996337}]}"#;
    let (head, bids, _) = depth(Venue::Okx, "BTC-USDT", top);
    assert_eq!((head.kind, head.event_ns, bids[0].px), (DepthKind::Top, 1_597_026_383_085_000_000, 844_500_000_000));
    assert_eq!(head.sequence, sequence(None, Some(363_996_337), None, Some(363_996_337)));
    let snapshot = r#"{"arg":{"channel":"books","instId":"BTC-USDT"},"action":"snapshot","data":[{"asks":[["8476.98","415","0","13"]],"bids":[["8476.97","256","0","12"]],"ts":"5","checksum":0,"prevSeqId":-1,"seqId":123456}]}"#;
    let (head, _, _) = depth(Venue::Okx, "BTC-USDT", snapshot);
    assert_eq!((head.kind, head.checksum, head.sequence.prev), (DepthKind::Snapshot, None, None));
    let update = r#"{"arg":{"channel":"books-l2-tbt","instId":"BTC-USDT"},"action":"update","data":[{"asks":[],"bids":[],"ts":"5","checksum":-980833328,"prevSeqId":123456,"seqId":123457}]}"#;
    let (head, _, _) = depth(Venue::Okx, "BTC-USDT", update);
    assert_eq!((head.kind, head.checksum, head.sequence.prev), (DepthKind::Delta, Some(-980_833_328), Some(123_456)));
    let old = r#"{"arg":{"channel":"books","instId":"BTC-USDT"},"action":"update","data":[{"asks":[["9.6","0","0","0"]],"bids":[],"ts":"5","checksum":7}]}"#;
    let (head, _, asks) = depth(Venue::Okx, "BTC-USDT", old);
    assert_eq!((head.sequence, head.checksum, asks[0].qty), (Sequence::default(), Some(7), 0));
    let five = r#"{"arg":{"channel":"books5","instId":"BTC-USDT"},"data":[{"asks":[["2","1","0","1"]],"bids":[["1","1","0","1"]],"instId":"BTC-USDT","ts":"5","seqId":9}]}"#;
    assert_eq!(depth(Venue::Okx, "BTC-USDT", five).0.kind, DepthKind::Snapshot);
}

#[test]
fn okx_trades_controls_and_what_is_not_used() {
    let trades = r#"{"arg":{"channel":"trades","instId":"BTC-USDT"},"data":[{"instId":"BTC-USDT","tradeId":"1","px":"42219.9","sz":"0.12060306","side":"buy","ts":"1630048897897","count":"3","source":"0","seqId":1234}]}"#;
    let (_, calls) = decoded(Venue::Okx, "BTC-USDT", trades);
    let [Call::Trade(trade)] = calls.as_slice() else { panic!("{calls:?}") };
    assert_eq!((trade.taker, trade.qty), (Side::Buy, Qty(12_060_306)));
    let of = |frame| control(Venue::Okx, frame);
    assert_eq!(of("pong"), Some(Control::Pong));
    assert_eq!(
        of(r#"{"id":"1512","event":"subscribe","arg":{"channel":"books","instId":"BTC-USDT"},"connId":"a4"}"#),
        Some(Control::Subscribed)
    );
    assert_eq!(of(r#"{"event":"error","code":"60012","msg":"..","connId":"a4"}"#), Some(Control::Refused));
    assert_eq!(
        of(r#"{"event":"notice","code":"64008","msg":"The connection will soon be closed","connId":"a4"}"#),
        Some(Control::Closing)
    );
    assert_eq!(of(r#"{"event":"channel-conn-count","channel":"orders","connCount":"2"}"#), None);
    let other =
        r#"{"arg":{"channel":"tickers","instId":"X-Y"},"data":[{"instId":"X-Y","last":"1","bidPx":"","ts":"5"}]}"#;
    assert_eq!(kind(Venue::Okx, other), Ok(FrameKind::Other));
    let empty = r#"{"arg":{"channel":"trades","instId":"BTCUSDT"}}"#;
    assert_eq!(kind(Venue::Okx, empty), Err(Reject::MissingField));
    let unknown = r#"{"arg":{"channel":"novelty","instId":"BTC-USDT"},"data":[{"a":"1"}]}"#;
    assert_eq!(kind(Venue::Okx, unknown), Err(Reject::UnknownChannel));
}

#[test]
fn bybit_tops_books_and_trades() {
    let top = r#"{"topic":"orderbook.1.BTCUSDT","ts":1772694601512,"type":"snapshot","data":{"s":"BTCUSDT","b":[["97000.1","1.2"]],"a":[["97000.2","0.4"]],"u":77,"seq":123},"cts":1772694601510}"#;
    let (head, bids, _) = depth(Venue::BybitSpot, "BTCUSDT", top);
    assert_eq!((head.kind, head.event_ns, bids[0].px), (DepthKind::Top, 1_772_694_601_510_000_000, 9_700_010_000_000));
    assert_eq!(head.sequence, sequence(None, Some(77), None, Some(123)));
    let delta = r#"{"topic":"orderbook.50.BTCUSDT","type":"delta","ts":12,"data":{"s":"BTCUSDT","b":[["16493.50","0"]],"a":[],"u":18521289,"seq":9},"cts":10}"#;
    let (head, bids, _) = depth(Venue::BybitLinear, "BTCUSDT", delta);
    assert_eq!((head.kind, head.event_ns, bids[0].qty), (DepthKind::Delta, 10_000_000, 0));
    let snapshot = delta.replace("delta", "snapshot");
    assert_eq!(depth(Venue::BybitLinear, "BTCUSDT", &snapshot).0.kind, DepthKind::Snapshot);
    let half = top.replace("snapshot", "delta");
    assert_eq!(kind(Venue::BybitLinear, &half), Err(Reject::Malformed));
    let trades = r#"{"topic":"publicTrade.BTCUSDT","type":"snapshot","ts":6,"data":[{"T":5,"s":"BTCUSDT","S":"Buy","v":"0.001","p":"16578.50","L":"PlusTick","i":"20f43950","BT":false,"seq":17},{"T":6,"s":"BTCUSDT","S":"Sell","v":"0.002","p":"16578.00","L":"MinusTick","i":"20f43951","BT":false,"RPI":true,"seq":18}]}"#;
    let (result, calls) = decoded(Venue::BybitLinear, "BTCUSDT", trades);
    let [Call::Trade(one), Call::Trade(two)] = calls.as_slice() else { panic!("{calls:?}") };
    assert_eq!((result, one.taker, two.taker, two.event_ns), (Ok(FrameKind::Trade), Side::Buy, Side::Sell, 6_000_000));
}

#[test]
fn bybit_controls_and_what_is_not_used() {
    let of = |frame| control(Venue::BybitLinear, frame);
    assert_eq!(
        of(r#"{"success":true,"ret_msg":"subscribe","conn_id":"c","req_id":"s1","op":"subscribe"}"#),
        Some(Control::Subscribed)
    );
    assert_eq!(of(r#"{"success":true,"ret_msg":"pong","conn_id":"c","op":"ping"}"#), Some(Control::Pong));
    assert_eq!(of(r#"{"op":"pong","args":["1672916271846"]}"#), Some(Control::Pong));
    assert_eq!(of(r#"{"success":false,"ret_msg":"error:handler not found","op":"subscribe"}"#), Some(Control::Refused));
    let ticker =
        r#"{"topic":"tickers.BTCUSDT","type":"delta","data":{"symbol":"BTCUSDT","bid1Price":"1"},"cs":1,"ts":1}"#;
    assert_eq!(kind(Venue::BybitLinear, ticker), Ok(FrameKind::Other));
    let retired = r#"{"topic":"trade.BTCUSDT","data":[{"symbol":"BTCUSDT","price":60621.5}]}"#;
    assert_eq!(kind(Venue::BybitLinear, retired), Err(Reject::UnknownChannel));
}

#[test]
fn fields_in_any_order_and_spaced_json_read_the_same() {
    let frame = r#"{"topic":"orderbook.50.BTCUSDT","ts":12,"type":"delta","data":{"s":"BTCUSDT","b":[["1.5","2"]],"a":[["2","1"]],"u":7,"seq":9},"cts":10}"#;
    let turned = r#"{"cts":10,"data":{"seq":9,"u":7,"novelty":null,"a":[["2","1"]],"b":[["1.5","2"]]},"type":"delta","topic":"orderbook.50.BTCUSDT","ts":12}"#;
    let spaced = r#" { "topic" : "orderbook.50.BTC\u0055SDT", "ts":12, "type":"delta", "data":{"b":[ ["1.5", "2"] ],"a":[["2","1"]],"u":7,"seq":9,"x":{"y":[1.5,-2]}},"cts":10}"#;
    let expected = depth(Venue::BybitLinear, "BTCUSDT", frame);
    assert_eq!(depth(Venue::BybitLinear, "BTCUSDT", turned), expected);
    assert_eq!(depth(Venue::BybitLinear, "BTCUSDT", spaced), expected);
}

#[test]
fn a_refusal_says_why_and_whose() {
    let base = r#"{"e":"depthUpdate","E":5,"s":"BTCUSDT","U":157,"u":160,"b":[["0.0024","10"]],"a":[]}"#;
    let cases = [
        (base.replace(r#""u":160"#, r#""u":160,"u":161"#), Reject::DuplicateKey),
        (base.replace(r#""u":160,"#, ""), Reject::MissingField),
        (base.replace(r#""u":160"#, r#""u":1e3"#), Reject::BadNumber),
        (base.replace(r#""u":160"#, r#""u":-160"#), Reject::BadNumber),
        (base.replace(r#""u":160"#, r#""u":"160""#), Reject::Malformed),
        (base.replace(r#""u":160"#, r#""u":156"#), Reject::Malformed),
        (base.replace(r#""E":5"#, r#""E":18446744073709551615"#), Reject::Overflow),
        (base.replace("0.0024", "0.000000001"), Reject::Precision),
        (base.replace("0.0024", "92233720368.54775808"), Reject::Overflow),
        (base.replace("0.0024", "-1"), Reject::BadNumber),
        (base.replace("0.0024", "0"), Reject::BadNumber),
        (base.replace(r#"["0.0024","10"]"#, r#"["0.0024"]"#), Reject::MissingField),
        (base.replace("depthUpdate", "depthUpdat\u{1}"), Reject::Malformed),
        (format!("{base} x"), Reject::Malformed),
    ];
    for (frame, reason) in cases {
        let (result, calls) = decoded(Venue::BinanceSpot, "BTCUSDT", &frame);
        let why = result.unwrap_err();
        assert_eq!((why.reason, why.instrument.is_some(), calls.len()), (reason, true, 0), "{frame}");
    }
    let stranger = base.replace("BTCUSDT", "XYZUSDT");
    let why = decoded(Venue::BinanceSpot, "BTCUSDT", &stranger).0.unwrap_err();
    assert_eq!((why.reason, why.instrument), (Reject::UnknownInstrument, None));
    let levels = vec![r#"["1","1"]"#; highwire_links::limits::BOOK_LEVELS_MAX + 1].join(",");
    assert_eq!(kind(Venue::BinanceSpot, &base.replace(r#"["0.0024","10"]"#, &levels)), Err(Reject::TooDeep));
    let long = base.replace("depthUpdate", &"x".repeat(highwire_links::limits::FRAME_BYTES_MAX));
    assert_eq!(kind(Venue::BinanceSpot, &long), Err(Reject::TooLarge));
    let mut foul = base.as_bytes().to_vec();
    foul[8] = 0xff;
    let why = Bench::assumed(Venue::BinanceSpot, &["BTCUSDT"]).decode(&foul).0.unwrap_err();
    assert_eq!((why.reason, why.instrument.is_some()), (Reject::Encoding, true));
}
