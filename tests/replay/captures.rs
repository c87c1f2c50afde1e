//! Small captures, made by hand.

use std::path::PathBuf;
use tempfile::TempDir;

/// A folder of its own.
pub fn folder() -> TempDir {
    tempfile::tempdir().expect("there is room for a folder")
}

/// Writes a capture below the folder.
pub fn put(folder: &TempDir, name: &str, text: &str) -> PathBuf {
    let path = folder.path().join(name);
    std::fs::create_dir_all(path.parent().expect("a name below the folder")).expect("the folder is ours");
    std::fs::write(&path, text).expect("the folder is ours");
    path
}

/// Binance spot and USD-M: a spot book from snapshot and diffs at 100.1 / 100.2, then a USD-M ticker
/// at 101.0 / 101.2 that crosses it. Both have depth, because without a live book nothing takes part.
pub fn binance_pair() -> String {
    let quoted = |text: &str| serde_json::Value::from(text).to_string();
    let recv = |conn: &str, ms: u32, frame: &str| {
        format!("{{\"t\":\"recv\",\"conn\":\"{conn}\",\"ts\":1700000000.{ms:03},\"data\":{}}}\n", quoted(frame))
    };
    let http = |ms: u32, url: &str, body: &str| {
        format!(
            "{{\"t\":\"http\",\"conn\":\"h\",\"ts\":1700000000.{ms:03},\"url\":\"{url}\",\"data\":{}}}\n",
            quoted(body)
        )
    };
    let depth = r#"{"lastUpdateId":10,"bids":[["100.0","1.0"]],"asks":[["100.3","1.0"]]}"#;
    let futures_depth =
        r#"{"lastUpdateId":20,"E":1700000000001,"T":1700000000001,"bids":[["99.0","1.0"]],"asks":[["101.9","1.0"]]}"#;
    [
        "{\"t\":\"header\",\"format\":2,\"exchange\":\"BINANCE\"}\n".to_owned(),
        "{\"t\":\"connect\",\"conn\":\"w1\",\"ts\":1700000000.000,\"addr\":\"wss://stream.binance.com:9443/stream\"}\n".to_owned(),
        "{\"t\":\"connect\",\"conn\":\"w2\",\"ts\":1700000000.000,\"addr\":\"wss://fstream.binance.com/stream\"}\n".to_owned(),
        recv("w1", 1, r#"{"stream":"btcusdt@depth@100ms","data":{"e":"depthUpdate","E":1700000000001,"s":"BTCUSDT","U":9,"u":11,"b":[["100.0","2.0"]],"a":[]}}"#),
        recv("w2", 1, r#"{"stream":"btcusdt@depth@100ms","data":{"e":"depthUpdate","E":1700000000001,"T":1700000000001,"s":"BTCUSDT","U":19,"u":21,"pu":18,"b":[],"a":[]}}"#),
        http(2, "https://api.binance.com/api/v3/depth?symbol=BTCUSDT&limit=1000", depth),
        http(2, "https://fapi.binance.com/fapi/v1/depth?symbol=BTCUSDT&limit=1000", futures_depth),
        recv("w1", 3, r#"{"stream":"btcusdt@depth@100ms","data":{"e":"depthUpdate","E":1700000000003,"s":"BTCUSDT","U":12,"u":13,"b":[["100.1","2.0"]],"a":[["100.2","3.0"]]}}"#),
        recv("w2", 4, r#"{"stream":"btcusdt@bookTicker","data":{"e":"bookTicker","u":22,"s":"BTCUSDT","b":"101.0","B":"1.0","a":"101.2","A":"1.0","T":1700000000004,"E":1700000000004}}"#),
    ]
    .concat()
}
