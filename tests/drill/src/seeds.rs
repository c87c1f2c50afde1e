//! Many seeds, each in a world of its own, on as many threads as there are cores: what one run is, does not change by it.

use crate::canary::Canary;
use crate::ground::Grounds;
use crate::run::{Failure, Seen, days};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

/// Which seeds, and for how long.
#[derive(Clone, Copy, Debug)]
pub struct Seeds {
    /// The first.
    pub first: u64,
    /// Days of all.
    pub days: u64,
    /// Days of each, at least 1.
    pub days_per_seed: u64,
    /// What to do wrong on purpose.
    pub canary: Option<Canary>,
}

/// What became of those that were run.
#[derive(Debug, Default)]
struct Outcome {
    seen: Seen,
    /// The failure of the lowest seed.
    failure: Option<Failure>,
}

impl Seeds {
    /// How many there are.
    pub fn count(&self) -> u64 {
        self.days.div_ceil(self.days_per_seed)
    }

    /// Runs them on so many threads, and says after each how many days are over. A failure ends it, after the seeds that
    /// have begun.
    ///
    /// # Errors
    /// The failure of the lowest seed that fails.
    pub fn run(&self, grounds: &Grounds, jobs: usize, progress: impl Fn(u64) + Sync) -> Result<Seen, Failure> {
        let (next, outcome) = (AtomicU64::new(0), Mutex::new(Outcome::default()));
        std::thread::scope(|scope| {
            for _ in 0..jobs.max(1) {
                scope.spawn(|| while self.run_next(grounds, &next, &outcome, &progress) {});
            }
        });
        let Outcome { seen, failure } = outcome.into_inner().unwrap_or_else(PoisonError::into_inner);
        failure.map_or(Ok(seen), Err)
    }

    /// Runs the next seed; false when there is none, or one has failed.
    fn run_next(
        &self,
        grounds: &Grounds,
        next: &AtomicU64,
        outcome: &Mutex<Outcome>,
        progress: &(impl Fn(u64) + Sync),
    ) -> bool {
        let hold = || outcome.lock().unwrap_or_else(PoisonError::into_inner);
        let at = next.fetch_add(1, Ordering::Relaxed);
        if at >= self.count() || hold().failure.is_some() {
            return false;
        }
        let (seed, mut seen) = (self.first + at, Seen::default());
        let wanted = self.days_per_seed.min(self.days - at * self.days_per_seed);
        let ended = days(grounds.of(seed), seed, wanted, self.canary, &mut seen);
        let mut outcome = hold();
        match ended {
            Ok(_) => {
                outcome.seen.add(&seen);
                progress(outcome.seen.days);
            }
            Err(failure) if outcome.failure.as_ref().is_none_or(|lowest| seed < lowest.seed) => {
                outcome.failure = Some(failure);
            }
            Err(_) => {}
        }
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_threads_see_what_one_sees_and_tell_of_the_lowest_seed_that_fails() {
        let grounds = Grounds::new().unwrap();
        let seeds = Seeds { first: 3, days: 3, days_per_seed: 1, canary: None };
        let seen = |jobs| seeds.run(&grounds, jobs, |_| {}).unwrap();
        let (one, two) = (seen(1), seen(2));
        assert_eq!((one.days, one.events, one.orders, one.records), (two.days, two.events, two.orders, two.records));
        assert_eq!((one.days, one.fired.count), (3, two.fired.count));
        let broken = Seeds { canary: Some(Canary::WrongFill), ..seeds };
        assert_eq!(broken.run(&grounds, 2, |_| {}).unwrap_err().seed, 3);
    }
}
