//! The taker's fee of a market: `shares × r × (p × (1 − p))^e` dollars, rounded to five decimals; makers pay
//! none (docs.polymarket.com "Fees", Gamma `feeSchedule`, CLOB `fd`). Crypto markets: r = 0.07, e = 1.
//!
//! Exact integer arithmetic. Halves round up, against us. The fee is taken in collateral at the match,
//! on top of the order.

use super::{PX_DP, QTY_DP};
use highwire_links::fixed::parse;
use highwire_links::limits::POW10;
use highwire_links::{Px, Qty};
use serde_json::Value;

/// Decimals of a fee in dollars.
pub const FEE_DP: u8 = 5;
/// Decimals that a rate is kept with.
const RATE_DP: u8 = 6;
/// Largest exponent that is understood.
const EXPONENT_MAX: u8 = 4;

/// A market's fee schedule.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fee {
    /// `r`, parts per million.
    rate_ppm: i64,
    /// `e`.
    exponent: u8,
}

impl Fee {
    /// No fee.
    pub const NONE: Self = Self { rate_ppm: 0, exponent: 1 };

    /// The highest rate that the documents name, for a fill whose market is no longer known.
    pub const HIGHEST: Self = Self { rate_ppm: 250_000, exponent: 1 };

    /// A schedule from its decimal texts. `None` for what the formula does not cover: a rate of one or
    /// more, a broken exponent.
    pub fn new(rate: &str, exponent: &str) -> Option<Self> {
        let rate_ppm = parse(rate.as_bytes(), RATE_DP).ok()?.mantissa;
        let exponent = u8::try_from(parse(exponent.as_bytes(), 0).ok()?.mantissa).ok()?;
        (rate_ppm < POW10[usize::from(RATE_DP)] && exponent <= EXPONENT_MAX).then_some(Self { rate_ppm, exponent })
    }

    /// Gamma's `feeSchedule` object, or the CLOB's `fd`; their numbers may be written as strings. A
    /// schedule that charges makers too is not what this formula says, so it is not taken.
    pub fn read(schedule: &Value) -> Option<Self> {
        let field = |long: &str, short: &str| schedule.get(long).or(schedule.get(short));
        let text = |value: &Value| match value {
            Value::String(text) => Some(text.clone()),
            Value::Number(number) => Some(number.to_string()),
            _ => None,
        };
        let taker_only = ["takerOnly", "taker_only", "to"].iter().find_map(|key| schedule.get(key)?.as_bool())?;
        let fee = Self::new(&text(field("rate", "r")?)?, &text(field("exponent", "e")?)?)?;
        taker_only.then_some(fee)
    }

    /// The taker's fee in dollars for `qty` shares at `px`, mantissa at [`FEE_DP`]. `None` for a price
    /// that is not between 0 and 1, a negative quantity, or on overflow.
    pub fn taker(&self, px: Px, qty: Qty) -> Option<i64> {
        let one = POW10[usize::from(PX_DP)];
        if !(0..=one).contains(&px.0) {
            return None;
        }
        let variance = u128::try_from(px.0.checked_mul(one - px.0)?).ok()?;
        let mut numerator = u128::try_from(qty.0).ok()?.checked_mul(u128::try_from(self.rate_ppm).ok()?)?;
        let mut dp = u32::from(QTY_DP + RATE_DP - FEE_DP);
        for _ in 0..self.exponent {
            numerator = numerator.checked_mul(variance)?;
            dp += 2 * u32::from(PX_DP);
        }
        let unit = 10u128.checked_pow(dp)?;
        let rounded = numerator / unit + u128::from(numerator % unit >= unit / 2);
        i64::try_from(rounded).ok()
    }

    /// The rate of a fee of `rate × p × (1 − p)` a share that is never below this one, parts per billion: with a higher
    /// exponent the fee is less. `None` for one that does not follow the price.
    pub fn curve_ppb(&self) -> Option<i64> {
        (self.exponent > 0 || self.rate_ppm == 0).then(|| self.bound_ppb())
    }

    /// The highest fee that any price can come to, as parts per billion of the notional: `r × (1 − p)`
    /// for e = 1, and less for a higher exponent.
    pub fn bound_ppb(&self) -> i64 {
        self.rate_ppm * POW10[usize::from(9 - RATE_DP)]
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_documented_maximum_is_175_cents_on_a_hundred_shares() {
        let crypto = Fee::new("0.07", "1").unwrap();
        assert_eq!(crypto.taker(Px(5_000), Qty(100_000_000)), Some(175_000));
        assert_eq!(crypto.taker(Px(9_900), Qty(100_000_000)), Some(6_930));
        assert_eq!(crypto.taker(Px(0), Qty(100_000_000)), Some(0));
        assert_eq!(crypto.taker(Px(10_001), Qty(1)), None);
        assert_eq!(crypto.bound_ppb(), 70_000_000);
        let squared = Fee::new("0.25", "2").unwrap();
        assert_eq!(squared.taker(Px(5_000), Qty(100_000_000)), Some(156_250));
    }

    #[test]
    fn halves_round_up() {
        // 0.01 shares × 0.002 × 0.25 = 0.000005: half of the last decimal.
        assert_eq!(Fee::new("0.002", "1").unwrap().taker(Px(5_000), Qty(10_000)), Some(1));
        assert_eq!(Fee::new("0.001999", "1").unwrap().taker(Px(5_000), Qty(10_000)), Some(0));
    }

    #[test]
    fn only_a_schedule_that_the_formula_covers_is_read() {
        let read = |text: &str| Fee::read(&serde_json::from_str(text).unwrap());
        let crypto = Fee::new("0.07", "1");
        assert_eq!(read(r#"{"rate":0.07,"exponent":1,"takerOnly":true,"rebateRate":0.2}"#), crypto);
        assert_eq!(read(r#"{"r":0.07,"e":1,"to":true}"#), crypto);
        assert_eq!(read(r#"{"exponent":"1","rate":"0.07","taker_only":true}"#), crypto);
        for odd in [
            r#"{"rate":0.07,"exponent":1,"takerOnly":false}"#,
            r#"{"rate":0.07,"exponent":1}"#,
            r#"{"rate":0.07,"exponent":1.5,"takerOnly":true}"#,
            r#"{"rate":1.5,"exponent":1,"takerOnly":true}"#,
            r#"{"rate":-0.07,"exponent":1,"takerOnly":true}"#,
            "null",
        ] {
            assert_eq!(read(odd), None, "{odd}");
        }
    }

    /// Digits of base 10^9, least first: an arithmetic that cannot overflow.
    fn times(digits: &[u64], by: u64) -> Vec<u64> {
        let (mut out, mut carry) = (Vec::new(), 0u128);
        for &digit in digits {
            carry += u128::from(digit) * u128::from(by);
            out.push((carry % 1_000_000_000) as u64);
            carry /= 1_000_000_000;
        }
        while carry > 0 {
            out.push((carry % 1_000_000_000) as u64);
            carry /= 1_000_000_000;
        }
        out
    }

    fn decimal(digits: &[u64]) -> String {
        let text: String = digits.iter().rev().map(|digit| format!("{digit:09}")).collect();
        text.trim_start_matches('0').to_owned()
    }

    /// The formula in text: the product's decimal digits, cut at five decimals and rounded half up.
    fn by_text(rate_ppm: u64, exponent: u8, px: u64, qty: u64) -> String {
        let mut product = times(&times(&[1], qty), rate_ppm);
        for _ in 0..exponent {
            product = times(&times(&product, px), 10_000 - px);
        }
        let cut = usize::from(7 + 8 * exponent);
        let text = format!("{:0>width$}", decimal(&product), width = cut + 1);
        let (kept, rest) = text.split_at(text.len() - cut);
        let up = u128::from(rest.as_bytes()[0] >= b'5');
        (kept.parse::<u128>().unwrap() + up).to_string()
    }

    proptest! {
        #[test]
        fn equals_the_formula_in_unbounded_arithmetic(
            rate_ppm in 0u64..1_000_000, exponent in 0u8..=2, px in 0u64..=10_000, qty in 0u64..1_000_000_000_000,
        ) {
            let fee = Fee { rate_ppm: rate_ppm as i64, exponent };
            let found = fee.taker(Px(px as i64), Qty(qty as i64)).unwrap();
            prop_assert_eq!(found.to_string(), by_text(rate_ppm, exponent, px, qty));
        }
    }
}
