//! The world's dice: one seed, one run.

use highwire_supervision::dice::Dice as Rolls;

/// Seeded dice.
#[derive(Clone, Debug)]
pub struct Dice(Rolls);

impl Dice {
    /// Dice of this seed.
    pub fn new(seed: u64) -> Self {
        Self(Rolls::new(seed))
    }

    /// 64 bits.
    pub fn bits(&mut self) -> u64 {
        self.0.roll()
    }

    /// A number below `sides`; 0 for none.
    pub fn below(&mut self, sides: u64) -> u64 {
        ((u128::from(self.bits()) * u128::from(sides)) >> 64) as u64
    }

    /// A number from `low` to `high`, both included.
    pub fn between(&mut self, low: u64, high: u64) -> u64 {
        low + self.below(high - low + 1)
    }

    /// True once in `times`.
    pub fn one_in(&mut self, times: u64) -> bool {
        self.below(times.max(1)) == 0
    }

    /// True in so many of a million.
    pub fn ppm(&mut self, chance: u64) -> bool {
        self.below(1_000_000) < chance
    }

    /// One of these.
    pub fn pick<T: Copy>(&mut self, from: &[T]) -> T {
        from[self.below(from.len() as u64) as usize]
    }
}
