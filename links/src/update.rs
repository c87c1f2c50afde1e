//! What a venue's market-data frame says, in the words that all venues share.
//!
//! A decoder turns bytes into these and hands them to a [`Sink`]; the book machine takes it from there.

use crate::fixed::{Px, Qty};
use crate::ids::{InstrumentId, Nanos, Side};

/// One price level as read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Level {
    /// Price mantissa.
    pub px: i64,
    /// Quantity mantissa; zero removes the level.
    pub qty: i64,
    /// Decimals that the price's text showed (checksums are over the text).
    pub px_shown: u8,
    /// Decimals that the quantity's text showed.
    pub qty_shown: u8,
}

/// What a depth update does to a book.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum DepthKind {
    /// The venue's own best bid and ask (a ticker stream): at most one level a side.
    Top,
    /// Replaces the whole book.
    Snapshot,
    /// Sets the levels it names.
    Delta,
}

/// Sequence numbers as the venue sent them; `None` where it has no such field.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Sequence {
    /// First update that this message covers (Binance `U`).
    pub first: Option<u64>,
    /// Last update that it covers (Binance `u`, `lastUpdateId`; OKX `seqId`; Bybit `u`).
    pub last: Option<u64>,
    /// The message it must follow (Binance futures `pu`, OKX `prevSeqId`; OKX's -1 is `None`).
    pub prev: Option<u64>,
    /// A sequence comparable between the venue's depth and top streams of one instrument
    /// (Binance `u`, OKX `seqId`, Bybit `seq`).
    pub cross: Option<u64>,
}

/// A venue's word on a book's best prices, without quantities.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Best {
    /// Best bid, price mantissa; 0 when that side is empty.
    pub bid: i64,
    /// Best ask, price mantissa; 0 when that side is empty.
    pub ask: i64,
}

/// The head of a depth update.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DepthHead {
    /// Whose book.
    pub instrument: InstrumentId,
    /// What it does.
    pub kind: DepthKind,
    /// The venue's event time (matching engine where given), 0 when the frame has none.
    pub event_ns: Nanos,
    /// Where it stands in the venue's sequence.
    pub sequence: Sequence,
    /// The venue's checksum of the book after this update; `None` when absent or the retired constant 0.
    pub checksum: Option<i32>,
    /// The best prices that the venue says the book has after this update; `None` where it does not say.
    pub best: Option<Best>,
}

/// One public trade.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Trade {
    /// What was traded.
    pub instrument: InstrumentId,
    /// The venue's trade time.
    pub event_ns: Nanos,
    /// Price.
    pub px: Px,
    /// Quantity.
    pub qty: Qty,
    /// The side that took liquidity.
    pub taker: Side,
}

/// A message about the connection or the rules rather than the market.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum Control {
    /// A subscription was accepted.
    Subscribed,
    /// A request was refused.
    Refused,
    /// An answer to our text ping.
    Pong,
    /// The venue announces that it will close this connection.
    Closing,
    /// The price step of an instrument changed: what its book held was on another grid.
    Tick {
        /// Whose.
        instrument: InstrumentId,
        /// The new step, mantissa at the instrument's price decimals, at least 1.
        tick: i64,
    },
}

/// Takes what a decoder found, in frame order.
pub trait Sink {
    /// A depth update; levels best first or in the venue's order.
    fn on_depth(&mut self, head: &DepthHead, bids: &[Level], asks: &[Level]);
    /// A public trade.
    fn on_trade(&mut self, trade: &Trade);
    /// A word about the connection or the rules.
    fn on_control(&mut self, control: Control);
}
