//! What a running service looks like from outside, in plain values.

use super::tail::Tail;
use highwire_links::page::BookState;
use std::time::Duration;

/// Everything that the view shows, at one moment.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Board {
    /// What runs, such as `highwire demo`.
    pub title: String,
    /// Whether it may trade, in the operator's words.
    pub mode: String,
    /// How long it has been running.
    pub uptime: Duration,
    /// How long it will go on; `None` until somebody ends it.
    pub left: Option<Duration>,
    /// One row per instrument.
    pub rows: Vec<Row>,
    /// Opportunities, one line each.
    pub opportunities: Tail,
    /// Trades, one line each.
    pub trades: Tail,
    /// What an operator should know: restarts, tripped breakers, halts.
    pub notices: Tail,
    /// Counts since the start.
    pub totals: Totals,
    /// Latencies, in flow order.
    pub latencies: Vec<Latency>,
}

/// One instrument.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Row {
    /// Its venue.
    pub venue: String,
    /// Its symbol there.
    pub symbol: String,
    /// Where its depth book stands.
    pub state: BookState,
    /// Best bid, as a decimal; empty when there is none.
    pub bid: String,
    /// Best ask, as a decimal; empty when there is none.
    pub ask: String,
    /// Age of the newest frame; `None` before the first.
    pub age_ms: Option<u64>,
    /// Changes of its top.
    pub tops: u64,
}

/// Counts since the start.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Totals {
    /// Frames received.
    pub frames: u64,
    /// Frames refused.
    pub rejected: u64,
    /// Changes of a top of book.
    pub tops: u64,
    /// Opportunities seen.
    pub opportunities: u64,
    /// Opportunities taken.
    pub taken: u64,
    /// Fills settled.
    pub fills: u64,
    /// Profit and loss with its currency, as a decimal; empty while nothing was traded.
    pub pnl: String,
    /// Restarts of threads and connections.
    pub restarts: u64,
}

/// Latency of one stage.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Latency {
    /// The stage.
    pub stage: &'static str,
    /// Times measured.
    pub count: u64,
    /// Median.
    pub p50_ns: u64,
    /// 99th percentile.
    pub p99_ns: u64,
}
