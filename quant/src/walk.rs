//! A walk down two ladders at once: how much base asset can be bought on one and sold on the other
//! while the next unit still earns more than it must.
//!
//! Prices stand at the pair's canonical decimals, quantities in base asset at its canonical
//! decimals; ladders are best first. Cost and proceeds are raw products of both, before fees.

use crate::edge::{Fees, Hurdle, ratio_ppb};
use highwire_links::limits::PPB;

/// A level in canonical units.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Step {
    /// Price mantissa.
    pub px: i64,
    /// Base quantity mantissa.
    pub base: i64,
}

/// When to stop.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Terms {
    /// Taker fees of both legs.
    pub fees: Fees,
    /// The edge that each pair of levels must exceed, parts per billion.
    pub stop_edge_ppb: i64,
    /// Most base quantity.
    pub base_max: i64,
}

/// What the walk found.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Walk {
    /// Base quantity, 0 when the best levels already miss the edge.
    pub base: i64,
    /// Highest ask walked.
    pub ask_worst: i64,
    /// Lowest bid walked.
    pub bid_worst: i64,
    /// `Σ ask × base`.
    pub cost: i128,
    /// `Σ bid × base`.
    pub proceeds: i128,
}

/// Walks `asks` (ascending) against `bids` (descending). Levels without price or quantity are
/// passed over. `None` when a sum or the stop edge leaves its range.
pub fn walk(asks: &[Step], bids: &[Step], terms: &Terms) -> Option<Walk> {
    let hurdle = Hurdle::new(terms.fees, terms.stop_edge_ppb)?;
    let mut walked = Walk::default();
    let mut asks = asks.iter().copied().filter(is_there);
    let mut bids = bids.iter().copied().filter(is_there);
    let (mut ask, mut bid) = (asks.next(), bids.next());
    while let (Some(from), Some(to)) = (&mut ask, &mut bid) {
        let take = from.base.min(to.base).min(terms.base_max - walked.base);
        if take <= 0 || !hurdle.is_cleared(from.px, to.px) {
            break;
        }
        walked.take(take, from.px, to.px)?;
        from.base -= take;
        to.base -= take;
        if from.base == 0 {
            ask = asks.next();
        }
        if to.base == 0 {
            bid = bids.next();
        }
    }
    Some(walked)
}

fn is_there(step: &Step) -> bool {
    step.px > 0 && step.base > 0
}

impl Walk {
    fn take(&mut self, base: i64, ask: i64, bid: i64) -> Option<()> {
        self.cost = self.cost.checked_add(i128::from(ask) * i128::from(base))?;
        self.proceeds = self.proceeds.checked_add(i128::from(bid) * i128::from(base))?;
        self.base += base;
        (self.ask_worst, self.bid_worst) = (ask, bid);
        Some(())
    }

    /// Edge of the whole walk net of fees, parts per billion of what is paid, rounded down. `None`
    /// for an empty walk or on overflow.
    pub fn edge_ppb(&self, fees: Fees) -> Option<i64> {
        let paid = self.cost.checked_mul(i128::from(PPB) + i128::from(fees.buy_ppb))?;
        let brought = self.proceeds.checked_mul(i128::from(PPB) - i128::from(fees.sell_ppb))?;
        ratio_ppb(brought.checked_sub(paid)?, paid)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn steps(levels: &[(i64, i64)]) -> Vec<Step> {
        levels.iter().map(|&(px, base)| Step { px, base }).collect()
    }

    fn terms(stop_edge_ppb: i64, base_max: i64) -> Terms {
        Terms { fees: Fees::default(), stop_edge_ppb, base_max }
    }

    #[test]
    fn stops_where_the_next_unit_no_longer_earns_enough() {
        let (asks, bids) = (steps(&[(100, 5), (101, 5), (103, 9)]), steps(&[(104, 3), (103, 10)]));
        let found = walk(&asks, &bids, &terms(0, i64::MAX)).unwrap();
        let expected = Walk { base: 10, ask_worst: 101, bid_worst: 103, cost: 1005, proceeds: 3 * 104 + 7 * 103 };
        assert_eq!(found, expected);
        assert_eq!(walk(&asks, &bids, &terms(0, 4)).unwrap().base, 4);
        assert_eq!(walk(&asks, &bids, &terms(40_000_000, i64::MAX)).unwrap().base, 0, "4 % does not exceed 4 %");
    }

    #[test]
    fn a_sum_that_leaves_the_range_is_none() {
        let (asks, bids) = (steps(&[(i64::MAX / 4, i64::MAX)]), steps(&[(i64::MAX / 2, i64::MAX)]));
        assert!(
            walk(&asks, &bids, &terms(0, i64::MAX)).is_some_and(|walked| walked.edge_ppb(Fees::default()).is_none())
        );
        let deep = steps(&[(i64::MAX, i64::MAX / 2); 5]);
        assert_eq!(walk(&deep, &deep, &terms(-1, i64::MAX)).map(|w| w.base), Some(i64::MAX));
    }

    prop_compose! {
        fn ladder(sign: i64)(moves in proptest::collection::vec((0i64..20, 0i64..30), 1..10), start in 900i64..1100) -> Vec<Step> {
            let mut px = start;
            moves.iter().map(|&(gap, base)| { px += sign * gap; Step { px, base } }).collect()
        }
    }

    proptest! {
        #[test]
        fn equals_a_walk_of_single_units(asks in ladder(1), bids in ladder(-1), fee in -1_000_000..2_000_000i64, stop in 0..20_000_000i64, cap in 0..200i64) {
            let fees = Fees { buy_ppb: fee, sell_ppb: fee };
            let found = walk(&asks, &bids, &Terms { fees, stop_edge_ppb: stop, base_max: cap }).unwrap();
            let units = |ladder: &[Step]| ladder.iter().flat_map(|s| (0..s.base).map(|_| s.px)).collect::<Vec<_>>();
            let mut naive = Walk::default();
            for (ask, bid) in units(&asks).into_iter().zip(units(&bids)) {
                let (brought, paid) = (i128::from(bid) * i128::from(PPB - fee), i128::from(ask) * i128::from(PPB + fee));
                if naive.base == cap || (brought - paid) * i128::from(PPB) <= paid * i128::from(stop) {
                    break;
                }
                naive.take(1, ask, bid).unwrap();
            }
            prop_assert_eq!(found, naive);
            if found.base > 0 {
                prop_assert!(found.edge_ppb(fees).unwrap() >= stop, "the whole earns at least what each unit must");
            }
        }
    }
}
