//! A capture in which opportunities open, are taken, filled and closed: what the report says of it,
//! and that it says so on every run and in every layout.

use crate::frames::{BINANCE_WS, OKX_WS, binance_depth, binance_depth_url, binance_ticker, binance_update, okx_books};
use crate::product::Replay;
use crate::tape::{Folder, START_MS, Tape};
use serde_json::{Value, json};
use std::path::Path;

/// Changes of the tops before anything crosses: prices without a past are not traded on.
const QUIET: u64 = 24;

/// The last number of the OKX book.
const LAST: i64 = 13 + QUIET.cast_signed();

/// Binance asks 100.10 throughout. OKX bids 100.60 for 0.5 from 1000 ms until 1200 ms, and for 0.25
/// from 1700 ms to the end; Binance's ticker moves without ending the first.
fn tape() -> Tape {
    let b = "BTCUSDT";
    let mut tape = Tape::default()
        .connect(0, "b", BINANCE_WS)
        .connect(0, "o", OKX_WS)
        .recv(10, "b", binance_update(b, 10, (99, 101), "", ""))
        .http(20, &binance_depth_url(b), &binance_depth(100, "100.00:1 99.90:2", "100.10:1 100.20:2"))
        .recv(30, "o", okx_books("BTC-USDT", 30, (-1, 7), "100.00:1 99.80:1", "100.20:1"))
        .recv(40, "b", binance_update(b, 40, (102, 104), "99.90:0", ""));
    for i in 0..QUIET {
        let qty = 2 + i % 2;
        let bid = format!("100.00:{qty}");
        tape = tape.recv(100 + i, "b", binance_update(b, 100 + i, (105 + i, 105 + i), &bid, "")).recv(
            100 + i,
            "o",
            okx_books("BTC-USDT", 100 + i, (7 + i.cast_signed(), 8 + i.cast_signed()), &bid, ""),
        );
    }
    let seq = 7 + QUIET.cast_signed();
    tape.recv(600, "o", r#"{"event":"subscribe","arg":{"channel":"books","instId":"BTC-USDT"}}"#)
        .recv(700, "o", r#"{"arg":{"channel":"gossip","instId":"BTC-USDT"},"data":[{}]}"#)
        .recv(1000, "o", okx_books("BTC-USDT", 1000, (seq, seq + 2), "100.60:0.5", "100.20:0 100.70:1"))
        .recv(1100, "b", binance_ticker(b, 999, ("100.05", "3"), ("100.10", "4")))
        .recv(1200, "o", okx_books("BTC-USDT", 1200, (seq + 2, seq + 5), "100.60:0", ""))
        .recv(1600, "b", binance_ticker(b, 1000, ("100.05", "3"), ("100.10", "5")))
        // Its book is still there: a ticker alone is no witness for the depth behind it.
        .recv(1650, "b", binance_update(b, 1650, (105 + QUIET, 105 + QUIET), "99.80:1", ""))
        .recv(1700, "o", okx_books("BTC-USDT", 1700, (seq + 5, seq + 6), "100.60:0.25", ""))
}

fn replay(path: &Path, layout: &str) -> Value {
    let mut report = Replay::new()
        .of(path)
        .with(&["--layout", layout])
        .set("HIGHWIRE__VENUES__BINANCE_SPOT__TAKER_FEE_BPS", "10")
        .set("HIGHWIRE__VENUES__OKX__TAKER_FEE_BPS", "8")
        .report();
    for measured in ["latency_ns", "wall_s", "frames_per_s"] {
        report.as_object_mut().unwrap().remove(measured).expect("it is reported");
    }
    report
}

#[test]
fn two_runs_and_both_layouts_say_the_same() {
    let folder = Folder::new();
    let path = folder.write("a.jsonl", &tape().envelope());
    let one = replay(&path, "one");
    assert_eq!(one["digest"].as_str().unwrap().len(), 32);
    assert_eq!(replay(&path, "one"), one);
    assert_eq!(replay(&path, "split"), one);
    let other = folder
        .write("b.jsonl", &tape().recv(1800, "o", okx_books("BTC-USDT", 1800, (LAST, LAST + 1), "1:1", "")).envelope());
    assert_eq!(replay(&other, "one")["digest"], one["digest"], "a level behind the best changes nothing");
    let other = folder.write(
        "c.jsonl",
        &tape().recv(1800, "o", okx_books("BTC-USDT", 1800, (LAST, LAST + 1), "100.61:1", "")).envelope(),
    );
    assert_ne!(replay(&other, "one")["digest"], one["digest"], "a new top is another content");
}

#[test]
fn a_depth_answer_from_nowhere_is_of_the_same_venue_on_every_run() {
    let tape = Tape::default()
        .connect(0, "a", BINANCE_WS)
        .connect(0, "b", OKX_WS)
        .recv(1, "a", binance_update("BTCUSDT", 1, (99, 101), "", ""))
        .recv(2, "b", okx_books("BTC-USDT", 2, (-1, 1), "1:1", "2:1"))
        .http(3, "http://localhost/api/v3/depth?symbol=BTCUSDT", &binance_depth(100, "1:1", "2:1"));
    let folder = Folder::new();
    let path = folder.write("a.jsonl", &tape.envelope());
    for _ in 0..6 {
        assert_eq!(replay(&path, "one")["snapshots"], json!({"taken": 1, "rejected": 0}));
    }
}

#[test]
fn the_report_says_exactly_what_happened() {
    let folder = Folder::new();
    let report = replay(&folder.write("a.jsonl", &tape().envelope()), "one");
    assert_eq!(report["frames"], 2 * QUIET + 11);
    assert_eq!(report["decoded"], 2 * QUIET + 10);
    assert_eq!(report["decoded_by_kind"], json!({"top": 2, "snapshot": 1, "delta": 2 * QUIET + 6, "control": 1}));
    assert_eq!(report["rejected"], json!({"total": 1, "by_reason": {"unknown_channel": 1}}));
    assert_eq!(report["snapshots"], json!({"taken": 1, "rejected": 0}));
    assert_eq!((&report["gaps"], &report["crossed"]), (&json!(0), &json!(0)));
    assert_eq!(report["opportunities"]["count"], 2);
    assert_eq!(report["opportunities"]["taken"], 2);
    let first = &report["opportunities"]["list"][0];
    let at = |ms: u64| (START_MS + ms) * 1_000_000;
    let expected = [
        ("id", json!(1)),
        ("pair", json!("BTC/USDT")),
        ("buy", json!("binance_spot:BTCUSDT")),
        ("sell", json!("okx:BTC-USDT")),
        ("opened_ns", json!(at(1000))),
        ("closed_ns", json!(at(1200))),
        ("duration_ns", json!(200_000_000)),
        ("ask_px", json!("100.1")),
        ("bid_px", json!("100.6")),
        ("size", json!("0.5")),
        ("updates", json!(2)),
        ("verdict", json!("taken")),
    ];
    for (key, value) in expected {
        let same = if let (Some(a), Some(b)) = (first[key].as_str(), value.as_str()) {
            same_decimal(a, b)
        } else {
            first[key] == value
        };
        assert!(same, "{key}: {} is not {value}", first[key]);
    }
    // (100.60 × 0.9992 − 100.10 × 1.001) / (100.10 × 1.001), in basis points, rounded down.
    assert!(same_decimal(first["edge_bps"].as_str().unwrap(), "31.87821"), "{first}");
    assert!(same_decimal(first["edge_best_bps"].as_str().unwrap(), "31.87821"), "{first}");
    let second = &report["opportunities"]["list"][1];
    assert_eq!((&second["closed_ns"], &second["verdict"]), (&Value::Null, &json!("taken")));
    assert_eq!((&report["orders"], &report["fills"]), (&json!(4), &json!(4)));
    // 0.75 × (100.60 × 0.9992 − 100.10 × 1.001)
    let profit = &report["profit_and_loss"]["BTC/USDT"];
    assert!(same_decimal(profit["realised"].as_str().unwrap(), "0.239565"), "{profit}");
    // 0.75 × (100.60 × 0.0008 + 100.10 × 0.001)
    assert!(same_decimal(profit["fees"].as_str().unwrap(), "0.135435"), "{profit}");
    assert!(same_decimal(profit["base_open"].as_str().unwrap(), "0"), "{profit}");
    assert_eq!(report["anomalies"], json!({}));
}

/// Texts that mean the same number: `100.10` and `100.1`.
fn same_decimal(left: &str, right: &str) -> bool {
    let plain = |text: &str| match text.contains('.') {
        true => text.trim_end_matches('0').trim_end_matches('.').to_owned(),
        false => text.to_owned(),
    };
    plain(left) == plain(right)
}
