//! How much of the equity one trade may risk: a quarter of what Kelly's criterion says, capped.
//!
//! Source: Kelly, "A new interpretation of information rate" (Bell System Technical Journal, 1956): for a win
//! of `b` per unit risked with probability `p` the share is `p - (1 - p) / b`. A quarter of it gives up less
//! than half of the growth and most of the swings (Thorp, "The Kelly criterion in blackjack, sports betting
//! and the stock market", 2006).

use super::finite;

/// Part of Kelly's share that is used.
pub const PART: f64 = 0.25;
/// Most of the equity that one trade may risk.
pub const SHARE_MAX: f64 = 0.10;
/// Trades from which the measured win rate counts.
pub const TRADES_MIN: u32 = 30;
/// The win rate that is assumed before.
pub const WIN_RATE_ASSUMED: f64 = 0.55;

/// What the trades so far were.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Record {
    /// Trades that gained.
    pub won: u32,
    /// Trades that lost.
    pub lost: u32,
    /// Sum of gains.
    pub gained: f64,
    /// Sum of losses, positive.
    pub given: f64,
}

impl Record {
    /// A trade ended with this result; nothing gained and nothing lost is no trade.
    pub fn on_trade(&mut self, result: f64) {
        if result > 0.0 {
            (self.won, self.gained) = (self.won.saturating_add(1), self.gained + result);
        } else if result < 0.0 {
            (self.lost, self.given) = (self.lost.saturating_add(1), self.given - result);
        }
    }

    /// The win rate to be used: the measured one from [`TRADES_MIN`] trades on.
    pub fn win_rate(&self) -> f64 {
        let trades = self.won.saturating_add(self.lost);
        if trades < TRADES_MIN { WIN_RATE_ASSUMED } else { f64::from(self.won) / f64::from(trades) }
    }

    /// Mean gain over mean loss: 1 before there was one of each.
    pub fn payoff(&self) -> f64 {
        let known = self.won > 0 && self.lost > 0 && self.given > 0.0;
        let ratio = (self.gained / f64::from(self.won)) / (self.given / f64::from(self.lost));
        if known { finite(ratio).unwrap_or(1.0) } else { 1.0 }
    }

    /// The share of equity that one trade may risk, 0 to [`SHARE_MAX`].
    pub fn share(&self) -> f64 {
        quarter(self.win_rate(), self.payoff())
    }
}

/// A quarter of Kelly's share for a win rate and a payoff, 0 to [`SHARE_MAX`].
pub fn quarter(win_rate: f64, payoff: f64) -> f64 {
    if !(0.0..=1.0).contains(&win_rate) || payoff.is_nan() || payoff <= 0.0 {
        return 0.0;
    }
    (PART * (win_rate - (1.0 - win_rate) / payoff)).clamp(0.0, SHARE_MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::slow::moments::tests::close;

    #[test]
    fn equals_the_published_example() {
        // Thorp's coin: a bet at even money that is won with 53 % has a Kelly share of 6 %.
        close(Some(quarter(0.53, 1.0)), 0.25 * 0.06);
        close(Some(quarter(0.6, 1.0)), 0.05);
        assert_eq!(
            [quarter(0.99, 10.0), quarter(0.4, 1.0), quarter(0.5, 0.0), quarter(f64::NAN, 1.0)],
            [SHARE_MAX, 0.0, 0.0, 0.0]
        );
    }

    #[test]
    fn the_measured_win_rate_counts_from_thirty_trades_on() {
        let young = Record { won: 0, lost: 29, gained: 0.0, given: 29.0 };
        let old = Record { won: 0, lost: 30, gained: 0.0, given: 30.0 };
        assert_eq!((young.win_rate(), old.win_rate()), (WIN_RATE_ASSUMED, 0.0));
        close(Some(young.share()), 0.25 * 0.1);
        assert_eq!(old.share(), 0.0);
        let mut told = Record::default();
        [2.0, -1.0, 0.0, -2.0].into_iter().for_each(|result| told.on_trade(result));
        assert_eq!(told, Record { won: 1, lost: 2, gained: 2.0, given: 3.0 });
        let even = Record { won: 20, lost: 20, gained: 40.0, given: 20.0 };
        close(Some(even.payoff()), 2.0);
        close(Some(even.share()), 0.0625);
    }
}
