//! A trade as one thing: what the engine's audit records say about one saga, put together off the wire. Traces and
//! history are made of it.

mod assemble;

pub use assemble::Trades;

use highwire_links::audit::{SagaMoved, SagaStage, SagaWhy};
use highwire_links::fill::{Report, ReportKind};
use highwire_links::mode::OrderClass;
use highwire_links::order::Order;
use highwire_links::telemetry::Trace;
use highwire_links::{Nanos, PairId};

/// Set in the group of a saga that no opportunity began; see `engine/src/execute.rs`.
const RESCUE: u64 = 1 << 47;
/// Set in the opportunity's number of a complement trade; see `engine/src/strategies/complement.rs`.
const COMPLEMENT: u64 = 1 << 31;
/// Set alone in that of a trade whose first leg rested; see `engine/src/strategies/maker.rs`.
const MAKER: u64 = 1 << 30;
/// Set in that of a lag trade; see `engine/src/strategies/lag.rs`.
const LAG: u64 = 0b11 << 30;

/// One saga from its beginning to its end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Trade {
    /// The saga's number, unique within a process.
    pub group: u64,
    /// Its pair.
    pub pair: PairId,
    /// When it began.
    pub began_ns: Nanos,
    /// When it ended.
    pub ended_ns: Nanos,
    /// The edge that it set out for, parts per billion.
    pub expected_ppb: i64,
    /// The edge of what traded, fees included, parts per billion; 0 unless both sides traded.
    pub captured_ppb: i64,
    /// Net base that was left, at the pair's decimals.
    pub exposure: i64,
    /// How it ended.
    pub ending: SagaStage,
    /// Why it ended so.
    pub why: SagaWhy,
    /// Its orders, hedges included, in the order in which they were handed over.
    pub orders: Vec<Placed>,
    /// The wire's stamps, if they came.
    pub stamps: Option<Trace>,
}

/// An order of a trade and what became known of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Placed {
    /// The order.
    pub order: Order,
    /// Reports in the order in which they were settled.
    pub reports: Vec<Report>,
}

impl Trade {
    /// As its first move tells it.
    pub fn begun(moved: &SagaMoved) -> Self {
        Self {
            group: moved.group,
            pair: moved.pair,
            began_ns: moved.at_ns,
            ended_ns: moved.at_ns,
            expected_ppb: moved.expected_ppb,
            captured_ppb: moved.captured_ppb,
            exposure: moved.exposure,
            ending: moved.to,
            why: moved.why,
            orders: Vec::new(),
            stamps: None,
        }
    }

    /// A further move.
    pub fn move_on(&mut self, moved: &SagaMoved) {
        (self.ended_ns, self.captured_ppb, self.exposure) = (moved.at_ns, moved.captured_ppb, moved.exposure);
        (self.ending, self.why) = (moved.to, moved.why);
    }

    /// The number of the opportunity that began it; `None` for a rescue.
    pub fn opportunity(&self) -> Option<u32> {
        (self.group & RESCUE == 0).then_some(self.group as u32)
    }

    /// Which strategy began it.
    pub fn strategy(&self) -> &'static str {
        match self.group {
            group if group & RESCUE != 0 => "rescue",
            group if group & LAG == LAG => "lag",
            group if group & COMPLEMENT != 0 => "complement",
            group if group & MAKER != 0 => "maker",
            _ => "cross_venue",
        }
    }

    /// How it ended, in a word; `interrupted` when its process died first.
    pub fn outcome(&self) -> &'static str {
        match self.ending {
            SagaStage::Hedged => "hedged",
            SagaStage::Escalated => "escalated",
            SagaStage::Flat => "flat",
            _ => "interrupted",
        }
    }

    /// It needed a hedge or a human, or an order was refused or is in doubt.
    pub fn has_failed(&self) -> bool {
        let bad = |report: &Report| matches!(report.kind, ReportKind::Rejected | ReportKind::Unknown);
        self.ending != SagaStage::Flat || self.orders.iter().any(|placed| placed.reports.iter().any(bad))
    }

    /// The orders that opened it.
    pub fn legs(&self) -> impl Iterator<Item = &Placed> {
        self.orders.iter().filter(|placed| placed.order.class == OrderClass::Open)
    }
}

impl Placed {
    /// Its trades.
    pub fn fills(&self) -> impl Iterator<Item = &Report> {
        self.reports.iter().filter(|report| report.kind == ReportKind::Fill)
    }

    /// What traded, mantissa at the instrument's decimals.
    pub fn filled(&self) -> i64 {
        self.fills().fold(0, |sum, fill| sum.saturating_add(fill.qty.0))
    }

    /// All of it traded.
    pub fn is_filled(&self) -> bool {
        self.filled() >= self.order.qty.0
    }

    /// The time of the last report, or of its decision.
    pub fn ended_ns(&self) -> Nanos {
        self.reports.iter().map(|report| report.at_ns).max().unwrap_or(0).max(self.order.decided_ns)
    }
}
