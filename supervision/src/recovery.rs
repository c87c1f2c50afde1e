//! When a start is over: a venue has recovered when its lines are up and enough of its books are live, the service when
//! two of its venues have, or its only one. What has recovered once is ruled by other causes from then on.

use crate::degrade::Scope;
use highwire_links::VenueId;
use std::collections::BTreeSet;

/// Share of a venue's books that may be missing when it is taken for recovered, thousandths.
pub const MISSING_MAX: i64 = 499;
/// Venues that must be recovered before the service trades, if there are so many.
const VENUES_MIN: usize = 2;

/// What has not recovered yet.
#[derive(Clone, Debug)]
pub struct Recovery {
    waiting: BTreeSet<VenueId>,
    /// Venues that the service still waits for; `None` once it has recovered.
    wanted: Option<usize>,
}

impl Recovery {
    /// Nothing has recovered.
    pub fn new(venues: impl IntoIterator<Item = VenueId>) -> Self {
        let waiting: BTreeSet<VenueId> = venues.into_iter().collect();
        Self { wanted: Some(VENUES_MIN.min(waiting.len())), waiting }
    }

    /// What has recovered since the last look, by how the venues are now.
    pub fn judge(&mut self, is_well: impl Fn(VenueId) -> bool) -> Vec<Scope> {
        let well: Vec<VenueId> = self.waiting.iter().copied().filter(|&venue| is_well(venue)).collect();
        well.iter().for_each(|venue| _ = self.waiting.remove(venue));
        if let Some(wanted) = &mut self.wanted {
            *wanted = wanted.saturating_sub(well.len());
        }
        let service = self.wanted.take_if(|wanted| *wanted == 0).map(|_| Scope::Global);
        well.into_iter().map(Scope::Venue).chain(service).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_service_waits_for_two_venues_or_its_only_one_and_each_is_told_once() {
        let venue = |number| VenueId(number);
        let mut recovery = Recovery::new([venue(1), venue(2), venue(3)]);
        assert_eq!(recovery.judge(|_| false), []);
        assert_eq!(recovery.judge(|at| at == venue(2)), [Scope::Venue(venue(2))]);
        assert_eq!(recovery.judge(|at| at != venue(1)), [Scope::Venue(venue(3)), Scope::Global]);
        assert_eq!(recovery.judge(|_| true), [Scope::Venue(venue(1))]);
        assert_eq!(recovery.judge(|_| true), []);
        assert_eq!(Recovery::new([venue(1)]).judge(|_| true), [Scope::Venue(venue(1)), Scope::Global]);
        assert_eq!(Recovery::new([]).judge(|_| true), [Scope::Global]);
    }
}
