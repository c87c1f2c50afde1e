//! How often a line may be renewed because a book's snapshot must come anew in band (faults.md M02, M06): at once
//! the first time, then after growing waits, and at most three times a minute, since a venue whose own book is
//! wrong does not become right by being asked.

use highwire_links::Nanos;

/// The span in which renewals are counted.
const SPAN_NS: Nanos = 60_000_000_000;
/// Renewals in a span.
const MOST: usize = 3;
/// Least time from one renewal to the next, by how many the span holds.
const GAPS_NS: [Nanos; MOST] = [0, 2_000_000_000, 10_000_000_000];

/// One line's renewals.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Renewals {
    /// When the last ones are or were due, newest first; 0: none.
    due_ns: [Nanos; MOST],
}

impl Renewals {
    /// A renewal is asked for; when it is due. One that is still to come serves whoever asks meanwhile.
    pub fn ask(&mut self, now: Nanos) -> Nanos {
        let [newest, _, oldest] = self.due_ns;
        if newest > now {
            return newest;
        }
        let held = self.due_ns.iter().filter(|&&due| due > 0 && due.saturating_add(SPAN_NS) > now).count();
        let earliest = match GAPS_NS.get(held) {
            Some(&gap_ns) if held > 0 => newest.saturating_add(gap_ns),
            Some(_) => now,
            None => oldest.saturating_add(SPAN_NS),
        };
        let due = earliest.max(now).max(1);
        self.due_ns = [due, self.due_ns[0], self.due_ns[1]];
        due
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const S: Nanos = 1_000_000_000;

    #[test]
    fn the_first_is_due_at_once_and_the_next_ones_wait_longer() {
        let mut renewals = Renewals::default();
        assert_eq!(renewals.ask(100 * S), 100 * S);
        assert_eq!(renewals.ask(100 * S + 1), 102 * S);
        assert_eq!(renewals.ask(101 * S), 102 * S, "one that is to come serves all");
        assert_eq!(renewals.ask(103 * S), 112 * S);
        assert_eq!(renewals.ask(113 * S), 160 * S);
        assert_eq!(renewals.ask(400 * S), 400 * S, "long after, at once again");
    }

    proptest! {
        #[test]
        fn no_minute_holds_more_than_three(asks in prop::collection::vec(0..5 * S, 1..200)) {
            let (mut renewals, mut now, mut due) = (Renewals::default(), S, Vec::new());
            for wait in asks {
                now += wait;
                due.push(renewals.ask(now));
            }
            due.dedup();
            prop_assert!(due.windows(4).all(|four| four[3] - four[0] >= SPAN_NS), "{due:?}");
        }
    }
}
