//! Who asks over HTTP, and the proof: four headers, a signature over the bytes as they were sent, the window of time.
//!
//! Rules: www.okx.com/docs-v5 (REST authentication, error codes 501xx).

use axum::http::HeaderMap;

use super::call::Problem;
use crate::members::{Member, member, signed_base64};

/// How old or new a request's time may be, in ms.
const TOLERANCE_MS: u64 = 30_000;

/// The member who signed; checks in the venue's order.
pub(super) fn judge(
    members: &[Member],
    method: &str,
    asked: &str,
    headers: &HeaderMap,
    body: &str,
    now_ms: u64,
) -> Result<usize, Problem> {
    let header = |name: &str, code: &'static str| {
        let text = headers.get(name).and_then(|value| value.to_str().ok()).filter(|text| !text.is_empty());
        text.ok_or_else(|| refused(code, format!("Request header {name} can not be empty.")))
    };
    let key = header("OK-ACCESS-KEY", "50103")?;
    let phrase = header("OK-ACCESS-PASSPHRASE", "50104")?;
    let sign = header("OK-ACCESS-SIGN", "50106")?;
    let time = header("OK-ACCESS-TIMESTAMP", "50107")?;
    let at_ms = iso_ms(time).ok_or_else(|| refused("50112", "Invalid OK-ACCESS-TIMESTAMP"))?;
    if at_ms.abs_diff(now_ms) > TOLERANCE_MS {
        return Err(refused("50102", "Timestamp request expired"));
    }
    let (number, member) = member(members, key).ok_or_else(|| refused("50111", "Invalid OK-ACCESS-KEY"))?;
    if phrase != member.passphrase {
        return Err(refused("50105", "Request header OK-ACCESS-PASSPHRASE incorrect."));
    }
    let fine = signed_base64(member, &format!("{time}{method}{asked}{body}"), sign);
    if fine { Ok(number) } else { Err(refused("50113", "Invalid Sign")) }
}

fn refused(code: &'static str, message: impl Into<String>) -> Problem {
    Problem { status: 401, code, message: message.into() }
}

/// Milliseconds since 1970 of `2026-09-21T14:13:20.123Z`.
fn iso_ms(text: &str) -> Option<u64> {
    let (date, time) = text.strip_suffix('Z')?.split_once('T')?;
    let mut parts = date.split('-').chain(time.split([':', '.'])).map(|part| part.parse::<u64>().ok());
    let [year, month, day, hour, minute, second, ms] = std::array::from_fn(|_| parts.next().flatten());
    let (year, month, day) = (year?, month?, day?);
    if !(1970..10_000).contains(&year) || !(1..=12).contains(&month) || parts.next().is_some() {
        return None;
    }
    // days from the civil date, after H. Hinnant, "chrono-Compatible Low-Level Date Algorithms"
    let (y, m) = if month <= 2 { (year - 1, month + 9) } else { (year, month - 3) };
    let days = 365 * y + y / 4 - y / 100 + y / 400 + (153 * m + 2) / 5 + day.checked_sub(1)? - 719_468;
    Some((((days * 24 + hour?) * 60 + minute?) * 60 + second?) * 1_000 + ms?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn iso_times_are_read_and_nonsense_is_not() {
        assert_eq!(iso_ms("2026-09-21T14:13:20.123Z"), Some(1_790_000_000_123));
        assert_eq!(iso_ms("1970-01-01T00:00:00.000Z"), Some(0));
        assert_eq!(iso_ms("2024-02-29T23:59:59.999Z"), Some(1_709_251_199_999));
        for nonsense in
            ["", "1790000000.123", "2026-13-01T00:00:00.000Z", "2026-09-21 14:13:20.123Z", "2026-09-21T14:13:20Z"]
        {
            assert_eq!(iso_ms(nonsense), None, "{nonsense}");
        }
    }
}
