//! Bybit v5 public topics. Frames are `{"topic","type","ts","data",...}`, in no fixed order.
//!
//! `orderbook.1` is the top, whole each time; deeper books send a snapshot (again at any time) and
//! deltas whose `u` grows by one. Event time is `cts`, the matching engine's, where given. Topics of
//! the retired v2 interface (`orderBookL2_25`, `trade`) are unknown channels.

mod answers;
mod decode;
mod errors;
pub(crate) mod metadata;
mod news;
pub(crate) mod orders;
pub(crate) mod plan;
pub(crate) mod private;
pub(crate) mod rates;
mod reference;
pub(crate) mod replies;
mod scan;
pub mod sign;

pub(crate) use decode::{decode, reference};
use highwire_links::decode::Reject;
use highwire_links::update::{DepthKind, Sequence};
pub(crate) use reference::rest;

/// What a topic carries.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Shape {
    /// The top.
    Top,
    /// A snapshot, then deltas.
    Book,
    /// Trades.
    Trades,
    /// Known and not used.
    Other,
    /// Nothing that is known.
    Unknown,
}

/// Topics that are known and not used, by their first word.
const OTHER: [&[u8]; 10] = [
    b"tickers",
    b"kline",
    b"liquidation",
    b"allLiquidation",
    b"kline_lt",
    b"tickers_lt",
    b"lt",
    b"insurance",
    b"priceLimit",
    b"adlAlert",
];

/// What a topic carries, and the symbol that it ends with.
pub(crate) fn topic(topic: &[u8]) -> (Shape, &[u8]) {
    let dot = topic.iter().position(|&b| b == b'.').unwrap_or(topic.len());
    let (word, rest) = (&topic[..dot], topic.get(dot + 1..).unwrap_or_default());
    match word {
        b"orderbook" => book(rest),
        b"publicTrade" => (Shape::Trades, rest),
        _ if OTHER.contains(&word) => (Shape::Other, rest),
        _ => (Shape::Unknown, rest),
    }
}

fn book(rest: &[u8]) -> (Shape, &[u8]) {
    let dot = rest.iter().position(|&b| b == b'.').unwrap_or(rest.len());
    let (depth, symbol) = (&rest[..dot], rest.get(dot + 1..).unwrap_or_default());
    match depth {
        b"1" => (Shape::Top, symbol),
        b"25" | b"50" | b"100" | b"200" | b"500" | b"1000" => (Shape::Book, symbol),
        _ => (Shape::Unknown, symbol),
    }
}

/// What a book message does. A delta of the top does not exist: `orderbook.1` is snapshots only, and
/// one that names one side would read as the other side being empty.
///
/// # Errors
/// `Malformed`.
pub(crate) fn depth_kind(shape: Shape, kind: &[u8]) -> Result<DepthKind, Reject> {
    match (shape, kind) {
        (Shape::Top, b"snapshot") => Ok(DepthKind::Top),
        (Shape::Book, b"snapshot") => Ok(DepthKind::Snapshot),
        (Shape::Book, b"delta") => Ok(DepthKind::Delta),
        _ => Err(Reject::Malformed),
    }
}

/// The sequence of a book message.
pub(crate) fn sequence(last: u64, cross: Option<u64>) -> Sequence {
    Sequence { first: None, last: Some(last), prev: None, cross }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn topics_are_known_by_their_words() {
        assert_eq!(topic(b"orderbook.1.BTCUSDT"), (Shape::Top, &b"BTCUSDT"[..]));
        assert_eq!(topic(b"orderbook.200.BTC-26DEC25"), (Shape::Book, &b"BTC-26DEC25"[..]));
        assert_eq!(topic(b"publicTrade.BTCUSDT"), (Shape::Trades, &b"BTCUSDT"[..]));
        assert_eq!(topic(b"kline.1.BTCUSDT").0, Shape::Other);
        assert_eq!(topic(b"orderBookL2_25.BTCUSD").0, Shape::Unknown);
        assert_eq!(topic(b"orderbook.full.BTCUSDT").0, Shape::Unknown);
        assert_eq!(topic(b""), (Shape::Unknown, &b""[..]));
    }
}
