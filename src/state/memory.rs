//! What reconciliation must know of the past: trades that were booked lately, so that none is booked again when a
//! venue is asked for its trades, and how far each venue is known to agree, so that it is asked for all the others.

use super::State;
use highwire_links::fill::{Report, Settlement};
use highwire_links::fixed::Amount;
use highwire_links::{InstrumentId, Nanos};
use highwire_store::journal::{Entry, Looked, Told};
use std::collections::{BTreeMap, HashMap};

/// Trades that are remembered at most.
const KEPT_MAX: usize = 4096;
/// Trades are remembered for so long at venues that agree; at others until they do.
const KEPT_NS: Nanos = 600_000_000_000;
/// Whoever asks for trades asks for some more before: the venue's clock is not ours.
const MARGIN_NS: Nanos = 60_000_000_000;

/// A trade that was booked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Booked {
    /// What was traded.
    pub holding: usize,
    /// The order; 0 when it was not ours.
    pub id: u64,
    /// The venue's id of the trade; 0 where only its count was told.
    pub trade: u64,
    /// How much, in the instrument's unit.
    pub qty: Amount,
    /// When it was booked.
    pub at_ns: Nanos,
    /// How far it has settled, at venues that match first.
    pub settlement: Settlement,
}

/// How far a venue was looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sight {
    /// Whatever happened there before is booked, but for orders that are open.
    pub since_ns: Nanos,
    /// In this epoch it was found to agree.
    pub is_done: bool,
}

impl State {
    /// Since when a venue must be asked for its trades; `None` when it was never looked at and nothing is open there.
    /// Trades that wait to be settled are asked for again. Never earlier than what is remembered.
    pub fn unseen_since(&self, venue: &str) -> Option<Nanos> {
        let open = self.orders.values().filter(|open| self.holdings[open.holding].listed.venue == venue);
        let open = open.map(super::OpenOrder::decided_ns).min();
        let waiting = self.awaited_since(venue);
        let since = self.sights.get(venue).map(|sight| sight.since_ns).into_iter().chain(open).chain(waiting).min()?;
        let oldest = self.booked.front().map_or(0, |old| old.at_ns.saturating_add(MARGIN_NS));
        let forgotten = if self.booked.len() < KEPT_MAX { 0 } else { oldest };
        Some(since.max(forgotten))
    }

    /// When the oldest trade was booked that still waits to be settled there.
    pub fn awaited_since(&self, venue: &str) -> Option<Nanos> {
        self.waiting().filter(|old| self.holdings[old.holding].listed.venue == venue).map(|old| old.at_ns).min()
    }

    pub(super) fn remember(&mut self, report: &Report) {
        let Some(holding) = self.numbered(report.instrument) else { return };
        let qty = Amount::from_mantissa(report.qty.0.into(), self.holdings[holding].listed.scale.qty_dp);
        let (id, trade, qty) = (report.id, report.trade, qty.unwrap_or_default());
        let settlement = report.settlement;
        self.booked.push_back(Booked { holding, id, trade, qty, at_ns: self.at_ns, settlement });
        while self.booked.len() > KEPT_MAX || self.booked.front().is_some_and(|old| self.is_settled_past(old)) {
            self.booked.pop_front();
        }
    }

    /// Trades that wait to be settled, the oldest first.
    fn waiting(&self) -> impl Iterator<Item = &Booked> {
        self.booked.iter().filter(|old| old.settlement == Settlement::Pending)
    }

    /// A trade has settled or failed to.
    pub(super) fn on_end_of(&mut self, report: &Report) {
        let Some(holding) = self.numbered(report.instrument) else { return };
        let of = self.booked.iter_mut().filter(|old| (old.holding, old.trade) == (holding, report.trade));
        of.for_each(|old| old.settlement = report.settlement);
    }

    /// Nobody will ask for it any more: all that is asked for again is newer.
    fn is_settled_past(&self, old: &Booked) -> bool {
        let venue = &self.holdings[old.holding].listed.venue;
        let is_old = |at_ns: Nanos| old.at_ns.saturating_add(KEPT_NS) < at_ns;
        is_old(self.at_ns)
            && self.sights.get(venue).is_none_or(|sight| sight.is_done)
            && self.waiting().next().is_none_or(|waiting| is_old(waiting.at_ns))
    }

    /// A new start: what the last one did not put on record lies after its last record about an order.
    pub(super) fn look_again(&mut self) {
        for sight in self.sights.values_mut().filter(|sight| sight.is_done) {
            *sight = Sight { since_ns: sight.since_ns.max(self.acted_ns), is_done: false };
        }
    }

    pub(super) fn on_told(&mut self, told: &Told) {
        let &Told { instrument, id, trade, qty, at_ns, settlement } = told;
        let Some(holding) = self.numbered(instrument) else { return };
        let booked = Booked { holding, id, trade, qty, at_ns, settlement };
        if !self.booked.contains(&booked) {
            self.booked.push_back(booked);
        }
    }

    pub(super) fn on_looked(&mut self, looked: &Looked) {
        let &Looked { ref venue, since_ns, is_done } = looked;
        self.sights.insert(venue.clone(), Sight { since_ns, is_done });
    }

    /// All of it, told again.
    pub(super) fn memory(&self, numbers: &HashMap<usize, InstrumentId>) -> Vec<Entry> {
        let told = |old: &Booked| {
            let &Booked { holding, id, trade, qty, at_ns, settlement } = old;
            Entry::Told(Told { instrument: numbers[&holding], id, trade, qty, at_ns, settlement })
        };
        let looked = |(venue, sight): (&String, &Sight)| {
            // What a crash would make of it, since the time of the last record is not restated.
            let since_ns = if sight.is_done { sight.since_ns.max(self.acted_ns) } else { sight.since_ns };
            Entry::Looked(Looked { venue: venue.clone(), since_ns, is_done: sight.is_done })
        };
        self.booked.iter().map(told).chain(self.sights.iter().map(looked)).collect()
    }

    /// What was booked by a venue's count, without trade ids, by order.
    pub fn counted(&self) -> BTreeMap<u64, Amount> {
        let mut counted = BTreeMap::<u64, Amount>::new();
        for old in self.booked.iter().filter(|old| old.trade == 0) {
            let sum = counted.entry(old.id).or_default();
            *sum = Amount(sum.0.saturating_add(old.qty.0));
        }
        counted
    }
}
