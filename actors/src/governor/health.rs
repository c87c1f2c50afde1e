//! The governor's part in a venue's health: which news are signs of it, and when it is an incident of its own.

use super::{GovernorState, Reading};
use highwire_links::{Mode, Nanos, VenueId};
use highwire_supervision::degrade::{Cause, Scope};
use highwire_supervision::lineset::LineSet;

/// What a venue may lack and be told of by other causes alone, thousandths.
const LACKS_LITTLE: i64 = 450;

impl GovernorState {
    /// Readings of other causes are signs.
    pub(super) fn heed_health(&mut self, scope: Scope, cause: Cause, value: i64) {
        let Scope::Venue(venue) = scope else { return };
        match cause {
            Cause::StaleBooks => self.health.entry(venue).or_default().0.on_books(value),
            Cause::Breaker => self.health.entry(venue).or_default().0.on_breaker(value),
            _ => {}
        }
    }

    /// Each line that is fewer than before fell.
    pub(super) fn count_falls(&mut self, venue: VenueId, lines: &LineSet) {
        let before = self.lines.get(&venue).map_or(0, LineSet::live_all);
        let now = self.now();
        let (health, _) = self.health.entry(venue).or_default();
        (lines.live_all()..before).for_each(|_| health.on_fall(now));
    }

    /// Tells the ladder what each venue lacks, if that changed.
    pub(super) fn judge_health(&mut self, now: Nanos) {
        let judge = |(&venue, (health, known)): (&VenueId, &mut (_, i64))| {
            let health: &mut highwire_supervision::health::Health = health;
            let missing = health.missing(now);
            (std::mem::replace(known, missing) != missing).then_some((venue, missing))
        };
        let judged: Vec<_> = self.health.iter_mut().filter_map(judge).collect();
        for (venue, missing) in judged {
            let note = format!("{} of 1000 are left of its health", 1_000 - missing);
            self.on_reading(Reading { scope: Scope::Venue(venue), cause: Cause::Health, value: missing, note });
        }
    }

    /// Whether what is wrong is an incident already, or over but for the waiting.
    pub(super) fn is_health_told_otherwise(&self, venue: VenueId) -> bool {
        let lacks = self.health.get(&venue).map_or(0, |(_, missing)| *missing);
        let causes = self.ladder.causes(Scope::Venue(venue));
        let halts = |&(cause, mode, _): &(Cause, Mode, bool)| cause != Cause::Health && mode == Mode::Halted;
        lacks <= LACKS_LITTLE || causes.iter().any(halts)
    }
}
