//! The judge: it reads the venues' ledgers and the journal, nothing else, and keeps its own sums. What it finds wrong
//! names the invariant of the fault catalogue (I1–I7).

use crate::clock::{MS, S};
use crate::ground::{PAIRS, QUOTE, VENUES};
use crate::ledger::{Foreign, Held, Trade};
use crate::venue::Venue;
use highwire_links::fill::{FeeAsset, Report, ReportKind, Settlement};
use highwire_links::fixed::{Amount, Scale};
use highwire_links::lease::ID_BITS;
use highwire_links::mode::{Mode, OrderClass};
use highwire_links::order::Order;
use highwire_links::{InstrumentId, Nanos, Side};
use highwire_store::disk::Disk;
use highwire_store::journal::{Entry, Lease, Moved, Reconciled, Stamped, recover_after};
use std::collections::{BTreeMap, BTreeSet};

/// Between what a venue sends and what an order was decided on: latency, a step of the world, the limit's own rounding.
const SLACK_NS: Nanos = 600 * MS;
/// Violations that are kept.
const KEPT: usize = 16;
/// Settled orders are forgotten so long after their arrival.
const FORGET_NS: Nanos = 60 * S;

/// An order as the journal has it.
#[derive(Clone, Debug)]
struct Seen {
    order: Order,
    trades: BTreeMap<u64, Report>,
    /// Booked by the venue's count, without a trade.
    counted: Vec<Report>,
    is_ended: bool,
}

/// A mode since when, by scope.
#[derive(Clone, Copy, Debug)]
struct Since {
    mode: Mode,
    at_ns: Nanos,
}

/// What an asset of a venue is worth on record, and what no record can say.
#[derive(Clone, Copy, Debug, Default)]
struct Sums {
    journal: Option<i128>,
    /// Moves that no line told, and estimates, since the beginning.
    unsaid: i128,
    /// Of these and of transfers, what a start has taken over.
    absorbed: i128,
    /// A start took it over since the last look.
    is_taken: bool,
}

/// The judge.
#[derive(Clone, Debug, Default)]
pub struct Judge {
    /// The last record read.
    pub sequence: u64,
    orders: BTreeMap<u64, Seen>,
    leases: Vec<Lease>,
    sums: BTreeMap<(usize, String), Sums>,
    foreign: BTreeSet<(u16, u64)>,
    /// Trades by hand that were on no record when all was quiet.
    untold: BTreeSet<(u16, u64)>,
    modes: BTreeMap<String, Since>,
    /// What is wrong.
    pub violations: Vec<String>,
    /// Orders compared with a ledger.
    pub orders_settled: u64,
    /// Trades compared with a ledger.
    pub trades_settled: u64,
    /// Of these, by orders that had rested.
    pub trades_rested: u64,
    /// Trades that no line told of: found by nobody, counted here.
    pub untold_foreign: u64,
    /// Orders booked by their venue's count.
    pub by_count: u64,
    /// Orders without a trade whose record went with the power.
    pub traceless: u64,
    /// The newest epoch whose outbox went with the power.
    powerless: u16,
    /// Records read.
    pub records: u64,
}

impl Judge {
    fn wrong(&mut self, what: String) {
        if self.violations.len() < KEPT {
            self.violations.push(what);
        }
    }

    /// How much of an asset moved that no line told, at all venues together.
    pub fn unsaid(&self, asset: &str) -> i128 {
        self.sums.iter().filter(|((_, of), _)| of == asset).map(|(_, sums)| sums.unsaid).sum()
    }

    /// Reads what was written since the last look. Only while everything written is synced, or right after a start.
    pub fn read(&mut self, disk: &dyn Disk) {
        let (from, mut records) = (self.sequence, Vec::new());
        let read = recover_after(disk, from, |record| {
            if record.sequence > from {
                records.push(record);
            }
        });
        if let Err(error) = read {
            return self.wrong(format!("the journal cannot be read: {error}"));
        }
        records.iter().for_each(|record| self.take(record));
    }

    fn take(&mut self, record: &Stamped) {
        if record.sequence != self.sequence + 1 {
            self.wrong(format!("record {} comes after {}", record.sequence, self.sequence));
        }
        (self.sequence, self.records) = (record.sequence, self.records + 1);
        match &record.entry {
            Entry::Lease(lease) => self.leases.push(*lease),
            Entry::Opening(said) => self.on_opening(&said.venue, &said.asset, said.amount),
            Entry::Intent(order) => self.on_intent(order),
            Entry::Report(report) => self.on_report(report),
            Entry::Resolved(resolved) => self.on_ended(resolved.id),
            Entry::Reconciled(reconciled) => self.on_reconciled(reconciled),
            Entry::Mode(moved) => self.on_mode(moved, record.at_ns),
            _ => {}
        }
    }

    /// A balance is stated: the first time it begins, later it must be what its trades have made of it.
    fn on_opening(&mut self, venue: &str, asset: &str, amount: Amount) {
        let Some(place) = VENUES.iter().position(|(known, _)| known.name() == venue) else { return };
        let sums = self.sums.entry((place, asset.to_owned())).or_default();
        let ours = *sums.journal.get_or_insert(amount.0);
        if ours != amount.0 {
            self.wrong(format!("I4: {venue} {asset} is stated as {amount}, its records make {}", Amount(ours)));
        }
    }

    fn on_intent(&mut self, order: &Order) {
        let low = order.id & ((1 << ID_BITS) - 1);
        let covers =
            |lease: &Lease| u64::from(lease.epoch) == order.id >> ID_BITS && (lease.from..lease.until).contains(&low);
        if !self.leases.iter().any(covers) {
            self.wrong(format!("I2: order {:x} lies in no lease on record", order.id));
        }
        let seen = Seen { order: *order, trades: BTreeMap::new(), counted: Vec::new(), is_ended: false };
        if self.orders.insert(order.id, seen).is_some() {
            self.wrong(format!("I2: order {:x} is on record twice", order.id));
        }
        // One that a start found at its venue was decided on by an earlier one.
        if order.group != 0 {
            self.judge_mode(order);
        }
    }

    /// I7: no order leaves that the mode in force forbids.
    fn judge_mode(&mut self, order: &Order) {
        let venue = VENUES[order.instrument.index() / PAIRS.len()].0.name();
        for scope in ["", venue] {
            let Some(&Since { mode, at_ns }) = self.modes.get(scope) else { continue };
            if !mode.permits(order.class) && order.decided_ns > at_ns + SLACK_NS {
                let text = format!("I7: {:?} order {:x} at {venue} in {mode:?} of '{scope}'", order.class, order.id);
                self.wrong(text);
            }
        }
    }

    fn on_mode(&mut self, moved: &Moved, at_ns: Nanos) {
        if !moved.is_latched && self.modes.get(&moved.venue).is_none_or(|since| since.mode != moved.to) {
            self.modes.insert(moved.venue.clone(), Since { mode: moved.to, at_ns });
        }
    }

    fn on_report(&mut self, report: &Report) {
        let (id, is_ended) = (report.id, report.flags & Report::ENDED != 0);
        match report.kind {
            ReportKind::Fill if report.qty.0 > 0 => self.on_fill(report),
            ReportKind::Settlement if report.settlement == Settlement::Failed => self.on_undone(report),
            ReportKind::Foreign => {
                let trade = (report.instrument.0, report.trade);
                if !self.foreign.insert(trade) {
                    self.wrong(format!("I3: foreign trade {} is booked twice", report.trade));
                }
                if self.untold.contains(&trade) {
                    self.wrong(format!("I3: foreign trade {} is on record after nobody was to tell it", report.trade));
                }
                self.book(report);
            }
            _ => {}
        }
        if is_ended {
            self.on_ended(id);
        }
    }

    fn on_fill(&mut self, report: &Report) {
        let Some(seen) = self.orders.get_mut(&report.id) else {
            return self.wrong(format!("I3: a fill of order {:x}, which is not on record", report.id));
        };
        if report.trade == 0 {
            seen.counted.push(*report);
        } else if seen.trades.insert(report.trade, *report).is_some() {
            return self.wrong(format!("I3: trade {} of order {:x} is booked twice", report.trade, report.id));
        }
        self.book(report);
    }

    /// A trade failed to settle: what it had moved, fee included, moves back.
    fn on_undone(&mut self, report: &Report) {
        if self.orders.get_mut(&report.id).is_some_and(|seen| seen.trades.remove(&report.trade).is_none()) {
            self.wrong(format!("I3: trade {} of order {:x} is undone and was not booked", report.trade, report.id));
        }
        self.shift(report, -1);
    }

    fn book(&mut self, report: &Report) {
        self.shift(report, 1);
    }

    fn shift(&mut self, report: &Report, sign: i128) {
        for (asset, by) in moves(report) {
            let place = report.instrument.index() / PAIRS.len();
            let sums = self.sums.entry((place, asset.to_owned())).or_default();
            sums.journal = sums.journal.map(|sum| sum + sign * by);
        }
    }

    fn on_ended(&mut self, id: u64) {
        if let Some(seen) = self.orders.get_mut(&id) {
            seen.is_ended = true;
        }
    }

    fn on_reconciled(&mut self, at: &Reconciled) {
        let Some(place) = VENUES.iter().position(|(known, _)| known.name() == at.venue) else { return };
        let sums = self.sums.entry((place, at.asset.clone())).or_default();
        (sums.journal, sums.is_taken) = (Some(at.theirs.0), true);
    }

    /// Compares journal and ledgers. With `is_quiet` nothing is under way, and everything must agree; else (right
    /// after a start) only what has ended, and the balances.
    pub fn settle(&mut self, venues: &mut [Venue], is_quiet: bool, now: Nanos) {
        for venue in venues.iter() {
            for held in venue.ledger.orders.values() {
                self.settle_order(venue, held, is_quiet, now);
            }
        }
        self.settle_journal(venues, is_quiet, now);
        self.settle_foreign(venues);
        self.settle_balances(venues);
        self.forget(venues, now);
    }

    fn settle_order(&mut self, venue: &Venue, held: &Held, is_quiet: bool, now: Nanos) {
        let (id, name) = (held.order.id, VENUES[venue.place].0.name());
        if held.arrivals > 1 {
            self.wrong(format!("I2: order {id:x} arrived {} times at {name}", held.arrivals));
        }
        if held.rests && is_quiet {
            self.wrong(format!("I3: order {id:x} rests at {name}, and nothing is under way"));
        }
        let Some(seen) = self.orders.get(&id) else {
            if is_quiet && !self.is_traceless(held) {
                self.wrong(format!("I2: order {id:x} at {name} is not on record at {now}"));
            }
            return;
        };
        if !seen.is_ended {
            if is_quiet {
                self.wrong(format!("I3: order {id:x} at {name} has not ended on record"));
            }
            return;
        }
        let seen = seen.clone();
        if seen.counted.is_empty() {
            self.settle_trades(held, &seen, name);
        } else {
            self.settle_count(venue, held, &seen, name);
        }
        if seen.order.class == OrderClass::Open && seen.order.group != 0 {
            self.judge_opening(held, &seen, name);
        }
    }

    /// An order of an earlier start that traded nothing, whose record went with the power: it left nothing anywhere, and no
    /// later start can use its id.
    fn is_traceless(&self, held: &Held) -> bool {
        let epoch = held.order.id >> ID_BITS;
        held.filled == 0 && epoch < self.epoch().into() && epoch <= self.powerless.into()
    }

    /// The power was lost: what left in its last moment may be on record nowhere.
    pub fn excuse(&mut self) {
        self.powerless = self.epoch();
    }

    fn epoch(&self) -> u16 {
        self.leases.iter().map(|lease| lease.epoch).max().unwrap_or(0)
    }

    /// I3: trade by trade.
    fn settle_trades(&mut self, held: &Held, seen: &Seen, name: &str) {
        let is_same = |trade: &Trade| {
            seen.trades.get(&trade.number).is_some_and(|report| {
                (report.px, report.qty, report.fee, report.fee_in) == (trade.px, trade.qty, trade.fee, trade.fee_in)
            })
        };
        if held.trades.len() != seen.trades.len() || !held.trades.iter().all(is_same) {
            let ours: Vec<_> = seen.trades.values().map(|report| (report.trade, report.qty.0)).collect();
            let theirs: Vec<_> = held.trades.iter().map(|trade| (trade.number, trade.qty.0)).collect();
            self.wrong(format!("I3: order {:x} at {name}: {ours:?} on record, {theirs:?} there", held.order.id));
        }
    }

    /// What was booked by count has the venue's quantity, and an estimate of the rest.
    fn settle_count(&mut self, venue: &Venue, held: &Held, seen: &Seen, name: &str) {
        let told: i64 = seen.trades.values().chain(&seen.counted).map(|report| report.qty.0).sum();
        if told != held.filled {
            self.wrong(format!("I3: order {:x} at {name}: {told} booked, {} traded", held.order.id, held.filled));
        }
        if self.orders.get(&held.order.id).is_some_and(|seen| seen.counted.first().is_some_and(|r| r.filled.0 < 0)) {
            return;
        }
        self.by_count += 1;
        let booked = seen.trades.values().chain(&seen.counted).flat_map(moves).map(|(asset, by)| (asset, -by));
        let real: Vec<Report> = held.trades.iter().map(|trade| told_of(&held.order, trade)).collect();
        let differences: Vec<_> = booked.chain(real.iter().flat_map(moves)).collect();
        for (asset, by) in differences {
            self.sums.entry((venue.place, asset.to_owned())).or_default().unsaid += by;
        }
        // Marked: it is not counted again at the next look.
        if let Some(seen) = self.orders.get_mut(&held.order.id) {
            seen.counted.iter_mut().for_each(|report| report.filled.0 = -1);
        }
    }

    /// I1: the book was fresh, the instrument trading, the price on its grid.
    fn judge_opening(&mut self, held: &Held, seen: &Seen, name: &str) {
        let stale_ns = VENUES[seen.order.instrument.index() / PAIRS.len()].0.profile().stale_ns;
        let (arrival, decided_ns) = (held.arrival, seen.order.decided_ns);
        if decided_ns.saturating_sub(arrival.fresh_ns) > stale_ns + SLACK_NS {
            let age_ms = decided_ns.saturating_sub(arrival.fresh_ns) / MS;
            let (lost, lost_ms) = (arrival.lost.0, decided_ns.saturating_sub(arrival.lost.1) / MS);
            let text = format!("a book that was {age_ms} ms old; a change was {lost} {lost_ms} ms before");
            self.wrong(format!("I1: order {:x} at {name} on {text}", held.order.id));
        }
        if arrival.paused_ns.is_some_and(|since_ns| decided_ns > since_ns + S) {
            self.wrong(format!("I1: order {:x} at {name} while it was not trading", held.order.id));
        }
        if !arrival.on_grid {
            self.wrong(format!("I1: order {:x} at {name} off the price grid", held.order.id));
        }
    }

    /// Nothing on record that no venue knows; and when it is quiet, nothing open.
    fn settle_journal(&mut self, venues: &[Venue], is_quiet: bool, now: Nanos) {
        let mut wrong = Vec::new();
        for (id, seen) in &self.orders {
            let venue = &venues[seen.order.instrument.index() / PAIRS.len()];
            let is_there = venue.ledger.orders.contains_key(id);
            let has_fills = !seen.trades.is_empty() || !seen.counted.is_empty();
            if has_fills && !is_there {
                wrong.push(format!("I3: order {id:x} has fills on record and is at no venue"));
            }
            if is_quiet && !seen.is_ended {
                wrong.push(format!("I3: order {id:x} of {} has not ended at {now}", seen.order.decided_ns));
            }
        }
        wrong.into_iter().for_each(|what| self.wrong(what));
    }

    /// Trades by hand that no line told are nobody's fault, and count as unsaid.
    fn settle_foreign(&mut self, venues: &mut [Venue]) {
        for venue in venues {
            for Foreign { instrument, side, trade } in std::mem::take(&mut venue.ledger.foreign) {
                if self.foreign.remove(&(instrument.0, trade.number)) {
                    continue;
                }
                self.untold_foreign += 1;
                self.untold.insert((instrument.0, trade.number));
                let order = Order { instrument, side, ..crate::desk::NOBODY };
                for (asset, by) in moves(&told_of(&order, &trade)) {
                    self.sums.entry((venue.place, asset.to_owned())).or_default().unsaid += by;
                }
            }
        }
    }

    /// I4: balances.
    fn settle_balances(&mut self, venues: &[Venue]) {
        let mut wrong = Vec::new();
        for ((place, asset), sums) in &mut self.sums {
            let ledger = &venues[*place].ledger;
            let Some(journal) = sums.journal else { continue };
            let unsaid = sums.unsaid + ledger.transfers.get(asset).map_or(0, |amount| amount.0);
            if std::mem::take(&mut sums.is_taken) {
                sums.absorbed = unsaid;
            }
            let open = self.orders.values().any(|seen| !seen.is_ended);
            let (ours, theirs) = (journal + unsaid - sums.absorbed, ledger.balance(asset).0);
            if ours != theirs && !open {
                let name = VENUES[*place].0.name();
                wrong.push(format!("I4: {name} {asset}: {} on record, {} there", Amount(ours), Amount(theirs)));
            }
        }
        wrong.into_iter().for_each(|what| self.wrong(what));
    }

    /// What agrees and is old is forgotten here and there: years fit in memory.
    fn forget(&mut self, venues: &mut [Venue], now: Nanos) {
        let (newest, mut lost) = (self.epoch(), Vec::new());
        let (orders, powerless) = (&mut self.orders, self.powerless);
        for venue in venues {
            venue.ledger.orders.retain(|id, held| {
                let is_old = held.arrival.at_ns + FORGET_NS < now && held.order.id >> ID_BITS < newest.into();
                if is_old && held.filled == 0 && !orders.contains_key(id) {
                    if held.order.id >> ID_BITS > powerless.into() {
                        lost.push(format!("I2: order {id:x} was never on record"));
                    }
                    self.traceless += 1;
                    return false;
                }
                let is_over = orders.get(id).is_some_and(|seen| seen.is_ended) && held.arrival.at_ns + FORGET_NS < now;
                if is_over {
                    self.orders_settled += 1;
                    self.trades_settled += held.trades.len() as u64;
                    self.trades_rested += held.trades.iter().filter(|trade| trade.is_maker).count() as u64;
                    orders.remove(id);
                }
                !is_over
            });
        }
        // A ledger forgets first: an order arrives after it was decided on.
        orders.retain(|_, seen| !seen.is_ended || seen.order.decided_ns + FORGET_NS + 30 * S >= now);
        self.leases.retain(|lease| lease.epoch + 8 > newest);
        lost.into_iter().for_each(|what| self.wrong(what));
    }
}

fn told_of(order: &Order, trade: &Trade) -> Report {
    let sold = if order.side == Side::Sell { Report::SOLD } else { 0 };
    Report { flags: sold, ..crate::desk::fill(order, trade, 0) }
}

/// What a fill on record moves: by asset, exactly.
fn moves(report: &Report) -> Vec<(&'static str, i128)> {
    let scale = Scale { px_dp: 2, qty_dp: 5 };
    let base = PAIRS[report.instrument.index() % PAIRS.len()].0;
    let sign = if report.flags & Report::SOLD == 0 { 1 } else { -1 };
    let quantity = crate::ledger::amount(report.qty.0, scale).0;
    let value = Amount::notional(report.px, report.qty, scale).unwrap_or_default().0;
    let fee = Amount::from_mantissa(report.fee.into(), report.fee_dp).unwrap_or_default().0;
    let fee_asset = if report.fee_in == FeeAsset::Base { base } else { QUOTE };
    vec![(base, sign * quantity), (QUOTE, -sign * value), (fee_asset, -fee)]
}

/// An instrument's place among the venues.
pub fn place_of(instrument: InstrumentId) -> usize {
    instrument.index() / PAIRS.len()
}
