//! The little of HTTP that answers need: headers of a head, and how long a venue says to wait.

use crate::keys::KeyError;
use crate::sign::Signer;
use highwire_links::Nanos;

/// A second.
pub(crate) const SECOND_NS: Nanos = 1_000_000_000;
/// The longest wait that is believed: a ban lasts three days at most.
const WAIT_MAX_NS: Nanos = 3 * 86_400 * SECOND_NS;

/// Looks a header up by its lower-case name.
pub type Headers<'a> = &'a dyn Fn(&str) -> Option<&'a str>;

/// The value of a header in a head as received.
pub(crate) fn header<'a>(head: &'a [u8], name: &str) -> Option<&'a str> {
    head.split(|&byte| byte == b'\n').skip(1).find_map(|line| {
        let colon = line.iter().position(|&byte| byte == b':')?;
        let (key, value) = (&line[..colon], &line[colon + 1..]);
        key.eq_ignore_ascii_case(name.as_bytes()).then(|| std::str::from_utf8(value).ok().map(str::trim))?
    })
}

/// How long `Retry-After` says to wait: whole seconds, or an HTTP date. `default_ns` where it is
/// missing or makes no sense; never more than three days.
pub fn retry_after(value: Option<&str>, now: Nanos, default_ns: Nanos) -> Nanos {
    let Some(value) = value.map(str::trim).filter(|value| !value.is_empty()) else { return default_ns };
    if value.bytes().all(|byte| byte.is_ascii_digit()) {
        return value.parse::<u64>().map_or(WAIT_MAX_NS, |seconds| seconds.saturating_mul(SECOND_NS)).min(WAIT_MAX_NS);
    }
    let until = http_date(value).map(|seconds| seconds.saturating_mul(SECOND_NS));
    until.map_or(default_ns, |until| until.saturating_sub(now).min(WAIT_MAX_NS))
}

/// Seconds since 1970 of `Sun, 06 Nov 1994 08:49:37 GMT` (RFC 9110, IMF-fixdate). Days from a date as
/// in Howard Hinnant's `days_from_civil`.
fn http_date(text: &str) -> Option<u64> {
    const MONTHS: [&str; 12] = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
    let mut words = text.split_once(", ")?.1.split(' ');
    let day: u64 = words.next()?.parse().ok().filter(|day| (1..=31).contains(day))?;
    let name = words.next()?;
    let month = MONTHS.iter().position(|month| *month == name)? as u64 + 1;
    let year: u64 = words.next()?.parse().ok().filter(|year| (1970..10_000).contains(year))?;
    let mut clock = words.next()?.split(':').map(str::parse::<u64>);
    let (hour, minute, second) = (clock.next()?.ok()?, clock.next()?.ok()?, clock.next()?.ok()?);
    if hour > 23 || minute > 59 || second > 60 || words.next() != Some("GMT") {
        return None;
    }
    let year = year - u64::from(month <= 2);
    let shifted = if month > 2 { month - 3 } else { month + 9 };
    let day_of_year = (153 * shifted + 2) / 5 + day - 1;
    let day_of_era = year % 400 * 365 + year % 400 / 4 - year % 400 / 100 + day_of_year;
    let days = year / 400 * 146_097 + day_of_era - 719_468;
    Some(days * 86_400 + hour * 3_600 + minute * 60 + second)
}

/// Appends a signature over the parts that a query can hold.
pub(crate) fn query_signature(signer: &mut Signer, parts: &[&[u8]], out: &mut Vec<u8>) -> Result<(), KeyError> {
    let start = out.len();
    signer.sign(parts, out)?;
    if signer.writes_base64() {
        escape_base64(start, out);
    }
    Ok(())
}

/// Percent-encodes what base64 has and a query must not, in place from `start` on.
fn escape_base64(start: usize, out: &mut Vec<u8>) {
    let special = |byte: &u8| matches!(byte, b'+' | b'/' | b'=');
    let mut from = out.len();
    let grown = from + 2 * out[start..].iter().filter(|byte| special(byte)).count();
    out.resize(grown, 0);
    let mut to = grown;
    while from > start && to > from {
        from -= 1;
        let byte = out[from];
        let code: &[u8] = match byte {
            b'+' => b"%2B",
            b'/' => b"%2F",
            b'=' => b"%3D",
            _ => std::slice::from_ref(&byte),
        };
        to -= code.len();
        out[to..to + code.len()].copy_from_slice(code);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEAD: &[u8] =
        b"HTTP/1.1 429 Too Many Requests\r\nDate: x\r\nretry-after:  7 \r\nX-MBX-USED-WEIGHT-1M: 5999\r\n\r\n";

    #[test]
    fn headers_are_found_whatever_their_case() {
        assert_eq!(header(HEAD, "retry-after"), Some("7"));
        assert_eq!(header(HEAD, "x-mbx-used-weight-1m"), Some("5999"));
        assert_eq!(header(HEAD, "missing"), None);
        assert_eq!(header(b"", "missing"), None);
    }

    #[test]
    fn every_form_of_retry_after_gives_a_wait() {
        let now = 784_111_777 * SECOND_NS;
        for (value, seconds) in [
            (Some("30"), 30),
            (Some("0"), 0),
            (None, 60),
            (Some(""), 60),
            (Some("soon"), 60),
            (Some("-1"), 60),
            (Some("1.5"), 60),
            (Some("Sun, 06 Nov 1994 08:50:37 GMT"), 60),
            (Some("Sun, 06 Nov 1994 08:49:47 GMT"), 10),
            (Some("Sun, 06 Nov 1994 08:49:00 GMT"), 0),
            (Some("Sun, 06 Nvo 1994 08:50:00 GMT"), 60),
            (Some("99999999999999999999999"), 3 * 86_400),
        ] {
            assert_eq!(retry_after(value, now, 60 * SECOND_NS), seconds * SECOND_NS, "{value:?}");
        }
    }

    #[test]
    fn base64_is_escaped_in_place() {
        for (plain, escaped) in [("ab+/cd==", "ab%2B%2Fcd%3D%3D"), ("abcd", "abcd"), ("+", "%2B"), ("", "")] {
            let mut out = b"k=+&".to_vec();
            out.extend_from_slice(plain.as_bytes());
            escape_base64(4, &mut out);
            assert_eq!(String::from_utf8(out).unwrap(), format!("k=+&{escaped}"));
        }
    }
}
