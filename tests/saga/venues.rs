//! Venues that misbehave, behind the engine's rings: orders are taken, refused, filled in parts or
//! lost; reports come late, twice, out of order or never. What they hold is the truth.

use highwire_engine::engine::{
    Assets, Engine, EngineEnds, EngineSpec, ExposureLimits, Funds, GuardLimits, Limits, PairSpec, SagaLimits, Tuning,
};
use highwire_links::fill::{FillTx, OrderReject, Report, ReportKind, fills};
use highwire_links::fixed::{Amount, Qty, Scale};
use highwire_links::instrument::{Contract, Instrument, Status};
use highwire_links::market::{MarketTx, market};
use highwire_links::mode::OrderClass;
use highwire_links::order::{Action, Order, OrderRx, orders};
use highwire_links::page::{PageWriters, pages};
use highwire_links::{InstrumentId, Mode, PairId, Side, VenueId};
use std::collections::HashMap;

/// Venues, one market each.
pub const VENUES: usize = 3;
/// A millisecond.
pub const MS: u64 = 1_000_000;
/// How long a venue may not see its own order.
pub const LAG_NS: u64 = 100 * MS;

/// Seeded dice (SplitMix64).
pub struct Dice(pub u64);

impl Dice {
    /// A number below `sides`.
    pub fn roll(&mut self, sides: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut value = self.0;
        value = (value ^ value >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        value = (value ^ value >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        (value ^ value >> 31) % sides
    }

    /// True once in `times`.
    pub fn one_in(&mut self, times: u64) -> bool {
        self.roll(times) == 0
    }
}

/// An order as its venue has it.
struct Held {
    order: Order,
    filled: i64,
    is_live: bool,
}

/// All venues behind one gateway.
pub struct Venues {
    orders: OrderRx,
    fills: FillTx,
    held: HashMap<u64, Held>,
    /// Reports under way, with when they arrive.
    flying: Vec<(u64, Report)>,
    trades: u64,
    /// Net quantity bought per market: the truth.
    pub positions: [i64; VENUES],
    /// Orders that were placed.
    pub placed: u64,
    /// Questions that were asked.
    pub asked: u64,
    /// Orders whose id was seen before.
    pub duplicates: u64,
    /// Hedges that were placed while another was live.
    pub double_hedges: u64,
    /// How often something goes wrong: once in so many times.
    pub trouble: u64,
    /// No order is answered: what became of it must be asked for, its trades show in the list of trades alone, and the
    /// venue takes an id again and again.
    pub is_silent: bool,
    /// Orders that traded and were not answered.
    pub unanswered: u64,
    /// Until when each takes no orders for now.
    shut_until: [u64; VENUES],
    /// Orders that were refused for now.
    pub put_off: u64,
}

impl Venues {
    fn new(orders: OrderRx, fills: FillTx, trouble: u64) -> Self {
        Self {
            orders,
            fills,
            held: HashMap::new(),
            flying: Vec::new(),
            trades: 0,
            positions: [0; VENUES],
            placed: 0,
            asked: 0,
            duplicates: 0,
            double_hedges: 0,
            trouble,
            is_silent: false,
            unanswered: 0,
            shut_until: [0; VENUES],
            put_off: 0,
        }
    }

    /// Takes orders, and delivers the reports that are due.
    pub fn poll(&mut self, dice: &mut Dice, now: u64) {
        while let Some(order) = self.orders.take() {
            match order.action {
                Action::Place => self.place(dice, order, now),
                Action::Cancel => self.cancel(dice, &order, now),
                Action::Query => self.answer(dice, &order, now),
                Action::Amend | Action::CancelAll => {}
            }
        }
        self.deliver(now);
    }

    /// Whether a report is still under way.
    pub fn is_quiet(&self) -> bool {
        self.flying.is_empty()
    }

    fn deliver(&mut self, now: u64) {
        let mut at = 0;
        while at < self.flying.len() {
            if self.flying[at].0 > now || self.fills.room() == 0 {
                at += 1;
                continue;
            }
            let (_, report) = self.flying.swap_remove(at);
            assert!(self.fills.offer(report).is_ok(), "room was seen");
        }
    }

    fn place(&mut self, dice: &mut Dice, order: Order, now: u64) {
        self.placed += 1;
        let is_rival = |held: &Held| held.is_live && held.order.group == order.group;
        if order.class == OrderClass::Hedge
            && self.held.values().any(|h| is_rival(h) && h.order.class == OrderClass::Hedge)
        {
            self.double_hedges += 1;
        }
        let sent = Report::about(order.id, order.instrument, ReportKind::Sent, now);
        self.send(dice, sent, now);
        if self.is_silent {
            return self.take_silently(dice, order, now);
        }
        // Lost on its way: no venue ever sees it.
        if dice.one_in(self.trouble * 4) {
            let doubt = Report::about(order.id, order.instrument, ReportKind::Unknown, now);
            return self.send(dice, doubt, now);
        }
        let known = self.held.insert(order.id, Held { order, filled: 0, is_live: true });
        self.duplicates += u64::from(known.is_some());
        if let Some(reject) = self.refusal(dice, order.instrument.index(), now) {
            let about = Report::about(order.id, order.instrument, ReportKind::Rejected, now);
            self.end(order.id);
            return self.send(dice, Report { reject, ..about }, now);
        }
        self.trade(dice, &order, now);
    }

    /// Why it is not taken: by itself, or because the venue takes nothing for some seconds.
    fn refusal(&mut self, dice: &mut Dice, venue: usize, now: u64) -> Option<OrderReject> {
        if dice.one_in(self.trouble * 8) {
            self.shut_until[venue] = now + dice.roll(8_000) * MS;
        }
        if now < self.shut_until[venue] {
            self.put_off += 1;
            return Some(OrderReject::NotTrading);
        }
        dice.one_in(self.trouble).then_some(OrderReject::Other)
    }

    /// It trades at once, or nothing of it does; nobody is told.
    fn take_silently(&mut self, dice: &mut Dice, order: Order, now: u64) {
        let known = self.held.insert(order.id, Held { order, filled: 0, is_live: false });
        self.duplicates += u64::from(known.is_some());
        self.must_send(dice, Report::about(order.id, order.instrument, ReportKind::Unknown, now), now);
        if !dice.one_in(self.trouble) {
            self.unanswered += 1;
            self.book(dice, &order, order.qty.0, now);
        }
    }

    /// Acks, fills in up to three parts, and ends.
    fn trade(&mut self, dice: &mut Dice, order: &Order, now: u64) {
        let ack = Report::about(order.id, order.instrument, ReportKind::Ack, now);
        self.send(dice, ack, now);
        let mut rest = order.qty.0;
        let parts = 1 + dice.roll(3);
        for _ in 0..parts {
            if dice.one_in(self.trouble) {
                break;
            }
            let qty = if parts == 1 { rest } else { 1 + dice.roll(rest.max(1) as u64) as i64 };
            let qty = qty.min(rest);
            if qty == 0 {
                break;
            }
            rest -= qty;
            self.book(dice, order, qty, now);
        }
        let filled = Qty(order.qty.0 - rest);
        self.end(order.id);
        let done = Report { filled, ..Report::about(order.id, order.instrument, ReportKind::Done, now) };
        self.send(dice, done, now);
        if dice.one_in(self.trouble) {
            let doubt = Report::about(order.id, order.instrument, ReportKind::Unknown, now);
            self.send(dice, doubt, now);
        }
    }

    fn book(&mut self, dice: &mut Dice, order: &Order, qty: i64, now: u64) {
        self.trades += 1;
        let signed = if order.side == Side::Buy { qty } else { -qty };
        self.positions[order.instrument.index()] += signed;
        let held = self.held.get_mut(&order.id).expect("it was placed");
        held.filled += qty;
        // A venue that counts, or one that does not say.
        let filled = if dice.one_in(2) { held.filled } else { 0 };
        let about = Report::about(order.id, order.instrument, ReportKind::Fill, now);
        let fill = Report { px: order.px, qty: Qty(qty), filled: Qty(filled), trade: self.trades, ..about };
        // The list of trades is behind like every query.
        let told = if self.is_silent { now + LAG_NS } else { now };
        self.must_send(dice, fill, told);
        if dice.one_in(self.trouble) {
            self.must_send(dice, fill, told);
        }
    }

    fn end(&mut self, id: u64) {
        if let Some(held) = self.held.get_mut(&id) {
            held.is_live = false;
        }
    }

    fn cancel(&mut self, dice: &mut Dice, order: &Order, now: u64) {
        let about = Report::about(order.id, order.instrument, ReportKind::CancelRejected, now);
        self.send(dice, Report { reject: OrderReject::TooLate, ..about }, now);
    }

    fn answer(&mut self, dice: &mut Dice, order: &Order, now: u64) {
        self.asked += 1;
        let about = |kind| Report::about(order.id, order.instrument, kind, now);
        let report = match self.held.get(&order.id) {
            Some(held) if now - held.order.decided_ns < LAG_NS && (self.is_silent || dice.one_in(3)) => {
                about(ReportKind::NotFound)
            }
            Some(held) => Report { filled: Qty(held.filled), ..about(ReportKind::Done) },
            None => about(ReportKind::NotFound),
        };
        self.send(dice, report, now);
    }

    /// A report that may be lost.
    fn send(&mut self, dice: &mut Dice, report: Report, now: u64) {
        if !dice.one_in(self.trouble) {
            self.must_send(dice, report, now);
        }
    }

    /// A trade is told at the latest by the list of trades.
    fn must_send(&mut self, dice: &mut Dice, report: Report, now: u64) {
        let late = if dice.one_in(self.trouble) { 400 } else { 20 };
        self.flying.push((now + dice.roll(late) * MS, report));
    }
}

/// A market with prices in cents and quantities of 10⁻⁵.
fn instrument(id: u16) -> Instrument {
    Instrument {
        id: InstrumentId(id),
        venue: VenueId(id as u8),
        pair: PairId(0),
        scale: Scale { px_dp: 2, qty_dp: 5 },
        tick: 1,
        lot: 1,
        qty_min: Qty(1),
        notional_min: Amount::ZERO,
        contract: Contract::Base,
        taker_fee_ppb: 0,
        maker_fee_ppb: 0,
        status: Status::Trading,
    }
}

fn amount(units: i64) -> Amount {
    Amount::from_mantissa(units.into(), 0).expect("it is small")
}

/// What the walks trade with.
pub fn spec() -> EngineSpec {
    let instruments: Vec<_> = (0..VENUES as u16).map(instrument).collect();
    EngineSpec {
        pairs: vec![PairSpec { px_dp: 2, qty_dp: 5, members: instruments.iter().map(|i| i.id).collect() }],
        funds: vec![Funds::Spot { base: amount(1_000_000_000), quote: amount(1_000_000_000_000) }; VENUES],
        assets: vec![Assets { base: 1, quote: 0 }; VENUES],
        instruments,
        limits: Limits {
            edge_min_ppb: 0,
            slippage_ppb: 0,
            latency_penalty_ppb: 0,
            order_notional_max: amount(100),
            position_max: amount(1_000_000_000),
            exposure: ExposureLimits::WIDE,
            open_orders_max: 128,
            collar_ppb: 1_000_000_000,
            collar_samples_min: 0,
            confirm_edge_ppb: i64::MAX,
            cooldown_ns: 0,
            refused_rest_ns: 0,
            stale_ns: vec![u64::MAX; VENUES],
            // Nothing is borne: what is left is told.
            saga: SagaLimits { cost_max_ppb: 100_000_000, exposure_max: amount(0), ..SagaLimits::default() },
            guard: GuardLimits::WIDE,
            strategies: Default::default(),
        },
        venues: VENUES,
        start_mode: Mode::Full,
        epoch: 1,
        tuning: Tuning { visibility_lag_ns: vec![LAG_NS; VENUES], ..Tuning::default() },
    }
}

/// An engine and its venues.
pub fn joined(trouble: u64) -> (Engine, Venues, MarketTx, PageWriters) {
    let (pages, readers) = pages(VENUES);
    let (market_tx, market_rx) = market(256, VENUES);
    let (order_tx, order_rx) = orders(256);
    let (fill_tx, fill_rx) = fills(4096);
    let ends = EngineEnds { market: market_rx, pages: readers, orders: order_tx, fills: fill_rx };
    let engine = Engine::new(&spec(), ends).expect("the spec is good");
    (engine, Venues::new(order_rx, fill_tx, trouble), market_tx, pages)
}
