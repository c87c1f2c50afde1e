//! The paper gateway: matches orders against the feed's own pages, never better than a venue would.
//!
//! An order is matched `latency_ns` after it was decided, against the page as it then is, at levels
//! at or better than its limit. What we consumed at a price stays consumed until that price leaves
//! the page. Orders are immediate-or-cancel: the rest is cancelled, and an all-or-nothing order that
//! cannot fill in full is cancelled whole; only what may never take rests (`paper/resting.rs`). An order that is still on its way
//! can be withdrawn or changed; how the last ones ended is remembered for whoever asks.

mod resting;

use crate::context::Context;
use crate::gateway::{Gateway, GatewayEnds};
use highwire_links::counter::Counter;
use highwire_links::fill::{FEE_DP, OrderReject, Report, ReportKind};
use highwire_links::fixed::{Px, Qty};
use highwire_links::ids::{Nanos, Side};
use highwire_links::instrument::{Instrument, Status};
use highwire_links::limits::{OPEN_ORDERS_MAX, ORDER_SLOTS, PAGE_LEVELS, REPORTS_PER_ORDER_MAX};
use highwire_links::order::{Action, Order, TimeInForce};
use highwire_links::page::{BookState, Page, PageReaders, Rung};
use highwire_quant::fee::fee_up;
use resting::Resting;

const _: () = assert!(PAGE_LEVELS + 2 <= REPORTS_PER_ORDER_MAX, "ack, one fill a level, end");

/// How the paper gateway behaves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PaperSettings {
    /// From decision to match at the venue.
    pub latency_ns: Nanos,
}

/// What we consumed on one side of an instrument's page; every price is on the page, so it fits.
#[derive(Clone, Copy, Debug, Default)]
struct Consumed([Rung; PAGE_LEVELS]);

impl Consumed {
    /// Forgets prices that left the page; true when nothing is left.
    fn keep_only(&mut self, rungs: &[Rung]) -> bool {
        let mut empty = true;
        for slot in self.0.iter_mut().filter(|slot| slot.qty > 0) {
            if rungs.iter().any(|rung| rung.qty > 0 && rung.px == slot.px) {
                empty = false;
            } else {
                *slot = Rung::default();
            }
        }
        empty
    }

    fn at(&self, px: i64) -> i64 {
        self.0.iter().find(|slot| slot.qty > 0 && slot.px == px).map_or(0, |slot| slot.qty)
    }

    fn add(&mut self, px: i64, qty: i64) {
        let known = self.0.iter().position(|slot| slot.qty > 0 && slot.px == px);
        let Some(place) = known.or_else(|| self.0.iter().position(|slot| slot.qty == 0)) else { return };
        self.0[place] = Rung { px, qty: self.0[place].qty.saturating_add(qty) };
    }
}

/// Both sides of one instrument: what buys took from its asks, and sells from its bids.
#[derive(Clone, Copy, Debug, Default)]
struct Memory {
    asks: Consumed,
    bids: Consumed,
}

/// A gateway whose venue is the page.
#[derive(Debug)]
pub struct PaperGateway {
    instruments: Box<[Instrument]>,
    pages: PageReaders,
    settings: PaperSettings,
    ends: GatewayEnds,
    /// Orders on their way, oldest first.
    pending: Vec<Order>,
    resting: Vec<Resting>,
    /// How the last orders ended, a ring: what answers a question.
    ended: Box<[Option<Report>]>,
    ends_seen: usize,
    memory: Box<[Memory]>,
    /// Instruments whose memory is not empty.
    remembered: Vec<usize>,
}

impl PaperGateway {
    /// A gateway for these instruments, in the order of their ids.
    pub fn new(instruments: &[Instrument], pages: PageReaders, settings: PaperSettings, ends: GatewayEnds) -> Self {
        Self {
            instruments: instruments.into(),
            pages,
            settings,
            ends,
            pending: Vec::with_capacity(OPEN_ORDERS_MAX),
            resting: Vec::with_capacity(OPEN_ORDERS_MAX),
            ended: vec![None; ORDER_SLOTS].into(),
            ends_seen: 0,
            memory: vec![Memory::default(); instruments.len()].into(),
            remembered: Vec::with_capacity(instruments.len()),
        }
    }

    /// Orders that are on their way.
    pub fn pending(&self) -> usize {
        self.pending.len()
    }

    /// Takes orders in while every report about them finds room.
    fn take_in(&mut self, cx: &Context<'_>) -> usize {
        let mut work = 0;
        while self.has_room() {
            let Some(order) = self.ends.orders.take() else { break };
            work += 1;
            if order.action != Action::Place {
                self.on_request(cx, &order);
            } else if self.pending.len() == OPEN_ORDERS_MAX {
                self.report(&order, cx.now, ReportKind::Rejected, OrderReject::GatewayFull);
            } else if self.is_acceptable(&order) {
                self.pending.push(order);
            } else {
                self.report(&order, cx.now, ReportKind::Rejected, OrderReject::Filter);
            }
        }
        work
    }

    /// Matches what is due, oldest first.
    fn match_due(&mut self, cx: &mut Context<'_>) -> usize {
        let (mut work, mut at) = (0, 0);
        while at < self.pending.len() && self.has_room() {
            let order = self.pending[at];
            if order.decided_ns.saturating_add(self.settings.latency_ns) > cx.now {
                at += 1;
                continue;
            }
            self.pending.remove(at);
            self.send(cx, &order);
            work += 1;
        }
        work
    }

    fn has_room(&self) -> bool {
        self.ends.fills.room() >= REPORTS_PER_ORDER_MAX
    }

    /// A request about an order: one that is on its way rests here, one that left has ended.
    fn on_request(&mut self, cx: &Context<'_>, request: &Order) {
        let at = self.pending.iter().position(|order| order.id == request.id);
        match (request.action, at) {
            (Action::Query, Some(_)) => self.report(request, cx.now, ReportKind::Open, OrderReject::None),
            (Action::Query, None) => self.recall(request, cx.now),
            (Action::Cancel, None) if self.resting_at(request).is_some() => {
                self.resting_at(request).into_iter().for_each(|at| self.withdraw(at, cx));
            }
            (Action::Cancel, Some(at)) => {
                self.pending.remove(at);
                self.report(request, cx.now, ReportKind::Done, OrderReject::None);
            }
            (Action::Amend, Some(at)) => {
                (self.pending[at].px, self.pending[at].qty) = (request.px, request.qty);
                let amended = blank(request, cx.now, ReportKind::Amended);
                self.offer(Report { px: request.px, qty: request.qty, ..amended });
            }
            (Action::CancelAll, _) => {
                while let Some(at) = self.pending.iter().position(|order| order.instrument == request.instrument) {
                    if self.ends.fills.room() == 0 {
                        break;
                    }
                    let order = self.pending.remove(at);
                    self.report(&order, cx.now, ReportKind::Done, OrderReject::None);
                }
                let is_there = |resting: &Resting| resting.order.instrument == request.instrument;
                while let Some(at) = self.resting.iter().position(is_there).filter(|_| self.ends.fills.room() > 0) {
                    self.withdraw(at, cx);
                }
            }
            _ => self.report(request, cx.now, ReportKind::CancelRejected, OrderReject::TooLate),
        }
    }

    /// Says again how an order ended, or that nothing is known of it.
    fn recall(&mut self, request: &Order, now: Nanos) {
        if let Some(at) = self.resting_at(request) {
            let filled = Qty(self.resting[at].filled);
            return self.offer(Report { filled, ..blank(request, now, ReportKind::Open) });
        }
        let known = self.ended.iter().flatten().find(|report| report.id == request.id).copied();
        self.offer(known.unwrap_or_else(|| blank(request, now, ReportKind::NotFound)));
    }

    /// The venue's filters: known and trading, on tick and lot, not below the minima.
    fn is_acceptable(&self, order: &Order) -> bool {
        let Some(instrument) = self.instruments.get(order.instrument.index()) else { return false };
        let in_steps = order.px.0 > 0
            && order.px.0 % instrument.tick.max(1) == 0
            && order.qty.0 > 0
            && order.qty.0 % instrument.lot.max(1) == 0;
        let value = instrument.quote_amount(order.px, order.qty);
        instrument.status == Status::Trading
            && in_steps
            && order.qty >= instrument.qty_min
            && value.is_some_and(|value| value >= instrument.notional_min)
    }

    /// The moment an order leaves: the stop word is read last, then the venue has it.
    fn send(&mut self, cx: &mut Context<'_>, order: &Order) {
        let index = order.instrument.index();
        let page = self.pages.read(index).filter(|page| page.state == BookState::Live);
        let Some(page) = page else {
            return self.report(order, cx.now, ReportKind::Rejected, OrderReject::NoBook);
        };
        if !cx.ports.cnc.stop_word().permits(order.class) {
            return self.report(order, cx.now, ReportKind::Rejected, OrderReject::Stopped);
        }
        if order.tif == TimeInForce::PostOnly {
            return self.rest(cx, order, &page);
        }
        self.report(order, cx.now, ReportKind::Ack, OrderReject::None);
        let filled = self.fill(cx, order, &page);
        let end = Report { filled, ..blank(order, cx.now, ReportKind::Done) };
        self.offer(end);
    }

    /// Fills level by level; returns the quantity filled.
    fn fill(&mut self, cx: &mut Context<'_>, order: &Order, page: &Page) -> Qty {
        let instrument = self.instruments[order.instrument.index()];
        let rungs = if order.side == Side::Buy { &page.asks } else { &page.bids };
        self.forget(order.instrument.index(), page);
        let consumed = *self.consumed(order);
        let left = |rung: &Rung| (rung.qty - consumed.at(rung.px)).max(0);
        let within = |rung: &&Rung| rung.px > 0 && rung.qty > 0 && is_within(order, rung.px);
        let whole = rungs.iter().filter(within).fold(0i64, |sum, rung| sum.saturating_add(left(rung)));
        if order.tif == TimeInForce::Fok && whole < order.qty.0 {
            return Qty(0);
        }
        let mut filled = 0;
        for rung in rungs.iter().filter(within) {
            let qty = left(rung).min(order.qty.0 - filled);
            if qty == 0 {
                continue;
            }
            let Some(fee) = fee_of(&instrument, Px(rung.px), Qty(qty)) else {
                cx.tally.add(Counter::Overflows);
                break;
            };
            filled += qty;
            self.remember(order, rung.px, qty);
            let fill = blank(order, cx.now, ReportKind::Fill);
            self.offer(Report { px: Px(rung.px), qty: Qty(qty), filled: Qty(filled), fee, ..fill });
        }
        Qty(filled)
    }

    fn consumed(&mut self, order: &Order) -> &mut Consumed {
        let memory = &mut self.memory[order.instrument.index()];
        if order.side == Side::Buy { &mut memory.asks } else { &mut memory.bids }
    }

    fn remember(&mut self, order: &Order, px: i64, qty: i64) {
        self.consumed(order).add(px, qty);
        let index = order.instrument.index();
        if !self.remembered.contains(&index) {
            self.remembered.push(index);
        }
    }

    /// Forgets what left this page; true when nothing is remembered of it any more.
    fn forget(&mut self, index: usize, page: &Page) -> bool {
        let memory = &mut self.memory[index];
        let (asks, bids) = (memory.asks.keep_only(&page.asks), memory.bids.keep_only(&page.bids));
        asks && bids
    }

    /// Looks whether consumed prices left their pages: one that comes back is new.
    fn forget_departed(&mut self) {
        let mut at = 0;
        while at < self.remembered.len() {
            let index = self.remembered[at];
            match self.pages.read(index) {
                Some(page) if page.state == BookState::Live && self.forget(index, &page) => {
                    self.remembered.swap_remove(at);
                }
                _ => at += 1,
            }
        }
    }

    fn report(&mut self, order: &Order, now: Nanos, kind: ReportKind, reject: OrderReject) {
        self.offer(Report { reject, ..blank(order, now, kind) });
    }

    /// Every caller has seen room for a whole order's reports.
    fn offer(&mut self, report: Report) {
        if matches!(report.kind, ReportKind::Done | ReportKind::Rejected) {
            let place = self.ends_seen % self.ended.len();
            self.ended[place] = Some(report);
            self.ends_seen += 1;
        }
        let offered = self.ends.fills.offer(report);
        debug_assert!(offered.is_ok(), "room was seen before the order was touched");
    }
}

impl Gateway for PaperGateway {
    fn poll(&mut self, cx: &mut Context<'_>) -> usize {
        self.forget_departed();
        self.take_in(cx) + self.take_resting(cx) + self.match_due(cx)
    }

    fn dismantle(self: Box<Self>) -> GatewayEnds {
        self.ends
    }
}

fn is_within(order: &Order, px: i64) -> bool {
    match order.side {
        Side::Buy => px <= order.px.0,
        Side::Sell => px >= order.px.0,
    }
}

fn fee_of(instrument: &Instrument, px: Px, qty: Qty) -> Option<i64> {
    fee_up(instrument.quote_amount(px, qty)?, instrument.taker_fee_ppb, FEE_DP)
}

fn blank(order: &Order, now: Nanos, kind: ReportKind) -> Report {
    Report::about(order.id, order.instrument, kind, now)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{Bench, order, page, spot};
    use highwire_links::InstrumentId;
    use highwire_links::cnc::StopWord;
    use highwire_links::fill::{FillRx, fills};
    use highwire_links::order::{OrderTx, orders};
    use highwire_links::page::{PageWriters, pages};

    struct Venue {
        bench: Bench,
        gateway: Box<PaperGateway>,
        orders: OrderTx,
        fills: FillRx,
        pages: PageWriters,
    }

    fn venue(latency_ns: Nanos) -> Venue {
        let (writers, readers) = pages(1);
        let (order_tx, order_rx) = orders(256);
        let (fill_tx, fill_rx) = fills(4096);
        let ends = GatewayEnds::new(order_rx, fill_tx);
        let gateway = PaperGateway::new(&[spot(0, 1_000_000)], readers, PaperSettings { latency_ns }, ends);
        Venue { bench: Bench::new(), gateway: Box::new(gateway), orders: order_tx, fills: fill_rx, pages: writers }
    }

    impl Venue {
        fn run(&mut self, now: Nanos) -> Vec<(ReportKind, i64, i64)> {
            self.gateway.poll(&mut self.bench.at(now));
            std::iter::from_fn(|| self.fills.take()).map(|r| (r.kind, r.px.0, r.qty.0)).collect()
        }

        fn book(&mut self, bids: &[(i64, i64)], asks: &[(i64, i64)]) {
            self.pages.publish(0, &page(BookState::Live, 0, bids, asks));
        }
    }

    const ACK: (ReportKind, i64, i64) = (ReportKind::Ack, 0, 0);
    const DONE: (ReportKind, i64, i64) = (ReportKind::Done, 0, 0);

    #[test]
    fn an_order_meets_the_book_of_its_arrival_not_of_its_decision() {
        let mut venue = venue(1_000);
        venue.book(&[], &[(100, 5)]);
        venue.orders.submit(order(1, Side::Buy, 101, 5, 10)).unwrap();
        assert_eq!(venue.run(1_009), []);
        venue.book(&[], &[(101, 3)]);
        assert_eq!(venue.run(1_010), [ACK, (ReportKind::Fill, 101, 3), DONE]);
    }

    #[test]
    fn fills_level_by_level_within_the_limit_and_the_rest_is_cancelled() {
        let mut venue = venue(0);
        venue.book(&[(100, 2), (99, 2), (98, 9)], &[]);
        venue.orders.submit(order(1, Side::Sell, 99, 7, 0)).unwrap();
        let fills = [(ReportKind::Fill, 100, 2), (ReportKind::Fill, 99, 2)];
        assert_eq!(venue.run(0), [ACK, fills[0], fills[1], DONE]);
    }

    #[test]
    fn depth_is_consumed_once_until_its_price_leaves_the_page() {
        let mut venue = venue(0);
        let buy = |venue: &mut Venue, id| {
            venue.orders.submit(order(id, Side::Buy, 100, 4, 0)).unwrap();
            venue.run(0).iter().filter(|r| r.0 == ReportKind::Fill).map(|r| r.2).sum::<i64>()
        };
        venue.book(&[], &[(100, 5)]);
        assert_eq!((buy(&mut venue, 1), buy(&mut venue, 2), buy(&mut venue, 3)), (4, 1, 0));
        venue.book(&[], &[(100, 7)]);
        assert_eq!(buy(&mut venue, 4), 2, "only what was added is new");
        venue.book(&[], &[(101, 5)]);
        assert_eq!(venue.run(1), []);
        venue.book(&[], &[(100, 5)]);
        assert_eq!(buy(&mut venue, 5), 4, "the price left and came back");
    }

    #[test]
    fn a_fill_pays_its_fee_rounded_up() {
        let mut venue = venue(0);
        venue.book(&[], &[(1, 1)]);
        venue.orders.submit(order(1, Side::Buy, 1, 1, 0)).unwrap();
        venue.gateway.poll(&mut venue.bench.at(0));
        let fees: Vec<_> = std::iter::from_fn(|| venue.fills.take()).map(|r| r.fee).collect();
        // 0.01 × 0.00001 × 0.1 % = 10^-10, at eight decimals one unit.
        assert_eq!(fees, [0, 1, 0]);
    }

    fn reject(venue: &mut Venue, now: Nanos) -> OrderReject {
        venue.gateway.poll(&mut venue.bench.at(now));
        let report = venue.fills.take().unwrap();
        assert_eq!((report.kind, venue.fills.take()), (ReportKind::Rejected, None));
        report.reject
    }

    #[test]
    fn no_live_book_no_trade() {
        let mut venue = venue(0);
        venue.pages.publish(0, &page(BookState::Suspect, 0, &[], &[(100, 5)]));
        venue.orders.submit(order(1, Side::Buy, 100, 5, 0)).unwrap();
        assert_eq!(reject(&mut venue, 0), OrderReject::NoBook);
    }

    #[test]
    fn the_stop_word_holds_an_order_that_is_already_on_its_way() {
        let mut venue = venue(100);
        venue.book(&[], &[(100, 5)]);
        venue.orders.submit(order(1, Side::Buy, 100, 5, 0)).unwrap();
        assert_eq!(venue.run(50), []);
        venue.bench.ports.cnc.stop(StopWord::NoOpening);
        assert_eq!(reject(&mut venue, 100), OrderReject::Stopped);
    }

    #[test]
    fn what_the_venue_would_refuse_is_refused() {
        let mut venue = venue(0);
        venue.book(&[], &[(100, 5)]);
        let good = order(1, Side::Buy, 100, 5, 0);
        let unknown = Order { instrument: InstrumentId(9), ..good };
        for bad in [unknown, Order { px: Px(0), ..good }, Order { qty: Qty(-1), ..good }] {
            venue.orders.submit(bad).unwrap();
            assert_eq!(reject(&mut venue, 0), OrderReject::Filter);
        }
    }

    #[test]
    fn more_orders_than_it_holds_are_refused() {
        let mut venue = venue(1_000);
        venue.book(&[], &[(100, 5)]);
        for id in 0..=OPEN_ORDERS_MAX as u64 {
            venue.orders.submit(order(id, Side::Buy, 100, 1, 0)).unwrap();
        }
        assert_eq!(reject(&mut venue, 0), OrderReject::GatewayFull);
        assert_eq!(venue.gateway.pending(), OPEN_ORDERS_MAX);
    }

    #[test]
    fn a_full_fill_ring_delays_and_loses_nothing() {
        let mut venue = venue(0);
        venue.book(&[], &[(100, 1_000)]);
        let (tx, rx) = fills(REPORTS_PER_ORDER_MAX);
        (venue.gateway.ends.fills, venue.fills) = (tx, rx);
        (0..3).for_each(|id| venue.orders.submit(order(id, Side::Buy, 100, 1, 0)).unwrap());
        assert_eq!(venue.run(0).len(), 3);
        assert_eq!((venue.run(0).len(), venue.run(0).len(), venue.run(0).len()), (3, 3, 0));
    }
}
