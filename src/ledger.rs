//! What the engine did, gathered from its audit records: opportunities, decisions, orders, fills,
//! profit and loss.

use crate::universe::Universe;
use highwire_links::audit::{Closed, Decided, Opened, Record, SagaMoved, SagaStage, VERDICTS, Verdict};
use highwire_links::fill::{ORDER_REJECTS, Report, ReportKind, Settlement};
use highwire_links::fixed::Amount;
use highwire_links::instrument::Instrument;
use highwire_links::latency::Histogram;
use highwire_links::order::{Action, Order};
use highwire_links::page::{BookState, PageReaders};
use highwire_links::{InstrumentId, Nanos, Side, fixed};
use highwire_quant::pnl::{Fee, Pnl};
use highwire_quant::slow::kelly;
use std::collections::{HashMap, VecDeque};

/// Orders that are remembered, ended or not.
const ORDERS_KNOWN: usize = 100_000;
/// Opportunities that a ledger with a bound keeps at least; at twice as many the older half is forgotten.
const OPPORTUNITIES_KEPT: usize = 8_192;

/// One opportunity's life.
#[derive(Clone, Debug)]
pub struct Opportunity {
    /// How it began.
    pub opened: Opened,
    /// The last decision about it.
    pub decided: Option<Decided>,
    /// How it ended; `None` while it stands.
    pub closed: Option<Closed>,
    /// Best edge so far and market events so far, while it stands at the end.
    pub standing: Option<(i64, u32)>,
}

impl Opportunity {
    /// The last verdict.
    pub fn verdict(&self) -> Option<Verdict> {
        self.closed.map(|c| c.verdict).or(self.decided.map(|d| d.verdict))
    }
}

/// Everything that the engine did.
pub struct Ledger {
    /// Opportunities in the order of their numbers; the latest, if it has a bound.
    pub opportunities: Vec<Opportunity>,
    /// Opportunities that were forgotten.
    pub forgotten: u64,
    /// Decisions by the number of their verdict.
    pub decisions: [u64; VERDICTS],
    /// How old the books were at decisions.
    pub book_ages: Histogram,
    /// Orders handed to the gateway.
    pub orders: u64,
    /// Cancels and questions handed to the gateway.
    pub requests: u64,
    /// Trades that ended flat, hedged, escalated.
    pub endings: [u64; 3],
    /// What trades gained and lost, by their share.
    pub record: kelly::Record,
    /// Fills.
    pub fills: u64,
    /// Orders that ended without any fill.
    pub unfilled: u64,
    /// Orders refused.
    pub refused: u64,
    /// The same by the number of the reason.
    pub refusals: [u64; ORDER_REJECTS],
    /// Profit per pair, in the order of the pairs.
    pub pnl: Vec<Pnl>,
    /// The same per instrument, in the order of the instruments: what is open there is the position.
    pub by_instrument: Vec<Pnl>,
    /// Fills that could not be added up.
    pub overflows: u64,
    is_bounded: bool,
    known: HashMap<u64, Side>,
    /// Ids of `known`, oldest first.
    ids: VecDeque<u64>,
    /// Orders sent since last asked.
    sent: Vec<Nanos>,
}

impl Ledger {
    /// An empty ledger for these pairs and instruments.
    pub fn new(universe: &Universe) -> Self {
        Self {
            opportunities: Vec::new(),
            forgotten: 0,
            decisions: [0; VERDICTS],
            book_ages: Histogram::default(),
            orders: 0,
            requests: 0,
            endings: [0; 3],
            record: kelly::Record::default(),
            fills: 0,
            unfilled: 0,
            refused: 0,
            refusals: [0; ORDER_REJECTS],
            pnl: vec![Pnl::default(); universe.pairs.len()],
            by_instrument: vec![Pnl::default(); universe.instruments.len()],
            overflows: 0,
            is_bounded: false,
            known: HashMap::new(),
            ids: VecDeque::new(),
            sent: Vec::new(),
        }
    }

    /// One for a service that runs for months: of opportunities it keeps the latest.
    pub fn bounded(universe: &Universe) -> Self {
        Self { is_bounded: true, ..Self::new(universe) }
    }

    /// Takes in a record.
    pub fn take(&mut self, record: &Record, universe: &Universe) {
        match record {
            Record::Opened(opened) => self.open(opened),
            Record::Decided(decided) => {
                self.decisions[decided.verdict as usize] += 1;
                let of = decided.books_ns.iter().filter(|&&book_ns| book_ns > 0);
                of.for_each(|&book_ns| self.book_ages.record(decided.at_ns.saturating_sub(book_ns)));
                if let Some(opportunity) = self.opportunity(decided.id) {
                    opportunity.decided = Some(*decided);
                }
            }
            Record::Closed(closed) => {
                if let Some(opportunity) = self.opportunity(closed.id) {
                    opportunity.closed = Some(*closed);
                }
            }
            Record::Sent(order) if order.action != Action::Place => self.requests += 1,
            Record::Sent(order) => {
                self.orders += 1;
                self.sent.push(order.decided_ns);
                self.note_order(order);
            }
            Record::Settled(report) => self.settle(report, universe),
            Record::Saga(moved) => self.follow(moved),
        }
    }

    /// Notes how far an opportunity has come that stands at the end.
    pub fn stands(&mut self, id: u32, edge_best_ppb: i64, updates: u32) {
        if let Some(opportunity) = self.opportunity(id) {
            opportunity.standing = Some((edge_best_ppb, updates));
        }
    }

    /// When the orders sent since the last call were decided.
    pub fn take_sent(&mut self) -> Vec<Nanos> {
        std::mem::take(&mut self.sent)
    }

    /// An order is known beyond its end: a fill may be told after it.
    fn note_order(&mut self, order: &Order) {
        self.known.insert(order.id, order.side);
        self.ids.push_back(order.id);
        if self.ids.len() > ORDERS_KNOWN {
            let oldest = self.ids.pop_front();
            oldest.map(|id| self.known.remove(&id));
        }
    }

    fn open(&mut self, opened: &Opened) {
        if self.is_bounded && self.opportunities.len() >= 2 * OPPORTUNITIES_KEPT {
            self.forgotten += self.opportunities.drain(..OPPORTUNITIES_KEPT).len() as u64;
        }
        self.opportunities.push(Opportunity { opened: *opened, decided: None, closed: None, standing: None });
    }

    /// The number stands at its place, since the engine counts from 1; after the death of an engine, or of a part of this
    /// list, it stands elsewhere, most likely near the end.
    fn opportunity(&mut self, id: u32) -> Option<&mut Opportunity> {
        let is = |opportunity: &Opportunity| opportunity.opened.id == id;
        let place = (u64::from(id).checked_sub(1)?).checked_sub(self.forgotten).and_then(|at| usize::try_from(at).ok());
        match place.filter(|at| self.opportunities.get(*at).is_some_and(is)) {
            Some(at) => self.opportunities.get_mut(at),
            None => self.opportunities.iter_mut().rev().find(|opportunity| is(opportunity)),
        }
    }

    fn follow(&mut self, moved: &SagaMoved) {
        let ending = match moved.to {
            SagaStage::Flat => 0,
            SagaStage::Hedged => 1,
            SagaStage::Escalated => 2,
            _ => return,
        };
        self.endings[ending] += 1;
        self.record.on_trade(moved.captured_ppb as f64);
    }

    fn settle(&mut self, report: &Report, universe: &Universe) {
        match report.kind {
            ReportKind::Ack => {}
            ReportKind::Fill => {
                self.fills += 1;
                if self.book_fill(report, universe).is_none() {
                    self.overflows += 1;
                }
            }
            ReportKind::Done => self.unfilled += u64::from(report.filled.0 == 0),
            ReportKind::Rejected => {
                self.refused += 1;
                self.refusals[report.reject as usize] += 1;
            }
            // Nobody here sent it, so it is no trade of a pair; the position is ours all the same.
            ReportKind::Foreign => {
                let side = if report.flags & Report::SOLD == 0 { Side::Buy } else { Side::Sell };
                if self.move_position(report, side, universe).is_none() {
                    self.overflows += 1;
                }
                if report.flags & Report::PAID_OUT != 0 {
                    let is_lost = self.add_payment(report, universe).is_none();
                    self.overflows += u64::from(is_lost);
                }
            }
            ReportKind::Settlement if report.settlement == Settlement::Failed => {
                let is_lost = self.take_back(report, universe).is_none();
                self.overflows += u64::from(is_lost);
            }
            _ => {}
        }
    }

    /// What an outcome paid is earned by its pair.
    fn add_payment(&mut self, report: &Report, universe: &Universe) -> Option<()> {
        let instrument = universe.instruments.get(report.instrument.index())?;
        let pnl = self.pnl.get_mut(instrument.pair.index())?;
        pnl.add(instrument, Side::Sell, (report.px, report.qty), Fee::of(report)?)
    }

    /// A trade that never came to be: it is booked the other way round, and its fee with it.
    fn take_back(&mut self, report: &Report, universe: &Universe) -> Option<()> {
        let side = if report.flags & Report::SOLD == 0 { Side::Sell } else { Side::Buy };
        let back = Report { fee: report.fee.checked_neg()?, ..*report };
        self.move_position(&back, side, universe)?;
        let instrument = universe.instruments.get(report.instrument.index())?;
        let pnl = self.pnl.get_mut(instrument.pair.index())?;
        pnl.add(instrument, side, (report.px, report.qty), Fee::of(&back)?)
    }

    fn book_fill(&mut self, report: &Report, universe: &Universe) -> Option<()> {
        let side = *self.known.get(&report.id)?;
        self.move_position(report, side, universe)?;
        let instrument = universe.instruments.get(report.instrument.index())?;
        let pnl = self.pnl.get_mut(instrument.pair.index())?;
        pnl.add(instrument, side, (report.px, report.qty), Fee::of(report)?)
    }

    fn move_position(&mut self, report: &Report, side: Side, universe: &Universe) -> Option<()> {
        let instrument = universe.instruments.get(report.instrument.index())?;
        tell(report, side, instrument, universe);
        let place = self.by_instrument.get_mut(report.instrument.index())?;
        place.add(instrument, side, (report.px, report.qty), Fee::of(report)?)
    }
}

/// A fill in the log, for whoever compares it with the venue's own list.
fn tell(report: &Report, side: Side, instrument: &Instrument, universe: &Universe) {
    if report.qty.0 == 0 || !tracing::enabled!(tracing::Level::DEBUG) {
        return;
    }
    let decimal = |mantissa: i64, dp| Amount::from_mantissa(mantissa.into(), dp).unwrap_or_default();
    let (px, qty) = (decimal(report.px.0, instrument.scale.px_dp), decimal(report.qty.0, instrument.scale.qty_dp));
    let (name, trade) = (universe.name(instrument.id), report.trade);
    tracing::debug!(instrument = name, trade, ?side, %px, %qty, order = report.id, "fill");
}

/// A price at which what is left of a pair could be closed, at its canonical decimals: the lowest
/// live bid for a long rest, the highest live ask for a short one.
pub fn closing_px(universe: &Universe, pages: &PageReaders, pair: usize, side: Side) -> Option<i64> {
    let spec = &universe.pairs.get(pair)?.spec;
    let px = |id: &InstrumentId| {
        let page = pages.read(id.index()).filter(|page| page.state == BookState::Live)?;
        let rung = if side == Side::Sell { page.bids[0] } else { page.asks[0] };
        let scale = universe.instruments.get(id.index())?.scale;
        (rung.qty > 0).then(|| fixed::rescale(rung.px, scale.px_dp, spec.px_dp).ok())?
    };
    let prices = spec.members.iter().filter_map(px);
    if side == Side::Sell { prices.min() } else { prices.max() }
}
