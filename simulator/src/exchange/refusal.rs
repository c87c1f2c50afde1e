//! Why a request was refused, before each venue puts it in its own words.

use serde::Serialize;

use crate::amount::Amount;

/// A reason.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Refusal {
    /// The listing does not trade.
    Closed,
    /// The price is not on the grid.
    Tick,
    /// The price is not above zero, or absurdly large.
    Price,
    /// The quantity is not on the grid.
    Lot,
    /// The quantity is below one lot or above the largest.
    Quantity,
    /// Worth less than the smallest order.
    Notional(Amount),
    /// The price is too far from the market's.
    Band,
    /// Not enough free.
    Balance,
    /// The client id is taken.
    DuplicateId,
    /// A post-only order would take.
    WouldTake,
    /// A fill-or-kill order cannot be filled.
    FillOrKill,
    /// There is no position to reduce.
    ReduceOnly,
    /// Too many open orders.
    OpenOrders,
    /// Too many new orders: so many per so many seconds are allowed.
    Rate(u32, u64),
    /// There is no such order, or it is no longer open.
    Unknown,
    /// An amendment that changes nothing or that the venue does not have.
    Amendment,
    /// A fault says so.
    Scripted,
}
