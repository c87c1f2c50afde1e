//! The reservation ledger: one wallet per venue and asset, shared by every instrument that trades in
//! it, and one position per instrument. What an order needs is held back before it is sent and freed
//! exactly; what is held is never more than what is there.

use crate::position::{Account, Need, Standing, Trade};
use crate::spec::{EngineSpec, Funds};
use highwire_links::fixed::Amount;
use highwire_links::ids::{InstrumentId, Nanos, Side};
use highwire_links::instrument::Instrument;

/// What one venue holds of one asset for us.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Wallet {
    /// Everything, held back or not. A venue may make it negative; then nothing is free.
    pub balance: Amount,
    /// Held back for orders.
    pub reserved: Amount,
    /// In use as margin of positions.
    pub margin: Amount,
    /// What the venue last said is free, moved by the fills since: somebody else may have spent it. No more is used.
    pub told: Option<Amount>,
}

impl Wallet {
    fn can_hold(&self, need: Amount) -> bool {
        cfg!(mutant = "reservation")
            || need == Amount::ZERO
            || self.usable().checked_sub(self.reserved).is_some_and(|free| need <= free)
    }

    /// What is neither margin nor more than the venue says is free; reserved amounts are still in it.
    fn usable(&self) -> Amount {
        let ours = Amount(self.balance.0.saturating_sub(self.margin.0));
        self.told.filter(|_| !cfg!(mutant = "told-funds")).map_or(ours, |told| told.min(ours))
    }

    /// A fill moves what is there as far as `from` moved to `to`; `None` on overflow, and then nothing is moved.
    fn shift(&mut self, from: Amount, to: Amount) -> Option<()> {
        let by = to.checked_sub(from)?;
        self.balance = self.balance.checked_add(by)?;
        self.told = self.told.map(|told| Amount(told.0.saturating_add(by.0)));
        Some(())
    }
}

/// What a venue holds for us, as it said when it was asked: the parcel of `Verb::SetFunds`. It only ever lowers what is
/// used, since a trade that it did not count yet may be on its way; a deposit counts once it is an [`Adjustment`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Held(pub Vec<(InstrumentId, Funds)>);

/// A balance that was found to have moved by no trade of ours: the parcel of `Verb::Adjust` is a list of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Adjustment {
    /// An instrument that trades in the asset.
    pub instrument: InstrumentId,
    /// The asset is its base; else what it is paid with.
    pub is_base: bool,
    /// Positive when there is more than we had.
    pub by: Amount,
    /// When it was found: an engine that inherited a later state has it already.
    pub at_ns: Nanos,
}

/// Whose wallets an instrument uses, and what it has traded.
#[derive(Clone, Copy, Debug)]
struct Holder {
    base: usize,
    quote: usize,
    is_spot: bool,
    standing: Standing,
}

/// Every wallet and every position.
#[derive(Debug)]
pub struct Wallets {
    wallets: Box<[Wallet]>,
    holders: Box<[Holder]>,
    /// The last record of what was inherited.
    as_of_ns: Nanos,
}

impl Wallets {
    /// The wallets of a checked spec. One that several instruments share begins with the funds of the
    /// first of them; inherited positions of derivatives use their entry value of it as margin.
    pub fn new(spec: &EngineSpec) -> Self {
        let mut names = Vec::new();
        let mut wallets = Vec::new();
        let mut place = |name, start: Amount| {
            names.iter().position(|&known| known == name).unwrap_or_else(|| {
                names.push(name);
                wallets.push(Wallet { balance: start, ..Wallet::default() });
                names.len() - 1
            })
        };
        let mut holders = Vec::with_capacity(spec.instruments.len());
        let standing = |id: InstrumentId| spec.tuning.inherited.standings.get(id.index()).copied().unwrap_or_default();
        for (instrument, (funds, assets)) in spec.instruments.iter().zip(spec.funds.iter().zip(&spec.assets)) {
            let (base, quote, is_spot) = match *funds {
                Funds::Spot { base, quote } => (base, quote, true),
                Funds::Margin { quote } => (Amount::ZERO, quote, false),
            };
            let quote = place((instrument.venue, assets.quote), quote);
            // A derivative delivers no base: it has no use for a wallet of it.
            let base = if is_spot { place((instrument.venue, assets.base), base) } else { quote };
            holders.push(Holder { base, quote, is_spot, standing: standing(instrument.id) });
        }
        for holder in holders.iter().filter(|holder| !holder.is_spot) {
            let margin = &mut wallets[holder.quote].margin;
            *margin = Amount(margin.0.saturating_add(holder.standing.entry.0));
        }
        Self { wallets: wallets.into(), holders: holders.into(), as_of_ns: spec.tuning.inherited.result.1 }
    }

    /// Every wallet.
    pub fn all(&self) -> &[Wallet] {
        &self.wallets
    }

    /// What an instrument can be traded with now; `None` when it is unknown.
    pub fn account(&self, id: InstrumentId) -> Option<Account> {
        let holder = self.holders.get(id.index())?;
        let quote = self.wallets[holder.quote];
        let (funds, reserved) = if holder.is_spot {
            let base = self.wallets[holder.base];
            (
                Funds::Spot { base: base.usable(), quote: quote.usable() },
                Need { base: base.reserved, quote: quote.reserved },
            )
        } else {
            // An account takes its own entry value off by itself.
            let funds = Funds::Margin { quote: Amount(quote.usable().0.saturating_add(holder.standing.entry.0)) };
            (funds, Need { base: Amount::ZERO, quote: quote.reserved })
        };
        Some(Account { funds, reserved, standing: holder.standing })
    }

    /// What the venue says is free of an instrument's assets.
    pub fn on_told(&mut self, id: InstrumentId, funds: Funds) {
        let Some(&Holder { base, quote, .. }) = self.holders.get(id.index()) else { return };
        match funds {
            Funds::Spot { base: base_free, quote: quote_free } => {
                self.wallets[base].told = Some(base_free);
                self.wallets[quote].told = Some(quote_free);
            }
            Funds::Margin { quote: free } => self.wallets[quote].told = Some(free),
        }
    }

    /// A balance has moved by no trade.
    pub fn on_adjusted(&mut self, adjustment: &Adjustment) {
        let &Adjustment { instrument, is_base, by, at_ns } = adjustment;
        let Some(holder) = self.holders.get(instrument.index()).filter(|_| at_ns > self.as_of_ns) else { return };
        let wallet = &mut self.wallets[if is_base { holder.base } else { holder.quote }];
        wallet.balance = Amount(wallet.balance.0.saturating_add(by.0));
    }

    /// Holds `need` back when all of it is free; false, and nothing held, when it is not.
    pub fn reserve(&mut self, id: InstrumentId, need: Need) -> bool {
        let Some(&Holder { base, quote, .. }) = self.holders.get(id.index()) else { return false };
        if !self.wallets[base].can_hold(need.base) || !self.wallets[quote].can_hold(need.quote) {
            return false;
        }
        // Both fit below their balances, so neither sum can overflow.
        self.wallets[base].reserved.0 += need.base.0;
        self.wallets[quote].reserved.0 += need.quote.0;
        true
    }

    /// Frees what was held.
    pub fn release(&mut self, id: InstrumentId, need: Need) {
        let Some(&Holder { base, quote, .. }) = self.holders.get(id.index()) else { return };
        for (wallet, part) in [(base, need.base), (quote, need.quote)] {
            let reserved = &mut self.wallets[wallet].reserved;
            reserved.0 = (reserved.0 - part.0).max(0);
        }
    }

    /// Takes in a fill. `None` on overflow, and then nothing is taken in.
    pub fn on_fill(&mut self, instrument: &Instrument, trade: &Trade) -> Option<()> {
        let before = self.account(instrument.id)?;
        let mut after = before;
        after.on_fill(instrument, trade)?;
        let holder = self.holders.get_mut(instrument.id.index())?;
        let (base, quote) = (holder.base, holder.quote);
        match (before.funds, after.funds) {
            (Funds::Spot { base: from, quote: paid }, Funds::Spot { base: to, quote: left }) => {
                self.wallets[base].shift(from, to)?;
                self.wallets[quote].shift(paid, left)?;
            }
            (Funds::Margin { quote: from }, Funds::Margin { quote: to }) => {
                self.wallets[quote].shift(from, to)?;
                let margin = after.standing.entry.checked_sub(before.standing.entry)?;
                self.wallets[quote].margin = self.wallets[quote].margin.checked_add(margin)?;
            }
            _ => return None,
        }
        holder.standing = after.standing;
        Some(())
    }

    /// A matched trade has settled, or has failed to.
    pub fn on_settled(&mut self, id: InstrumentId, side: Side, qty: i64) {
        if let Some(holder) = self.holders.get_mut(id.index()) {
            holder.standing.await_settlement(side, qty.saturating_neg());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::spec::{Assets, PairSpec};
    use crate::testing::{amount, limits, perpetual, spot};
    use highwire_links::Mode;
    use highwire_links::fill::{FEE_DP, FeeAsset};
    use highwire_links::fixed::{Px, Qty};
    use highwire_links::ids::{PairId, VenueId};
    use proptest::prelude::*;

    /// Two spot markets and a derivative of one venue that share their quote currency.
    fn shared() -> (Vec<Instrument>, Wallets) {
        let at_home =
            |id: u16, instrument: Instrument| Instrument { venue: VenueId(0), pair: PairId(id), ..instrument };
        let instruments =
            vec![at_home(0, spot(0, 1_000_000)), at_home(1, spot(1, 0)), at_home(2, perpetual(2, 500_000))];
        let start = Funds::Spot { base: amount("5"), quote: amount("1000") };
        let spec = EngineSpec {
            pairs: (0..3).map(|id| PairSpec { px_dp: 2, qty_dp: 8, members: vec![InstrumentId(id)] }).collect(),
            funds: vec![start, start, Funds::Margin { quote: amount("1000") }],
            assets: [1, 2, 3].map(|base| Assets { base, quote: 0 }).to_vec(),
            instruments: instruments.clone(),
            limits: limits(1),
            venues: 1,
            start_mode: Mode::Full,
            epoch: 0,
            tuning: Default::default(),
        };
        spec.check().unwrap();
        (instruments, Wallets::new(&spec))
    }

    #[test]
    fn instruments_of_one_venue_share_its_balance() {
        let (instruments, mut wallets) = shared();
        assert_eq!(wallets.all().len(), 3, "one quote, two bases");
        let need = |wallets: &Wallets, id: usize, qty| {
            let instrument = &instruments[id];
            wallets.account(instrument.id).unwrap().need(instrument, Side::Buy, Px(10_000), Qty(qty)).unwrap()
        };
        let first = need(&wallets, 0, 600_000);
        assert!(wallets.reserve(InstrumentId(0), first), "600.6 of 1000");
        let second = need(&wallets, 1, 400_000);
        assert!(!wallets.reserve(InstrumentId(1), second), "400 of the 399.4 that are left");
        let margin = need(&wallets, 2, 399_000);
        assert!(wallets.reserve(InstrumentId(2), margin));
        wallets.release(InstrumentId(0), first);
        assert!(wallets.reserve(InstrumentId(1), second));
    }

    #[test]
    fn what_the_venue_says_is_free_bounds_what_is_used_and_a_negative_balance_freezes() {
        let (instruments, mut wallets) = shared();
        let quote = |value| Funds::Spot { base: amount("5"), quote: amount(value) };
        let need = Need { base: Amount::ZERO, quote: amount("200") };
        wallets.on_told(InstrumentId(0), quote("199"));
        assert!(!wallets.reserve(InstrumentId(1), need), "every instrument that shares it");
        let owed = Funds::Spot { base: amount("5"), quote: Amount(-3) };
        wallets.on_told(InstrumentId(0), owed);
        assert!(!wallets.reserve(InstrumentId(0), need));
        let account = wallets.account(InstrumentId(0)).unwrap();
        assert_eq!(account.funds(), owed, "as it is, not clamped");
        wallets.on_told(InstrumentId(0), quote("2000"));
        assert_eq!(wallets.account(InstrumentId(0)).unwrap().funds(), quote("1000"), "no more than we know of");
        wallets.on_told(InstrumentId(0), quote("300"));
        let trade = Trade {
            side: Side::Buy,
            px: Px(10_000),
            qty: Qty(100_000),
            fee: 0,
            fee_dp: FEE_DP,
            fee_in: FeeAsset::Quote,
            is_pending: false,
        };
        wallets.on_fill(&instruments[0], &trade).unwrap();
        assert_eq!(
            wallets.account(InstrumentId(0)).unwrap().funds(),
            Funds::Spot { base: amount("6"), quote: amount("200") }
        );
    }

    #[test]
    fn what_moved_by_no_trade_can_be_used_at_once_and_only_once() {
        let (_, mut wallets) = shared();
        wallets.as_of_ns = 7;
        let moved = |at_ns| Adjustment { instrument: InstrumentId(1), is_base: false, by: amount("500"), at_ns };
        let need = Need { base: Amount::ZERO, quote: amount("1400") };
        wallets.on_adjusted(&moved(7));
        assert!(!wallets.reserve(InstrumentId(0), need), "the state that it began with knew of it");
        wallets.on_adjusted(&moved(8));
        assert!(wallets.reserve(InstrumentId(0), need), "every instrument that shares it");
        wallets.release(InstrumentId(0), need);
        wallets.on_adjusted(&Adjustment { by: Amount(-amount("900").0), ..moved(9) });
        assert!(!wallets.reserve(InstrumentId(0), Need { quote: amount("601"), ..need }));
        wallets.on_adjusted(&Adjustment { instrument: InstrumentId(9), ..moved(9) });
        wallets.on_adjusted(&Adjustment { is_base: true, ..moved(9) });
        assert!(wallets.reserve(InstrumentId(1), Need { base: amount("505"), quote: amount("600") }));
    }

    #[derive(Clone, Debug)]
    struct Deed {
        instrument: usize,
        buys: bool,
        px: i64,
        qty: i64,
        part: i64,
    }

    prop_compose! {
        fn deed()(instrument in 0usize..3, buys: bool, px in 1i64..30_000, qty in 1i64..400_000, part in 0i64..=100) -> Deed {
            Deed { instrument, buys, px, qty, part }
        }
    }

    proptest! {
        #[test]
        fn what_is_held_is_never_more_than_what_is_there_and_all_comes_back(deeds in proptest::collection::vec(deed(), 1..60)) {
            let (instruments, mut wallets) = shared();
            let mut held = Vec::new();
            let sound = |wallets: &Wallets| wallets.all().iter().all(|w| w.reserved.0 >= 0 && w.reserved.0 + w.margin.0 <= w.balance.0);
            for deed in deeds {
                let instrument = &instruments[deed.instrument];
                let side = if deed.buys { Side::Buy } else { Side::Sell };
                let account = wallets.account(instrument.id).unwrap();
                let need = account.need(instrument, side, Px(deed.px), Qty(deed.qty)).unwrap();
                if wallets.reserve(instrument.id, need) {
                    held.push((deed.clone(), side, need));
                }
                prop_assert!(sound(&wallets));
                if held.len() > 3 {
                    let (deed, side, need) = held.remove(0);
                    let instrument = &instruments[deed.instrument];
                    let qty = Qty(deed.qty * deed.part / 100);
                    let fee = highwire_quant::fee::fee_up(instrument.quote_amount(Px(deed.px), qty).unwrap(), instrument.taker_fee_ppb, FEE_DP).unwrap();
                    wallets.release(instrument.id, need);
                    // A derivative reserved as closing may open by now: spot keeps the sum by itself.
                    if qty.0 > 0 && deed.instrument != 2 {
                        let trade = Trade { side, px: Px(deed.px), qty, fee, fee_dp: FEE_DP, fee_in: FeeAsset::Quote, is_pending: false };
                        wallets.on_fill(instrument, &trade).unwrap();
                    }
                    prop_assert!(sound(&wallets));
                }
            }
            for (deed, _, need) in held {
                wallets.release(instruments[deed.instrument].id, need);
            }
            prop_assert!(wallets.all().iter().all(|w| w.reserved == Amount::ZERO));
        }
    }
}
