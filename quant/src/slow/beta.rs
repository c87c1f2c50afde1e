//! How much of the market's move a portfolio makes: covariance over variance of returns.
//!
//! Source: Sharpe, "Capital asset prices" (Journal of Finance, 1964).

use super::finite;
use super::moments::covariance;

/// Beta of `returns` to `market`, of equal length; `None` when the market did not move.
pub fn beta(returns: &[f64], market: &[f64]) -> Option<f64> {
    let variance = covariance(market, market).filter(|&variance| variance > 0.0)?;
    finite(covariance(returns, market)? / variance)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::slow::moments::returns;
    use crate::slow::moments::tests::{ASSET, MARKET, close};

    #[test]
    fn equals_what_numpy_says() {
        let (asset, market) = (returns(&ASSET).unwrap(), returns(&MARKET).unwrap());
        close(beta(&asset, &market), 1.529951721531416);
        close(beta(&market, &market), 1.0);
        assert_eq!(beta(&asset, &vec![0.0; asset.len()]), None);
    }
}
