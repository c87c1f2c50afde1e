//! Venues' rate budgets in our words: what a request costs, and what a venue says of what is left.

use crate::ids::Nanos;

/// Whose budget is used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum Scope {
    /// Request weight of our address (Binance `REQUEST_WEIGHT`), or requests where they weigh alike.
    Weight = 0,
    /// Orders of our account in a short span.
    Orders = 1,
    /// Orders of our account in a long span.
    OrdersLong = 2,
    /// Messages on one connection.
    Messages = 3,
}

/// Kinds of [`Scope`].
pub const SCOPES: usize = 4;

/// What a request costs, by scope.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Cost(pub [u32; SCOPES]);

impl Cost {
    /// This cost and `units` more of `scope`.
    #[must_use]
    pub const fn with(mut self, scope: Scope, units: u32) -> Self {
        self.0[scope as usize] += units;
        self
    }
}

/// Who may use the last of a budget: an earlier one may use more of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum Priority {
    /// Withdrawing orders.
    Cancel = 0,
    /// Reducing exposure.
    Hedge = 1,
    /// Finding out what is true.
    Reconcile = 2,
    /// Taking exposure on.
    Open = 3,
}

/// One budget: at most `limit` units in any `span_ns`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RateRule {
    /// Whose.
    pub scope: Scope,
    /// Units.
    pub limit: u32,
    /// Nanoseconds.
    pub span_ns: Nanos,
    /// The span is a whole one of the clock (Binance counts by the UTC minute), not a sliding one.
    pub aligned: bool,
}

/// What a venue said about a budget.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RateNotice {
    /// So many units are used in the span of this length.
    Used {
        /// Whose.
        scope: Scope,
        /// Units.
        used: u32,
        /// Nanoseconds; 0 when the venue does not name it.
        span_ns: Nanos,
    },
    /// The limit is this now.
    Limit(RateRule),
    /// Nothing more in this scope for so long (429 with `Retry-After`).
    Wait {
        /// Whose.
        scope: Scope,
        /// Nanoseconds from now; the venue's own word, or our default where it gives none.
        wait_ns: Nanos,
    },
    /// Banned for so long (418).
    Banned {
        /// Nanoseconds from now.
        wait_ns: Nanos,
    },
}
