//! Fixed-point prices and quantities: an `i64` mantissa with the instrument's own decimals.
//!
//! The scale policy, in full:
//! - decimals come from venue metadata, at most `DP_MAX` for price and for quantity, and at most
//!   [`AMOUNT_DP`] for both together;
//! - text is read exactly: extra zeros are fine, an extra non-zero digit is [`FixedError::Precision`],
//!   a value beyond `i64` is [`FixedError::Overflow`]; nothing is ever rounded or clamped;
//! - prices of a pair are compared at its canonical decimals, the maximum over its venues, reached
//!   with [`rescale`], which only ever multiplies exactly or divides exactly;
//! - a notional is `i128` at [`AMOUNT_DP`] decimals, wide enough for every `px × qty` exactly.
//!
//! No sign, exponent, leading zero or white space is accepted: venues send none, so one that
//! appears means that the frame is not what we think it is.

use crate::limits::{AMOUNT_DP, DP_MAX, POW10, POW10_WIDE};

/// Why a decimal could not be held exactly.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FixedError {
    /// No digits.
    Empty,
    /// Not `digits[.digits]`: a sign, an exponent, a leading zero, a stray byte.
    Malformed,
    /// A non-zero digit beyond the scale.
    Precision,
    /// Larger than the mantissa holds.
    Overflow,
}

impl std::fmt::Display for FixedError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Empty => "empty number",
            Self::Malformed => "malformed number",
            Self::Precision => "more decimals than the instrument has",
            Self::Overflow => "number too large",
        })
    }
}

impl std::error::Error for FixedError {}

/// A price: mantissa at the instrument's `px_dp` decimals.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(transparent)]
pub struct Px(pub i64);

/// A quantity: mantissa at the instrument's `qty_dp` decimals (contracts where the venue counts contracts).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(transparent)]
pub struct Qty(pub i64);

/// Decimals of an instrument's price and quantity, each `0..=DP_MAX`, together `0..=AMOUNT_DP`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Scale {
    /// Decimals of a price.
    pub px_dp: u8,
    /// Decimals of a quantity.
    pub qty_dp: u8,
}

impl Scale {
    /// A scale within [`DP_MAX`] and [`AMOUNT_DP`], or `None`.
    pub const fn new(px_dp: u8, qty_dp: u8) -> Option<Self> {
        if px_dp <= DP_MAX && qty_dp <= DP_MAX && px_dp + qty_dp <= AMOUNT_DP {
            Some(Self { px_dp, qty_dp })
        } else {
            None
        }
    }
}

/// A decimal as read: its mantissa at the asked scale, and how many decimals the text showed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Parsed {
    /// The value at the asked number of decimals.
    pub mantissa: i64,
    /// Decimals written in the text; with the mantissa they give the text back (checksums need it).
    pub shown: u8,
}

/// Reads `digits[.digits]` exactly at `dp` decimals.
///
/// # Errors
/// Every deviation is a [`FixedError`]; see the policy in the module's text.
pub fn parse(text: &[u8], dp: u8) -> Result<Parsed, FixedError> {
    let (whole, fraction) = split_at_point(text)?;
    if whole.len() > 1 && whole[0] == b'0' {
        return Err(FixedError::Malformed);
    }
    let kept = fraction.len().min(usize::from(dp));
    if digits(&fraction[kept..])?.is_some_and(|rest| rest != 0) {
        return Err(FixedError::Precision);
    }
    let mut mantissa = digits(whole)?.ok_or(FixedError::Empty)?;
    let places = u32::try_from(kept).map_err(|_| FixedError::Overflow)?;
    mantissa = mantissa.checked_mul(POW10[places as usize]).ok_or(FixedError::Overflow)?;
    mantissa = mantissa.checked_add(digits(&fraction[..kept])?.unwrap_or(0)).ok_or(FixedError::Overflow)?;
    mantissa = mantissa.checked_mul(POW10[usize::from(dp) - kept]).ok_or(FixedError::Overflow)?;
    let shown = u8::try_from(fraction.len()).map_err(|_| FixedError::Malformed)?;
    Ok(Parsed { mantissa, shown })
}

fn split_at_point(text: &[u8]) -> Result<(&[u8], &[u8]), FixedError> {
    let Some(point) = text.iter().position(|&b| b == b'.') else {
        return if text.is_empty() { Err(FixedError::Empty) } else { Ok((text, &[])) };
    };
    let (whole, fraction) = (&text[..point], &text[point + 1..]);
    if whole.is_empty() || fraction.is_empty() {
        return Err(FixedError::Malformed);
    }
    Ok((whole, fraction))
}

/// The value of a run of digits; `None` for an empty run. Zeros beyond 18 digits do not overflow.
fn digits(run: &[u8]) -> Result<Option<i64>, FixedError> {
    let mut value = 0i64;
    for &byte in run {
        let digit = byte.wrapping_sub(b'0');
        if digit > 9 {
            return Err(FixedError::Malformed);
        }
        value = value.checked_mul(10).and_then(|v| v.checked_add(i64::from(digit))).ok_or(FixedError::Overflow)?;
    }
    Ok((!run.is_empty()).then_some(value))
}

/// Moves a mantissa from `from` to `to` decimals, exactly or not at all.
///
/// # Errors
/// [`FixedError::Overflow`] upwards, [`FixedError::Precision`] when digits would be lost downwards.
pub fn rescale(mantissa: i64, from: u8, to: u8) -> Result<i64, FixedError> {
    if to >= from {
        let factor = *POW10.get(usize::from(to - from)).ok_or(FixedError::Overflow)?;
        return mantissa.checked_mul(factor).ok_or(FixedError::Overflow);
    }
    let factor = *POW10.get(usize::from(from - to)).ok_or(FixedError::Precision)?;
    if mantissa % factor == 0 { Ok(mantissa / factor) } else { Err(FixedError::Precision) }
}

/// An amount of money or of a base asset: `i128` at [`AMOUNT_DP`] decimals. May be negative.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(transparent)]
pub struct Amount(pub i128);

impl Amount {
    /// Nothing.
    pub const ZERO: Self = Self(0);

    /// A mantissa at `dp` decimals (`dp <= AMOUNT_DP`) as an amount; exact, `None` on overflow.
    pub fn from_mantissa(mantissa: i128, dp: u8) -> Option<Self> {
        let unit = POW10_WIDE[usize::from(AMOUNT_DP.checked_sub(dp)?)];
        // Two factors of 64 bits cannot overflow, which spares the wide check.
        let narrow = i64::try_from(mantissa).ok().zip(i64::try_from(unit).ok());
        match narrow {
            Some((mantissa, unit)) => Some(Self(i128::from(mantissa) * i128::from(unit))),
            None => mantissa.checked_mul(unit).map(Self),
        }
    }

    /// `px × qty` of an instrument of scale `scale`: exact, `None` on overflow.
    pub fn notional(px: Px, qty: Qty, scale: Scale) -> Option<Self> {
        let product = i128::from(px.0).checked_mul(i128::from(qty.0))?;
        Self::from_mantissa(product, scale.px_dp + scale.qty_dp)
    }

    /// The sum, or `None` on overflow.
    pub fn checked_add(self, other: Self) -> Option<Self> {
        self.0.checked_add(other.0).map(Self)
    }

    /// The difference, or `None` on overflow.
    pub fn checked_sub(self, other: Self) -> Option<Self> {
        self.0.checked_sub(other.0).map(Self)
    }
}

impl std::fmt::Display for Amount {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write_decimal(f, self.0, AMOUNT_DP)
    }
}

/// A mantissa with its decimals, for printing: plain digits, no trailing zeros, no exponent.
#[derive(Clone, Copy, Debug)]
pub struct Decimal {
    /// The value times `10^dp`.
    pub mantissa: i64,
    /// Decimals of the mantissa.
    pub dp: u8,
}

impl std::fmt::Display for Decimal {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write_decimal(f, i128::from(self.mantissa), self.dp)
    }
}

fn write_decimal(f: &mut std::fmt::Formatter<'_>, mantissa: i128, dp: u8) -> std::fmt::Result {
    let unit = 10u128.pow(u32::from(dp));
    let (whole, mut rest) = (mantissa.unsigned_abs() / unit, mantissa.unsigned_abs() % unit);
    let mut places = usize::from(dp);
    while places > 0 && rest.is_multiple_of(10) {
        rest /= 10;
        places -= 1;
    }
    let sign = if mantissa < 0 { "-" } else { "" };
    if places == 0 { write!(f, "{sign}{whole}") } else { write!(f, "{sign}{whole}.{rest:0places$}") }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn mantissa(text: &str, dp: u8) -> Result<i64, FixedError> {
        parse(text.as_bytes(), dp).map(|p| p.mantissa)
    }

    #[test]
    fn reads_exactly_or_says_why_not() {
        assert_eq!(mantissa("61804.70", 1), Ok(618_047));
        assert_eq!(mantissa("0", 8), Ok(0));
        assert_eq!(mantissa("0.00000001", 8), Ok(1));
        assert_eq!(mantissa("0.000000010", 8), Ok(1));
        assert_eq!(mantissa("1.05", 1), Err(FixedError::Precision));
        assert_eq!(mantissa("", 1), Err(FixedError::Empty));
        for bad in ["-1", "+1", "1e5", "01", ".5", "5.", "1.2.3", " 1", "0x1", "١"] {
            assert_eq!(mantissa(bad, 8), Err(FixedError::Malformed), "{bad}");
        }
    }

    #[test]
    fn overflow_is_loud_at_the_exact_edge() {
        assert_eq!(mantissa("9223372036854775807", 0), Ok(i64::MAX));
        assert_eq!(mantissa("9223372036854775808", 0), Err(FixedError::Overflow));
        assert_eq!(mantissa("92233720368.54775807", 8), Ok(i64::MAX));
        assert_eq!(mantissa("92233720368.54775808", 8), Err(FixedError::Overflow));
        assert_eq!(mantissa("922337203685477580.7", 10), Err(FixedError::Overflow));
    }

    #[test]
    fn rescale_never_loses_a_digit() {
        assert_eq!(rescale(15, 1, 3), Ok(1500));
        assert_eq!(rescale(1500, 3, 1), Ok(15));
        assert_eq!(rescale(1501, 3, 1), Err(FixedError::Precision));
        assert_eq!(rescale(i64::MAX, 0, 1), Err(FixedError::Overflow));
    }

    proptest! {
        #[test]
        fn text_round_trips(value in 0..=i64::MAX, dp in 0..=DP_MAX) {
            let text = Decimal { mantissa: value, dp }.to_string();
            prop_assert_eq!(mantissa(&text, dp), Ok(value));
        }

        #[test]
        fn shown_decimals_give_the_text_back(whole in 0u32.., fraction in "[0-9]{1,8}") {
            let text = format!("{whole}.{fraction}");
            let read = parse(text.as_bytes(), 8).unwrap();
            let shown = usize::from(read.shown);
            let unit = 100_000_000i64;
            let digits = format!("{:08}", read.mantissa % unit);
            prop_assert_eq!(format!("{}.{}", read.mantissa / unit, &digits[..shown]), text);
        }

        #[test]
        fn never_disagrees_with_wide_arithmetic(text in "[0-9]{1,22}(\\.[0-9]{1,14})?", dp in 0..=DP_MAX) {
            let (whole, fraction) = text.split_once('.').unwrap_or((&text, ""));
            let kept = fraction.len().min(usize::from(dp));
            let wide: i128 = format!("{whole}{}{}", &fraction[..kept], "0".repeat(usize::from(dp) - kept)).parse().unwrap();
            let exact = fraction[kept..].bytes().all(|b| b == b'0');
            match parse(text.as_bytes(), dp) {
                Ok(read) => prop_assert_eq!((i128::from(read.mantissa), exact), (wide, true)),
                Err(FixedError::Overflow) => prop_assert!(wide > i128::from(i64::MAX) || fraction.len() > 12),
                Err(FixedError::Precision) => prop_assert!(!exact),
                Err(FixedError::Malformed) => prop_assert!(whole.len() > 1 && whole.starts_with('0')),
                Err(FixedError::Empty) => prop_assert!(false, "not empty"),
            }
        }

        #[test]
        fn notional_is_exact(px in 0..=i64::MAX, qty in 0..=i64::MAX, px_dp in 0..=DP_MAX, qty_dp in 0..=DP_MAX) {
            prop_assume!(px_dp + qty_dp <= AMOUNT_DP);
            let scale = Scale::new(px_dp, qty_dp).unwrap();
            if let Some(amount) = Amount::notional(Px(px), Qty(qty), scale) {
                let unit = 10i128.pow(u32::from(AMOUNT_DP - px_dp - qty_dp));
                prop_assert_eq!(amount.0 % unit, 0);
                prop_assert_eq!(amount.0 / unit, i128::from(px) * i128::from(qty));
            }
        }
    }
}
