//! Everything of a running service that can be looked at from outside, without asking anybody.

use super::chronicle::Chronicle;
use super::gauge::Gauge;
use crate::universe::Universe;
use crate::vitals::{Process, Vitals, books};
use highwire_actors::scribe::Board;
use highwire_engine::clock::{Clock, TscClock};
use highwire_links::counter::{Counter, Tally};
use highwire_links::page::PageReaders;
use highwire_links::{Mode, Nanos};
use std::sync::atomic::{AtomicU8, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

/// The readable side of a service.
pub struct Watch {
    /// The depth pages.
    pub pages: PageReaders,
    gauges: Vec<Gauge>,
    chronicle: Arc<Mutex<Chronicle>>,
    universe: Arc<Universe>,
    clock: TscClock,
    started_ns: Nanos,
    mode: AtomicU8,
    journal: OnceLock<Board>,
}

impl Watch {
    /// The watch of a service that begins now, `Halted`.
    pub fn new(
        pages: PageReaders,
        gauges: Vec<Gauge>,
        chronicle: Arc<Mutex<Chronicle>>,
        universe: Arc<Universe>,
        clock: TscClock,
    ) -> Self {
        let started_ns = clock.now();
        let (mode, journal) = (AtomicU8::new(Mode::Halted as u8), OnceLock::new());
        Self { pages, gauges, chronicle, universe, clock, started_ns, mode, journal }
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
        Mode::from_u8(self.mode.load(Ordering::Acquire))
    }

    /// The journal's figures are to be shown too.
    pub(super) fn show_journal(&self, board: Board) {
        // It is shown once, by whoever starts the service.
        let _shown = self.journal.set(board);
    }

    /// The service may do this now.
    pub(super) fn note_mode(&self, mode: Mode) {
        self.mode.store(mode as u8, Ordering::Release);
    }

    /// How it all is, now.
    pub fn vitals(&self) -> Vitals {
        let now = self.clock.now();
        let chronicle = self.chronicle();
        let restarts = |gauge: &Gauge| chronicle.deaths.get(gauge.name()).copied().unwrap_or(0);
        let threads = self.gauges.iter().map(|gauge| gauge.read(restarts(gauge), now)).collect();
        let mode = self.mode();
        let reasons = if mode == Mode::Full { Vec::new() } else { vec![format!("the mode is {mode:?}")] };
        Vitals {
            uptime_ns: now.saturating_sub(self.started_ns),
            mode,
            reasons,
            threads,
            books: books(&self.universe, &self.pages, now),
            verdicts: chronicle.ledger.decisions,
            profits: self.profits(&chronicle),
            line_ends: chronicle.line_ends,
            journal: self.journal.get().map(Board::read),
            now_ns: now,
            process: Process::read(),
        }
    }

    /// Pairs that were traded, with their profit; one whose sum left its range is left out, and counted
    /// where it did.
    fn profits(&self, chronicle: &Chronicle) -> Vec<(String, String)> {
        let pairs = self.universe.pairs.iter().zip(&chronicle.ledger.pnl);
        pairs.filter_map(|(pair, pnl)| Some((pair.name.clone(), pnl.realised()?.to_string()))).collect()
    }
}
