//! The decision side of the wire: settle fills → take in the market → detect → risk → execute → tend
//! the sagas → housekeeping, one bounded turn per [`Engine::poll`].
//!
//! Stepped by the pinned thread, by replay and by tests alike; same inputs, same outputs. Nothing is
//! allocated after [`Engine::new`].

mod complementing;
mod lagging;
mod making;
mod spans;

pub use crate::exposures::ExposureLimits;
pub use crate::guard::GuardLimits;
pub use crate::risk::{Limits, SagaLimits};
pub use crate::spec::{
    Assets, Binary, EngineEnds, EngineSpec, Follow, Funds, Inheritance, PairSpec, SpecError, Tuning,
};
pub use crate::strategies::Strategies;

use crate::context::Context;
use crate::execute::{Cause, Executor, LegTicket, Outlook};
use crate::hedge::{self, Want};
use crate::opportunity::{Opportunity, Route};
use crate::position::Account;
use crate::risk::{Gate, LEGS, LegFacts, SendFacts};
use crate::saga::{Offer, Saga};
use crate::sizing::{Ladder, Leg, PairScale, Plan, Sizing};
use crate::strategies;
use crate::strategies::complement::Complement;
use crate::strategies::cross_venue::CrossVenue;
use crate::strategies::lag::Lag;
use crate::strategies::maker::Maker;
use crate::tops::Quote;
use crate::wallets::{Adjustment, Held};
use highwire_links::audit::{Decided, Record, Verdict};
use highwire_links::counter::{Counter, Stage};
use highwire_links::fill::Report;
use highwire_links::fixed::Px;
use highwire_links::ids::{InstrumentId, Nanos, PairId, Side, VenueId};
use highwire_links::instrument::{Change, Instrument, Status};
use highwire_links::lifecycle;
use highwire_links::limits::{AUDIT_PER_REPORT_MAX, PPB};
use highwire_links::market::{Market, MarketEvent};
use highwire_links::mode::{Mode, OrderClass};
use highwire_links::occupancy::Occupancy;
use highwire_links::page::{BookState, Page};
use highwire_quant::edge::Hurdle;
use highwire_quant::walk::Terms;
use spans::Spans;
use std::hint::black_box;

/// Market events per turn; the rest waits for the next one.
const MARKET_BATCH: usize = 256;
/// Reports per turn.
const FILL_BATCH: usize = 256;
/// How far a hedge's limit lies beyond the level seen at the first try, and how much farther with each that failed,
/// parts per billion (5 bp).
const REACH_PPB: i64 = 500_000;
/// The same for a share of a binary market, parts per billion of the one that it may pay: a cent.
const SHARE_REACH_PPB: i64 = 10_000_000;
/// The edge that a rehearsal asks for, parts per billion: a loss that every market shows, so that all of it is weighed.
const REHEARSED_PPB: i64 = -PPB / 2;

/// Decides what is traded.
#[derive(Debug)]
pub struct Engine {
    ends: EngineEnds,
    instruments: u16,
    scales: Box<[PairScale]>,
    detector: CrossVenue,
    complement: Complement,
    lag: Lag,
    maker: Maker,
    gate: Gate,
    executor: Executor,
    /// The last gate tripped, and the warden was told.
    is_tripped: bool,
    /// What the last taken opportunity's stages took, not told yet.
    untold: Option<Spans>,
}

/// When the frame came that is being judged, by wall time and by stamps.
#[derive(Clone, Copy, Debug)]
struct Origin {
    instrument: InstrumentId,
    recv_ns: Nanos,
    /// Receipt of the frame.
    received: u64,
    /// From then to the publication of its event.
    feed_ns: u32,
    /// Its event taken from the ring.
    taken: u64,
    /// Detection finished.
    detected: u64,
}

/// A decision and what is known of its size.
#[derive(Clone, Copy, Debug)]
struct Decision {
    base_qty: i64,
    edge_ppb: i64,
    /// What the two books are of; 0 for one that is not live.
    books_ns: [Nanos; 2],
}

impl Engine {
    /// An engine on these rings. It knows no top until [`Self::catch_up`] or each instrument's next
    /// event; `spec.start_mode` and `spec.limits` are what the warden says is in force. Orders of the engine before it are known to nobody: with another
    /// `spec.epoch` every report about them is counted as stray, and their fills are in no account.
    ///
    /// # Errors
    /// What is wrong with the spec.
    pub fn new(spec: &EngineSpec, ends: EngineEnds) -> Result<Self, SpecError> {
        spec.check()?;
        if ends.pages.len() < spec.instruments.len() {
            return Err(SpecError::PagesMissing);
        }
        Ok(Self {
            ends,
            instruments: u16::try_from(spec.instruments.len()).map_err(|_| SpecError::TooMany)?,
            scales: spec.pairs.iter().map(|pair| PairScale { px_dp: pair.px_dp, qty_dp: pair.qty_dp }).collect(),
            detector: CrossVenue::new(spec),
            complement: Complement::new(spec),
            lag: Lag::new(spec),
            maker: Maker::new(spec),
            gate: Gate::new(&spec.limits, spec.start_mode, spec.venues),
            executor: Executor::new(spec),
            is_tripped: false,
            untold: None,
        })
    }

    /// Takes its first view of the market from the pages, for an engine that follows another: a quiet
    /// instrument may send no event for long. What waits in the ring is older than the pages.
    pub fn catch_up(&mut self, cx: &mut Context<'_>) {
        while self.ends.market.take().is_some() {}
        for index in 0..self.instruments {
            self.on_page(cx, InstrumentId(index));
        }
    }

    /// One turn; returns the reports and events taken in, 0 when idle.
    pub fn poll(&mut self, cx: &mut Context<'_>) -> usize {
        self.tell_spans(cx);
        let work = self.settle(cx) + self.take_in_market(cx) + self.tend(cx);
        self.heed(cx);
        cx.tally.set(Counter::AuditLost, cx.ports.audit.lost());
        cx.tally.set(Counter::TelemetryDropped, cx.ports.telemetry.dropped());
        work
    }

    /// The service's mode.
    pub fn on_set_mode(&mut self, mode: Mode) {
        self.gate.on_set_mode(mode);
    }

    /// One venue's mode; an unknown venue is ignored.
    pub fn on_set_venue_mode(&mut self, venue: VenueId, mode: Mode) {
        self.gate.on_set_venue_mode(venue, mode);
    }

    /// An operator resumed: a tripped gate is armed again, pairs that waited for a human are free. No mode that
    /// moves by itself does that.
    pub fn on_resume(&mut self) {
        self.is_tripped = false;
        self.executor.on_resume();
    }

    /// New risk limits, from the next decision on.
    pub fn on_set_limits(&mut self, limits: &Limits) {
        self.gate.on_set_limits(limits);
        self.executor.on_set_limits(limits);
    }

    /// The venue changed something about an instrument. A position in one that is gone is kept, and told.
    pub fn on_set_instrument(&mut self, cx: &mut Context<'_>, id: InstrumentId, change: &Change) {
        let gone = |this: &Self| this.detector.instrument_of(id).is_some_and(|i| i.status == Status::Delisted);
        let was_gone = gone(self);
        self.detector.on_set_instrument(id, change);
        self.executor.on_set_instrument(id, change);
        if let Some(opens) = change.opens {
            self.complement.on_set_opens(id, opens);
            self.lag.on_set_opens(id, opens);
        }
        change.pays.into_iter().for_each(|px| self.executor.on_decided(cx, id, px));
        let position = self.executor.account(id).map_or(0, |account| account.standing.position);
        if gone(self) && !was_gone && position != 0 {
            cx.tell(lifecycle::Event::Stranded { instrument: id, position, at_ns: cx.now });
        }
    }

    /// What a venue holds for us, as it was told beside the lines.
    pub fn on_set_funds(&mut self, held: &Held) {
        self.executor.on_set_funds(held);
    }

    /// Balances were found to have moved by no trade.
    pub fn on_adjusted(&mut self, adjustments: &[Adjustment]) {
        self.executor.on_adjusted(adjustments);
    }

    /// What a venue told of orders when it was asked beside the lines. What cannot be recorded now is left: it is
    /// asked for again, or booked by count.
    pub fn on_told(&mut self, cx: &mut Context<'_>, reports: &[Report]) {
        for report in reports {
            if cx.ports.audit.room() < AUDIT_PER_REPORT_MAX {
                break;
            }
            self.executor.on_report(cx, &mut self.ends.orders, report);
        }
    }

    /// Whether the warden is silent: nothing is opened while it is.
    pub fn on_warden_silent(&mut self, silent: bool) {
        self.gate.on_warden_silent(silent);
    }

    /// Withdraws every open order, as fast as the order ring takes it.
    pub fn on_cancel_all(&mut self) {
        self.executor.on_cancel_all();
    }

    /// Closes what is exposed and followed by no trade, within the bounds of any hedge.
    pub fn on_flatten(&mut self, cx: &mut Context<'_>) {
        self.executor.on_flatten(cx, &mut self.ends.orders);
    }

    /// How things stand.
    pub fn standing_now(&self) -> lifecycle::Event {
        self.executor.standing()
    }

    /// Orders whose end is not known.
    pub fn open_orders(&self) -> usize {
        self.executor.open_orders()
    }

    /// The opportunities that are open now.
    pub fn standing(&self) -> impl Iterator<Item = &Opportunity> {
        self.detector.standing()
    }

    /// Opportunities open now.
    pub fn open_opportunities(&self) -> usize {
        self.detector.open()
    }

    /// Funds, reservations and position of an instrument.
    pub fn account(&self, id: InstrumentId) -> Option<Account> {
        self.executor.account(id)
    }

    /// The saga of a pair, while one goes on.
    pub fn saga(&self, pair: PairId) -> Option<&Saga> {
        self.executor.saga(pair)
    }

    /// Wallets, orders and what is left of ended trades.
    pub fn executor(&self) -> &Executor {
        &self.executor
    }

    /// How full its rings of orders and of reports are.
    pub fn rings(&self) -> (Occupancy, Occupancy) {
        (self.ends.orders.occupancy(), self.ends.fills.occupancy())
    }

    /// Gives the ring ends back.
    pub fn dismantle(self) -> EngineEnds {
        self.ends
    }

    /// Settles reports while each can be recorded; the fill ring is sized to hold them meanwhile.
    fn settle(&mut self, cx: &mut Context<'_>) -> usize {
        let mut work = 0;
        while work < FILL_BATCH && cx.ports.audit.room() >= AUDIT_PER_REPORT_MAX {
            let Some(report) = self.ends.fills.take() else { break };
            self.executor.on_report(cx, &mut self.ends.orders, &report);
            work += 1;
        }
        work
    }

    /// Lets time pass for every saga, and shows those that are exposed the best hedge.
    fn tend(&mut self, cx: &mut Context<'_>) -> usize {
        let (mut work, mut number) = (0, 0);
        self.executor.on_untold(cx);
        self.executor.try_venues(cx);
        work += self.executor.cancel_on(cx, &mut self.ends.orders);
        self.tend_inherited(cx);
        while let Some(pair) = self.executor.active(number).filter(|_| cx.ports.audit.room() >= AUDIT_PER_REPORT_MAX) {
            let withdrawn = self.tend_resting(cx, pair);
            work += withdrawn;
            if withdrawn == 0 {
                let offer = self.best_hedge(cx, pair);
                work += self.executor.on_tick(cx, &mut self.ends.orders, pair, offer);
            }
            // One that ended has left its place to the next.
            number += usize::from(self.executor.active(number) == Some(pair));
        }
        work
    }

    /// Hedges what engines before this one left, once every market of the pair may be traded and has a price.
    fn tend_inherited(&mut self, cx: &mut Context<'_>) {
        let mut number = 0;
        while let Some(pair) = self.executor.inherited(number).filter(|_| cx.ports.audit.room() >= AUDIT_PER_REPORT_MAX)
        {
            match self.hedging_px(cx, pair) {
                Some(fair_px) => self.executor.rescue_inherited(cx, &mut self.ends.orders, pair, fair_px),
                None => number += 1,
            }
        }
    }

    /// What a pair is worth, if every market of it is live and may be hedged at.
    fn hedging_px(&self, cx: &Context<'_>, pair: PairId) -> Option<i64> {
        let members = self.executor.members(pair);
        let may = |&id: &InstrumentId| {
            let venue = self.detector.instrument_of(id)?.venue;
            let permitted = self.gate.permits(OrderClass::Hedge, venue, cx.ports.cnc.stop_word());
            (permitted && self.page(id).state == BookState::Live).then_some(())
        };
        members.iter().try_for_each(may)?;
        self.detector.fair_px(*members.first()?)
    }

    fn best_hedge(&self, cx: &Context<'_>, pair: PairId) -> Option<Offer> {
        let saga = self.executor.saga(pair)?;
        let (exposure, terms) = (saga.wants_offer()?, saga.terms());
        let members = self.executor.members(pair);
        let fair_px = self.executor.paid_px(pair).or_else(|| self.detector.fair_px(*members.first()?))?;
        let (cost_max_ppb, least) = (terms.cost_max_ppb, terms.least);
        let binary = self.executor.curve(pair);
        let reach_ppb = if binary.is_some() { SHARE_REACH_PPB } else { REACH_PPB } * (1 + i64::from(saga.failures()));
        let scale = self.scales[pair.index()];
        let want = Want { exposure, fair_px, cost_max_ppb, reach_ppb, least, scale, binary };
        let mirrored = want.mirrored();
        let offer = |id: &InstrumentId| {
            let (instrument, page) = (self.detector.instrument_of(*id)?, self.newest_page(*id));
            let is_recent = self.gate.is_recent(instrument.venue, venue_time(page.event_ns, page.recv_ns), cx.now);
            let may = is_recent
                && instrument.status == Status::Trading
                && !self.executor.is_shut(*id, cx.now)
                && self.gate.permits(OrderClass::Hedge, instrument.venue, cx.ports.cnc.stop_word());
            let account = self.executor.account(*id).filter(|_| may)?;
            if self.executor.is_inverse(*id) {
                return hedge::offer(instrument, &account, &page, &mirrored).map(Offer::mirrored);
            }
            hedge::offer(instrument, &account, &page, &want)
        };
        let best = |is_shunned: bool, is_spent: bool| {
            let may = |id: &&InstrumentId| {
                let (shunned, spent) =
                    (self.executor.is_shunned(pair, **id, cx.now), self.executor.is_spent(pair, **id, cx.now));
                (shunned, spent) == (is_shunned, is_spent)
            };
            members.iter().filter(may).map(offer).fold(None, hedge::better)
        };
        // Where orders are refused or not answered is the last resort: what found nothing elsewhere is tried there again.
        best(false, false).or_else(|| if best(false, true).is_some() { None } else { best(true, false) })
    }

    /// Heeds what the sagas and the last gate found: venues that are not trusted only hedge, and a
    /// tripped gate halts.
    fn heed(&mut self, cx: &mut Context<'_>) {
        let mut distrusted = self.executor.take_distrusted();
        while distrusted != 0 {
            let venue = VenueId(distrusted.trailing_zeros() as u8);
            distrusted &= distrusted - 1;
            let mode = self.gate.mode_between(venue, venue).max(Mode::HedgeOnly);
            self.gate.on_set_venue_mode(venue, mode);
        }
        if let Some(why) = self.executor.guard().tripped().filter(|_| !self.is_tripped) {
            self.is_tripped = true;
            self.gate.on_set_mode(Mode::Halted);
            cx.tell(lifecycle::Event::GuardTripped { why, at_ns: cx.now });
        }
    }

    fn take_in_market(&mut self, cx: &mut Context<'_>) -> usize {
        let mut work = 0;
        while work < MARKET_BATCH {
            match self.ends.market.take() {
                Some(Market::Event(event)) => self.on_event(cx, &event),
                Some(Market::Conflated(id)) => self.on_conflated(cx, id),
                None => break,
            }
            work += 1;
        }
        work
    }

    fn on_event(&mut self, cx: &mut Context<'_>, event: &MarketEvent) {
        let quote = Quote {
            state: event.state,
            bid_px: event.bid_px,
            bid_qty: event.bid_qty,
            ask_px: event.ask_px,
            ask_qty: event.ask_qty,
            time_ns: venue_time(event.event_ns, event.recv_ns),
        };
        let taken = cx.clock.stamp();
        let queue_ns = cx.clock.between_ns(event.stamp, taken).saturating_sub(event.feed_ns.into());
        cx.stages.record(Stage::Queue, queue_ns);
        let (instrument, recv_ns, received) = (event.instrument, event.recv_ns, event.stamp);
        self.on_quote(
            cx,
            &quote,
            Origin { instrument, recv_ns, received, feed_ns: event.feed_ns, taken, detected: taken },
        );
    }

    /// Events were merged: the page says where the instrument stands. An unreadable page takes no part.
    fn on_conflated(&mut self, cx: &mut Context<'_>, id: InstrumentId) {
        cx.tally.add(Counter::Conflated);
        self.on_page(cx, id);
    }

    fn on_page(&mut self, cx: &mut Context<'_>, id: InstrumentId) {
        let page = self.ends.pages.read(id.index()).unwrap_or_default();
        let (bid, ask) = (page.bids[0], page.asks[0]);
        let quote = Quote {
            state: page.state,
            bid_px: bid.px,
            bid_qty: bid.qty,
            ask_px: ask.px,
            ask_qty: ask.qty,
            time_ns: venue_time(page.event_ns, page.recv_ns),
        };
        let taken = cx.clock.stamp();
        let recv_ns = page.recv_ns;
        self.on_quote(
            cx,
            &quote,
            Origin { instrument: id, recv_ns, received: taken, feed_ns: 0, taken, detected: taken },
        );
    }

    fn on_quote(&mut self, cx: &mut Context<'_>, quote: &Quote, mut origin: Origin) {
        let instrument = origin.instrument;
        self.detector.on_quote(cx, instrument, quote);
        self.executor.price(instrument, Px(quote.bid_px.max(quote.ask_px)));
        origin.detected = cx.clock.stamp();
        cx.stages.record(Stage::Detect, cx.clock.between_ns(origin.taken, origin.detected));
        let mut number = 0;
        while let Some(route) = self.detector.due(number) {
            self.judge(cx, route, &origin);
            number += 1;
        }
        if let Some(number) = self.complement.number_of(instrument) {
            self.judge_complement(cx, number, &origin);
        }
        self.judge_lags(cx, instrument, quote, &origin);
        self.judge_maker(cx, instrument, &origin);
        self.detector.on_judged(instrument);
    }

    /// Decides an opportunity that is not taken yet, and writes the decision down when it is new.
    fn judge(&mut self, cx: &mut Context<'_>, route: Route, origin: &Origin) {
        let Some(opportunity) = self.detector.opportunity_mut(route).copied() else { return };
        if opportunity.is_taken() {
            return;
        }
        let begun = cx.clock.stamp();
        let mut decision = self.thin(route);
        let cause =
            Cause { opportunity: opportunity.id, pair: route.seat.pair, decided_ns: cx.now, stamp: origin.received };
        let legs = [self.leg(route, Side::Buy).id, self.leg(route, Side::Sell).id];
        let is_entered = if self.gate.limits().strategies.maker.is_on { Err(Verdict::Resting) } else { Ok(()) };
        let prepared = is_entered
            .and(opportunity.doubt.verdict())
            .and_then(|()| self.weigh(cx, route, self.gate.stop_edge_ppb(), &mut decision))
            .and_then(|plan| {
                let leg = |instrument, side, ticket| LegTicket { instrument, side, ticket };
                let legs = [leg(legs[0], Side::Buy, plan.buy), leg(legs[1], Side::Sell, plan.sell)];
                self.executor.prepare(cx, &legs, &cause)
            });
        let decided = cx.clock.stamp();
        cx.stages.record(Stage::Risk, cx.clock.between_ns(begun, decided));
        let verdict = prepared.err().unwrap_or(Verdict::Taken);
        self.record(cx, route, opportunity.id, verdict, decision);
        if let Ok(prepared) = prepared {
            let rests_until_ns = cx.now.saturating_add(self.gate.limits().cooldown_ns);
            let outlook = Outlook { edge_ppb: decision.edge_ppb, rests_until_ns, patience: None, rest: None };
            self.executor.submit(cx, &mut self.ends.orders, &prepared, &outlook);
            self.note_spans(cx, cause.opportunity, origin, begun, decided);
        }
    }

    /// Keeps a taken opportunity's stamps until its orders have left.
    fn note_spans(&mut self, cx: &mut Context<'_>, opportunity: u32, origin: &Origin, begun: u64, decided: u64) {
        self.tell_spans(cx);
        self.untold = Some(Spans { opportunity, origin: *origin, begun, decided, handed: cx.clock.stamp() });
    }

    fn tell_spans(&mut self, cx: &mut Context<'_>) {
        if let Some(spans) = self.untold.take() {
            spans.tell(cx);
        }
    }

    /// Counts a verdict, and writes it down when it differs from the opportunity's last one.
    fn record(&mut self, cx: &mut Context<'_>, route: Route, id: u32, verdict: Verdict, decision: Decision) {
        match verdict {
            Verdict::Taken => cx.tally.add(Counter::Taken),
            Verdict::Overflow => cx.tally.add(Counter::Overflows),
            _ => {}
        }
        let Some(opportunity) = self.detector.opportunity_mut(route) else { return };
        if opportunity.verdict.replace(verdict) != Some(verdict) {
            let Decision { base_qty, edge_ppb, books_ns } = decision;
            let decided = Decided { id, verdict, at_ns: cx.now, base_qty, edge_ppb, books_ns };
            cx.ports.audit.write(Record::Decided(decided));
        }
    }

    /// Weighs an opportunity that there is none of, on another pair for each number, and drops the answer: so code, books,
    /// limits and accounts are at hand when there is one. By its types it can neither change, send, record nor count
    /// anything.
    pub fn rehearse(&self, cx: &Context<'_>, number: usize) {
        let Some(route) = self.detector.some_route(number) else { return };
        let mut decision = self.thin(route);
        _ = black_box(self.weigh(cx, route, Some(REHEARSED_PPB), &mut decision));
    }

    /// The whole gate, in the order of the verdicts.
    fn weigh(
        &self,
        cx: &Context<'_>,
        route: Route,
        stop_edge_ppb: Option<i64>,
        decision: &mut Decision,
    ) -> Result<Plan, Verdict> {
        let seat = route.seat;
        let (buy, sell) = (self.leg(route, Side::Buy), self.leg(route, Side::Sell));
        let (buy_top, sell_top) =
            (self.detector.tops().top(seat, route.buy), self.detector.tops().top(seat, route.sell));
        let (buy_page, sell_page) = (self.page(buy.id), self.page(sell.id));
        let facts = [self.facts(buy, buy_top.ask_px, &buy_page), self.facts(sell, sell_top.bid_px, &sell_page)];
        decision.books_ns = facts.each_ref().map(|fact| fact.time_ns.unwrap_or(0));
        self.gate.on_opportunity(cx.ports.cnc.stop_word(), &facts, cx.now)?;

        let scale = self.scales[seat.pair.index()];
        let terms = Terms {
            fees: self.detector.tops().fees(seat, route.buy, route.sell),
            stop_edge_ppb: stop_edge_ppb.ok_or(Verdict::Overflow)?,
            base_max: i64::MAX,
        };
        let caps = self.gate.caps(strategies::Strategy::CrossVenue, self.gate.mode_between(buy.venue, sell.venue));
        // Beyond what the other side's best price is worth no level is ever walked.
        let hurdle = Hurdle::new(terms.fees, terms.stop_edge_ppb).ok_or(Verdict::Overflow)?;
        let (ask, bid) = (buy_top.ask_px, sell_top.bid_px);
        let asks = Ladder::new(buy, Side::Buy, buy_top, &buy_page, scale, |px| hurdle.is_cleared(px, bid));
        let bids = Ladder::new(sell, Side::Sell, sell_top, &sell_page, scale, |px| hurdle.is_cleared(ask, px));
        let (buy_ladder, sell_ladder) = asks.zip(bids).ok_or(Verdict::Overflow)?;
        let (buy_account, sell_account) =
            self.executor.account(buy.id).zip(self.executor.account(sell.id)).ok_or(Verdict::Overflow)?;
        let buy_leg = Leg { instrument: buy, account: &buy_account, ladder: &buy_ladder };
        let sell_leg = Leg { instrument: sell, account: &sell_account, ladder: &sell_ladder };
        let deep = Sizing::by_depth(buy_leg, sell_leg, terms, scale)?;
        self.gate.on_open_orders(self.executor.open_orders(), &caps)?;
        let plan = deep.by_limits(&caps)?.by_funds()?.plan().ok_or(Verdict::Overflow)?;
        decision.base_qty = plan.base;
        decision.edge_ppb = plan.edge_ppb.saturating_sub(self.allowances_ppb());

        self.ask_room(cx, seat.pair)?;
        Ok(plan)
    }

    /// Whether the pair is free, and the rings have room for what a trade of it sends and records.
    fn ask_room(&self, cx: &Context<'_>, pair: PairId) -> Result<(), Verdict> {
        let (pair_open, rests_until_ns) = self.executor.rest(pair);
        let (order_room, audit_room) = (self.ends.orders.room(), cx.ports.audit.has_room());
        self.gate.on_sized(&SendFacts { pair_open, rests_until_ns, order_room, audit_room }, cx.now)
    }

    fn facts(&self, instrument: &Instrument, px: i64, page: &Page) -> LegFacts {
        let live = page.state == BookState::Live;
        LegFacts {
            venue: instrument.venue,
            status: instrument.status,
            // A ticker is no witness for the depth that the size is taken from, and on some venues has no time.
            time_ns: live.then(|| venue_time(page.event_ns, page.recv_ns)),
            px,
            reference: self.detector.reference(instrument.id),
            band: None,
            median: self.detector.median_px(instrument.id),
        }
    }

    fn leg(&self, route: Route, side: Side) -> &Instrument {
        let member = if side == Side::Buy { route.buy } else { route.sell };
        self.detector.instrument(route.seat, member)
    }

    /// The page, corrected by the newest top.
    fn newest_page(&self, id: InstrumentId) -> Page {
        let page = self.page(id);
        let seat = self.detector.tops().seat(id).zip(self.detector.instrument_of(id));
        let Some((seat, instrument)) = seat else { return page };
        let top = self.detector.tops().top(seat, seat.member);
        hedge::corrected(page, top, instrument, self.scales[seat.pair.index()].px_dp)
    }

    fn page(&self, id: InstrumentId) -> Page {
        self.ends.pages.read(id.index()).unwrap_or_default()
    }

    /// A decision before anything is computed: the edge at the tops less the allowances.
    fn thin(&self, route: Route) -> Decision {
        let edge = self.detector.tops().crossing(route.seat, route.buy, route.sell).unwrap_or(0);
        Decision { base_qty: 0, edge_ppb: edge.saturating_sub(self.allowances_ppb()), books_ns: [0; 2] }
    }

    fn allowances_ppb(&self) -> i64 {
        let limits = self.gate.limits();
        limits.slippage_ppb.saturating_add(limits.latency_penalty_ppb)
    }
}

const _: () = assert!(LEGS == 2, "an opportunity is one buy and one sell");

/// The venue's time where it gives one, else ours.
fn venue_time(event_ns: Nanos, recv_ns: Nanos) -> Nanos {
    if event_ns != 0 { event_ns } else { recv_ns }
}

#[cfg(test)]
mod tests;
