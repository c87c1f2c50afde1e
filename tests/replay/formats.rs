//! One content, one digest: whatever the format, packed or plain, one file or several.

use crate::frames::{BINANCE_WS, OKX_WS, binance_ticker, okx_books};
use crate::product::Replay;
use crate::tape::{Folder, Tape, packed};
use std::path::Path;

fn okx() -> Tape {
    Tape::default()
        .recv(1, "o", okx_books("BTC-USDT", 1, (-1, 1), "100:1", "101:1"))
        .recv(5, "o", okx_books("ETH-USDT", 5, (-1, 1), "10:1", "11:1"))
        .recv(9, "o", okx_books("BTC-USDT", 9, (1, 2), "100.5:1", ""))
        .recv(12, "o", okx_books("BTC-USDT", 12, (1, 3), "100.6:1", ""))
        .recv(15, "o", okx_books("BTC-USDT", 15, (-1, 9), "100.6:1", "100.7:3"))
}

fn digest(paths: &[&Path]) -> String {
    let report = paths.iter().fold(Replay::new(), |replay, path| replay.of(path)).report();
    report["digest"].as_str().unwrap().to_owned()
}

#[test]
fn packed_and_plain_files_of_both_formats_have_one_digest() {
    let folder = Folder::new();
    let tape = okx();
    let plain = folder.write("okx/a.jsonl", &tape.envelope());
    let expected = digest(&[&plain]);
    let same = [
        folder.write("okx/a.jsonl.zst", &packed(&tape.envelope())),
        folder.write("okx/misnamed.jsonl", &packed(&tape.envelope())),
        folder.write("okx/a.dat", &tape.lines()),
        folder.write("okx/a.dat.zst", &packed(&tape.lines())),
        folder.write("OKX/named.jsonl", &tape.envelope_of("OKX")),
    ];
    for path in same {
        assert_eq!(digest(&[&path]), expected, "{}", path.display());
    }
}

#[test]
fn a_file_whose_two_halves_are_packed_each_by_itself_is_one_file() {
    let folder = Folder::new();
    let whole = okx().envelope();
    let middle = whole.iter().position(|&byte| byte == b'\n').unwrap() + 40;
    let halves = [packed(&whole[..middle]), packed(&whole[middle..])].concat();
    let (whole, halves) = (folder.write("okx/w.jsonl", &whole), folder.write("okx/h.zst", &halves));
    assert_eq!(digest(&[&whole]), digest(&[&halves]));
}

#[test]
fn files_are_merged_by_time_and_a_folder_means_its_files() {
    let folder = Folder::new();
    let ticker = |update, bid| binance_ticker("BTCUSDT", update, (bid, "1"), ("102", "1"));
    let both = Tape::default()
        .connect(0, "b", BINANCE_WS)
        .connect(0, "o", OKX_WS)
        .recv(1, "o", okx_books("BTC-USDT", 1, (-1, 1), "100:1", "101:1"))
        .recv(2, "b", ticker(1, "99"))
        .recv(3, "o", okx_books("BTC-USDT", 3, (1, 2), "100.5:1", ""))
        .recv(4, "b", ticker(2, "98"));
    let binance =
        Tape::default().connect(0, "b", BINANCE_WS).recv(2, "b", ticker(1, "99")).recv(4, "b", ticker(2, "98"));
    let okx = Tape::default()
        .connect(0, "o", OKX_WS)
        .recv(1, "o", okx_books("BTC-USDT", 1, (-1, 1), "100:1", "101:1"))
        .recv(3, "o", okx_books("BTC-USDT", 3, (1, 2), "100.5:1", ""));
    let both = folder.write("both.jsonl", &both.envelope());
    let (a, b) = (folder.write("two/a.jsonl", &okx.envelope()), folder.write("two/deep/b.log", &binance.envelope()));
    folder.write("two/notes.txt", b"not looked at");
    let expected = digest(&[&both]);
    assert_eq!(digest(&[&a, &b]), expected);
    assert_eq!(digest(&[a.parent().unwrap()]), expected);
}

#[test]
fn a_file_cut_short_is_read_to_the_cut() {
    let folder = Folder::new();
    let whole = okx().envelope();
    let cut = folder.write("okx/cut.jsonl", &whole[..whole.len() - 30]);
    let report = Replay::new().of(&cut).report();
    assert_eq!((&report["frames"], &report["decoded"]), (&5.into(), &4.into()));
    assert_eq!(report["rejected"]["by_reason"]["truncated"], 1);
}
