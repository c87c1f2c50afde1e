//! The whole of `highwire replay` in a few broad strokes, on a capture of two venues and on recordings.

use crate::captures::{binance_pair, folder, put};
use crate::program::{data, highwire, report};
use std::path::PathBuf;

#[test]
fn the_report_has_its_keys_and_its_numbers_add_up() {
    let folder = folder();
    let path = put(&folder, "BINANCE/a.jsonl", &binance_pair());
    let report = report(&[path.to_str().unwrap(), "--no-fees"]);
    for key in ["frames", "decoded", "decoded_by_kind", "rejected", "gaps", "resyncs", "checksum_mismatches", "crossed"]
    {
        assert!(!report[key].is_null(), "{key}");
    }
    for key in ["tops", "books", "opportunities", "decisions", "orders", "fills", "profit_and_loss", "digest"] {
        assert!(!report[key].is_null(), "{key}");
    }
    assert_eq!((&report["frames"], &report["decoded"]), (&4.into(), &4.into()));
    assert_eq!(report["opportunities"]["count"], 1);
    let found = &report["opportunities"]["list"][0];
    assert_eq!(
        (found["buy"].as_str(), found["sell"].as_str()),
        (Some("binance_spot:BTCUSDT"), Some("binance_usdm:BTCUSDT"))
    );
    assert_eq!((found["ask_px"].as_str(), found["bid_px"].as_str()), (Some("100.2"), Some("101")));
    // (101 − 100.2) / 100.2, rounded down to parts per billion: 79.84031 bps.
    assert_eq!(found["edge_bps"].as_str(), Some("79.84031"));
    assert_eq!(found["opened_ns"], 1_700_000_000_004_000_000u64);
}

#[test]
fn the_digest_depends_on_the_input_alone() {
    let folder = folder();
    let path = put(&folder, "BINANCE/a.jsonl", &binance_pair());
    let path = path.to_str().unwrap();
    let digest = |more: &[&str]| report(&[&[path], more].concat())["digest"].clone();
    let first = digest(&[]);
    assert_eq!(digest(&[]), first);
    assert_eq!(digest(&["--layout", "split"]), first);
    let other = put(&folder, "BINANCE/b.jsonl", &binance_pair().replace("101.0", "101.5"));
    assert_ne!(report(&[other.to_str().unwrap()])["digest"], first);
}

#[test]
fn the_same_capture_packed_or_plain_gives_the_same_digest() {
    let folder = folder();
    let plain = put(&folder, "BINANCE/a.jsonl", &binance_pair());
    let packed = folder.path().join("BINANCE/b.jsonl");
    std::fs::write(&packed, zstd::encode_all(binance_pair().as_bytes(), 3).unwrap()).unwrap();
    assert_eq!(report(&[plain.to_str().unwrap()])["digest"], report(&[packed.to_str().unwrap()])["digest"]);
}

#[test]
fn tops_are_written_in_plain_decimals() {
    let folder = folder();
    let path = put(&folder, "BINANCE/a.jsonl", &binance_pair());
    let rows = folder.path().join("tops.csv");
    report(&[path.to_str().unwrap(), "--tops", rows.to_str().unwrap()]);
    let text = std::fs::read_to_string(rows).unwrap();
    let lines: Vec<&str> = text.lines().collect();
    assert_eq!(lines[0], "recv_ns,venue,instrument,source,bid_px,bid_qty,ask_px,ask_qty,state");
    assert!(lines.contains(&"1700000000003000000,binance_spot,BTCUSDT,book,100.1,2,100.2,3,live"), "{text}");
    assert!(lines.contains(&"1700000000004000000,binance_usdm,BTCUSDT,ticker,101,1,101.2,1,live"), "{text}");
}

#[test]
fn hostile_lines_and_frames_are_counted_and_the_rest_is_decoded() {
    let folder = folder();
    let hostile = [
        "{",
        "[]",
        "null",
        "{\\\"stream\\\":\\\"btcusdt@depth\\\",\\\"data\\\":{\\\"e\\\":\\\"depthUpdate\\\",\\\"s\\\":\\\"BTCUSDT\\\",\\\"U\\\":-1}}",
        "\\u0000",
    ];
    let mut text = binance_pair();
    for (n, frame) in hostile.iter().enumerate() {
        text += &format!("{{\"t\":\"recv\",\"conn\":\"w1\",\"ts\":1700000000.01{n},\"data\":\"{frame}\"}}\n");
    }
    text += "{\"t\":\"recv\",\"conn\":\"w1\",\nrubbish\n";
    let report = report(&[put(&folder, "BINANCE/a.jsonl", &text).to_str().unwrap()]);
    let number = |value: &serde_json::Value| value.as_u64().unwrap();
    assert_eq!(number(&report["frames"]), 11);
    assert_eq!(number(&report["rejected"]["total"]) + number(&report["decoded"]), 11);
    assert_eq!(number(&report["decoded"]), 4);
    let by_reason: u64 = report["rejected"]["by_reason"].as_object().unwrap().values().map(number).sum();
    assert_eq!(by_reason, 7);
}

#[test]
fn wrong_input_ends_with_code_2_and_one_line_that_names_it() {
    let folder = folder();
    put(&folder, "BINANCE/empty.jsonl", "");
    put(&folder, "BINANCE/text.dat", "hello\n");
    put(&folder, "BINANCE/good.jsonl", &binance_pair());
    let kraken = "{\"t\":\"header\",\"format\":2,\"exchange\":\"KRAKEN\"}\n{\"t\":\"connect\",\"conn\":\"k\",\"ts\":1.0,\"addr\":\"wss://ws.kraken.com\"}\n{\"t\":\"recv\",\"conn\":\"k\",\"ts\":1.0,\"data\":\"{\\\"event\\\":\\\"heartbeat\\\"}\"}\n";
    put(&folder, "KRAKEN/a.jsonl", kraken);
    let lookalike = binance_pair().replace("\"BINANCE\"", "\"BITGET\"").replace("binance.com", "bitget.com");
    put(&folder, "BITGET/a.jsonl", &lookalike);
    std::fs::write(folder.path().join("bad.zst"), [0x28, 0xb5, 0x2f, 0xfd, 1, 2, 3]).unwrap();
    let refused = |arguments: &[&str], named: &str| {
        let paths = arguments
            .iter()
            .map(|a| if a.starts_with("--") { (*a).to_owned() } else { folder.path().join(a).display().to_string() });
        let out = highwire(&[vec!["replay".to_owned()], paths.collect()].concat());
        let stderr = String::from_utf8_lossy(&out.stderr);
        assert_eq!(out.status.code(), Some(2), "{stderr}");
        assert!(stderr.contains(named) && !stderr.contains("panicked") && out.stdout.is_empty(), "{stderr}");
    };
    refused(&["gone.jsonl"], "gone.jsonl");
    refused(&["BINANCE/empty.jsonl"], "empty.jsonl");
    refused(&["BINANCE/text.dat"], "text.dat");
    refused(&["bad.zst"], "bad.zst");
    refused(&["KRAKEN/a.jsonl"], "binance_spot");
    refused(&["BITGET/a.jsonl"], "binance_spot");
    refused(&["BINANCE/good.jsonl", "--pairs=x=kraken:BTC"], "kraken");
    refused(&["BINANCE/good.jsonl", "--speed=-1"], "speed");
    refused(&["BINANCE/good.jsonl", "--no-such"], "no-such");
    refused(&[], "PATHS");
}

#[test]
fn small_recordings_replay_with_every_frame_accounted_for() {
    let Some(data) = data() else { return };
    for name in
        ["BINANCE_US/BINANCE_US.jsonl.zst", "BINANCE_TR", "BINANCE/BINANCE.jsonl.zst", "OKX/OKX.jsonl.zst", "OKEX"]
    {
        let path: PathBuf = data.join("cryptofeed").join(name);
        let report = report(&[path.to_str().unwrap()]);
        let number = |value: &serde_json::Value| value.as_u64().unwrap();
        assert_eq!(
            number(&report["frames"]),
            number(&report["decoded"]) + number(&report["rejected"]["total"]),
            "{name}"
        );
        assert!(number(&report["frames"]) > 0, "{name}");
    }
}
