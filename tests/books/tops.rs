//! Every top of every recording equals the reference's, in order and to the last digit.

use crate::capture::{data, read};
use crate::product::{Stream, replay};
use crate::reference::{Reference, Top};
use std::collections::HashMap;
use std::path::PathBuf;

/// Recordings and the venue that their folder names (Bybit's is in the URL).
const RECORDINGS: &[(&str, &[&str])] = &[
    ("binance_spot", &["cryptofeed/BINANCE/BINANCE.20210405T183323Z.jsonl.zst"]),
    ("binance_spot", &["cryptofeed/BINANCE/BINANCE.20210814T144635Z.jsonl.zst"]),
    ("binance_spot", &["cryptofeed/BINANCE/BINANCE.jsonl.zst"]),
    ("binance_us", &["cryptofeed/BINANCE_US/BINANCE_US.20210405T171812Z.jsonl.zst"]),
    ("binance_us", &["cryptofeed/BINANCE_US/BINANCE_US.jsonl.zst"]),
    ("binance_tr", &["cryptofeed/BINANCE_TR/BINANCE_TR.20230410T191400Z.jsonl.zst"]),
    ("binance_usdm", &["cryptofeed/BINANCE_FUTURES/BINANCE_FUTURES.20210405T183637Z.jsonl.zst"]),
    ("binance_coinm", &["cryptofeed/BINANCE_DELIVERY/BINANCE_DELIVERY.20210417T163800Z.jsonl.zst"]),
    ("okx", &["cryptofeed/OKX/OKX.20220227T231427Z.jsonl.zst"]),
    ("okx", &["cryptofeed/OKX/OKX.jsonl.zst"]),
    ("bybit", &["cryptofeed/BYBIT/BYBIT.open.jsonl.zst"]),
    ("binance_spot", &["hftbacktest/BINANCE/btcusdt_20230405.dat.zst"]),
    ("binance_spot", &["hftbacktest/BINANCE/btcusdt_20240808.zst", "hftbacktest/BINANCE/btcusdt_20240809.zst"]),
    (
        "binance_usdm",
        &[
            "hftbacktest/BINANCE_FUTURES/btcusdt_20230404.dat.zst",
            "hftbacktest/BINANCE_FUTURES/btcusdt_20230405.dat.zst",
        ],
    ),
    (
        "binance_usdm",
        &["hftbacktest/BINANCE_FUTURES/btcusdt_20240718.zst", "hftbacktest/BINANCE_FUTURES/btcusdt_20240719.zst"],
    ),
    ("binance_usdm", &["hftbacktest/BINANCE_FUTURES/btcusdt_20240808.zst"]),
    (
        "binance_coinm",
        &[
            "hftbacktest/BINANCE_DELIVERY/btcusd_perp_20240808.zst",
            "hftbacktest/BINANCE_DELIVERY/btcusd_perp_20240809.zst",
        ],
    ),
];

/// Recordings up to this size are replayed in the other layout too: in step, it is slow.
const SPLIT_FRAMES_MAX: u64 = 20_000;

/// Conformance: binance_spot decode; binance_usdm decode; binance_coinm decode; okx decode; bybit_linear decode
/// Conformance: binance_spot chaining; binance_usdm chaining; binance_coinm chaining; okx chaining; bybit_linear chaining
#[test]
fn every_top_of_every_recording_equals_the_references() {
    let Some(folder) = data() else { return };
    let mut compared = 0;
    for (venue, files) in RECORDINGS {
        let paths: Vec<PathBuf> = files.iter().map(|file| folder.join(file)).collect();
        let mut reference = Reference::default();
        for path in &paths {
            read(path).iter().for_each(|(at, item)| reference.take(venue, *at, item));
        }
        let run = replay(&paths, &[], &[]);
        let expected = streams(&reference);
        assert_same(files[0], &expected, &run.tops);
        let (frames, decoded) = (run.report["frames"].as_u64().unwrap(), run.report["decoded"].as_u64().unwrap());
        assert_eq!(frames, decoded + run.report["rejected"]["total"].as_u64().unwrap(), "{files:?}");
        if frames <= SPLIT_FRAMES_MAX {
            let split = replay(&paths, &["--layout", "split"], &[]);
            assert_eq!(split.report["digest"], run.report["digest"], "{files:?}: one thread and two");
        }
        compared += expected.values().map(Vec::len).sum::<usize>();
        println!("{}: {frames} frames, {decoded} decoded, {} streams equal", files[0], expected.len());
    }
    println!("{compared} tops compared, all equal");
    assert!(compared > 300_000);
}

fn streams(reference: &Reference) -> HashMap<Stream, Vec<Top>> {
    let mut streams: HashMap<Stream, Vec<Top>> = HashMap::new();
    for seen in reference.seen.iter().filter(|seen| seen.changed) {
        streams.entry((seen.market.clone(), seen.source.to_owned())).or_default().push(seen.top.clone());
    }
    streams
}

fn assert_same(file: &str, expected: &HashMap<Stream, Vec<Top>>, found: &HashMap<Stream, Vec<Top>>) {
    for (stream, tops) in expected {
        let ours = found.get(stream).unwrap_or_else(|| panic!("{file}: no rows of {stream:?}"));
        for (i, (theirs, ours)) in tops.iter().zip(ours).enumerate() {
            assert_eq!(ours, theirs, "{file}: {stream:?}, top {i}");
        }
        assert_eq!(ours.len(), tops.len(), "{file}: {stream:?}");
    }
    let unexpected: Vec<_> = found.keys().filter(|stream| !expected.contains_key(stream)).collect();
    assert!(unexpected.is_empty(), "{file}: rows that the reference has not: {unexpected:?}");
}
