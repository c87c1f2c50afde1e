//! Frames as the venues write them, with the few fields that matter here. Levels are texts
//! `"price:quantity price:quantity"`; times are milliseconds after [`crate::tape::START_MS`].

use crate::tape::START_MS;

/// Where Binance spot frames come from.
pub const BINANCE_WS: &str = "wss://stream.binance.com:9443/stream";
/// Where OKX frames come from.
pub const OKX_WS: &str = "wss://ws.okx.com:8443/ws/v5/public";

/// The URL of a Binance spot depth request.
pub fn binance_depth_url(symbol: &str) -> String {
    format!("https://api.binance.com/api/v3/depth?symbol={symbol}&limit=1000")
}

/// The answer to it.
pub fn binance_depth(last: u64, bids: &str, asks: &str) -> String {
    format!(r#"{{"lastUpdateId":{last},"bids":{},"asks":{}}}"#, levels(bids, ""), levels(asks, ""))
}

/// A Binance spot diff.
pub fn binance_update(symbol: &str, ms: u64, (first, last): (u64, u64), bids: &str, asks: &str) -> String {
    let (stream, at, bids, asks) = (symbol.to_lowercase(), START_MS + ms, levels(bids, ""), levels(asks, ""));
    format!(
        r#"{{"stream":"{stream}@depth@100ms","data":{{"e":"depthUpdate","E":{at},"s":"{symbol}","U":{first},"u":{last},"b":{bids},"a":{asks}}}}}"#
    )
}

/// A Binance spot ticker.
pub fn binance_ticker(symbol: &str, update: u64, bid: (&str, &str), ask: (&str, &str)) -> String {
    let stream = symbol.to_lowercase();
    let ((b, bq), (a, aq)) = (bid, ask);
    format!(
        r#"{{"stream":"{stream}@bookTicker","data":{{"u":{update},"s":"{symbol}","b":"{b}","B":"{bq}","a":"{a}","A":"{aq}"}}}}"#
    )
}

/// An OKX book: a snapshot where `prev` is -1, else an update.
pub fn okx_books(symbol: &str, ms: u64, (prev, seq): (i64, i64), bids: &str, asks: &str) -> String {
    let action = if prev < 0 { "snapshot" } else { "update" };
    let (at, bids, asks) = (START_MS + ms, levels(bids, r#","0","1""#), levels(asks, r#","0","1""#));
    format!(
        r#"{{"arg":{{"channel":"books","instId":"{symbol}"}},"action":"{action}","data":[{{"asks":{asks},"bids":{bids},"ts":"{at}","prevSeqId":{prev},"seqId":{seq}}}]}}"#
    )
}

fn levels(text: &str, more: &str) -> String {
    let level = |level: &str| {
        let (px, qty) = level.split_once(':').unwrap();
        format!(r#"["{px}","{qty}"{more}]"#)
    };
    format!("[{}]", text.split_whitespace().map(level).collect::<Vec<_>>().join(","))
}
