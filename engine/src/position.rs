//! Funds, reservations and position of one instrument: exact, and reserved before an order is sent.
//!
//! Spot: a buy reserves its value at the limit plus the fee rounded up, a sell its base. A derivative:
//! what opens reserves its value at the limit as margin, what closes only its fee. Margin in use is
//! the entry value of the position; what closing it brings is in the wallet, as at the venue.

use crate::spec::Funds;
use highwire_links::fill::{FEE_DP, FeeAsset, Report, Settlement};
use highwire_links::fixed::{Amount, Px, Qty};
use highwire_links::ids::Side;
use highwire_links::instrument::Instrument;
use highwire_links::limits::{AMOUNT_DP, POW10_WIDE, PPB};
use highwire_quant::fee::fee_up;
use highwire_quant::wide::mul_div_amount;

/// What an order needs, in base and in quote.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Need {
    /// Base asset.
    pub base: Amount,
    /// Quote currency.
    pub quote: Amount,
}

impl Need {
    /// What is left of it without `part`, never below nothing.
    #[must_use]
    pub fn less(self, part: Self) -> Self {
        let rest = |a: Amount, b: Amount| a.checked_sub(b).unwrap_or_default().max(Amount::ZERO);
        Self { base: rest(self.base, part.base), quote: rest(self.quote, part.quote) }
    }
}

/// One instrument's account: what its venue's wallets hold for it, and its own position.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Account {
    pub(crate) funds: Funds,
    pub(crate) reserved: Need,
    pub(crate) standing: Standing,
}

/// What an instrument has traded.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Standing {
    /// Net quantity bought, the instrument's own mantissa; negative when sold.
    pub position: i64,
    /// Entry value of a derivative's position: the margin in use.
    pub entry: Amount,
    /// Bought, matched and not settled.
    pub buying: i64,
    /// Sold, matched and not settled.
    pub selling: i64,
}

/// A fill as the account takes it in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Trade {
    /// Bought or sold.
    pub side: Side,
    /// At this price.
    pub px: Px,
    /// So much.
    pub qty: Qty,
    /// Paid for it, mantissa at `fee_dp`; negative is received.
    pub fee: i64,
    /// Decimals of `fee`.
    pub fee_dp: u8,
    /// In what the fee was taken.
    pub fee_in: FeeAsset,
    /// Whether it settles later.
    pub is_pending: bool,
}

impl Trade {
    /// The trade of a report about an order on this side.
    pub fn new(side: Side, report: &Report) -> Self {
        let &Report { px, qty, fee, fee_dp, fee_in, settlement, .. } = report;
        Self { side, px, qty, fee, fee_dp, fee_in, is_pending: settlement == Settlement::Pending }
    }

    /// The trade that takes this one back.
    #[must_use]
    pub fn reversed(self) -> Self {
        Self { side: self.side.opposite(), fee: self.fee.saturating_neg(), is_pending: false, ..self }
    }

    /// What the fee takes of an asset.
    fn fee_of(&self, asset: FeeAsset) -> Option<Amount> {
        if self.fee_in == asset { Amount::from_mantissa(self.fee.into(), self.fee_dp) } else { Some(Amount::ZERO) }
    }
}

/// Decimals and price at which a balance is turned into a size.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Measure {
    /// The pair's price decimals.
    pub px_dp: u8,
    /// The pair's base decimals.
    pub qty_dp: u8,
    /// The worst price the order can pay or be valued at, at `px_dp`.
    pub px: i64,
}

impl Measure {
    /// The base quantity that `value` buys at the price when each unit costs `(PPB + fee) / PPB` of
    /// it; rounded down, 0 for nothing or less. `None` on overflow.
    pub fn base_for(&self, value: Amount, fee_ppb: i64) -> Option<i64> {
        if value.0 <= 0 {
            return Some(0);
        }
        let raw = value.0 / POW10_WIDE[usize::from(AMOUNT_DP.checked_sub(self.px_dp + self.qty_dp)?)];
        if fee_ppb <= 0 && self.px > 0 {
            return Some(i64::try_from(raw / i128::from(self.px)).unwrap_or(i64::MAX));
        }
        let unit = i128::from(self.px).checked_mul(i128::from(PPB) + i128::from(fee_ppb.max(0)))?;
        Some(i64::try_from(mul_div_amount(raw, PPB.into(), unit)?).unwrap_or(i64::MAX))
    }
}

impl Account {
    /// An account with these start funds and no position.
    pub fn new(funds: Funds) -> Self {
        Self { funds, reserved: Need::default(), standing: Standing::default() }
    }

    /// An account that has traded before.
    pub fn resumed(funds: Funds, standing: Standing) -> Self {
        Self { funds, reserved: Need::default(), standing }
    }

    /// What it has traded.
    pub fn standing(&self) -> Standing {
        self.standing
    }

    /// An account of nothing.
    pub fn empty() -> Self {
        Self::new(Funds::Margin { quote: Amount::ZERO })
    }

    /// Funds now; reserved amounts are still in them.
    pub fn funds(&self) -> Funds {
        self.funds
    }

    /// What open orders hold.
    pub fn reserved(&self) -> Need {
        self.reserved
    }

    /// Net quantity bought, the instrument's own mantissa; negative when sold.
    pub fn position(&self) -> i64 {
        self.standing.position
    }

    /// The position that a further trade on this side adds to, at its worst: what was matched on the
    /// other side may still fail to settle.
    pub fn worst_position(&self, side: Side) -> i64 {
        match side {
            Side::Buy => self.standing.position.saturating_add(self.standing.selling),
            Side::Sell => self.standing.position.saturating_sub(self.standing.buying),
        }
    }

    /// What is free for new orders. `None` on overflow.
    pub fn free(&self) -> Option<Need> {
        let (base, quote) = match self.funds {
            Funds::Spot { base, quote } => (base, quote),
            Funds::Margin { quote } => (Amount::ZERO, quote.checked_sub(self.standing.entry)?),
        };
        Some(Need { base: base.checked_sub(self.reserved.base)?, quote: quote.checked_sub(self.reserved.quote)? })
    }

    /// What an order needs. `None` on overflow.
    pub fn need(&self, instrument: &Instrument, side: Side, px: Px, qty: Qty) -> Option<Need> {
        let value = instrument.quote_amount(px, qty)?;
        let fee = Amount::from_mantissa(fee_up(value, instrument.taker_fee_ppb.max(0), FEE_DP)?.into(), FEE_DP)?;
        match (self.funds, side) {
            (Funds::Spot { .. }, Side::Buy) => Some(Need { base: Amount::ZERO, quote: value.checked_add(fee)? }),
            (Funds::Spot { .. }, Side::Sell) => Some(Need { base: spot_base(instrument, qty)?, quote: Amount::ZERO }),
            (Funds::Margin { .. }, _) => {
                let opening = Qty(qty.0.checked_sub(self.closing(side, qty))?);
                Some(Need { base: Amount::ZERO, quote: instrument.quote_amount(px, opening)?.checked_add(fee)? })
            }
        }
    }

    /// The part of `qty` that closes an opposite position.
    fn closing(&self, side: Side, qty: Qty) -> i64 {
        let opposite = match side {
            Side::Buy => self.standing.position.checked_neg().unwrap_or(i64::MAX),
            Side::Sell => self.standing.position,
        };
        opposite.clamp(0, qty.0.max(0))
    }

    /// Most base quantity, at the pair's decimals, that the free funds cover. `None` on overflow.
    pub fn base_max(&self, instrument: &Instrument, side: Side, at: Measure) -> Option<i64> {
        let free = self.free()?;
        // One unit of fee less: the fee of the order is rounded up.
        let quote = free.quote.checked_sub(Amount::from_mantissa(1, FEE_DP)?)?;
        match (self.funds, side) {
            (Funds::Spot { .. }, Side::Sell) => {
                let base = free.base.0.max(0) / POW10_WIDE[usize::from(AMOUNT_DP - at.qty_dp)];
                Some(i64::try_from(base).unwrap_or(i64::MAX))
            }
            (Funds::Spot { .. }, Side::Buy) => at.base_for(quote, instrument.taker_fee_ppb),
            (Funds::Margin { .. }, _) => {
                let px = Px(crate::tops::own_px(instrument, at.px, at.px_dp)?);
                let closing = Qty(self.closing(side, Qty(i64::MAX)));
                let value = instrument.quote_amount(px, closing)?;
                let fee = fee_up(value, instrument.taker_fee_ppb.max(0), FEE_DP)?;
                let left = quote.checked_sub(Amount::from_mantissa(fee.into(), FEE_DP)?)?;
                let opening = at.base_for(left, instrument.taker_fee_ppb)?;
                Some(opening.saturating_add(instrument.base_qty(px, closing, at.qty_dp)?))
            }
        }
    }

    /// Holds `need` back when it is free; false, and nothing held, when it is not.
    pub fn reserve(&mut self, need: Need) -> bool {
        let enough = self.free().is_some_and(|free| need.base <= free.base && need.quote <= free.quote);
        let held = self.reserved.base.checked_add(need.base).zip(self.reserved.quote.checked_add(need.quote));
        match held {
            Some((base, quote)) if enough => {
                self.reserved = Need { base, quote };
                true
            }
            _ => false,
        }
    }

    /// Frees what was held.
    pub fn release(&mut self, need: Need) {
        self.reserved = self.reserved.less(need);
    }

    /// Takes in a fill. A fee in base takes from what was bought, one in another asset moves neither
    /// side. `None` on overflow, and then nothing is taken in.
    pub fn on_fill(&mut self, instrument: &Instrument, trade: &Trade) -> Option<()> {
        let &Trade { side, px, qty, .. } = trade;
        let value = instrument.quote_amount(px, qty)?;
        let (fee, base_fee) = (trade.fee_of(FeeAsset::Quote)?, trade.fee_of(FeeAsset::Base)?);
        let (signed, flow) = match side {
            Side::Buy => (qty.0, Amount(value.0.checked_neg()?)),
            Side::Sell => (qty.0.checked_neg()?, value),
        };
        let mut after = *self;
        after.standing.position = self.standing.position.checked_add(signed)?;
        match &mut after.funds {
            Funds::Spot { base, quote } => {
                let moved = spot_base(instrument, Qty(signed))?.checked_sub(base_fee)?;
                (*base, *quote) = (base.checked_add(moved)?, quote.checked_add(flow)?.checked_sub(fee)?);
            }
            Funds::Margin { quote } => {
                let (entry, profit) = self.entry_after(instrument, side, px, qty)?;
                *quote = quote.checked_sub(fee)?.checked_add(profit)?;
                after.standing.entry = entry;
            }
        }
        if trade.is_pending {
            after.standing.await_settlement(side, qty.0);
        }
        *self = after;
        Some(())
    }

    /// Entry value after a fill, and the profit that it realised: what closes gives back its share rounded down and
    /// brings the rest of its worth, what opens adds its value.
    fn entry_after(&self, instrument: &Instrument, side: Side, px: Px, qty: Qty) -> Option<(Amount, Amount)> {
        let closing = self.closing(side, qty);
        let opened = instrument.quote_amount(px, Qty(qty.0.checked_sub(closing)?))?;
        let back = match closing {
            0 => 0,
            _ => mul_div_amount(self.standing.entry.0, closing.into(), self.standing.position.unsigned_abs().into())?,
        };
        let worth = instrument.quote_amount(px, Qty(closing))?;
        let profit = match side {
            Side::Sell => worth.checked_sub(Amount(back))?,
            Side::Buy => Amount(back).checked_sub(worth)?,
        };
        Some((self.standing.entry.checked_sub(Amount(back))?.checked_add(opened)?, profit))
    }
}

impl Standing {
    /// So much was matched and settles later; less than nothing when it has settled or failed.
    pub fn await_settlement(&mut self, side: Side, qty: i64) {
        let pending = if side == Side::Buy { &mut self.buying } else { &mut self.selling };
        *pending = pending.saturating_add(qty).max(0);
    }
}

/// A spot quantity as an amount of base.
fn spot_base(instrument: &Instrument, qty: Qty) -> Option<Amount> {
    Amount::from_mantissa(qty.0.into(), instrument.scale.qty_dp)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{amount, perpetual, spot};
    use proptest::prelude::*;

    fn trade(side: Side, px: Px, qty: Qty, fee: i64) -> Trade {
        Trade { side, px, qty, fee, fee_dp: FEE_DP, fee_in: FeeAsset::Quote, is_pending: false }
    }

    fn rich() -> Funds {
        Funds::Spot { base: amount("2"), quote: amount("1000") }
    }

    #[test]
    fn spot_buys_hold_value_and_fee_and_give_back_what_was_not_filled() {
        let (instrument, mut account) = (spot(0, 1_000_000), Account::new(rich()));
        let need = account.need(&instrument, Side::Buy, Px(10_000), Qty(200_000)).unwrap();
        assert_eq!((need.quote.to_string(), need.base), ("200.2".into(), Amount::ZERO));
        assert!(account.reserve(need));
        assert_eq!(account.free().unwrap().quote.to_string(), "799.8");
        account.on_fill(&instrument, &trade(Side::Buy, Px(9_900), Qty(100_000), 9_900_000)).unwrap();
        account.release(need);
        assert_eq!(account.funds(), Funds::Spot { base: amount("3"), quote: amount("900.901") });
        assert_eq!((account.reserved(), account.position()), (Need::default(), 100_000));
    }

    #[test]
    fn more_than_is_free_is_not_reserved() {
        let (instrument, mut account) = (spot(0, 0), Account::new(rich()));
        let need = |account: &Account, qty| account.need(&instrument, Side::Sell, Px(1), Qty(qty)).unwrap();
        assert!(account.reserve(need(&account, 150_000)));
        assert!(!account.reserve(need(&account, 50_001)));
        assert!(account.reserve(need(&account, 50_000)));
    }

    #[test]
    fn a_derivative_needs_margin_to_open_and_only_the_fee_to_close() {
        let (instrument, mut account) =
            (perpetual(0, 1_000_000), Account::new(Funds::Margin { quote: amount("1000") }));
        account.on_fill(&instrument, &trade(Side::Sell, Px(10_000), Qty(300_000), 30_000_000)).unwrap();
        assert_eq!(account.free().unwrap().quote.to_string(), "699.7");
        let need = account.need(&instrument, Side::Buy, Px(10_000), Qty(400_000)).unwrap();
        assert_eq!(need.quote.to_string(), "100.4", "3 close, 1 opens, 4 pay the fee");
        account.on_fill(&instrument, &trade(Side::Buy, Px(10_000), Qty(400_000), 40_000_000)).unwrap();
        assert_eq!(account.free().unwrap().quote.to_string(), "899.3");
        assert_eq!(account.position(), 100_000);
        account.on_fill(&instrument, &trade(Side::Sell, Px(10_500), Qty(100_000), 0)).unwrap();
        assert_eq!(account.funds(), Funds::Margin { quote: amount("1004.3") }, "what closing brings is there");
        account.on_fill(&instrument, &trade(Side::Sell, Px(10_000), Qty(100_000), 0)).unwrap();
        account.on_fill(&instrument, &trade(Side::Buy, Px(11_000), Qty(100_000), 0)).unwrap();
        assert_eq!(account.funds(), Funds::Margin { quote: amount("994.3") }, "and what it costs is not");
    }

    #[test]
    fn a_fee_in_base_leaves_less_than_was_bought_and_one_in_another_asset_moves_neither_side() {
        let (instrument, mut account) = (spot(0, 0), Account::new(rich()));
        let bought = trade(Side::Buy, Px(10_000), Qty(100_000), 100_000);
        account.on_fill(&instrument, &Trade { fee_in: FeeAsset::Base, ..bought }).unwrap();
        assert_eq!(account.funds(), Funds::Spot { base: amount("2.999"), quote: amount("900") });
        account.on_fill(&instrument, &Trade { fee_in: FeeAsset::Other, ..bought }).unwrap();
        assert_eq!(account.funds(), Funds::Spot { base: amount("3.999"), quote: amount("800") });
    }

    #[test]
    fn what_is_not_settled_counts_against_us_on_either_side_and_a_failed_fill_is_taken_back() {
        let (instrument, mut account) = (spot(0, 0), Account::new(rich()));
        let before = account;
        let bought = Trade { is_pending: true, ..trade(Side::Buy, Px(10_000), Qty(100_000), 77) };
        account.on_fill(&instrument, &bought).unwrap();
        assert_eq!((account.worst_position(Side::Buy), account.worst_position(Side::Sell)), (100_000, 0));
        account.standing.await_settlement(Side::Buy, -100_000);
        account.on_fill(&instrument, &bought.reversed()).unwrap();
        assert_eq!(account, before);
    }

    #[test]
    fn what_leaves_the_range_changes_nothing() {
        let (instrument, mut account) = (spot(0, 0), Account::new(rich()));
        let before = account;
        let huge = Qty(i64::MAX);
        account.on_fill(&instrument, &trade(Side::Buy, Px(1), huge, 0)).unwrap();
        assert_eq!(account.on_fill(&instrument, &trade(Side::Buy, Px(1), huge, 0)), None);
        account.on_fill(&instrument, &trade(Side::Sell, Px(1), huge, 0)).unwrap();
        assert_eq!(account, before);
    }

    proptest! {
        #[test]
        fn the_largest_size_is_affordable_and_flows_are_exact(px in 1i64..1_000_000, fee in -1_000_000..5_000_000i64, sells: bool, margin: bool) {
            let side = if sells { Side::Sell } else { Side::Buy };
            let funds = if margin { Funds::Margin { quote: amount("1000") } } else { rich() };
            let (instrument, mut account) = (if margin { perpetual(0, fee) } else { spot(0, fee) }, Account::new(funds));
            let base = account.base_max(&instrument, side, Measure { px_dp: 2, qty_dp: 8, px }).unwrap();
            let qty = instrument.qty_of_base(Px(px), base, 8).unwrap();
            let need = account.need(&instrument, side, Px(px), qty).unwrap();
            prop_assert!(account.reserve(need));
            let more = account.need(&instrument, side, Px(px), Qty(qty.0 + 1 + qty.0 / 1000)).unwrap();
            prop_assert!(!Account::new(funds).reserve(more), "not needlessly small");
        }
    }
}
