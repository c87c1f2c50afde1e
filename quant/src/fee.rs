//! Taker fees: prices net of them, and the fee of a fill rounded against us.

use highwire_links::fixed::Amount;
use highwire_links::limits::{AMOUNT_DP, POW10_WIDE, PPB};

/// What selling at `bid` brings per unit, times [`PPB`]: `bid × (PPB − fee)`. Cannot overflow.
pub fn net_bid(bid: i64, fee_ppb: i64) -> i128 {
    i128::from(bid) * (i128::from(PPB) - i128::from(fee_ppb))
}

/// What buying at `ask` costs per unit, times [`PPB`]: `ask × (PPB + fee)`. Cannot overflow.
pub fn net_ask(ask: i64, fee_ppb: i64) -> i128 {
    i128::from(ask) * (i128::from(PPB) + i128::from(fee_ppb))
}

/// The fee of a fill worth `notional`, as a mantissa at `dp` decimals, rounded up: a fee never
/// smaller, a rebate (negative) never larger than the venue's. `None` on overflow or `dp > AMOUNT_DP`.
pub fn fee_up(notional: Amount, fee_ppb: i64, dp: u8) -> Option<i64> {
    let places = usize::from(AMOUNT_DP.checked_sub(dp)?);
    let unit = i128::from(PPB).checked_mul(POW10_WIDE[places])?;
    let product = notional.0.checked_mul(i128::from(fee_ppb))?;
    let up = i128::from(product.rem_euclid(unit) != 0);
    i64::try_from(product.div_euclid(unit) + up).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn fees_round_up_and_rebates_round_towards_us_paying() {
        let one = Amount::from_mantissa(1, 0).unwrap();
        assert_eq!(fee_up(one, 1_000_000, 8), Some(100_000));
        assert_eq!(fee_up(one, 1, 8), Some(1), "a fee below the last decimal is one unit, not nothing");
        assert_eq!(fee_up(one, -1, 8), Some(0), "a rebate below the last decimal is nothing");
        assert_eq!(fee_up(one, -19, 8), Some(-1));
        assert_eq!(fee_up(Amount(i128::MAX), 2, 8), None);
        assert_eq!(fee_up(one, 1, AMOUNT_DP + 1), None);
    }

    proptest! {
        #[test]
        fn the_fee_is_the_least_unit_not_below_the_exact_one(units in 0i64.., fee in -PPB..PPB) {
            let notional = Amount(i128::from(units));
            let unit = i128::from(PPB) * 10i128.pow(12);
            let fee_units = i128::from(fee_up(notional, fee, 8).unwrap());
            let exact = notional.0 * i128::from(fee);
            prop_assert!(fee_units * unit >= exact && (fee_units - 1) * unit < exact);
        }

        #[test]
        fn net_prices_bracket_the_gross_price(px in 0i64.., fee in 0..PPB) {
            let gross = i128::from(px) * i128::from(PPB);
            prop_assert!(net_bid(px, fee) <= gross && net_ask(px, fee) >= gross);
            prop_assert_eq!(gross - net_bid(px, fee), net_ask(px, fee) - gross);
        }
    }
}
