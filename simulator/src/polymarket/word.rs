//! 256-bit words as Ethereum writes them: bytes, hexadecimal and decimal. Only conversions, no arithmetic.

use std::fmt::Write;

use sha3::{Digest, Keccak256};

/// A 256-bit word, most significant byte first.
pub(super) type Word = [u8; 32];
/// An account or contract of the chain.
pub(super) type Address = [u8; 20];

/// Keccak-256 of the parts in a row.
pub(super) fn keccak(parts: &[&[u8]]) -> Word {
    let mut hasher = Keccak256::new();
    for part in parts {
        hasher.update(part);
    }
    hasher.finalize().into()
}

/// A number as a word.
pub(super) fn number(value: u64) -> Word {
    let mut word = [0; 32];
    word[24..].copy_from_slice(&value.to_be_bytes());
    word
}

/// An address as a word.
pub(super) fn padded(address: Address) -> Word {
    let mut word = [0; 32];
    word[12..].copy_from_slice(&address);
    word
}

/// `0x` and lower-case digits.
pub(super) fn hex(bytes: &[u8]) -> String {
    let mut out = String::with_capacity(2 + 2 * bytes.len());
    out.push_str("0x");
    for byte in bytes {
        let _ = write!(out, "{byte:02x}"); // writing to a String cannot fail
    }
    out
}

/// The bytes that `text` (with `0x`, any case) writes; `None` unless it is all digits in pairs.
pub(super) fn unhex(text: &str) -> Option<Vec<u8>> {
    let digits = text.strip_prefix("0x")?.as_bytes();
    if !digits.len().is_multiple_of(2) {
        return None;
    }
    let nibble = |digit: u8| char::from(digit).to_digit(16);
    digits.chunks_exact(2).map(|pair| Some((nibble(pair[0])? * 16 + nibble(pair[1])?) as u8)).collect()
}

/// Exactly `N` bytes in hexadecimal.
pub(super) fn fixed<const N: usize>(text: &str) -> Option<[u8; N]> {
    unhex(text)?.try_into().ok()
}

/// A word from decimal digits; `None` for anything else or 2^256 and above.
pub(super) fn from_decimal(text: &str) -> Option<Word> {
    let mut word = [0u8; 32];
    if text.is_empty() || text.len() > 78 {
        return None;
    }
    for digit in text.chars() {
        let mut carry = digit.to_digit(10)?;
        for byte in word.iter_mut().rev() {
            carry += u32::from(*byte) * 10;
            *byte = carry as u8;
            carry >>= 8;
        }
        if carry > 0 {
            return None;
        }
    }
    Some(word)
}

/// The decimal digits of a word.
pub(super) fn decimal(mut word: Word) -> String {
    let mut digits = Vec::new();
    while word.iter().any(|&byte| byte > 0) {
        let mut rest = 0;
        for byte in &mut word {
            let value = rest * 256 + u32::from(*byte);
            *byte = (value / 10) as u8;
            rest = value % 10;
        }
        digits.push(b'0' + rest as u8);
    }
    if digits.is_empty() {
        digits.push(b'0');
    }
    digits.iter().rev().copied().map(char::from).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn decimals_and_words_name_each_other() {
        let id = "72690798903588392269001731007662425920353908498880709179939493847828858696064";
        assert_eq!(from_decimal(id).map(decimal).as_deref(), Some(id));
        assert_eq!(from_decimal("258").map(|w| (w[30], w[31])), Some((1, 2)));
        assert_eq!(decimal([0; 32]), "0");
        let most = "115792089237316195423570985008687907853269984665640564039457584007913129639935";
        assert_eq!(from_decimal(most), Some([0xff; 32]));
        assert_eq!(
            from_decimal("115792089237316195423570985008687907853269984665640564039457584007913129639936"),
            None
        );
        assert!(from_decimal("").is_none() && from_decimal("1e5").is_none() && from_decimal("-1").is_none());
    }

    #[test]
    fn hexadecimal_is_read_in_any_case_and_refused_when_broken() {
        assert_eq!(unhex("0xAb01"), Some(vec![0xab, 1]));
        assert_eq!(hex(&[0xab, 1]), "0xab01");
        assert!(unhex("ab01").is_none() && unhex("0xab0").is_none() && unhex("0xzz").is_none());
        assert!(fixed::<2>("0xab01ff").is_none());
    }
}
