//! Numbers and times as venues read them, written without allocation: plain decimals, no exponent.

use highwire_links::limits::POW10;

/// Appends a mantissa at `dp` decimals as a plain decimal without trailing zeros. Negative mantissas
/// and more than 18 decimals do not occur in orders; they give `None` and nothing is written.
pub(crate) fn decimal(mantissa: i64, dp: u8, out: &mut Vec<u8>) -> Option<()> {
    let unit = u64::try_from(*POW10.get(usize::from(dp))?).ok()?;
    let value = u64::try_from(mantissa).ok()?;
    let (whole, mut rest) = (value / unit, value % unit);
    number(whole, out);
    if rest == 0 {
        return Some(());
    }
    let mut places = usize::from(dp);
    while rest.is_multiple_of(10) {
        rest /= 10;
        places -= 1;
    }
    out.push(b'.');
    padded(rest, places, out);
    Some(())
}

/// Appends an unsigned integer.
pub(crate) fn number(value: u64, out: &mut Vec<u8>) {
    padded(value, 1, out);
}

/// Appends a time in milliseconds; one before 1970 is written as 0.
pub(crate) fn millis(wall_ms: i64, out: &mut Vec<u8>) {
    number(u64::try_from(wall_ms).unwrap_or(0), out);
}

/// Appends an unsigned integer with at least `places` digits.
fn padded(mut value: u64, places: usize, out: &mut Vec<u8>) {
    let mut digits = [b'0'; 20];
    let mut at = digits.len();
    while value > 0 {
        at -= 1;
        digits[at] = b'0' + (value % 10) as u8;
        value /= 10;
    }
    out.extend_from_slice(&digits[at.min(digits.len() - places.min(digits.len()))..]);
}

/// Appends `2026-09-21T14:13:20.123Z`. Days to date as in Howard Hinnant's "chrono-compatible
/// low-level date algorithms", `civil_from_days`.
pub(crate) fn iso(wall_ms: i64, out: &mut Vec<u8>) {
    let ms = u64::try_from(wall_ms).unwrap_or(0);
    let (days, day_ms) = (ms / 86_400_000 + 719_468, ms % 86_400_000);
    let (era, day_of_era) = (days / 146_097, days % 146_097);
    let year_of_era = (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * shifted + 2) / 5 + 1;
    let month = if shifted < 10 { shifted + 3 } else { shifted - 9 };
    let year = year_of_era + era * 400 + u64::from(month <= 2);
    for (value, places, after) in [
        (year, 4, b'-'),
        (month, 2, b'-'),
        (day, 2, b'T'),
        (day_ms / 3_600_000, 2, b':'),
        (day_ms / 60_000 % 60, 2, b':'),
        (day_ms / 1_000 % 60, 2, b'.'),
        (day_ms % 1_000, 3, b'Z'),
    ] {
        padded(value, places, out);
        out.push(after);
    }
}

/// Appends `text` with everything but RFC 3986's unreserved characters percent-encoded.
pub(crate) fn escaped(text: &[u8], out: &mut Vec<u8>) {
    const DIGITS: &[u8; 16] = b"0123456789ABCDEF";
    for &byte in text {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            out.push(byte);
        } else {
            out.extend_from_slice(&[b'%', DIGITS[usize::from(byte >> 4)], DIGITS[usize::from(byte & 15)]]);
        }
    }
}

/// `text` percent-encoded, for the cold side.
pub(crate) fn escape(text: &str) -> String {
    let mut out = Vec::with_capacity(text.len());
    escaped(text.as_bytes(), &mut out);
    String::from_utf8_lossy(&out).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use highwire_links::fixed::Decimal;
    use proptest::prelude::*;

    fn written(write: impl FnOnce(&mut Vec<u8>)) -> String {
        let mut out = Vec::new();
        write(&mut out);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn times_are_iso_8601_to_the_millisecond() {
        for (ms, text) in [
            (1_790_000_000_123, "2026-09-21T14:13:20.123Z"),
            (0, "1970-01-01T00:00:00.000Z"),
            (951_782_400_000, "2000-02-29T00:00:00.000Z"),
            (1_709_251_199_999, "2024-02-29T23:59:59.999Z"),
            (1_735_689_599_001, "2024-12-31T23:59:59.001Z"),
        ] {
            assert_eq!(written(|out| iso(ms, out)), text);
        }
    }

    #[test]
    fn a_query_escapes_what_is_not_unreserved() {
        assert_eq!(escape("BTC USDT+/=é-._~"), "BTC%20USDT%2B%2F%3D%C3%A9-._~");
    }

    proptest! {
        #[test]
        fn decimals_are_those_that_we_print(mantissa in 0..=i64::MAX, dp in 0u8..=12) {
            let text = written(|out| decimal(mantissa, dp, out).unwrap());
            prop_assert_eq!(text, Decimal { mantissa, dp }.to_string());
        }

        #[test]
        fn a_negative_mantissa_is_not_written(mantissa in i64::MIN..0) {
            let mut out = Vec::new();
            prop_assert_eq!(decimal(mantissa, 2, &mut out), None);
            prop_assert!(out.is_empty());
        }
    }
}
