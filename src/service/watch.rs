//! Everything of a running service that can be looked at from outside, without asking anybody.

use super::chronicle::Chronicle;
use super::gauge::Gauge;
use crate::universe::Universe;
use crate::vitals::{Process, Vitals, books};
use highwire_actors::alerter::Bell;
use highwire_actors::governor::{Board, Ruling};
use highwire_actors::risk_officer::RiskBoard;
use highwire_actors::scribe;
use highwire_engine::clock::{Clock, TscClock};
use highwire_links::counter::{Counter, Tally};
use highwire_links::page::PageReaders;
use highwire_links::{Mode, Nanos};
use highwire_quant::pnl::Pnl;
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
    journal: OnceLock<scribe::Board>,
    risk: RiskBoard,
}

impl Watch {
    /// The watch of a service that begins now, `Halted`.
    pub fn new(
        pages: PageReaders,
        gauges: Vec<Gauge>,
        chronicle: Arc<Mutex<Chronicle>>,
        universe: Arc<Universe>,
        clock: TscClock,
        (board, bell): (Board, Bell),
    ) -> Self {
        let started_ns = clock.now();
        let journal = OnceLock::new();
        let risk = RiskBoard::default();
        Self { pages, gauges, chronicle, universe, clock, started_ns, board, bell, journal, risk }
    }

    /// The same, with the risk officer's figures.
    #[must_use]
    pub(super) fn showing(self, risk: RiskBoard) -> Self {
        Self { risk, ..self }
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

    /// The journal's figures are to be shown too.
    pub(super) fn show_journal(&self, board: scribe::Board) {
        // It is shown once, by whoever starts the service.
        let _shown = self.journal.set(board);
    }

    /// The time.
    pub fn now(&self) -> Nanos {
        self.clock.now()
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
        let restarts = |gauge: &Gauge| chronicle.deaths.get(gauge.name()).copied().unwrap_or(0);
        let threads = self.gauges.iter().map(|gauge| gauge.read(restarts(gauge), now)).collect();
        let ruling = self.ruling();
        Vitals {
            uptime_ns: now.saturating_sub(self.started_ns),
            mode: ruling.mode,
            reasons: ruling.texts(),
            venue_modes: ruling.venues.values().map(|(name, mode, _)| (name.clone(), *mode)).collect(),
            mode_moves: ruling.moves,
            alerts_lost: self.bell.lost(),
            threads,
            books: books(&self.universe, &self.pages, now),
            verdicts: chronicle.ledger.decisions,
            endings: chronicle.ledger.endings,
            profits: self.profits(&chronicle),
            positions: self.positions(&chronicle),
            line_ends: chronicle.line_ends,
            journal: self.journal.get().map(scribe::Board::read),
            risk: self.risk.read(),
            now_ns: now,
            process: Process::read(),
        }
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
