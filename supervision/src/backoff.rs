//! How long to wait before the next try: doubling, capped, with jitter so that many do not come back
//! at once. The wait lies between half and all of the doubled value ("equal jitter").

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
        full - random % (full / 2 + 1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn a_wait_is_within_half_and_all_of_its_full_value(
            first_ns in 0..u64::MAX, max_ns in 0..u64::MAX, attempt in 0..200u32, random in any::<u64>(),
        ) {
            let wait = Backoff { first_ns, max_ns }.delay_ns(attempt, random);
            let full = u128::from(first_ns).saturating_mul(1u128 << attempt.min(100)).min(u128::from(max_ns));
            prop_assert!(u128::from(wait) <= full && u128::from(wait) >= full - full / 2);
        }

        #[test]
        fn a_later_try_never_waits_for_less_than_half_of_an_earlier_one(attempt in 0..64u32, a in any::<u64>(), b in any::<u64>()) {
            let backoff = Backoff { first_ns: 100_000_000, max_ns: 30_000_000_000 };
            prop_assert!(2 * backoff.delay_ns(attempt + 1, a) >= backoff.delay_ns(attempt, b));
        }
    }
}
