//! Wrong input: exit code 2 and a line that says what is wrong, never a panic.

use crate::frames::{OKX_WS, okx_books};
use crate::product::Replay;
use crate::tape::{Folder, Tape};
use std::io::Read;
use std::path::Path;
use std::process::Stdio;

fn good(folder: &Folder) -> std::path::PathBuf {
    let tape = Tape::default().connect(0, "o", OKX_WS).recv(1, "o", okx_books("BTC-USDT", 1, (-1, 1), "1:1", "2:1"));
    folder.write("good.jsonl", &tape.envelope())
}

/// Exit code 2, and the one line of standard error has all these parts.
fn refused(replay: Replay, parts: &[&str]) {
    let output = replay.output();
    let told = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(2), "{told}");
    assert_eq!(told.lines().count(), 1, "{told}");
    assert!(told.starts_with("highwire: ") && !told.contains("panicked"), "{told}");
    assert!(parts.iter().all(|part| told.contains(part)), "{parts:?} not all in: {told}");
    assert!(output.stdout.is_empty());
}

#[test]
fn a_path_that_holds_no_capture_is_named() {
    let folder = Folder::new();
    let of = |path: &Path| Replay::new().of(path);
    let missing = folder.path("nothing.jsonl");
    refused(of(&missing), &["nothing.jsonl", "No such file"]);
    refused(of(&good(&folder)).of(&missing), &["nothing.jsonl"]);
    let empty = folder.write("empty/readme.txt", b"no capture");
    refused(of(empty.parent().unwrap()), &["empty", "no captures in this folder", ".jsonl"]);
    refused(of(&empty), &["readme.txt", "not a capture"]);
    refused(of(&folder.write("nil.jsonl", b"")), &["nil.jsonl", "empty"]);
    refused(of(&folder.write("other.jsonl", b"{\"hello\": \"world\"\n")), &["other.jsonl", "not a capture"]);
    refused(of(&folder.write("bytes.zst", &[0x28, 0xb5, 0x2f, 0xfd, 9, 9, 9, 9])), &["bytes.zst"]);
    refused(of(&folder.write("noise.dat", &[0xff, 0x00, 0x13, 0x0a, 0x80])), &["noise.dat", "not a capture"]);
}

#[test]
fn a_capture_of_an_exchange_that_is_not_supported_says_which_are() {
    let folder = Folder::new();
    let kraken = Tape::default()
        .connect(0, "k", "wss://ws.kraken.com")
        .recv(1, "k", r#"{"event":"systemStatus","status":"online","version":"1.9.0"}"#)
        .recv(2, "k", r#"[320,{"as":[["100.1","1","1700000000.1"]],"bs":[]},"book-25","XBT/USD"]"#);
    let path = folder.write("KRAKEN/k.jsonl", &kraken.envelope_of("KRAKEN"));
    refused(Replay::new().of(&path), &["k.jsonl", "not a capture of a supported venue", "binance_spot", "okx"]);
    refused(Replay::new().of(&good(&folder)).of(&path), &["k.jsonl"]);
}

#[test]
fn a_wrong_setting_is_named_with_what_was_probably_meant() {
    let folder = Folder::new();
    let path = good(&folder);
    let of = || Replay::new().of(&path);
    let file = folder.write("h.toml", b"[wire]\nidel = \"spin\"\n");
    refused(
        of().with(&["--config", file.to_str().unwrap()]),
        &["unknown key `wire.idel`", "did you mean `wire.idle`?"],
    );
    refused(of().with(&["--config", "/nowhere.toml"]), &["/nowhere.toml"]);
    refused(
        of().set("HIGHWIRE__VENUES__OKEX__ENABLED", "true"),
        &["venues.okex.enabled", "did you mean `HIGHWIRE__VENUES__OKX__ENABLED`"],
    );
    refused(of().set("HIGHWIRE__VENUES__OKX__TAKER_FEE_BPS", "lots"), &["venues.okx.taker_fee_bps", "allowed"]);
}

#[test]
fn a_configuration_that_is_no_toml_shows_the_place() {
    let folder = Folder::new();
    let file = folder.write("t.toml", b"[wire\n");
    let output = Replay::new().of(&good(&folder)).with(&["--config", file.to_str().unwrap()]).output();
    let told = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(2), "{told}");
    assert!(told.contains("t.toml is not valid TOML") && told.contains("line 1, column 6"), "{told}");
}

#[test]
fn a_wrong_argument_says_what_was_expected() {
    let folder = Folder::new();
    let path = good(&folder);
    let of = || Replay::new().of(&path);
    refused(of().with(&["--speed", "-1"]), &["--speed -1", "expected 0, or a number from 0.001 to 10000"]);
    refused(of().with(&["--speed", "nan"]), &["--speed", "expected 0, or a number from 0.001 to 10000"]);
    refused(of().with(&["--speed", "1e-300"]), &["--speed 0.000", "from 0.001"]);
    refused(of().with(&["--speed", "inf"]), &["--speed", "expected 0, or a number from 0.001 to 10000"]);
    refused(of().with(&["--pairs", "B T C"]), &["--pairs B T C", "BASE/QUOTE"]);
    refused(of().with(&["--pairs", "X=okx"]), &["--pairs X=okx", "venue:SYMBOL"]);
    refused(of().with(&["--pairs", "X=okex:BTC-USDT"]), &["no venue \"okex\"", "okx"]);
    refused(of().with(&["--tops", "/nowhere/tops.csv"]), &["/nowhere/tops.csv"]);
}

#[test]
fn the_tops_never_replace_a_capture_that_is_replayed() {
    let folder = Folder::new();
    let path = good(&folder);
    let before = std::fs::read(&path).unwrap();
    let roundabout = path.parent().unwrap().join("./good.jsonl");
    let tops = ["--tops", roundabout.to_str().unwrap()];
    refused(Replay::new().of(path.parent().unwrap()).with(&tops), &["good.jsonl", "it would be lost"]);
    assert_eq!(std::fs::read(&path).unwrap(), before);
}

#[test]
fn an_argument_that_cannot_be_read_is_named_with_the_usage() {
    let folder = Folder::new();
    let path = good(&folder);
    let cases: [&[&str]; 4] = [&["--speed", "fast"], &["--layout", "three"], &["--sped", "1"], &["--pairs"]];
    for arguments in cases {
        let output = Replay::new().of(&path).with(arguments).output();
        let told = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(2), "{told}");
        assert!(told.starts_with("error: ") && told.contains(arguments[0]) && !told.contains("panicked"), "{told}");
    }
    let output = Replay::new().output();
    assert_eq!(output.status.code(), Some(2), "a replay of nothing");
}

#[test]
fn a_reader_that_goes_away_is_no_failure() {
    let folder = Folder::new();
    let replay = Replay::new().of(&good(&folder)).with(&["--json"]);
    let mut child = replay.command().stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    drop(child.stdout.take());
    let mut told = String::new();
    child.stderr.take().unwrap().read_to_string(&mut told).unwrap();
    assert_eq!((child.wait().unwrap().code(), told.as_str()), (Some(0), ""));
}

#[test]
fn a_replay_at_a_given_speed_takes_its_time() {
    let folder = Folder::new();
    let frame = |ms, seq| okx_books("BTC-USDT", ms, (seq - 1, seq), "1:1", "2:1");
    let tape = Tape::default()
        .connect(0, "o", OKX_WS)
        .recv(0, "o", okx_books("BTC-USDT", 0, (-1, 1), "1:1", "2:1"))
        .recv(2_000, "o", frame(2_000, 2));
    let path = folder.write("a.jsonl", &tape.envelope());
    let seconds = |speed| Replay::new().of(&path).with(&["--speed", speed]).report()["wall_s"].as_f64().unwrap();
    assert!(seconds("10") >= 0.2);
    assert!(seconds("0") < 1.9);
}
