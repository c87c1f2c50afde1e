//! How long to wait before the next try: doubling, capped, with jitter so that many do not come back
//! at once. The wait lies between a quarter and all of the doubled value: nearly "full jitter", with a
//! floor, since a wait that can be drawn as nothing makes a loop (faults.md C15).

use highwire_links::Nanos;

/// The shortest and the longest full wait.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Backoff {
    /// Full wait before the first retry.
    pub first_ns: Nanos,
    /// Full wait that is never exceeded.
    pub max_ns: Nanos,
}

impl Backoff {
    /// The wait before retry number `attempt` (from 0); `random` decides the jitter.
    pub fn delay_ns(&self, attempt: u32, random: u64) -> Nanos {
        let doubled = self.first_ns.saturating_mul(1u64.checked_shl(attempt).unwrap_or(u64::MAX));
        let full = doubled.min(self.max_ns);
        full - random % (full - full / 4 + 1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dice::Dice;
    use proptest::prelude::*;

    const BACKOFF: Backoff = Backoff { first_ns: 100_000_000, max_ns: 30_000_000_000 };

    proptest! {
        #[test]
        fn a_wait_is_within_a_quarter_and_all_of_its_full_value(
            first_ns in 0..u64::MAX, max_ns in 0..u64::MAX, attempt in 0..200u32, random in any::<u64>(),
        ) {
            let wait = Backoff { first_ns, max_ns }.delay_ns(attempt, random);
            let full = u128::from(first_ns).saturating_mul(1u128 << attempt.min(100)).min(u128::from(max_ns));
            prop_assert!(u128::from(wait) <= full && u128::from(wait) >= full / 4);
        }

        #[test]
        fn at_the_longest_wait_the_jitter_is_still_there(seed in any::<u64>()) {
            let mut dice = Dice::new(seed);
            let waits: Vec<f64> = (0..400).map(|_| BACKOFF.delay_ns(60, dice.roll()) as f64).collect();
            let mean = waits.iter().sum::<f64>() / 400.0;
            let spread = (waits.iter().map(|wait| (wait - mean).powi(2)).sum::<f64>() / 400.0).sqrt();
            prop_assert!(spread / mean > 0.2, "coefficient of variation {}", spread / mean);
        }
    }
}
