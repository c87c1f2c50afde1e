//! What a pair earns, day by day (UTC): the last days one by one, everything before them together.

use highwire_engine::position::Trade;
use highwire_links::Nanos;
use highwire_links::fill::FeeAsset;
use highwire_links::fixed::{Amount, Qty};
use highwire_links::ids::Side;
use highwire_links::instrument::Instrument;
use highwire_links::limits::{AMOUNT_DP, POW10_WIDE};
use highwire_quant::pnl::{BASE_DP, Pnl};
use highwire_quant::wide::mul_div_amount;
use highwire_store::journal::Earned;

/// Days that are kept one by one.
const DAYS: u32 = 8;
const DAY_NS: Nanos = 86_400_000_000_000;

/// The day of an instant, counted from the Unix epoch.
pub fn day_of(now: Nanos) -> u32 {
    u32::try_from(now / DAY_NS).unwrap_or(u32::MAX)
}

/// A pair's earnings; its first day holds everything older than the others.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PairBook {
    pub(super) pair: String,
    pub(super) days: Vec<Earned>,
}

impl PairBook {
    /// Nothing earned yet.
    pub fn new(pair: &str) -> Self {
        Self { pair: pair.to_owned(), days: Vec::new() }
    }

    /// A day's realised profit; `None` when nothing was traded on it.
    pub fn profit(&self, day: u32) -> Option<Amount> {
        let Earned { bought, paid, sold, got, fees, .. } = *self.days.iter().find(|earned| earned.day == day)?;
        Pnl::of((bought, paid), (sold, got), fees).realised()
    }

    /// Takes in a fill; `None` on overflow, and then nothing is taken in.
    pub fn add(&mut self, instrument: &Instrument, trade: &Trade, at_ns: Nanos) -> Option<()> {
        let value = instrument.quote_amount(trade.px, trade.qty)?;
        let base = i128::from(instrument.base_qty(trade.px, trade.qty, BASE_DP)?);
        let fee = fee_in_quote(instrument, trade)?;
        let place = self.day(day_of(at_ns));
        let mut after = place.clone();
        after.fees = after.fees.checked_add(fee)?;
        if trade.side == Side::Buy {
            (after.bought, after.paid) = (after.bought.checked_add(base)?, after.paid.checked_add(value)?);
        } else {
            (after.sold, after.got) = (after.sold.checked_add(base)?, after.got.checked_add(value)?);
        }
        *place = after;
        Some(())
    }

    /// What a day earned is this, by a restatement.
    pub fn set(&mut self, earned: &Earned) {
        *self.day(earned.day) = earned.clone();
    }

    fn day(&mut self, day: u32) -> &mut Earned {
        let at = match self.days.binary_search_by_key(&day, |earned| earned.day) {
            Ok(at) => at,
            Err(at) => {
                self.days.insert(at, Earned { pair: self.pair.clone(), day, ..Earned::default() });
                at
            }
        };
        let at = self.fold_old(at);
        &mut self.days[at]
    }

    /// Adds days beyond the last few to the first; where the day at `at` stands now comes back.
    fn fold_old(&mut self, mut at: usize) -> usize {
        while self.days.len() > DAYS as usize && at > 1 {
            let old = self.days.remove(0);
            let first = &mut self.days[0];
            first.bought = first.bought.saturating_add(old.bought);
            first.sold = first.sold.saturating_add(old.sold);
            let sum = |a: Amount, b: Amount| Amount(a.0.saturating_add(b.0));
            (first.paid, first.got, first.fees) =
                (sum(first.paid, old.paid), sum(first.got, old.got), sum(first.fees, old.fees));
            at -= 1;
        }
        at
    }
}

/// A fee in base is worth what the fill paid for that base; one in another asset is not counted.
fn fee_in_quote(instrument: &Instrument, trade: &Trade) -> Option<Amount> {
    let fee = Amount::from_mantissa(trade.fee.into(), trade.fee_dp)?;
    match trade.fee_in {
        FeeAsset::Quote => Some(fee),
        FeeAsset::Base if fee.0 >= 0 && trade.qty != Qty(0) => {
            let px = Amount::from_mantissa(trade.px.0.into(), instrument.scale.px_dp)?;
            mul_div_amount(px.0, fee.0, POW10_WIDE[usize::from(AMOUNT_DP)]).map(Amount)
        }
        FeeAsset::Base | FeeAsset::Other => Some(Amount::ZERO),
    }
}
