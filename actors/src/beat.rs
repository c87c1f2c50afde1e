//! A heartbeat of an actor: marked where it makes progress, read by whoever supervises it. An actor that hangs
//! is found by it, not only one that died.

use highwire_links::Nanos;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// When progress was last made; clones share it.
#[derive(Clone, Debug, Default)]
pub struct Beat(Arc<AtomicU64>);

impl Beat {
    /// Progress was made.
    pub fn mark(&self, now: Nanos) {
        self.0.store(now, Ordering::Relaxed);
    }

    /// Since the last progress.
    pub fn age_ns(&self, now: Nanos) -> Nanos {
        now.saturating_sub(self.0.load(Ordering::Relaxed))
    }
}
