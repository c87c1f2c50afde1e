//! Amounts as decimal text and back, exactly.

use super::HistoryError;
use highwire_links::fixed::Amount;
use highwire_links::limits::AMOUNT_DP;

/// The amount of a decimal as [`Amount`] prints it.
///
/// # Errors
/// Anything else.
pub(super) fn parse(text: &str) -> Result<Amount, HistoryError> {
    read(text).ok_or_else(|| HistoryError::Amount(text.to_owned()))
}

fn read(text: &str) -> Option<Amount> {
    let digits = text.strip_prefix('-').unwrap_or(text);
    let (whole, part) = digits.split_once('.').unwrap_or((digits, ""));
    let plain = !whole.is_empty() && whole.bytes().chain(part.bytes()).all(|byte| byte.is_ascii_digit());
    let places = u32::try_from(usize::from(AMOUNT_DP).checked_sub(part.len())?).ok()?;
    let mantissa: i128 = plain.then(|| format!("{whole}{part}").parse().ok())??;
    let mantissa = mantissa.checked_mul(10i128.checked_pow(places)?)?;
    Some(Amount(if digits.len() < text.len() { -mantissa } else { mantissa }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_printed_is_read_back_and_nothing_else() {
        for mantissa in [0, 1, -1, 10i128.pow(20), -123 * 10i128.pow(18), i128::MAX, -i128::MAX] {
            assert_eq!(parse(&Amount(mantissa).to_string()).unwrap(), Amount(mantissa));
        }
        for bad in ["", "-", ".", "1e3", "1.2.3", "+1", "0.000000000000000000001", " 1", "--1"] {
            assert!(parse(bad).is_err(), "{bad}");
        }
    }
}
