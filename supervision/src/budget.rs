//! How often something may be restarted before its failure is somebody else's problem.

use crate::backoff::Backoff;
use highwire_links::Nanos;
use std::collections::VecDeque;

/// At most `restarts` within any `period_ns`, with a wait before each.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Budget {
    /// Restarts permitted within one period.
    pub restarts: u32,
    /// The period.
    pub period_ns: Nanos,
    /// The wait before each restart; it grows with the restarts still in the period.
    pub backoff: Backoff,
}

impl Budget {
    /// Pinned threads: 3 in 600 s, from 50 ms to 2 s apart.
    pub const PINNED_THREAD: Self = Self {
        restarts: 3,
        period_ns: 600_000_000_000,
        backoff: Backoff { first_ns: 50_000_000, max_ns: 2_000_000_000 },
    };
}

/// What to do about a failure.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Start it again after this wait.
    Restart {
        /// Nanoseconds to wait.
        after_ns: Nanos,
    },
    /// The budget is spent: escalate.
    GiveUp,
}

/// A budget in use.
#[derive(Clone, Debug)]
pub struct Restarts {
    budget: Budget,
    failures: VecDeque<Nanos>,
}

impl Restarts {
    /// Nothing spent yet.
    pub fn new(budget: Budget) -> Self {
        Self { budget, failures: VecDeque::new() }
    }

    /// It failed at `now`; `random` decides the jitter of the wait. A refused restart spends nothing.
    pub fn on_failure(&mut self, now: Nanos, random: u64) -> Verdict {
        let begin = now.saturating_sub(self.budget.period_ns);
        while self.failures.front().is_some_and(|&at| at < begin) {
            self.failures.pop_front();
        }
        let spent = u32::try_from(self.failures.len()).unwrap_or(u32::MAX);
        if spent >= self.budget.restarts && !cfg!(mutant = "restart-budget") {
            return Verdict::GiveUp;
        }
        self.failures.push_back(now);
        Verdict::Restart { after_ns: self.budget.backoff.delay_ns(spent, random) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const BACKOFF: Backoff = Backoff { first_ns: 10, max_ns: 100 };

    #[test]
    fn the_fourth_failure_within_the_period_is_one_too_many_and_later_it_is_not() {
        let mut restarts = Restarts::new(Budget::PINNED_THREAD);
        let minute = 60_000_000_000;
        let verdicts: Vec<_> = [1, 2, 3, 4, 12].map(|m| restarts.on_failure(m * minute, 0)).into();
        let given_up: Vec<_> = verdicts.iter().map(|v| *v == Verdict::GiveUp).collect();
        assert_eq!(given_up, [false, false, false, true, false]);
    }

    #[test]
    fn without_a_budget_nothing_is_restarted() {
        let budget = Budget { restarts: 0, period_ns: 1, backoff: BACKOFF };
        assert_eq!(Restarts::new(budget).on_failure(5, 5), Verdict::GiveUp);
    }

    proptest! {
        #[test]
        fn no_window_of_one_period_holds_more_restarts_than_the_budget(
            restarts in 0..6u32, period_ns in 1..1000u64, steps in prop::collection::vec(0..400u64, 0..60), random in any::<u64>(),
        ) {
            let mut held = Restarts::new(Budget { restarts, period_ns, backoff: BACKOFF });
            let mut now = 5_000;
            let mut granted: Vec<u64> = Vec::new();
            for step in steps {
                now += step;
                match held.on_failure(now, random) {
                    Verdict::Restart { .. } => granted.push(now),
                    Verdict::GiveUp => {
                        let recent = granted.iter().filter(|&&at| at + period_ns >= now).count();
                        prop_assert_eq!(recent as u32, restarts, "gave up although the budget was not spent");
                    }
                }
            }
            for (i, &at) in granted.iter().enumerate() {
                let within = granted[i..].iter().filter(|&&later| later - at <= period_ns).count();
                prop_assert!(within as u32 <= restarts);
            }
        }
    }
}
