//! Orders that rest at a venue: taken in unless they would take, traded as the market comes to them or somebody takes
//! them, withdrawn when that is asked for. They outlive whoever sent them.

use crate::clock::MS;
use crate::desk::{about, fill};
use crate::dice::Dice;
use crate::ledger::Held;
use crate::venue::{ORDERS, PRIVATE, Venue};
use crate::verb::Verb;
use highwire_links::fill::{OrderReject, Report, ReportKind};
use highwire_links::order::Order;
use highwire_links::{Nanos, Qty, Side};

/// Of so many changes of a book, one has somebody take what rests at its best price.
const TAKEN_ONE_IN: u64 = 4;

impl Held {
    /// What a question about it is answered.
    pub fn stand(&self, now: Nanos) -> Report {
        let kind = if self.rests { ReportKind::Open } else { ReportKind::Done };
        Report { filled: Qty(self.filled), ..about(&self.order, kind, now) }
    }
}

impl Venue {
    /// Takes an order in that may only rest, or refuses it.
    pub(crate) fn take_in(&mut self, order: &Order, pair: usize, (now, answer_ns): (Nanos, Nanos), is_doubtful: bool) {
        let book = &self.books[pair].now;
        let would_take = match order.side {
            Side::Buy => order.px.0 >= book.asks[0].0,
            Side::Sell => order.px.0 <= book.bids[0].0,
        };
        if let Some(held) = self.ledger.orders.get_mut(&order.id) {
            (held.is_rejected, held.rests) = (would_take, !would_take);
        }
        if would_take {
            self.refuse(order, OrderReject::WouldTake, (now, answer_ns));
        } else if is_doubtful {
            self.say(ORDERS, &about(order, ReportKind::Unknown, now), answer_ns);
        } else if !self.spends(Verb::LostAnswer) {
            self.say(ORDERS, &about(order, ReportKind::Ack, now), answer_ns);
        }
    }

    /// A book has moved: what it passed has traded, and what is best may have.
    pub(crate) fn take_resting(&mut self, pair: usize, now: Nanos, dice: &mut Dice) {
        if self.paused_ns[pair].is_some() {
            return;
        }
        let of_pair = |held: &&Held| Self::pair_of(held.order.instrument) == pair;
        let resting: Vec<Order> = self.ledger.resting().filter(of_pair).map(|held| held.order).collect();
        for order in resting {
            let book = &self.books[pair].now;
            let (is_passed, is_best) = match order.side {
                Side::Buy => (book.asks[0].0 <= order.px.0, book.bids[0].0 <= order.px.0),
                Side::Sell => (book.bids[0].0 >= order.px.0, book.asks[0].0 >= order.px.0),
            };
            if is_passed || (is_best && dice.one_in(TAKEN_ONE_IN)) {
                self.trade_resting(&order, is_passed, now, dice);
            }
        }
    }

    /// Trades what rests of an order, all or some of it.
    fn trade_resting(&mut self, order: &Order, is_all: bool, now: Nanos, dice: &mut Dice) {
        let pair = Self::pair_of(order.instrument);
        let lot = self.instruments[pair].lot;
        let Some(left) = self.ledger.orders.get(&order.id).map(|held| order.qty.0 - held.filled) else { return };
        let some = dice.between(1, (left / lot).max(1).unsigned_abs()).cast_signed() * lot;
        let qty = if is_all { left } else { some.min(left) };
        let trade = self.book_trade(pair, order.side, (order.px.0, qty), true, now);
        let Some(held) = self.ledger.orders.get_mut(&order.id) else { return };
        held.filled += qty;
        held.trades.push(trade);
        held.rests = held.filled < order.qty.0;
        let (stand, due_ns) = (held.stand(now), now + dice.between(1, 6) * MS);
        self.tell_fill(&fill(order, &trade, stand.filled.0), due_ns, dice);
        if stand.kind == ReportKind::Done {
            self.say(PRIVATE, &stand, due_ns + MS);
        }
    }

    /// Ends what rests of an order; false when nothing does.
    pub fn withdraw(&mut self, id: u64, now: Nanos) -> bool {
        let held = self.ledger.orders.get_mut(&id).filter(|held| held.rests && held.visible_ns <= now);
        held.map(|held| held.rests = false).is_some()
    }

    /// Says that an order was withdrawn.
    pub(crate) fn tell_withdrawn(&mut self, order: &Order, now: Nanos, dice: &mut Dice) {
        let Some(done) = self.ledger.orders.get(&order.id).map(|held| held.stand(now)) else { return };
        let answer_ns = now + self.latency_ns(now, dice);
        if !self.spends(Verb::LostAnswer) {
            self.say(ORDERS, &done, answer_ns);
        }
        self.say(PRIVATE, &done, answer_ns);
    }
}
