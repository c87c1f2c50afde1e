//! The client order ids that may be used now: a page between whoever leases them on disk and the engine,
//! which asks before every order and never waits.
//!
//! An id's low 48 bits grow within an epoch, over every engine of the process: an engine that follows
//! another goes on above what that one used.

use crate::sync::{Arc, AtomicU64, Ordering};

/// Bits of an id below its epoch.
pub const ID_BITS: u32 = 48;

/// The lease of one epoch; clones share it.
#[derive(Clone, Debug)]
pub struct IdLease(Arc<Page>);

#[derive(Debug)]
struct Page {
    /// The first low part that may not be used.
    until: AtomicU64,
    /// The highest low part that was used.
    used: AtomicU64,
    engines: AtomicU64,
}

impl Default for IdLease {
    /// Every id of the epoch, leased from nobody: for replay, tests and measurements.
    fn default() -> Self {
        Self::until(1 << ID_BITS)
    }
}

impl IdLease {
    /// No id yet.
    pub fn none() -> Self {
        Self::until(0)
    }

    fn until(until: u64) -> Self {
        Self(Arc::new(Page { until: AtomicU64::new(until), used: AtomicU64::new(0), engines: AtomicU64::new(0) }))
    }

    /// Low parts below `until` may be used from now on. It only grows.
    pub fn grant(&self, until: u64) {
        self.0.until.fetch_max(until.min(1 << ID_BITS), Ordering::Release);
    }

    /// Whether an id with this low part may be used.
    pub fn covers(&self, low: u64) -> bool {
        low < self.0.until.load(Ordering::Acquire)
    }

    /// An id with this low part is used.
    pub fn note_used(&self, low: u64) {
        self.0.used.store(low, Ordering::Release);
    }

    /// The highest low part that was used; 0 for none.
    pub fn used(&self) -> u64 {
        self.0.used.load(Ordering::Acquire)
    }

    /// How much of the lease is left, in low parts.
    pub fn left(&self) -> u64 {
        self.0.until.load(Ordering::Acquire).saturating_sub(self.used())
    }

    /// An engine begins to use it; how many did so before comes back.
    pub fn begin(&self) -> u64 {
        self.0.engines.fetch_add(1, Ordering::AcqRel)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_granted_is_covered_and_a_grant_is_never_taken_back() {
        let lease = IdLease::none();
        assert!(!lease.covers(0));
        lease.grant(100);
        lease.grant(50);
        lease.note_used(60);
        assert_eq!((lease.covers(99), lease.covers(100), lease.left()), (true, false, 40));
        assert!(IdLease::default().covers((1 << ID_BITS) - 1) && !IdLease::default().covers(1 << ID_BITS));
        assert_eq!([lease.begin(), lease.clone().begin()], [0, 1]);
    }
}
