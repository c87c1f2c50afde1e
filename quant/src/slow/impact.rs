//! What taking a quantity costs against the middle of the book, from its depth; and how long a position
//! takes to be sold.
//!
//! The estimate is the book's own: the average price of the levels taken against the mid price, in basis
//! points. It leaves out what the market does in answer.

use crate::walk::Step;

/// What taking costs.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Impact {
    /// Average price against the mid, basis points, never below 0.
    pub bps: f64,
    /// The share of the quantity that the depth shown holds, 0 to 1.
    pub covered: f64,
}

/// Impact of taking `base` from `levels` (best first) when the other side's best price is `other`; all in the
/// same units. `None` without levels, quantity or the other side.
pub fn impact(levels: &[Step], other_px: i64, base: i64) -> Option<Impact> {
    let best = levels.first()?.px;
    if base <= 0 || other_px <= 0 || best <= 0 {
        return None;
    }
    let mid = (best as f64 + other_px as f64) / 2.0;
    let (mut left, mut value) = (base, 0.0);
    for level in levels.iter().filter(|level| level.px > 0 && level.base > 0) {
        let taken = level.base.min(left);
        value += level.px as f64 * taken as f64;
        left -= taken;
    }
    let taken = base - left;
    let bps = (value / taken as f64 / mid - 1.0).abs() * 10_000.0;
    (taken > 0).then_some(Impact { bps, covered: taken as f64 / base as f64 })
}

/// Seconds to sell a position when we may be `participation` (0 to 1) of a market that trades
/// `volume_per_s`; `None` when there is no market.
pub fn liquidation_s(position: f64, volume_per_s: f64, participation: f64) -> Option<f64> {
    let rate = volume_per_s * participation;
    (rate > 0.0).then(|| position.abs() / rate).and_then(super::finite)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::slow::moments::tests::close;

    const ASKS: [Step; 3] = [Step { px: 10_010, base: 5 }, Step { px: 10_020, base: 5 }, Step { px: 10_050, base: 10 }];

    #[test]
    fn equals_the_sum_by_hand() {
        // Mid 10 000: five at +10 and five at +20 are +15 on average, which is 15 bps of 10 000.
        close(impact(&ASKS, 9_990, 10).map(|impact| impact.bps), 15.0);
        // Selling into bids costs as much.
        let bids = [Step { px: 9_990, base: 5 }, Step { px: 9_980, base: 5 }];
        close(impact(&bids, 10_010, 10).map(|impact| impact.bps), 15.0);
    }

    #[test]
    fn what_the_depth_does_not_hold_is_said() {
        let found = impact(&ASKS, 9_990, 40).unwrap();
        assert_eq!(found.covered, 0.5);
        assert_eq!((impact(&[], 1, 1), impact(&ASKS, 0, 1), impact(&ASKS, 9_990, 0)), (None, None, None));
    }

    #[test]
    fn selling_takes_longer_in_a_thinner_market() {
        close(liquidation_s(-30.0, 2.0, 0.1), 150.0);
        assert_eq!(liquidation_s(1.0, 0.0, 0.1), None);
    }
}
