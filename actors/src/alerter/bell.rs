//! What rings the alerter from anywhere, without waiting. What it was rung with lies here until the alerter has it on
//! disk: one that dies takes nothing with it, and while there is none nothing is lost.

use super::AlerterMsg;
use crate::address::Address;
use highwire_links::Nanos;
use highwire_links::breaker::Stand;
use highwire_supervision::incident::{self, Notice, Severity};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Duration;

/// Notices on their way to the alerter.
const NOTICES_MAX: usize = 4_096;
/// With urgent ones, ends of incidents and acknowledgements: a storm of others leaves them room.
const URGENT_MAX: usize = 32_768;
/// So many alerters may die over the same rings; then these are dropped, for one of them may be why.
const DEATHS_MAX: u32 = 3;

/// What it was rung with.
#[derive(Clone, Debug)]
pub(super) enum Ring {
    /// Something happened.
    Notice(Notice),
    /// An incident is over.
    Resolved(String),
    /// A person has seen it.
    Acknowledged(String),
}

#[derive(Debug, Default)]
struct Queue {
    waiting: Vec<Ring>,
    /// Taken by the alerter and not on its disk yet.
    in_hand: Vec<Ring>,
    /// Alerters that died with these in hand.
    deaths: u32,
}

/// Rings the alerter; clones ring the same one.
#[derive(Clone, Debug, Default)]
pub struct Bell {
    pub(super) alerter: Address<AlerterMsg>,
    queue: Arc<Mutex<Queue>>,
    lost: Arc<AtomicU64>,
    /// When the first alerter of this process began.
    begun_ns: Arc<OnceLock<Nanos>>,
    channels: Arc<Mutex<Vec<ChannelStand>>>,
}

/// A channel's name, where its breaker stands, and how often it tripped.
pub type ChannelStand = (String, (Stand, u64));

impl Bell {
    /// Something happened, goes on, or became worse. Equal keys are one incident.
    pub fn raise(&self, key: impl Into<String>, severity: Severity, text: impl Into<String>) {
        self.ring(Ring::Notice(Notice { key: key.into(), severity, text: text.into() }));
    }

    /// An incident is over.
    pub fn clear(&self, key: impl Into<String>) {
        self.ring(Ring::Resolved(key.into()));
    }

    /// A person has seen it.
    pub fn acknowledge(&self, key: impl Into<String>) {
        self.ring(Ring::Acknowledged(key.into()));
    }

    /// The incidents that are open; `None` when the alerter does not answer in time.
    pub async fn open(&self, within: Duration) -> Option<Vec<incident::Incident>> {
        let answer = self.alerter.actor()?.call(AlerterMsg::Open, Some(within)).await;
        answer.ok()?.success_or(()).ok()
    }

    /// Notices that wait for the alerter.
    pub fn waiting(&self) -> usize {
        self.lock().waiting.len()
    }

    /// Notices that found the queue full.
    pub fn lost(&self) -> u64 {
        self.lost.load(Ordering::Relaxed)
    }

    /// The channels' breakers.
    pub fn channels(&self) -> Vec<ChannelStand> {
        self.channels.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn ring(&self, ring: Ring) {
        let most = match &ring {
            Ring::Notice(notice) if !notice.severity.is_urgent() => NOTICES_MAX,
            _ => URGENT_MAX,
        };
        let mut queue = self.lock();
        if queue.waiting.len() < most {
            queue.waiting.push(ring);
        } else {
            self.lost.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// What has waited, for the alerter; it stays in hand until it is [`Self::kept`].
    pub(super) fn take(&self) -> Vec<Ring> {
        let mut queue = self.lock();
        let taken = std::mem::take(&mut queue.waiting);
        queue.in_hand.extend_from_slice(&taken);
        taken
    }

    /// What was taken is on disk.
    pub(super) fn kept(&self) {
        let mut queue = self.lock();
        (queue.in_hand, queue.deaths) = (Vec::new(), 0);
    }

    /// An alerter begins now: what the one before had in hand comes first. Returns when the first one began.
    pub(super) fn begin(&self, now: Nanos) -> Nanos {
        let mut queue = self.lock();
        let mut again = std::mem::take(&mut queue.in_hand);
        queue.deaths += u32::from(!again.is_empty());
        if queue.deaths >= DEATHS_MAX || cfg!(mutant = "alert-in-hand") {
            self.lost.fetch_add(again.len() as u64, Ordering::Relaxed);
            (again, queue.deaths) = (Vec::new(), 0);
        }
        again.append(&mut queue.waiting);
        queue.waiting = again;
        *self.begun_ns.get_or_init(|| now)
    }

    /// Where each channel's breaker stands.
    pub(super) fn show(&self, stands: Vec<ChannelStand>) {
        *self.channels.lock().unwrap_or_else(PoisonError::into_inner) = stands;
    }

    fn lock(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(ring: &Ring) -> &str {
        match ring {
            Ring::Notice(notice) => &notice.key,
            Ring::Resolved(key) | Ring::Acknowledged(key) => key,
        }
    }

    fn keys(rings: &[Ring]) -> Vec<&str> {
        rings.iter().map(key).collect()
    }

    #[test]
    fn what_an_alerter_died_with_is_the_next_ones_first() {
        let bell = Bell::default();
        assert_eq!(bell.begin(7), 7);
        bell.raise("a", Severity::Warning, "");
        assert_eq!(keys(&bell.take()), ["a"]);
        bell.kept();
        bell.raise("b", Severity::Critical, "");
        bell.take();
        bell.clear("a");
        assert_eq!((bell.begin(9), bell.waiting()), (7, 2), "the first one began at 7");
        assert_eq!(keys(&bell.take()), ["b", "a"]);
        bell.begin(10);
        assert_eq!(keys(&bell.take()), ["b", "a"]);
        bell.begin(11);
        assert_eq!((keys(&bell.take()).len(), bell.lost()), (0, 2), "three have died of them");
    }

    #[test]
    fn a_storm_leaves_room_for_what_is_urgent_and_what_finds_none_is_counted() {
        let bell = Bell::default();
        (0..=NOTICES_MAX).for_each(|_| bell.raise("w", Severity::Warning, ""));
        assert_eq!((bell.waiting(), bell.lost()), (NOTICES_MAX, 1));
        (NOTICES_MAX..=URGENT_MAX).for_each(|_| bell.raise("c", Severity::Critical, ""));
        assert_eq!((bell.waiting(), bell.lost()), (URGENT_MAX, 2));
    }
}
