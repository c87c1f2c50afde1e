//! Hostile frames inside a good capture: each is counted under its reason, and only the book that
//! it speaks of stops being live, until a fresh snapshot.

use crate::frames::{BINANCE_WS, OKX_WS, binance_depth, binance_depth_url, binance_update, okx_books};
use crate::product::with_tops;
use crate::tape::{Folder, Tape};
use serde_json::{Value, json};

/// A book that was lost waits for a snapshot from the next message on.
const LOST_AND_BACK: [&str; 4] = ["live", "suspect", "syncing", "live"];

/// The states of an instrument's book, in order, without repetitions.
fn states(csv: &str, instrument: &str) -> Vec<String> {
    let rows = csv.lines().map(|row| row.split(',').collect::<Vec<_>>());
    let of = rows.filter(|cells| cells[2] == instrument && cells[3] == "book");
    let mut states: Vec<String> = of.map(|cells| cells[8].to_owned()).collect();
    states.dedup();
    states
}

fn run(tape: &Tape) -> (Value, String) {
    let folder = Folder::new();
    with_tops(&folder.write("a.jsonl", &tape.envelope()))
}

/// Two OKX books, a hostile frame about BTC-USDT, an update that must not count, a fresh snapshot.
fn okx(eth: &'static str, hostile: &[u8]) -> (Value, String) {
    let (btc, other) = ("BTC-USDT", "ETH-USDT");
    let tape = Tape::default()
        .connect(0, "o", OKX_WS)
        .connect(0, "other", OKX_WS)
        .recv(1, "o", okx_books(btc, 1, (-1, 1), "100:1", "101:1"))
        .recv(2, eth, okx_books(other, 2, (-1, 1), "10:1", "11:1"))
        .recv(3, "o", hostile)
        .recv(4, "o", okx_books(btc, 4, (1, 2), "100.5:1", ""))
        .recv(5, eth, okx_books(other, 5, (1, 2), "10.5:1", ""))
        .recv(6, "o", okx_books(btc, 6, (-1, 9), "100.6:1", "101:1"))
        .recv(7, "o", okx_books(btc, 7, (9, 10), "100.7:1", ""));
    run(&tape)
}

fn check(name: &str, eth: &'static str, hostile: &[u8], reason: &str) {
    let (report, csv) = okx(eth, hostile);
    assert_eq!(report["rejected"]["by_reason"], json!({ reason: 1 }), "{name}");
    assert_eq!((&report["frames"], &report["resyncs"]), (&json!(7), &json!(1)), "{name}");
    assert_eq!(states(&csv, "BTC-USDT"), LOST_AND_BACK, "{name}: {csv}");
    assert!(!csv.contains(",100.5,"), "{name}: an update on a lost book counted: {csv}");
    assert!(csv.contains(",100.7,1,101,1,live"), "{name}: {csv}");
    assert_eq!(states(&csv, "ETH-USDT"), ["live"], "{name}: {csv}");
}

/// An OKX update of BTC-USDT with this text for its data.
fn btc(data: &str) -> Vec<u8> {
    format!(r#"{{"arg":{{"channel":"books","instId":"BTC-USDT"}},"action":"update","data":[{data}]}}"#).into_bytes()
}

/// The same with this text for its asks.
fn asks(levels: &str) -> Vec<u8> {
    btc(&format!(r#"{{"asks":{levels},"bids":[],"ts":"1700000000003","prevSeqId":1,"seqId":2}}"#))
}

#[test]
fn a_broken_frame_takes_its_own_book_alone_out_of_trading() {
    let whole = asks(r#"[["101","2","0","1"]]"#);
    check("truncated", "o", &whole[..whole.len() - 20], "truncated");
    check("two in one", "o", &[&whole[..], &whole[..]].concat(), "malformed");
    let at = whole.len() - 20;
    check("not UTF-8", "o", &[&whole[..at], b"\",\"x\":\"\xff\xfe\"", &whole[at..]].concat(), "encoding");
    check("NUL", "o", &[&whole[..at], b"\0", &whole[at..]].concat(), "malformed");
    let deep = format!("{}{}", "[".repeat(20_000), "]".repeat(20_000));
    check("deep nesting", "o", &asks(&deep), "malformed");
    let huge = format!(r#"[["101","2","0","1"]{}]"#, r#",["101","2","0","1"]"#.repeat(60_000));
    check("huge", "other", &asks(&huge), "too_large");
}

/// All of these frames about one book, then a fresh snapshot of it.
fn many(frames: &[Vec<u8>]) -> Value {
    let mut tape =
        Tape::default().connect(0, "o", OKX_WS).recv(1, "o", okx_books("BTC-USDT", 1, (-1, 1), "1:1", "2:1"));
    for frame in frames {
        tape = tape.recv(2, "o", frame.clone());
    }
    let (report, csv) = run(&tape.recv(3, "o", okx_books("BTC-USDT", 3, (-1, 1), "1:2", "2:1")));
    assert_eq!(report["decoded"], 2);
    assert_eq!(states(&csv, "BTC-USDT"), ["live", "suspect", "live"], "{csv}");
    report["rejected"]["by_reason"].clone()
}

#[test]
fn a_frame_cut_or_spoiled_at_any_byte_is_refused_for_its_reason() {
    let whole = asks(r#"[["101","2","0","1"]]"#);
    let cuts: Vec<Vec<u8>> = (0..whole.len()).map(|end| whole[..end].to_vec()).collect();
    assert_eq!(many(&cuts), json!({ "truncated": whole.len() }));
    let spoiled = |byte: u8| -> Vec<Vec<u8>> {
        let at = |place: usize| [&whole[..place], &[byte], &whole[place + 1..]].concat();
        (0..whole.len() - 1).map(at).collect()
    };
    assert_eq!(many(&spoiled(0xff)), json!({ "encoding": whole.len() - 1 }));
}

#[test]
fn a_wrong_value_takes_its_own_book_alone_out_of_trading() {
    check("negative", "o", &asks(r#"[["-101","2","0","1"]]"#), "bad_number");
    check("exponent", "o", &asks(r#"[["1e2","2","0","1"]]"#), "bad_number");
    check("not a number", "o", &asks(r#"[["NaN","2","0","1"]]"#), "bad_number");
    check("empty text", "o", &asks(r#"[["","2","0","1"]]"#), "bad_number");
    check("too fine", "o", &asks(r#"[["101.0000000001","2","0","1"]]"#), "precision");
    check("too large", "o", &asks(r#"[["101000000000000000000000000","2","0","1"]]"#), "overflow");
    check("a number for a list", "o", &asks("5"), "malformed");
    check("a level of one", "o", &asks(r#"[["101"]]"#), "missing_field");
    check("a level that is none", "o", &asks("[null]"), "malformed");
    let twice = r#"{"asks":[],"bids":[],"bids":[],"ts":"1700000000003","prevSeqId":1,"seqId":2}"#;
    check("duplicate key", "o", &btc(twice), "duplicate_key");
    check("missing field", "o", &btc(r#"{"asks":[],"ts":"1700000000003","prevSeqId":1,"seqId":2}"#), "missing_field");
}

#[test]
fn a_frame_that_names_nobody_puts_the_books_of_its_own_connection_in_doubt() {
    for (nameless, reason) in
        [(r#"{"arg":{"channel":"books","inst"#, "truncated"), ("17", "malformed"), ("", "truncated")]
    {
        let (report, csv) = okx("o", nameless.as_bytes());
        assert_eq!(report["rejected"]["by_reason"], json!({ reason: 1 }), "{nameless:?}");
        assert_eq!(states(&csv, "BTC-USDT"), LOST_AND_BACK, "{nameless:?}: {csv}");
        assert_eq!(states(&csv, "ETH-USDT"), LOST_AND_BACK[..3], "{nameless:?}: {csv}");
        let (_, csv) = okx("other", nameless.as_bytes());
        assert_eq!(states(&csv, "ETH-USDT"), ["live"], "{nameless:?}: {csv}");
    }
}

#[test]
fn a_frame_of_a_channel_that_nobody_knows_touches_no_book() {
    let (report, csv) = okx("o", br#"{"arg":{"channel":"gossip","instId":"BTC-USDT"},"data":[{}]}"#);
    assert_eq!(report["rejected"]["by_reason"], json!({"unknown_channel": 1}));
    assert_eq!(states(&csv, "BTC-USDT"), ["live"], "{csv}");
}

#[test]
fn a_sequence_gap_is_counted_and_the_next_snapshot_heals_it() {
    let gap = okx_books("BTC-USDT", 3, (5, 6), "100.4:1", "");
    let (report, csv) = okx("o", gap.as_bytes());
    assert_eq!(report["rejected"]["total"], 0);
    assert_eq!((&report["gaps"], &report["resyncs"]), (&json!(1), &json!(1)));
    assert_eq!(states(&csv, "BTC-USDT"), LOST_AND_BACK, "{csv}");
    assert!(!csv.contains(",100.4,") && !csv.contains(",100.5,"), "{csv}");
    assert!(csv.ends_with(",100.7,1,101,1,live\n"), "{csv}");
    assert_eq!(states(&csv, "ETH-USDT"), ["live"]);
}

#[test]
fn a_binance_book_comes_back_with_a_requested_snapshot() {
    let (b, e) = ("BTCUSDT", "ETHUSDT");
    let hostile = binance_update(b, 6, (104, 105), "-1:1", "");
    let tape = Tape::default()
        .connect(0, "b", BINANCE_WS)
        .recv(1, "b", binance_update(b, 1, (99, 101), "", ""))
        .recv(2, "b", binance_update(e, 2, (9, 11), "", ""))
        .http(3, &binance_depth_url(b), &binance_depth(100, "100:1", "101:1"))
        .http(4, &binance_depth_url(e), &binance_depth(10, "10:1", "11:1"))
        .recv(5, "b", binance_update(b, 5, (102, 103), "100.1:1", ""))
        .recv(6, "b", hostile)
        .recv(7, "b", binance_update(b, 7, (106, 107), "100.2:1", ""))
        .recv(8, "b", binance_update(e, 8, (12, 13), "10.1:1", ""))
        .http(9, &binance_depth_url(b), "{\"code\":-1003,\"msg\":\"Too many requests.\"}")
        .http(10, &binance_depth_url(b), &binance_depth(106, "100.3:1", "101:1"))
        .recv(11, "b", binance_update(b, 11, (108, 109), "100.4:1", ""))
        .recv(12, "b", binance_update(b, 12, (111, 112), "100.5:1", ""));
    let (report, csv) = run(&tape);
    assert_eq!(report["rejected"]["by_reason"], json!({"bad_number": 1}), "{csv}");
    assert_eq!(report["snapshots"], json!({"taken": 3, "rejected": 1}));
    assert_eq!((&report["gaps"], &report["resyncs"]), (&json!(1), &json!(2)));
    let btc = states(&csv, b);
    assert_eq!(btc.iter().filter(|state| *state == "live").count(), 2, "{csv}");
    assert_ne!(btc.last().unwrap(), "live", "{csv}");
    assert!(csv.contains(",100.4,1,101,1,live\n") && !csv.contains(",100.5,"), "{csv}");
    assert_eq!(states(&csv, e).last().unwrap(), "live", "{csv}");
    assert_eq!(states(&csv, e).iter().filter(|state| *state == "live").count(), 1, "{csv}");
}

#[test]
fn broken_lines_of_the_file_are_frames_refused_for_their_reason() {
    let good = |ms, seq| okx_books("BTC-USDT", ms, (seq - 1, seq), "100:1", "101:1");
    let tape = Tape::default()
        .connect(0, "o", OKX_WS)
        .recv(1, "o", okx_books("BTC-USDT", 1, (-1, 1), "100:1", "101:1"))
        .raw(b"nonsense")
        .raw(br#"{"t":"recv","conn":"o","ts":1700000000.002,"data":"{"#)
        .raw(br#"{"t":"recv","conn":"o","ts":"soon","data":"{}"}"#)
        .raw(br#"{"t":"recv","conn":"o","ts":1700000000.002}"#)
        .raw(b"{\"t\":\"recv\",\"conn\":\"\xff\"}")
        .raw(b"")
        .raw(br#"{"t":"weather","conn":"o","ts":1700000000.002}"#)
        .recv(3, "o", good(3, 2));
    let (report, _) = run(&tape);
    let expected = json!({"malformed": 1, "truncated": 1, "bad_number": 1, "missing_field": 1, "encoding": 1});
    assert_eq!(report["rejected"]["by_reason"], expected);
    assert_eq!((&report["frames"], &report["decoded"]), (&json!(7), &json!(2)));
    assert_eq!(report["books"][0]["state"], "live");
}
