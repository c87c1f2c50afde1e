//! Moments to kill at, drawn from a seed.

use std::time::Duration;

/// One start in so many is killed before it trades.
const EARLY_IN: u64 = 3;
/// A start that is killed early lives shorter than this.
const EARLY: Duration = Duration::from_millis(1_000);
/// One that trades is killed within this.
const LATE: Duration = Duration::from_millis(300);

/// When to kill.
#[derive(Clone, Copy, Debug)]
pub enum Moment {
    /// So long after the start, wherever it is by then.
    Early(Duration),
    /// So long after its first order.
    Trading(Duration),
}

/// A small generator (xorshift).
pub struct Dice(u64);

impl Dice {
    /// The generator of a seed.
    pub fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1)
    }

    fn below(&mut self, bound: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 16) % bound
    }

    /// The next moment.
    pub fn moment(&mut self) -> Moment {
        let is_early = self.below(EARLY_IN) == 0;
        let mut within = |most: Duration| Duration::from_micros(self.below(most.as_micros() as u64));
        if is_early { Moment::Early(within(EARLY)) } else { Moment::Trading(within(LATE)) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_kinds_of_moments_are_drawn_and_a_seed_draws_the_same_again() {
        let draw = || {
            let mut dice = Dice::new(7);
            (0..300).map(|_| dice.moment()).collect::<Vec<_>>()
        };
        let early = draw().iter().filter(|moment| matches!(moment, Moment::Early(_))).count();
        assert!((60..140).contains(&early), "{early}");
        assert_eq!(format!("{:?}", draw()), format!("{:?}", draw()));
    }
}
