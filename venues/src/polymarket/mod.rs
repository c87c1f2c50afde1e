//! Polymarket, CLOB V2 (and V3 position ids): binary outcome tokens, traded for pUSD between 0 and 1.
//!
//! The market channel sends whole books (`book`, best level last) and changes that name the best prices
//! after them; there are no sequence numbers. An instrument is one outcome token, its symbol the token id
//! of 77 or 78 digits, its prices at four decimals whatever the tick (which changes while it lives), its
//! sizes at six, as collateral and tokens have six on the chain.

mod account;
mod answers;
mod codec;
mod decode;
mod draft;
pub mod eastern;
pub mod eip712;
mod errors;
pub mod fee;
mod hashes;
pub(crate) mod lines;
pub mod market;
pub(crate) mod news;
pub(crate) mod plan;
pub mod private;
mod proof;
pub(crate) mod rates;
mod reference;
pub(crate) mod replies;
pub mod request;
mod scan;
mod scratch;
pub mod typed;
pub mod wallet;
pub mod windows;

pub(crate) use decode::{decode, reference};
use highwire_links::decode::FrameKind;
pub(crate) use reference::rest;
pub(crate) use scratch::scratch;
pub use wallet::{Exchange, Wallet};

/// Decimals of a price: the finest tick there is, 0.0001 (and 0.0025) of a dollar.
pub const PX_DP: u8 = 4;
/// One dollar as a price: what a share pays whose outcome came true.
pub const PX_ONE: i64 = highwire_links::limits::POW10[PX_DP as usize];
/// Decimals of a size, of pUSD and of outcome tokens on the chain.
pub const QTY_DP: u8 = 6;

/// What an order for a token must know of its market.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Terms {
    /// Condition id.
    pub condition: [u8; 32],
    /// Which contract settles it.
    pub exchange: Exchange,
    /// Price step, mantissa at [`PX_DP`].
    pub tick: i64,
    /// The taker's fee.
    pub fee: fee::Fee,
    /// When its question begins, seconds since 1970; 0 where the venue does not say.
    pub begins_s: i64,
}

/// What an event of the market channel is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Word {
    /// `book`.
    Book,
    /// `price_change`.
    Changes,
    /// `last_trade_price`.
    Trade,
    /// `tick_size_change`.
    Tick,
    /// Known, and nothing for a book. `best_bid_ask` is one: it has no sizes, and where it stands among
    /// the changes is not documented, so it can neither be a top nor prove one.
    Other,
}

impl Word {
    /// The event of this name.
    pub(crate) fn of(name: &[u8]) -> Option<Self> {
        match name {
            b"book" => Some(Self::Book),
            b"price_change" => Some(Self::Changes),
            b"last_trade_price" => Some(Self::Trade),
            b"tick_size_change" => Some(Self::Tick),
            b"best_bid_ask" | b"new_market" | b"market_resolved" => Some(Self::Other),
            _ => None,
        }
    }

    fn kind(self) -> FrameKind {
        match self {
            Self::Book => FrameKind::Snapshot,
            Self::Changes => FrameKind::Delta,
            Self::Trade => FrameKind::Trade,
            Self::Tick => FrameKind::Control,
            Self::Other => FrameKind::Other,
        }
    }
}
