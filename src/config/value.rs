//! Exact values out of settings: decimals become integers here and never pass through a float.

use super::schema::{Clock, Member};
use highwire_links::fixed::{self, Amount, FixedError};
use highwire_links::limits::AMOUNT_DP;
use serde::de::{Deserialize, Deserializer, Error};
use std::net::SocketAddr;

/// Decimals of a basis point that are exact in parts per billion (1 bp = 100 000 ppb).
pub const BPS_DP: u8 = 5;
/// Decimals of an amount of money in settings.
pub const MONEY_DP: u8 = 8;

const _: () = assert!(MONEY_DP <= AMOUNT_DP);

/// Reads a decimal with an optional minus sign, exactly, as a mantissa at `dp` decimals.
///
/// # Errors
/// As [`fixed::parse`].
pub fn decimal(text: &str, dp: u8) -> Result<i64, FixedError> {
    match text.strip_prefix('-') {
        Some(rest) => fixed::parse(rest.as_bytes(), dp).map(|read| -read.mantissa),
        None => fixed::parse(text.as_bytes(), dp).map(|read| read.mantissa),
    }
}

/// Basis points as text → parts per billion.
pub fn ppb<'de, D: Deserializer<'de>>(from: D) -> Result<i64, D::Error> {
    decimal(&String::deserialize(from)?, BPS_DP).map_err(D::Error::custom)
}

/// Money as text → an exact amount.
pub fn amount<'de, D: Deserializer<'de>>(from: D) -> Result<Amount, D::Error> {
    let mantissa = decimal(&String::deserialize(from)?, MONEY_DP).map_err(D::Error::custom)?;
    Amount::from_mantissa(mantissa.into(), MONEY_DP).ok_or_else(|| D::Error::custom(FixedError::Overflow))
}

/// `auto`, or a fixed offset in milliseconds (venue time minus ours).
pub fn clock(text: &str) -> Option<Clock> {
    match text {
        "auto" => Some(Clock::Measured),
        // A day in milliseconds: more is a wrong unit, not a clock.
        fixed => fixed.parse().ok().filter(|ms: &i64| ms.abs() <= 86_400_000).map(|ms| Clock::Fixed { offset_ms: ms }),
    }
}

/// Empty, or an address and a port.
pub fn address(text: &str) -> Option<Option<SocketAddr>> {
    if text.is_empty() { Some(None) } else { text.parse().ok().map(Some) }
}

/// Reads [`address`] out of a setting.
pub fn listen<'de, D: Deserializer<'de>>(from: D) -> Result<Option<SocketAddr>, D::Error> {
    address(&String::deserialize(from)?).ok_or_else(|| D::Error::custom("not an address with a port"))
}

/// `venue:SYMBOL`, both parts present; whether the venue exists is the caller's question.
pub fn member(text: &str) -> Option<Member> {
    let (venue, symbol) = text.split_once(':')?;
    let sound = !venue.is_empty() && !symbol.is_empty() && symbol.bytes().all(|b| b.is_ascii_graphic() && b != b':');
    sound.then(|| Member { venue: venue.to_owned(), symbol: symbol.to_owned() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn basis_points_are_exact_in_parts_per_billion() {
        let check = |text: &str, expect: Result<i64, FixedError>| assert_eq!(decimal(text, BPS_DP), expect, "{text}");
        check("10", Ok(1_000_000));
        check("7.5", Ok(750_000));
        check("-0.25", Ok(-25_000));
        check("0.00001", Ok(1));
        check("0.000001", Err(FixedError::Precision));
        check("1e1", Err(FixedError::Malformed));
        check("", Err(FixedError::Empty));
        check("-", Err(FixedError::Empty));
    }

    #[test]
    fn a_clock_is_automatic_or_a_plausible_offset() {
        let check = |text: &str, expect: Option<Clock>| assert_eq!(clock(text), expect, "{text}");
        check("auto", Some(Clock::Measured));
        check("-1300", Some(Clock::Fixed { offset_ms: -1300 }));
        check("86400001", None);
        check("soon", None);
    }

    #[test]
    fn a_member_names_venue_and_symbol() {
        let check = |text: &str, expect: Option<(&str, &str)>| {
            let read = member(text);
            assert_eq!(read.as_ref().map(|m| (m.venue.as_str(), m.symbol.as_str())), expect, "{text}");
        };
        check("okx:BTC-USDT", Some(("okx", "BTC-USDT")));
        check("okx", None);
        check(":BTC", None);
        check("okx:", None);
        check("okx:BTC USDT", None);
    }
}
