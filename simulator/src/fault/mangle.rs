//! What faults do to the text of a message: hostile prices, wrong checksums, wrong times.

use crate::fault::verb::{ChecksumFault, Hostile};

/// What stands before the first price of a message, at every venue.
const BEFORE_PRICE: [&str; 4] = ["[[\"", "\"b\":\"", "\"p\":\"", "\"px\":\""];
/// A number this close to now is taken for a time, in ms.
const DAY_MS: u64 = 86_400_000;

/// The message with a hostile first price; unchanged if it has no price.
pub(crate) fn value(text: &str, kind: Hostile) -> String {
    let found = BEFORE_PRICE.iter().filter_map(|lead| text.find(lead).map(|at| at + lead.len() - 1)).min();
    let Some(quote) = found else { return text.to_owned() };
    let length = text[quote + 1..].find('"').map_or(text.len() - quote, |end| end + 2);
    format!("{}{}{}", &text[..quote], kind.json(), &text[quote + length..])
}

/// The message with another checksum; unchanged if it has none.
pub(crate) fn checksum(text: &str, how: ChecksumFault) -> String {
    const FIELD: &str = "\"checksum\":";
    let Some(at) = text.find(FIELD) else { return text.to_owned() };
    let end = text[at..].find(',').map_or(text.len(), |comma| at + comma + 1);
    let field = match how {
        ChecksumFault::Bad => "\"checksum\":-1404728636,",
        ChecksumFault::Zero => "\"checksum\":0,",
        ChecksumFault::Absent => "",
    };
    format!("{}{field}{}", &text[..at], &text[end..])
}

/// The message with every time in it (13 digits within a day of `now_ms`) written anew.
pub(crate) fn times(text: &str, now_ms: u64, write: impl Fn(u64) -> String) -> String {
    let mut out = String::with_capacity(text.len() + 16);
    let mut rest = text;
    while let Some(start) = rest.find(|c: char| c.is_ascii_digit()) {
        let (before, digits) = rest.split_at(start);
        out.push_str(before);
        let end = digits.find(|c: char| !c.is_ascii_digit()).unwrap_or(digits.len());
        let (run, after) = digits.split_at(end);
        let time = run.parse::<u64>().ok().filter(|t| run.len() == 13 && t.abs_diff(now_ms) < DAY_MS);
        match time {
            Some(ms) => out.push_str(&write(ms)),
            None => out.push_str(run),
        }
        rest = after;
    }
    out.push_str(rest);
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_price_of_every_venue_is_found() {
        assert_eq!(value(r#"{"b":[["1.5","2"]],"u":1}"#, Hostile::Null), r#"{"b":[[null,"2"]],"u":1}"#);
        assert_eq!(value(r#"{"u":1,"b":"1.5","B":"2"}"#, Hostile::Nan), r#"{"u":1,"b":"NaN","B":"2"}"#);
        assert_eq!(value(r#"{"px":"1.5"}"#, Hostile::Empty), r#"{"px":""}"#);
        assert_eq!(value("pong", Hostile::Empty), "pong");
    }

    #[test]
    fn a_checksum_is_replaced_or_taken_out() {
        let text = r#"{"ts":"1","checksum":0,"seqId":2}"#;
        assert_eq!(checksum(text, ChecksumFault::Absent), r#"{"ts":"1","seqId":2}"#);
        assert_eq!(checksum(text, ChecksumFault::Bad), r#"{"ts":"1","checksum":-1404728636,"seqId":2}"#);
        assert_eq!(checksum("{}", ChecksumFault::Bad), "{}");
    }

    #[test]
    fn times_are_rewritten_and_other_numbers_kept() {
        let text = r#"{"ts":"1700000000123","cts":1700000000100,"u":1600000000000,"px":"1700000000.123"}"#;
        let shifted = times(text, 1_700_000_000_500, |ms| (ms - 100).to_string());
        assert_eq!(shifted, r#"{"ts":"1700000000023","cts":1700000000000,"u":1600000000000,"px":"1700000000.123"}"#);
    }
}
