//! What stands open in money, as the executor keeps it up: valued at the prices that trade, and asked before anything
//! is opened.

use super::cash::{self, Cash};
use super::{Active, Executor, LegTicket, Prepared};
use crate::exposures::Exposures;
use crate::position::Trade;
use crate::spec::EngineSpec;
use highwire_links::fill::{FEE_DP, FeeAsset};
use highwire_links::fixed::{Amount, Px, Qty};
use highwire_links::ids::{InstrumentId, PairId, Side};
use highwire_links::limits::POW10;
use highwire_quant::fee::fee_up;

/// Nothing open but what was inherited.
///
/// cold: once, when the executor is made
pub fn exposures(spec: &EngineSpec) -> Exposures {
    let standings = &spec.tuning.inherited.standings;
    let inherited = (0..spec.instruments.len()).map(|at| standings.get(at).is_some_and(|held| held.position != 0));
    Exposures::new(spec.pairs.len(), inherited.collect())
}

impl Executor {
    /// What stands open in money.
    pub fn exposures(&self) -> &Exposures {
        &self.exposures
    }

    /// The price that a patient trade's hedges are measured against, as [`Patience::paid_px`].
    pub fn paid_px(&self, pair: PairId) -> Option<i64> {
        self.berths.get(pair.index())?.active.as_ref()?.paid_px
    }

    /// A price of an instrument as trades of its pair count it.
    pub fn home_px(&self, id: InstrumentId, px: Px) -> i64 {
        let instrument = &self.instruments[id.index()];
        let px_dp = self.scales[instrument.pair.index()].px_dp;
        let px = cash::canonical(instrument, px, px_dp);
        if self.is_inverse[id.index()] { POW10[usize::from(px_dp)] - px } else { px }
    }

    /// The newest price of an instrument: what an inherited position waits for.
    pub fn price(&mut self, id: InstrumentId, px: Px) {
        if px.0 > 0 && self.exposures.is_unpriced(id) {
            self.note_open(id, px);
        }
    }

    /// An instrument's position changed, or its price is known better.
    pub(super) fn note_open(&mut self, id: InstrumentId, px: Px) {
        let Some(account) = self.wallets.account(id) else { return };
        let instrument = &self.instruments[id.index()];
        let qty = i64::try_from(account.position().unsigned_abs()).unwrap_or(i64::MAX);
        // What cannot be told counts for everything: nothing more is opened.
        let value = instrument.quote_amount(px, Qty(qty)).unwrap_or(Amount(i128::MAX / 4));
        self.exposures.note(id, self.homes[instrument.pair.index()], value);
    }

    /// Whether these legs leave no more open than may be; `None` on overflow.
    pub(super) fn fits(&mut self, pair: PairId, legs: &[LegTicket]) -> Option<bool> {
        let mut change = 0i128;
        for leg in legs {
            self.note_open(leg.instrument, leg.ticket.px);
            change = change.checked_add(self.change_by(leg)?.0)?;
        }
        Some(self.exposures.admits(pair, Amount(change), &self.exposure_limits))
    }

    /// By how much a leg changes the value of its instrument's position.
    fn change_by(&self, leg: &LegTicket) -> Option<Amount> {
        let instrument = self.instruments.get(leg.instrument.index())?;
        let held = self.wallets.account(leg.instrument)?.position();
        let qty = leg.ticket.qty.0;
        let after = if leg.side == Side::Buy { held.checked_add(qty)? } else { held.checked_sub(qty)? };
        let value = |position: i64| instrument.quote_amount(leg.ticket.px, Qty(position.checked_abs()?));
        value(after)?.checked_sub(value(held)?)
    }

    /// A trade's money. What its venues only counted so far is taken at the orders' limits, with fees: no price that
    /// comes later is worse.
    pub(super) fn cash_of(&self, active: &Active) -> Cash {
        let mut cash = active.cash;
        let orders = active.saga.parts().iter().filter_map(|part| self.orders.get(part.order));
        for known in orders.filter(|known| known.group == active.group && known.life.untold() > 0) {
            let instrument = &self.instruments[known.instrument.index()];
            let qty = Qty(known.life.untold());
            let value = instrument.quote_amount(known.px, qty).unwrap_or_default();
            let fee = fee_up(value, instrument.taker_fee_ppb.max(0), FEE_DP).unwrap_or(0);
            let (px, fee_in) = (known.px, FeeAsset::Quote);
            let trade = Trade { side: known.side, px, qty, fee, fee_dp: FEE_DP, fee_in, is_pending: false };
            cash.add(instrument, &trade, self.is_inverse[known.instrument.index()]);
        }
        cash
    }

    /// The value of a trade's orders.
    pub(super) fn value_of(&self, prepared: &Prepared) -> Amount {
        let value = |order: &highwire_links::order::Order| {
            self.instruments[order.instrument.index()].quote_amount(order.px, order.qty).unwrap_or_default().0
        };
        Amount(prepared.orders().map(value).sum())
    }
}
