//! What a trade paid and got, and the conversions between quote and base that its bounds need.

use crate::position::{Measure, Trade};
use crate::risk::SagaLimits;
use crate::saga::Terms;
use crate::sizing::PairScale;
use highwire_links::fill::{FeeAsset, Report};
use highwire_links::fixed::{Amount, Px, Qty};
use highwire_links::ids::Side;
use highwire_links::instrument::Instrument;
use highwire_links::limits::{AMOUNT_DP, POW10, POW10_WIDE, PPB};
use highwire_quant::edge::ratio_ppb;
use highwire_quant::wide::mul_div_amount;

/// Money out and in of one trade, fees included, and the base of each.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Cash {
    paid: Amount,
    got: Amount,
    /// The last price that traded: value of one base, as an amount.
    last_px: Amount,
}

impl Cash {
    /// Takes in a trade; a fee in another asset than quote is no cash here. Buying what is `inverse` at a
    /// price is selling the other side at what is left of one.
    pub fn add(&mut self, instrument: &Instrument, trade: &Trade, is_inverse: bool) {
        let one = POW10[usize::from(instrument.scale.px_dp)];
        let px = if is_inverse { Px(one - trade.px.0) } else { trade.px };
        let side = if is_inverse { trade.side.opposite() } else { trade.side };
        let value = instrument.quote_amount(px, trade.qty).unwrap_or_default();
        let fee =
            if trade.fee_in == FeeAsset::Quote { Amount::from_mantissa(trade.fee.into(), trade.fee_dp) } else { None };
        let fee = fee.unwrap_or_default();
        match side {
            Side::Buy => self.paid.0 = self.paid.0.saturating_add(value.0).saturating_add(fee.0),
            Side::Sell => self.got.0 = self.got.0.saturating_add(value.0).saturating_sub(fee.0),
        }
        self.last_px = Amount::from_mantissa(px.0.into(), instrument.scale.px_dp).unwrap_or(self.last_px);
    }

    /// What was earned against what was paid, parts per billion, what is left (`exposure`, base at `dp`) valued at
    /// the last price: so a fee in base counts too. 0 before both sides have traded.
    pub fn captured_ppb(&self, exposure: i64, dp: u8) -> i64 {
        let gain = self.result(exposure, dp).0;
        if self.got.0 <= 0 || self.paid.0 <= 0 { 0 } else { ratio_ppb(gain, self.paid.0).unwrap_or(0) }
    }

    /// Profit or loss, what is left (`exposure`, base at `dp`) valued at the last price.
    pub fn result(&self, exposure: i64, dp: u8) -> Amount {
        let left = mul_div_amount(self.last_px.0, exposure.unsigned_abs().into(), POW10_WIDE[usize::from(dp)]);
        let left = left.unwrap_or(0) * i128::from(exposure.signum());
        Amount(self.got.0.saturating_sub(self.paid.0).saturating_add(left))
    }
}

/// The bounds of a trade with these base quantities.
pub fn terms(limits: &SagaLimits, bound: i64, least: i64, is_binary: bool) -> Terms {
    let costs = if is_binary {
        (limits.share_hold_ppb, limits.share_max_ppb)
    } else {
        (limits.cost_hold_ppb, limits.cost_max_ppb)
    };
    Terms {
        leg_delay_ns: limits.leg_delay_ns,
        rest_ns: 0,
        ask_every_ns: limits.ask_every_ns.max(1),
        resolve_ns: limits.resolve_ns,
        blind_ns: limits.blind_ns,
        hold_ns: limits.hold_ns,
        retry_ns: limits.retry_ns,
        shut_ns: limits.shut_ns,
        exposed_ns: limits.exposed_ns,
        failures_max: limits.failures_max.max(1),
        bound,
        least,
        cost_hold_ppb: costs.0,
        cost_max_ppb: costs.1,
    }
}

/// A price of the instrument at `px_dp` decimals; saturated.
pub fn canonical(instrument: &Instrument, px: Px, px_dp: u8) -> i64 {
    px.0.saturating_mul(POW10[usize::from(px_dp.saturating_sub(instrument.scale.px_dp))])
}

/// `px` less so many parts per billion of it.
pub fn lowered(px: i64, by_ppb: i64) -> i64 {
    let off = i128::from(px) * i128::from(by_ppb) / i128::from(PPB);
    px.saturating_sub(i64::try_from(off).unwrap_or(0))
}

/// The base that `value` is worth at `px`, rounded down; saturated.
pub fn base_of(value: Amount, px: i64, scale: PairScale) -> i64 {
    Measure { px_dp: scale.px_dp, qty_dp: scale.qty_dp, px }.base_for(value, 0).unwrap_or(i64::MAX)
}

/// The least base that one order of this instrument can trade at `px` (at the pair's decimals): whole lots
/// that reach its minimum quantity and its minimum value. `None` when it cannot be told.
pub fn least_base(instrument: &Instrument, px: i64, scale: PairScale) -> Option<i64> {
    let own = Px(px / POW10[usize::from(scale.px_dp.checked_sub(instrument.scale.px_dp)?)]);
    let base = |qty| instrument.base_qty(own, Qty(qty), scale.qty_dp);
    let lot = instrument.lot.max(1);
    let up = |value: i64, step: i64| value.checked_add(step - 1).map(|sum| sum / step);
    let of_qty = up(instrument.qty_min.0.max(1), lot)?;
    let of_value = up(base_of(instrument.notional_min, px, scale), base(lot)?.max(1))?;
    let lots = of_qty.max(of_value);
    let reaches =
        |lots: i64| Some(instrument.quote_amount(own, Qty(lots.checked_mul(lot)?))? >= instrument.notional_min);
    // What a lot is worth was rounded down.
    let lots = if reaches(lots)? { lots } else { lots.checked_add(1)? };
    base(lots.checked_mul(lot)?)
}

/// What a fee in base takes from the exposure, at `dp` decimals, rounded up.
pub fn base_fee(report: &Report, dp: u8) -> i64 {
    if report.fee_in != FeeAsset::Base || report.fee == 0 {
        return 0;
    }
    let unit = POW10_WIDE[usize::from(AMOUNT_DP.saturating_sub(dp))];
    let fee = Amount::from_mantissa(report.fee.into(), report.fee_dp).unwrap_or_default();
    let up = i128::from(fee.0.rem_euclid(unit) != 0);
    i64::try_from(fee.0.div_euclid(unit) + up).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{amount, spot};

    const SCALE: PairScale = PairScale { px_dp: 2, qty_dp: 8 };

    #[test]
    fn the_least_order_is_of_whole_lots_that_reach_the_minimum_value() {
        let market =
            |lot, qty_min, value| Instrument { lot, qty_min: Qty(qty_min), notional_min: amount(value), ..spot(0, 0) };
        let least = |market: Instrument, px| least_base(&market, px, SCALE).unwrap();
        // 5 at 650 is 0.00769..., in lots of 0.001.
        assert_eq!(least(market(100, 1, "5"), 65_000), 800_000);
        assert_eq!(least(market(100, 1, "5.2"), 65_000), 800_000, "0.008 is worth 5.2 exactly");
        assert_eq!(least(market(100, 1_050, "0"), 65_000), 1_100_000, "a minimum between two lots");
        assert_eq!(least(market(1, 1, "0"), 65_000), 1_000);
    }
}
