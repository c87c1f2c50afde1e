//! Decimals and integers without a branch per digit: sixteen bytes at once in plain arithmetic.
//!
//! Digits are read with their own number of decimals; the instrument's scale comes later, since its
//! symbol may stand behind them. What is taken here is exactly what `links::fixed` takes.

const ONES: u128 = u128::MAX / 0xff;
const HIGH: u128 = 0x80 * ONES;
const ZEROS: u128 = 0x30 * ONES;
/// `.` once the bits of `0` are taken off.
const DOT: u128 = 0x1e * ONES;
/// Most digits that always fit an `i64`.
const DIGITS_MAX: usize = 18;

/// The decimal text `bytes[start..end]`: its digits as one number, and how many of them are decimals.
/// At least 16 bytes must stand before `end`.
#[inline]
pub(crate) fn decimal(bytes: &[u8], start: usize, end: usize) -> Option<(i64, u8)> {
    let len = end.wrapping_sub(start);
    if len.wrapping_sub(1) > 15 {
        return long(bytes.get(start..end)?);
    }
    let word = u128::from_le_bytes(*bytes.get(end.wrapping_sub(16)..end)?.last_chunk()?);
    let mut digits = (word ^ ZEROS) & (u128::MAX << (8 * (16 - len)));
    let first = bytes[start];
    let second = bytes[start + 1];
    if first == b'0' && len > 1 && second != b'.' {
        return None;
    }
    let dots = (digits ^ DOT).wrapping_sub(ONES) & !(digits ^ DOT) & HIGH;
    let mut shown = 0;
    if dots != 0 {
        let dot = dots.trailing_zeros() / 8;
        shown = 15 - dot;
        let before = (1u128 << (8 * dot)) - 1;
        digits = (digits & !(before | 0xff << (8 * dot))) | (digits & before) << 8;
        if shown == 0 || first == b'.' {
            return None;
        }
    }
    Some((sixteen(digits)? as i64, shown as u8))
}

/// Sixteen digit values, most significant first, as a number; `None` if one is not a digit.
#[inline]
fn sixteen(digits: u128) -> Option<u64> {
    if (digits.wrapping_add(0x76 * ONES) | digits) & HIGH != 0 {
        return None;
    }
    Some(eight(digits as u64) * 100_000_000 + eight((digits >> 64) as u64))
}

/// Eight digit values, the first in the lowest byte, as a number.
#[inline]
fn eight(digits: u64) -> u64 {
    const PAIRS: u64 = 0x0000_00ff_0000_00ff;
    let pairs = digits.wrapping_mul(10).wrapping_add(digits >> 8);
    let high = (pairs & PAIRS).wrapping_mul(100 + (1_000_000 << 32));
    let low = (pairs >> 16 & PAIRS).wrapping_mul(1 + (10_000 << 32));
    high.wrapping_add(low) >> 32
}

/// A decimal of more than sixteen characters.
#[cold]
fn long(text: &[u8]) -> Option<(i64, u8)> {
    let dot = text.iter().position(|&b| b == b'.');
    let whole = &text[..dot.unwrap_or(text.len())];
    let fraction = dot.map_or(&[][..], |dot| &text[dot + 1..]);
    let short = whole.len() + fraction.len() <= DIGITS_MAX;
    let canonical = !whole.is_empty() && (whole.len() == 1 || whole[0] != b'0');
    if !short || !canonical || (dot.is_some() && fraction.is_empty()) {
        return None;
    }
    let mut value = 0i64;
    for &byte in whole.iter().chain(fraction) {
        value = value * 10 + i64::from(byte.is_ascii_digit().then(|| byte - b'0')?);
    }
    Some((value, fraction.len() as u8))
}

/// The unsigned integer that starts at `at`, and where it ends. At least 16 bytes must stand after `at`.
#[inline]
pub(crate) fn unsigned(bytes: &[u8], at: usize) -> Option<(u64, usize)> {
    let word = u128::from_le_bytes(*bytes.get(at..at.checked_add(16)?)?.first_chunk()?) ^ ZEROS;
    let stops = (word.wrapping_add(0x76 * ONES) | word) & HIGH;
    let len = stops.trailing_zeros() / 8;
    let leading_zero = word as u8 == 0 && len > 1;
    match len {
        0 => None,
        _ if leading_zero => None,
        16 => long_unsigned(bytes, at),
        _ => Some((sixteen(word << (8 * (16 - len)))?, at + len as usize)),
    }
}

/// An integer of 16 to 19 digits.
#[cold]
fn long_unsigned(bytes: &[u8], at: usize) -> Option<(u64, usize)> {
    let rest = bytes.get(at..)?;
    let len = rest.iter().take(20).take_while(|b| b.is_ascii_digit()).count();
    if len > 19 {
        return None;
    }
    let value = rest[..len].iter().fold(0u64, |value, &byte| value * 10 + u64::from(byte - b'0'));
    Some((value, at + len))
}

#[cfg(test)]
mod tests {
    use super::*;
    use highwire_links::fixed::parse;
    use proptest::prelude::*;

    fn read(text: &[u8], junk: u8) -> Option<(i64, u8)> {
        let mut bytes = vec![junk; 16];
        bytes.extend_from_slice(text);
        bytes.extend_from_slice(&[junk; 16]);
        decimal(&bytes, 16, 16 + text.len())
    }

    fn agrees(text: &[u8], junk: u8) {
        let shown = text.iter().rev().position(|&b| b == b'.').unwrap_or(0);
        let expected =
            if shown > 10 { None } else { parse(text, shown as u8).ok().map(|read| (read.mantissa, read.shown)) };
        match read(text, junk) {
            Some(found) if shown <= 10 => assert_eq!(Some(found), expected, "{}", String::from_utf8_lossy(text)),
            Some(_) => {}
            None => assert!(expected.is_none() || text.len() > 16, "{} is refused", String::from_utf8_lossy(text)),
        }
    }

    #[test]
    fn takes_and_refuses_what_the_fixed_point_policy_does() {
        for text in [
            "0",
            "0.0",
            "1",
            "61804.70000000",
            "1028266.00000000",
            "123456789.00000000",
            "00",
            "01.5",
            ".5",
            "5.",
            "1.2.3",
            "-1",
            "1e5",
            "",
            "0x1",
            "9999999999999999",
            "99999999.9999999",
            "0.00000001",
            ".",
            "1 ",
        ] {
            for junk in [b'"', b'0', b'.', 0xff] {
                agrees(text.as_bytes(), junk);
            }
        }
    }

    proptest! {
        #[test]
        fn agrees_on_any_text(text in "[0-9]{0,12}\\.?[0-9]{0,10}", junk: u8) {
            agrees(text.as_bytes(), junk);
        }

        #[test]
        fn agrees_on_damaged_text(mut text in "[0-9]{1,9}\\.[0-9]{1,6}", at: usize, byte: u8) {
            let at = at % text.len();
            let mut bytes = std::mem::take(&mut text).into_bytes();
            bytes[at] = byte;
            agrees(&bytes, b'"');
        }

        #[test]
        fn reads_integers_up_to_their_end(value: u64, stop in prop_oneof![Just(b','), Just(b'}'), Just(0xffu8), Just(b'/'), Just(b':')]) {
            let mut bytes = value.to_string().into_bytes();
            let len = bytes.len();
            bytes.extend_from_slice(&[stop; 17]);
            let expected = (len <= 19).then_some((value, len));
            prop_assert_eq!(unsigned(&bytes, 0), expected);
            bytes.insert(0, b'0');
            prop_assert_eq!(unsigned(&bytes, 0), None);
        }
    }
}
