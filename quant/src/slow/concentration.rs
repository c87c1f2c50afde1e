//! How much hangs on one thing, and on borrowed money.
//!
//! Source: the Herfindahl–Hirschman index as the U.S. Department of Justice defines it, here with shares of
//! one instead of percent: 1 is everything in one place, 1/n is n equal parts.

use super::finite;

/// Herfindahl index of exposures (signs do not matter); `None` when there is none.
pub fn herfindahl(exposures: &[f64]) -> Option<f64> {
    let gross = gross(exposures)?;
    finite(exposures.iter().map(|exposure| (exposure / gross).powi(2)).sum())
}

/// The largest exposure's share of the gross; `None` when there is none.
pub fn largest_share(exposures: &[f64]) -> Option<f64> {
    let gross = gross(exposures)?;
    finite(exposures.iter().fold(0.0_f64, |most, exposure| most.max(exposure.abs())) / gross)
}

/// Gross exposure over equity; `None` without equity.
pub fn leverage(exposures: &[f64], equity: f64) -> Option<f64> {
    let gross: f64 = exposures.iter().map(|exposure| exposure.abs()).sum();
    (equity > 0.0).then(|| gross / equity).and_then(finite)
}

fn gross(exposures: &[f64]) -> Option<f64> {
    let gross: f64 = exposures.iter().map(|exposure| exposure.abs()).sum();
    finite(gross).filter(|&gross| gross > 0.0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::slow::moments::tests::close;

    #[test]
    fn equal_the_definition() {
        // The department's own example: firms of 30, 30, 20 and 20 percent give 2 600 points.
        close(herfindahl(&[30.0, -30.0, 20.0, -20.0]), 0.26);
        close(largest_share(&[30.0, -30.0, 20.0, -20.0]), 0.3);
        close(leverage(&[30.0, -30.0], 20.0), 3.0);
        assert_eq!((herfindahl(&[]), largest_share(&[0.0]), leverage(&[1.0], 0.0)), (None, None, None));
    }
}
