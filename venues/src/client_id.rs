//! Our order ids as venues see them: `hw` and sixteen lower-case hex digits. Eighteen alphanumeric
//! characters are valid, and kept whole, at every venue.

/// What every id of ours begins with.
const MARK: &[u8; 2] = b"hw";
/// Characters of an id.
pub const LEN: usize = 18;

/// Appends the text of an id.
pub fn write(id: u64, out: &mut Vec<u8>) {
    out.extend_from_slice(MARK);
    digits(id, out);
}

/// The id of a text; `None` when the order is not ours.
pub fn parse(text: &[u8]) -> Option<u64> {
    number(text.strip_prefix(MARK)?)
}

/// The id as a string, for the cold side.
pub fn text(id: u64) -> String {
    format!("hw{id:016x}")
}

/// Appends sixteen hex digits.
pub(crate) fn digits(id: u64, out: &mut Vec<u8>) {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    for place in (0..16).rev() {
        out.push(DIGITS[(id >> (4 * place) & 15) as usize]);
    }
}

/// The number of exactly sixteen lower-case hex digits.
pub(crate) fn number(digits: &[u8]) -> Option<u64> {
    if digits.len() != 16 {
        return None;
    }
    digits.iter().try_fold(0u64, |value, &byte| {
        let digit = match byte {
            b'0'..=b'9' => byte - b'0',
            b'a'..=b'f' => byte - b'a' + 10,
            _ => return None,
        };
        Some(value << 4 | u64::from(digit))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn what_is_not_ours_has_no_id() {
        for foreign in [
            "",
            "hw",
            "autoclose-1",
            "adl_autoclose",
            "hw000000000000000G",
            "hw00000000000000001",
            "HW0000000000000001",
            "hw00000000000000FF",
        ] {
            assert_eq!(parse(foreign.as_bytes()), None, "{foreign}");
        }
    }

    proptest! {
        #[test]
        fn an_id_comes_back(id: u64) {
            let mut out = Vec::new();
            write(id, &mut out);
            prop_assert_eq!(out.len(), LEN);
            prop_assert!(out.iter().all(u8::is_ascii_alphanumeric));
            prop_assert_eq!(parse(&out), Some(id));
            prop_assert_eq!(text(id).into_bytes(), out);
        }
    }
}
