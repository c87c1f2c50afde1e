//! Polymarket's market channel: the documents' literals, recorded frames, and damaged ones, in both tiers.

use crate::mutants::{Dice, damage};
use crate::support::{Bench, Call, Outcome, data};
use highwire_links::decode::{FrameKind, Reject};
use highwire_links::update::{Best, Control, DepthHead, DepthKind, Level};
use highwire_links::{InstrumentId, Px, Qty, Side};
use highwire_venues::{Venue, rest};
use std::path::Path;

const UP: &str = "71321045679252212594626385532706912750332728571942532289631379312455583992563";
const DOWN: &str = "52114319501245915516055106046884209969926127482827954674443846427813813222426";

fn bench() -> Bench {
    Bench::assumed(Venue::Polymarket, &[UP, DOWN])
}

fn decoded(frame: &str) -> Outcome {
    let mut bench = bench();
    let frame = frame.replace("UP", UP).replace("DOWN", DOWN);
    let outcome = bench.decode(frame.as_bytes());
    assert_eq!(outcome, bench.reference(frame.as_bytes()), "{frame}");
    outcome
}

fn why(frame: &str) -> (Reject, Option<u16>) {
    let (result, calls) = decoded(frame);
    assert_eq!(calls, [], "{frame}");
    result.map_err(|rejected| (rejected.reason, rejected.instrument.map(|id| id.0))).unwrap_err()
}

fn depths(frame: &str) -> Vec<(DepthHead, Vec<Level>, Vec<Level>)> {
    let depth = |call| match call {
        Call::Depth(head, bids, asks) => (head, bids, asks),
        other => panic!("{frame}: {other:?}"),
    };
    decoded(frame).1.into_iter().map(depth).collect()
}

fn prices(levels: &[Level]) -> Vec<(i64, i64)> {
    levels.iter().map(|level| (level.px, level.qty)).collect()
}

#[test]
fn a_book_is_a_snapshot_timed_by_the_venue() {
    let frame = r#"{"event_type":"book","market":"0xdd22","asset_id":"UP","bids":[{"price":"0.50","size":"200.0"},{"price":"0.4","size":"1.5"}],"asks":[{"price":"0.51","size":"150.0"}],"timestamp":"1703875200000","hash":"0xabc"}"#;
    let read = depths(frame);
    let (head, bids, asks) = &read[0];
    assert_eq!((head.kind, head.event_ns, head.best), (DepthKind::Snapshot, 1_703_875_200_000_000_000, None));
    assert_eq!((head.sequence.last, head.sequence.cross), (Some(1_703_875_200_000), Some(1_703_875_200_000)));
    assert_eq!(prices(bids), [(5_000, 200_000_000), (4_000, 1_500_000)]);
    assert_eq!(prices(asks), [(5_100, 150_000_000)]);
    let empty = r#"{"event_type":"book","asset_id":"DOWN","bids":[],"asks":[],"timestamp":"1","min_order_size":"5","neg_risk":false}"#;
    assert_eq!(depths(empty)[0].0.instrument, InstrumentId(1));
}

#[test]
fn changes_are_one_delta_per_token_with_the_best_prices_after_them() {
    let frame = r#"{"market":"0xdd22", "price_changes":[{"asset_id":"DOWN", "price":"0.49", "side":"SELL", "size":"100.0", "hash":"x", "best_bid":"0.48", "best_ask":"0.49"}, {"asset_id":"UP", "price":"0.51", "side":"BUY", "size":"150.0", "hash":"y", "best_bid":"0.51", "best_ask":"0.52"}, {"asset_id":"UP", "price":"0.52", "side":"SELL", "size":"0", "hash":"z", "best_bid":"0.51", "best_ask":"1"}, {"asset_id":"31337", "price":"0.1", "side":"BUY", "size":"1", "best_bid":"0.1", "best_ask":"0.9"}], "timestamp":"1703875201000", "event_type":"price_change"}"#;
    let read = depths(frame);
    assert_eq!(read.len(), 2, "the token that is not ours is left out");
    let (up, bids, asks) = &read[0];
    assert_eq!(
        (up.instrument, up.kind, up.best),
        (InstrumentId(0), DepthKind::Delta, Some(Best { bid: 5_100, ask: 0 }))
    );
    assert_eq!((prices(bids), prices(asks)), (vec![(5_100, 150_000_000)], vec![(5_200, 0)]));
    assert_eq!(read[1].0.best, Some(Best { bid: 4_800, ask: 4_900 }));
    let one_sided = frame.replace("\"0.48\"", "\"\"").replace("\"0.49\"}", "\"0.490\"}");
    assert_eq!(depths(&one_sided)[1].0.best, Some(Best { bid: 0, ask: 4_900 }));
}

#[test]
fn a_frame_is_an_event_or_an_array_of_them_told_whole_or_not_at_all() {
    let book = r#"{"event_type":"book","asset_id":"UP","bids":[{"price":"0.1","size":"1"}],"asks":[],"timestamp":"5"}"#;
    let other = book.replace("UP", "DOWN").replace("0.1", "0.2");
    let read = depths(&format!("[{book},{other}]"));
    assert_eq!((read[0].0.instrument, prices(&read[0].1)), (InstrumentId(0), vec![(1_000, 1_000_000)]));
    assert_eq!((read[1].0.instrument, prices(&read[1].1)), (InstrumentId(1), vec![(2_000, 1_000_000)]));
    assert_eq!(why(&format!("[{book},{}]", other.replace("0.2", "0.22222"))), (Reject::Precision, None));
    let passed_over = format!(r#"[{{"event_type":"weather"}},{book}]"#);
    assert_eq!(depths(&passed_over).len(), 1);
    assert_eq!(decoded("[]"), (Ok(FrameKind::Control), vec![]));
}

/// Conformance: polymarket heartbeat
#[test]
fn trades_tick_changes_and_pongs() {
    let trade = r#"{"event_type":"last_trade_price","market":"0x1","asset_id":"UP","price":"0.51","side":"SELL","size":"219.217767","fee_rate_bps":"0","timestamp":"1703875202000"}"#;
    let (result, calls) = decoded(trade);
    assert_eq!(result, Ok(FrameKind::Trade));
    let [Call::Trade(read)] = calls[..] else { panic!("{calls:?}") };
    assert_eq!((read.px, read.qty, read.taker), (Px(5_100), Qty(219_217_767), Side::Sell));
    let tick = r#"{"event_type":"tick_size_change","market":"0x1","asset_id":"DOWN","old_tick_size":"0.01","new_tick_size":"0.001","timestamp":"9"}"#;
    let expected = Call::Control(Control::Tick { instrument: InstrumentId(1), tick: 10 });
    assert_eq!(decoded(tick), (Ok(FrameKind::Control), vec![expected]));
    assert_eq!(decoded("PONG"), (Ok(FrameKind::Control), vec![Call::Control(Control::Pong)]));
    let best = r#"{"event_type":"best_bid_ask","market":"0x1","asset_id":"UP","best_bid":"0.73","best_ask":"0.77","spread":"0.04","timestamp":"1766789469958"}"#;
    assert_eq!(decoded(best), (Ok(FrameKind::Other), vec![]));
}

#[test]
fn bad_frames_say_why_and_whose() {
    let book = r#"{"event_type":"book","asset_id":"UP","bids":[{"price":"0.1","size":"1"}],"asks":[],"timestamp":"5"}"#;
    let bad = |from: &str, to: &str| why(&book.replace(from, to));
    assert_eq!(bad("0.1", "0.12345"), (Reject::Precision, Some(0)));
    assert_eq!(bad("0.1", "1"), (Reject::BadNumber, Some(0)));
    assert_eq!(bad("0.1", "0"), (Reject::BadNumber, Some(0)));
    assert_eq!(bad("\"0.1\"", "0.1"), (Reject::Malformed, Some(0)));
    assert_eq!(bad("\"size\":\"1\"", "\"size\":\"1\",\"size\":\"2\""), (Reject::DuplicateKey, Some(0)));
    assert_eq!(bad(",\"timestamp\":\"5\"", ""), (Reject::MissingField, Some(0)));
    assert_eq!(bad("UP", "31337"), (Reject::UnknownInstrument, None));
    assert_eq!(bad("\"book\"", "\"weather\""), (Reject::UnknownChannel, None));
    assert_eq!(bad("}],\"asks", "}"), (Reject::Truncated, None));
    let change = r#"{"event_type":"price_change","price_changes":[{"asset_id":"UP","price":"0.5","side":"BUY","size":"1","best_bid":"0.5","best_ask":"0.6"}],"timestamp":"5"}"#;
    assert_eq!(why(&change.replace(",\"best_ask\":\"0.6\"", "")), (Reject::MissingField, None));
    assert_eq!(why(&change.replace("\"BUY\"", "\"buy\"")), (Reject::Malformed, None));
}

#[test]
fn the_rest_book_is_read_best_first() {
    let body = r#"{"market":"0x1","asset_id":"1","timestamp":"1777428639102","hash":"h","bids":[{"price":"0.01","size":"3646"},{"price":"0.5","size":"2"}],"asks":[{"price":"0.99","size":"1"},{"price":"0.51","size":"15"}],"min_order_size":"5","tick_size":"0.01","neg_risk":false,"last_trade_price":""}"#;
    let bench = bench();
    let entry = bench.directory.find(UP.as_bytes()).unwrap();
    let read = rest::parse_depth(Venue::Polymarket, entry, body.as_bytes()).unwrap();
    assert_eq!((prices(&read.bids)[0], prices(&read.asks)[0]), ((5_000, 2_000_000), (5_100, 15_000_000)));
    assert_eq!(read.head.sequence.last, Some(1_777_428_639_102));
}

/// Frames of the recorded sessions, with the tokens that they name.
fn recorded(data: &Path) -> (Vec<String>, Vec<String>) {
    let (mut frames, mut tokens) = (Vec::new(), Vec::new());
    for file in std::fs::read_dir(data.join("jonahgrigoryan-15m/POLYMARKET+BINANCE+COINBASE")).unwrap() {
        let text = zstd::decode_all(std::fs::File::open(file.unwrap().path()).unwrap()).unwrap();
        for line in String::from_utf8(text).unwrap().lines() {
            let line: serde_json::Value = serde_json::from_str(line).unwrap();
            let payload = line["payload"].as_str().unwrap();
            if line["source"] == "polymarket_clob" && payload.contains("\"event_type\"") {
                let named = payload.split("\"asset_id\":\"").skip(1);
                tokens.extend(named.map(|rest| rest.split('"').next().unwrap().to_owned()));
                frames.push(payload.to_owned());
            }
        }
    }
    tokens.sort();
    tokens.dedup();
    (frames, tokens)
}

/// Conformance: polymarket decode
#[test]
fn every_recorded_frame_is_decoded_by_the_scan_and_both_tiers_agree_damaged_or_not() {
    let Some(data) = data() else { return };
    let (frames, tokens) = recorded(&data);
    let symbols: Vec<&str> = tokens.iter().map(String::as_str).collect();
    let mut bench = Bench::assumed(Venue::Polymarket, &symbols);
    let mut calls = 0;
    for frame in &frames {
        let outcome = bench.decode(frame.as_bytes());
        assert_eq!(outcome, bench.reference(frame.as_bytes()), "{frame}");
        assert!(outcome.0.is_ok(), "{outcome:?} {frame}");
        calls += outcome.1.len();
    }
    let unread = frames.iter().filter(|frame| frame.contains("new_market")).count() as u64;
    assert_eq!(bench.fallbacks(), unread, "all but news of other markets is for the scan");
    let (mut dice, mut taken, mut tried) = (Dice(0x9e37_79b9_7f4a_7c15), 0, 0);
    for frame in &frames {
        for _ in 0..if frame.len() < 4096 { 60 } else { 6 } {
            let bytes = damage(frame.as_bytes(), &mut dice);
            let (first, second) = (bench.decode(&bytes), bench.reference(&bytes));
            assert_eq!(first, second, "{}", String::from_utf8_lossy(&bytes));
            taken += u64::from(first.0.is_ok());
            tried += 1;
        }
    }
    eprintln!("{} frames, {} tokens, {calls} calls; {tried} damaged frames, {taken} taken", frames.len(), tokens.len());
    assert!(calls > 100 && taken > tried / 50 && taken < tried);
}

#[test]
fn the_tiers_agree_on_damaged_documentation() {
    let literals = [
        r#"{"event_type":"book","asset_id":"UP","bids":[{"price":"0.50","size":"200.0"},{"price":"0.4","size":"1.5"}],"asks":[{"price":"0.51","size":"150.0"}],"timestamp":"1703875200000","hash":"0xabc"}"#,
        r#"{"event_type":"price_change","market":"0x","price_changes":[{"asset_id":"UP","price":"0.51","side":"BUY","size":"150.0","best_bid":"0.51","best_ask":"0.52"},{"asset_id":"DOWN","price":"0.49","side":"SELL","size":"0","best_bid":"","best_ask":"1"}],"timestamp":"1703875201000"}"#,
        r#"{"event_type":"last_trade_price","asset_id":"UP","price":"0.51","side":"BUY","size":"25.0","timestamp":"1"}"#,
        r#"{"event_type":"tick_size_change","asset_id":"DOWN","old_tick_size":"0.01","new_tick_size":"0.001","timestamp":"9"}"#,
        "PONG",
    ];
    let (mut bench, mut dice, mut taken) = (bench(), Dice(0x2545_f491_4f6c_dd1d), 0);
    for literal in literals.map(|literal| literal.replace("UP", UP).replace("DOWN", DOWN)) {
        for _ in 0..4_000 {
            let mut bytes = damage(literal.as_bytes(), &mut dice);
            if dice.roll(4) == 0 && !bytes.is_empty() {
                bytes = damage(&bytes, &mut dice);
            }
            let (first, second) = (bench.decode(&bytes), bench.reference(&bytes));
            assert_eq!(first, second, "{}", String::from_utf8_lossy(&bytes));
            taken += u64::from(first.0.is_ok());
        }
    }
    assert!(taken > 200, "{taken}");
}
