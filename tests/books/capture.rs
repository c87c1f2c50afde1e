//! Slow reading of recordings: whole file into memory, records as `(recv_ns, Item)` in time order.

use serde_json::Value;
use std::path::{Path, PathBuf};

/// One thing that was received.
pub enum Item {
    /// A WebSocket frame on this URL (empty in `<time> <frame>` files).
    Frame { url: String, text: String },
    /// An HTTP answer.
    Http { url: String, body: String },
}

/// The recordings' folder, or `None` (said aloud) for an outsider. In CI it must be there.
pub fn data() -> Option<PathBuf> {
    let Ok(folder) = std::env::var("HIGHWIRE_DATA") else {
        assert!(std::env::var("CI").is_err(), "HIGHWIRE_DATA must be set in CI");
        eprintln!("SKIPPED: HIGHWIRE_DATA is not set");
        return None;
    };
    Some(PathBuf::from(folder))
}

/// Every record of a file, in time order.
pub fn read(path: &Path) -> Vec<(u64, Item)> {
    let packed = std::fs::read(path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
    let bytes = zstd::decode_all(&packed[..]).unwrap();
    let text = String::from_utf8(bytes).unwrap();
    let mut records: Vec<(u64, Item)> = if text.starts_with('{') { envelope(&text) } else { lines(&text) };
    records.sort_by_key(|(at, _)| *at);
    records
}

fn lines(text: &str) -> Vec<(u64, Item)> {
    let parse = |line: &str| {
        let (time, frame) = line.split_once(' ').unwrap();
        let nanos = time.parse::<u64>().unwrap() * if time.len() == 16 { 1000 } else { 1 };
        (nanos, Item::Frame { url: String::new(), text: frame.to_owned() })
    };
    text.lines().filter(|line| !line.trim().is_empty()).map(parse).collect()
}

fn envelope(text: &str) -> Vec<(u64, Item)> {
    let mut addresses = std::collections::HashMap::new();
    let mut latest = std::collections::HashMap::<String, u64>::new();
    let mut records = Vec::new();
    for line in text.lines() {
        let record: Value = serde_json::from_str(line).unwrap();
        let field = |name: &str| record[name].as_str().unwrap_or_default().to_owned();
        let conn = field("conn");
        if record["t"] == "connect" {
            addresses.insert(conn, field("addr"));
            continue;
        }
        let item = match record["t"].as_str() {
            Some("http") => Item::Http { url: field("url"), body: field("data") },
            Some("recv") => Item::Frame { url: addresses.get(&conn).cloned().unwrap_or_default(), text: field("data") },
            _ => continue,
        };
        // A connection's own order holds even where the recorder's clock stepped back.
        let at = latest.entry(conn).or_default();
        *at = (*at).max(nanos(line));
        records.push((*at, item));
    }
    records
}

/// `"ts":<seconds>` as nanoseconds, from the digits themselves: a float would lose some.
fn nanos(line: &str) -> u64 {
    let at = line.find("\"ts\":").unwrap() + 5;
    let digits: String = line[at..].trim_start().chars().take_while(|c| c.is_ascii_digit() || *c == '.').collect();
    let (seconds, fraction) = digits.split_once('.').unwrap_or((&digits, ""));
    let fraction: String = fraction.chars().chain(std::iter::repeat('0')).take(9).collect();
    format!("{seconds}{fraction}").parse().unwrap()
}
