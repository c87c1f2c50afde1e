//! The fold: one record into the state.

use super::earnings::PairBook;
use super::holding::{Holding, Wallet};
use super::{OpenOrder, State};
use highwire_engine::execute::base_fee;
use highwire_engine::position::{Account, Trade};
use highwire_engine::spec::Funds;
use highwire_links::audit::{SagaMoved, SagaStage};
use highwire_links::fill::{Report, ReportKind, Settlement};
use highwire_links::fixed::Qty;
use highwire_links::ids::Side;
use highwire_links::lease::ID_BITS;
use highwire_links::mode::{Mode, OrderClass};
use highwire_links::order::Order;
use highwire_links::{InstrumentId, Nanos};
use highwire_quant::pnl::BASE_DP;
use highwire_store::journal::{Earned, Entry, Held, Lease, Listed, Moved, Proof, Reconciled, Stamped, Statement};

/// Bits of a group below the engine that made it.
const ENGINE_SHIFT: u32 = 32;
/// Of these, the mark of a trade that no opportunity began.
const RESCUE: u64 = 1 << 47;

impl State {
    /// Takes a record in. What cannot be taken in stands in `faults` from then on.
    pub fn take(&mut self, record: &Stamped) {
        self.sequence = record.sequence;
        self.at_ns = record.at_ns;
        if let Entry::Intent(Order { instrument, .. }) | Entry::Report(Report { instrument, .. }) = record.entry {
            self.acted_ns = record.at_ns;
            if let Some(at) = self.numbered(instrument) {
                self.holdings[at].moves += 1;
            }
        }
        self.take_entry(&record.entry);
    }

    /// Takes an entry in, as part of the present record.
    pub fn take_entry(&mut self, entry: &Entry) {
        match entry {
            Entry::Lease(lease) => self.on_lease(*lease),
            Entry::Listed(listed) => self.on_listed(listed),
            Entry::Opening(statement) => self.on_opening(statement),
            Entry::Held(held) => self.on_held(held),
            Entry::Standing(standing) => self.on_order(&standing.order, standing.filled, standing.proof),
            Entry::Earned(earned) => self.on_earned(earned),
            Entry::Intent(order) => self.on_order(order, Qty(0), Proof::Intent),
            Entry::CancelRequested(_) | Entry::AmendRequested(_) | Entry::Asked(_) | Entry::Signed(_) => {}
            Entry::Report(report) => self.on_report(report),
            Entry::Resolved(resolved) => _ = self.orders.remove(&resolved.id),
            Entry::Saga(moved) => self.on_saga(moved),
            Entry::Mode(moved) => self.on_mode(moved),
            Entry::Reconciled(reconciled) => self.on_reconciled(reconciled),
            Entry::Told(told) => self.on_told(told),
            Entry::Looked(looked) => self.on_looked(looked),
            Entry::Limit { name, value } => _ = self.limits.insert(name.clone(), value.clone()),
        }
    }

    fn fault(&mut self, what: String) {
        self.faults.push(format!("record {}: {what}", self.sequence));
    }

    fn on_lease(&mut self, lease: Lease) {
        if self.leases.next_epoch().is_some_and(|next| lease.epoch >= next) {
            self.look_again();
        }
        self.leases.on_lease(lease);
        self.leases.forget_before(lease.epoch);
        // Trades of an earlier start ended with their process: what they left is in the holdings.
        self.sagas.retain(|&group, _| group >> ID_BITS >= lease.epoch.into());
    }

    fn on_listed(&mut self, listed: &Listed) {
        let book = self.book_of(&listed.pair);
        let at = match self.find(&listed.venue, &listed.symbol) {
            Some(at) => {
                if self.holdings[at].relist(listed, book).is_err() {
                    self.fault(format!(
                        "{} has quantities that its new decimals do not hold",
                        self.holdings[at].name()
                    ));
                }
                at
            }
            None => {
                let quote = self.wallet(&listed.venue, &listed.quote);
                // A derivative delivers no base: it has no use for a wallet of it.
                let base = if listed.is_spot { self.wallet(&listed.venue, &listed.base) } else { quote };
                self.holdings.push(Holding::new(listed, (base, quote), book));
                self.holdings.len() - 1
            }
        };
        self.number(listed.instrument, at);
    }

    /// From here on this number means this holding, and no other does.
    fn number(&mut self, instrument: InstrumentId, at: usize) {
        self.numbers.iter_mut().filter(|number| **number == Some(at)).for_each(|number| *number = None);
        if self.numbers.len() <= instrument.index() {
            self.numbers.resize(instrument.index() + 1, None);
        }
        self.numbers[instrument.index()] = Some(at);
    }

    fn book_of(&mut self, pair: &str) -> usize {
        self.books.iter().position(|book| book.pair == pair).unwrap_or_else(|| {
            self.books.push(PairBook::new(pair));
            self.books.len() - 1
        })
    }

    fn wallet(&mut self, venue: &str, asset: &str) -> usize {
        self.wallets.iter().position(|wallet| wallet.is(venue, asset)).unwrap_or_else(|| {
            self.wallets.push(Wallet { venue: venue.to_owned(), asset: asset.to_owned(), balance: None });
            self.wallets.len() - 1
        })
    }

    fn on_opening(&mut self, statement: &Statement) {
        let at = self.wallet(&statement.venue, &statement.asset);
        self.wallets[at].balance = Some(statement.amount);
    }

    fn on_held(&mut self, held: &Held) {
        let Some(at) = self.numbered(held.instrument) else {
            return self.fault(format!("instrument {} was never listed", held.instrument.0));
        };
        let &Held { position, entry, buying, selling, base, .. } = held;
        self.holdings[at].standing = highwire_engine::position::Standing { position, entry, buying, selling };
        self.holdings[at].base = base;
    }

    fn on_earned(&mut self, earned: &Earned) {
        let book = self.book_of(&earned.pair);
        self.books[book].set(earned);
    }

    fn on_order(&mut self, order: &Order, filled: Qty, proof: Proof) {
        let Some(holding) = self.numbered(order.instrument) else {
            return self.fault(format!("an order for instrument {}, which was never listed", order.instrument.0));
        };
        let since = self.sequence;
        self.orders.insert(order.id, OpenOrder { order: *order, holding, filled, proof, since });
    }

    fn on_report(&mut self, report: &Report) {
        match report.kind {
            ReportKind::Fill | ReportKind::Foreign => self.on_fill(report),
            ReportKind::Settlement => self.on_settlement(report),
            _ => {}
        }
        if report.flags & Report::ENDED != 0 {
            self.orders.remove(&report.id);
        } else if let Some(order) = self.orders.get_mut(&report.id) {
            order.take(report);
        }
    }

    fn on_fill(&mut self, report: &Report) {
        if report.qty.0 <= 0 {
            return;
        }
        if self.book(report, &Trade::new(side_of(report), report)).is_none() {
            return self.fault(format!("fill {} cannot be booked", report.trade));
        }
        self.remember(report);
    }

    fn on_settlement(&mut self, report: &Report) {
        if report.settlement == Settlement::Pending {
            return;
        }
        let Some(at) = self.numbered(report.instrument) else { return };
        self.on_end_of(report);
        let side = side_of(report);
        self.holdings[at].standing.await_settlement(side, report.qty.0.saturating_neg());
        let back = Trade::new(side, report).reversed();
        if report.settlement == Settlement::Failed && self.book(report, &back).is_none() {
            self.fault(format!("fill {} cannot be taken back", report.trade));
        }
    }

    /// Books a trade with the engine's own arithmetic. `None` on overflow or for an instrument that was never
    /// listed, and then nothing is booked.
    fn book(&mut self, report: &Report, trade: &Trade) -> Option<()> {
        let at = self.numbered(report.instrument)?;
        let funds = self.funds(&self.holdings[at]);
        let holding = &mut self.holdings[at];
        let mut account = Account::resumed(funds, holding.standing);
        account.on_fill(&holding.instrument, trade)?;
        let base = holding.instrument.base_qty(trade.px, trade.qty, BASE_DP)?;
        let fee = if report.kind == ReportKind::Fill { base_fee(report, BASE_DP) } else { 0 };
        let base = if trade.side == Side::Buy { base } else { base.checked_neg()? };
        holding.base = holding.base.checked_add(base)?.checked_sub(fee)?;
        holding.standing = account.standing();
        let _uncounted = self.books[holding.book].add(&holding.instrument, trade, report.at_ns);
        match account.funds() {
            Funds::Spot { base, quote } => {
                self.wallets[holding.base_wallet].balance = Some(base);
                self.wallets[holding.quote_wallet].balance = Some(quote);
            }
            Funds::Margin { quote } => self.wallets[holding.quote_wallet].balance = Some(quote),
        }
        Some(())
    }

    /// Trades of an engine that a later one followed are not in flight any more.
    fn on_saga(&mut self, moved: &SagaMoved) {
        let engine = |group: u64| (group & !RESCUE) >> ENGINE_SHIFT;
        self.sagas.retain(|&group, _| engine(group) >= engine(moved.group));
        if !matches!(moved.to, SagaStage::Flat | SagaStage::Hedged | SagaStage::Escalated) {
            self.sagas.insert(moved.group, *moved);
            return;
        }
        self.sagas.remove(&moved.group);
        if moved.to == SagaStage::Escalated {
            let why = format!("trade {:x} was escalated ({:?})", moved.group, moved.why);
            self.latch(Moved { venue: String::new(), from: Mode::Full, to: Mode::HedgeOnly, why, is_latched: true });
        }
    }

    fn on_mode(&mut self, moved: &Moved) {
        if moved.is_latched {
            return self.latch(moved.clone());
        }
        if moved.to.permits(OrderClass::Open) {
            self.latches.retain(|latch| latch.venue != moved.venue);
        }
        self.modes.insert(moved.venue.clone(), moved.to);
    }

    /// One of a kind, at the strictest mode that it was given.
    fn latch(&mut self, latch: Moved) {
        match self.latches.iter_mut().find(|known| (&known.venue, &known.why) == (&latch.venue, &latch.why)) {
            Some(known) => known.to = known.to.max(latch.to),
            None => self.latches.push(latch),
        }
    }

    /// A labelled adjustment: of a wallet, by the difference, since trades may have been booked after it was seen; or of
    /// the position of an instrument that is named by its symbol.
    fn on_reconciled(&mut self, at: &Reconciled) {
        let Some(holding) = self.find(&at.venue, &at.asset) else {
            let wallet = self.wallet(&at.venue, &at.asset);
            let seen = self.wallets[wallet].balance.unwrap_or(at.ours);
            let moved = at.theirs.checked_sub(at.ours).and_then(|by| seen.checked_add(by));
            if moved.is_none() {
                self.fault(format!("{}: {} cannot be adopted", at.asset, at.theirs));
            }
            self.wallets[wallet].balance = moved.or(Some(seen));
            return;
        };
        if self.adjust(holding, at.theirs).is_none() {
            self.fault(format!("{}: {} does not fit its decimals", at.asset, at.theirs));
        }
    }
}

impl OpenOrder {
    /// A report that did not end it.
    fn take(&mut self, report: &Report) {
        match report.kind {
            // A trade of an order of an earlier start is foreign to the engine that books it.
            ReportKind::Fill | ReportKind::Foreign => {
                self.filled.0 = self.filled.0.saturating_add(report.qty.0);
                self.proof = Proof::Acked;
            }
            ReportKind::Ack | ReportKind::Open | ReportKind::Amended => self.proof = Proof::Acked,
            ReportKind::Sent if self.proof == Proof::Intent => self.proof = Proof::Sent,
            ReportKind::Unknown | ReportKind::CancelRejected => self.proof = Proof::Unknown,
            _ => {}
        }
    }

    /// When it was decided on.
    pub fn decided_ns(&self) -> Nanos {
        self.order.decided_ns
    }
}

fn side_of(report: &Report) -> Side {
    if report.flags & Report::SOLD == 0 { Side::Buy } else { Side::Sell }
}
