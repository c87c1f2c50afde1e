//! A venue's order entry: requests in, trades against its book, answers and private news out, and what faults make
//! of them. An order is immediate or cancelled, or it may only rest: see `resting`.

use crate::clock::{MS, S};
use crate::dice::Dice;
use crate::ground::{Ground, ORDERS_PER_10S, PAIRS, QUOTE};
use crate::ledger::{Arrival, Foreign, Held, Of, Trade};
use crate::venue::{ORDERS, PRIVATE, Venue, Wait};
use crate::verb::Verb;
use crate::words;
use highwire_links::codec::LineNotice;
use highwire_links::fill::{OrderReject, Report, ReportKind, Settlement};
use highwire_links::fixed::Amount;
use highwire_links::instrument::Instrument;
use highwire_links::order::{Action, Order, TimeInForce};
use highwire_links::rate::Scope;
use highwire_links::{InstrumentId, Nanos, Px, Qty, Side};

/// A request that came within so long of a word to wait may have crossed it.
const CROSSED_NS: Nanos = 1_500 * MS;

impl Venue {
    /// Takes a request of the order line.
    pub(crate) fn on_request(&mut self, bytes: &[u8], now: Nanos, dice: &mut Dice) {
        let Some(order) = words::request(bytes) else { return };
        match order.action {
            Action::Place => self.place(&order, now, dice),
            Action::Cancel => self.cancel(&order, now, dice),
            Action::Query => self.answer_query(&order, now, dice),
            Action::Amend | Action::CancelAll => {}
        }
    }

    pub(crate) fn pair_of(instrument: InstrumentId) -> usize {
        instrument.index() % PAIRS.len()
    }

    fn place(&mut self, order: &Order, now: Nanos, dice: &mut Dice) {
        self.count(now);
        if self.spends(Verb::LostRequest) {
            return;
        }
        let answer_ns = now + self.latency_ns(now, dice);
        let pair = Self::pair_of(order.instrument);
        let arrival = self.arrival(order, pair, now);
        let is_doubtful = self.spends(Verb::Unknown);
        if is_doubtful && dice.one_in(2) {
            return self.say(ORDERS, &about(order, ReportKind::Unknown, now), answer_ns);
        }
        let lag_ns = if self.is(Verb::QueryLag, now) { 2 * S } else { 0 };
        let is_new = self.ledger.admit(order, arrival, now + lag_ns);
        if let Some(why) = self.refusal(order, pair, is_new, now) {
            if let Some(held) = self.ledger.orders.get_mut(&order.id).filter(|_| is_new) {
                held.is_rejected = true;
            }
            return self.refuse(order, why, (now, answer_ns));
        }
        if self.spends(Verb::RejectAfterAck) {
            self.say(ORDERS, &about(order, ReportKind::Ack, now), answer_ns);
            let end = Report { reject: OrderReject::Other, ..about(order, ReportKind::Rejected, now) };
            return self.say(PRIVATE, &end, answer_ns + 20 * MS);
        }
        if order.tif == TimeInForce::PostOnly {
            return self.take_in(order, pair, (now, answer_ns), is_doubtful);
        }
        let trades = self.execute(order, pair, now, dice);
        self.tell_of(order, &trades, (now, answer_ns), is_doubtful, dice);
    }

    fn arrival(&self, order: &Order, pair: usize, now: Nanos) -> Arrival {
        let (old, since_ns) = self.old_tick[pair];
        let tick = self.instruments[pair].tick;
        let is_fresh = now.saturating_sub(since_ns) < S;
        let on_grid = order.px.0 % tick == 0 || (is_fresh && order.px.0 % old == 0);
        let (fresh_ns, paused_ns, lost) = (self.fresh_ns[pair], self.paused_ns[pair], self.lost[pair]);
        Arrival { at_ns: now, fresh_ns, paused_ns, lost, on_grid }
    }

    /// Counts a request against what is documented.
    fn count(&mut self, now: Nanos) {
        while self.recent.front().is_some_and(|&at| at + 10 * S <= now) {
            self.recent.pop_front();
        }
        self.recent.push_back(now);
        let knew = self.wait.as_ref().is_some_and(|wait| now < wait.until_ns && wait.was_known(now - CROSSED_NS));
        self.over_limit += u64::from(self.recent.len() > ORDERS_PER_10S as usize || knew);
    }

    fn refusal(&mut self, order: &Order, pair: usize, is_new: bool, now: Nanos) -> Option<OrderReject> {
        if !is_new {
            return Some(OrderReject::DuplicateId);
        }
        if self.spends(Verb::RateLimit) {
            return Some(OrderReject::RateLimit);
        }
        if self.is_restarting {
            self.turned_away += 1;
            return Some(OrderReject::NotTrading);
        }
        if self.spends(Verb::Reject) {
            return Some(OrderReject::Other);
        }
        if self.paused_ns[pair].is_some_and(|since_ns| since_ns <= now) {
            return Some(OrderReject::NotTrading);
        }
        if order.px.0 % self.instruments[pair].tick != 0 || order.qty.0 % self.instruments[pair].lot != 0 {
            return Some(OrderReject::Filter);
        }
        (!self.is_covered(order, pair)).then_some(OrderReject::Balance)
    }

    fn is_covered(&self, order: &Order, pair: usize) -> bool {
        let scale = self.instruments[pair].scale;
        let value = Amount::notional(order.px, order.qty, scale).unwrap_or(Amount(i128::MAX));
        match order.side {
            Side::Buy => self.ledger.balance(QUOTE) >= value,
            Side::Sell => self.ledger.balance(PAIRS[pair].0) >= crate::ledger::amount(order.qty.0, scale),
        }
    }

    pub(crate) fn refuse(&mut self, order: &Order, why: OrderReject, (now, answer_ns): (Nanos, Nanos)) {
        if why == OrderReject::RateLimit {
            let wait_ns = 3 * S;
            self.wait = Some(Wait { until_ns: now + wait_ns, said: None, known_ns: None });
            words::wait(Scope::Orders, wait_ns.saturating_sub(answer_ns - now), &mut self.out);
            self.queue(ORDERS, answer_ns);
        }
        if !self.spends(Verb::LostAnswer) {
            self.say(ORDERS, &Report { reject: why, ..about(order, ReportKind::Rejected, now) }, answer_ns);
        }
    }

    /// Trades against the book at the prices that stand there.
    fn execute(&mut self, order: &Order, pair: usize, now: Nanos, dice: &mut Dice) -> Vec<Trade> {
        let lot = self.instruments[pair].lot;
        let mut left = order.qty.0;
        if self.spends(Verb::Partial) {
            left = dice.below(left.unsigned_abs() / lot.unsigned_abs() + 1).cast_signed() * lot;
        }
        let levels = match order.side {
            Side::Buy => self.books[pair].now.asks,
            Side::Sell => self.books[pair].now.bids,
        };
        let mut trades = Vec::new();
        for (px, qty) in levels {
            let is_better = if order.side == Side::Buy { px <= order.px.0 } else { px >= order.px.0 };
            let qty = qty.min(left);
            if !is_better || qty == 0 {
                break;
            }
            left -= qty;
            self.books[pair].take(px, qty);
            trades.push(self.book_trade(pair, order.side, (px, qty), false, now));
        }
        if let Some(held) = self.ledger.orders.get_mut(&order.id) {
            held.filled = trades.iter().map(|trade| trade.qty.0).sum();
            held.trades.clone_from(&trades);
        }
        trades
    }

    /// A trade that waited is final, or undone; false when none waits.
    pub fn settle(&mut self, fails: bool, now: Nanos) -> bool {
        let Some((order, trade)) = self.pending.pop() else { return false };
        if fails {
            let pair = Self::pair_of(order.instrument);
            let instrument = self.instruments[pair];
            self.ledger.take_back(&of(&instrument, (pair, self.place), trade.is_maker), order.side, &trade);
            if let Some(held) = self.ledger.orders.get_mut(&order.id) {
                held.trades.retain(|other| other.number != trade.number);
                held.filled -= trade.qty.0;
            }
        }
        let settlement = if fails { Settlement::Failed } else { Settlement::Settled };
        let flags = if order.side == Side::Sell { Report::SOLD } else { 0 };
        let told = Report { kind: ReportKind::Settlement, settlement, flags, ..fill(&order, &trade, 0) };
        self.say(PRIVATE, &told, now + 2 * MS);
        true
    }

    pub(crate) fn book_trade(&mut self, pair: usize, side: Side, at: (i64, i64), is_maker: bool, now: Nanos) -> Trade {
        let instrument = self.instruments[pair];
        self.ledger.trade(&of(&instrument, (pair, self.place), is_maker), side, at, now)
    }

    /// Answers, and tells the private line.
    fn tell_of(
        &mut self,
        order: &Order,
        trades: &[Trade],
        (now, answer_ns): (Nanos, Nanos),
        is_doubtful: bool,
        dice: &mut Dice,
    ) {
        let late_ns = if self.spends(Verb::LateAnswer) { dice.between(1_200, 4_000) * MS } else { 0 };
        let ack_ns = answer_ns + late_ns + if self.spends(Verb::FillBeforeAck) { 300 * MS } else { 0 };
        if is_doubtful {
            self.say(ORDERS, &about(order, ReportKind::Unknown, now), ack_ns);
        } else if !self.spends(Verb::LostAnswer) {
            self.say(ORDERS, &about(order, ReportKind::Ack, now), ack_ns);
        }
        let mut filled = 0;
        for trade in trades {
            filled += trade.qty.0;
            let mut fill = fill(order, trade, filled);
            if self.settles_late {
                fill.settlement = Settlement::Pending;
                self.pending.push((*order, *trade));
            }
            // The first venue tells trades in its answers too, as Binance does.
            if self.place == 0 && !is_doubtful {
                self.say(ORDERS, &fill, ack_ns);
            }
            self.tell_fill(&fill, answer_ns, dice);
        }
        let done = Report { filled: Qty(filled), ..about(order, ReportKind::Done, now) };
        self.say(PRIVATE, &done, answer_ns + MS);
        if self.place == 0 && !is_doubtful {
            self.say(ORDERS, &done, ack_ns);
        }
    }

    /// Tells a trade on the private line: late, twice or not at all where a fault has it so.
    pub(crate) fn tell_fill(&mut self, fill: &Report, due_ns: Nanos, dice: &mut Dice) {
        let late_ns = if self.spends(Verb::LateFill) { dice.between(500, 8_000) * MS } else { 0 };
        if !self.spends(Verb::DropFill) {
            self.say(PRIVATE, fill, due_ns + late_ns);
        }
        if self.spends(Verb::DuplicateFill) {
            self.say(PRIVATE, fill, due_ns + dice.between(1, 1_500) * MS);
        }
    }

    fn cancel(&mut self, order: &Order, now: Nanos, dice: &mut Dice) {
        if self.withdraw(order.id, now) {
            return self.tell_withdrawn(order, now, dice);
        }
        let is_known = self.ledger.orders.contains_key(&order.id);
        let reject = if is_known { OrderReject::TooLate } else { OrderReject::NoSuchOrder };
        let answer_ns = now + self.latency_ns(now, dice);
        self.say(ORDERS, &Report { reject, ..about(order, ReportKind::CancelRejected, now) }, answer_ns);
    }

    fn answer_query(&mut self, order: &Order, now: Nanos, dice: &mut Dice) {
        let report = match self.find(order.id, now) {
            None => about(order, ReportKind::NotFound, now),
            Some(held) if held.is_rejected => about(order, ReportKind::Rejected, now),
            Some(held) => held.stand(now),
        };
        let answer_ns = now + self.latency_ns(now, dice);
        self.say(ORDERS, &report, answer_ns);
    }

    /// What its queries find of an order.
    pub fn find(&self, id: u64, now: Nanos) -> Option<&Held> {
        self.ledger.orders.get(&id).filter(|held| held.visible_ns <= now)
    }

    /// An order that is not ours trades on our account: by hand, a liquidation, a deleveraging.
    pub fn trade_by_hand(&mut self, pair: usize, now: Nanos, dice: &mut Dice) {
        let side = dice.pick(&[Side::Buy, Side::Sell]);
        let best = if side == Side::Buy { self.books[pair].now.asks[0] } else { self.books[pair].now.bids[0] };
        let lot = self.instruments[pair].lot;
        let qty = (dice.between(1, 12) as i64 * 10 * lot).min(best.1 / lot * lot);
        if qty == 0 {
            return;
        }
        let trade = self.book_trade(pair, side, (best.0, qty), false, now);
        let instrument = Ground::instrument(self.place, pair);
        self.ledger.foreign.push(Foreign { instrument, side, trade });
        let flags = if side == Side::Sell { Report::SOLD } else { 0 };
        let order = Order { id: 0, instrument, side, ..NOBODY };
        let report = Report { kind: ReportKind::Foreign, flags, ..fill(&order, &trade, 0) };
        self.say(PRIVATE, &report, now + 2 * MS);
    }

    /// Funds leave or come by another way than trading, and the private line says that something moved.
    pub fn drift(&mut self, now: Nanos, dice: &mut Dice) {
        let units = i128::from(dice.between(1, 1_000)) * if dice.one_in(2) { 1 } else { -1 };
        self.ledger.transfer(QUOTE, Amount::from_mantissa(units, 0).unwrap_or_default());
        words::notice(LineNotice::FundsMoved, &mut self.out);
        self.queue(PRIVATE, now + 2 * MS);
    }

    /// The private line's login is gone.
    pub fn log_out(&mut self, now: Nanos) {
        words::notice(LineNotice::LoggedOut, &mut self.out);
        self.queue(PRIVATE, now + MS);
    }

    pub(crate) fn say(&mut self, line: usize, report: &Report, due_ns: Nanos) {
        words::report(report, &mut self.out);
        let fate = self.poison.as_mut().map_or(Fate::Well, Poison::fate);
        let due_ns = if fate == Fate::Late { due_ns + 30 * S } else { due_ns };
        match fate {
            Fate::Lost => return,
            Fate::Twice => self.queue(line, due_ns),
            Fate::Well | Fate::Late => {}
        }
        self.queue(line, due_ns);
    }
}

/// What becomes of a report.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fate {
    Well,
    Lost,
    Twice,
    Late,
}

/// Of a hundred reports one is lost, one comes twice, and one comes half a minute late.
#[derive(Debug)]
pub struct Poison {
    dice: Dice,
    /// Reports that were lost, doubled and delayed.
    pub done: [u64; 3],
}

impl Poison {
    /// Poison of this seed.
    pub fn new(seed: u64) -> Self {
        Self { dice: Dice::new(seed), done: [0; 3] }
    }

    fn fate(&mut self) -> Fate {
        let (fate, place) = match self.dice.below(100) {
            0 => (Fate::Lost, 0),
            1 => (Fate::Twice, 1),
            2 => (Fate::Late, 2),
            _ => return Fate::Well,
        };
        self.done[place] += 1;
        fate
    }
}

/// An order of nobody.
pub const NOBODY: Order = Order {
    id: 0,
    group: 0,
    px: Px(0),
    qty: Qty(0),
    decided_ns: 0,
    stamp: 0,
    instrument: InstrumentId(0),
    side: Side::Buy,
    tif: TimeInForce::Ioc,
    class: highwire_links::mode::OrderClass::Open,
    action: Action::Place,
    reduce_only: false,
};

/// What a trade of a venue's pair is of.
fn of(instrument: &Instrument, (pair, place): (usize, usize), is_maker: bool) -> Of<'_> {
    Of { instrument, base: PAIRS[pair].0, quote: QUOTE, fee_in_base: Ground::fee_in_base(place), is_maker }
}

pub(crate) fn about(order: &Order, kind: ReportKind, now: Nanos) -> Report {
    Report::about(order.id, order.instrument, kind, now)
}

/// A trade of an order as it is told: also by whoever asks.
pub fn fill(order: &Order, trade: &Trade, filled: i64) -> Report {
    Report {
        px: trade.px,
        qty: trade.qty,
        filled: Qty(filled),
        fee: trade.fee,
        fee_in: trade.fee_in,
        fee_dp: crate::ledger::FEE_DP,
        trade: trade.number,
        at_ns: trade.at_ns,
        flags: if trade.is_maker { Report::MAKER } else { 0 },
        ..about(order, ReportKind::Fill, trade.at_ns)
    }
}
