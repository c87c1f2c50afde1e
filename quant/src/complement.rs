//! Binary markets: exactly one of two complementary shares pays one. Bought together below one, fees
//! included, they earn the rest whatever the answer.

use crate::edge::ratio_ppb;
use highwire_links::limits::{POW10, PPB};

/// A taker fee that follows the price: `rate × p × (1 − p)` per share, highest at one half (the
/// formula of Polymarket's fee documentation, "Trading fees").
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct FeeCurve {
    /// The rate, parts per billion of one; not negative.
    pub rate_ppb: i64,
}

impl FeeCurve {
    /// The fee of one share at price `px` (mantissa at `px_dp` decimals, within `0..=1`), in the price's
    /// own unit times [`PPB`], rounded up. `None` for a price outside of it.
    pub fn per_share(self, px: i64, px_dp: u8) -> Option<i128> {
        let one = *POW10.get(usize::from(px_dp))?;
        if !(0..=one).contains(&px) {
            return None;
        }
        let product = i128::from(self.rate_ppb).checked_mul(i128::from(px) * i128::from(one - px))?;
        let one = i128::from(one);
        Some(product.div_euclid(one) + i128::from(product.rem_euclid(one) != 0))
    }
}

/// What a set of both shares earns per unit of what it costs, parts per billion, rounded down; fees are
/// rounded up. `None` when a price is outside `0..=1`, or on overflow.
pub fn set_edge_ppb(yes_px: i64, no_px: i64, px_dp: u8, fee: FeeCurve) -> Option<i64> {
    let one = i128::from(*POW10.get(usize::from(px_dp))?) * i128::from(PPB);
    let fees = fee.per_share(yes_px, px_dp)?.checked_add(fee.per_share(no_px, px_dp)?)?;
    let paid = (i128::from(yes_px) + i128::from(no_px)) * i128::from(PPB);
    let paid = paid.checked_add(fees)?;
    ratio_ppb(one.checked_sub(paid)?, paid)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_fee_is_highest_at_one_half_and_nothing_at_the_ends() {
        let fee = FeeCurve { rate_ppb: 70_000_000 };
        // 0.07 × 0.5 × 0.5 = 0.0175, at two decimals 1.75 hundredths.
        assert_eq!(fee.per_share(50, 2), Some(1_750_000_000));
        assert_eq!((fee.per_share(0, 2), fee.per_share(100, 2), fee.per_share(101, 2)), (Some(0), Some(0), None));
        assert_eq!(fee.per_share(30, 2), fee.per_share(70, 2));
    }

    #[test]
    fn a_set_earns_what_is_left_of_one() {
        let free = FeeCurve::default();
        // (1 − 0.96) / 0.96
        assert_eq!(set_edge_ppb(4_000, 5_600, 4, free), Some(41_666_666));
        assert_eq!(set_edge_ppb(4_000, 6_000, 4, free), Some(0));
        let fee = FeeCurve { rate_ppb: 70_000_000 };
        // Fees 0.07 × (0.24 + 0.2464) = 0.034048: paid 0.994048, left 0.005952.
        assert_eq!(set_edge_ppb(4_000, 5_600, 4, fee), Some(5_987_638));
        assert_eq!(set_edge_ppb(4_000, 10_001, 4, free), None);
    }

    proptest! {
        #[test]
        fn fees_never_add_to_the_edge_and_cheaper_is_never_worse(yes in 1i64..10_000, no in 1i64..10_000, rate in 0i64..100_000_000) {
            let fee = FeeCurve { rate_ppb: rate };
            let edge = set_edge_ppb(yes, no, 4, fee).unwrap();
            prop_assert!(edge <= set_edge_ppb(yes, no, 4, FeeCurve::default()).unwrap());
            prop_assert_eq!(edge > 0 || rate > 0 || yes + no >= 10_000, true);
        }
    }
}
