//! Command and control of one pinned thread: its state, both heartbeats and the stop word.
//!
//! ```text
//!        thread enters its loop            Stop, or the service ends
//! Boot ───────────────────────────▶ Run ───────────────────────────▶ Halt
//!   │                                │
//!   └──────────── panic ─────────────┴──────────▶ Fail ──warden restarts──▶ Boot
//! ```
//!
//! The thread moves Boot → Run → Halt; whoever catches its panic moves it to Fail; only the warden
//! moves Fail or Halt back to Boot. A thread whose heartbeat is old while in Run is stuck. A warden
//! whose heartbeat is old has the thread open nothing. The stop word is read by the gateway as its
//! last act before bytes leave, so a halt holds even when the command ring is full or the engine is stuck.

use crate::ids::Nanos;
use crate::mode::OrderClass;
use crate::sync::{Arc, AtomicU64, Ordering};

/// Where a thread stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum State {
    /// Not in its loop yet.
    Boot = 0,
    /// In its loop.
    Run = 1,
    /// Left its loop in order.
    Halt = 2,
    /// Left its loop by a panic.
    Fail = 3,
}

/// What may still leave; a higher word is stricter, and words only rise until released.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum StopWord {
    /// Everything that the mode permits.
    Go = 0,
    /// No order that opens exposure.
    NoOpening = 1,
    /// Cancels only.
    CancelsOnly = 2,
}

impl StopWord {
    /// Whether an order of `class` may leave.
    pub const fn permits(self, class: OrderClass) -> bool {
        match class {
            OrderClass::Open => matches!(self, Self::Go),
            OrderClass::Hedge => !matches!(self, Self::CancelsOnly),
            OrderClass::Cancel => true,
        }
    }
}

/// A move that the diagram does not have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BadMove {
    /// The state it was in.
    pub from: State,
    /// The state asked for.
    pub to: State,
}

#[derive(Debug)]
struct Block {
    state: AtomicU64,
    thread_beat_ns: AtomicU64,
    warden_beat_ns: AtomicU64,
    stop: AtomicU64,
    /// How full the fullest of its rings that must deliver is, thousandths.
    depth: AtomicU64,
    /// 1 when the thread is on a core of its own choosing.
    pinned: AtomicU64,
}

/// One thread's block, shared by the thread and its warden.
#[derive(Clone, Debug)]
pub struct Cnc(Arc<Block>);

impl Default for Cnc {
    fn default() -> Self {
        Self(Arc::new(Block {
            state: AtomicU64::new(State::Boot as u64),
            thread_beat_ns: AtomicU64::new(0),
            warden_beat_ns: AtomicU64::new(0),
            stop: AtomicU64::new(StopWord::Go as u64),
            depth: AtomicU64::new(0),
            pinned: AtomicU64::new(0),
        }))
    }
}

impl Cnc {
    /// Where the thread stands.
    pub fn state(&self) -> State {
        match self.0.state.load(Ordering::Acquire) {
            0 => State::Boot,
            1 => State::Run,
            2 => State::Halt,
            _ => State::Fail,
        }
    }

    /// Moves along an arrow of the diagram.
    ///
    /// # Errors
    /// [`BadMove`] when there is no such arrow from the present state.
    pub fn advance(&self, to: State) -> Result<(), BadMove> {
        let from = self.state();
        let drawn = matches!(
            (from, to),
            (State::Boot, State::Run | State::Fail)
                | (State::Run, State::Halt | State::Fail)
                | (State::Fail | State::Halt, State::Boot)
        );
        let moved =
            drawn && self.0.state.compare_exchange(from as u64, to as u64, Ordering::AcqRel, Ordering::Acquire).is_ok();
        if moved { Ok(()) } else { Err(BadMove { from, to }) }
    }

    /// The thread is alive at `now`.
    pub fn beat_thread(&self, now: Nanos) {
        self.0.thread_beat_ns.store(now, Ordering::Release);
    }

    /// The warden is alive at `now`.
    pub fn beat_warden(&self, now: Nanos) {
        self.0.warden_beat_ns.store(now, Ordering::Release);
    }

    /// Age of the thread's heartbeat.
    pub fn thread_age_ns(&self, now: Nanos) -> Nanos {
        now.saturating_sub(self.0.thread_beat_ns.load(Ordering::Acquire))
    }

    /// Age of the warden's heartbeat.
    pub fn warden_age_ns(&self, now: Nanos) -> Nanos {
        now.saturating_sub(self.0.warden_beat_ns.load(Ordering::Acquire))
    }

    /// How full the fullest ring of the thread that must deliver is, thousandths; told in its housekeeping.
    pub fn tell_depth(&self, permille: u64) {
        self.0.depth.store(permille, Ordering::Relaxed);
    }

    /// As it was told last.
    pub fn depth_permille(&self) -> u64 {
        self.0.depth.load(Ordering::Relaxed)
    }

    /// Whether the thread is pinned to its core; told at its start.
    pub fn tell_pinned(&self, is_pinned: bool) {
        self.0.pinned.store(is_pinned.into(), Ordering::Relaxed);
    }

    /// As it was told last.
    pub fn is_pinned(&self) -> bool {
        self.0.pinned.load(Ordering::Relaxed) != 0
    }

    /// Raises the stop word; a lower one than the present changes nothing.
    pub fn stop(&self, word: StopWord) {
        if cfg!(mutant = "stop-falls") {
            return self.lower(word);
        }
        self.0.stop.fetch_max(word as u64, Ordering::AcqRel);
    }

    /// Sets the stop word to `word`, which may be lower than the present: an operator's act.
    pub fn lower(&self, word: StopWord) {
        self.0.stop.store(word as u64, Ordering::Release);
    }

    /// The stop word in force.
    pub fn stop_word(&self) -> StopWord {
        match self.0.stop.load(Ordering::Acquire) {
            0 => StopWord::Go,
            1 => StopWord::NoOpening,
            _ => StopWord::CancelsOnly,
        }
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    const STATES: [State; 4] = [State::Boot, State::Run, State::Halt, State::Fail];

    fn cnc_in(state: State) -> Cnc {
        let cnc = Cnc::default();
        let path: &[State] = match state {
            State::Boot => &[],
            State::Run => &[State::Run],
            State::Halt => &[State::Run, State::Halt],
            State::Fail => &[State::Run, State::Fail],
        };
        for &to in path {
            assert_eq!(cnc.advance(to), Ok(()));
        }
        cnc
    }

    #[test]
    fn only_drawn_moves_are_made() {
        let drawn = [(0, 1), (0, 3), (1, 2), (1, 3), (2, 0), (3, 0)];
        for from in STATES {
            for to in STATES {
                let cnc = cnc_in(from);
                let expected = drawn.contains(&(from as u8, to as u8));
                assert_eq!(cnc.advance(to).is_ok(), expected, "{from:?} -> {to:?}");
                assert_eq!(cnc.state(), if expected { to } else { from });
            }
        }
    }

    #[test]
    fn a_stop_only_rises_until_released() {
        let cnc = Cnc::default();
        cnc.stop(StopWord::CancelsOnly);
        cnc.stop(StopWord::NoOpening);
        assert_eq!(cnc.stop_word(), StopWord::CancelsOnly);
        cnc.lower(StopWord::Go);
        assert_eq!(cnc.stop_word(), StopWord::Go);
    }
}
