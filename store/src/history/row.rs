//! What is kept, as plain values: names instead of numbers, decimals as text, so that the file explains itself.

use highwire_links::Nanos;
use highwire_links::fixed::Amount;

/// One thing to keep.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Row {
    /// A crossing of two venues' prices.
    Opportunity(OpportunityRow),
    /// A trade with its orders and fills.
    Trade(Box<TradeRow>),
    /// A trade of an earlier run, in place of what is known of it.
    Late(Box<TradeRow>),
    /// Every trade of a journal before this record is told.
    Mark {
        /// The journal's folder.
        journal: String,
        /// The record.
        before: u64,
    },
}

/// A crossing that has ended, or that stood at the end of its session.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OpportunityRow {
    /// Its number within the session.
    pub id: u32,
    /// Its pair.
    pub pair: String,
    /// Where to buy, `venue:SYMBOL`.
    pub buy: String,
    /// Where to sell.
    pub sell: String,
    /// When it began.
    pub opened_ns: Nanos,
    /// How long it lasted; `None` while it stands.
    pub lasted_ns: Option<Nanos>,
    /// The last verdict, by its name.
    pub verdict: String,
    /// The best net edge at the tops, parts per billion.
    pub edge_best_ppb: i64,
}

/// A trade that has ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TradeRow {
    /// The saga's number, as logs and traces write it.
    pub saga: String,
    /// Which strategy began it.
    pub strategy: String,
    /// Its pair.
    pub pair: String,
    /// What its profit is in.
    pub quote: String,
    /// When it began.
    pub began_ns: Nanos,
    /// When it ended.
    pub ended_ns: Nanos,
    /// `flat`, `hedged`, `escalated`, or `interrupted` when its process died first.
    pub outcome: String,
    /// Why it ended so.
    pub why: String,
    /// It needed a hedge or a human, or an order was refused or is in doubt.
    pub has_failed: bool,
    /// The edge that it set out for, parts per billion.
    pub expected_ppb: i64,
    /// The edge of what traded, parts per billion; 0 unless both sides traded.
    pub captured_ppb: i64,
    /// Realised profit after fees, of what it bought and sold both; `None` when it left the range.
    pub profit: Option<Amount>,
    /// Its orders, hedges included.
    pub orders: Vec<OrderRow>,
}

/// An order of a trade.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OrderRow {
    /// Client order id, as logs and traces write it.
    pub id: String,
    /// `venue:SYMBOL`.
    pub instrument: String,
    /// What a unit of its quantities is: `base`, or `linear N` or `inverse N` for contracts of N base or quote each.
    pub contract: String,
    /// It buys.
    pub is_buy: bool,
    /// It hedges; else it is a leg.
    pub is_hedge: bool,
    /// Limit price, decimal.
    pub px: String,
    /// Quantity, decimal.
    pub qty: String,
    /// What traded of it, decimal.
    pub filled: String,
    /// All of it traded.
    pub is_filled: bool,
    /// When it was decided.
    pub decided_ns: Nanos,
    /// Its trades.
    pub fills: Vec<FillRow>,
}

/// One trade at a venue.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FillRow {
    /// When.
    pub at_ns: Nanos,
    /// Price, decimal.
    pub px: String,
    /// Quantity, decimal.
    pub qty: String,
    /// Fee, decimal; positive is paid.
    pub fee: String,
    /// In what: `quote`, `base` or `other`.
    pub fee_in: String,
}

/// A trade as a report reads it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TradeLine {
    /// Which strategy began it.
    pub strategy: String,
    /// Its pair.
    pub pair: String,
    /// What its profit is in.
    pub quote: String,
    /// When it ended.
    pub ended_ns: Nanos,
    /// `flat`, `hedged` or `escalated`.
    pub outcome: String,
    /// The edge that it set out for, parts per billion.
    pub expected_ppb: i64,
    /// The edge of what traded, parts per billion; 0 unless both sides traded.
    pub captured_ppb: i64,
    /// Realised profit after fees.
    pub profit: Option<Amount>,
    /// Its legs.
    pub legs: u32,
    /// Legs of which all traded.
    pub legs_filled: u32,
    /// Its fills, hedges included.
    pub fills: u32,
}
