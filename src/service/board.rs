//! The service as the view shows it: pages, counters and chronicle → a board.

use super::watch::Watch;
use crate::ledger::Opportunity;
use crate::service::Chronicle;
use crate::universe::Universe;
use crate::view::{Board, Latency, Row, Tail, Totals};
use highwire_engine::stages::Stages;
use highwire_links::Nanos;
use highwire_links::audit::Verdict;
use highwire_links::counter::{Counter, Stage, Tally};
use highwire_links::fixed::{Amount, Decimal};
use highwire_links::page::{BookState, Page, Rung};
use highwire_venues::spec::InstrumentSpec;
use std::time::Duration;

/// Lines shown of opportunities.
const TAIL_LINES: usize = 50;

impl Watch {
    /// Everything that the view shows, now.
    pub fn board(&self) -> Board {
        let (now, tally) = (self.now(), self.tally());
        let mode = format!("{:?}", self.mode());
        let chronicle = self.chronicle();
        Board {
            title: "highwire run".to_owned(),
            mode,
            uptime: Duration::from_nanos(self.uptime_ns()),
            left: None,
            rows: self.rows(now),
            opportunities: opportunities(self.universe(), &chronicle),
            trades: chronicle.trades.clone(),
            notices: chronicle.notices.clone(),
            totals: totals(&tally, &chronicle),
            latencies: latencies(&chronicle.traced),
        }
    }

    fn rows(&self, now: Nanos) -> Vec<Row> {
        let rows = self.universe().specs.iter().enumerate();
        rows.map(|(at, spec)| row(spec, &self.pages.read(at).unwrap_or_default(), now)).collect()
    }
}

fn row(spec: &InstrumentSpec, page: &Page, now: Nanos) -> Row {
    let px = |rung: Rung| match rung.qty {
        0 => String::new(),
        _ => Decimal { mantissa: rung.px, dp: spec.scale.px_dp }.to_string(),
    };
    Row {
        venue: spec.venue.name().to_owned(),
        symbol: spec.symbol.clone(),
        state: page.state,
        bid: px(page.bids[0]),
        ask: px(page.asks[0]),
        age_ms: age_ms(page, now),
        tops: page.generation.into(),
    }
}

fn age_ms(page: &Page, now: Nanos) -> Option<u64> {
    (page.state != BookState::Empty).then(|| now.saturating_sub(page.recv_ns) / 1_000_000)
}

fn opportunities(universe: &Universe, chronicle: &Chronicle) -> Tail {
    let ledger = &chronicle.ledger;
    let line = |o: &Opportunity| {
        let edge = Decimal { mantissa: o.opened.edge_ppb / 1_000, dp: 2 };
        let (buy, sell) = (universe.name(o.opened.buy), universe.name(o.opened.sell));
        let verdict = o.verdict().map_or("undecided", Verdict::name);
        format!("{edge} bps  buy {buy}  sell {sell}  {verdict}")
    };
    let kept = &ledger.opportunities;
    let total = ledger.forgotten + kept.len() as u64;
    Tail::ending(kept[kept.len().saturating_sub(TAIL_LINES)..].iter().map(line), total)
}

fn totals(tally: &Tally, chronicle: &Chronicle) -> Totals {
    Totals {
        frames: tally.get(Counter::Frames),
        rejected: tally.get(Counter::Rejected),
        tops: tally.get(Counter::Tops),
        opportunities: tally.get(Counter::Opportunities),
        taken: tally.get(Counter::Taken),
        fills: chronicle.ledger.fills,
        pnl: profit(chronicle),
        restarts: chronicle.restarts(),
    }
}

/// Realised profit of all pairs after fees, in what they are quoted in: a sum over different quotes means little, and
/// each pair's own is in the metrics. Empty while nothing was traded.
fn profit(chronicle: &Chronicle) -> String {
    if chronicle.ledger.fills == 0 {
        return String::new();
    }
    let sum = chronicle.ledger.pnl.iter().try_fold(Amount::ZERO, |sum, pnl| sum.checked_add(pnl.realised()?));
    sum.map_or_else(|| "overflow".to_owned(), cents)
}

/// Rounded down to hundredths, for people.
fn cents(amount: Amount) -> String {
    const HUNDREDTH: i128 = 10i128.pow(highwire_links::limits::AMOUNT_DP as u32 - 2);
    let cents = amount.0.div_euclid(HUNDREDTH);
    i64::try_from(cents).map_or_else(|_| amount.to_string(), |mantissa| Decimal { mantissa, dp: 2 }.to_string())
}

fn latencies(stages: &Stages) -> Vec<Latency> {
    let latency = |(stage, name): &(Stage, &'static str)| {
        let h = stages.of(*stage);
        let at = |quantile| if h.is_empty() { 0 } else { h.value_at_quantile(quantile) };
        Latency { stage: (*name).to_owned(), count: h.len(), p50_ns: at(0.5), p99_ns: at(0.99) }
    };
    Stage::ALL.iter().map(latency).collect()
}
