//! Which lines of a venue are live and which are on their way: by that a line that asks to connect is the only one
//! of its kind, or a standby that can wait.

use super::LineKey;
use highwire_supervision::attempts::Need;
use highwire_supervision::lineset::Kind;
use std::collections::BTreeSet;

/// The lines that are there or will be.
#[derive(Default)]
pub struct Roster {
    live: BTreeSet<LineKey>,
    /// Permitted to connect, and not live yet.
    coming: BTreeSet<LineKey>,
}

impl Roster {
    /// How much a line is needed that wants to connect now. One that is live wants a successor of its own.
    pub fn need(&self, key: LineKey) -> Need {
        let mut others = self.live.union(&self.coming).filter(|other| other.kind == key.kind && **other != key);
        if self.live.contains(&key) || others.next().is_none() { Need::Only } else { Need::Standby }
    }

    /// It may connect.
    pub fn on_granted(&mut self, key: LineKey) {
        self.coming.insert(key);
    }

    /// It is up, or not any more; whether that is new.
    pub fn on_change(&mut self, key: LineKey, up: bool) -> bool {
        self.coming.remove(&key);
        if up { self.live.insert(key) } else { self.live.remove(&key) }
    }

    /// A connection of it ended: whatever comes is asked for again.
    pub fn on_end(&mut self, key: LineKey) {
        self.coming.remove(&key);
    }

    /// The lines that are live, of one kind or of all.
    pub fn live(&self, kind: Option<Kind>) -> Vec<LineKey> {
        self.live.iter().filter(|key| kind.is_none_or(|kind| key.kind == kind)).copied().collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_of_a_kind_is_needed_and_the_second_waits_until_the_first_has_failed() {
        let line = |kind, index| LineKey { kind, index };
        let (first, second, orders) = (line(Kind::Market, 0), line(Kind::Market, 1), line(Kind::Orders, 0));
        let mut roster = Roster::default();
        assert_eq!(roster.need(first), Need::Only);
        roster.on_granted(first);
        assert_eq!(
            [roster.need(second), roster.need(orders), roster.need(first)],
            [Need::Standby, Need::Only, Need::Only]
        );
        roster.on_end(first);
        assert_eq!(roster.need(second), Need::Only);
        assert!(roster.on_change(first, true) && !roster.on_change(first, true));
        assert_eq!([roster.need(second), roster.need(first)], [Need::Standby, Need::Only]);
        assert_eq!((roster.live(None), roster.live(Some(Kind::Orders))), (vec![first], vec![]));
        assert!(roster.on_change(first, false));
        assert_eq!(roster.need(second), Need::Only);
    }
}
