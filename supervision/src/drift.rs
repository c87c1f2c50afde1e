//! When it is told that a venue's protocol has drifted: once when a kind of it begins, once when it has been quiet for long
//! enough.

use highwire_links::drift::DriftKind;
use highwire_links::{Nanos, VenueId};
use std::collections::BTreeMap;

/// Kinds of drift that go on.
#[derive(Clone, Debug)]
pub struct Drifts {
    quiet_ns: Nanos,
    seen_ns: BTreeMap<(VenueId, DriftKind), Nanos>,
}

impl Drifts {
    /// None; each is over after `quiet_ns` without a sample.
    pub fn new(quiet_ns: Nanos) -> Self {
        Self { quiet_ns, seen_ns: BTreeMap::new() }
    }

    /// A sample came. True when it begins an incident, which is when it is to be told.
    pub fn on_sample(&mut self, venue: VenueId, kind: DriftKind, now: Nanos) -> bool {
        self.seen_ns.insert((venue, kind), now).is_none()
    }

    /// Those that are over by now.
    pub fn on_time(&mut self, now: Nanos) -> Vec<(VenueId, DriftKind)> {
        let quiet_ns = self.quiet_ns;
        let is_over = |_: &_, seen_ns: &mut Nanos| now.saturating_sub(*seen_ns) >= quiet_ns;
        self.seen_ns.extract_if(.., is_over).map(|(key, _)| key).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_kind_at_each_venue_is_told_once_and_is_over_after_its_quiet_time() {
        let mut drifts = Drifts::new(100);
        let (one, other) = (VenueId(0), VenueId(1));
        let told = [
            (one, DriftKind::Status, 1),
            (one, DriftKind::Status, 50),
            (one, DriftKind::Event, 50),
            (other, DriftKind::Status, 60),
        ];
        let told = told.map(|(venue, kind, now)| drifts.on_sample(venue, kind, now));
        assert_eq!(told, [true, false, true, true]);
        assert_eq!(drifts.on_time(149), []);
        assert_eq!(drifts.on_time(150), [(one, DriftKind::Event), (one, DriftKind::Status)]);
        assert_eq!((drifts.on_time(155), drifts.on_time(160)), (vec![], vec![(other, DriftKind::Status)]));
        assert!(drifts.on_sample(one, DriftKind::Status, 200), "what comes again is a new incident");
    }
}
