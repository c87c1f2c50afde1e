//! Numbers as people read them.

use std::time::Duration;

/// A count in groups of three: `1 234 567`.
pub(super) fn count(n: u64) -> String {
    let digits = n.to_string();
    let mut grouped = String::with_capacity(digits.len() + digits.len() / 3);
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            grouped.push(' ');
        }
        grouped.push(digit);
    }
    grouped
}

/// Nanoseconds in the unit that fits: `850 ns`, `12.3 µs`, `4.0 ms`, `2.50 s`.
pub(super) fn nanos(ns: u64) -> String {
    let part = |unit: u64| ns as f64 / unit as f64;
    match ns {
        0..1_000 => format!("{ns} ns"),
        1_000..1_000_000 => format!("{:.1} µs", part(1_000)),
        1_000_000..1_000_000_000 => format!("{:.1} ms", part(1_000_000)),
        _ => format!("{:.2} s", part(1_000_000_000)),
    }
}

/// Whole seconds as a clock: `7 s`, `1:07`, `2:01:07`.
pub(super) fn clock(span: Duration) -> String {
    let seconds = span.as_secs();
    match (seconds / 3600, seconds / 60 % 60, seconds % 60) {
        (0, 0, s) => format!("{s} s"),
        (0, m, s) => format!("{m}:{s:02}"),
        (h, m, s) => format!("{h}:{m:02}:{s:02}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_are_grouped_and_in_a_fitting_unit() {
        assert_eq!([count(0), count(999), count(1_000), count(1_234_567)], ["0", "999", "1 000", "1 234 567"]);
        assert_eq!([nanos(850), nanos(12_345), nanos(4_000_000)], ["850 ns", "12.3 µs", "4.0 ms"]);
        assert_eq!(nanos(2_500_000_000), "2.50 s");
        let spans = [7, 67, 7267].map(|s| clock(Duration::from_secs(s)));
        assert_eq!(spans, ["7 s", "1:07", "2:01:07"]);
    }
}
