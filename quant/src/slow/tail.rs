//! Value at risk and expected shortfall by historical simulation: the losses that history actually had.
//!
//! Source: J. P. Morgan/Reuters, RiskMetrics Technical Document (1996), ch. 7 (historical simulation);
//! Acerbi and Tasche, "On the coherence of expected shortfall" (2002). The quantile interpolates linearly
//! between order statistics: type 7 of Hyndman and Fan (1996), the default of numpy and R.

use super::finite;
use super::moments::mean;

/// Least history: below it a 1 % quantile is the worst value ever seen and nothing else.
pub const RETURNS_MIN: usize = 10;

/// Loss, as a positive share, that is exceeded in `1 - confidence` of the returns; 0 when even there
/// nothing is lost. `confidence` from 0.5 to below 1. `None` below [`RETURNS_MIN`] returns.
pub fn value_at_risk(returns: &[f64], confidence: f64) -> Option<f64> {
    Some(-quantile(returns, confidence)?.min(0.0))
}

/// Mean loss, as a positive share, of the returns at or below the quantile of [`value_at_risk`]; never
/// less than that. `None` as there.
pub fn expected_shortfall(returns: &[f64], confidence: f64) -> Option<f64> {
    let at = quantile(returns, confidence)?;
    let tail: Vec<f64> = returns.iter().copied().filter(|&value| value <= at).collect();
    Some(-mean(&tail)?.min(0.0))
}

fn quantile(returns: &[f64], confidence: f64) -> Option<f64> {
    let sound = returns.len() >= RETURNS_MIN && returns.iter().all(|value| value.is_finite());
    if !sound || !(0.5..1.0).contains(&confidence) {
        return None;
    }
    let mut sorted = returns.to_vec();
    sorted.sort_by(f64::total_cmp);
    let place = (1.0 - confidence) * (sorted.len() - 1) as f64;
    let (low, share) = (place.floor() as usize, place.fract());
    let high = sorted.get(low + 1).copied().unwrap_or(sorted[low]);
    finite(sorted[low] + share * (high - sorted[low]))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::slow::moments::returns;
    use crate::slow::moments::tests::{ASSET, close};

    #[test]
    fn equal_what_numpy_says() {
        let history = returns(&ASSET).unwrap();
        close(value_at_risk(&history, 0.95), 0.020905974205567942);
        close(value_at_risk(&history, 0.99), 0.024775254247054113);
        close(expected_shortfall(&history, 0.95), 0.025742574257425654);
        close(expected_shortfall(&history, 0.75), 0.01830450003205797);
    }

    #[test]
    fn the_shortfall_is_never_less_than_the_value_at_risk() {
        let history = returns(&ASSET).unwrap();
        for percent in 50..100 {
            let confidence = f64::from(percent) / 100.0;
            assert!(expected_shortfall(&history, confidence) >= value_at_risk(&history, confidence));
        }
    }

    #[test]
    fn a_history_of_gains_risks_nothing_and_a_short_one_says_nothing() {
        assert_eq!(value_at_risk(&[0.01; 20], 0.99), Some(0.0));
        assert_eq!(value_at_risk(&[-0.01; 9], 0.99), None);
        assert_eq!(value_at_risk(&[f64::NAN; 20], 0.99), None);
        assert_eq!(value_at_risk(&[-0.01; 20], 1.0), None);
    }
}
