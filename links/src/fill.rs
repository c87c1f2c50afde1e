//! The fill ring, gateway → engine: acks, fills and ends of orders. Sized so that it cannot fill
//! (`limits::FILL_RING` against the open-order limit, asserted when compiling).

use crate::fixed::{Px, Qty};
use crate::ids::{InstrumentId, Nanos};
use crate::ring::{Rx, Tx, ring};

/// What became of an order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum ReportKind {
    /// The venue has it.
    Ack = 0,
    /// Part or all of it traded; `qty` is this fill, `filled` the sum so far.
    Fill = 1,
    /// The rest was cancelled or expired: the order's end.
    Done = 2,
    /// The venue or the gateway refused it: the order's end, nothing traded.
    Rejected = 3,
}

/// Why an order was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum OrderReject {
    /// Not refused.
    None = 0,
    /// The stop word forbids its class.
    Stopped = 1,
    /// There is no book to trade against.
    NoBook = 2,
    /// Price or quantity outside the venue's filters.
    Filter = 3,
    /// The gateway holds as many orders as it can.
    GatewayFull = 4,
}

/// A report about one order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(C, align(64))]
pub struct Report {
    /// Client order id.
    pub id: u64,
    /// Price of this fill.
    pub px: Px,
    /// Quantity of this fill.
    pub qty: Qty,
    /// Quantity filled so far.
    pub filled: Qty,
    /// Fee of this fill in quote currency, mantissa at `FEE_DP` decimals; rounded against us.
    pub fee: i64,
    /// When it happened.
    pub at_ns: Nanos,
    /// What was traded.
    pub instrument: InstrumentId,
    /// What became of the order.
    pub kind: ReportKind,
    /// Why it was refused.
    pub reject: OrderReject,
}

/// Decimals of [`Report::fee`].
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
