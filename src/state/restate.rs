//! The state told in journal entries: folded into nothing they give the same state. Checkpoints are made of
//! them, and they are written into the journal before records that they replace are removed.

use super::{State, VERSION};
use highwire_links::fixed::Amount;
use highwire_links::limits::POW10_WIDE;
use highwire_links::{InstrumentId, limits::AMOUNT_DP};
use highwire_store::checkpoint::Checkpoint;
use highwire_store::journal::{Entry, Held, Listed, Moved, Standing, Statement, pack, unpack};
use std::collections::HashMap;

impl State {
    /// The state of a checkpoint; `None` when it is of another version or makes no sense.
    pub fn of(checkpoint: &Checkpoint) -> Option<Self> {
        if checkpoint.version != VERSION {
            return None;
        }
        let mut state = Self { sequence: checkpoint.sequence, at_ns: checkpoint.at_ns, ..Self::default() };
        unpack(&checkpoint.state)?.iter().for_each(|entry| state.take_entry(entry));
        Some(state)
    }

    /// The checkpoint of this state.
    pub fn checkpoint(&self) -> Checkpoint {
        Checkpoint { sequence: self.sequence, at_ns: self.at_ns, version: VERSION, state: pack(&self.restate()) }
    }

    /// Everything, in an order in which nothing is named before it is known.
    pub fn restate(&self) -> Vec<Entry> {
        let mut entries: Vec<Entry> = self.leases.all().iter().copied().map(Entry::Lease).collect();
        entries
            .extend(self.limits.iter().map(|(name, value)| Entry::Limit { name: name.clone(), value: value.clone() }));
        let numbers = self.all_numbers();
        for (at, holding) in self.holdings.iter().enumerate() {
            entries.push(Entry::Listed(Listed { instrument: numbers[&at], ..holding.listed.clone() }));
        }
        entries.extend(self.openings());
        for (at, holding) in self.holdings.iter().enumerate() {
            let highwire_engine::position::Standing { position, entry, buying, selling } = holding.standing;
            let (instrument, base) = (numbers[&at], holding.base);
            entries.push(Entry::Held(Held { instrument, position, entry, buying, selling, base }));
        }
        entries.extend(self.books.iter().flat_map(|book| book.days.iter().cloned().map(Entry::Earned)));
        entries.extend(self.orders.values().map(|open| {
            let mut order = open.order;
            order.instrument = numbers[&open.holding];
            Entry::Standing(Standing { order, filled: open.filled, proof: open.proof })
        }));
        entries.extend(self.memory(&numbers));
        entries.extend(self.sagas.values().copied().map(Entry::Saga));
        entries.extend(self.modes.iter().map(|(venue, &to)| {
            let why = "restated".to_owned();
            Entry::Mode(Moved { venue: venue.clone(), from: to, to, why, is_latched: false })
        }));
        entries.extend(self.latches.iter().cloned().map(Entry::Mode));
        entries
    }

    fn openings(&self) -> impl Iterator<Item = Entry> + '_ {
        self.wallets.iter().filter_map(|wallet| {
            let (venue, asset) = (wallet.venue.clone(), wallet.asset.clone());
            Some(Entry::Opening(Statement { venue, asset, amount: wallet.balance? }))
        })
    }

    /// A number for every holding: its present one, or one above all of these.
    fn all_numbers(&self) -> HashMap<usize, InstrumentId> {
        let present = (0u16..).zip(&self.numbers).filter_map(|(number, at)| Some(((*at)?, InstrumentId(number))));
        let mut numbers: HashMap<usize, InstrumentId> = present.collect();
        let mut next = u16::try_from(self.numbers.len()).unwrap_or(u16::MAX);
        for at in 0..self.holdings.len() {
            numbers.entry(at).or_insert_with(|| {
                next = next.saturating_add(1);
                InstrumentId(next - 1)
            });
        }
        numbers
    }

    /// Brings a holding's position to `amount`; `None` when its decimals do not hold that.
    pub(super) fn adjust(&mut self, holding: usize, amount: Amount) -> Option<()> {
        let holding = &mut self.holdings[holding];
        let unit = POW10_WIDE[usize::from(AMOUNT_DP.checked_sub(holding.listed.scale.qty_dp)?)];
        let exact = amount.0 % unit == 0;
        holding.standing.position = i64::try_from(amount.0 / unit).ok().filter(|_| exact)?;
        Some(())
    }
}
