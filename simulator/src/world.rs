//! The one shared state: the market and the venues' desks, behind a lock that is held for one short
//! turn at a time (a pulse, a message, a request), and the simulator's clock.

use std::sync::atomic::AtomicI64;
use std::sync::atomic::Ordering::Relaxed;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Instant, SystemTime, UNIX_EPOCH};

use crate::config::{Board, Venue};
use crate::desk::Desk;
use crate::exchange::{Exchange, Turn};
use crate::fault::Faults;
use crate::ledger::Ledger;
use crate::market::Market;
use crate::polymarket::SharedHouse;

/// The market and the desks.
pub(crate) struct State {
    pub(crate) market: Market,
    pub(crate) desks: Vec<Desk>,
    /// Whether the market stands still.
    pub(crate) paused: bool,
    pub(crate) faults: Faults,
    pub(crate) ledger: Ledger,
    /// Whether the doors speak TLS.
    pub(crate) tls: bool,
    /// The time of the latest turn.
    pub(crate) now_ns: u64,
}

impl State {
    /// The market and one venue's desk, if that venue is open.
    pub(crate) fn desk(&mut self, venue: Venue) -> Option<(&Market, &mut Desk)> {
        let Self { market, desks, .. } = self;
        desks.iter_mut().find(|d| d.venue == venue).map(|desk| (&*market, desk))
    }

    /// A venue's trading core and what a turn of it needs, if that venue is open.
    pub(crate) fn trade(&mut self, venue: Venue, now_ns: u64) -> Option<(&mut Exchange, Turn<'_>)> {
        let Self { market, desks, faults, ledger, .. } = self;
        let venue_ns = now_ns.saturating_add_signed(faults.skew_ns(venue, now_ns));
        let desk = desks.iter_mut().find(|d| d.venue == venue)?;
        Some((&mut desk.exchange, Turn { market, faults, ledger, now_ns, venue_ns }))
    }
}

/// What every task of the simulator shares.
pub(crate) struct World {
    /// Polymarket's exchange; it has a lock of its own, taken after the state's.
    pub(crate) house: SharedHouse,
    state: Mutex<State>,
    clock: Clock,
    /// How far each venue's clock is ahead, in ns.
    skews_ns: [AtomicI64; Venue::ALL.len()],
}

/// Wall time that never steps: the wall clock at the start plus monotonic time since.
#[derive(Clone, Copy)]
pub(crate) struct Clock {
    epoch_ns: u64,
    started: Instant,
}

impl Clock {
    pub(crate) fn start() -> Self {
        let epoch = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Self { epoch_ns: epoch.as_nanos() as u64, started: Instant::now() }
    }

    pub(crate) fn now_ns(&self) -> u64 {
        self.epoch_ns + self.started.elapsed().as_nanos() as u64
    }
}

impl World {
    pub(crate) fn new(
        market: Market,
        desks: Vec<Desk>,
        house: SharedHouse,
        clock: Clock,
        seed: u64,
        tls: bool,
    ) -> Self {
        let (faults, now_ns) = (Faults::new(seed), clock.now_ns());
        let ledger = Ledger::default();
        let state = State { market, desks, paused: false, faults, ledger, tls, now_ns };
        Self { house, state: Mutex::new(state), clock, skews_ns: Default::default() }
    }

    /// The time by a venue's clock.
    pub(crate) fn venue_now(&self, venue: Venue) -> u64 {
        let skew_ns = self.skews_ns.get(venue as usize).map_or(0, |skew| skew.load(Relaxed));
        self.now_ns().saturating_add_signed(skew_ns)
    }

    /// Takes the venues' clocks over from the faults in force.
    pub(crate) fn set_clocks(&self, state: &State) {
        for venue in Venue::ALL {
            if let Some(skew) = self.skews_ns.get(venue as usize) {
                skew.store(state.faults.skew_ns(venue, self.now_ns()), Relaxed);
            }
        }
    }

    pub(crate) fn now_ns(&self) -> u64 {
        self.clock.now_ns()
    }

    pub(crate) fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// One turn: the market moves and the desks publish.
    pub(crate) fn pulse(&self) {
        let now_ns = self.now_ns();
        let mut state = self.lock();
        state.turn(now_ns);
        self.set_clocks(&state);
        let until_ns = if state.paused { 0 } else { now_ns }; // a time in the past only retires what was published
        state.market.step(until_ns);
        let State { market, desks, faults, ledger, .. } = &mut *state;
        for desk in desks {
            let venue_ns = now_ns.saturating_add_signed(faults.skew_ns(desk.venue, now_ns));
            desk.step(&mut Turn { market, faults, ledger, now_ns, venue_ns });
            desk.publish(market, faults, now_ns);
        }
    }

    /// Runs `read` on the market's listing of `symbol` on `board`.
    pub(crate) fn listed<T>(&self, board: Board, symbol: &str, read: impl FnOnce(&Market, usize) -> T) -> Option<T> {
        let state = self.lock();
        state.market.find(board, symbol).map(|index| read(&state.market, index))
    }
}
