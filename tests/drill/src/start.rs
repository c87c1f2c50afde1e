//! A start: what lies on the disk is read and gone on from by the production code, then the venues are asked what
//! became of the orders that nobody saw end, and what they hold. Nothing is traded before they have answered.

use crate::canary::{Canary, LyingDisk};
use crate::desk::fill;
use crate::ground::{Ground, PAIRS, QUOTE};
use crate::ledger::Held;
use crate::venue::Venue;
use crate::verb::Verb;
use highwire::boot::{self, Boot, BootError};
use highwire::service::Orders;
use highwire_engine::spec::Funds;
use highwire_links::Side;
use highwire_links::fill::Report;
use highwire_links::lease::ID_BITS;
use highwire_links::order::Order;
use highwire_links::{Nanos, Qty};
use highwire_store::disk::{Disk, MemoryDisk};
use highwire_store::journal::{Entry, Resolved, Stamped, recover};
use std::collections::{BTreeMap, BTreeSet};

/// Orders that came so long before the last record that lasts may be on no record.
const MARGIN_NS: Nanos = 2_000_000_000;

/// A start under way.
pub struct Starting {
    boot: Boot,
    began_ns: Nanos,
    /// Orders and trades on record, as far back as the journal goes.
    known: BTreeMap<u64, BTreeSet<u64>>,
    lasted_ns: Nanos,
    lag_ns: Nanos,
    canary: Option<Canary>,
}

/// What an order's venue says of it.
enum Found {
    /// It is too early to tell.
    Wait,
    /// It knows no such order.
    Never,
    /// This became of it.
    Ended(Box<Held>),
}

impl Starting {
    /// Reads the disk and goes on there.
    ///
    /// # Errors
    /// What the production start says.
    pub fn begin(ground: &Ground, disk: &MemoryDisk, canary: Option<Canary>, now: Nanos) -> Result<Self, BootError> {
        let name = "the drill's disk".to_owned();
        let found = boot::read(disk, &name, true)?;
        let (known, lasted_ns) = on_record(disk)?;
        let epoch = found.state.leases.next_epoch().ok_or_else(|| BootError::NoEpoch(name.clone()))?;
        let tables = (&ground.universe, &ground.config, Orders::Live);
        let boot = boot::begin_on(written(disk, canary), (found, epoch, name), tables, now)?;
        let lag_ns = highwire_venues::venue::Venue::BinanceSpot.profile().visibility_lag_ns;
        Ok(Self { boot, began_ns: now, known, lasted_ns, lag_ns, canary })
    }

    /// Asks the venues; true once every doubt is resolved and on record.
    ///
    /// # Errors
    /// The disk takes no records.
    pub fn ask(&mut self, ground: &Ground, venues: &[Venue], now: Nanos) -> Result<bool, BootError> {
        let is_shut = |venue: &Venue| venue.is(Verb::HttpFail, now) || venue.is(Verb::HttpLimit, now);
        if now < self.began_ns + self.lag_ns || venues.iter().any(is_shut) {
            return Ok(false);
        }
        if self.canary != Some(Canary::NoRecovery) {
            self.adopt_lost(venues, now);
            if !self.resolve(venues, now) {
                return Ok(false);
            }
        }
        let funds: Vec<Funds> =
            venues.iter().flat_map(|venue| (0..PAIRS.len()).map(|pair| funds(venue, pair))).collect();
        self.boot.take_balances(&ground.universe, &funds, now)?;
        Ok(true)
    }

    /// The start is over.
    pub fn end(self) -> Boot {
        self.boot
    }

    /// Orders that were sent, and whose records were lost with the power.
    fn adopt_lost(&mut self, venues: &[Venue], now: Nanos) {
        let from_ns = self.lasted_ns.saturating_sub(MARGIN_NS);
        let epoch = u64::from(self.boot.epoch);
        let orders = venues.iter().flat_map(|venue| venue.ledger.orders.values());
        let lost = orders.filter(|held| held.arrival.at_ns >= from_ns && held.order.id >> ID_BITS < epoch);
        let lost: Vec<Order> =
            lost.map(|held| held.order).filter(|order| !self.known.contains_key(&order.id)).collect();
        for order in lost {
            self.known.insert(order.id, BTreeSet::new());
            self.add(Entry::Intent(order), now);
        }
    }

    /// What became of every order that is open on record.
    fn resolve(&mut self, venues: &[Venue], now: Nanos) -> bool {
        let open: Vec<(u64, Order, Qty)> =
            self.boot.state.orders.iter().map(|(&id, open)| (id, open.order, open.filled)).collect();
        let mut is_done = true;
        for (id, order, booked) in open {
            let venue = &venues[order.instrument.index() / PAIRS.len()];
            match find(venue, id, order.decided_ns.saturating_add(self.lag_ns), now) {
                Found::Wait => is_done = false,
                Found::Never => {
                    let label = "its venue knows no such order".to_owned();
                    self.add(Entry::Resolved(Resolved { id, label }), now);
                }
                Found::Ended(held) => self.book(&order, &held, booked, now),
            }
        }
        is_done
    }

    /// Books the trades that are not on record, and the order's end.
    fn book(&mut self, order: &Order, held: &Held, booked: Qty, now: Nanos) {
        let id = order.id;
        let mut filled = 0;
        for trade in &held.trades {
            filled += trade.qty.0;
            let is_known = self.known.get(&id).is_some_and(|trades| trades.contains(&trade.number));
            if is_known || booked.0 == held.filled {
                continue;
            }
            let sold = if order.side == Side::Sell { Report::SOLD } else { 0 };
            self.known.entry(id).or_default().insert(trade.number);
            self.add(Entry::Report(Report { flags: sold, ..fill(order, trade, filled) }), now);
        }
        self.add(Entry::Resolved(Resolved { id, label: "its venue told its end".to_owned() }), now);
    }

    fn add(&mut self, entry: Entry, now: Nanos) {
        if let Ok(sequence) = self.boot.journal.append(now, &entry) {
            self.boot.state.take(&Stamped { sequence, at_ns: now, entry });
        }
    }
}

fn written(disk: &MemoryDisk, canary: Option<Canary>) -> Box<dyn Disk> {
    if canary == Some(Canary::LyingSync) { Box::new(LyingDisk(disk.clone())) } else { Box::new(disk.clone()) }
}

fn find(venue: &Venue, id: u64, sure_ns: Nanos, now: Nanos) -> Found {
    match venue.find(id, now) {
        Some(held) => Found::Ended(Box::new(held.clone())),
        None if now < sure_ns || venue.is(Verb::QueryLag, now) => Found::Wait,
        None => Found::Never,
    }
}

/// What a venue says is there to trade a pair with.
pub fn funds(venue: &Venue, pair: usize) -> Funds {
    Funds::Spot { base: venue.ledger.balance(PAIRS[pair].0), quote: venue.ledger.balance(QUOTE) }
}

/// Orders and their trades on record, and the time of the last record of a thread: a start's own say nothing of it.
fn on_record(disk: &MemoryDisk) -> Result<(BTreeMap<u64, BTreeSet<u64>>, Nanos), BootError> {
    let (mut known, mut lasted_ns): (BTreeMap<u64, BTreeSet<u64>>, Nanos) = (BTreeMap::new(), 0);
    recover(disk, |record| {
        if matches!(record.entry, Entry::Intent(_) | Entry::Report(_) | Entry::Saga(_)) {
            lasted_ns = record.at_ns;
        }
        match record.entry {
            Entry::Intent(order) => _ = known.entry(order.id).or_default(),
            Entry::Standing(standing) => _ = known.entry(standing.order.id).or_default(),
            Entry::Report(report) if report.trade != 0 => _ = known.entry(report.id).or_default().insert(report.trade),
            _ => {}
        }
    })?;
    Ok((known, lasted_ns))
}
