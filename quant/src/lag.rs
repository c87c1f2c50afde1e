//! Binary markets that follow a reference: how far a share's price should move after the reference did, and what
//! buying it before it does would earn.

use crate::complement::FeeCurve;
use crate::edge::ratio_ppb;
use highwire_links::limits::{POW10, PPB};

/// One basis point, parts per billion.
const BP_PPB: i128 = 100_000;

/// The rise of a share's price, in its mantissa at `px_dp`, when the reference moved by `move_ppb` in its favour and
/// one basis point of that is worth `delta_ppm_per_bp` millionths of one; rounded down. `None` on overflow.
pub fn rise(move_ppb: i64, delta_ppm_per_bp: i64, px_dp: u8) -> Option<i64> {
    let one = i128::from(*POW10.get(usize::from(px_dp))?);
    let scaled = i128::from(move_ppb).checked_mul(delta_ppm_per_bp.into())?.checked_mul(one)?;
    i64::try_from(scaled.div_euclid(BP_PPB * 1_000_000)).ok()
}

/// What a share bought at `ask_px` earns per unit paid if its best bid, now `bid_px`, rises by `rise` and it is sold
/// there: parts per billion, rounded down, fees both ways rounded up. `None` when a price is outside `0..=1`, or on
/// overflow.
pub fn follow_edge_ppb(ask_px: i64, bid_px: i64, rise: i64, px_dp: u8, fee: FeeCurve) -> Option<i64> {
    let one = *POW10.get(usize::from(px_dp))?;
    let sold_px = bid_px.checked_add(rise)?.clamp(0, one);
    let paid = (i128::from(ask_px) * i128::from(PPB)).checked_add(fee.per_share(ask_px, px_dp)?)?;
    let got = (i128::from(sold_px) * i128::from(PPB)).checked_sub(fee.per_share(sold_px, px_dp)?)?;
    ratio_ppb(got.checked_sub(paid)?, paid)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rise_is_in_proportion_to_the_move_and_rounded_down() {
        // Five basis points at 10 000 ppm each are five cents.
        assert_eq!(rise(500_000, 10_000, 2), Some(5));
        assert_eq!(rise(599_999, 10_000, 2), Some(5));
        assert_eq!(rise(-1, 10_000, 2), Some(-1));
        assert_eq!(rise(i64::MAX, i64::MAX, 12), None);
    }

    #[test]
    fn what_is_earned_is_what_the_bid_will_pay_less_fees_both_ways() {
        let free = FeeCurve::default();
        // Bought at 0.50, sold at 0.48 + 0.05: three cents of fifty.
        assert_eq!(follow_edge_ppb(50, 48, 5, 2, free), Some(60_000_000));
        assert_eq!(follow_edge_ppb(50, 48, 2, 2, free), Some(0));
        assert_eq!(follow_edge_ppb(96, 95, 20, 2, free), Some(41_666_666), "no share is worth more than one");
        // 0.07 × 0.25 = 0.0175 in, 0.07 × 0.53 × 0.47 = 0.017437 out: a loss.
        let fee = FeeCurve { rate_ppb: 70_000_000 };
        assert_eq!(follow_edge_ppb(50, 48, 5, 2, fee), Some(-9_540_097));
        assert_eq!(follow_edge_ppb(101, 48, 5, 2, fee), None);
    }
}
