//! What could not be read, on its way to people: one sample of each kind and venue in a while, however many there are.
//! Memory is taken at the start; what finds no room is counted all the same and comes again.

use crate::context::Context;
use highwire_links::counter::Counter;
use highwire_links::drift::{DRIFT_KINDS, Drift, DriftKind, DriftPlace, Shape, Word};
use highwire_links::lifecycle::Event;
use highwire_links::{Nanos, VenueId};

/// Between two samples of a kind at a venue.
pub const SAMPLE_EVERY_NS: Nanos = 1_000_000_000;

/// Samples that wait for the end of a turn.
const WAITING_MAX: usize = 8;

/// What was seen lately, and what is to be told.
#[derive(Debug)]
pub struct Drifts {
    /// When a sample of each kind was taken last, venue by venue; 0 never.
    taken_ns: Box<[[Nanos; DRIFT_KINDS]]>,
    waiting: Vec<Drift>,
    seen: u64,
}

impl Drifts {
    /// Nothing seen yet at so many venues; all memory is taken here.
    pub fn new(venues: usize) -> Self {
        Self { taken_ns: vec![[0; DRIFT_KINDS]; venues].into(), waiting: Vec::with_capacity(WAITING_MAX), seen: 0 }
    }

    /// A message was not understood: it is counted, and if none of its kind was lately, its shape is kept.
    pub fn note(&mut self, now: Nanos, place: DriftPlace, venue: VenueId, what: (DriftKind, Word), message: &[u8]) {
        let (kind, word) = what;
        self.seen += 1;
        let Some(taken_ns) = self.taken_ns.get_mut(venue.index()).map(|kinds| &mut kinds[kind.index()]) else { return };
        let is_due = *taken_ns == 0 || now.saturating_sub(*taken_ns) >= SAMPLE_EVERY_NS;
        if is_due && self.waiting.len() < WAITING_MAX {
            *taken_ns = now.max(1);
            self.waiting.push(Drift { venue, place, kind, word, shape: Shape::of(message), at_ns: now });
        }
    }

    /// Counts and tells what waits.
    pub fn tell(&mut self, cx: &mut Context<'_>) {
        if self.seen == 0 || cfg!(mutant = "drift") {
            return;
        }
        cx.tally.add_many(Counter::Drifts, std::mem::take(&mut self.seen));
        for drift in self.waiting.drain(..) {
            cx.tell(Event::Drift(drift));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use highwire_links::decode::Reject;

    const MALFORMED: (DriftKind, Word) = (DriftKind::Refused(Reject::Malformed), Word::NONE);

    #[test]
    fn of_a_storm_one_sample_of_each_kind_and_venue_is_taken_in_a_while() {
        let mut drifts = Drifts::new(2);
        for now in 1..=1_000 {
            drifts.note(now, DriftPlace::Feed, VenueId(0), MALFORMED, b"{}");
            drifts.note(now, DriftPlace::Feed, VenueId(1), MALFORMED, b"[]");
            drifts.note(now, DriftPlace::Feed, VenueId(1), (DriftKind::Event, Word::of("new")), b"{}");
            drifts.note(now, DriftPlace::Feed, VenueId(9), MALFORMED, b"{}");
        }
        assert_eq!((drifts.waiting.len(), drifts.seen), (3, 4_000));
        drifts.waiting.clear();
        drifts.note(SAMPLE_EVERY_NS, DriftPlace::Feed, VenueId(0), MALFORMED, b"{}");
        assert!(drifts.waiting.is_empty());
        drifts.note(SAMPLE_EVERY_NS + 1, DriftPlace::Feed, VenueId(0), MALFORMED, b"{}");
        assert_eq!(drifts.waiting.len(), 1);
    }
}
