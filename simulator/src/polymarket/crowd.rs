//! Everybody else: a seeded crowd that quotes around a market's fair price, trades, and is wrong at times,
//! so that opportunities arise. The fair price is the probability that a driftless random walk with the
//! asset's own volatility ends its window at or above the start: Φ(ln(S/K) / (σ √τ)).

use super::book::Book;
use super::{MICRO, PX_ONE};
use crate::rng::Rng;

/// The crowd's time step in ns.
pub(super) const QUANTUM_NS: u64 = 10_000_000;
/// Levels on each side.
const DEPTH: i64 = 10;

/// How the crowd behaves.
#[derive(Clone, Copy, Debug)]
pub(super) struct Temper {
    /// Quotes and trades per second and market.
    pub(super) rate_per_s: u32,
    /// How often per minute a market is priced wrongly for a while.
    pub(super) errors_per_min: u32,
    /// By how much, in ten-thousandths.
    pub(super) error_px: i64,
}

/// What the crowd does next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Act {
    /// Has this many shares at a price of Up from now on.
    Quote { bid: bool, px: i64, qty: i64 },
    /// Takes up to this many shares down to, or up to, a price.
    Take { buys_up: bool, px: i64, qty: i64 },
}

/// The crowd of one market.
#[derive(Debug)]
pub(super) struct Crowd {
    rng: Rng,
    temper: Temper,
    /// Present error in ten-thousandths, fading.
    error_px: i64,
    /// Middle of the quotes that stand, and the tick they were made for.
    stands: Option<(i64, i64)>,
}

impl Crowd {
    pub(super) fn new(seed: u64, lane: u64, temper: Temper) -> Self {
        Self { rng: Rng::new(seed, lane), temper, error_px: 0, stands: None }
    }

    /// One quantum: the acts to put into `book` in their order.
    pub(super) fn quantum(&mut self, book: &Book, fair_px: i64, tick: i64) -> Vec<Act> {
        self.err();
        let middle = (fair_px + self.error_px).clamp(2 * tick, PX_ONE - 2 * tick) / tick * tick;
        let mut acts = Vec::new();
        if self.stands != Some((middle, tick)) {
            self.stands = Some((middle, tick));
            self.requote(book, middle, tick, &mut acts);
        }
        let per_million = u64::from(self.temper.rate_per_s) * 1_000_000 * QUANTUM_NS / 1_000_000_000;
        for _ in 0..self.rng.occurrences(per_million) {
            self.act(book, middle, tick, &mut acts);
        }
        acts
    }

    fn err(&mut self) {
        let per_million = u64::from(self.temper.errors_per_min) * 1_000_000 * QUANTUM_NS / 60_000_000_000;
        self.error_px -= self.error_px / 128; // fades over about 1.3 s
        if self.rng.occurrences(per_million) > 0 {
            self.error_px = if self.rng.below(2) == 0 { self.temper.error_px } else { -self.temper.error_px };
        }
    }

    /// Leaves what the price has passed, takes orders of others there, fills the ladder again.
    fn requote(&mut self, book: &Book, middle: i64, tick: i64, acts: &mut Vec<Act>) {
        for bid in [true, false] {
            let wanted = |px: i64| if bid { px < middle } else { px > middle } && px % tick == 0;
            let gone = book.levels(bid).into_iter().filter(|&(px, _)| !wanted(px) && book.crowd(bid, px) > 0);
            acts.extend(gone.map(|(px, _)| Act::Quote { bid, px, qty: 0 }));
        }
        acts.push(Act::Take { buys_up: true, px: middle - tick, qty: i64::MAX });
        acts.push(Act::Take { buys_up: false, px: middle + tick, qty: i64::MAX });
        for bid in [true, false] {
            for step in 1..=DEPTH {
                let px = if bid { middle - step * tick } else { middle + step * tick };
                if px >= tick && px <= PX_ONE - tick && book.crowd(bid, px) == 0 {
                    acts.push(Act::Quote { bid, px, qty: self.size(step) });
                }
            }
        }
    }

    fn act(&mut self, book: &Book, middle: i64, tick: i64, acts: &mut Vec<Act>) {
        let (bid, step) = (self.rng.below(2) == 0, 1 + self.rng.below_i64(DEPTH));
        if self.rng.below(8) == 0 {
            let qty = (1 + self.rng.below_i64(60)) * MICRO;
            if let Some(px) = book.best(!bid) {
                acts.push(Act::Take { buys_up: bid, px, qty });
            }
            return;
        }
        let px = if bid { middle - step * tick } else { middle + step * tick };
        if px >= tick && px <= PX_ONE - tick {
            acts.push(Act::Quote { bid, px, qty: self.size(step) });
        }
    }

    /// Whole shares, more of them further away.
    fn size(&mut self, step: i64) -> i64 {
        (20 + self.rng.below_i64(100 * step)) * MICRO
    }
}

/// The fair price of Up in ten-thousandths: price now, price at the window's start, seconds left, and
/// the volatility of one second in parts per million.
pub(super) fn fair(now_e8: i64, start_e8: i64, left_s: f64, volatility_ppm: u32) -> i64 {
    let spread = f64::from(volatility_ppm.max(1)) / 1e6 * left_s.max(0.5).sqrt();
    let distance = (now_e8.max(1) as f64 / start_e8.max(1) as f64).ln() / spread;
    (normal(distance) * PX_ONE as f64).round() as i64
}

/// The normal distribution function; error below 1e-5 (Zelen and Severo, Handbook of Mathematical Functions, 26.2.16).
fn normal(x: f64) -> f64 {
    let t = 1.0 / (1.0 + 0.332_67 * x.abs());
    let tail =
        (-x * x / 2.0).exp() / std::f64::consts::TAU.sqrt() * t * (0.436_183_6 + t * (-0.120_167_6 + t * 0.937_298));
    if x >= 0.0 { 1.0 - tail } else { tail }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_fair_price_is_a_probability_of_ending_up() {
        let at = |now, left| fair(now, 100_000_000, left, 100);
        assert_eq!(at(100_000_000, 900.0), 5_000);
        assert!(at(100_300_000, 900.0) > 8_000 && at(99_700_000, 900.0) < 2_000);
        assert!(at(100_300_000, 1.0) > 9_990);
        assert!((normal(1.0) - 0.841_345).abs() < 1e-4);
    }

    #[test]
    fn quotes_stand_on_both_sides_and_never_cross() {
        let temper = Temper { rate_per_s: 500, errors_per_min: 600, error_px: 600 };
        let mut crowd = Crowd::new(3, 1, temper);
        let mut book = Book::default();
        let mut taken = 0;
        for step in 0..2_000 {
            let fair_px = 5_000 + (step % 100) * 10;
            for act in crowd.quantum(&book, fair_px, 100) {
                match act {
                    Act::Quote { bid, px, qty } => book.set_crowd(bid, px, qty),
                    Act::Take { buys_up, px, qty } => {
                        let plan = book.plan(buys_up, px, super::super::book::Appetite::Shares(qty));
                        taken += plan.len();
                        book.take(buys_up, &plan);
                    }
                }
            }
            assert!(book.best(true) < book.best(false), "step {step}");
        }
        assert!(taken > 100, "{taken} trades");
    }
}
