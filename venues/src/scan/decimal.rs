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

/// By length: the bytes of a 16-byte window that belong to a text ending with it.
const TEXT: [u128; 32] = {
    let mut table = [u128::MAX; 32];
    let mut len = 0;
    while len < 16 {
        table[len] = u128::MAX.unbounded_shl(8 * (16 - len as u32));
        len += 1;
    }
    table
};
/// By place of the point in the window: the bytes before it.
const BEFORE: [u128; 16] = {
    let mut table = [0; 16];
    let mut dot = 0;
    while dot < 16 {
        table[dot] = !u128::MAX.unbounded_shl(8 * dot as u32);
        dot += 1;
    }
    table
};
/// By place of the point in the window: the bytes after it.
const AFTER: [u128; 16] = {
    let mut table = [0; 16];
    let mut dot = 0;
    while dot < 16 {
        table[dot] = u128::MAX.unbounded_shl(8 * dot as u32 + 8);
        dot += 1;
    }
    table
};

/// The decimal text `bytes[start..end]`: its digits as one number, and how many of them are decimals.
/// At least 16 bytes must stand before `end`.
#[inline(always)]
pub(crate) fn decimal(bytes: &[u8], start: usize, end: usize) -> Option<(i64, u8)> {
    let len = end.wrapping_sub(start);
    if len.wrapping_sub(1) > 15 {
        return long(bytes.get(start..end)?);
    }
    let window: &[u8; 16] = bytes.get(end.wrapping_sub(16)..end)?.first_chunk()?;
    let (first, second) = (window[16usize.wrapping_sub(len) & 15], window[17usize.wrapping_sub(len) & 15]);
    let mut digits = (u128::from_le_bytes(*window) ^ ZEROS) & TEXT[len & 31];
    let dots = (digits ^ DOT).wrapping_sub(ONES) & !(digits ^ DOT) & HIGH;
    let mut bad = (first == b'0') & (len > 1) & (second != b'.');
    let mut shown = 0;
    if dots != 0 {
        let dot = (dots.trailing_zeros() / 8) as usize & 15;
        shown = 15 - dot;
        digits = (digits & AFTER[dot]) | (digits & BEFORE[dot]) << 8;
        bad |= (shown == 0) | (first == b'.');
    }
    bad |= !all_digits(digits);
    if bad { None } else { Some((sixteen(digits) as i64, shown as u8)) }
}

/// Whether all bytes are digit values.
#[inline(always)]
fn all_digits(digits: u128) -> bool {
    (digits.wrapping_add(0x76 * ONES) | digits) & HIGH == 0
}

/// Sixteen digit values, most significant first, as a number.
#[inline(always)]
fn sixteen(digits: u128) -> u64 {
    eight(digits as u64).wrapping_mul(100_000_000).wrapping_add(eight((digits >> 64) as u64))
}

/// Eight digit values, the first in the lowest byte, as a number.
#[inline(always)]
fn eight(digits: u64) -> u64 {
    const PAIRS: u64 = 0x0000_00ff_0000_00ff;
    let pairs = digits.wrapping_mul(10).wrapping_add(digits >> 8);
    let high = (pairs & PAIRS).wrapping_mul(100 + (1_000_000 << 32));
    let low = (pairs >> 16 & PAIRS).wrapping_mul(1 + (10_000 << 32));
    high.wrapping_add(low) >> 32
}

/// A decimal of more than sixteen characters.
#[cold]
pub(super) fn long(text: &[u8]) -> Option<(i64, u8)> {
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

/// The unsigned integer that starts at `at`, and where it ends. At least 16 bytes must stand before and
/// after `at`.
#[inline(always)]
pub(crate) fn unsigned(bytes: &[u8], at: usize) -> Option<(u64, usize)> {
    let word = u128::from_le_bytes(*bytes.get(at..at.checked_add(16)?)?.first_chunk()?) ^ ZEROS;
    let stops = (word.wrapping_add(0x76 * ONES) | word) & HIGH;
    let len = stops.trailing_zeros() / 8;
    let leading_zero = word as u8 == 0 && len > 1;
    match len {
        0 => None,
        _ if leading_zero => None,
        16 => long_unsigned(bytes, at),
        _ => {
            let end = at.wrapping_add(len as usize);
            let window: &[u8; 16] = bytes.get(end.wrapping_sub(16)..end)?.first_chunk()?;
            Some((sixteen((u128::from_le_bytes(*window) ^ ZEROS) & TEXT[len as usize & 31]), end))
        }
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
            let mut bytes = vec![b'7'; 16];
            bytes.extend_from_slice(value.to_string().as_bytes());
            let end = bytes.len();
            bytes.extend_from_slice(&[stop; 17]);
            let expected = (end <= 16 + 19).then_some((value, end));
            prop_assert_eq!(unsigned(&bytes, 16), expected);
            bytes.insert(16, b'0');
            prop_assert_eq!(unsigned(&bytes, 16), None);
        }
    }
}
