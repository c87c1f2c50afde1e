//! Realised volatility, and what it does to sizes.
//!
//! Source: Hull, "Options, Futures and Other Derivatives", ch. 15 (volatility from historical data): the
//! standard deviation of log returns times the square root of the periods in a year.

use super::finite;
use super::moments::deviation;

/// Least and largest factor by which volatility scales a size.
pub const SCALE: (f64, f64) = (0.5, 2.0);

/// Yearly volatility of prices, oldest first, with so many periods in a year. `None` below three prices.
pub fn realised(prices: &[f64], periods_per_year: f64) -> Option<f64> {
    let sound = prices.iter().all(|&price| price > 0.0 && price.is_finite());
    let logs: Vec<f64> = prices.windows(2).map(|pair| (pair[1] / pair[0]).ln()).collect();
    if !sound || periods_per_year <= 0.0 {
        return None;
    }
    finite(deviation(&logs)? * periods_per_year.sqrt())
}

/// The factor for sizes: `target / realised` within [`SCALE`]; the least one when there is no volatility
/// to measure, since then nothing is known.
pub fn scale(target: f64, realised: Option<f64>) -> f64 {
    match realised {
        Some(realised) if realised > 0.0 && target > 0.0 => (target / realised).clamp(SCALE.0, SCALE.1),
        _ => SCALE.0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::slow::moments::tests::{ASSET, close};

    #[test]
    fn equals_what_numpy_says() {
        close(realised(&ASSET, 365.0), 0.35817433004847254);
        assert_eq!(realised(&ASSET[..2], 365.0), None);
    }

    #[test]
    fn sizes_are_scaled_within_bounds_and_least_when_nothing_is_known() {
        assert_eq!(scale(0.4, Some(0.5)), 0.8);
        assert_eq!(
            [scale(0.4, Some(0.01)), scale(0.4, Some(9.0)), scale(0.4, None), scale(0.4, Some(0.0))],
            [2.0, 0.5, 0.5, 0.5]
        );
    }
}
