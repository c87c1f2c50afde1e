//! A circuit breaker: after a row of failures nothing more is asked of a function for a while; then a few
//! probes decide whether it is back.
//!
//! ```text
//! Passing ──failures in a row──▶ Tripped ──time──▶ Probing ──successes──▶ Passing
//!                                   ▲─────────────────┘ a failure
//! ```
//!
//! One per venue and function (orders, queries) and per sink: on pinned threads and beside them, so it stands
//! here. Only what the other side failed to do counts: a refused order is an answer, not a failure ([`Outcome`]).
//! Source of form and words: Nygard, "Release It!".

use crate::Nanos;

/// When it trips, and how it comes back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Settings {
    /// Failures in a row that trip it.
    pub failures: u32,
    /// How long it stays tripped.
    pub rest_ns: Nanos,
    /// Successful probes in a row that close it.
    pub successes: u32,
    /// Probes under way at a time.
    pub probes_max: u32,
}

impl Default for Settings {
    /// 5 failures, 30 s, 3 successes, one probe at a time.
    fn default() -> Self {
        Self { failures: 5, rest_ns: 30_000_000_000, successes: 3, probes_max: 1 }
    }
}

/// How a request ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The other side did its work, whatever it said: an ack, a fill, a refusal with a reason.
    Answered,
    /// It did not: no answer, a broken line, an answer that cannot be read, a server error.
    Failed,
    /// It asked us to wait. Neither: the rate budget sees to that.
    Limited,
}

/// Where a breaker stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stand {
    /// Everything goes through; so many failures in a row so far.
    Passing {
        /// Failures in a row.
        failures: u32,
    },
    /// Nothing goes through.
    Tripped {
        /// Since when.
        since_ns: Nanos,
    },
    /// A few requests go through.
    Probing {
        /// Probes under way.
        under_way: u32,
        /// Probes that succeeded in a row.
        successes: u32,
    },
}

impl Stand {
    /// Its name in reports and metric labels.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Passing { .. } => "passing",
            Self::Tripped { .. } => "tripped",
            Self::Probing { .. } => "probing",
        }
    }
}

/// It changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Moved {
    /// From.
    pub from: Stand,
    /// To.
    pub to: Stand,
}

/// A breaker.
#[derive(Clone, Debug)]
pub struct Breaker {
    settings: Settings,
    stand: Stand,
    /// When it last changed its stand by name.
    moved_ns: Nanos,
    /// When the last probe went out.
    probed_ns: Nanos,
    trips: u64,
}

impl Breaker {
    /// A breaker that lets everything through.
    pub fn new(settings: Settings) -> Self {
        Self { settings, stand: Stand::Passing { failures: 0 }, moved_ns: 0, probed_ns: 0, trips: 0 }
    }

    /// Where it stands.
    pub fn stand(&self) -> Stand {
        self.stand
    }

    /// How often it tripped.
    pub fn trips(&self) -> u64 {
        self.trips
    }

    /// Time passed: one that has rested probes. `Some` when the stand changed by name.
    pub fn on_time(&mut self, now: Nanos) -> Option<Moved> {
        let Stand::Tripped { since_ns } = self.stand else { return None };
        if now.saturating_sub(since_ns) < self.settings.rest_ns {
            return None;
        }
        let from = std::mem::replace(&mut self.stand, Stand::Probing { under_way: 0, successes: 0 });
        self.moved_ns = now;
        Some(Moved { from, to: self.stand })
    }

    /// Whether [`Self::ask`] would let a request through now.
    pub fn lets(&self, now: Nanos) -> bool {
        self.clone().ask(now)
    }

    /// Whether a request may go out now; one that may must be told of by [`Self::on_outcome`].
    pub fn ask(&mut self, now: Nanos) -> bool {
        match &mut self.stand {
            Stand::Passing { .. } => true,
            Stand::Tripped { since_ns } if now.saturating_sub(*since_ns) < self.settings.rest_ns => false,
            Stand::Tripped { .. } => {
                self.stand = Stand::Probing { under_way: 1, successes: 0 };
                (self.moved_ns, self.probed_ns) = (now, now);
                true
            }
            Stand::Probing { under_way, .. } => {
                // A probe of which nobody told the end must not keep it waiting for ever.
                if now.saturating_sub(self.probed_ns) >= self.settings.rest_ns {
                    *under_way = 0;
                }
                let free = *under_way < self.settings.probes_max;
                if free {
                    *under_way += 1;
                    self.probed_ns = now;
                }
                free
            }
        }
    }

    /// A request ended that was asked for at `asked_ns`. `Some` when the stand changed by name. An answer to a
    /// request from before the last change says nothing about now and changes nothing.
    pub fn on_outcome(&mut self, outcome: Outcome, asked_ns: Nanos, now: Nanos) -> Option<Moved> {
        let from = self.stand;
        if asked_ns < self.moved_ns {
            return None;
        }
        self.stand = match (from, outcome) {
            (Stand::Passing { failures }, Outcome::Failed)
                if failures + 1 >= self.settings.failures && !cfg!(mutant = "breaker") =>
            {
                self.trip(now)
            }
            (Stand::Passing { failures }, Outcome::Failed) => Stand::Passing { failures: failures + 1 },
            (Stand::Passing { .. }, Outcome::Answered) => Stand::Passing { failures: 0 },
            (Stand::Probing { .. }, Outcome::Failed) => self.trip(now),
            (Stand::Probing { under_way, successes }, Outcome::Answered) => self.probed(under_way, successes + 1),
            (Stand::Probing { under_way, successes }, Outcome::Limited) => {
                Stand::Probing { under_way: under_way.saturating_sub(1), successes }
            }
            (stand, _) => stand,
        };
        if from.name() == self.stand.name() {
            return None;
        }
        self.moved_ns = now;
        Some(Moved { from, to: self.stand })
    }

    fn trip(&mut self, now: Nanos) -> Stand {
        self.trips += 1;
        Stand::Tripped { since_ns: now }
    }

    fn probed(&self, under_way: u32, successes: u32) -> Stand {
        if successes >= self.settings.successes {
            return Stand::Passing { failures: 0 };
        }
        Stand::Probing { under_way: under_way.saturating_sub(1), successes }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use Outcome::{Answered, Failed, Limited};
    use proptest::prelude::*;

    const S: Nanos = 1_000_000_000;

    fn breaker() -> Breaker {
        Breaker::new(Settings::default())
    }

    fn run(breaker: &mut Breaker, outcomes: &[Outcome], now: Nanos) -> Option<Moved> {
        outcomes.iter().filter_map(|&outcome| breaker.on_outcome(outcome, now, now)).last()
    }

    #[test]
    fn five_failures_in_a_row_trip_it_and_an_answer_between_them_does_not_let_them() {
        let mut tripped = breaker();
        assert_eq!(run(&mut tripped, &[Failed, Failed, Answered, Failed, Failed, Failed, Failed], S), None);
        let moved = run(&mut tripped, &[Limited, Failed], S).unwrap();
        assert_eq!((moved.to, tripped.trips()), (Stand::Tripped { since_ns: S }, 1));
        assert!(!tripped.ask(30 * S) && tripped.ask(31 * S));
    }

    #[test]
    fn probes_are_limited_and_three_in_a_row_close_it() {
        let mut probing = breaker();
        run(&mut probing, &[Failed; 5], 0);
        for at in [30, 31, 32] {
            assert!(probing.ask(at * S) && !probing.ask(at * S), "one probe at a time");
            probing.on_outcome(Answered, at * S, at * S);
        }
        assert_eq!(probing.stand(), Stand::Passing { failures: 0 });
    }

    #[test]
    fn time_alone_makes_it_probe_and_what_went_without_asking_counts_then() {
        let mut rested = breaker();
        run(&mut rested, &[Failed; 5], 0);
        assert_eq!((rested.on_time(29 * S), rested.lets(29 * S)), (None, false));
        assert_eq!(rested.on_time(30 * S).map(|moved| moved.to.name()), Some("probing"));
        assert_eq!((rested.on_time(31 * S), rested.lets(31 * S)), (None, true));
        assert_eq!(run(&mut rested, &[Answered; 3], 31 * S).map(|moved| moved.to.name()), Some("passing"));
    }

    #[test]
    fn a_failed_probe_trips_it_anew_and_a_late_answer_changes_nothing() {
        let mut probing = breaker();
        run(&mut probing, &[Failed; 5], 0);
        assert!(probing.ask(30 * S));
        assert_eq!(probing.on_outcome(Answered, 0, 30 * S), None, "it was asked before the breaker tripped");
        probing.on_outcome(Failed, 30 * S, 31 * S);
        assert_eq!(probing.stand(), Stand::Tripped { since_ns: 31 * S });
        assert!(!probing.ask(60 * S) && probing.ask(61 * S));
    }

    proptest! {
        #[test]
        fn a_healthy_other_side_is_always_reached_again(
            past in prop::collection::vec((0..4u8, 0..20u64), 0..60),
        ) {
            let (mut breaker, mut now) = (breaker(), 0);
            for (kind, seconds) in past {
                now += seconds * S;
                // The fourth kind of end is one that nobody tells.
                let outcome = [Some(Answered), Some(Failed), Some(Limited), None][usize::from(kind)];
                if let (true, Some(outcome)) = (breaker.ask(now), outcome) {
                    breaker.on_outcome(outcome, now, now);
                }
            }
            for _ in 0..5 {
                now += 30 * S;
                if breaker.ask(now) {
                    breaker.on_outcome(Answered, now, now);
                }
            }
            prop_assert_eq!(breaker.stand().name(), "passing");
        }
    }
}
