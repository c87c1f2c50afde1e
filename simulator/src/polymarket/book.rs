//! The one book of a market with two complementary outcomes, kept in prices of `Up`: buying Down at `p`
//! is offering Up at `1 − p`, so an order of either outcome meets both kinds. Price, then time.

use std::collections::{BTreeMap, VecDeque};

use super::PX_ONE;
use super::fee::bought;
use super::word::Word;

/// A price of Up in ten-thousandths and the shares at it in millionths.
pub(super) type Level = (i64, i64);

/// A quantity with its place in the queue; `order` is empty where the crowd stands.
#[derive(Clone, Copy, Debug)]
struct Lot {
    order: Option<Word>,
    qty: i64,
}

/// Part of a lot that a taker gets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Match {
    pub(super) order: Option<Word>,
    /// The price of Up.
    pub(super) px: i64,
    pub(super) qty: i64,
}

/// How much a taker wants.
#[derive(Clone, Copy, Debug)]
pub(super) enum Appetite {
    /// Shares in millionths.
    Shares(i64),
    /// Micro-dollars to spend on the outcome named.
    Dollars(i64, Outcome),
}

impl Appetite {
    fn at(self, px: i64) -> i64 {
        match self {
            Self::Shares(left) => left,
            Self::Dollars(left, outcome) => bought(left, outcome.own(px)),
        }
    }

    fn less(self, px: i64, qty: i64) -> Self {
        match self {
            Self::Shares(left) => Self::Shares(left - qty),
            Self::Dollars(left, outcome) => Self::Dollars(left - super::fee::value(qty, outcome.own(px)), outcome),
        }
    }
}

/// One of the two outcomes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Outcome {
    Up,
    Down,
}

impl Outcome {
    pub(super) const BOTH: [Self; 2] = [Self::Up, Self::Down];

    /// The name in messages.
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Up => "Up",
            Self::Down => "Down",
        }
    }

    /// Turns a price of Up into this outcome's price, and back.
    pub(super) const fn own(self, px: i64) -> i64 {
        match self {
            Self::Up => px,
            Self::Down => PX_ONE - px,
        }
    }

    /// On which side of the book an order of this outcome stands: `true` with the bids.
    pub(super) const fn bids(self, buy: bool) -> bool {
        matches!(self, Self::Up) == buy
    }
}

/// Both sides; a level is never empty.
#[derive(Debug, Default)]
pub(super) struct Book {
    /// Grows with every touch.
    pub(super) version: u64,
    bids: BTreeMap<i64, VecDeque<Lot>>,
    asks: BTreeMap<i64, VecDeque<Lot>>,
}

impl Book {
    /// Levels of a side, best first.
    pub(super) fn levels(&self, bids: bool) -> Vec<Level> {
        let total = |(&px, lots): (&i64, &VecDeque<Lot>)| (px, lots.iter().map(|lot| lot.qty).sum());
        if bids { self.bids.iter().rev().map(total).collect() } else { self.asks.iter().map(total).collect() }
    }

    /// The best price of a side.
    pub(super) fn best(&self, bids: bool) -> Option<i64> {
        if bids { self.bids.last_key_value() } else { self.asks.first_key_value() }.map(|(&px, _)| px)
    }

    /// Whether an order with this limit would trade at once.
    pub(super) fn crosses(&self, bid: bool, px: i64) -> bool {
        self.best(!bid).is_some_and(|best| if bid { best <= px } else { best >= px })
    }

    /// Puts an order at the end of its queue.
    pub(super) fn add(&mut self, bid: bool, px: i64, order: Word, qty: i64) {
        self.side(bid).entry(px).or_default().push_back(Lot { order: Some(order), qty });
    }

    /// Takes an order out; the shares that were left of it.
    pub(super) fn remove(&mut self, bid: bool, px: i64, order: &Word) -> i64 {
        let Some(lots) = self.side(bid).get_mut(&px) else { return 0 };
        let place = lots.iter().position(|lot| lot.order.as_ref() == Some(order));
        let left = place.and_then(|place| lots.remove(place)).map_or(0, |lot| lot.qty);
        self.tidy(bid, px);
        left
    }

    /// The crowd's shares at a price.
    pub(super) fn crowd(&self, bid: bool, px: i64) -> i64 {
        let side = if bid { &self.bids } else { &self.asks };
        side.get(&px).map_or(0, |lots| lots.iter().filter(|lot| lot.order.is_none()).map(|lot| lot.qty).sum())
    }

    /// Sets what the crowd has at a price; what it newly brings goes to the end of the queue.
    pub(super) fn set_crowd(&mut self, bid: bool, px: i64, qty: i64) {
        let lots = self.side(bid).entry(px).or_default();
        lots.retain(|lot| lot.order.is_some());
        if qty > 0 {
            lots.push_back(Lot { order: None, qty });
        }
        self.tidy(bid, px);
    }

    /// What a taker with this limit would get, best price and oldest lot first.
    pub(super) fn plan(&self, buys_up: bool, limit: i64, mut appetite: Appetite) -> Vec<Match> {
        let mut matches = Vec::new();
        let levels: Vec<_> =
            if buys_up { self.asks.range(..=limit).collect() } else { self.bids.range(limit..).rev().collect() };
        for (&px, lots) in levels {
            for lot in lots {
                let qty = lot.qty.min(appetite.at(px));
                if qty <= 0 {
                    return matches;
                }
                matches.push(Match { order: lot.order, px, qty });
                appetite = appetite.less(px, qty);
            }
        }
        matches
    }

    /// Takes planned matches out of the book.
    pub(super) fn take(&mut self, buys_up: bool, matches: &[Match]) {
        for found in matches {
            if let Some(lots) = self.side(!buys_up).get_mut(&found.px)
                && let Some(front) = lots.front_mut()
            {
                front.qty -= found.qty;
                if front.qty <= 0 {
                    lots.pop_front();
                }
            }
            self.tidy(!buys_up, found.px);
        }
    }

    fn side(&mut self, bids: bool) -> &mut BTreeMap<i64, VecDeque<Lot>> {
        self.version += 1;
        if bids { &mut self.bids } else { &mut self.asks }
    }

    fn tidy(&mut self, bids: bool, px: i64) {
        if self.side(bids).get(&px).is_some_and(VecDeque::is_empty) {
            self.side(bids).remove(&px);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const A: Word = [1; 32];
    const B: Word = [2; 32];

    #[test]
    fn price_then_time_decides_and_the_crowd_queues_like_everybody() {
        let mut book = Book::default();
        book.set_crowd(false, 5_100, 10);
        book.add(false, 5_100, A, 20);
        book.add(false, 5_000, B, 5);
        let plan = book.plan(true, 5_100, Appetite::Shares(25));
        let got: Vec<_> = plan.iter().map(|m| (m.order, m.px, m.qty)).collect();
        assert_eq!(got, [(Some(B), 5_000, 5), (None, 5_100, 10), (Some(A), 5_100, 10)]);
        book.take(true, &plan);
        assert_eq!(book.levels(false), [(5_100, 10)]);
        assert_eq!(book.remove(false, 5_100, &A), 10);
        assert!(book.best(false).is_none());
    }

    #[test]
    fn buying_down_meets_buyers_of_up_at_the_complement() {
        let mut book = Book::default();
        book.add(Outcome::Up.bids(true), 6_000, A, 100);
        assert!(!Outcome::Down.bids(true) && Outcome::Down.bids(false));
        assert!(book.crosses(false, Outcome::Down.own(4_000)));
        assert!(!book.crosses(false, Outcome::Down.own(3_900)));
    }

    #[test]
    fn dollars_are_spent_at_each_levels_own_price() {
        let mut book = Book::default();
        book.set_crowd(false, 5_000, 1_000_000);
        book.set_crowd(false, 6_000, 100_000_000);
        let plan = book.plan(true, 6_000, Appetite::Dollars(1_100_000, Outcome::Up));
        assert_eq!(plan.iter().map(|m| m.qty).collect::<Vec<_>>(), [1_000_000, 1_000_000]);
        let mut book = Book::default();
        book.set_crowd(true, 6_000, 10_000_000);
        let plan = book.plan(false, 6_000, Appetite::Dollars(400_000, Outcome::Down));
        assert_eq!(plan[0].qty, 1_000_000, "Down costs 0.4 there");
    }
}
