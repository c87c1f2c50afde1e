//! Opportunities and trades as rows of the history. Offering never waits; what the history loses it counts itself.

use crate::config::Config;
use crate::trade::{Placed, Trade};
use crate::universe::Universe;
use highwire_links::audit::{Opened, Record, Verdict};
use highwire_links::fill::{FeeAsset, Report};
use highwire_links::fixed::Decimal;
use highwire_links::instrument::{Contract, Instrument};
use highwire_links::mode::OrderClass;
use highwire_links::{Nanos, Side};
use highwire_quant::pnl::{Fee, Pnl};
use highwire_store::history::{FillRow, History, HistoryError, OpportunityRow, OrderRow, Row, Session, TradeRow};
use std::collections::BTreeMap;
use std::path::PathBuf;

/// Crossings that stand at a time; the detector has far fewer.
const STANDING_MAX: usize = 65_536;

/// Fills the history.
pub struct Historian {
    history: History,
    standing: BTreeMap<u32, (Opened, Verdict)>,
}

impl Historian {
    /// One for the configured file, if there is one.
    ///
    /// # Errors
    /// The file cannot be opened, or is another program's.
    pub fn start(config: &Config) -> Result<Option<Self>, HistoryError> {
        if config.history.file.is_empty() {
            return Ok(None);
        }
        let (file, service) = (PathBuf::from(&config.history.file), config.service.name.clone());
        let history = History::start(&Session { file, service, keep_days: config.history.keep_days })?;
        Ok(Some(Self { history, standing: BTreeMap::new() }))
    }

    /// Takes in a record; those of opportunities are kept when they close.
    pub fn take(&mut self, record: &Record, universe: &Universe) {
        match record {
            Record::Opened(opened) => {
                if self.standing.len() == STANDING_MAX {
                    // An engine died with its crossings: they will not close.
                    self.standing.pop_first();
                }
                // Before any decision it is as if its edge were too thin.
                self.standing.insert(opened.id, (*opened, Verdict::EdgeTooThin));
            }
            Record::Decided(decided) => {
                if let Some((_, verdict)) = self.standing.get_mut(&decided.id) {
                    *verdict = decided.verdict;
                }
            }
            Record::Closed(closed) => {
                if let Some((opened, _)) = self.standing.remove(&closed.id) {
                    let life = (Some(closed.lasted_ns), closed.verdict, closed.edge_best_ppb);
                    self.history.offer(opportunity(&opened, life, universe));
                }
            }
            _ => {}
        }
    }

    /// Takes in a trade that has ended.
    pub fn take_trade(&self, trade: &Trade, universe: &Universe) {
        self.history.offer(Row::Trade(Box::new(trade_row(trade, universe))));
    }

    /// Takes in trades that earlier runs left, and that nothing of the journal before this record is untold.
    pub fn take_late(&self, trades: &[Trade], universe: &Universe, (journal, before): (String, u64)) {
        for trade in trades {
            self.history.offer(Row::Late(Box::new(trade_row(trade, universe))));
        }
        self.history.offer(Row::Mark { journal, before });
    }

    /// Rows that found too many waiting.
    pub fn rows_lost(&self) -> u64 {
        self.history.lost()
    }

    /// Writes what stands and what waits, and closes the file.
    pub fn finish(mut self, universe: &Universe) {
        for (opened, verdict) in std::mem::take(&mut self.standing).into_values() {
            self.history.offer(opportunity(&opened, (None, verdict, opened.edge_ppb), universe));
        }
        if self.history.lost() > 0 {
            tracing::warn!(lost = self.history.lost(), "the history is short of rows");
        }
        if let Err(error) = self.history.finish() {
            tracing::error!(%error, "the history could not be closed");
        }
    }
}

fn opportunity(
    opened: &Opened,
    (lasted_ns, verdict, edge_best_ppb): (Option<Nanos>, Verdict, i64),
    universe: &Universe,
) -> Row {
    Row::Opportunity(OpportunityRow {
        id: opened.id,
        pair: pair_name(universe, opened.pair.index()),
        buy: universe.name(opened.buy),
        sell: universe.name(opened.sell),
        opened_ns: opened.at_ns,
        lasted_ns,
        verdict: verdict.name().to_owned(),
        edge_best_ppb,
    })
}

fn trade_row(trade: &Trade, universe: &Universe) -> TradeRow {
    let member = universe.pairs.get(trade.pair.index()).and_then(|pair| pair.spec.members.first());
    let spec = member.and_then(|member| universe.specs.get(member.index()));
    TradeRow {
        saga: format!("{:016x}", trade.group),
        strategy: trade.strategy().to_owned(),
        pair: pair_name(universe, trade.pair.index()),
        quote: spec.map_or_else(String::new, |spec| spec.quote.clone()),
        began_ns: trade.began_ns,
        ended_ns: trade.ended_ns,
        outcome: trade.outcome().to_owned(),
        why: format!("{:?}", trade.why),
        has_failed: trade.has_failed(),
        expected_ppb: trade.expected_ppb,
        captured_ppb: trade.captured_ppb,
        profit: profit(trade, universe).and_then(|profit| profit.realised()),
        orders: trade.orders.iter().filter_map(|placed| order_row(placed, universe)).collect(),
    }
}

fn profit(trade: &Trade, universe: &Universe) -> Option<Pnl> {
    let mut profit = Pnl::default();
    for placed in &trade.orders {
        let instrument = universe.instruments.get(placed.order.instrument.index())?;
        for fill in placed.fills() {
            profit.add(instrument, placed.order.side, (fill.px, fill.qty), Fee::of(fill)?)?;
        }
    }
    Some(profit)
}

fn order_row(placed: &Placed, universe: &Universe) -> Option<OrderRow> {
    let order = &placed.order;
    let instrument = universe.instruments.get(order.instrument.index())?;
    Some(OrderRow {
        id: format!("{:016x}", order.id),
        instrument: universe.name(order.instrument),
        contract: contract(instrument),
        is_buy: order.side == Side::Buy,
        is_hedge: order.class == OrderClass::Hedge,
        px: decimal(order.px.0, instrument.scale.px_dp),
        qty: decimal(order.qty.0, instrument.scale.qty_dp),
        filled: decimal(placed.filled(), instrument.scale.qty_dp),
        is_filled: placed.is_filled(),
        decided_ns: order.decided_ns,
        fills: placed.fills().map(|fill| fill_row(fill, instrument)).collect(),
    })
}

fn fill_row(fill: &Report, instrument: &Instrument) -> FillRow {
    let fee_in = match fill.fee_in {
        FeeAsset::Quote => "quote",
        FeeAsset::Base => "base",
        FeeAsset::Other => "other",
    };
    FillRow {
        at_ns: fill.at_ns,
        px: decimal(fill.px.0, instrument.scale.px_dp),
        qty: decimal(fill.qty.0, instrument.scale.qty_dp),
        fee: decimal(fill.fee, fill.fee_dp),
        fee_in: fee_in.to_owned(),
    }
}

fn contract(instrument: &Instrument) -> String {
    match instrument.contract {
        Contract::Base => "base".to_owned(),
        Contract::Linear { value, dp } => format!("linear {}", decimal(value, dp)),
        Contract::Inverse { value, dp } => format!("inverse {}", decimal(value, dp)),
    }
}

fn decimal(mantissa: i64, dp: u8) -> String {
    Decimal { mantissa, dp }.to_string()
}

fn pair_name(universe: &Universe, pair: usize) -> String {
    universe.pairs.get(pair).map_or_else(|| "?".to_owned(), |pair| pair.name.clone())
}
