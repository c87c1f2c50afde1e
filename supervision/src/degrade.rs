//! The mode ladder: the one authority over what a venue, or the whole service, is permitted to do.
//!
//! Readings come in (health, latency, stale books, an unresolved order, the disk, …); each cause has a
//! threshold to enter and a lower one to leave, a time that it must last before it counts, and a time that
//! its absence must last before it is forgiven. Several causes can hold a mode, and all must clear. A latched
//! cause is cleared by an operator alone, whatever its readings say.
//!
//! ```text
//! reading ≥ enter for `confirm` ──▶ the cause holds its mode ──reading ≤ leave for `dwell`──▶ it is gone
//! mode of a venue = strictest of its causes and of the global ones
//! ```

use highwire_links::{Mode, Nanos, VenueId};
use std::collections::BTreeMap;

/// Why a mode is held.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum Cause {
    /// The service has not finished its recovery, or the venue is not reconciled yet.
    Recovery,
    /// The venue's health is low; thousandths that are missing to full health.
    Health,
    /// The wire is slow; p99 in microseconds.
    Latency,
    /// Close to a risk limit; thousandths of the limit that are used.
    RiskUse,
    /// Books that are not fit to trade on; thousandths of the traded ones.
    StaleBooks,
    /// The private stream is blind; milliseconds.
    BlindPrivate,
    /// An order's outcome is unknown beyond its deadline; how many.
    UnknownOrders,
    /// Our figures differ from the venue's: 1 while it is asked, 2 when an operator must look.
    ReconcileDiff,
    /// Clock offset to the venue; milliseconds.
    ClockOffset,
    /// Memory in use; thousandths of the watermark.
    Memory,
    /// The fullest ring; thousandths.
    RingDepth,
    /// The journal cannot be written; 1 when so.
    Disk,
    /// Latches cannot be kept; 1 when so.
    LatchFile,
    /// All lines of the venue are down; 1 when so.
    Lines,
    /// A breaker of the venue: 2 while its orders are not answered, 1 while it is tried again or answers no questions.
    Breaker,
    /// An escalated saga; how many.
    Escalated,
    /// A limit that must never be passed was passed (daily loss, runaway orders); 1 when so.
    Runaway,
    /// A pinned thread stays down; how many.
    ThreadDown,
    /// An operator said so; the number of the [`Mode`].
    Operator,
    /// Attempts to connect are spent; 1 when so.
    Attempts,
    /// No venue at all can be reached; 1 when so.
    CutOff,
    /// A pinned thread takes no commands or is stuck, and the stop word was raised over it; 1 when so.
    Stopped,
    /// A warden is silent: 1 while it may come back, 2 when it has ended or hangs for good.
    WardenSilent,
    /// The venue's dead-man switch could not be renewed: its orders may vanish; 1 when so.
    DeadMan,
    /// Matched trades are settled too late (1), or too many of them not at all (2).
    Settlement,
    /// A part of the service gave up, such as a supervisor whose restarts are spent; 1 when so.
    GaveUp,
    /// The venue wants to be left alone, since it was asked too much; 1 when so, 2 when it banned us.
    Limited,
    /// Orders of an earlier run whose venues nobody asks about them; how many. The journal knows of them: it is found
    /// anew at each start, and gone at one that resolves them.
    Inherited,
    /// The venue refuses our key; 1 when so. A start asks what its key may do before anything else.
    Key,
}

impl Cause {
    /// Every cause, with its name in reasons, files and labels.
    pub const ALL: [(Self, &'static str); 29] = [
        (Self::Recovery, "recovery"),
        (Self::Health, "health"),
        (Self::Latency, "latency"),
        (Self::RiskUse, "risk-use"),
        (Self::StaleBooks, "stale-books"),
        (Self::BlindPrivate, "blind-private"),
        (Self::UnknownOrders, "unknown-orders"),
        (Self::ReconcileDiff, "reconcile-diff"),
        (Self::ClockOffset, "clock-offset"),
        (Self::Memory, "memory"),
        (Self::RingDepth, "ring-depth"),
        (Self::Disk, "disk"),
        (Self::LatchFile, "latch-file"),
        (Self::Lines, "lines"),
        (Self::Breaker, "breaker"),
        (Self::Escalated, "escalated"),
        (Self::Runaway, "runaway"),
        (Self::ThreadDown, "thread-down"),
        (Self::Operator, "operator"),
        (Self::Attempts, "attempts"),
        (Self::CutOff, "cut-off"),
        (Self::Stopped, "stopped"),
        (Self::WardenSilent, "warden-silent"),
        (Self::DeadMan, "dead-man"),
        (Self::Settlement, "settlement"),
        (Self::GaveUp, "gave-up"),
        (Self::Limited, "limited"),
        (Self::Inherited, "inherited"),
        (Self::Key, "key"),
    ];

    /// Its name.
    pub fn name(self) -> &'static str {
        Self::ALL.iter().find(|(cause, _)| *cause == self).map_or("", |(_, name)| name)
    }

    /// The cause of a name.
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.iter().find(|(_, known)| *known == name).map(|(cause, _)| *cause)
    }
}

/// Whose mode.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Scope {
    /// The whole service.
    Global,
    /// One venue.
    Venue(VenueId),
}

/// What a cause does and when.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rule {
    /// Of which cause.
    pub cause: Cause,
    /// The mode that it holds.
    pub mode: Mode,
    /// At or above this it is there.
    pub enter: i64,
    /// At or below this it is gone; below `enter`.
    pub leave: i64,
    /// How long it must be there before it counts.
    pub confirm_ns: Nanos,
    /// How long it must be gone before it is forgiven.
    pub dwell_ns: Nanos,
    /// Once it counts, only an operator clears it.
    pub latched: bool,
}

/// A mode moved.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Moved {
    /// Whose.
    pub scope: Scope,
    /// Before.
    pub from: Mode,
    /// After.
    pub to: Mode,
    /// Every cause that holds a mode there now, or, when none does, the one that cleared last.
    pub why: Vec<Cause>,
}

#[derive(Clone, Copy, Debug)]
struct Held {
    /// Index of its rule.
    rule: usize,
    /// It counts.
    counts: bool,
    /// Since when the readings have said the other thing than `counts`.
    turning_ns: Option<Nanos>,
}

/// The ladder.
#[derive(Clone, Debug)]
pub struct Ladder {
    rules: Vec<Rule>,
    held: BTreeMap<(Scope, usize), Held>,
    modes: BTreeMap<Scope, Mode>,
    turns: u64,
}

impl Ladder {
    /// A ladder of these rules with nothing held: `Full`. Several rules may have one cause, each with a
    /// threshold and a mode of its own.
    pub fn new(rules: Vec<Rule>) -> Self {
        Self { rules, held: BTreeMap::new(), modes: BTreeMap::new(), turns: 0 }
    }

    /// Takes a reading of a cause.
    pub fn on_reading(&mut self, scope: Scope, cause: Cause, value: i64, now: Nanos) -> Option<Moved> {
        for (rule, wanted) in self.rules.iter().enumerate().filter(|(_, rule)| rule.cause == cause) {
            // What never was there need not be remembered as gone.
            if value < wanted.enter && !self.held.contains_key(&(scope, rule)) {
                continue;
            }
            let held = self.held.entry((scope, rule)).or_insert(Held { rule, counts: false, turning_ns: None });
            self.turns += u64::from(held.on_reading(wanted, value, now));
        }
        self.settle(scope, cause)
    }

    /// Time went by: what has lasted long enough counts, or is forgiven.
    pub fn on_time(&mut self, now: Nanos) -> Vec<Moved> {
        let mut turned: Vec<(Scope, Cause)> = Vec::new();
        for (&(scope, rule), held) in &mut self.held {
            if held.on_time(&self.rules[rule], now) {
                self.turns += 1;
                turned.push((scope, self.rules[rule].cause));
            }
        }
        turned.into_iter().filter_map(|(scope, cause)| self.settle(scope, cause)).collect()
    }

    /// An operator clears what is latched there. What is not latched stays as its readings have it.
    pub fn on_resume(&mut self, scope: Scope) -> Option<Moved> {
        let latched = |held: &&mut Held| held.counts && self.rules[held.rule].latched;
        let here = self.held.iter_mut().filter(|((at, _), _)| *at == scope).map(|(_, held)| held);
        let mut last = None;
        for held in here.filter(latched) {
            self.turns += 1;
            (held.counts, held.turning_ns) = (false, None);
            last = Some(self.rules[held.rule].cause);
        }
        self.settle(scope, last?)
    }

    /// An operator takes one cause back, latched or not.
    pub fn on_released(&mut self, scope: Scope, cause: Cause) -> Option<Moved> {
        for ((at, _), held) in &mut self.held {
            if *at == scope && self.rules[held.rule].cause == cause && held.counts {
                self.turns += 1;
                (held.counts, held.turning_ns) = (false, None);
            }
        }
        self.settle(scope, cause)
    }

    /// The mode that a scope's own causes ask for.
    pub fn asked(&self, scope: Scope) -> Mode {
        self.own(scope)
    }

    /// The mode in force there: the strictest of its own and the global one.
    pub fn mode(&self, scope: Scope) -> Mode {
        self.own(scope).max(self.own(Scope::Global))
    }

    /// How often a cause began or ceased to hold; unchanged means that nothing did.
    pub fn turns(&self) -> u64 {
        self.turns
    }

    /// Every scope at which anything was ever read.
    pub fn scopes(&self) -> Vec<Scope> {
        let mut scopes: Vec<Scope> = self.held.keys().map(|&(scope, _)| scope).collect();
        scopes.dedup();
        scopes
    }

    /// The causes that hold a mode there, strictest first, and whether each is latched.
    pub fn causes(&self, scope: Scope) -> Vec<(Cause, Mode, bool)> {
        let counts = self.held.iter().filter(|((at, _), held)| *at == scope && held.counts);
        let rules = counts.map(|(_, held)| &self.rules[held.rule]);
        let mut causes: Vec<_> = rules.map(|rule| (rule.cause, rule.mode, rule.latched)).collect();
        causes.sort_by_key(|&(cause, mode, _)| (std::cmp::Reverse(mode), cause));
        causes
    }

    fn own(&self, scope: Scope) -> Mode {
        self.modes.get(&scope).copied().unwrap_or(Mode::Full)
    }

    /// Brings a scope's mode in line with its causes.
    fn settle(&mut self, scope: Scope, last: Cause) -> Option<Moved> {
        let causes = self.causes(scope);
        let strictest = if cfg!(mutant = "ladder-strictest") { causes.last() } else { causes.first() };
        let (from, to) = (self.own(scope), strictest.map_or(Mode::Full, |&(_, mode, _)| mode));
        if from == to {
            return None;
        }
        self.modes.insert(scope, to);
        let why = if causes.is_empty() { vec![last] } else { causes.into_iter().map(|(cause, ..)| cause).collect() };
        Some(Moved { scope, from, to, why })
    }
}

impl Held {
    /// True when it turned.
    fn on_reading(&mut self, rule: &Rule, value: i64, now: Nanos) -> bool {
        let turning = if self.counts { value <= rule.leave } else { value >= rule.enter };
        self.turning_ns = turning.then(|| self.turning_ns.unwrap_or(now));
        self.on_time(rule, now)
    }

    /// True when it turned.
    fn on_time(&mut self, rule: &Rule, now: Nanos) -> bool {
        let Some(since_ns) = self.turning_ns else { return false };
        let dwell_ns = if cfg!(mutant = "ladder-dwell") { 0 } else { rule.dwell_ns };
        let wait_ns = if self.counts { dwell_ns } else { rule.confirm_ns };
        if (self.counts && rule.latched && !cfg!(mutant = "ladder-latch")) || now.saturating_sub(since_ns) < wait_ns {
            return false;
        }
        (self.counts, self.turning_ns) = (!self.counts, None);
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const MS: Nanos = 1_000_000;
    const OKX: Scope = Scope::Venue(VenueId(5));

    const STALE: Rule = Rule {
        cause: Cause::StaleBooks,
        mode: Mode::Reduced,
        enter: 500,
        leave: 100,
        confirm_ns: 50 * MS,
        dwell_ns: 1_000 * MS,
        latched: false,
    };
    const ALL_STALE: Rule = Rule { mode: Mode::HedgeOnly, enter: 1_000, leave: 400, ..STALE };
    const RUNAWAY: Rule = Rule {
        cause: Cause::Runaway,
        mode: Mode::Halted,
        enter: 1,
        leave: 0,
        confirm_ns: 0,
        dwell_ns: 0,
        latched: true,
    };

    fn ladder() -> Ladder {
        Ladder::new(vec![STALE, ALL_STALE, RUNAWAY])
    }

    fn to(moved: Option<Moved>) -> Option<Mode> {
        moved.map(|moved| moved.to)
    }

    #[test]
    fn a_cause_counts_when_it_lasts_and_is_forgiven_when_it_is_gone_for_longer() {
        let mut ladder = ladder();
        assert_eq!(ladder.on_reading(OKX, Cause::StaleBooks, 600, 0), None);
        assert_eq!(to(ladder.on_reading(OKX, Cause::StaleBooks, 600, 50 * MS)), Some(Mode::Reduced));
        assert_eq!(ladder.on_reading(OKX, Cause::StaleBooks, 300, 60 * MS), None, "between the thresholds it stays");
        assert_eq!(ladder.on_reading(OKX, Cause::StaleBooks, 0, 100 * MS), None);
        assert_eq!(ladder.on_reading(OKX, Cause::StaleBooks, 300, 900 * MS), None, "its absence must last");
        assert_eq!(ladder.on_reading(OKX, Cause::StaleBooks, 0, 1_000 * MS), None);
        assert_eq!(ladder.on_time(1_999 * MS), []);
        assert_eq!(ladder.on_time(2_000 * MS)[0].to, Mode::Full);
    }

    #[test]
    fn a_worse_reading_climbs_and_all_causes_must_clear() {
        let mut ladder = ladder();
        ladder.on_reading(OKX, Cause::StaleBooks, 1_000, 0);
        let moved = ladder.on_time(50 * MS);
        assert_eq!(moved.last().unwrap().to, Mode::HedgeOnly);
        assert_eq!(ladder.on_reading(OKX, Cause::StaleBooks, 200, 100 * MS), None);
        assert_eq!(ladder.on_time(1_100 * MS)[0].to, Mode::Reduced, "only the stricter of the two is gone");
    }

    #[test]
    fn what_is_latched_stays_until_an_operator_resumes_and_the_global_mode_rules_every_venue() {
        let mut ladder = ladder();
        assert_eq!(to(ladder.on_reading(Scope::Global, Cause::Runaway, 1, 0)), Some(Mode::Halted));
        assert_eq!(ladder.on_reading(Scope::Global, Cause::Runaway, 0, 1), None);
        assert_eq!(ladder.on_time(u64::MAX), []);
        assert_eq!((ladder.mode(OKX), ladder.mode(Scope::Global)), (Mode::Halted, Mode::Halted));
        assert_eq!(to(ladder.on_resume(Scope::Global)), Some(Mode::Full));
        assert_eq!(ladder.mode(OKX), Mode::Full);
        assert_eq!(ladder.on_resume(Scope::Global), None);
    }

    #[test]
    fn every_cause_has_a_name_of_its_own() {
        for (cause, name) in Cause::ALL {
            assert_eq!((cause.name(), Cause::parse(name)), (name, Some(cause)));
        }
        let held: std::collections::BTreeSet<&str> = Cause::ALL.iter().map(|(_, name)| *name).collect();
        assert_eq!((held.len(), Cause::parse("weather")), (Cause::ALL.len(), None));
    }

    #[test]
    fn a_resume_clears_no_cause_that_is_not_latched() {
        let mut ladder = ladder();
        ladder.on_reading(OKX, Cause::StaleBooks, 600, 0);
        ladder.on_time(50 * MS);
        assert_eq!(ladder.on_resume(OKX), None);
        assert_eq!(ladder.mode(OKX), Mode::Reduced);
    }

    proptest! {
        #[test]
        fn the_mode_is_always_the_strictest_cause_and_quiet_readings_bring_full_back(
            readings in prop::collection::vec((0..1_200i64, 0..2_000u64, any::<bool>()), 0..80),
        ) {
            let (mut ladder, mut now) = (ladder(), 0);
            for (value, ms, global) in readings {
                now += ms * MS;
                let scope = if global { Scope::Global } else { OKX };
                ladder.on_reading(scope, Cause::StaleBooks, value, now);
                for scope in [Scope::Global, OKX] {
                    let strictest = ladder.causes(scope).first().map_or(Mode::Full, |cause| cause.1);
                    prop_assert!(ladder.mode(scope) >= strictest);
                }
            }
            ladder.on_reading(OKX, Cause::StaleBooks, 0, now);
            ladder.on_reading(Scope::Global, Cause::StaleBooks, 0, now);
            ladder.on_time(now + STALE.dwell_ns);
            prop_assert_eq!(ladder.mode(OKX), Mode::Full);
        }
    }
}
