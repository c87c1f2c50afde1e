//! How far equity stands, and ever stood, below its peak.
//!
//! Source: Magdon-Ismail and Atiya, "Maximum drawdown" (Risk, 2004).

/// Shares of the peak, 0 to 1 (more when equity fell below zero).
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Drawdown {
    /// The peak so far.
    peak: f64,
    /// Now.
    pub current: f64,
    /// The largest there ever was.
    pub max: f64,
}

impl Drawdown {
    /// Takes the next value of equity in. Values that are not finite, and those before equity was ever
    /// above zero, are passed over.
    pub fn on_equity(&mut self, equity: f64) {
        if !equity.is_finite() {
            return;
        }
        self.peak = self.peak.max(equity);
        if self.peak > 0.0 {
            self.current = (self.peak - equity) / self.peak;
            self.max = self.max.max(self.current);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::slow::moments::tests::{ASSET, close};

    #[test]
    fn equals_what_numpy_says() {
        let mut drawdown = Drawdown::default();
        ASSET.iter().for_each(|&equity| drawdown.on_equity(equity));
        close(Some(drawdown.max), 0.050436469447138595);
        close(Some(drawdown.current), 0.007476635514018665);
    }

    #[test]
    fn a_loss_of_everything_is_one_and_nonsense_changes_nothing() {
        let mut drawdown = Drawdown::default();
        [f64::NAN, -5.0, 10.0, 0.0, f64::INFINITY].iter().for_each(|&equity| drawdown.on_equity(equity));
        assert_eq!((drawdown.current, drawdown.max), (1.0, 1.0));
    }
}
