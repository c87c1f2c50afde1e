//! One venue's ledger: every order as it arrived, every trade, and what the account holds. It is the truth that the
//! judge reads; nothing of ours writes into it.

use highwire_links::fill::FeeAsset;
use highwire_links::fixed::{Amount, Scale};
use highwire_links::instrument::Instrument;
use highwire_links::order::Order;
use highwire_links::{InstrumentId, Nanos, Px, Qty, Side};
use std::collections::BTreeMap;

/// Decimals of a fee.
pub const FEE_DP: u8 = 8;

/// A trade.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Trade {
    /// The venue's number of it.
    pub number: u64,
    /// At which price.
    pub px: Px,
    /// How much.
    pub qty: Qty,
    /// What it cost, mantissa at [`FEE_DP`].
    pub fee: i64,
    /// In which asset.
    pub fee_in: FeeAsset,
    /// Our order had rested.
    pub is_maker: bool,
    /// When.
    pub at_ns: Nanos,
}

/// What was true when an order arrived.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Arrival {
    /// When.
    pub at_ns: Nanos,
    /// The newest change of its book that was on its way to us in order, on any line.
    pub fresh_ns: Nanos,
    /// Since when the instrument was not trading; `None` while it is.
    pub paused_ns: Option<Nanos>,
    /// What of its book was lost last, and when.
    pub lost: (&'static str, Nanos),
    /// Its price lies on the grid that was in force a second before.
    pub on_grid: bool,
}

/// An order as its venue has it.
#[derive(Clone, Debug)]
pub struct Held {
    /// As it was sent.
    pub order: Order,
    /// How it arrived.
    pub arrival: Arrival,
    /// What it traded.
    pub trades: Vec<Trade>,
    /// How much of it has traded.
    pub filled: i64,
    /// It was refused.
    pub is_rejected: bool,
    /// What is left of it rests.
    pub rests: bool,
    /// How often its id arrived.
    pub arrivals: u32,
    /// From then on questions find it.
    pub visible_ns: Nanos,
}

/// A trade of our account by an order that is not ours.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Foreign {
    /// Of what.
    pub instrument: InstrumentId,
    /// We bought or sold.
    pub side: Side,
    /// The trade.
    pub trade: Trade,
}

/// The ledger.
#[derive(Debug, Default)]
pub struct Ledger {
    /// Orders by id, until the judge has settled them.
    pub orders: BTreeMap<u64, Held>,
    /// Trades that no order of ours made, until the judge has settled them.
    pub foreign: Vec<Foreign>,
    /// What the account holds, by asset.
    pub balances: BTreeMap<String, Amount>,
    /// What came or went by another way than trading, by asset.
    pub transfers: BTreeMap<String, Amount>,
    /// Orders that were placed.
    pub placed: u64,
    next: u64,
}

impl Ledger {
    /// A ledger with these holdings; trades are numbered from `first`.
    pub fn new(holdings: &[(&str, Amount)], first: u64) -> Self {
        let balances = holdings.iter().map(|&(asset, amount)| (asset.to_owned(), amount)).collect();
        Self { balances, next: first, ..Self::default() }
    }

    /// Writes an order down. True when its id is new.
    pub fn admit(&mut self, order: &Order, arrival: Arrival, visible_ns: Nanos) -> bool {
        self.placed += 1;
        if let Some(known) = self.orders.get_mut(&order.id) {
            known.arrivals += 1;
            return false;
        }
        let (trades, filled, is_rejected, rests, arrivals) = (Vec::new(), 0, false, false, 1);
        let held = Held { order: *order, arrival, trades, filled, is_rejected, rests, arrivals, visible_ns };
        self.orders.insert(order.id, held);
        true
    }

    /// Orders that rest.
    pub fn resting(&self) -> impl Iterator<Item = &Held> {
        self.orders.values().filter(|held| held.rests)
    }

    /// Books a trade of the account; it comes back with its number and fee.
    pub fn trade(&mut self, of: &Of<'_>, side: Side, (px, qty): (i64, i64), at_ns: Nanos) -> Trade {
        self.next += 1;
        let value = Amount::notional(Px(px), Qty(qty), of.instrument.scale).unwrap_or_default();
        let base = amount(qty, of.instrument.scale);
        let fee_in = if of.fee_in_base && side == Side::Buy { FeeAsset::Base } else { FeeAsset::Quote };
        let fee = fee_of(if fee_in == FeeAsset::Base { base } else { value }, of.fee_ppb());
        let paid = Amount::from_mantissa(fee.into(), FEE_DP).unwrap_or_default();
        let (mut base_moves, mut quote_moves) = if side == Side::Buy { (base.0, -value.0) } else { (-base.0, value.0) };
        match fee_in {
            FeeAsset::Base => base_moves -= paid.0,
            _ => quote_moves -= paid.0,
        }
        self.shift(of.base, base_moves);
        self.shift(of.quote, quote_moves);
        Trade { number: self.next, px: Px(px), qty: Qty(qty), fee, fee_in, is_maker: of.is_maker, at_ns }
    }

    /// Undoes a trade that failed to settle, with its fee.
    pub fn take_back(&mut self, of: &Of<'_>, side: Side, trade: &Trade) {
        let value = Amount::notional(trade.px, trade.qty, of.instrument.scale).unwrap_or_default().0;
        let base = amount(trade.qty.0, of.instrument.scale).0;
        let sign = if side == Side::Buy { 1 } else { -1 };
        let paid = Amount::from_mantissa(trade.fee.into(), FEE_DP).unwrap_or_default().0;
        self.shift(of.base, -sign * base);
        self.shift(of.quote, sign * value);
        self.shift(if trade.fee_in == FeeAsset::Base { of.base } else { of.quote }, paid);
    }

    /// Funds come or go.
    pub fn transfer(&mut self, asset: &str, by: Amount) {
        self.shift(asset, by.0);
        self.transfers.entry(asset.to_owned()).or_default().0 += by.0;
    }

    /// What is there of an asset.
    pub fn balance(&self, asset: &str) -> Amount {
        self.balances.get(asset).copied().unwrap_or_default()
    }

    fn shift(&mut self, asset: &str, by: i128) {
        if let Some(balance) = self.balances.get_mut(asset) {
            balance.0 += by;
        }
    }
}

/// What a trade is of.
pub struct Of<'a> {
    /// The instrument.
    pub instrument: &'a Instrument,
    /// Its assets.
    pub base: &'a str,
    /// Its assets.
    pub quote: &'a str,
    /// The venue takes its fee of a buy in what is bought.
    pub fee_in_base: bool,
    /// Our order had rested.
    pub is_maker: bool,
}

impl Of<'_> {
    fn fee_ppb(&self) -> i64 {
        if self.is_maker { self.instrument.maker_fee_ppb } else { self.instrument.taker_fee_ppb }
    }
}

/// A quantity as an amount.
pub fn amount(qty: i64, scale: Scale) -> Amount {
    Amount::from_mantissa(qty.into(), scale.qty_dp).unwrap_or_default()
}

/// A share of an amount, rounded down to what a fee can say.
fn fee_of(amount: Amount, ppb: i64) -> i64 {
    let unit = 10i128.pow(20 - u32::from(FEE_DP));
    i64::try_from(amount.0 / 1_000_000_000 * i128::from(ppb) / unit).unwrap_or(i64::MAX)
}
