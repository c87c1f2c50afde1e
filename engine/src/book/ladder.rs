//! One side of a book: a window of price steps around the best, and a sorted tail for the far levels.
//!
//! Near the market, where nearly all updates fall, a level is an array slot found by one division,
//! and the best is the lowest set bit of a two-step bitmap. Far levels wait in a sorted vector; the
//! window slides when the market walks out of it. Exact for any prices: the step is the greatest
//! common divisor of the prices seen, and a price that breaks it rebuilds the window.
//!
//! Prices are kept as keys, larger meaning worse, so that both sides are one code. All memory is
//! taken at construction.

use highwire_links::Side;
use highwire_links::limits::BOOK_LEVELS_MAX;
use highwire_links::update::Level;

const SLOTS: usize = 4096;
const WORDS: usize = SLOTS / 64;
/// Slot of the best level after the window was placed: room for the market to improve.
const ANCHOR: i64 = 1024;

/// Why levels were not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refused {
    /// The side holds [`BOOK_LEVELS_MAX`] levels already.
    TooDeep,
    /// A price that is not positive, a negative quantity, or one price twice in a whole book.
    BadLevel,
}

/// A level as kept: quantity, and the decimals that the venue's text showed.
#[derive(Clone, Copy, Debug, Default)]
struct Slot {
    qty: i64,
    px_shown: u8,
    qty_shown: u8,
}

/// One side of a book.
#[derive(Clone, Debug)]
pub struct Ladder {
    sign: i64,
    step: i64,
    /// Key of slot 0, in steps.
    low: i64,
    slots: Box<[Slot]>,
    words: [u64; WORDS],
    summary: u64,
    /// Levels at or beyond the window's end, worst first.
    tail: Vec<(i64, Slot)>,
    len: usize,
}

impl Ladder {
    /// An empty side.
    pub fn new(side: Side) -> Self {
        Self {
            sign: if side == Side::Buy { -1 } else { 1 },
            step: 0,
            low: 0,
            slots: vec![Slot::default(); SLOTS].into(),
            words: [0; WORDS],
            summary: 0,
            tail: Vec::with_capacity(BOOK_LEVELS_MAX + SLOTS),
            len: 0,
        }
    }

    /// Levels held.
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether there is no level.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Forgets every level.
    pub fn clear(&mut self) {
        self.empty_window();
        self.tail.clear();
        (self.len, self.step) = (0, 0);
    }

    /// Replaces all levels; the order does not matter, quantity zero is no level.
    ///
    /// # Errors
    /// [`Refused`]: more than a side holds, a bad level, a price twice; it is empty then.
    pub fn replace(&mut self, levels: &[Level]) -> Result<(), Refused> {
        self.clear();
        if levels.len() > BOOK_LEVELS_MAX {
            return Err(Refused::TooDeep);
        }
        for level in levels.iter().filter(|level| level.qty != 0) {
            self.step = gcd(self.step, level.px);
            self.tail.push((self.sign * level.px, slot_of(level)));
        }
        self.tail.sort_unstable_by_key(|(key, _)| std::cmp::Reverse(*key));
        let twice = self.tail.windows(2).any(|pair| pair[0].0 == pair[1].0);
        if twice || levels.iter().any(is_bad) {
            self.clear();
            return Err(Refused::BadLevel);
        }
        self.len = self.tail.len();
        self.place_window();
        Ok(())
    }

    /// Sets or, with quantity zero, removes a level.
    ///
    /// # Errors
    /// [`Refused`] when it is bad or finds no room; nothing changed then.
    pub fn set(&mut self, level: &Level) -> Result<(), Refused> {
        if is_bad(level) {
            return Err(Refused::BadLevel);
        }
        if level.qty == 0 {
            self.remove(level.px);
            return Ok(());
        }
        let steps = self.steps_of(level.px).unwrap_or_else(|| self.refine_step(level.px));
        let key = self.sign * level.px;
        let at = self.sign * steps - self.low;
        if (0..SLOTS as i64).contains(&at) {
            return self.set_slot(at as usize, slot_of(level));
        }
        if at < 0 {
            return self.set_better_than_window(key, slot_of(level));
        }
        self.set_tail(key, slot_of(level))?;
        if self.summary == 0 {
            self.place_window();
        }
        Ok(())
    }

    /// Price and quantity of the best level.
    pub fn best(&self) -> Option<(i64, i64)> {
        let at = self.first_slot()?;
        Some((self.px_of_slot(at), self.slots[at].qty))
    }

    /// Levels from the best to the worst.
    pub fn iter(&self) -> impl Iterator<Item = Level> + '_ {
        let window = Bits { words: &self.words, word: 0, rest: self.words[0] }
            .map(|at| self.level(self.px_of_slot(at), self.slots[at]));
        let tail = self.tail.iter().rev().map(|(key, slot)| self.level(self.sign * key, *slot));
        window.chain(tail)
    }

    fn level(&self, px: i64, slot: Slot) -> Level {
        Level { px, qty: slot.qty, px_shown: slot.px_shown, qty_shown: slot.qty_shown }
    }

    fn px_of_slot(&self, at: usize) -> i64 {
        self.sign * (self.low + at as i64) * self.step
    }

    fn first_slot(&self) -> Option<usize> {
        if self.summary == 0 {
            return None;
        }
        let word = self.summary.trailing_zeros() as usize;
        Some(word * 64 + self.words[word].trailing_zeros() as usize)
    }

    fn set_slot(&mut self, at: usize, slot: Slot) -> Result<(), Refused> {
        let bit = 1u64 << (at % 64);
        if self.words[at / 64] & bit == 0 {
            if self.len >= BOOK_LEVELS_MAX {
                return Err(Refused::TooDeep);
            }
            self.len += 1;
            self.words[at / 64] |= bit;
            self.summary |= 1 << (at / 64);
        }
        self.slots[at] = slot;
        Ok(())
    }

    fn set_better_than_window(&mut self, key: i64, slot: Slot) -> Result<(), Refused> {
        if self.len >= BOOK_LEVELS_MAX {
            return Err(Refused::TooDeep);
        }
        self.spill_window();
        self.tail.push((key, slot));
        self.len += 1;
        self.place_window();
        Ok(())
    }

    fn set_tail(&mut self, key: i64, slot: Slot) -> Result<(), Refused> {
        let at = self.tail.partition_point(|(held, _)| *held > key);
        match self.tail.get_mut(at) {
            Some((held, old)) if *held == key => *old = slot,
            _ if self.len >= BOOK_LEVELS_MAX => return Err(Refused::TooDeep),
            _ => {
                self.tail.insert(at, (key, slot));
                self.len += 1;
            }
        }
        Ok(())
    }

    fn remove(&mut self, px: i64) {
        let Some(steps) = self.steps_of(px) else { return };
        let key = self.sign * px;
        let at = self.sign * steps - self.low;
        if (0..SLOTS as i64).contains(&at) {
            self.remove_slot(at as usize);
        } else if at > 0 {
            let at = self.tail.partition_point(|(held, _)| *held > key);
            if self.tail.get(at).is_some_and(|(held, _)| *held == key) {
                self.tail.remove(at);
                self.len -= 1;
            }
        }
    }

    fn remove_slot(&mut self, at: usize) {
        let (word, bit) = (at / 64, 1u64 << (at % 64));
        if self.words[word] & bit == 0 {
            return;
        }
        self.words[word] &= !bit;
        self.len -= 1;
        if self.words[word] == 0 {
            self.summary &= !(1 << word);
            if self.summary == 0 && !self.tail.is_empty() {
                self.place_window();
            }
        }
    }

    /// The price in steps; `None` when it is no multiple of the step.
    fn steps_of(&self, px: i64) -> Option<i64> {
        // Neither is negative: one unsigned division, whose product back tells whether it was exact.
        let (px, step) = (px.cast_unsigned(), self.step.cast_unsigned());
        let steps = px.checked_div(step)?;
        (steps.wrapping_mul(step) == px).then_some(steps.cast_signed())
    }

    /// A price that is no multiple of the step: the step becomes finer and the window is laid anew.
    /// Returns the price in new steps.
    fn refine_step(&mut self, px: i64) -> i64 {
        self.spill_window();
        self.step = gcd(self.step, px);
        self.place_window();
        px / self.step
    }

    /// Moves every level of the window to the tail, which stays sorted: window levels are better.
    fn spill_window(&mut self) {
        for at in (0..SLOTS).rev() {
            if self.words[at / 64] >> (at % 64) & 1 == 1 {
                self.tail.push((self.sign * self.px_of_slot(at), self.slots[at]));
            }
        }
        self.empty_window();
    }

    fn empty_window(&mut self) {
        self.words = [0; WORDS];
        self.summary = 0;
    }

    /// Lays the empty window around the best level of the tail and takes in what it covers.
    fn place_window(&mut self) {
        let Some((best, _)) = self.tail.last() else { return };
        self.low = best / self.step - ANCHOR;
        while let Some((key, slot)) = self.tail.last().copied() {
            let at = key / self.step - self.low;
            if at >= SLOTS as i64 {
                break;
            }
            self.tail.pop();
            self.slots[at as usize] = slot;
            self.words[at as usize / 64] |= 1 << (at % 64);
            self.summary |= 1 << (at / 64);
        }
    }
}

/// Set bits of the window, lowest first.
struct Bits<'a> {
    words: &'a [u64; WORDS],
    word: usize,
    rest: u64,
}

impl Iterator for Bits<'_> {
    type Item = usize;

    fn next(&mut self) -> Option<usize> {
        while self.rest == 0 {
            self.word += 1;
            self.rest = *self.words.get(self.word)?;
        }
        let bit = self.rest.trailing_zeros() as usize;
        self.rest &= self.rest - 1;
        Some(self.word * 64 + bit)
    }
}

fn is_bad(level: &Level) -> bool {
    level.px <= 0 || level.qty < 0
}

fn slot_of(level: &Level) -> Slot {
    Slot { qty: level.qty, px_shown: level.px_shown, qty_shown: level.qty_shown }
}

/// Greatest common divisor (Euclid), of which 0 is the neutral element.
fn gcd(mut a: i64, mut b: i64) -> i64 {
    while b != 0 {
        (a, b) = (b, a % b);
    }
    a.abs()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeMap;

    fn level(px: i64, qty: i64) -> Level {
        Level { px, qty, px_shown: (px % 7) as u8, qty_shown: (qty % 5) as u8 }
    }

    fn expected(side: Side, model: &BTreeMap<i64, i64>) -> Vec<Level> {
        let levels = model.iter().map(|(px, qty)| level(*px, *qty));
        if side == Side::Buy { levels.rev().collect() } else { levels.collect() }
    }

    /// Prices that stay near, wander off, jump far, and break the step.
    fn prices() -> impl Strategy<Value = i64> {
        prop_oneof![
            6 => (9_000i64..11_000).prop_map(|t| t * 10),
            2 => (1i64..40_000).prop_map(|t| t * 10),
            1 => 1i64..5_000_000,
        ]
    }

    proptest! {
        #[test]
        fn equals_a_sorted_map_after_anything(
            buy in any::<bool>(),
            first in prop::collection::btree_map(prices(), 1i64..1000, 0..300),
            steps in prop::collection::vec((prices(), prop_oneof![Just(0i64), 1i64..1000]), 0..400),
        ) {
            let side = if buy { Side::Buy } else { Side::Sell };
            let mut ladder = Ladder::new(side);
            let mut model = first;
            ladder.replace(&model.iter().map(|(p, q)| level(*p, *q)).collect::<Vec<_>>()).unwrap();
            for (px, qty) in steps {
                ladder.set(&level(px, qty)).unwrap();
                if qty == 0 { model.remove(&px); } else { model.insert(px, qty); }
                let best = expected(side, &model).first().map(|l| (l.px, l.qty));
                prop_assert_eq!(ladder.best(), best);
            }
            prop_assert_eq!(ladder.len(), model.len());
            prop_assert_eq!(ladder.iter().collect::<Vec<_>>(), expected(side, &model));
        }
    }

    #[test]
    fn refuses_what_no_book_holds() {
        let mut ladder = Ladder::new(Side::Sell);
        assert_eq!(ladder.set(&level(0, 1)), Err(Refused::BadLevel));
        assert_eq!(ladder.set(&level(1, -1)), Err(Refused::BadLevel));
        assert_eq!(ladder.replace(&[level(5, 1), level(5, 2)]), Err(Refused::BadLevel));
        let deep: Vec<Level> = (1..=BOOK_LEVELS_MAX as i64).map(|px| level(px, 1)).collect();
        ladder.replace(&deep).unwrap();
        assert_eq!(ladder.set(&level(1 << 40, 1)), Err(Refused::TooDeep));
        assert_eq!(ladder.set(&level(1 << 30, 0)), Ok(()));
        assert_eq!(ladder.len(), BOOK_LEVELS_MAX);
    }
}
