//! The figures of a set of trades. Money is exact; what is a ratio or a deviation is a float.

use highwire_links::fixed::Amount;
use highwire_store::history::TradeLine;
use serde::{Serialize, Serializer};

/// What a set of trades came to; taken in one trade at a time, in the order of their ends.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Figures {
    /// Crossings seen. Only those of the cross-venue strategy are recorded; for others 0.
    pub signals: u64,
    /// Trades begun.
    pub traded: u64,
    /// Trades with a profit after fees.
    pub won: u64,
    /// Trades with a loss after fees.
    pub lost: u64,
    /// Trades of which nothing was filled.
    pub missed: u64,
    /// Trades that needed a hedge.
    pub hedged: u64,
    /// Trades that were left to a human.
    pub escalated: u64,
    /// Trades whose money left the range of amounts: not in any sum here.
    pub overflowed: u64,
    /// Profit after fees, quote currency.
    pub profit: Amount,
    /// Greatest fall of the summed profit below its highest point so far, which begins at nothing.
    pub drawdown_max: Amount,
    peak: Amount,
    results: Spread,
    expected_ppb: Spread,
    captured_ppb: Spread,
    pairs: u64,
    pairs_filled: u64,
}

impl Figures {
    /// Takes in a trade.
    pub fn trade(&mut self, trade: &TradeLine) {
        self.traded += 1;
        self.hedged += u64::from(trade.outcome == "hedged");
        self.escalated += u64::from(trade.outcome == "escalated");
        if trade.legs >= 2 {
            self.pairs += 1;
            self.pairs_filled += u64::from(trade.legs_filled == trade.legs);
        }
        if trade.captured_ppb != 0 {
            self.expected_ppb.add(trade.expected_ppb as f64);
            self.captured_ppb.add(trade.captured_ppb as f64);
        }
        if trade.fills == 0 {
            self.missed += 1;
        } else if trade.profit.and_then(|profit| self.money(profit)).is_none() {
            self.overflowed += 1;
        }
    }

    fn money(&mut self, profit: Amount) -> Option<()> {
        let sum = self.profit.checked_add(profit)?;
        let peak = self.peak.max(sum);
        let fall = peak.checked_sub(sum)?;
        (self.profit, self.peak, self.drawdown_max) = (sum, peak, self.drawdown_max.max(fall));
        self.won += u64::from(profit > Amount::ZERO);
        self.lost += u64::from(profit < Amount::ZERO);
        self.results.add(float(profit));
        Some(())
    }

    /// Mean over sample deviation of the results of filled trades: per trade, not per year. `None` for fewer than two, or when
    /// all are equal.
    pub fn sharpe(&self) -> Option<f64> {
        Some(self.results.mean()? / self.results.deviation().filter(|deviation| *deviation > 0.0)?)
    }

    /// Mean edge that trades of which both sides traded had set out for, basis points.
    pub fn edge_expected_bps(&self) -> Option<f64> {
        self.expected_ppb.mean().map(|ppb| ppb / PPB_PER_BPS)
    }

    /// Mean edge that the same trades captured, fees included, basis points.
    pub fn edge_captured_bps(&self) -> Option<f64> {
        self.captured_ppb.mean().map(|ppb| ppb / PPB_PER_BPS)
    }

    /// Share of trades of two legs or more of which every leg was filled whole.
    pub fn pair_fill_rate(&self) -> Option<f64> {
        (self.pairs > 0).then(|| self.pairs_filled as f64 / self.pairs as f64)
    }
}

const PPB_PER_BPS: f64 = 100_000.0;

fn float(amount: Amount) -> f64 {
    // Printed and read: the nearest float, whatever the decimals of an amount are.
    amount.to_string().parse().unwrap_or(f64::NAN)
}

/// Mean and deviation of a stream, by Welford's method.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
struct Spread {
    count: u64,
    mean: f64,
    squares: f64,
}

impl Spread {
    fn add(&mut self, value: f64) {
        self.count += 1;
        let before = value - self.mean;
        self.mean += before / self.count as f64;
        self.squares += before * (value - self.mean);
    }

    fn mean(&self) -> Option<f64> {
        (self.count > 0).then_some(self.mean)
    }

    fn deviation(&self) -> Option<f64> {
        (self.count > 1).then(|| (self.squares / (self.count - 1) as f64).sqrt())
    }
}

impl Serialize for Figures {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        use serde::ser::SerializeStruct;
        let mut out = to.serialize_struct("Figures", 14)?;
        let counts = [
            ("signals", self.signals),
            ("traded", self.traded),
            ("won", self.won),
            ("lost", self.lost),
            ("missed", self.missed),
            ("hedged", self.hedged),
            ("escalated", self.escalated),
            ("overflowed", self.overflowed),
        ];
        counts.iter().try_for_each(|(name, count)| out.serialize_field(name, count))?;
        out.serialize_field("profit", &self.profit.to_string())?;
        out.serialize_field("drawdown_max", &self.drawdown_max.to_string())?;
        out.serialize_field("sharpe", &self.sharpe())?;
        out.serialize_field("edge_expected_bps", &self.edge_expected_bps())?;
        out.serialize_field("edge_captured_bps", &self.edge_captured_bps())?;
        out.serialize_field("pair_fill_rate", &self.pair_fill_rate())?;
        out.end()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn trade(profit: Option<i128>, legs_filled: u32) -> TradeLine {
        TradeLine {
            strategy: "cross_venue".into(),
            pair: "BTC/USDT".into(),
            quote: "USDT".into(),
            ended_ns: 0,
            outcome: if legs_filled == 1 { "hedged".into() } else { "flat".into() },
            expected_ppb: 300_000,
            captured_ppb: if legs_filled == 2 { 100_000 } else { 0 },
            profit: profit.map(|units| Amount::from_mantissa(units, 0).unwrap()),
            legs: 2,
            legs_filled,
            fills: legs_filled,
        }
    }

    #[test]
    fn figures_of_a_known_series() {
        let mut figures = Figures::default();
        for (profit, filled) in [(3, 2), (-5, 1), (-1, 2), (7, 2), (0, 0)] {
            figures.trade(&trade(Some(profit), filled));
        }
        assert_eq!((figures.traded, figures.won, figures.lost, figures.missed, figures.hedged), (5, 2, 2, 1, 1));
        assert_eq!((figures.profit.to_string(), figures.drawdown_max.to_string()), ("4".into(), "6".into()));
        // Mean 1, deviation of 3, -5, -1, 7 is the root of 80/3.
        assert!((figures.sharpe().unwrap() - 1.0 / (80.0f64 / 3.0).sqrt()).abs() < 1e-12);
        assert_eq!((figures.edge_expected_bps(), figures.edge_captured_bps()), (Some(3.0), Some(1.0)));
        assert_eq!(figures.pair_fill_rate(), Some(0.6));
    }

    #[test]
    fn nothing_has_no_ratio_and_what_overflows_is_counted_and_left_out() {
        let mut figures = Figures::default();
        assert_eq!((figures.sharpe(), figures.pair_fill_rate(), figures.edge_captured_bps()), (None, None, None));
        figures.trade(&trade(None, 2));
        figures.trade(&TradeLine { profit: Some(Amount(i128::MAX)), ..trade(None, 2) });
        figures.trade(&TradeLine { profit: Some(Amount(1)), ..trade(None, 2) });
        assert_eq!((figures.overflowed, figures.profit, figures.won), (2, Amount(i128::MAX), 1));
        assert_eq!(figures.sharpe(), None, "one result has no deviation");
    }
}
