//! What can still be said of a frame that is not valid JSON: why, and whose it probably was.
//!
//! Only on the way to a refusal, so speed does not matter; allocation and panics still do.

use highwire_links::decode::Reject;

/// Why `bytes` are not JSON: `Truncated` when they end inside a string, an object or an array (or
/// inside a character), `Encoding` when they are not UTF-8, else `Malformed`.
pub(crate) fn reason(bytes: &[u8]) -> Reject {
    match std::str::from_utf8(bytes) {
        Err(error) if error.error_len().is_none() => Reject::Truncated,
        Err(_) => Reject::Encoding,
        Ok(_) if bytes.is_empty() || ends_inside(bytes) => Reject::Truncated,
        Ok(_) => Reject::Malformed,
    }
}

/// As [`reason`], asked before a parser spends the bytes: what opens like an object and is text counts
/// as `Malformed` without a closer look, since most of it is valid.
pub(crate) fn before(bytes: &[u8]) -> Reject {
    let likely = bytes.first() == Some(&b'{') && bytes.last() == Some(&b'}');
    if likely { Reject::Malformed } else { reason(bytes) }
}

/// Whether the bytes end before the brackets and quotes that they open are closed.
fn ends_inside(bytes: &[u8]) -> bool {
    let (mut depth, mut in_string, mut escaped) = (0i64, false, false);
    for &byte in bytes {
        match (in_string, byte) {
            (true, _) if escaped => escaped = false,
            (true, b'\\') => escaped = true,
            (_, b'"') => in_string = !in_string,
            (false, b'{' | b'[') => depth += 1,
            (false, b'}' | b']') => depth -= 1,
            _ => {}
        }
    }
    in_string || depth > 0
}

/// The string that follows `marker` (which ends with the opening quote), if the frame got that far.
pub(crate) fn string_after<'a>(bytes: &'a [u8], marker: &[u8]) -> Option<&'a [u8]> {
    let start = bytes.windows(marker.len()).position(|window| window == marker)? + marker.len();
    let rest = &bytes[start..];
    Some(&rest[..rest.iter().position(|&b| b == b'"')?])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tells_a_cut_frame_from_a_bad_one() {
        for cut in [r#"{"a":"#, r#"{"a":[1,2"#, r#"{"a":"x\""#, "", r#"{"a":{"b":1}"#] {
            assert_eq!(reason(cut.as_bytes()), Reject::Truncated, "{cut}");
        }
        assert_eq!(reason(b"{\"a\":\"\xc3"), Reject::Truncated);
        assert_eq!(reason(b"{\"a\":\"\xff\"}"), Reject::Encoding);
        for bad in [r#"{"a":1}}"#, r#"{"a":01}"#, "hello", r#"{"a" 1}"#] {
            assert_eq!(reason(bad.as_bytes()), Reject::Malformed, "{bad}");
        }
    }

    #[test]
    fn finds_a_string_that_is_whole() {
        assert_eq!(string_after(br#"{"s":"BTCUSDT","b":[["#, br#""s":""#), Some(&b"BTCUSDT"[..]));
        assert_eq!(string_after(br#"{"s":"BTCUS"#, br#""s":""#), None);
    }
}
