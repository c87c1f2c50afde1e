//! Reading answers on the cold side: exact amounts and the few shapes that venues share.

use crate::private::{Refusal, Why};
use crate::verdict::Verdict;
use highwire_links::fixed::Amount;
use highwire_links::limits::{AMOUNT_DP, PPB};
use serde_json::Value;

/// A signed decimal, exactly, or `None`. An empty text is zero: OKX and Bybit write it for "none".
pub(crate) fn amount(text: &str) -> Option<Amount> {
    let (negative, digits) = text.strip_prefix('-').map_or((false, text), |digits| (true, digits));
    if digits.is_empty() {
        return (!negative).then_some(Amount::ZERO);
    }
    let (whole, fraction) = digits.split_once('.').map_or((digits, ""), |(whole, fraction)| (whole, fraction));
    let fraction = fraction.trim_end_matches('0');
    let dp = u8::try_from(fraction.len()).ok().filter(|dp| *dp <= AMOUNT_DP)?;
    let plain = !whole.is_empty() && whole.bytes().chain(fraction.bytes()).all(|byte| byte.is_ascii_digit());
    let mantissa: i128 = plain.then(|| format!("{whole}{fraction}").parse().ok())??;
    Amount::from_mantissa(if negative { -mantissa } else { mantissa }, dp)
}

/// A rate as parts per billion, exactly, or `None`.
pub(crate) fn ppb(text: &str) -> Option<i64> {
    let unit = 10i128.pow(AMOUNT_DP.into()) / i128::from(PPB);
    let rate = amount(text)?.0;
    (rate % unit == 0).then(|| i64::try_from(rate / unit).ok())?
}

/// A field's text; empty when it is missing. Numbers are given as written.
pub(crate) fn text(object: &Value, key: &str) -> String {
    match object.get(key) {
        Some(Value::String(text)) => text.clone(),
        Some(Value::Number(number)) => number.to_string(),
        _ => String::new(),
    }
}

/// A field's amount; `None` when it is missing or no decimal.
pub(crate) fn amount_of(object: &Value, key: &str) -> Option<Amount> {
    let text = text(object, key);
    object.get(key).and_then(|_| amount(&text))
}

/// A field's integer, written as a number or as a string.
pub(crate) fn integer(object: &Value, key: &str) -> Option<i64> {
    text(object, key).parse().ok()
}

/// Every entry of a list, or `None` when one cannot be read: half a list of orders or balances would
/// be taken for the truth.
pub(crate) fn each<T>(list: Option<&Value>, read: impl Fn(&Value) -> Option<T>) -> Option<Vec<T>> {
    list?.as_array()?.iter().map(read).collect()
}

impl From<Verdict> for Why {
    fn from(verdict: Verdict) -> Self {
        match verdict {
            Verdict::Refused(reject) => Self::Refused(reject),
            Verdict::Unknown => Self::Unknown,
            Verdict::NotFound => Self::NotFound,
        }
    }
}

/// The body as JSON.
pub(crate) fn json(status: u16, body: &[u8]) -> Result<Value, Refusal> {
    serde_json::from_slice(body).map_err(|_| Refusal::unreadable(status))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_are_exact_signed_and_never_guessed() {
        let shown = |text| amount(text).map(|amount| amount.to_string());
        assert_eq!(shown("-0.02522168000").as_deref(), Some("-0.02522168"));
        assert_eq!(shown("123456789012.00000000000000000001").as_deref(), Some("123456789012.00000000000000000001"));
        assert_eq!(shown("").as_deref(), Some("0"));
        for bad in ["-", "1e5", ".5", "1.2.3", "0x1", " 1", "0.000000000000000000001", "99999999999999999999999999"] {
            assert_eq!(amount(bad), None, "{bad}");
        }
    }

    #[test]
    fn rates_are_parts_per_billion() {
        assert_eq!(ppb("0.00055"), Some(550_000));
        assert_eq!(ppb("-0.0008"), Some(-800_000));
        assert_eq!(ppb("0.0000000001"), None);
    }
}
