//! A heartbeat of an actor, read by whoever supervises it: an actor that hangs is found by it, not only one that died.
//! One that looks at intervals marks it each time ([`Beat::default`]). For one that only answers, what counts is how
//! long it has been at its present message ([`Beat::tended`], kept by `tended::Tended`): idle is no hanging.

use highwire_links::Nanos;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// At no message.
const IDLE: u64 = u64::MAX;

/// When progress was last made; clones share it.
#[derive(Clone, Debug)]
pub struct Beat(Arc<Pulse>);

#[derive(Debug)]
struct Pulse {
    /// It is marked at intervals.
    is_periodic: bool,
    marked_ns: AtomicU64,
    /// Where the time of the fields below begins.
    born: Instant,
    /// Since when it has been at its present message.
    busy_since_ns: AtomicU64,
    /// Until when a wait that is known to be long is no hanging.
    protected_ns: AtomicU64,
    handled: AtomicU64,
    doomed: AtomicBool,
}

impl Default for Beat {
    fn default() -> Self {
        Self::new(true)
    }
}

impl Beat {
    /// Of an actor that only answers.
    pub fn tended() -> Self {
        Self::new(false)
    }

    fn new(is_periodic: bool) -> Self {
        Self(Arc::new(Pulse {
            is_periodic,
            marked_ns: AtomicU64::new(0),
            born: Instant::now(),
            busy_since_ns: AtomicU64::new(IDLE),
            protected_ns: AtomicU64::new(0),
            handled: AtomicU64::new(0),
            doomed: AtomicBool::new(false),
        }))
    }

    /// Progress was made.
    pub fn mark(&self, now: Nanos) {
        self.0.marked_ns.store(now, Ordering::Relaxed);
    }

    /// Since the last progress.
    pub fn age_ns(&self, now: Nanos) -> Nanos {
        let marked = if self.0.is_periodic { now.saturating_sub(self.0.marked_ns.load(Ordering::Relaxed)) } else { 0 };
        marked.max(self.busy_ns())
    }

    /// How long it has been at its present message, beyond what was protected; 0 when idle.
    pub fn busy_ns(&self) -> Nanos {
        let since = self.0.busy_since_ns.load(Ordering::Relaxed);
        if since == IDLE {
            0
        } else {
            self.own_ns().saturating_sub(since.max(self.0.protected_ns.load(Ordering::Relaxed)))
        }
    }

    /// A wait of up to so long begins that is no hanging.
    pub fn protect(&self, wait: Duration) {
        let until = self.own_ns().saturating_add(u64::try_from(wait.as_nanos()).unwrap_or(u64::MAX));
        self.0.protected_ns.store(until, Ordering::Relaxed);
    }

    /// Messages it was at, over all its lives.
    pub fn handled(&self) -> u64 {
        self.0.handled.load(Ordering::Relaxed)
    }

    /// At its next message it panics: an operator wants to see what follows.
    pub fn doom(&self) {
        self.0.doomed.store(true, Ordering::Relaxed);
    }

    /// A new life begins.
    pub(crate) fn on_born(&self) {
        self.0.busy_since_ns.store(IDLE, Ordering::Relaxed);
        self.0.protected_ns.store(0, Ordering::Relaxed);
        self.0.doomed.store(false, Ordering::Relaxed);
    }

    /// It takes up a message; whether that is its last.
    pub(crate) fn on_begun(&self) -> bool {
        self.0.handled.fetch_add(1, Ordering::Relaxed);
        self.0.busy_since_ns.store(self.own_ns(), Ordering::Relaxed);
        self.0.doomed.swap(false, Ordering::Relaxed)
    }

    /// It is done with it.
    pub(crate) fn on_done(&self) {
        self.0.busy_since_ns.store(IDLE, Ordering::Relaxed);
    }

    fn own_ns(&self) -> u64 {
        u64::try_from(self.0.born.elapsed().as_nanos()).unwrap_or(u64::MAX)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_idle_actor_does_not_hang_and_one_at_a_message_does_but_for_what_is_protected() {
        let beat = Beat::tended();
        beat.mark(1);
        assert_eq!((beat.age_ns(u64::MAX), beat.handled()), (0, 0), "it only answers");
        assert!(!beat.on_begun());
        std::thread::sleep(Duration::from_millis(5));
        assert!(beat.age_ns(0) >= 5_000_000);
        beat.protect(Duration::from_secs(3_600));
        assert_eq!(beat.age_ns(0), 0);
        beat.on_done();
        assert_eq!((beat.age_ns(0), beat.handled()), (0, 1));
        beat.doom();
        assert!(beat.on_begun() && !beat.on_begun(), "once");
        assert!(Beat::default().age_ns(7) >= 7, "one that looks at intervals has not looked yet");
    }
}
