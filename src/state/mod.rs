//! What the service has and owes, folded from journal records: wallets, positions, open orders, trades in
//! flight, profit by day, latches, leases.
//!
//! There is one fold. The recorder runs it as it writes, a start runs it over what was written, and a
//! checkpoint is its state told in records again: so a checkpoint can never say anything else than the journal.
//! Fills go through the engine's own account arithmetic.

mod earnings;
mod fold;
mod holding;
mod memory;
mod restate;
mod shared;
mod spent;
#[cfg(test)]
mod tests;

pub use holding::{Holding, Wallet};
pub use memory::{Booked, Sight};
pub use shared::Shared;

use earnings::PairBook;
use highwire_engine::spec::{Funds, Inheritance};
use highwire_links::audit::SagaMoved;
use highwire_links::fill::Settlement;
use highwire_links::fixed::Amount;
use highwire_links::mode::Mode;
use highwire_links::order::Order;
use highwire_links::{InstrumentId, Nanos, Qty};
use highwire_store::journal::{Moved, Proof};
use highwire_store::lease::Leases;
use std::collections::{BTreeMap, VecDeque};

/// Format of a checkpoint's state.
pub const VERSION: u32 = 1;

/// An order whose end is not known.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct OpenOrder {
    /// As it was sent; its instrument's number is that of its time.
    pub order: Order,
    /// What it trades.
    pub holding: usize,
    /// How much of it is booked.
    pub filled: Qty,
    /// What is proved of it.
    pub proof: Proof,
    /// The record that it began with.
    pub since: u64,
}

/// The state after a journal record.
#[derive(Clone, Debug, Default)]
pub struct State {
    /// The last record folded in; 0 before the first.
    pub sequence: u64,
    /// Its time.
    pub at_ns: Nanos,
    /// What every instrument has traded.
    pub holdings: Vec<Holding>,
    /// What every wallet holds.
    pub wallets: Vec<Wallet>,
    /// Orders whose end is not known, by id.
    pub orders: BTreeMap<u64, OpenOrder>,
    /// Trades in flight, by group.
    pub sagas: BTreeMap<u64, SagaMoved>,
    /// What holds a mode until an operator takes it back.
    pub latches: Vec<Moved>,
    /// The mode of the service, or of a venue, as last given.
    pub modes: BTreeMap<String, Mode>,
    /// Limits in force, by their keys.
    pub limits: BTreeMap<String, String>,
    /// Client order ids that may have been used.
    pub leases: Leases,
    /// Records that could not be folded in, in words: the state is not to be traced back to the journal.
    pub faults: Vec<String>,
    /// Trades that were booked lately, the oldest first.
    pub booked: VecDeque<Booked>,
    /// How far each venue was looked at.
    pub sights: BTreeMap<String, Sight>,
    /// When an order was last decided on or reported about.
    acted_ns: Nanos,
    books: Vec<PairBook>,
    /// Holdings by instrument number.
    numbers: Vec<Option<usize>>,
}

impl State {
    /// The mode that the latches allow at most.
    pub fn latched(&self) -> Mode {
        self.latches.iter().map(|latch| latch.to).max().unwrap_or(Mode::Full)
    }

    /// The holding of an instrument by its venue and symbol.
    pub fn find(&self, venue: &str, symbol: &str) -> Option<usize> {
        self.holdings.iter().position(|holding| holding.is(venue, symbol))
    }

    /// The holding that an instrument number means now.
    pub fn numbered(&self, instrument: InstrumentId) -> Option<usize> {
        self.numbers.get(instrument.index()).copied().flatten()
    }

    /// The number that means a holding now.
    pub fn number_of(&self, holding: usize) -> Option<InstrumentId> {
        let at = self.numbers.iter().position(|number| *number == Some(holding))?;
        u16::try_from(at).ok().map(InstrumentId)
    }

    /// What a venue holds of an asset, if that is known.
    pub fn balance(&self, venue: &str, asset: &str) -> Option<Amount> {
        self.wallets.iter().find(|wallet| wallet.is(venue, asset))?.balance
    }

    /// Realised profit on the day of `now` (UTC), all pairs together.
    pub fn profit_today(&self, now: Nanos) -> Amount {
        let day = earnings::day_of(now);
        let sums = self.books.iter().filter_map(|book| book.profit(day));
        sums.fold(Amount::ZERO, |sum, profit| sum.checked_add(profit).unwrap_or(sum))
    }

    /// What an engine with this instrument table begins with: funds, and what was traded before. `pairs` are
    /// the members of each pair.
    pub fn inheritance(&self, instruments: usize, pairs: &[Vec<InstrumentId>]) -> (Vec<Funds>, Inheritance) {
        let of = |id: usize| self.numbers.get(id).copied().flatten().and_then(|at| self.holdings.get(at));
        let funds = |id| of(id).map_or(Funds::Margin { quote: Amount::ZERO }, |holding| self.funds(holding));
        let standings = (0..instruments).map(|id| of(id).map(|holding| holding.standing).unwrap_or_default()).collect();
        let drift = |members: &Vec<InstrumentId>| {
            let bases = members.iter().filter_map(|id| of(id.index())).map(|holding| holding.base);
            bases.fold(0i64, i64::saturating_add)
        };
        let result = (self.profit_today(self.at_ns), self.at_ns);
        let settling = self.booked.iter().filter(|old| old.settlement != Settlement::Final && old.trade != 0);
        let trades =
            settling.filter_map(|old| Some((self.number_of(old.holding)?, old.trade, old.settlement))).collect();
        let inherited = Inheritance { standings, drifts: pairs.iter().map(drift).collect(), result, trades };
        ((0..instruments).map(funds).collect(), inherited)
    }

    /// The oldest record that an open order still needs.
    pub fn needed_from(&self) -> u64 {
        self.orders.values().map(|order| order.since).min().unwrap_or(u64::MAX)
    }

    fn funds(&self, holding: &Holding) -> Funds {
        let balance = |at: usize| self.wallets[at].balance.unwrap_or_default();
        if holding.is_spot {
            Funds::Spot { base: balance(holding.base_wallet), quote: balance(holding.quote_wallet) }
        } else {
            Funds::Margin { quote: balance(holding.quote_wallet) }
        }
    }
}
