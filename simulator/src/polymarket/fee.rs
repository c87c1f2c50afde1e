//! What a taker pays: shares × rate × price × (1 − price), in collateral, to five decimals.
//! Source: docs.polymarket.com, trading fees; makers pay nothing.

use super::{MICRO, PX_ONE};

/// The crypto fee rate in percent.
pub(super) const RATE_PERCENT: i64 = 7;

/// The fee in micro-dollars of taking `shares` (millionths) at `px` (ten-thousandths), rounded half up
/// to a hundred-thousandth of a dollar.
pub(super) fn taker(shares: i64, px: i64) -> i64 {
    let exact = i128::from(shares) * i128::from(RATE_PERCENT) * i128::from(px) * i128::from(PX_ONE - px);
    let unit = 100 * i128::from(PX_ONE) * i128::from(PX_ONE) * 10;
    i64::try_from((exact + unit / 2) / unit * 10).unwrap_or(i64::MAX)
}

/// `shares` (millionths) at `px` (ten-thousandths) in micro-dollars, rounded down.
pub(super) fn value(shares: i64, px: i64) -> i64 {
    i64::try_from(i128::from(shares) * i128::from(px) / i128::from(PX_ONE)).unwrap_or(i64::MAX)
}

/// The most shares (millionths) that `usd` micro-dollars buy at `px`.
pub(super) fn bought(usd: i64, px: i64) -> i64 {
    i64::try_from(i128::from(usd) * i128::from(PX_ONE) / i128::from(px.max(1))).unwrap_or(i64::MAX)
}

/// Millionths as people write them: no trailing zeros.
pub(super) fn text(micros: i64) -> String {
    let (sign, size) = (if micros < 0 { "-" } else { "" }, micros.unsigned_abs());
    let (whole, rest) = (size / MICRO as u64, size % MICRO as u64);
    let digits = format!("{rest:06}");
    let digits = digits.trim_end_matches('0');
    if digits.is_empty() { format!("{sign}{whole}") } else { format!("{sign}{whole}.{digits}") }
}

/// A price in ten-thousandths as people write it: no trailing zeros.
pub(super) fn price(px: i64) -> String {
    text(px * (MICRO / PX_ONE))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hundred_shares_at_a_half_cost_a_dollar_seventy_five() {
        assert_eq!(taker(100 * MICRO, 5_000), 1_750_000);
        assert_eq!(taker(100 * MICRO, 100), 69_300);
        assert_eq!(taker(10_000, 5_000), 180, "0.000175 rounds half up to 0.00018");
        assert_eq!(taker(0, 5_000), 0);
    }

    #[test]
    fn values_and_texts_are_exact() {
        assert_eq!(value(100 * MICRO, 5_200), 52 * MICRO);
        assert_eq!(bought(50 * MICRO, 5_500), 90_909_090);
        assert_eq!((text(1_500_000), text(-20), text(0)), ("1.5".into(), "-0.00002".into(), "0".into()));
        assert_eq!((price(5_100), price(25), price(9_990)), ("0.51".into(), "0.0025".into(), "0.999".into()));
    }
}
