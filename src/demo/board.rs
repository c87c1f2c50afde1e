//! The service as the view shows it: pages, counters and chronicle → a board.

use crate::service::{Chronicle, Service};
use crate::universe::Universe;
use crate::view::{Board, Latency, Row, Tail, Totals};
use highwire_engine::stages::Stages;
use highwire_links::Nanos;
use highwire_links::audit::Verdict;
use highwire_links::counter::{Counter, Stage, Tally};
use highwire_links::fixed::{Amount, Decimal};
use highwire_links::page::{BookState, Page, PageReaders, Rung};
use std::time::Duration;

/// Lines kept of each tail.
const TAIL_LINES: usize = 50;

/// Makes boards; remembers what it has told already.
pub struct BoardMaker {
    board: Board,
    opportunities_told: usize,
    fills_told: u64,
}

impl BoardMaker {
    /// Nothing told yet.
    pub fn new(title: &str) -> Self {
        let tail = || Tail::new(TAIL_LINES);
        let board = Board {
            title: title.to_owned(),
            opportunities: tail(),
            trades: tail(),
            notices: tail(),
            ..Board::default()
        };
        Self { board, opportunities_told: 0, fills_told: 0 }
    }

    /// Adds a notice of the demo's own.
    pub fn note(&mut self, notice: &str) {
        self.board.notices.push(notice);
    }

    /// The board as of `now`.
    pub fn make(
        &mut self,
        service: &Service,
        universe: &Universe,
        mode: &str,
        uptime: Duration,
        left: Option<Duration>,
        now: Nanos,
    ) -> &Board {
        (self.board.mode, self.board.uptime, self.board.left) = (mode.to_owned(), uptime, left);
        self.board.rows = rows(universe, &service.watch().pages, now);
        let tally = service.watch().tally();
        let mut chronicle = service.watch().chronicle();
        self.tell(universe, &mut chronicle);
        self.board.totals = totals(&tally, &chronicle);
        self.board.latencies = latencies(&chronicle.traced);
        &self.board
    }

    /// The last board, with the latencies that the threads themselves measured.
    pub fn finish(mut self, stages: &Stages) -> Board {
        self.board.latencies = latencies(stages);
        self.board
    }

    fn tell(&mut self, universe: &Universe, chronicle: &mut Chronicle) {
        for notice in chronicle.notices.drain(..) {
            self.board.notices.push(notice);
        }
        let ledger = &chronicle.ledger;
        for o in ledger.opportunities.iter().skip(self.opportunities_told) {
            let edge = Decimal { mantissa: o.opened.edge_ppb / 1_000, dp: 2 };
            let (buy, sell) = (universe.name(o.opened.buy), universe.name(o.opened.sell));
            let verdict = o.verdict().map_or("undecided", Verdict::name);
            self.board.opportunities.push(format!("{edge} bps  buy {buy}  sell {sell}  {verdict}"));
        }
        self.opportunities_told = ledger.opportunities.len();
        if ledger.fills > self.fills_told {
            let pnl = profit(chronicle);
            self.board.trades.push(format!("{} fills, {} orders, profit {pnl}", ledger.fills, ledger.orders));
            self.fills_told = ledger.fills;
        }
    }
}

fn rows(universe: &Universe, pages: &PageReaders, now: Nanos) -> Vec<Row> {
    let row = |(index, spec): (usize, &highwire_venues::spec::InstrumentSpec)| {
        let page = pages.read(index).unwrap_or_default();
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
            age_ms: age_ms(&page, now),
            tops: page.generation.into(),
        }
    };
    universe.specs.iter().enumerate().map(row).collect()
}

fn age_ms(page: &Page, now: Nanos) -> Option<u64> {
    (page.state != BookState::Empty).then(|| now.saturating_sub(page.recv_ns) / 1_000_000)
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

/// Realised profit of all pairs after fees; empty while nothing was traded. The demo's pairs are all
/// quoted in USDT, so their sum means something.
fn profit(chronicle: &Chronicle) -> String {
    if chronicle.ledger.fills == 0 {
        return String::new();
    }
    let sum = chronicle.ledger.pnl.iter().try_fold(Amount::ZERO, |sum, pnl| sum.checked_add(pnl.realised()?));
    sum.map_or_else(|| "overflow".to_owned(), |sum| format!("{} USDT", cents(sum)))
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
        Latency { stage: name, count: h.len(), p50_ns: at(0.5), p99_ns: at(0.99) }
    };
    Stage::ALL.iter().map(latency).collect()
}
