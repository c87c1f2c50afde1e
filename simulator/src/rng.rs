//! A tiny seeded generator (splitmix64): the same seed gives the same market on every machine.
//!
//! Algorithm: Steele, Lea, Flood, "Fast splittable pseudorandom number generators", OOPSLA 2014.

/// One stream of pseudo-random numbers.
#[derive(Clone, Debug)]
pub struct Rng(u64);

impl Rng {
    /// A stream for `seed`; `lane` gives independent streams from one seed.
    pub fn new(seed: u64, lane: u64) -> Self {
        let mut rng = Self(seed ^ lane.wrapping_mul(0xD1B5_4A32_D192_ED03));
        rng.next();
        rng
    }

    /// The next 64 bits.
    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    /// A number in `0..bound`; 0 when `bound` is 0.
    pub fn below(&mut self, bound: u64) -> u64 {
        ((u128::from(self.next()) * u128::from(bound)) >> 64) as u64
    }

    /// A number in `0..bound` as `i64`; 0 when `bound` is not positive.
    pub fn below_i64(&mut self, bound: i64) -> i64 {
        self.below(u64::try_from(bound).unwrap_or(0)) as i64
    }

    /// A bell-shaped number with mean 0 and standard deviation `sigma` (a sum of three uniforms, so within ±3 sigma).
    pub fn bell(&mut self, sigma: i64) -> i64 {
        let bits = self.next();
        let sum: i64 = (0..3).map(|i| ((bits >> (21 * i)) & 0x1F_FFFF) as i64 - 0x10_0000).sum();
        (i128::from(sum) * i128::from(sigma) / 0x10_0000) as i64
    }

    /// How often something that happens `per_million` times in a million tries happens in this try (may be more than once).
    pub fn occurrences(&mut self, per_million: u64) -> u64 {
        per_million / 1_000_000 + u64::from(self.below(1_000_000) < per_million % 1_000_000)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seed_and_a_lane_fix_the_stream() {
        let draw = |seed, lane| {
            let mut rng = Rng::new(seed, lane);
            [rng.next(), rng.next(), rng.below(10)]
        };
        assert_eq!(draw(7, 1), draw(7, 1));
        assert_ne!(draw(7, 1), draw(7, 2));
        assert_ne!(draw(7, 1), draw(8, 1));
    }

    #[test]
    fn draws_stay_in_their_ranges() {
        let mut rng = Rng::new(1, 0);
        for _ in 0..10_000 {
            assert!(rng.below(7) < 7);
            assert!(rng.bell(100).abs() <= 300);
            assert!(rng.occurrences(2_500_000) - 2 <= 1);
        }
        assert_eq!(rng.below(0), 0);
        assert_eq!(rng.below_i64(-5), 0);
    }
}
