//! Signed requests of official clients: from each one's bytes, key and time our signer must come to the
//! same signature and headers, byte for byte. `HIGHWIRE_VECTORS` names a folder of such files; nothing
//! here knows a request by its name.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on should fail")]

mod binance;
mod bybit;
mod file;
mod okx;
mod polymarket;

use file::VectorFile;
use std::io::Write;

/// Checks every vector of a file; how many there were, or what is wrong with which.
type Check = fn(&VectorFile) -> Result<usize, String>;

/// The venues that we sign for.
const SUPPORTED: &[(&str, Check)] =
    &[("binance", binance::check), ("bybit", bybit::check), ("okx", okx::check), ("polymarket", polymarket::check)];

/// Venues of the dossier that we do not sign for yet. A file of any other venue is a failure.
const NOT_YET: &[&str] = &[
    "bingx",
    "bitfinex",
    "bitget",
    "bitstamp",
    "coinbase",
    "cryptocom",
    "deribit",
    "gate",
    "gemini",
    "htx",
    "hyperliquid",
    "kalshi",
    "kraken",
    "kraken_futures",
    "kucoin",
    "mexc",
    "upbit",
];

/// Conformance: binance_spot signing; binance_usdm signing; okx signing; bybit_spot signing; bybit_linear signing
#[test]
fn vectors_of_every_file_come_out_byte_for_byte() {
    let Some(folder) = std::env::var_os("HIGHWIRE_VECTORS") else {
        assert!(std::env::var("CI").as_deref() != Ok("true"), "HIGHWIRE_VECTORS is not set");
        say("SKIPPED: signing vectors (set HIGHWIRE_VECTORS to their folder)");
        return;
    };
    let mut paths: Vec<_> = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.retain(|path| path.extension().is_some_and(|kind| kind == "json"));
    paths.sort();
    assert!(!paths.is_empty(), "no vector file in the folder");
    let mut wrong = Vec::new();
    for path in paths {
        match one(&std::fs::read(path).unwrap()) {
            Ok(line) => say(&line),
            Err(why) => wrong.push(why),
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// Checks one file; what to say of it.
fn one(bytes: &[u8]) -> Result<String, String> {
    let file: VectorFile = serde_json::from_slice(bytes).map_err(|error| format!("a vector file: {error}"))?;
    if let Some((_, check)) = SUPPORTED.iter().find(|(venue, _)| *venue == file.venue) {
        let count = check(&file).map_err(|why| format!("{}: {why}", file.venue))?;
        if count != file.vectors.len() || count == 0 {
            return Err(format!("{}: {count} of {} vectors were checked", file.venue, file.vectors.len()));
        }
        return Ok(format!("vectors: {}: {count} of {count} agree", file.venue));
    }
    if !NOT_YET.contains(&file.venue.as_str()) {
        return Err(format!("{}: a venue that nobody has heard of", file.venue));
    }
    Ok(format!("not supported yet: {} ({} vectors)", file.venue, file.vectors.len()))
}

/// Past the capture of the test runner, so that the counts are always seen.
fn say(line: &str) {
    let _closed = writeln!(std::io::stderr(), "{line}");
}

/// A file of the layout for the tests of the harness itself.
fn broken_by(change: impl FnOnce(&mut serde_json::Value)) -> Result<String, String> {
    let mut file = serde_json::json!({
        "venue": "bybit",
        "clock_ms": 1_790_000_000_123_i64,
        "credentials": {"api_key": "dummyBybitKey0123", "secret": "dummyBybitSecret0123456789abcdefghij"},
        "vectors": [{
            "name": "any",
            "transport": "websocket",
            "url": "wss://stream.bybit.com/v5/private",
            "frame": {"op": "auth", "args": ["dummyBybitKey0123", 1_790_000_010_123_i64,
                "5211b12f61d048e2a5f81eeb6badc15f6b6b62c775ea8134ba3e4f45ce63b634"]},
            "timestamp_ms": 1_790_000_000_123_i64
        }]
    });
    change(&mut file);
    one(&serde_json::to_vec(&file).unwrap())
}

#[test]
fn vectors_that_are_wrong_odd_or_of_nobody_fail() {
    assert_eq!(broken_by(|_| {}).unwrap(), "vectors: bybit: 1 of 1 agree");
    assert!(broken_by(|file| file["vectors"][0]["frame"]["args"][2] = "00".into()).is_err());
    assert!(broken_by(|file| file["vectors"][0]["frame"]["op"] = "hello".into()).is_err());
    assert!(broken_by(|file| file["vectors"][0]["frame"]["args"][0] = "other".into()).is_err());
    assert!(broken_by(|file| file["vectors"] = serde_json::json!([])).is_err());
    assert!(broken_by(|file| file["venue"] = "nowhere".into()).is_err());
    let line = broken_by(|file| file["venue"] = "kraken".into()).unwrap();
    assert_eq!(line, "not supported yet: kraken (1 vectors)");
}
