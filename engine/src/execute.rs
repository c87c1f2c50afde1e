//! Execution: legs are reserved and built, all go out or none, and one saga per pair follows them to
//! their end. Reports are told apart from their duplicates, booked, and handed to the saga; what it
//! answers is done here.

mod binary;
mod cash;
mod decided;
mod open;
mod outlook;
mod reports;
mod rest;
mod resting;
mod view;

pub use cash::base_fee;
pub use outlook::{Outlook, Patience, Rest};
pub use resting::Resting;

use crate::breakers::Breakers;
use crate::context::Context;
use crate::exposures::{ExposureLimits, Exposures};
use crate::guard::Guard;
use crate::life::Life;
use crate::orders::{Known, Orders};
use crate::refusals::Refusals;
use crate::reprices::Reprices;
use crate::risk::{Limits, SagaLimits};
use crate::saga::{Action, Actions, Ending, Event, Offer, Part, Saga, Standing, Terms};
use crate::sizing::{PairScale, Ticket};
use crate::spec::EngineSpec;
use crate::trades::Trades;
use crate::wallets::{Adjustment, Held, Wallets};
use cash::Cash;
pub use cash::least_base;
use highwire_links::audit::{Record, SagaMoved, SagaStage, SagaWhy, Verdict};
use highwire_links::counter::Counter;
use highwire_links::fixed::{Amount, Qty};
use highwire_links::ids::{InstrumentId, Nanos, PairId, Side, VenueId};
use highwire_links::instrument::{Change, Instrument};
use highwire_links::lease::ID_BITS;
use highwire_links::lifecycle;
use highwire_links::limits::{POW10, SAGA_LEGS_MAX};
use highwire_links::mode::OrderClass;
use highwire_links::order::{Action as Verb, Order, OrderTx, TimeInForce};
use highwire_quant::complement::FeeCurve;
use reports::Untold;

/// Set in the group of a trade that no opportunity began.
const RESCUE: u64 = 1 << 47;
/// Engines of one epoch are told apart by these bits of a group.
const ENGINE_BITS: u64 = 0x7fff;

/// Why and when the legs of a trade go out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cause {
    /// The opportunity.
    pub opportunity: u32,
    /// Its pair.
    pub pair: PairId,
    /// When it was decided.
    pub decided_ns: Nanos,
    /// Raw clock stamp of the frame that caused it.
    pub stamp: u64,
}

/// One leg to be sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LegTicket {
    /// What to trade.
    pub instrument: InstrumentId,
    /// Buy or sell.
    pub side: Side,
    /// At which limit, and how much.
    pub ticket: Ticket,
}

/// Legs that are reserved for and built, and not sent yet.
#[derive(Clone, Copy, Debug)]
pub struct Prepared {
    orders: [Option<Order>; SAGA_LEGS_MAX],
    pair: PairId,
    group: u64,
}

impl Prepared {
    /// Its orders.
    pub fn orders(&self) -> impl Iterator<Item = &Order> {
        self.orders.iter().flatten()
    }
}

/// A saga that has not ended.
#[derive(Clone, Copy, Debug)]
struct Active {
    saga: Saga,
    group: u64,
    expected_ppb: i64,
    cash: Cash,
    venues: u64,
    /// Base that it found when it began: earlier trades have answered for it.
    carried: i64,
    /// What hedges are measured against instead of the fair price.
    paid_px: Option<i64>,
    /// How its legs rest.
    rest: Option<Rest>,
}

impl Active {
    /// The exposure that is its own doing.
    fn left(&self) -> i64 {
        self.saga.exposure().saturating_sub(self.carried)
    }
}

/// What stands at a pair.
#[derive(Clone, Debug, Default)]
struct Berth {
    rests_until_ns: Nanos,
    active: Option<Active>,
    /// Base that is left of earlier trades.
    dust: i64,
    /// Base below which it stays dust, by the last trade.
    least: i64,
    /// A saga was escalated: it rests until a mode is given anew.
    is_blocked: bool,
}

/// Wallets, orders and sagas.
#[derive(Debug)]
pub struct Executor {
    instruments: Box<[Instrument]>,
    members: Box<[Box<[InstrumentId]>]>,
    /// Per pair, the pair at which its trades are followed: the two sides of a binary market share one.
    homes: Box<[PairId]>,
    /// Per instrument: whether having it is being short, the no side of a binary market.
    is_inverse: Box<[bool]>,
    /// Per pair, the fee of the binary market that it is a side of.
    curves: Box<[Option<FeeCurve>]>,
    scales: Box<[PairScale]>,
    wallets: Wallets,
    orders: Orders,
    trades: Trades,
    guard: Guard,
    exposures: Exposures,
    exposure_limits: ExposureLimits,
    berths: Box<[Berth]>,
    active: Vec<PairId>,
    /// Orders that ended with trades untold, the oldest first.
    untold: Vec<Untold>,
    refusals: Refusals,
    reprices: Reprices,
    breakers: Breakers,
    refused_rest_ns: Nanos,
    limits: SagaLimits,
    lag_ns: Vec<Nanos>,
    distrusted: u64,
    /// What every group of this engine begins with.
    groups: u64,
    rescues: u64,
    /// The next place of the order table that is to be withdrawn; `None` when nothing is.
    withdrawing: Option<usize>,
    /// Pairs with a drift that engines before this one left.
    inherited: Vec<PairId>,
}

impl Executor {
    /// An executor with the start funds and the inheritance of a checked spec, and no open order.
    pub fn new(spec: &EngineSpec) -> Self {
        let mut lag_ns = spec.tuning.visibility_lag_ns.clone();
        lag_ns.resize(spec.venues, 0);
        let (ids, inherited) = (&spec.tuning.ids, &spec.tuning.inherited);
        let groups = u64::from(spec.epoch) << ID_BITS | (ids.begin() & ENGINE_BITS) << 32;
        let drifts = binary::drifts(spec);
        let dust = |pair: usize| drifts.get(pair).copied().unwrap_or(0);
        let berths = (0..spec.pairs.len()).map(|pair| Berth { dust: dust(pair), ..Berth::default() }).collect();
        let mut guard = Guard::new(&spec.limits.guard, spec.pairs.len());
        guard.on_result(inherited.result.0, inherited.result.1);
        let mut trades = Trades::default();
        inherited
            .trades
            .iter()
            .for_each(|&(instrument, trade, settlement)| trades.inherit(instrument, trade, settlement));
        Self {
            instruments: spec.instruments.clone().into(),
            members: binary::members(spec),
            homes: binary::homes(spec),
            is_inverse: binary::inverse(spec),
            curves: binary::curves(spec),
            scales: spec.pairs.iter().map(|pair| PairScale { px_dp: pair.px_dp, qty_dp: pair.qty_dp }).collect(),
            wallets: Wallets::new(spec),
            orders: Orders::new(spec.epoch, spec.tuning.order_slots, ids.clone()),
            trades,
            guard,
            exposures: open::exposures(spec),
            exposure_limits: spec.limits.exposure,
            berths,
            active: Vec::with_capacity(spec.pairs.len()),
            untold: Vec::with_capacity(spec.tuning.order_slots.next_power_of_two()),
            refusals: Refusals::new(spec.instruments.len()),
            reprices: Reprices::new(spec.pairs.len()),
            breakers: Breakers::new(spec.venues, spec.tuning.breaker),
            refused_rest_ns: spec.limits.refused_rest_ns,
            limits: spec.limits.saga,
            lag_ns,
            distrusted: 0,
            groups,
            rescues: 0,
            withdrawing: None,
            inherited: (0..).map(PairId).take(spec.pairs.len()).filter(|pair| dust(pair.index()) != 0).collect(),
        }
    }

    /// The venue changed something about an instrument; an unknown one is ignored.
    pub fn on_set_instrument(&mut self, id: InstrumentId, change: &Change) {
        if let Some(instrument) = self.instruments.get_mut(id.index()) {
            instrument.change(change);
        }
    }

    /// New limits, from the next trade on.
    pub fn on_set_limits(&mut self, limits: &Limits) {
        self.limits = limits.saga;
        self.refused_rest_ns = limits.refused_rest_ns;
        self.exposure_limits = limits.exposure;
        self.guard.on_set_limits(&limits.guard);
    }

    /// What the venues say is free.
    pub fn on_set_funds(&mut self, held: &Held) {
        held.0.iter().for_each(|&(id, funds)| self.wallets.on_told(id, funds));
    }

    /// Balances have moved by no trade.
    pub fn on_adjusted(&mut self, adjustments: &[Adjustment]) {
        adjustments.iter().for_each(|adjustment| self.wallets.on_adjusted(adjustment));
    }

    /// An operator resumed: pairs that waited for a human are free again.
    pub fn on_resume(&mut self) {
        self.berths.iter_mut().for_each(|berth| berth.is_blocked = false);
        self.guard.reset();
    }

    /// Venues, a bit each, at which a saga was escalated since the last call.
    pub fn take_distrusted(&mut self) -> u64 {
        std::mem::take(&mut self.distrusted)
    }

    /// Asks the venues' breakers and the last gate, reserves for every leg and builds it; nothing is held when one
    /// cannot be.
    ///
    /// # Errors
    /// `Breaker` when a venue does not answer, `Limit` when the gate refuses or the table is full, `Balance`, or `Overflow`.
    pub fn prepare(&mut self, cx: &mut Context<'_>, legs: &[LegTicket], cause: &Cause) -> Result<Prepared, Verdict> {
        let cause = &Cause { pair: self.homes[cause.pair.index()], ..*cause };
        let value = legs.iter().try_fold(Amount::ZERO, |sum, leg| sum.checked_add(self.value(leg)?));
        let value = value.ok_or(Verdict::Overflow)?;
        if !legs.iter().all(|leg| self.breakers.lets(self.venue(leg.instrument), cx.now)) {
            return Err(Verdict::Breaker);
        }
        if !self.guard.admits_opening(cause.pair, legs.len(), value, cx.now) {
            cx.tally.add(Counter::GuardRefusals);
            return Err(Verdict::Limit);
        }
        if !self.fits(cause.pair, legs).ok_or(Verdict::Overflow)? {
            return Err(Verdict::Limit);
        }
        let group = self.groups | u64::from(cause.opportunity);
        let mut prepared = Prepared { orders: [None; SAGA_LEGS_MAX], pair: cause.pair, group };
        for (place, leg) in prepared.orders.iter_mut().zip(legs) {
            match self.build(leg, cause, group, OrderClass::Open) {
                Ok(order) => *place = Some(order),
                Err(verdict) => {
                    self.withdraw(&prepared);
                    return Err(verdict);
                }
            }
        }
        Ok(prepared)
    }

    /// Hands every leg over and begins its saga; the caller has seen room for all.
    pub fn submit(&mut self, cx: &mut Context<'_>, tx: &mut OrderTx, prepared: &Prepared, outlook: &Outlook) {
        let (mut legs, mut len, mut venues) = ([Part::default(); SAGA_LEGS_MAX], 0, 0);
        let terms = prepared.orders().next().map(|order| self.terms(order)).unwrap_or_default();
        let terms = outlook.patience.map_or(terms, |patience| patience.on(terms));
        let terms = outlook.rest.map_or(terms, |rest| rest.on(terms));
        for order in prepared.orders() {
            legs[len] = Part::new(order.id, cx.now, &terms);
            venues |= self.venue_bit(order.instrument);
            self.breakers.on_opening(self.venue(order.instrument), cx.now);
            if let Some(known) = self.orders.get_mut(order.id) {
                // At most SAGA_LEGS_MAX.
                (known.part, known.is_post_only) = (len as u8, order.tif == TimeInForce::PostOnly);
            }
            len += 1;
        }
        self.guard.on_opened(prepared.pair, cx.now);
        self.exposures.note_out(prepared.pair, self.value_of(prepared));
        self.berths[prepared.pair.index()].rests_until_ns = outlook.rests_until_ns;
        self.begin(cx, prepared.pair, &legs[..len], (prepared.group, outlook.edge_ppb, venues), terms);
        if let Some(active) = &mut self.berths[prepared.pair.index()].active {
            active.paid_px = outlook.patience.map(|patience| patience.paid_px);
            active.rest = outlook.rest;
        }
        for (number, order) in (0u8..).zip(prepared.orders()) {
            if !self.hand_over(cx, tx, order) {
                self.on_never_sent(cx, tx, prepared.pair, number, order.id);
            }
        }
    }

    /// Lets time pass for the saga of a pair; returns what it asked for.
    pub fn on_tick(&mut self, cx: &mut Context<'_>, tx: &mut OrderTx, pair: PairId, offer: Option<Offer>) -> usize {
        let is_shut = self.members[pair.index()].iter().any(|&id| self.is_shut(id, cx.now));
        self.step(cx, tx, pair, Event::Tick { offer, is_shut })
    }

    fn begin(
        &mut self,
        cx: &mut Context<'_>,
        pair: PairId,
        legs: &[Part],
        (group, expected_ppb, venues): (u64, i64, u64),
        terms: Terms,
    ) {
        cx.tally.add(Counter::Sagas);
        let berth = &mut self.berths[pair.index()];
        let carried = std::mem::take(&mut berth.dust);
        let saga = Saga::new(legs, carried, terms, cx.now);
        berth.least = terms.least;
        let cash = Cash::default();
        let stage = saga.stage();
        berth.active = Some(Active { saga, group, expected_ppb, cash, venues, carried, paid_px: None, rest: None });
        self.active.push(pair);
        self.note(cx, pair, stage, stage, SagaWhy::Sent);
    }

    /// Hands an event to the pair's saga and does what it answers; returns how much that was.
    fn step(&mut self, cx: &mut Context<'_>, tx: &mut OrderTx, pair: PairId, event: Event) -> usize {
        let Some(active) = &mut self.berths[pair.index()].active else { return 0 };
        let actions = active.saga.on(event, cx.now);
        self.act(cx, tx, pair, &actions)
    }

    fn act(&mut self, cx: &mut Context<'_>, tx: &mut OrderTx, pair: PairId, actions: &Actions) -> usize {
        let mut done = 0;
        for action in actions.iter() {
            done += 1;
            match action {
                Action::Ask(id) => self.request(cx, tx, id, Verb::Query),
                Action::Cancel(id) => self.request(cx, tx, id, Verb::Cancel),
                Action::Hedge(part, offer) => self.hedge(cx, tx, pair, part, &offer),
                Action::Alarm => self.alarm(cx, pair),
                Action::Moved { from, to, why } => self.note(cx, pair, from, to, why),
            }
        }
        self.finish(cx, pair, actions);
        done
    }

    fn request(&mut self, cx: &mut Context<'_>, tx: &mut OrderTx, id: u64, verb: Verb) {
        let Some(known) = self.orders.get_mut(id) else { return };
        let order = Order {
            id,
            group: known.group,
            px: known.px,
            qty: Qty(known.life.rest()),
            decided_ns: cx.now,
            stamp: 0,
            instrument: known.instrument,
            side: known.side,
            tif: TimeInForce::Ioc,
            class: OrderClass::Cancel,
            action: verb,
            reduce_only: false,
        };
        // Without room it is asked again at the next turn of asking.
        if tx.submit(order).is_ok() {
            if verb == Verb::Query {
                known.asked_ns = cx.now.max(1);
            }
            cx.ports.audit.write(Record::Sent(order));
        }
    }

    fn hedge(&mut self, cx: &mut Context<'_>, tx: &mut OrderTx, pair: PairId, part: u8, offer: &Offer) {
        let sent = self.send_hedge(cx, tx, pair, part, offer);
        let venue = self.venue_bit(offer.instrument);
        if let Some(active) = &mut self.berths[pair.index()].active {
            active.venues |= venue;
            active.saga.on_hedge_sent(part, sent);
        }
    }

    fn send_hedge(
        &mut self,
        cx: &mut Context<'_>,
        tx: &mut OrderTx,
        pair: PairId,
        part: u8,
        offer: &Offer,
    ) -> Option<u64> {
        let group = self.berths[pair.index()].active.as_ref()?.group;
        if !self.guard.admits_hedge(cx.now) || tx.room() == 0 {
            cx.tally.add(Counter::GuardRefusals);
            return None;
        }
        let ticket = Ticket { px: offer.px, qty: offer.qty };
        let leg = LegTicket { instrument: offer.instrument, side: offer.side, ticket };
        let cause = Cause { opportunity: 0, pair, decided_ns: cx.now, stamp: cx.clock.stamp() };
        let order = self.build(&leg, &cause, group, OrderClass::Hedge).ok()?;
        self.orders.get_mut(order.id)?.part = part;
        if !self.hand_over(cx, tx, &order) {
            self.forget(order.id);
            return None;
        }
        cx.tally.add(Counter::Hedges);
        Some(order.id)
    }

    fn hand_over(&mut self, cx: &mut Context<'_>, tx: &mut OrderTx, order: &Order) -> bool {
        let is_sent = tx.submit(*order).is_ok();
        if is_sent {
            cx.tally.add(Counter::Orders);
            cx.tally.add_many(Counter::PostOnly, u64::from(order.tif == TimeInForce::PostOnly));
            let value = self.instruments[order.instrument.index()].quote_amount(order.px, order.qty);
            self.guard.on_sent(value.unwrap_or_default(), cx.now);
            cx.ports.audit.write(Record::Sent(*order));
        }
        is_sent
    }

    /// A leg for which there was no room after all: proved not to be sent.
    fn on_never_sent(&mut self, cx: &mut Context<'_>, tx: &mut OrderTx, pair: PairId, part: u8, id: u64) {
        cx.tally.add(Counter::OrderRejects);
        self.forget(id);
        let (standing, is_answer, is_put_off) = (Standing::Ended, false, false);
        self.step(cx, tx, pair, Event::Order { part, standing, moved: 0, is_answer, is_put_off });
    }

    fn alarm(&mut self, cx: &mut Context<'_>, pair: PairId) {
        let Some(Active { saga, group, .. }) = self.berths[pair.index()].active else { return };
        cx.tell(lifecycle::Event::ExposedTooLong { group, pair, exposure: saga.exposure(), at_ns: cx.now });
    }

    fn note(&mut self, cx: &mut Context<'_>, pair: PairId, from: SagaStage, to: SagaStage, why: SagaWhy) {
        let Some(active) = &self.berths[pair.index()].active else { return };
        let Active { saga, group, expected_ppb, .. } = active;
        let cash = self.cash_of(active);
        cx.ports.audit.write(Record::Saga(SagaMoved {
            group: *group,
            at_ns: cx.now,
            exposure: saga.exposure(),
            expected_ppb: *expected_ppb,
            captured_ppb: cash.captured_ppb(active.left(), self.scales[pair.index()].qty_dp),
            pair,
            from,
            to,
            why,
        }));
    }

    /// Lets go of a saga that has ended.
    fn finish(&mut self, cx: &mut Context<'_>, pair: PairId, actions: &Actions) {
        let berth = &mut self.berths[pair.index()];
        let Some(ending) = berth.active.as_ref().and_then(|active| active.saga.ending()) else { return };
        let Some(active) = berth.active.take() else { return };
        berth.dust = active.saga.exposure();
        let (left, cash) = (active.left(), self.cash_of(&active));
        let Active { saga, group, venues, rest, .. } = active;
        self.rest_after(cx, pair, &saga, rest);
        self.exposures.note_out(pair, Amount::ZERO);
        self.active.retain(|&other| other != pair);
        let scale = self.scales[pair.index()];
        self.guard.on_result(cash.result(left, scale.qty_dp), cx.now);
        if ending == Ending::Escalated {
            let why = actions
                .iter()
                .filter_map(|action| if let Action::Moved { why, .. } = action { Some(why) } else { None });
            let why = why.last().unwrap_or(SagaWhy::Unresolved);
            self.berths[pair.index()].is_blocked = !cfg!(mutant = "escalated-rest");
            self.distrusted |= venues;
            self.escalate(cx, pair, (group, saga.exposure(), why));
        }
    }

    fn escalate(&mut self, cx: &mut Context<'_>, pair: PairId, (group, exposure, why): (u64, i64, SagaWhy)) {
        cx.tally.add(Counter::Escalations);
        cx.tell(lifecycle::Event::Escalated { group, pair, exposure, why, at_ns: cx.now });
    }

    fn build(&mut self, leg: &LegTicket, cause: &Cause, group: u64, class: OrderClass) -> Result<Order, Verdict> {
        let &LegTicket { instrument: id, side, ticket: Ticket { px, qty } } = leg;
        let instrument = &self.instruments[id.index()];
        let account = self.wallets.account(id).ok_or(Verdict::Overflow)?;
        let need = account.need(instrument, side, px, qty).ok_or(Verdict::Overflow)?;
        if !self.wallets.reserve(id, need) {
            return Err(Verdict::Balance);
        }
        let life = Life::new(qty.0, cause.decided_ns);
        let known = Known {
            id: 0,
            instrument: id,
            pair: cause.pair,
            part: 0,
            group,
            side,
            is_post_only: false,
            px,
            life,
            need,
            is_closed: false,
            asked_ns: 0,
        };
        let Some(order_id) = self.orders.insert(known) else {
            self.wallets.release(id, need);
            return Err(Verdict::Limit);
        };
        Ok(Order {
            id: order_id,
            group,
            px,
            qty,
            decided_ns: cause.decided_ns,
            stamp: cause.stamp,
            instrument: id,
            side,
            tif: TimeInForce::Ioc,
            class,
            action: Verb::Place,
            reduce_only: false,
        })
    }

    fn withdraw(&mut self, prepared: &Prepared) {
        prepared.orders().for_each(|order| self.forget(order.id));
    }

    /// Ends an order that was never sent: what it held is free.
    fn forget(&mut self, id: u64) {
        let Some(known) = self.orders.get_mut(id) else { return };
        let (instrument, need) = (known.instrument, std::mem::take(&mut known.need));
        self.wallets.release(instrument, need);
        self.orders.close(id);
    }

    /// The bounds of a trade that this order is a leg of.
    fn terms(&self, order: &Order) -> Terms {
        let instrument = &self.instruments[order.instrument.index()];
        let (scale, pair) = (self.scales[instrument.pair.index()], self.homes[instrument.pair.index()]);
        let own = cash::canonical(instrument, order.px, scale.px_dp);
        let seen = |id: InstrumentId| self.is_inverse[id.index()] != self.is_inverse[instrument.id.index()];
        let px_at = |id: InstrumentId| if seen(id) { POW10[usize::from(scale.px_dp)] - own } else { own };
        // What is no dust now must stay tradable when the price has moved as far as a hedge may cost.
        let least_at = |&id: &InstrumentId| {
            let px = self.lowered(pair, px_at(id)).max(1);
            least_base(&self.instruments[id.index()], px, scale)
        };
        let least = self.members[pair.index()].iter().filter_map(least_at).min().unwrap_or(1);
        let px = px_at(self.members[pair.index()][0]).max(1);
        let bound = cash::base_of(self.limits.exposure_max, px, scale);
        cash::terms(&self.limits, bound, least, self.is_binary(pair))
    }

    /// A price of the pair when it has moved as far as a hedge may cost.
    fn lowered(&self, pair: PairId, px: i64) -> i64 {
        if !self.is_binary(pair) {
            return cash::lowered(px, self.limits.cost_max_ppb);
        }
        let one = POW10[usize::from(self.scales[pair.index()].px_dp)];
        px - (one - cash::lowered(one, self.limits.share_max_ppb))
    }

    fn value(&self, leg: &LegTicket) -> Option<Amount> {
        self.instruments.get(leg.instrument.index())?.quote_amount(leg.ticket.px, leg.ticket.qty)
    }

    fn venue(&self, id: InstrumentId) -> VenueId {
        self.instruments[id.index()].venue
    }

    fn venue_bit(&self, id: InstrumentId) -> u64 {
        let VenueId(venue) = self.venue(id);
        1u64.checked_shl(venue.into()).unwrap_or(0)
    }
}

#[cfg(test)]
mod tests;
