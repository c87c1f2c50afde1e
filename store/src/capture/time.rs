//! Recorders' times as nanoseconds, from the digits themselves: a float would lose some.

use highwire_links::Nanos;

const NANO_DIGITS: usize = 9;

/// Decimal seconds since the epoch, such as `1633998512.320639`, exactly; digits beyond nanoseconds
/// are cut. `None` for anything else.
pub fn seconds(text: &str) -> Option<Nanos> {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, "0"));
    if whole.is_empty() || !whole.bytes().chain(fraction.bytes()).all(|b| b.is_ascii_digit()) {
        return None;
    }
    let digits = fraction.bytes().chain(std::iter::repeat(b'0')).take(NANO_DIGITS);
    let nanos = digits.fold(0u64, |sum, digit| sum * 10 + u64::from(digit - b'0'));
    whole.parse::<u64>().ok()?.checked_mul(1_000_000_000)?.checked_add(nanos)
}

/// A whole number since the epoch whose unit its length tells: 13 digits are milliseconds, 16
/// microseconds, 19 nanoseconds. `None` for anything else.
pub fn by_length(text: &[u8]) -> Option<Nanos> {
    let unit = match text.len() {
        13 => 1_000_000,
        16 => 1_000,
        19 => 1,
        _ => return None,
    };
    let value: u64 = std::str::from_utf8(text).ok()?.parse().ok()?;
    text.iter().all(u8::is_ascii_digit).then(|| value.checked_mul(unit))?
}

/// Nanoseconds as decimal seconds, exactly, as [`seconds`] reads them.
pub fn to_seconds(at_ns: Nanos) -> String {
    format!("{}.{:09}", at_ns / 1_000_000_000, at_ns % 1_000_000_000)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn seconds_are_read_to_the_last_digit() {
        assert_eq!(seconds("1633998512.320639"), Some(1_633_998_512_320_639_000));
        assert_eq!(seconds("1633998512"), Some(1_633_998_512_000_000_000));
        assert_eq!(seconds("1.1234567899"), Some(1_123_456_789));
        assert!(["", ".5", "-1.0", "1e9", "1.x", "99999999999999"].iter().all(|bad| seconds(bad).is_none()));
        assert_eq!(seconds(&to_seconds(1_633_998_512_000_000_007)), Some(1_633_998_512_000_000_007));
    }

    #[test]
    fn the_length_of_a_whole_number_tells_its_unit() {
        assert_eq!(by_length(b"1680652800004107"), Some(1_680_652_800_004_107_000));
        assert_eq!(by_length(b"1723161255030314667"), Some(1_723_161_255_030_314_667));
        assert_eq!(by_length(b"1723161255030"), Some(1_723_161_255_030_000_000));
        assert!([&b"17231612550"[..], b"172316125503x", b"+172316125503"].iter().all(|bad| by_length(bad).is_none()));
    }
}
