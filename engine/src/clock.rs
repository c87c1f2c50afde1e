//! The time seam. Wall time decides, stamps measure: a replay drives the first by hand and still
//! measures real latencies with the second.

use highwire_links::Nanos;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// Where time comes from.
pub trait Clock: Send {
    /// Wall-clock nanoseconds since the Unix epoch, as the service sees it.
    fn now(&self) -> Nanos;
    /// A raw stamp, cheap to take (about 10 ns); only differences mean anything.
    fn stamp(&self) -> u64;
    /// Nanoseconds between two stamps; 0 when they are in the wrong order.
    fn between_ns(&self, from: u64, to: u64) -> u64;
}

/// Real time: wall clock set once at start and carried on by the processor's time-stamp counter,
/// so that it never steps.
#[derive(Clone, Debug)]
pub struct TscClock {
    tsc: quanta::Clock,
    wall_at_start_ns: Nanos,
    stamp_at_start: u64,
}

impl TscClock {
    /// A clock that agrees with the system's wall clock now.
    #[allow(clippy::disallowed_methods, reason = "the one place that reads the system's clock, once")]
    pub fn start() -> Self {
        let tsc = quanta::Clock::new();
        let wall = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
        let stamp_at_start = tsc.raw();
        Self { tsc, wall_at_start_ns: u64::try_from(wall.as_nanos()).unwrap_or(u64::MAX), stamp_at_start }
    }
}

impl Clock for TscClock {
    fn now(&self) -> Nanos {
        self.wall_at_start_ns.saturating_add(self.between_ns(self.stamp_at_start, self.stamp()))
    }

    fn stamp(&self) -> u64 {
        self.tsc.raw()
    }

    fn between_ns(&self, from: u64, to: u64) -> u64 {
        self.tsc.delta_as_nanos(from, to)
    }
}

/// Time set by hand, from any thread that holds a clone: replay, tests, the drill. Stamps are real,
/// so latencies are too.
#[derive(Clone, Debug)]
pub struct HandClock {
    now_ns: Arc<AtomicU64>,
    tsc: quanta::Clock,
}

impl HandClock {
    /// A clock that stands at `now`.
    pub fn at(now: Nanos) -> Self {
        Self { now_ns: Arc::new(AtomicU64::new(now)), tsc: quanta::Clock::new() }
    }

    /// Sets the time; it never goes back.
    pub fn set(&self, now: Nanos) {
        self.now_ns.fetch_max(now, Ordering::Release);
    }
}

impl Clock for HandClock {
    fn now(&self) -> Nanos {
        self.now_ns.load(Ordering::Acquire)
    }

    fn stamp(&self) -> u64 {
        self.tsc.raw()
    }

    fn between_ns(&self, from: u64, to: u64) -> u64 {
        self.tsc.delta_as_nanos(from, to)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hand_clock_only_moves_forward() {
        let clock = HandClock::at(5);
        clock.clone().set(9);
        clock.set(7);
        assert_eq!(clock.now(), 9);
    }

    #[test]
    fn the_real_clock_agrees_with_the_system() {
        let clock = TscClock::start();
        let wall = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_nanos();
        assert!(u128::from(clock.now()).abs_diff(wall) < 5_000_000_000);
        assert_eq!(clock.between_ns(10, 5), 0);
    }
}
