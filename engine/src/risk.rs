//! The risk gate.

use highwire_links::Nanos;
use highwire_links::fixed::Amount;

/// Risk limits. In mode `Reduced` order value, position and open orders are halved.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Least net edge, parts per billion.
    pub edge_min_ppb: i64,
    /// Allowance for slippage on top, parts per billion.
    pub slippage_ppb: i64,
    /// Allowance for what the market does while the orders travel, parts per billion.
    pub latency_penalty_ppb: i64,
    /// Most value of one order, in quote currency.
    pub order_notional_max: Amount,
    /// Most value of one instrument's position, long or short, in quote currency.
    pub position_max: Amount,
    /// Most open orders, clamped to `links::limits::OPEN_ORDERS_MAX`.
    pub open_orders_max: usize,
    /// Most distance of a price from its instrument's own recent mid, parts per billion.
    pub collar_ppb: i64,
    /// Mids that an instrument must have shown before it is traded; 0 trades on the first.
    pub collar_samples_min: u32,
    /// Rest of a pair after a trade.
    pub cooldown_ns: Nanos,
    /// Most age of a book, one per venue; a venue without an entry is always stale.
    pub stale_ns: Vec<Nanos>,
}
