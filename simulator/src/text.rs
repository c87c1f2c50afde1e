//! Numbers as venues write them. Only plain text; what a message looks like is each venue's own business.

use std::fmt::Write;

use highwire_links::fixed::Decimal;

/// Appends formatted text; writing to a `String` cannot fail.
macro_rules! put {
    ($out:expr, $($arg:tt)*) => {{ let _ = std::fmt::Write::write_fmt($out, format_args!($($arg)*)); }};
}
pub(crate) use put;

/// `mantissa` at `dp` decimals, with exactly `shown >= dp` decimals written.
pub(crate) fn fixed(out: &mut String, mantissa: i64, dp: u8, shown: u8) {
    let unit = 10i64.pow(u32::from(dp));
    let (whole, rest, width) = (mantissa / unit, mantissa % unit, usize::from(dp));
    let _ = write!(out, "{whole}"); // writing to a String cannot fail
    if shown > 0 {
        out.push('.');
        if dp > 0 {
            let _ = write!(out, "{rest:0width$}");
        }
        out.extend(std::iter::repeat_n('0', usize::from(shown.saturating_sub(dp))));
    }
}

/// `mantissa` at `dp` decimals without trailing zeros.
pub(crate) const fn plain(mantissa: i64, dp: u8) -> Decimal {
    Decimal { mantissa, dp }
}

/// One unit of the last decimal.
pub(crate) fn unit(dp: u8) -> String {
    plain(1, dp).to_string()
}

/// At most 200 characters of what a client wrote: errors echo it, and an echo must stay small.
pub(crate) fn excerpt(text: &str) -> String {
    text.chars().take(200).collect()
}

/// Percent-encoding undone; what is not valid stays as it is.
pub(crate) fn decoded(text: &str) -> String {
    let bytes = text.as_bytes();
    let (mut out, mut at) = (Vec::with_capacity(bytes.len()), 0);
    while let Some(&byte) = bytes.get(at) {
        let code = bytes.get(at + 1..at + 3).and_then(|pair| std::str::from_utf8(pair).ok());
        let code = code.filter(|_| byte == b'%').and_then(|pair| u8::from_str_radix(pair, 16).ok());
        at += if code.is_some() { 3 } else { 1 };
        out.push(code.unwrap_or(if byte == b'+' { b' ' } else { byte }));
    }
    String::from_utf8_lossy(&out).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fixed_keeps_its_zeros() {
        let text = |m, dp, shown| {
            let mut out = String::new();
            fixed(&mut out, m, dp, shown);
            out
        };
        assert_eq!(text(2_535_190, 5, 8), "25.35190000");
        assert_eq!(text(5, 2, 2), "0.05");
        assert_eq!(text(7, 0, 8), "7.00000000");
        assert_eq!(text(7, 0, 0), "7");
    }
}
