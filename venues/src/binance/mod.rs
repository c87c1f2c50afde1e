//! Binance: spot (also .US and TR), USD-M and COIN-M futures. Market-data frames come bare or in the
//! combined-stream wrapper `{"stream":"btcusdt@depth","data":{...}}`; both are read.
//!
//! Partial book streams (`@depth5`, `@depth10`, `@depth20`) are known but not used. On spot they name
//! no symbol and carry only `lastUpdateId`, which makes them look like a REST snapshot that is missing
//! every level below the twentieth: diffs chained onto one would leave holes. On futures they look
//! like a diff, but replace a top instead of changing a book. So they count as [`FrameKind::Other`];
//! a bare futures partial book, without its stream's name, cannot be told apart and must not be asked for.

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

pub(crate) use decode::{futures, futures_reference, spot, spot_reference};
use highwire_links::decode::{FrameKind, Reject};
use highwire_links::directory::{Directory, Entry};
use highwire_links::update::{Control, Sequence};
pub(crate) use reference::snapshot;

/// Whose rules apply.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Market {
    /// Diffs carry `U` and `u`.
    Spot,
    /// Diffs carry `U`, `u` and `pu`; events carry the matching engine's time `T`.
    Futures,
}

/// What a frame is, by its stream and its event type.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Shape {
    /// Best bid and ask.
    Top,
    /// A diff.
    Depth,
    /// A trade, or trades of one taker order aggregated.
    Trade,
    /// The venue will close the connection.
    Closing,
    /// Known and not used.
    Other,
    /// Nothing that is known.
    Unknown,
}

/// Event types that are known and not used.
const OTHER_EVENTS: [&[u8]; 16] = [
    b"kline",
    b"continuous_kline",
    b"indexPrice_kline",
    b"markPrice_kline",
    b"24hrTicker",
    b"24hrMiniTicker",
    b"1hTicker",
    b"4hTicker",
    b"1dTicker",
    b"avgPrice",
    b"markPriceUpdate",
    b"indexPriceUpdate",
    b"forceOrder",
    b"compositeIndex",
    b"assetIndexUpdate",
    b"contractInfo",
];

/// What a frame is. `symbol`: whether its data name one.
pub(crate) fn shape(stream: Option<&[u8]>, event: Option<&[u8]>, symbol: bool) -> Shape {
    let channel = stream.map(channel_of);
    match event {
        Some(b"depthUpdate") if channel.is_some_and(partial) => Shape::Other,
        Some(b"depthUpdate") => Shape::Depth,
        Some(b"bookTicker") => Shape::Top,
        Some(b"trade" | b"aggTrade") => Shape::Trade,
        Some(b"serverShutdown") => Shape::Closing,
        Some(event) if OTHER_EVENTS.contains(&event) => Shape::Other,
        Some(_) => Shape::Unknown,
        None => match channel {
            Some(channel) if partial(channel) || channel.ends_with(b"@arr") => Shape::Other,
            Some(b"bookTicker") => Shape::Top,
            None if symbol => Shape::Top,
            _ => Shape::Unknown,
        },
    }
}

/// What follows the symbol in a stream's name: `depth@100ms` of `btcusdt@depth@100ms`.
fn channel_of(stream: &[u8]) -> &[u8] {
    let at = stream.iter().position(|&b| b == b'@').map_or(0, |at| at + 1);
    if stream.first() == Some(&b'!') { stream } else { &stream[at..] }
}

/// Whether a channel is a partial book: `depth20`, `depth5@100ms`.
fn partial(channel: &[u8]) -> bool {
    channel.strip_prefix(b"depth").and_then(<[u8]>::first).is_some_and(u8::is_ascii_digit)
}

/// The instrument of a stream's name, which is in lower case.
pub(crate) fn entry_of_stream(directory: &Directory, stream: &[u8]) -> Option<Entry> {
    let symbol = &stream[..stream.iter().position(|&b| b == b'@')?];
    let mut upper = [0u8; 64];
    let upper = upper.get_mut(..symbol.len())?;
    upper.copy_from_slice(symbol);
    upper.make_ascii_uppercase();
    directory.find(upper)
}

/// The sequence of a diff.
///
/// # Errors
/// `MissingField`, or `Malformed` when it ends before it begins.
pub(crate) fn sequence(
    market: Market,
    first: Option<u64>,
    last: Option<u64>,
    prev: Option<u64>,
) -> Result<Sequence, Reject> {
    let (begin, end) = first.zip(last).ok_or(Reject::MissingField)?;
    if begin > end {
        return Err(Reject::Malformed);
    }
    if market == Market::Futures && prev.is_none() {
        return Err(Reject::MissingField);
    }
    Ok(Sequence { first, last, prev, cross: last })
}

/// A word about the connection, told to the sink.
pub(crate) fn control(sink: &mut dyn highwire_links::update::Sink, control: Control) -> FrameKind {
    sink.on_control(control);
    FrameKind::Control
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_partial_book_is_not_taken_for_a_diff() {
        let depth = Some(&b"depthUpdate"[..]);
        assert_eq!(shape(Some(b"btcusdt@depth20@100ms"), depth, true), Shape::Other);
        assert_eq!(shape(Some(b"btcusdt@depth5"), None, false), Shape::Other);
        assert_eq!(shape(Some(b"btcusdt@depth@0ms"), depth, true), Shape::Depth);
        assert_eq!(shape(None, depth, true), Shape::Depth);
    }

    #[test]
    fn a_frame_without_event_type_is_a_top_when_it_names_a_symbol() {
        assert_eq!(shape(None, None, true), Shape::Top);
        assert_eq!(shape(Some(b"btcusdt@bookTicker"), None, false), Shape::Top);
        assert_eq!(shape(None, None, false), Shape::Unknown);
        assert_eq!(shape(Some(b"!miniTicker@arr"), None, false), Shape::Other);
        assert_eq!(shape(Some(b"btcusdt@foo"), Some(b"foo"), true), Shape::Unknown);
    }
}
