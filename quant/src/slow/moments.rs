//! Means, variances, returns.

use super::finite;

/// Simple returns `p[i] / p[i-1] - 1` of prices, oldest first; `None` when a price is not above zero.
pub fn returns(prices: &[f64]) -> Option<Vec<f64>> {
    let sound = prices.iter().all(|&price| price > 0.0 && price.is_finite());
    sound.then(|| prices.windows(2).map(|pair| pair[1] / pair[0] - 1.0).collect())
}

/// Arithmetic mean; `None` of nothing.
pub fn mean(values: &[f64]) -> Option<f64> {
    (!values.is_empty()).then(|| values.iter().sum::<f64>() / values.len() as f64).and_then(finite)
}

/// Sample covariance, divided by `n - 1`; `None` below two pairs or of unequal lengths.
pub fn covariance(a: &[f64], b: &[f64]) -> Option<f64> {
    if a.len() != b.len() || a.len() < 2 {
        return None;
    }
    let (mean_a, mean_b) = (mean(a)?, mean(b)?);
    let sum: f64 = a.iter().zip(b).map(|(x, y)| (x - mean_a) * (y - mean_b)).sum();
    finite(sum / (a.len() - 1) as f64)
}

/// Sample standard deviation, divided by `n - 1`; `None` below two values.
pub fn deviation(values: &[f64]) -> Option<f64> {
    covariance(values, values).map(f64::sqrt)
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    /// Twenty prices of an asset and of its market, made up. What the tests compare with was computed from
    /// them with numpy 2.4; empyrical-reloaded 0.7 gives the same values at risk, shortfall, drawdown and beta.
    pub(in crate::slow) const ASSET: [f64; 20] = [
        100.0, 101.5, 99.8, 102.3, 103.1, 101.0, 98.4, 97.9, 99.2, 100.7, 102.9, 104.4, 103.0, 101.8, 105.2, 106.1,
        104.9, 103.3, 107.0, 106.2,
    ];
    pub(in crate::slow) const MARKET: [f64; 20] = [
        50.0, 50.6, 50.1, 50.9, 51.4, 50.8, 49.9, 49.6, 50.0, 50.5, 51.0, 51.7, 51.3, 50.9, 52.0, 52.3, 51.8, 51.5,
        52.6, 52.4,
    ];

    pub(in crate::slow) fn close(found: Option<f64>, expected: f64) {
        let found = found.unwrap();
        assert!((found - expected).abs() <= 1e-12 * expected.abs().max(1.0), "{found} is not {expected}");
    }

    #[test]
    fn equal_what_numpy_says() {
        let asset = returns(&ASSET).unwrap();
        close(mean(&asset), NUMPY_MEAN);
        close(deviation(&asset), NUMPY_STD);
    }

    #[test]
    fn too_little_or_too_strange_history_gives_nothing() {
        assert_eq!((mean(&[]), deviation(&[1.0]), covariance(&[1.0, 2.0], &[1.0])), (None, None, None));
        assert_eq!(returns(&[1.0, 0.0]), None);
        assert_eq!(mean(&[f64::INFINITY]), None);
    }

    const NUMPY_MEAN: f64 = 0.003338176005699563;
    const NUMPY_STD: f64 = 0.01883292347157849;
}
