//! OKX v5 public channels. Frames are `{"arg":{"channel","instId"},"action"?,"data":[...]}`.
//!
//! `books`, `books50-l2-tbt` and `books-l2-tbt` send a snapshot and then updates that chain by
//! `prevSeqId`; `books5` sends its five levels whole each time, so every frame is a snapshot;
//! `bbo-tbt` is the top. Recordings from before 2023 have no sequence numbers: their checksum, which
//! is not zero there, is the authority.

mod answers;
mod decode;
mod errors;
pub(crate) mod metadata;
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

/// What a channel carries.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Shape {
    /// The top, or five levels, whole.
    Whole(DepthKind),
    /// A snapshot, then updates.
    Book,
    /// Trades.
    Trades,
    /// Known and not used.
    Other,
    /// Nothing that is known.
    Unknown,
}

/// Channels that are known and not used, by the beginning of their name.
const OTHER: [&[u8]; 22] = [
    b"tickers",
    b"candle",
    b"mark-price",
    b"index-",
    b"funding-rate",
    b"open-interest",
    b"price-limit",
    b"opt-summary",
    b"liquidation-",
    b"estimated-price",
    b"instruments",
    b"status",
    b"books-rpi",
    b"books-elp",
    b"adl-warning",
    b"option-trades",
    b"call-auction-details",
    b"economic-calendar",
    b"public-",
    b"block-tickers",
    b"sprd-",
    b"event-contract-markets",
];

/// What a channel carries.
pub(crate) fn shape(channel: &[u8]) -> Shape {
    match channel {
        b"bbo-tbt" => Shape::Whole(DepthKind::Top),
        b"books5" => Shape::Whole(DepthKind::Snapshot),
        b"books" | b"books-l2-tbt" | b"books50-l2-tbt" => Shape::Book,
        b"trades" | b"trades-all" => Shape::Trades,
        _ if OTHER.iter().any(|known| channel.starts_with(known)) => Shape::Other,
        _ => Shape::Unknown,
    }
}

/// What a book message does, by its channel and its `action`.
///
/// # Errors
/// `MissingField` or `Malformed` for an action that the channel does not have.
pub(crate) fn depth_kind(shape: Shape, action: Option<&[u8]>) -> Result<DepthKind, Reject> {
    match (shape, action) {
        (Shape::Whole(kind), None | Some(b"snapshot")) => Ok(kind),
        (Shape::Book, Some(b"snapshot")) => Ok(DepthKind::Snapshot),
        (Shape::Book, Some(b"update")) => Ok(DepthKind::Delta),
        (Shape::Book, None) => Err(Reject::MissingField),
        _ => Err(Reject::Malformed),
    }
}

/// The sequence of a book message; -1 as `prev` means that it follows nothing.
///
/// # Errors
/// `BadNumber` for any other negative number.
pub(crate) fn sequence(last: Option<i64>, prev: Option<i64>) -> Result<Sequence, Reject> {
    let read = |number: i64| u64::try_from(number).map_err(|_| Reject::BadNumber);
    let last = last.map(read).transpose()?;
    let prev = prev.filter(|number| *number != -1).map(read).transpose()?;
    Ok(Sequence { first: None, last, prev, cross: last })
}

/// The checksum, unless it is the constant 0 that replaced it in 2026.
///
/// # Errors
/// `Overflow` beyond 32 bits.
pub(crate) fn checksum(read: Option<i64>) -> Result<Option<i32>, Reject> {
    let read = read.map(i32::try_from).transpose().map_err(|_| Reject::Overflow)?;
    Ok(read.filter(|sum| *sum != 0))
}
