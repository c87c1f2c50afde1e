//! Slow exact decimals: an `i128` at 18 places, read and compared, nothing else.

/// Places kept.
pub const PLACES: usize = 18;

/// A non-negative decimal.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Dec(pub i128);

impl Dec {
    /// Reads plain digits with at most one point.
    pub fn read(text: &str) -> Self {
        let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
        assert!(fraction.trim_end_matches('0').len() <= PLACES, "{text}");
        let padded: String = fraction.chars().chain(std::iter::repeat('0')).take(PLACES).collect();
        Self(format!("{whole}{padded}").parse().unwrap_or_else(|_| panic!("not a decimal: {text:?}")))
    }

    pub fn is_zero(self) -> bool {
        self.0 == 0
    }
}

#[test]
fn reads_what_it_says() {
    assert_eq!(Dec::read("1.50"), Dec(1_500_000_000_000_000_000));
    assert!(Dec::read("0.00000000").is_zero() && Dec::read("10") > Dec::read("9.99"));
}
