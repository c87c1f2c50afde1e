//! Trades that have ended, told to whoever wants to know: the log, the collector, the history. Nothing here waits.

use super::history::Historian;
use crate::telemetry::{ids, spans};
use crate::trade::{Trade, Trades};
use crate::universe::Universe;
use highwire_links::Mode;
use highwire_links::audit::{Record, SagaStage};
use highwire_links::telemetry::Trace;
use opentelemetry_sdk::trace::SdkTracer;
use std::sync::Arc;

/// Puts trades together and tells of them.
pub struct TradeDesk {
    /// What the service may do now, as it stands in traces.
    pub mode: Mode,
    trades: Trades,
    universe: Arc<Universe>,
    tracer: Option<SdkTracer>,
    historian: Option<Historian>,
}

impl TradeDesk {
    /// Nothing is under way; spans go to `tracer` and rows to `historian`, if they are there.
    pub fn new(universe: Arc<Universe>, tracer: Option<SdkTracer>, historian: Option<Historian>) -> Self {
        Self { mode: Mode::Halted, trades: Trades::default(), universe, tracer, historian }
    }

    /// The id of a saga's trace, for log lines; empty while nothing is exported.
    pub fn trace_of(&self, group: u64) -> String {
        self.tracer.as_ref().map_or_else(String::new, |_| ids::of_saga(group).to_string())
    }

    /// Takes in a record.
    pub fn take(&mut self, record: &Record) {
        self.trades.take(record);
        if let Some(historian) = &mut self.historian {
            historian.take(record, &self.universe);
        }
        self.tell_ended();
    }

    /// Takes in trades that earlier runs left, and up to which record of which journal all are told.
    pub fn take_late(&self, trades: &[Trade], mark: (String, u64)) {
        if let Some(historian) = &self.historian {
            historian.take_late(trades, &self.universe, mark);
        }
    }

    /// Rows that the history is short of.
    pub fn rows_lost(&self) -> u64 {
        self.historian.as_ref().map_or(0, Historian::rows_lost)
    }

    /// Takes in the stamps of a decision.
    pub fn take_stamps(&mut self, stamps: Trace) {
        self.trades.take_stamps(stamps);
        self.tell_ended();
    }

    /// Tells of trades that have ended and whose stamps have not come, for they no longer will, and closes the history.
    pub fn finish(&mut self) {
        while let Some(trade) = self.trades.take_rest() {
            self.tell(&trade);
        }
        if let Some(historian) = self.historian.take() {
            historian.finish(&self.universe);
        }
    }

    fn tell_ended(&mut self) {
        while let Some(trade) = self.trades.take_complete() {
            self.tell(&trade);
        }
    }

    fn tell(&self, trade: &Trade) {
        if let Some(historian) = &self.historian {
            historian.take_trade(trade, &self.universe);
        }
        if let Some(tracer) = &self.tracer {
            spans::emit(tracer, ids::of_saga(trade.group), trade, &self.universe, self.mode);
        }
        self.log(trade, &self.trace_of(trade.group));
    }

    fn log(&self, trade: &Trade, trace: &str) {
        let pair = self.universe.pairs.get(trade.pair.index()).map_or("?", |pair| pair.name.as_str());
        let saga = format!("{:016x}", trade.group);
        let (outcome, failed, why, captured_ppb) = (trade.outcome(), trade.has_failed(), trade.why, trade.captured_ppb);
        if trade.ending == SagaStage::Escalated {
            tracing::error!(saga, trace, pair, outcome, failed, ?why, captured_ppb, "trade ended");
        } else {
            tracing::info!(saga, trace, pair, outcome, failed, ?why, captured_ppb, "trade ended");
        }
    }
}
