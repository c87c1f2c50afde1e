//! The rungs of the mode ladder as they are used: which cause holds which mode, from which reading, after how
//! long, and which are latched until an operator resumes.

use crate::degrade::{Cause, Rule};
use highwire_links::{Mode, Nanos};

/// What the configuration decides.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Measures {
    /// p99 from frame to decision above which the service is `Reduced`, microseconds.
    pub latency_us: i64,
    /// Share of a venue's books that are not live from which it is `HedgeOnly`, thousandths.
    pub stale_permille: i64,
    /// A cause must last so long before it counts, where a moment of it is usual.
    pub confirm_ns: Nanos,
    /// And its absence so long before it is forgiven.
    pub dwell_ns: Nanos,
}

impl Default for Measures {
    /// 20 ms, half of the books, 500 ms, 2 s.
    fn default() -> Self {
        Self { latency_us: 20_000, stale_permille: 500, confirm_ns: 500_000_000, dwell_ns: 2_000_000_000 }
    }
}

/// The rules of the ladder.
pub fn rules(measures: &Measures) -> Vec<Rule> {
    let &Measures { latency_us, stale_permille, confirm_ns, dwell_ns } = measures;
    let at_once = |cause, mode, enter: i64| Rule {
        cause,
        mode,
        enter,
        leave: enter - 1,
        confirm_ns: 0,
        dwell_ns: 0,
        latched: false,
    };
    let latched = |cause, mode, enter| Rule { latched: true, ..at_once(cause, mode, enter) };
    let lasting = |cause, mode, enter, leave| Rule { leave, confirm_ns, dwell_ns, ..at_once(cause, mode, enter) };
    // Lines and clocks bring their own settling times; what comes back is believed after that.
    vec![
        at_once(Cause::Recovery, Mode::Halted, 1),
        at_once(Cause::Lines, Mode::HedgeOnly, Mode::HedgeOnly as i64),
        at_once(Cause::Lines, Mode::Halted, Mode::Halted as i64),
        at_once(Cause::Attempts, Mode::Reduced, 1),
        at_once(Cause::Limited, Mode::HedgeOnly, 1),
        at_once(Cause::Limited, Mode::Halted, 2),
        at_once(Cause::ClockOffset, Mode::HedgeOnly, 1),
        at_once(Cause::DeadMan, Mode::HedgeOnly, 1),
        at_once(Cause::Settlement, Mode::Reduced, 1),
        at_once(Cause::Settlement, Mode::HedgeOnly, 2),
        lasting(Cause::StaleBooks, Mode::HedgeOnly, stale_permille, stale_permille / 2),
        lasting(Cause::StaleBooks, Mode::Halted, 1_000, 999),
        lasting(Cause::Latency, Mode::Reduced, latency_us, latency_us / 2),
        lasting(Cause::Memory, Mode::Reduced, 1_000, 900),
        lasting(Cause::Memory, Mode::HedgeOnly, 1_200, 1_000),
        // Below half of full health; falls alone, which a minute forgets, do not keep it.
        lasting(Cause::Health, Mode::Halted, 501, 450),
        // At half of a ring nothing is opened any more anyway.
        lasting(Cause::RingDepth, Mode::Reduced, 500, 250),
        lasting(Cause::BlindPrivate, Mode::HedgeOnly, 1, 0),
        lasting(Cause::RiskUse, Mode::HedgeOnly, 900, 800),
        // It has counted, and brings its own time to rest.
        at_once(Cause::Breaker, Mode::Reduced, 1),
        at_once(Cause::Breaker, Mode::HedgeOnly, 2),
        Rule { dwell_ns, ..at_once(Cause::Disk, Mode::HedgeOnly, 1) },
        Rule { dwell_ns, ..at_once(Cause::LatchFile, Mode::HedgeOnly, 1) },
        Rule { dwell_ns, ..at_once(Cause::WardenSilent, Mode::Halted, 1) },
        latched(Cause::WardenSilent, Mode::Halted, 2),
        // What proves how they ended lifts it.
        at_once(Cause::UnknownOrders, Mode::HedgeOnly, 1),
        latched(Cause::Inherited, Mode::HedgeOnly, 1),
        latched(Cause::Key, Mode::Halted, 1),
        at_once(Cause::ReconcileDiff, Mode::HedgeOnly, 1),
        latched(Cause::ReconcileDiff, Mode::Halted, 2),
        latched(Cause::Escalated, Mode::HedgeOnly, 1),
        latched(Cause::Runaway, Mode::Halted, 1),
        latched(Cause::ThreadDown, Mode::Halted, 1),
        latched(Cause::Stopped, Mode::Halted, 1),
        latched(Cause::CutOff, Mode::Halted, 1),
        latched(Cause::GaveUp, Mode::Halted, 1),
        latched(Cause::Operator, Mode::HedgeOnly, Mode::HedgeOnly as i64),
        latched(Cause::Operator, Mode::Halted, Mode::Halted as i64),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::degrade::{Ladder, Scope};

    #[test]
    fn every_rule_can_be_entered_and_left_and_what_is_latched_waits_for_an_operator() {
        for rule in rules(&Measures::default()) {
            assert!(rule.leave < rule.enter && rule.mode > Mode::Full, "{rule:?}");
            let mut ladder = Ladder::new(vec![rule]);
            ladder.on_reading(Scope::Global, rule.cause, rule.enter, 0);
            ladder.on_time(rule.confirm_ns);
            assert_eq!(ladder.mode(Scope::Global), rule.mode, "{rule:?}");
            ladder.on_reading(Scope::Global, rule.cause, rule.leave, rule.confirm_ns);
            ladder.on_time(u64::MAX);
            assert_eq!(ladder.mode(Scope::Global) == Mode::Full, !rule.latched, "{rule:?}");
        }
    }

    #[test]
    fn a_venue_whose_books_go_one_by_one_climbs_and_comes_back() {
        let mut ladder = Ladder::new(rules(&Measures { confirm_ns: 0, dwell_ns: 0, ..Measures::default() }));
        let modes = [0, 400, 500, 1_000, 600, 300, 250].map(|stale| {
            ladder.on_reading(Scope::Global, Cause::StaleBooks, stale, 1);
            ladder.mode(Scope::Global)
        });
        use Mode::{Full, Halted, HedgeOnly};
        assert_eq!(modes, [Full, Full, HedgeOnly, Halted, HedgeOnly, HedgeOnly, Full]);
    }
}
