//! Virtual time: set by the world, read by everything in it. A stamp is the time itself, so that nothing
//! measured differs from run to run.

use highwire_engine::clock::Clock;
use highwire_links::Nanos;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// A millisecond.
pub const MS: Nanos = 1_000_000;
/// A second.
pub const S: Nanos = 1_000 * MS;

/// The time of one world; clones are the same one.
#[derive(Clone, Debug)]
pub struct Time(Arc<AtomicU64>);

impl Time {
    /// Time that stands at `now`.
    pub fn at(now: Nanos) -> Self {
        Self(Arc::new(AtomicU64::new(now)))
    }

    /// Moves it on.
    pub fn set(&self, now: Nanos) {
        self.0.store(now, Ordering::Relaxed);
    }
}

impl Clock for Time {
    fn now(&self) -> Nanos {
        self.0.load(Ordering::Relaxed)
    }

    fn stamp(&self) -> u64 {
        self.now()
    }

    fn between_ns(&self, from: u64, to: u64) -> u64 {
        to.saturating_sub(from)
    }
}
