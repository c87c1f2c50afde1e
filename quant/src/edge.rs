//! The edge of buying at one price and selling at another, net of both taker fees.
//!
//! `edge = (bid × (1 − fee_bid) − ask × (1 + fee_ask)) / (ask × (1 + fee_ask))`, in parts per billion
//! of what is paid. All prices of one call stand at the same decimals.

use crate::fee::{net_ask, net_bid};
use highwire_links::limits::PPB;

/// The taker fees of both legs, parts per billion, each above −[`PPB`] and below [`PPB`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Fees {
    /// Of the leg that buys.
    pub buy_ppb: i64,
    /// Of the leg that sells.
    pub sell_ppb: i64,
}

/// Whether selling at `bid` brings more than buying at `ask` costs, after fees. Exact.
pub fn crosses(ask: i64, bid: i64, fees: Fees) -> bool {
    net_bid(bid, fees.sell_ppb) > net_ask(ask, fees.buy_ppb)
}

/// The edge in parts per billion, rounded down. `None` beyond `i64` or when buying costs nothing.
pub fn edge_ppb(ask: i64, bid: i64, fees: Fees) -> Option<i64> {
    let paid = net_ask(ask, fees.buy_ppb);
    ratio_ppb(net_bid(bid, fees.sell_ppb).checked_sub(paid)?, paid)
}

/// An edge to be exceeded, folded with both fees into one factor a side, so that a pair of prices is
/// compared by two products that always fit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Hurdle {
    buy: i64,
    sell: i64,
}

impl Hurdle {
    /// The hurdle of `stop_ppb`. `None` when it is beyond about eight times what is paid.
    pub fn new(fees: Fees, stop_ppb: i64) -> Option<Self> {
        let buy = PPB.checked_add(fees.buy_ppb)?.checked_mul(PPB.checked_add(stop_ppb)?)?;
        let sell = PPB.checked_sub(fees.sell_ppb)?.checked_mul(PPB)?;
        Some(Self { buy, sell })
    }

    /// The highest ask that clears it against this bid; `None` beyond `i64`.
    pub fn ask_max(self, bid: i64) -> Option<i64> {
        i64::try_from((i128::from(bid) * i128::from(self.sell) - 1).checked_div_euclid(self.buy.into())?).ok()
    }

    /// The lowest bid that clears it against this ask; `None` beyond `i64`.
    pub fn bid_min(self, ask: i64) -> Option<i64> {
        let below = (i128::from(ask) * i128::from(self.buy)).checked_div_euclid(self.sell.into())?;
        i64::try_from(below).ok()?.checked_add(1)
    }

    /// Whether the edge of these prices is above it; exact, without rounding.
    pub fn is_cleared(self, ask: i64, bid: i64) -> bool {
        i128::from(bid) * i128::from(self.sell) > i128::from(ask) * i128::from(self.buy)
    }
}

/// `gain / of` in parts per billion, rounded down (towards minus infinity). One division where
/// `gain` in billionths fits; else by three digits at a time, so that only `of × 1000` must fit. `None` unless `of > 0`, or on overflow.
pub fn ratio_ppb(gain: i128, of: i128) -> Option<i64> {
    if of <= 0 {
        return None;
    }
    if let Some(billionths) = gain.checked_mul(i128::from(PPB)) {
        // Wide division rounds towards zero; one below where that was up.
        let quotient = billionths / of;
        let up = quotient * of > billionths;
        return i64::try_from(quotient - i128::from(up)).ok();
    }
    let (mut quotient, mut rest) = (gain.div_euclid(of), gain.rem_euclid(of));
    for _ in 0..3 {
        rest = rest.checked_mul(1000)?;
        quotient = quotient.checked_mul(1000)?.checked_add(rest / of)?;
        rest %= of;
    }
    i64::try_from(quotient).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const TEN_BP: i64 = 1_000_000;

    #[test]
    fn a_known_edge() {
        let fees = Fees { buy_ppb: TEN_BP, sell_ppb: TEN_BP };
        // 100.00 → 100.30 at 0.1 % each: (100.1997 − 100.1) / 100.1 = 0.000996003996...
        assert_eq!(edge_ppb(10_000, 10_030, fees), Some(996_003));
        assert!(crosses(10_000, 10_030, fees) && !crosses(10_000, 10_020, fees));
        // 100.00 → 100.10 loses: floor, not truncation.
        assert_eq!(edge_ppb(10_000, 10_010, fees), Some(-1_000_000));
    }

    #[test]
    fn what_leaves_the_range_is_none() {
        let fees = Fees::default();
        assert_eq!(edge_ppb(1, i64::MAX, fees), None);
        assert_eq!(edge_ppb(0, 5, fees), None);
        assert_eq!(Hurdle::new(fees, 9 * PPB), None);
        assert_eq!(ratio_ppb(i128::MAX / 2, i128::MAX), None);
    }

    proptest! {
        #[test]
        fn the_edge_is_the_floor(ask in 1i64..1 << 40, bid in 0i64..1 << 40, buy_ppb in -PPB / 2..PPB, sell_ppb in -PPB / 2..PPB) {
            let fees = Fees { buy_ppb, sell_ppb };
            let (brought, paid) = (net_bid(bid, sell_ppb), net_ask(ask, buy_ppb));
            let naive = ((brought - paid) * i128::from(PPB)).div_euclid(paid);
            prop_assert_eq!(edge_ppb(ask, bid, fees).map(i128::from), i64::try_from(naive).ok().map(i128::from));
        }

        #[test]
        fn the_last_price_that_clears_does_and_the_next_does_not(px in 1i64..1 << 40, fee in -TEN_BP..TEN_BP, stop in -TEN_BP..TEN_BP) {
            let hurdle = Hurdle::new(Fees { buy_ppb: fee, sell_ppb: fee }, stop).unwrap();
            let (ask, bid) = (hurdle.ask_max(px).unwrap(), hurdle.bid_min(px).unwrap());
            prop_assert!(hurdle.is_cleared(ask, px) && !hurdle.is_cleared(ask + 1, px));
            prop_assert!(hurdle.is_cleared(px, bid) && !hurdle.is_cleared(px, bid - 1));
        }

        #[test]
        fn exceeding_agrees_with_the_exact_fraction(ask in 1i64..1 << 40, spread in -1000i64..1000, fee in -TEN_BP..TEN_BP, stop in -TEN_BP..TEN_BP) {
            let (bid, fees) = ((ask + spread).max(0), Fees { buy_ppb: fee, sell_ppb: fee });
            let (brought, paid) = (net_bid(bid, fee), net_ask(ask, fee));
            let exact = (brought - paid) * i128::from(PPB) > paid * i128::from(stop);
            prop_assert_eq!(Hurdle::new(fees, stop).map(|hurdle| hurdle.is_cleared(ask, bid)), Some(exact));
            prop_assert_eq!(Hurdle::new(fees, 0).map(|hurdle| hurdle.is_cleared(ask, bid)), Some(crosses(ask, bid, fees)));
        }
    }
}
