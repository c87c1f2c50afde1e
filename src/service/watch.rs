//! Everything of a running service that can be looked at from outside, without asking anybody.

use super::breakers::Breakers;
use super::chronicle::Chronicle;
use super::gauge::Gauge;
use super::tree::Bough;
use crate::ledger::closing_px;
use crate::processor::Processor;
use crate::telemetry::Tracing;
use crate::universe::{Pair, Universe};
use crate::vitals::{Process, Vitals, books};
use highwire_actors::alerter::Bell;
use highwire_actors::governor::{Board, Ruling};
use highwire_actors::risk_officer::RiskBoard;
use highwire_actors::scribe;
use highwire_actors::supervisor::Life;
use highwire_engine::clock::{Clock, TscClock};
use highwire_links::counter::{Counter, Tally};
use highwire_links::page::PageReaders;
use highwire_links::{Mode, Nanos, Side};
use highwire_quant::pnl::{self, Pnl};
use highwire_venues::spec::InstrumentSpec;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

/// What has not moved for so long is not alive.
const STILL_NS: Nanos = 2_000_000_000;

/// The readable side of a service.
pub struct Watch {
    /// The depth pages.
    pub pages: PageReaders,
    gauges: Vec<Gauge>,
    chronicle: Arc<Mutex<Chronicle>>,
    universe: Arc<Universe>,
    clock: TscClock,
    started_ns: Nanos,
    board: Board,
    bell: Bell,
    breakers: Breakers,
    journal: OnceLock<scribe::Board>,
    risk: OnceLock<RiskBoard>,
    boughs: OnceLock<Vec<Bough>>,
    telemetry: OnceLock<Tracing>,
}

impl Watch {
    /// The watch of a service that begins now, `Halted`.
    pub fn new(
        pages: PageReaders,
        gauges: Vec<Gauge>,
        chronicle: Arc<Mutex<Chronicle>>,
        universe: Arc<Universe>,
        clock: TscClock,
        (board, bell, breakers): (Board, Bell, Breakers),
    ) -> Self {
        let started_ns = clock.now();
        let (journal, boughs, telemetry, risk) = (OnceLock::new(), OnceLock::new(), OnceLock::new(), OnceLock::new());
        Self {
            pages,
            gauges,
            chronicle,
            universe,
            clock,
            started_ns,
            board,
            bell,
            breakers,
            journal,
            risk,
            boughs,
            telemetry,
        }
    }

    /// What the service has done so far, for whoever has something to tell it later.
    pub(super) fn shared(&self) -> Arc<Mutex<Chronicle>> {
        Arc::clone(&self.chronicle)
    }

    /// What the service has done so far.
    pub fn chronicle(&self) -> MutexGuard<'_, Chronicle> {
        self.chronicle.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The counters of all threads together.
    pub fn tally(&self) -> Tally {
        let mut sum = Tally::default();
        for tally in self.gauges.iter().filter_map(Gauge::tally) {
            Counter::ALL.iter().for_each(|(counter, _)| sum.add_many(*counter, tally.get(*counter)));
        }
        sum
    }

    /// What the service may do.
    pub fn mode(&self) -> Mode {
        self.board.read().mode
    }

    /// The risk officer's figures are to be shown too.
    pub(super) fn show_risk(&self, board: RiskBoard) {
        // It is shown once, by whoever starts the service.
        let _shown = self.risk.set(board);
    }

    /// The journal's figures are to be shown too.
    pub(super) fn show_journal(&self, board: scribe::Board) {
        // It is shown once, by whoever starts the service.
        let _shown = self.journal.set(board);
    }

    /// What becomes of spans and log lines is to be shown too.
    pub(super) fn show_telemetry(&self, telemetry: Tracing) {
        // It is shown once, by whoever starts the service.
        let _shown = self.telemetry.set(telemetry);
    }

    /// The actors below these supervisors are to be shown too.
    pub(super) fn show_actors(&self, boughs: Vec<Bough>) {
        // They are shown once, by whoever starts the service.
        let _shown = self.boughs.set(boughs);
    }

    /// The time.
    pub fn now(&self) -> Nanos {
        self.clock.now()
    }

    /// Since its start.
    pub(super) fn uptime_ns(&self) -> Nanos {
        self.clock.now().saturating_sub(self.started_ns)
    }

    /// What it trades.
    pub(super) fn universe(&self) -> &Universe {
        &self.universe
    }

    /// Why each thread that died did so, the last time.
    pub fn thread_reasons(&self) -> BTreeMap<String, String> {
        self.chronicle().death_reasons.clone()
    }

    /// Whether everything makes progress: the governor looks, every pinned thread turns.
    pub fn is_alive(&self) -> bool {
        let (now, looked_ns) = (self.clock.now(), self.ruling().looked_ns);
        let turns = |gauge: &Gauge| gauge.pulses(now).1 <= STILL_NS;
        now.saturating_sub(looked_ns) <= STILL_NS && self.gauges.iter().all(turns)
    }

    /// Modes, and why.
    pub fn ruling(&self) -> Ruling {
        self.board.read()
    }

    /// How it all is, now.
    pub fn vitals(&self) -> Vitals {
        let now = self.clock.now();
        let chronicle = self.chronicle();
        let processor = Processor::read();
        let count = |of: &BTreeMap<String, u64>, gauge: &Gauge| of.get(gauge.name()).copied().unwrap_or(0);
        let counts = |gauge: &Gauge| (count(&chronicle.deaths, gauge), count(&chronicle.unheard, gauge));
        let threads = self.gauges.iter().map(|gauge| gauge.read(counts(gauge), &processor, now)).collect();
        let ruling = self.ruling();
        Vitals {
            uptime_ns: now.saturating_sub(self.started_ns),
            mode: ruling.mode,
            reasons: ruling.texts(),
            venue_modes: ruling.venues.values().map(|(name, mode, _)| (name.clone(), *mode)).collect(),
            breakers: self.breakers.read(),
            ruling,
            actors: self.actors(),
            alerts_lost: self.bell.lost(),
            spans: self.telemetry.get().map(|telemetry| telemetry.spans.read()).unwrap_or_default(),
            lines_lost: self.telemetry.get().map(|telemetry| telemetry.lines.lost()).unwrap_or_default(),
            rows_lost: chronicle.desk.rows_lost(),
            alerts_waiting: self.bell.waiting(),
            threads,
            books: books(&self.universe, &self.pages, now),
            verdicts: chronicle.ledger.decisions,
            book_ages: chronicle.ledger.book_ages,
            refusals: chronicle.ledger.refusals,
            endings: chronicle.ledger.endings,
            profits: self.profits(&chronicle),
            positions: self.positions(&chronicle),
            exposures: self.exposures(&chronicle),
            silent: self.silent(&chronicle),
            line_ends: chronicle.line_ends,
            journal: self.journal.get().map(scribe::Board::read),
            risk: self.risk.get().and_then(RiskBoard::read),
            now_ns: now,
            process: Process::read(),
        }
    }

    fn actors(&self) -> Vec<(String, Life)> {
        let boughs = self.boughs.get().into_iter().flatten();
        boughs.flat_map(|(name, lives, _)| lives.read().into_iter().map(|life| ((*name).to_owned(), life))).collect()
    }

    /// What the trades of each pair have left, over all its venues.
    fn exposures(&self, chronicle: &Chronicle) -> Vec<(String, String, Option<f64>)> {
        let exposure = |(at, (pair, pnl)): (usize, (&Pair, &Pnl))| {
            let (base, base_dp) = (pnl.base_open(), pnl::BASE_DP);
            let side = if base < 0 { Side::Buy } else { Side::Sell };
            let px = closing_px(&self.universe, &self.pages, at, side);
            let unit = |dp: u8| 10f64.powi(dp.into());
            let value = px.map(|px| base as f64 / unit(base_dp) * px as f64 / unit(pair.spec.px_dp));
            Some((pair.name.clone(), pnl.position()?.to_string(), value))
        };
        let pairs = self.universe.pairs.iter().zip(&chronicle.ledger.pnl);
        pairs.enumerate().filter_map(exposure).collect()
    }

    fn silent(&self, chronicle: &Chronicle) -> Vec<(&'static str, String, Vec<u16>)> {
        let mut slots: BTreeMap<usize, Vec<u16>> = BTreeMap::new();
        chronicle.silent.iter().for_each(|(id, slot)| slots.entry(id.index()).or_default().push(*slot));
        let named = |(at, slots)| {
            let spec: &InstrumentSpec = self.universe.specs.get(at)?;
            Some((spec.venue.name(), spec.symbol.clone(), slots))
        };
        slots.into_iter().filter_map(named).collect()
    }

    /// What the trades have left of each instrument.
    fn positions(&self, chronicle: &Chronicle) -> Vec<(&'static str, String, String)> {
        let instruments = self.universe.specs.iter().zip(&chronicle.ledger.by_instrument);
        let position = |(spec, flows): (&InstrumentSpec, &Pnl)| {
            Some((spec.venue.name(), spec.symbol.clone(), flows.position()?.to_string()))
        };
        instruments.filter_map(position).collect()
    }

    /// Pairs that were traded, with their profit; one whose sum left its range is left out, and counted
    /// where it did.
    fn profits(&self, chronicle: &Chronicle) -> Vec<(String, String)> {
        let pairs = self.universe.pairs.iter().zip(&chronicle.ledger.pnl);
        pairs.filter_map(|(pair, pnl)| Some((pair.name.clone(), pnl.realised()?.to_string()))).collect()
    }
}
