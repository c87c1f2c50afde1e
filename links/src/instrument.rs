//! What the wire must know of an instrument: its scale, steps, contract, fee and status.
//!
//! Everything is read from venue metadata by the cold side and handed over once; the wire only indexes.

use crate::fixed::{Amount, Px, Qty, Scale};
use crate::ids::{InstrumentId, PairId, VenueId};
use crate::limits::{POW10, POW10_WIDE};

/// What one unit of quantity is worth.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Contract {
    /// Quantity counts the base asset (spot, and linear perpetuals quoted in base coin).
    Base,
    /// One contract is `value` of the base asset (mantissa at `dp`): OKX linear swaps.
    Linear {
        /// Base asset per contract, mantissa.
        value: i64,
        /// Decimals of `value`.
        dp: u8,
    },
    /// One contract is `value` of the quote currency (mantissa at `dp`): COIN-M, OKX inverse swaps.
    Inverse {
        /// Quote currency per contract, mantissa.
        value: i64,
        /// Decimals of `value`.
        dp: u8,
    },
}

/// Whether the venue lets it trade now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Status {
    /// Continuous trading.
    Trading = 0,
    /// Listed but not trading: halted, in auction, cancel-only.
    Paused = 1,
    /// Gone.
    Delisted = 2,
}

/// One tradable thing at one venue, as the wire sees it.
#[derive(Clone, Copy, Debug)]
pub struct Instrument {
    /// Its place in the instrument table.
    pub id: InstrumentId,
    /// Its venue.
    pub venue: VenueId,
    /// Its pair.
    pub pair: PairId,
    /// Decimals of its prices and quantities.
    pub scale: Scale,
    /// Price step, mantissa at `px_dp`, at least 1.
    pub tick: i64,
    /// Quantity step, mantissa at `qty_dp`, at least 1.
    pub lot: i64,
    /// Least order quantity.
    pub qty_min: Qty,
    /// Least order value in quote currency.
    pub notional_min: Amount,
    /// What a unit of quantity is.
    pub contract: Contract,
    /// Taker fee in parts per billion of the notional; negative is a rebate.
    pub taker_fee_ppb: i64,
    /// The same of an order that rested.
    pub maker_fee_ppb: i64,
    /// Trading status.
    pub status: Status,
}

/// What a venue changed about an instrument while we run; `None` leaves it as it was.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Change {
    /// Price step, mantissa at the instrument's price decimals.
    pub tick: Option<i64>,
    /// Quantity step, mantissa at its quantity decimals.
    pub lot: Option<i64>,
    /// Least order quantity.
    pub qty_min: Option<Qty>,
    /// Least order value in quote currency.
    pub notional_min: Option<Amount>,
    /// Trading status.
    pub status: Option<Status>,
    /// Whether a strategy may open anything there; what hedges goes on.
    pub opens: Option<bool>,
    /// It was decided what it pays, at its own price decimals: what is held is paid out so.
    pub pays: Option<Px>,
}

impl Change {
    /// This change made after an `earlier` one, as one.
    #[must_use]
    pub fn after(self, earlier: Self) -> Self {
        Self {
            tick: self.tick.or(earlier.tick),
            lot: self.lot.or(earlier.lot),
            qty_min: self.qty_min.or(earlier.qty_min),
            notional_min: self.notional_min.or(earlier.notional_min),
            status: self.status.or(earlier.status),
            opens: self.opens.or(earlier.opens),
            pays: self.pays.or(earlier.pays),
        }
    }
}

impl Instrument {
    /// Takes a change over; a step below one is none.
    pub fn change(&mut self, change: &Change) {
        self.tick = change.tick.filter(|tick| *tick > 0).unwrap_or(self.tick);
        self.lot = change.lot.filter(|lot| *lot > 0).unwrap_or(self.lot);
        self.qty_min = change.qty_min.unwrap_or(self.qty_min);
        self.notional_min = change.notional_min.unwrap_or(self.notional_min);
        self.status = change.status.unwrap_or(self.status);
    }

    /// Value in quote currency of `qty` at `px`; exact, `None` on overflow. An inverse contract's
    /// value does not depend on the price (Binance COIN-M and OKX contract specifications).
    pub fn quote_amount(&self, px: Px, qty: Qty) -> Option<Amount> {
        let quantity = i128::from(qty.0);
        match self.contract {
            Contract::Base => Amount::notional(px, qty, self.scale),
            Contract::Linear { value, dp } => {
                let product = i128::from(px.0).checked_mul(quantity)?.checked_mul(i128::from(value))?;
                scaled(product, self.scale.px_dp + self.scale.qty_dp + dp)
            }
            Contract::Inverse { value, dp } => scaled(quantity.checked_mul(i128::from(value))?, self.scale.qty_dp + dp),
        }
    }

    /// `qty` in base asset at `dp` decimals, rounded down; an inverse contract is converted at `px`.
    /// `None` on overflow or at a price of zero.
    pub fn base_qty(&self, px: Px, qty: Qty, dp: u8) -> Option<i64> {
        if self.contract == Contract::Base {
            return moved(qty.0, self.scale.qty_dp, dp);
        }
        let quantity = i128::from(qty.0);
        let (numerator, from_dp, denominator) = match self.contract {
            Contract::Base => (quantity, self.scale.qty_dp, 1),
            Contract::Linear { value, dp } => (quantity.checked_mul(value.into())?, self.scale.qty_dp + dp, 1),
            Contract::Inverse { value, dp } => {
                let quote =
                    quantity.checked_mul(value.into())?.checked_mul(POW10[usize::from(self.scale.px_dp)].into())?;
                (quote, self.scale.qty_dp + dp, i128::from(px.0))
            }
        };
        let raised = numerator.checked_mul(i128::from(*POW10.get(usize::from(dp))?))?;
        let unit = i128::from(*POW10.get(usize::from(from_dp))?).checked_mul(denominator)?;
        i64::try_from(raised.checked_div(unit)?).ok()
    }

    /// The quantity, in whole lots and rounded down, that `base` (mantissa at `dp`) of the base
    /// asset buys at `px`. `None` on overflow.
    pub fn qty_of_base(&self, px: Px, base: i64, dp: u8) -> Option<Qty> {
        if self.contract == Contract::Base && dp >= self.scale.qty_dp {
            let raw = moved(base, dp, self.scale.qty_dp)?;
            return Some(Qty(raw - raw % self.lot));
        }
        let raised = i128::from(base).checked_mul(POW10[usize::from(self.scale.qty_dp)].into())?;
        let unit = i128::from(*POW10.get(usize::from(dp))?);
        let raw = match self.contract {
            Contract::Base => raised.checked_div(unit)?,
            Contract::Linear { value, dp } => {
                raised.checked_mul(POW10[usize::from(dp)].into())?.checked_div(unit.checked_mul(value.into())?)?
            }
            Contract::Inverse { value, dp } => {
                let quote = raised.checked_mul(i128::from(px.0))?.checked_mul(POW10[usize::from(dp)].into())?;
                let price_unit = unit.checked_mul(POW10[usize::from(self.scale.px_dp)].into())?;
                quote.checked_div(price_unit.checked_mul(value.into())?)?
            }
        };
        let lot = i128::from(self.lot);
        i64::try_from(raw - raw % lot).ok().map(Qty)
    }
}

/// A mantissa from one number of decimals to another, rounded towards zero. `None` on overflow.
fn moved(mantissa: i64, from: u8, to: u8) -> Option<i64> {
    match to.checked_sub(from) {
        Some(up) => mantissa.checked_mul(*POW10.get(usize::from(up))?),
        None => Some(mantissa / POW10.get(usize::from(from - to))?),
    }
}

/// A product at `dp` decimals as an amount; digits beyond an amount's decimals must be zero.
fn scaled(product: i128, dp: u8) -> Option<Amount> {
    match dp.checked_sub(crate::limits::AMOUNT_DP) {
        None | Some(0) => Amount::from_mantissa(product, dp),
        Some(excess) => {
            let unit = *POW10_WIDE.get(usize::from(excess))?;
            (product % unit == 0).then_some(Amount(product / unit))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn instrument(scale: (u8, u8), contract: Contract, lot: i64) -> Instrument {
        Instrument {
            id: InstrumentId(0),
            venue: VenueId(0),
            pair: PairId(0),
            scale: Scale::new(scale.0, scale.1).unwrap(),
            tick: 1,
            lot,
            qty_min: Qty(lot),
            notional_min: Amount::ZERO,
            contract,
            taker_fee_ppb: 0,
            maker_fee_ppb: 0,
            status: Status::Trading,
        }
    }

    #[test]
    fn spot_counts_base() {
        let spot = instrument((2, 5), Contract::Base, 1);
        assert_eq!(spot.quote_amount(Px(6_180_470), Qty(150_000)).unwrap().to_string(), "92707.05");
        assert_eq!(spot.base_qty(Px(6_180_470), Qty(150_000), 8), Some(150_000_000));
        assert_eq!(spot.qty_of_base(Px(1), 150_000_999, 8), Some(Qty(150_000)));
    }

    #[test]
    fn a_coin_margined_contract_is_dollars() {
        // Binance BTCUSD_PERP: one contract is 100 USD.
        let inverse = instrument((1, 0), Contract::Inverse { value: 100, dp: 0 }, 1);
        assert_eq!(inverse.quote_amount(Px(618_047), Qty(35)).unwrap().to_string(), "3500");
        // 3500 / 61804.7 = 0.0566299909...
        assert_eq!(inverse.base_qty(Px(618_047), Qty(35), 8), Some(5_662_999));
        assert_eq!(inverse.qty_of_base(Px(618_047), 5_662_999, 8), Some(Qty(34)));
        assert_eq!(inverse.qty_of_base(Px(618_047), 5_663_000, 8), Some(Qty(35)));
        assert_eq!(inverse.base_qty(Px(0), Qty(35), 8), None);
    }

    #[test]
    fn a_linear_swap_contract_is_base() {
        // OKX BTC-USDT-SWAP: one contract is 0.01 BTC, lots of 0.1 contract.
        let swap = instrument((1, 2), Contract::Linear { value: 1, dp: 2 }, 10);
        assert_eq!(swap.quote_amount(Px(618_047), Qty(250)).unwrap().to_string(), "1545.1175");
        assert_eq!(swap.base_qty(Px(618_047), Qty(250), 8), Some(2_500_000));
        assert_eq!(swap.qty_of_base(Px(618_047), 2_599_999, 8), Some(Qty(250)));
    }
}
