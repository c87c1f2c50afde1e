//! Money and quantities of the simulated exchanges: exact decimals with eighteen places in an `i128`.
//!
//! Prices have at most 8 decimals and quantities 8, so a notional (16) and the sum of notionals is exact; only
//! divisions and fees beyond eighteen places are cut, towards zero. Input is bounded by [`Amount::parse`] and
//! the order filters, so the saturating arithmetic never saturates.

use std::fmt::{self, Display, Formatter, Write};
use std::iter::Sum;
use std::ops::{Add, AddAssign, Div, Mul, Neg, Sub, SubAssign};

use serde::{Serialize, Serializer};

/// Decimals kept.
const PLACES: u32 = 18;
const ONE: i128 = 10i128.pow(PLACES);
/// Digits before the point that are taken in.
const WHOLE_MAX: usize = 15;

/// An exact decimal.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Amount(i128);

impl Amount {
    /// Nothing.
    pub const ZERO: Self = Self(0);

    /// Whole units.
    pub const fn whole(units: i64) -> Self {
        Self(units as i128 * ONE)
    }

    /// `mantissa` units of the `dp`-th decimal; `dp` is at most 18.
    pub const fn new(mantissa: i64, dp: u8) -> Self {
        Self(mantissa as i128 * 10i128.pow(PLACES.saturating_sub(dp as u32)))
    }

    /// Reads a plain decimal such as `-12.50`: no exponent, at most 15 digits before the point and 18 behind.
    pub fn parse(text: &str) -> Option<Self> {
        let (digits, sign) = text.strip_prefix('-').map_or((text, 1), |rest| (rest, -1));
        let (whole, rest) = digits.split_once('.').unwrap_or((digits, ""));
        let plain = whole.bytes().chain(rest.bytes()).all(|b| b.is_ascii_digit());
        if !plain || whole.is_empty() || whole.len() > WHOLE_MAX || rest.len() > PLACES as usize {
            return None;
        }
        let rest = format!("{rest:0<width$}", width = PLACES as usize);
        let value = whole.parse::<i128>().ok()? * ONE + rest.parse::<i128>().ok()?;
        Some(Self(sign * value))
    }

    /// Whole units of the `dp`-th decimal, rounded down; `dp` is at most 18.
    pub fn units(self, dp: u8) -> i64 {
        let unit = 10i128.pow(PLACES.saturating_sub(u32::from(dp)));
        self.0.div_euclid(unit).clamp(i128::from(i64::MIN), i128::from(i64::MAX)) as i64
    }

    /// The smallest number of decimals that shows all of it.
    pub fn decimals(self) -> u8 {
        let mut rest = self.0.unsigned_abs() % ONE as u128;
        let mut places = PLACES as u8;
        while places > 0 && rest.is_multiple_of(10) {
            rest /= 10;
            places -= 1;
        }
        places
    }

    /// Cut to `dp` decimals, towards zero.
    pub fn cut(self, dp: u8) -> Self {
        let unit = 10i128.pow(PLACES.saturating_sub(u32::from(dp)));
        Self(self.0 / unit * unit)
    }

    /// Whether it is a whole number of `step`s.
    pub const fn is_multiple_of(self, step: Self) -> bool {
        step.0 != 0 && self.0 % step.0 == 0
    }

    /// With exactly `dp` decimals, cut towards zero.
    pub fn fixed(self, dp: u8) -> String {
        let cut = self.cut(dp);
        let (whole, rest) = (cut.0.unsigned_abs() / ONE as u128, cut.0.unsigned_abs() % ONE as u128);
        let mut out = String::with_capacity(24);
        let _ = write!(out, "{}{whole}", if cut.0 < 0 { "-" } else { "" }); // writing to a String cannot fail
        if dp > 0 {
            let rest = format!("{rest:018}");
            out.push('.');
            out.push_str(rest.get(..usize::from(dp)).unwrap_or(&rest));
        }
        out
    }

    /// Without its sign.
    pub const fn abs(self) -> Self {
        Self(self.0.saturating_abs())
    }

    /// Whether it is nothing.
    pub const fn is_zero(self) -> bool {
        self.0 == 0
    }

    /// Whether it is more than nothing.
    pub const fn is_positive(self) -> bool {
        self.0 > 0
    }
}

impl Display for Amount {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.write_str(&self.fixed(self.decimals()))
    }
}

impl Serialize for Amount {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl Add for Amount {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        Self(self.0.saturating_add(other.0))
    }
}

impl Sub for Amount {
    type Output = Self;

    fn sub(self, other: Self) -> Self {
        Self(self.0.saturating_sub(other.0))
    }
}

impl Neg for Amount {
    type Output = Self;

    fn neg(self) -> Self {
        Self(self.0.saturating_neg())
    }
}

impl AddAssign for Amount {
    fn add_assign(&mut self, other: Self) {
        *self = *self + other;
    }
}

impl SubAssign for Amount {
    fn sub_assign(&mut self, other: Self) {
        *self = *self - other;
    }
}

impl Sum for Amount {
    fn sum<I: Iterator<Item = Self>>(amounts: I) -> Self {
        amounts.fold(Self::ZERO, Add::add)
    }
}

impl Mul for Amount {
    type Output = Self;

    /// Cut towards zero behind the eighteenth decimal.
    fn mul(self, other: Self) -> Self {
        let (a, b) = (self.0.unsigned_abs(), other.0.unsigned_abs());
        let one = ONE as u128;
        // in parts, since the product of two mantissas does not fit
        let parts = (a / one).checked_mul(b).and_then(|high| high.checked_add((a % one) * (b / one)));
        let value = parts.and_then(|high| high.checked_add((a % one) * (b % one) / one)).unwrap_or(u128::MAX);
        let value = i128::try_from(value).unwrap_or(i128::MAX);
        Self(if (self.0 < 0) == (other.0 < 0) { value } else { -value })
    }
}

impl Div for Amount {
    type Output = Self;

    /// Cut towards zero behind the eighteenth decimal; by zero it is zero.
    fn div(self, other: Self) -> Self {
        let (a, b) = (self.0.unsigned_abs(), other.0.unsigned_abs());
        if b == 0 {
            return Self::ZERO;
        }
        let (mut value, mut rest) = (a / b, a % b);
        // digit by digit, since the scaled dividend does not fit
        for _ in 0..PLACES {
            let scaled = rest.saturating_mul(10);
            value = value.saturating_mul(10).saturating_add(scaled / b);
            rest = scaled % b;
        }
        let value = i128::try_from(value).unwrap_or(i128::MAX);
        Self(if (self.0 < 0) == (other.0 < 0) { value } else { -value })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(text: &str) -> Amount {
        Amount::parse(text).expect(text)
    }

    #[test]
    fn arithmetic_is_exact_where_the_result_has_eighteen_decimals() {
        assert_eq!(of("65000.12") * of("0.00001"), of("0.6500012"));
        assert_eq!(of("0.000000001") * of("0.000000001"), Amount(1));
        assert_eq!(of("-65000.12") * of("9000"), of("-585001080"));
        assert_eq!(of("1") / of("3"), Amount(333_333_333_333_333_333));
        assert_eq!(of("-585001080") / of("9000"), of("-65000.12"));
        assert_eq!(of("1") / Amount::ZERO, Amount::ZERO);
    }

    #[test]
    fn texts_are_plain_decimals() {
        for bad in ["", ".", ".5", "1e5", "+1", "1,5", "0x1", " 1", "1234567890123456", "0.1234567890123456789", "1.-1"]
        {
            assert_eq!(Amount::parse(bad), None, "{bad}");
        }
        assert_eq!(
            (of("1.500").to_string(), of("-0.05").fixed(1), of("7").fixed(2)),
            ("1.5".into(), "0.0".into(), "7.00".into())
        );
        assert_eq!((of("1.500").decimals(), of("10").decimals(), of("0").to_string()), (1, 0, "0".into()));
        assert_eq!((of("12.349").units(2), of("-0.001").units(2)), (1_234, -1));
        assert!(of("0.3").is_multiple_of(of("0.1")) && !of("0.35").is_multiple_of(of("0.1")));
    }
}
