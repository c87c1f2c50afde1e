//! The memory that the decoders of every venue reuse: made once per connection, grown while warming
//! up, never freed per message.

use crate::tape::Parser;
use highwire_links::Side;
use highwire_links::decode::Scratch;
use highwire_links::limits::BOOK_LEVELS_MAX;
use std::any::Any;

/// Quote positions to make room for at once; a longer frame grows the index the first time.
const MARKS: usize = 64 * 1024;

/// What a decoder keeps besides the fields that all scratches have.
#[derive(Default)]
pub(crate) struct Own {
    /// The reference decoder's JSON parser.
    pub parser: Parser,
    /// Trades of the frame under way, before the instrument's scale is known.
    pub trades: Vec<RawTrade>,
}

/// A trade as read, its numbers not yet at the instrument's scale.
#[derive(Clone, Copy, Debug)]
pub(crate) struct RawTrade {
    /// Price digits and how many of them are decimals.
    pub px: (i64, u8),
    /// Quantity digits and how many of them are decimals.
    pub qty: (i64, u8),
    /// Trade time, milliseconds.
    pub time_ms: u64,
    /// Who took.
    pub taker: Side,
}

/// Fresh memory for one connection's decoder.
pub(crate) fn scratch() -> Scratch {
    Scratch {
        bids: Vec::with_capacity(BOOK_LEVELS_MAX),
        asks: Vec::with_capacity(BOOK_LEVELS_MAX),
        marks: Vec::with_capacity(MARKS),
        own: Box::new(Own { trades: Vec::with_capacity(1024), ..Own::default() }),
        fallbacks: 0,
    }
}

/// The venue's own part of a scratch; a scratch of another make gets one (it allocates that once).
pub(crate) fn own(any: &mut Box<dyn Any + Send>) -> &mut Own {
    if !any.is::<Own>() {
        *any = Box::new(Own::default());
    }
    any.downcast_mut().expect("it was made an Own just above")
}
