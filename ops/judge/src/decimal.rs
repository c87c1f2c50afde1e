//! Decimals as whole numbers of 10^-20: exact for every price, quantity and fee that a venue tells.

/// Decimals that are counted in.
const DP: usize = 20;
/// One.
const UNIT: i128 = 10i128.pow(20);

/// A decimal text as a whole number of 10^-20; `None` when it is none, or too fine or too large for that.
pub fn number(text: &str) -> Option<i128> {
    let (sign, digits) = text.strip_prefix('-').map_or((1, text), |rest| (-1, rest));
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
    let is_digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    if whole.is_empty() || fraction.len() > DP || !is_digits(whole) || !is_digits(fraction) {
        return None;
    }
    let all: i128 = format!("{whole}{fraction:0<DP$}").parse().ok()?;
    Some(sign * all)
}

/// The same number as decimal text, without zeros at its end.
pub fn text(number: i128) -> String {
    let sign = if number < 0 { "-" } else { "" };
    let (whole, fraction) = (number.unsigned_abs() / UNIT.unsigned_abs(), number.unsigned_abs() % UNIT.unsigned_abs());
    let all = format!("{sign}{whole}.{fraction:0>DP$}");
    all.trim_end_matches('0').trim_end_matches('.').to_owned()
}

/// The product of two; `None` when either has more than ten decimals, or it is too large.
pub fn times(a: i128, b: i128) -> Option<i128> {
    const HALF: i128 = 10i128.pow(10);
    if a % HALF != 0 || b % HALF != 0 {
        return None;
    }
    (a / HALF).checked_mul(b / HALF)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn decimals_are_exact_both_ways_and_nonsense_is_none() {
        for same in ["0", "1.5", "-0.00000001", "65000.01", "-12345678901234567"] {
            assert_eq!(text(number(same).expect(same)), same);
        }
        assert_eq!(times(number("0.15").expect("ok"), number("-3").expect("ok")), number("-0.45"));
        for none in ["", "x", "1.0.0", "0.000000000000000000001", "--1", "1e5"] {
            assert_eq!(number(none), None, "{none}");
        }
        assert_eq!(times(1, 1), None);
    }
}
