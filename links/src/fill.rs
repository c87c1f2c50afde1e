//! The fill ring, gateway → engine: acks, fills and ends of orders. Sized so that it cannot fill
//! (`limits::FILL_RING` against the open-order limit, asserted when compiling).

use crate::fixed::{Px, Qty};
use crate::ids::{InstrumentId, Nanos};
use crate::ring::{Rx, Tx, ring};

/// What became known of an order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum ReportKind {
    /// The venue has it.
    Ack = 0,
    /// Part or all of it traded; `qty` is this fill, `filled` the sum so far.
    Fill = 1,
    /// The rest was cancelled or expired: the order's end. `filled` is the sum of its fills.
    Done = 2,
    /// The venue or the gateway refused it, proved: the order's end, nothing traded.
    Rejected = 3,
    /// Its bytes left. From here on its outcome is unknown until proof.
    Sent = 4,
    /// Bytes left and no answer can be expected any more (line lost, 5xx, no answer in time, an answer
    /// that cannot be read): it may live, and nothing is sent again.
    Unknown = 5,
    /// A cancel or an amend was refused; `reject` says why. The order itself may live.
    CancelRejected = 6,
    /// Price and quantity are now `px` and `qty`.
    Amended = 7,
    /// Answer to a query: the order rests, and `filled` of it traded.
    Open = 8,
    /// Answer to a query: the venue knows no such order. Weak evidence within the venue's own lag.
    NotFound = 9,
    /// A fill's second axis moved: see `settlement`.
    Settlement = 10,
    /// An order that is not ours (liquidation, deleveraging, by hand) traded on our account:
    /// `qty` at `px`, its side in `flags`.
    Foreign = 11,
}

impl ReportKind {
    /// Every kind, in the order of their numbers.
    pub const ALL: [Self; 12] = [
        Self::Ack,
        Self::Fill,
        Self::Done,
        Self::Rejected,
        Self::Sent,
        Self::Unknown,
        Self::CancelRejected,
        Self::Amended,
        Self::Open,
        Self::NotFound,
        Self::Settlement,
        Self::Foreign,
    ];
}

/// Why an order, a cancel or an amend was refused. Every venue's codes map to these; an answer that
/// proves nothing is [`ReportKind::Unknown`], never a refusal.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum OrderReject {
    /// Not refused.
    None = 0,
    /// The stop word or the mode forbids its class. Never sent.
    Stopped = 1,
    /// There is no book to trade against. Never sent.
    NoBook = 2,
    /// Price or quantity outside the venue's filters: tick, lot, minimum, collar of the venue.
    Filter = 3,
    /// The gateway holds as many orders as it can. Never sent.
    GatewayFull = 4,
    /// Not enough balance or margin.
    Balance = 5,
    /// A post-only order would have taken.
    WouldTake = 6,
    /// An all-or-nothing order could not be filled.
    NotFilled = 7,
    /// A rate budget, ours (never sent) or the venue's, is used up.
    RateLimit = 8,
    /// Key, signature or permission.
    Auth = 9,
    /// Outside the venue's time window.
    Clock = 10,
    /// The instrument or the venue takes no orders now.
    NotTrading = 11,
    /// The client order id was used before.
    DuplicateId = 12,
    /// It would not have reduced a position.
    ReduceOnly = 13,
    /// No such order (answer to a cancel or an amend).
    NoSuchOrder = 14,
    /// It ended before the cancel or amend came.
    TooLate = 15,
    /// No line to the venue is up. Never sent.
    NoLine = 16,
    /// It could not be written in the venue's protocol. Never sent.
    Encoding = 17,
    /// The venue is overloaded and says that it did not take it.
    Overload = 18,
    /// A position, open-order or leverage limit of the venue.
    VenueLimit = 19,
    /// Refused by the venue for a reason that we do not know by name.
    Other = 20,
    /// It would have traded with an order of our own: the venue prevented that.
    SelfTrade = 21,
    /// It was decided too long ago: something held it up, a pause of the process perhaps. Never sent.
    Late = 22,
    /// It could not be put down before it left. Never sent.
    Unrecorded = 23,
}

/// Kinds of [`OrderReject`].
pub const ORDER_REJECTS: usize = 24;

impl OrderReject {
    /// Every reason, in the order of its number.
    pub const ALL: [Self; ORDER_REJECTS] = [
        Self::None,
        Self::Stopped,
        Self::NoBook,
        Self::Filter,
        Self::GatewayFull,
        Self::Balance,
        Self::WouldTake,
        Self::NotFilled,
        Self::RateLimit,
        Self::Auth,
        Self::Clock,
        Self::NotTrading,
        Self::DuplicateId,
        Self::ReduceOnly,
        Self::NoSuchOrder,
        Self::TooLate,
        Self::NoLine,
        Self::Encoding,
        Self::Overload,
        Self::VenueLimit,
        Self::Other,
        Self::SelfTrade,
        Self::Late,
        Self::Unrecorded,
    ];

    /// Whether it says nothing of the order, only that its market takes none for now: a halt, an engine that starts anew,
    /// a venue that is overloaded or wants to be asked later.
    pub const fn is_for_now(self) -> bool {
        matches!(self, Self::NotTrading | Self::Overload | Self::RateLimit)
    }

    /// Its name in reports and metric labels.
    pub const fn name(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Stopped => "stopped",
            Self::NoBook => "no_book",
            Self::Filter => "filter",
            Self::GatewayFull => "gateway_full",
            Self::Balance => "balance",
            Self::WouldTake => "would_take",
            Self::NotFilled => "not_filled",
            Self::RateLimit => "rate_limit",
            Self::Auth => "auth",
            Self::Clock => "clock",
            Self::NotTrading => "not_trading",
            Self::DuplicateId => "duplicate_id",
            Self::ReduceOnly => "reduce_only",
            Self::NoSuchOrder => "no_such_order",
            Self::TooLate => "too_late",
            Self::NoLine => "no_line",
            Self::Encoding => "encoding",
            Self::Overload => "overload",
            Self::VenueLimit => "venue_limit",
            Self::Other => "other",
            Self::SelfTrade => "self_trade",
            Self::Late => "late",
            Self::Unrecorded => "unrecorded",
        }
    }
}

/// In which asset a fee was taken.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum FeeAsset {
    /// The instrument's quote currency.
    #[default]
    Quote = 0,
    /// The instrument's base asset: a buy nets less than it filled.
    Base = 1,
    /// Another asset (a venue's own coin); it moves neither side of the instrument.
    Other = 2,
}

/// A fill's second axis, at venues that match first and settle later.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum Settlement {
    /// Final with the match.
    #[default]
    Final = 0,
    /// Matched, settlement under way (Polymarket MATCHED, MINED, RETRYING).
    Pending = 1,
    /// Settled (CONFIRMED).
    Settled = 2,
    /// Settlement failed: the fill is undone (FAILED).
    Failed = 3,
}

/// A report about one order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(C, align(64))]
pub struct Report {
    /// Client order id; 0 when it is not ours.
    pub id: u64,
    /// Price of this fill.
    pub px: Px,
    /// Quantity of this fill.
    pub qty: Qty,
    /// Quantity filled so far; for a fill whose message does not say, 0.
    pub filled: Qty,
    /// Fee of this fill in `fee_in`, mantissa at `fee_dp` decimals; positive is paid.
    pub fee: i64,
    /// When it happened.
    pub at_ns: Nanos,
    /// The venue's id of this trade; where that is no number, its 64-bit hash ([`trade_key`]); 0
    /// when the report is not about a trade.
    pub trade: u64,
    /// What was traded.
    pub instrument: InstrumentId,
    /// What became known.
    pub kind: ReportKind,
    /// Why it was refused.
    pub reject: OrderReject,
    /// In which asset the fee was taken.
    pub fee_in: FeeAsset,
    /// Decimals of `fee`.
    pub fee_dp: u8,
    /// Where settlement stands.
    pub settlement: Settlement,
    /// Bit 0: we were the maker. Bit 1: we sold (by a venue's word with [`ReportKind::Foreign`] only; the
    /// engine's record has it always). Bit 2: the order ended and is settled (the engine's record). Bit 3: paid out, not traded (the engine's record).
    pub flags: u8,
}

impl Report {
    /// [`Self::flags`]: we were the maker.
    pub const MAKER: u8 = 1;
    /// [`Self::flags`]: we sold.
    pub const SOLD: u8 = 2;
    /// [`Self::flags`]: no trade; what was held of an outcome was paid out at what it was decided to pay.
    pub const PAID_OUT: u8 = 8;
    /// [`Self::flags`]: nothing more is expected of the order.
    pub const ENDED: u8 = 4;

    /// A report that only says `kind` about an order.
    pub const fn about(id: u64, instrument: InstrumentId, kind: ReportKind, at_ns: Nanos) -> Self {
        Self {
            id,
            px: Px(0),
            qty: Qty(0),
            filled: Qty(0),
            fee: 0,
            at_ns,
            trade: 0,
            instrument,
            kind,
            reject: OrderReject::None,
            fee_in: FeeAsset::Quote,
            fee_dp: FEE_DP,
            settlement: Settlement::Final,
            flags: 0,
        }
    }
}

/// A venue's trade id as a number: itself when it is one (without leading zeros, below 2^63), else its
/// FNV-1a hash with the top bit set, so that the two can never meet.
pub fn trade_key(id: &[u8]) -> u64 {
    const TOP: u64 = 1 << 63;
    let plain = !id.is_empty() && id.len() <= 18 && id[0] != b'0' && id.iter().all(u8::is_ascii_digit);
    if plain {
        return id.iter().fold(0, |value, digit| value * 10 + u64::from(digit - b'0'));
    }
    id.iter().fold(0xcbf2_9ce4_8422_2325, |hash: u64, &byte| (hash ^ u64::from(byte)).wrapping_mul(0x100_0000_01b3))
        | TOP
}

/// Decimals that our own fees are written with.
pub const FEE_DP: u8 = 8;

const _: () = assert!(size_of::<Report>() == 64);

/// The gateway's end.
pub type FillTx = Tx<Report>;
/// The engine's end.
pub type FillRx = Rx<Report>;

/// A fill ring of `capacity` reports.
pub fn fills(capacity: usize) -> (FillTx, FillRx) {
    ring(capacity)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_numeric_trade_id_is_itself_and_any_other_a_hash_apart() {
        assert_eq!(trade_key(b"123"), 123);
        assert_eq!(trade_key(b"999999999999999999"), 999_999_999_999_999_999);
        for text in [&b"0123"[..], b"", b"9999999999999999999", b"7d4d4b5e-5a5c", b"-1"] {
            assert!(trade_key(text) >> 63 == 1, "{text:?}");
        }
        assert_ne!(trade_key(b"a"), trade_key(b"b"));
    }

    #[test]
    fn reasons_stand_in_the_order_of_their_number() {
        assert!(OrderReject::ALL.iter().enumerate().all(|(at, &reject)| reject as usize == at));
    }
}
