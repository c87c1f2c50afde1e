//! The whole look at a portfolio: history of prices in, figures of risk out, and the size that one order may have.
//!
//! Value at risk is by historical simulation over the positions held now: what they would have gained or lost over
//! each step of the history ([`super::tail`]). A day's is that of a step times the root of the steps in a day
//! (RiskMetrics Technical Document, 1996, ch. 5, for returns that are independent).

use super::beta::beta;
use super::concentration::{herfindahl, largest_share, leverage};
use super::drawdown::Drawdown;
use super::finite;
use super::kelly::Record;
use super::moments::returns;
use super::tail::{expected_shortfall, value_at_risk};
use super::volatility::{realised, scale};
use std::collections::VecDeque;

const DAY_S: f64 = 86_400.0;
const YEAR_S: f64 = 365.0 * DAY_S;

/// What is held of one pair, in quote currency, and its price.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Holding {
    /// Price now; 0 while there is none.
    pub px: f64,
    /// Value of what is held over all venues, positive when long.
    pub net: f64,
    /// Value of all its positions, long or short.
    pub gross: f64,
    /// What closing the net part at once costs against the mid, basis points; 0 with nothing to close.
    pub impact_bps: f64,
    /// The part of it that the books shown hold, 0 to 1.
    pub covered: f64,
}

/// What is judged by.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Measure {
    /// Seconds between two prices.
    pub step_s: f64,
    /// Prices kept of each pair.
    pub steps: usize,
    /// The pair that stands for the market.
    pub market: Option<usize>,
    /// Yearly volatility at which sizes stay as they are.
    pub volatility_target: f64,
}

/// Figures of risk; what history cannot say yet is `None`. Money in quote currency.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Figures {
    /// Cash, inventory and results.
    pub equity: f64,
    /// Value of all positions.
    pub gross: f64,
    /// Value of long positions less short ones.
    pub net: f64,
    /// Loss of a day that is exceeded on one in twenty.
    pub var_95: Option<f64>,
    /// Loss of a day that is exceeded on one in a hundred.
    pub var_99: Option<f64>,
    /// Mean loss of those days.
    pub shortfall_99: Option<f64>,
    /// Share of the peak of equity that is lost now.
    pub drawdown: f64,
    /// The most that ever was.
    pub drawdown_max: f64,
    /// How much of the market's move the portfolio makes.
    pub beta: Option<f64>,
    /// Yearly volatility of the market.
    pub volatility: Option<f64>,
    /// Herfindahl index of the positions' values.
    pub concentration: Option<f64>,
    /// The largest pair's part of them.
    pub largest_share: Option<f64>,
    /// Their value over the equity.
    pub leverage: Option<f64>,
    /// Dearest close of a pair, basis points.
    pub impact_bps: f64,
    /// Least part of a pair's close that the books hold.
    pub covered: f64,
    /// Share of trades that gained, as it is used.
    pub win_rate: f64,
    /// Share of the equity that one order may be.
    pub order_share: f64,
}

/// Prices and equity as they went.
#[derive(Clone, Debug)]
pub struct History {
    measure: Measure,
    prices: Vec<VecDeque<f64>>,
    drawdown: Drawdown,
}

impl History {
    /// Nothing known yet, of so many pairs.
    pub fn new(pairs: usize, measure: Measure) -> Self {
        Self { measure, prices: vec![VecDeque::new(); pairs], drawdown: Drawdown::default() }
    }

    /// Takes in one step, and says how it stands. A step on which a pair has no price repeats its last.
    pub fn on_step(&mut self, holdings: &[Holding], equity: f64, record: &Record) -> Figures {
        for (prices, holding) in self.prices.iter_mut().zip(holdings) {
            let px = if holding.px > 0.0 { Some(holding.px) } else { prices.back().copied() };
            prices.extend(px);
            if prices.len() > self.measure.steps {
                prices.pop_front();
            }
        }
        self.drawdown.on_equity(equity);
        self.figures(holdings, equity, record)
    }

    fn figures(&self, holdings: &[Holding], equity: f64, record: &Record) -> Figures {
        let own = self.portfolio(holdings, equity);
        let market = self.measure.market.and_then(|at| self.returns(at));
        let day = (DAY_S / self.measure.step_s).sqrt();
        let of_day = |loss: Option<f64>| loss.and_then(|loss| finite(loss * equity * day));
        let own = own.as_deref().unwrap_or_default();
        let gross: Vec<f64> = holdings.iter().map(|holding| holding.gross).collect();
        let volatility = self.measure.market.and_then(|at| self.volatility(at));
        let held = || holdings.iter().filter(|holding| holding.net != 0.0);
        Figures {
            equity,
            gross: gross.iter().sum(),
            net: holdings.iter().map(|holding| holding.net).sum(),
            var_95: of_day(value_at_risk(own, 0.95)),
            var_99: of_day(value_at_risk(own, 0.99)),
            shortfall_99: of_day(expected_shortfall(own, 0.99)),
            drawdown: self.drawdown.current,
            drawdown_max: self.drawdown.max,
            beta: market.and_then(|market| beta(own, &market[market.len() - own.len().min(market.len())..])),
            volatility,
            concentration: herfindahl(&gross),
            largest_share: largest_share(&gross),
            leverage: leverage(&gross, equity),
            impact_bps: held().fold(0.0, |most: f64, holding| most.max(holding.impact_bps)),
            covered: held().fold(1.0, |least: f64, holding| least.min(holding.covered)),
            win_rate: record.win_rate(),
            order_share: record.share() * scale(self.measure.volatility_target, volatility),
        }
    }

    /// What the positions held now would have earned over each step that every pair has, as a share of the equity.
    fn portfolio(&self, holdings: &[Holding], equity: f64) -> Option<Vec<f64>> {
        let held = holdings.iter().enumerate().filter(|(_, holding)| holding.net != 0.0);
        let mut weighted = Vec::new();
        for (at, holding) in held {
            weighted.push((holding.net / equity, self.returns(at)?));
        }
        let steps = match weighted.iter().map(|(_, returns)| returns.len()).min() {
            Some(steps) => steps,
            // With nothing held nothing can be lost.
            None => self.prices.iter().map(VecDeque::len).max()?.saturating_sub(1),
        };
        let earned =
            |back: usize| weighted.iter().map(|(weight, returns)| weight * returns[returns.len() - back]).sum::<f64>();
        (equity > 0.0).then(|| (1..=steps).rev().map(earned).collect())
    }

    fn returns(&self, at: usize) -> Option<Vec<f64>> {
        returns(&self.prices.get(at)?.iter().copied().collect::<Vec<_>>())
    }

    fn volatility(&self, at: usize) -> Option<f64> {
        let prices: Vec<f64> = self.prices.get(at)?.iter().copied().collect();
        realised(&prices, YEAR_S / self.measure.step_s)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::slow::moments::tests::{ASSET, MARKET, close};

    const STEP: Measure = Measure { step_s: DAY_S, steps: 20, market: Some(1), volatility_target: 0.6 };

    fn lived(net: f64, equity: f64) -> Figures {
        let mut history = History::new(2, STEP);
        let step = |(&asset, &market): (&f64, &f64)| {
            let held = Holding { px: asset, net, gross: net.abs(), impact_bps: 7.0, covered: 0.5 };
            [held, Holding { px: market, ..Holding::default() }]
        };
        let steps = ASSET.iter().zip(&MARKET).map(step);
        steps.map(|holdings| history.on_step(&holdings, equity, &Record::default())).last().unwrap()
    }

    #[test]
    fn one_asset_held_with_all_the_equity_is_that_asset() {
        let figures = lived(1_000.0, 1_000.0);
        // The shares that numpy gives for this asset (`tail`, `beta`), of 1 000.
        close(figures.var_95, 20.905974205567942);
        close(figures.var_99, 24.775254247054113);
        close(figures.beta, 1.529951721531416);
        close(figures.leverage, 1.0);
        close(figures.concentration, 1.0);
        assert_eq!((figures.impact_bps, figures.covered, figures.drawdown), (7.0, 0.5, 0.0));
    }

    #[test]
    fn half_held_risks_half_and_what_is_matched_risks_nothing() {
        close(lived(500.0, 1_000.0).var_99, 12.387627123527057);
        assert_eq!(lived(0.0, 1_000.0).var_99, Some(0.0));
        assert_eq!(lived(1.0, 0.0).var_99, None, "without equity no share of it can be told");
    }

    #[test]
    fn a_days_risk_grows_with_the_root_of_its_steps() {
        let mut history = History::new(1, Measure { step_s: DAY_S / 4.0, market: None, ..STEP });
        let held = |px: &f64| [Holding { px: *px, net: 1_000.0, gross: 1_000.0, ..Holding::default() }];
        let last = ASSET.iter().map(|px| history.on_step(&held(px), 1_000.0, &Record::default())).last().unwrap();
        close(last.var_99, 2.0 * 24.775254247054113);
        assert_eq!((last.beta, last.volatility), (None, None));
        // Nothing is known of the volatility: half of a quarter of what Kelly says of 55 % at even money.
        close(Some(last.order_share), 0.5 * 0.025);
    }

    #[test]
    fn history_is_bounded_and_a_missing_price_repeats_the_last() {
        let mut history = History::new(1, Measure { steps: 16, market: None, ..STEP });
        for step in 0..100 {
            let px = if step % 2 == 0 { 100.0 } else { 0.0 };
            history.on_step(&[Holding { px, net: 1.0, gross: 1.0, ..Holding::default() }], 1.0, &Record::default());
        }
        assert_eq!((history.prices[0].len(), history.prices[0].iter().all(|&px| px == 100.0)), (16, true));
    }
}
