//! `--tops`: the file to the last byte.

use crate::frames::{BINANCE_WS, OKX_WS, binance_depth, binance_depth_url, binance_ticker, binance_update, okx_books};
use crate::product::with_tops;
use crate::tape::{Folder, Tape};

#[test]
fn every_change_of_a_top_is_a_row_of_its_source_with_its_state() {
    let tape = Tape::default()
        .connect(0, "b", BINANCE_WS)
        .connect(0, "o", OKX_WS)
        .recv(1, "b", binance_ticker("BTCUSDT", 90, ("100.00", "1.50"), ("100.10", "2")))
        .recv(2, "b", binance_ticker("BTCUSDT", 91, ("100.00", "1.50"), ("100.10", "2")))
        .recv(3, "b", binance_update("BTCUSDT", 3, (99, 101), "", ""))
        .http(4, &binance_depth_url("BTCUSDT"), &binance_depth(100, "100.00:1.5 99.90:1", "100.10:2"))
        .recv(5, "b", binance_update("BTCUSDT", 5, (102, 103), "99.90:0", ""))
        .recv(6, "b", binance_update("BTCUSDT", 6, (104, 105), "100.01:0.25", "100.10:0"))
        .recv(7, "b", binance_ticker("BTCUSDT", 106, ("100.02", "1"), ("0.00000000", "0.00000000")))
        .recv(8, "b", binance_ticker("BTCUSDT", 107, ("100.02", "1"), ("100.01", "1")))
        .recv(9, "b", binance_update("BTCUSDT", 9, (108, 109), "100.03:1", ""))
        .recv(10, "o", okx_books("BTC-USDT", 10, (-1, 1), "", ""))
        .recv(11, "o", okx_books("BTC-USDT", 11, (1, 2), "7:1", ""))
        .recv(12, "o", okx_books("BTC-USDT", 12, (3, 4), "8:1", ""));
    let folder = Folder::new();
    let (report, csv) = with_tops(&folder.write("a.jsonl", &tape.envelope()));
    let expected = "\
recv_ns,venue,instrument,source,bid_px,bid_qty,ask_px,ask_qty,state
1700000000001000000,binance_spot,BTCUSDT,ticker,100,1.5,100.1,2,live
1700000000003000000,binance_spot,BTCUSDT,book,,,,,syncing
1700000000004000000,binance_spot,BTCUSDT,book,100,1.5,100.1,2,live
1700000000006000000,binance_spot,BTCUSDT,book,100.01,0.25,,,live
1700000000007000000,binance_spot,BTCUSDT,ticker,100.02,1,,,live
1700000000008000000,binance_spot,BTCUSDT,ticker,100.02,1,100.01,1,suspect
1700000000009000000,binance_spot,BTCUSDT,book,,,,,suspect
1700000000010000000,okx,BTC-USDT,book,,,,,live
1700000000011000000,okx,BTC-USDT,book,7,1,,,live
1700000000012000000,okx,BTC-USDT,book,,,,,suspect
";
    assert_eq!(csv, expected);
    assert_eq!((&report["tops"]["book"], &report["tops"]["ticker"]), (&7.into(), &3.into()));
    assert_eq!(report["gaps"], 2);
}

#[test]
fn a_symbol_with_a_comma_is_one_cell() {
    let tape = Tape::default().connect(0, "o", OKX_WS).recv(1, "o", okx_books("A,B", 1, (-1, 1), "1:2", "3:4"));
    let (_, csv) = with_tops(&Folder::new().write("a.jsonl", &tape.envelope()));
    assert_eq!(csv.lines().last(), Some("1700000000001000000,okx,\"A,B\",book,1,2,3,4,live"));
}
