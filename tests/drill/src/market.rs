//! The markets: one fair price a pair that wanders, and venues that stand apart from it for a moment, again and again.

use crate::clock::MS;
use crate::dice::Dice;
use crate::ground::{PAIRS, VENUES};
use crate::verb::Swarm;
use highwire_links::Nanos;

/// A venue that stands apart from the fair price of a pair.
#[derive(Clone, Copy, Debug, Default)]
struct Apart {
    until_ns: Nanos,
    bps: i64,
}

/// All prices.
#[derive(Clone, Debug)]
pub struct Market {
    fair: [i64; PAIRS.len()],
    apart: [[Apart; PAIRS.len()]; VENUES.len()],
    next_ns: Nanos,
    turn: usize,
}

/// A book that moves.
#[derive(Clone, Copy, Debug)]
pub struct Move {
    /// The venue's place.
    pub place: usize,
    /// The pair.
    pub pair: usize,
    /// To which middle.
    pub mid: i64,
}

impl Market {
    /// Prices as they begin.
    pub fn new(now: Nanos) -> Self {
        Self { fair: PAIRS.map(|(_, px)| px), apart: Default::default(), next_ns: now, turn: 0 }
    }

    /// The fair price of a pair.
    pub fn fair(&self, pair: usize) -> i64 {
        self.fair[pair]
    }

    /// The books that move in one step.
    pub fn step(&mut self, swarm: &Swarm, now: Nanos, dice: &mut Dice) -> Vec<Move> {
        let mut moves = Vec::with_capacity(4);
        for (fair, (_, home)) in self.fair.iter_mut().zip(PAIRS) {
            let step = dice.below(41).cast_signed() - 20;
            *fair = (*fair + *fair / 10_000 * step / 40).clamp(home / 2, home * 2);
        }
        if now >= self.next_ns {
            self.next_ns = now + dice.between(swarm.dislocation_ms / 2, swarm.dislocation_ms * 3 / 2) * MS;
            let (place, pair) = (dice.below(VENUES.len() as u64) as usize, dice.below(PAIRS.len() as u64) as usize);
            let bps = swarm.dislocation_bps.cast_signed() * if dice.one_in(2) { 1 } else { -1 };
            self.apart[place][pair] = Apart { until_ns: now + dice.between(60, 400) * MS, bps };
            moves.push(self.at(place, pair, now));
        }
        // Every book in turn, so that none goes stale by chance.
        for _ in 0..2 {
            self.turn = (self.turn + 1) % (VENUES.len() * PAIRS.len());
            moves.push(self.at(self.turn / PAIRS.len(), self.turn % PAIRS.len(), now));
        }
        moves
    }

    /// Where a book stands.
    pub fn at(&self, place: usize, pair: usize, now: Nanos) -> Move {
        let Apart { until_ns, bps } = self.apart[place][pair];
        let bps = if now < until_ns { bps } else { 0 };
        let fair = self.fair[pair];
        Move { place, pair, mid: fair + fair / 10_000 * bps }
    }

    /// A book jumps far away for a moment.
    pub fn outlier(&mut self, place: usize, pair: usize, until_ns: Nanos) {
        self.part(place, pair, until_ns, 700);
    }

    /// A book stands apart from the fair price until then.
    pub fn part(&mut self, place: usize, pair: usize, until_ns: Nanos, bps: i64) {
        self.apart[place][pair] = Apart { until_ns, bps };
    }

    /// Every price moves.
    pub fn shift(&mut self, bps: i64) {
        self.fair.iter_mut().for_each(|fair| *fair += *fair / 10_000 * bps);
    }
}
