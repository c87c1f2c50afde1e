//! OKX book frames: two books that do not cross, and a bid that comes and goes across them.

/// Both snapshots.
pub fn snapshots() -> [String; 2] {
    ["BTC-USDT", "ETH-USDT"].map(|symbol| {
        let levels = |side: i64| {
            let level = |n: i64| format!(r#"["{}.00","5.00000","0","1"]"#, 10_000 + side * (5 + n));
            (0..10).map(level).collect::<Vec<_>>().join(",")
        };
        let data =
            format!(r#""asks":[{}],"bids":[{}],"ts":"0","checksum":0,"prevSeqId":-1,"seqId":1"#, levels(1), levels(-1));
        format!(r#"{{"arg":{{"channel":"books","instId":"{symbol}"}},"action":"snapshot","data":[{{{data}}}]}}"#)
    })
}

/// Update number `n` (from 2) of the first book: an even one puts a bid across the other book, an odd one takes
/// it away.
pub fn update(n: u64) -> String {
    let qty = if n.is_multiple_of(2) { "0.01000" } else { "0" };
    // The book's own ask stands out of the way before the bid comes, so that it never crosses itself.
    let data = format!(
        r#""asks":[["10005.00","{}","0","1"],["10006.00","{}","0","1"]],"bids":[["10005.50","{qty}","0","1"]],"ts":"0","checksum":0,"prevSeqId":{},"seqId":{n}"#,
        if n.is_multiple_of(2) { "0" } else { "5.00000" },
        if n.is_multiple_of(2) { "0" } else { "5.00000" },
        n - 1
    );
    format!(r#"{{"arg":{{"channel":"books","instId":"BTC-USDT"}},"action":"update","data":[{{{data}}}]}}"#)
}

/// As an unmasked WebSocket text message.
pub fn message(text: &str) -> Vec<u8> {
    let mut bytes = match u8::try_from(text.len()) {
        Ok(len) if len < 126 => vec![0x81, len],
        _ => [vec![0x81, 126], (text.len() as u16).to_be_bytes().to_vec()].concat(),
    };
    bytes.extend(text.as_bytes());
    bytes
}
