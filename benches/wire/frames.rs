//! Varied frames of the hottest shapes: 512 different ones per kind, so that no branch predictor
//! memorises them. Made up here from a seeded generator; shapes as the venues document them.

use crate::dice::Dice;
use highwire_links::limits::{FRAME_HEAD, FRAME_TAIL};

/// Frames per kind.
pub const VARIETY: usize = 512;

/// A kind of frame and its varied instances.
pub struct Kind {
    /// What it is.
    pub name: &'static str,
    /// Venue whose decoder reads it.
    pub venue: highwire_venues::venue::Venue,
    /// Padded frames and their payload lengths.
    pub frames: Vec<(Vec<u8>, usize)>,
    /// Goal for the time against the fastest pass over the bytes.
    pub pass_goal: f64,
}

trait Numbers {
    fn px(&mut self) -> String;
    fn qty(&mut self) -> String;
    fn levels(&mut self, count: usize, tail: &str) -> String;
}

impl Numbers for Dice {
    fn px(&mut self) -> String {
        format!("{}.{:02}", 61_000 + self.below(2_000), self.below(100))
    }

    fn qty(&mut self) -> String {
        format!("{}.{:05}", self.below(30), self.below(100_000))
    }

    fn levels(&mut self, count: usize, tail: &str) -> String {
        let level = |dice: &mut Self| format!("[\"{}\",\"{}\"{tail}]", dice.px(), dice.qty());
        (0..count).map(|_| level(self)).collect::<Vec<_>>().join(",")
    }
}

/// Every kind that is measured.
pub fn kinds() -> Vec<Kind> {
    use highwire_venues::venue::Venue;
    vec![
        kind("Binance bookTicker", Venue::BinanceSpot, 18.0, |d, n| {
            let (b, bq, a, aq) = (d.px(), d.qty(), d.px(), d.qty());
            format!(r#"{{"u":{},"s":"BTCUSDT","b":"{b}","B":"{bq}","a":"{a}","A":"{aq}"}}"#, 400_900_217 + n)
        }),
        kind("Binance depthUpdate, 30 levels", Venue::BinanceSpot, 35.0, |d, n| {
            let (bids, asks) = (d.levels(15, ""), d.levels(15, ""));
            format!(
                r#"{{"stream":"btcusdt@depth@100ms","data":{{"e":"depthUpdate","E":1723161255208,"s":"BTCUSDT","U":{n},"u":{n},"b":[{bids}],"a":[{asks}]}}}}"#
            )
        }),
        kind("OKX bbo-tbt", Venue::Okx, 18.0, |d, n| {
            let (bid, ask) = (d.levels(1, r#","0","3""#), d.levels(1, r#","0","1""#));
            format!(
                r#"{{"arg":{{"channel":"bbo-tbt","instId":"BTC-USDT"}},"data":[{{"asks":[{ask}],"bids":[{bid}],"ts":"1597026383085","seqId":{n}}}]}}"#
            )
        }),
        kind("OKX books update, 20 levels", Venue::Okx, 35.0, |d, n| {
            let (bids, asks) = (d.levels(10, r#","0","3""#), d.levels(10, r#","0","1""#));
            format!(
                r#"{{"arg":{{"channel":"books","instId":"BTC-USDT"}},"action":"update","data":[{{"asks":[{asks}],"bids":[{bids}],"ts":"1597026383085","checksum":0,"prevSeqId":{n},"seqId":{}}}]}}"#,
                n + 1
            )
        }),
        kind("Bybit orderbook.1", Venue::BybitSpot, 18.0, |d, n| {
            let (bid, ask) = (d.levels(1, ""), d.levels(1, ""));
            format!(
                r#"{{"topic":"orderbook.1.BTCUSDT","ts":1772694601512,"type":"snapshot","data":{{"s":"BTCUSDT","b":[{bid}],"a":[{ask}],"u":{n},"seq":{n}}},"cts":1772694601510}}"#
            )
        }),
        kind("Bybit orderbook.50 delta, 12 levels", Venue::BybitSpot, 35.0, |d, n| {
            let (bids, asks) = (d.levels(6, ""), d.levels(6, ""));
            format!(
                r#"{{"topic":"orderbook.50.BTCUSDT","ts":1687940967466,"type":"delta","data":{{"s":"BTCUSDT","b":[{bids}],"a":[{asks}],"u":{n},"seq":{n}}},"cts":1687940967464}}"#
            )
        }),
    ]
}

fn kind(
    name: &'static str,
    venue: highwire_venues::venue::Venue,
    pass_goal: f64,
    text: impl Fn(&mut Dice, u64) -> String,
) -> Kind {
    let mut dice = Dice(7);
    let frames = (0..VARIETY as u64).map(|n| padded(&text(&mut dice, n + 1_000_000))).collect();
    Kind { name, venue, frames, pass_goal }
}

/// A payload in a buffer with the room that decoders need.
pub fn padded(text: &str) -> (Vec<u8>, usize) {
    let mut buffer = vec![0u8; FRAME_HEAD];
    buffer.extend_from_slice(text.as_bytes());
    buffer.resize(buffer.len() + FRAME_TAIL, 0);
    (buffer, text.len())
}
