//! Trades that were matched and are not settled yet, at venues that settle later: how long the oldest of them waits, and how
//! many of the last ones failed. A chain that is slow lowers what is traded; one that takes back what was matched stops it.

use highwire_links::{Nanos, VenueId};
use std::collections::{BTreeMap, VecDeque};

/// Trades whose settling is awaited at most; more are as bad as stuck ones.
const AWAITED_MAX: usize = 4_096;
/// Ends that are looked at.
const ENDS_MAX: usize = 50;
/// A venue is not judged by fewer failures.
const FAILED_MIN: usize = 3;
/// Ends that are older say nothing of now.
const FORGOTTEN_NS: Nanos = 600_000_000_000;

/// What is borne.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SettlementRule {
    /// A trade that waits for so long is stuck.
    pub stuck_ns: Nanos,
    /// Share of the last ends that may fail, percent.
    pub failed_percent: usize,
}

/// How settling goes at a venue; the worse ones last.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u8)]
pub enum Going {
    /// As it should.
    Well = 0,
    /// A trade has waited for too long.
    Stuck = 1,
    /// Too many failed.
    Failing = 2,
}

#[derive(Clone, Debug, Default)]
struct Venue {
    /// Since when each trade is awaited.
    awaited: BTreeMap<u64, Nanos>,
    /// When each of the last trades ended, and whether it failed.
    ends: VecDeque<(Nanos, bool)>,
}

/// Every venue's settling.
#[derive(Clone, Debug)]
pub struct Settlements {
    rule: SettlementRule,
    venues: BTreeMap<VenueId, Venue>,
}

impl Settlements {
    /// Nothing was matched yet.
    pub fn new(rule: SettlementRule) -> Self {
        Self { rule, venues: BTreeMap::new() }
    }

    /// A trade was matched and settles later.
    pub fn on_matched(&mut self, venue: VenueId, trade: u64, now: Nanos) {
        let awaited = &mut self.venues.entry(venue).or_default().awaited;
        if awaited.len() < AWAITED_MAX {
            awaited.insert(trade, now);
        }
    }

    /// A trade has settled, or failed to.
    pub fn on_end(&mut self, venue: VenueId, trade: u64, failed: bool, now: Nanos) {
        let venue = self.venues.entry(venue).or_default();
        venue.awaited.remove(&trade);
        if venue.ends.len() == ENDS_MAX {
            venue.ends.pop_front();
        }
        venue.ends.push_back((now, failed));
    }

    /// How it goes at each venue where anything was matched, in words too.
    pub fn judge(&mut self, now: Nanos) -> Vec<(VenueId, Going, String)> {
        let rule = self.rule;
        let judged = |(&venue, stand): (&VenueId, &mut Venue)| {
            let (going, note) = stand.judge(&rule, now);
            (venue, going, note)
        };
        self.venues.iter_mut().map(judged).collect()
    }
}

impl Venue {
    fn judge(&mut self, rule: &SettlementRule, now: Nanos) -> (Going, String) {
        self.ends.retain(|&(at_ns, _)| now.saturating_sub(at_ns) < FORGOTTEN_NS);
        let (failed, ends) = (self.ends.iter().filter(|(_, failed)| *failed).count(), self.ends.len());
        if failed >= FAILED_MIN && failed * 100 >= ends * rule.failed_percent {
            return (Going::Failing, format!("{failed} of the last {ends} trades were not settled"));
        }
        let stuck = self.awaited.values().filter(|&&since| now.saturating_sub(since) >= rule.stuck_ns).count();
        if stuck > 0 || self.awaited.len() == AWAITED_MAX {
            return (Going::Stuck, format!("{stuck} matched trades wait to be settled for too long"));
        }
        (Going::Well, String::new())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const S: Nanos = 1_000_000_000;
    const HERE: VenueId = VenueId(9);

    fn settlements() -> Settlements {
        Settlements::new(SettlementRule { stuck_ns: 120 * S, failed_percent: 20 })
    }

    fn going(settlements: &mut Settlements, now: Nanos) -> Going {
        settlements.judge(now)[0].1
    }

    #[test]
    fn a_trade_that_waits_for_too_long_is_stuck_until_it_ends() {
        let mut settlements = settlements();
        settlements.on_matched(HERE, 7, S);
        assert_eq!((going(&mut settlements, 120 * S), going(&mut settlements, 121 * S)), (Going::Well, Going::Stuck));
        settlements.on_end(HERE, 7, false, 122 * S);
        assert_eq!(going(&mut settlements, 122 * S), Going::Well);
    }

    #[test]
    fn a_few_failures_are_borne_a_share_of_them_is_not_and_both_are_forgotten() {
        let mut settlements = settlements();
        (0..2).for_each(|trade| settlements.on_end(HERE, trade, true, S));
        assert_eq!(going(&mut settlements, S), Going::Well, "two alone prove nothing");
        (2..14).for_each(|trade| settlements.on_end(HERE, trade, false, S));
        settlements.on_end(HERE, 14, true, S);
        assert_eq!(going(&mut settlements, S), Going::Failing, "three of fifteen are twenty percent");
        settlements.on_end(HERE, 15, false, S);
        assert_eq!(going(&mut settlements, S), Going::Well);
        settlements.on_end(HERE, 16, true, S);
        assert_eq!(going(&mut settlements, 600 * S), Going::Failing);
        assert_eq!(going(&mut settlements, 601 * S), Going::Well, "nothing is known of now");
    }
}
