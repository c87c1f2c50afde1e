//! One instrument's book at its venue: what is true, and how the venue numbers what it says of it.

use crate::dice::Dice;
use highwire_links::decode::Chain;
use highwire_links::update::{Best, DepthHead, DepthKind, Sequence};
use highwire_links::{InstrumentId, Nanos};

/// Levels of a side.
pub const LEVELS: usize = 10;
/// Distance of two levels, mantissa of a price: whole steps of every tick that the drill uses.
pub const STEP: i64 = 100;

/// Price and quantity.
pub type Level = (i64, i64);

/// A book as it was.
#[derive(Clone, Debug)]
pub struct Copy {
    /// Where it stood in the sequence.
    pub last: u64,
    /// Bids, the best first.
    pub bids: [Level; LEVELS],
    /// Asks, the best first.
    pub asks: [Level; LEVELS],
}

/// A book.
#[derive(Clone, Debug)]
pub struct Book {
    /// Whose.
    pub instrument: InstrumentId,
    chain: Chain,
    /// As it stands.
    pub now: Copy,
    /// As it was a while ago.
    pub old: Copy,
    first: u64,
    prev: u64,
    seed: u64,
    /// What was taken of a level, until it leaves the book.
    taken: Vec<Level>,
    changes: u64,
    /// What the last change was.
    pub bids: Vec<Level>,
    /// What the last change was.
    pub asks: Vec<Level>,
}

impl Book {
    /// A book around a price.
    pub fn new(instrument: InstrumentId, chain: Chain, mid: i64, seed: u64) -> Self {
        let copy = Copy { last: 1_000, bids: [(0, 0); LEVELS], asks: [(0, 0); LEVELS] };
        let (bids, asks) = (Vec::with_capacity(4 * LEVELS), Vec::with_capacity(4 * LEVELS));
        let mut book = Self {
            instrument,
            chain,
            old: copy.clone(),
            now: copy,
            first: 1_000,
            prev: 999,
            seed,
            taken: Vec::new(),
            changes: 0,
            bids,
            asks,
        };
        (book.now.bids, book.now.asks) = book.around(mid);
        book
    }

    fn around(&self, mid: i64) -> ([Level; LEVELS], [Level; LEVELS]) {
        let grid = mid / STEP;
        let level = |px: i64| (px, self.quantity(px));
        let bids = std::array::from_fn(|rank| level((grid - 1 - rank as i64) * STEP));
        let asks = std::array::from_fn(|rank| level((grid + 1 + rank as i64) * STEP));
        (bids, asks)
    }

    /// Half a thousandth of a coin to seven hundredths, in whole lots.
    fn quantity(&self, px: i64) -> i64 {
        let epoch = self.changes >> 5;
        let mixed = (px.cast_unsigned() ^ self.seed ^ epoch << 40).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        let whole = 100 + (mixed >> 40) as i64 % 7_000 / 10 * 10;
        let taken = self.taken.iter().find(|&&(at, _)| at == px).map_or(0, |&(_, qty)| qty);
        (whole - taken).max(10)
    }

    /// Moves to another price; the change stands in `bids` and `asks` afterwards.
    pub fn move_to(&mut self, mid: i64, dice: &mut Dice) {
        self.changes += 1;
        if self.changes.is_multiple_of(16) {
            self.old = self.now.clone();
        }
        if self.changes.is_multiple_of(32) {
            self.taken.clear();
        }
        let (bids, asks) = self.around(mid);
        changes(&self.now.bids, &bids, &mut self.bids);
        changes(&self.now.asks, &asks, &mut self.asks);
        (self.now.bids, self.now.asks) = (bids, asks);
        self.prev = self.now.last;
        self.first = self.prev + 1;
        self.now.last += if self.chain == Chain::PlusOneInBand { 1 } else { dice.between(1, 3) };
    }

    /// Numbers begin anew far below, as after a venue's maintenance.
    pub fn reset(&mut self) {
        self.now.last = self.now.last / 2 + 1;
    }

    /// Something of a level was taken.
    pub fn take(&mut self, px: i64, qty: i64) {
        match self.taken.iter_mut().find(|(at, _)| *at == px) {
            Some((_, taken)) => *taken += qty,
            None => self.taken.push((px, qty)),
        }
    }

    /// The head of the last change.
    pub fn delta(&self, event_ns: Nanos) -> DepthHead {
        let (first, last, prev) = (Some(self.first), Some(self.now.last), Some(self.prev));
        let none = Sequence::default();
        let (sequence, best) = match self.chain {
            Chain::FirstLast => (Sequence { first, last, ..none }, None),
            Chain::PrevBridged => (Sequence { first, last, prev, ..none }, None),
            Chain::PrevInBand => (Sequence { last, prev, ..none }, None),
            Chain::PlusOneInBand => (Sequence { last, ..none }, None),
            Chain::BestChecked => (times(event_ns), Some(Best { bid: self.now.bids[0].0, ask: self.now.asks[0].0 })),
        };
        let (instrument, kind) = (self.instrument, DepthKind::Delta);
        DepthHead { instrument, kind, event_ns, sequence, checksum: None, best }
    }

    /// The head of a whole book.
    pub fn snapshot(&self, of: &Copy, event_ns: Nanos) -> DepthHead {
        let sequence = if self.chain == Chain::BestChecked {
            times(event_ns)
        } else {
            Sequence { last: Some(of.last), ..Sequence::default() }
        };
        let (instrument, kind) = (self.instrument, DepthKind::Snapshot);
        DepthHead { instrument, kind, event_ns, sequence, checksum: None, best: None }
    }
}

fn times(event_ns: Nanos) -> Sequence {
    Sequence { last: Some(event_ns / 1_000_000), ..Sequence::default() }
}

fn changes(from: &[Level; LEVELS], to: &[Level; LEVELS], into: &mut Vec<Level>) {
    into.clear();
    let gone = from.iter().filter(|(px, _)| !to.iter().any(|(other, _)| other == px));
    into.extend(gone.map(|&(px, _)| (px, 0)));
    into.extend(to.iter().filter(|level| !from.contains(level)));
}
