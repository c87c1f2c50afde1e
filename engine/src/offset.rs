//! A venue's clock against ours, so that a book's age is venue time and not receive time.
//!
//! Measured offsets come by command. Until one does, the fastest frame seen is taken to have needed
//! no time at all: the running minimum of receive time minus venue time. Ages are then relative to
//! that frame, which is what staleness asks for.

use highwire_links::Nanos;

/// A measured clock is not wrong by more than this.
const AHEAD_NS: i64 = 1_000_000_000;
/// No clock is wrong by more than this: the unit is another, or the day.
const AHEAD_UNMEASURED_NS: i64 = 60_000_000_000;

/// One venue's clock offset.
#[derive(Clone, Copy, Debug, Default)]
pub struct Offset {
    measured_ns: Option<i64>,
    fastest_ns: Option<i64>,
}

impl Offset {
    /// Takes over a measured offset: venue time minus ours.
    pub fn set(&mut self, venue_minus_ours_ns: i64) {
        self.measured_ns = Some(venue_minus_ours_ns);
    }

    /// Whether an event's time lies in the future beyond any error of clocks: a unit that changed from
    /// milliseconds to microseconds does, and a clock that was set.
    pub fn is_ahead(&self, event_ns: Nanos, recv_ns: Nanos) -> bool {
        let ahead_ns = event_ns.saturating_sub(recv_ns).min(i64::MAX.cast_unsigned()).cast_signed();
        match self.measured_ns {
            Some(offset_ns) => ahead_ns > AHEAD_NS && ahead_ns.saturating_sub(offset_ns) > AHEAD_NS,
            None => ahead_ns > AHEAD_UNMEASURED_NS,
        }
    }

    /// Our time of a venue's event, learning from it; 0 stays 0 (the frame carried no time).
    pub fn local(&mut self, event_ns: Nanos, recv_ns: Nanos) -> Nanos {
        if event_ns == 0 {
            return 0;
        }
        let delay = recv_ns.cast_signed().saturating_sub(event_ns.cast_signed());
        let fastest = self.fastest_ns.map_or(delay, |held| held.min(delay));
        self.fastest_ns = Some(fastest);
        let shift = self.measured_ns.map_or(fastest, i64::saturating_neg);
        // By receive time a book that waited in a queue would look new.
        if cfg!(mutant = "queue-age") { recv_ns } else { event_ns.saturating_add_signed(shift).min(recv_ns) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_fastest_frame_sets_the_clock() {
        let mut offset = Offset::default();
        // The venue's clock is 1000 ahead; frames take 30, 10, 50.
        assert_eq!(offset.local(2_000, 1_030), 1_030);
        assert_eq!(offset.local(3_000, 2_010), 2_010);
        assert_eq!(offset.local(4_000, 3_050), 3_010);
        assert_eq!(offset.local(0, 9_000), 0);
    }

    #[test]
    fn a_time_that_no_clock_error_explains_is_ahead() {
        let s = 1_000_000_000;
        let (now, mut offset) = (1_790_000_000 * s, Offset::default());
        assert!(!offset.is_ahead(now + 59 * s, now) && offset.is_ahead(now + 61 * s, now));
        assert!(offset.is_ahead(now * 10, now) && offset.is_ahead(u64::MAX, now), "microseconds as milliseconds");
        offset.set(5 * s.cast_signed());
        assert!(!offset.is_ahead(now + 5 * s, now) && offset.is_ahead(now + 7 * s, now));
        assert!(!offset.is_ahead(0, now) && !offset.is_ahead(now - 100 * s, now), "old is not ahead");
    }

    #[test]
    fn a_measured_offset_wins() {
        let mut offset = Offset::default();
        offset.set(1_000);
        assert_eq!(offset.local(2_000, 1_030), 1_000);
        assert_eq!(offset.local(9_000, 1_030), 1_030);
    }
}
