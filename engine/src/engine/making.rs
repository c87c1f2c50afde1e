//! The maker entry in the engine: what the gate asks before a leg rests, and when it is withdrawn. What is taken of it is
//! hedged by the trade's saga, like whatever any trade leaves open.

use super::{Engine, Origin};
use crate::context::Context;
use crate::execute::{Cause, LegTicket, Outlook, Rest, Resting};
use crate::opportunity::Route;
use crate::risk::LegFacts;
use crate::sizing::{Ladder, Leg, Plan, Sizing};
use crate::strategies::Strategy;
use crate::strategies::maker::{self, Quote};
use crate::tops::Seat;
use highwire_links::InstrumentId;
use highwire_links::audit::Verdict;
use highwire_links::counter::Stage;
use highwire_links::fixed::{Qty, rescale};
use highwire_links::ids::{PairId, Side};
use highwire_quant::walk::Terms;

impl Engine {
    /// Lets a leg rest where another market that this event is about hedges it, or the other way round.
    pub(super) fn judge_maker(&mut self, cx: &mut Context<'_>, id: InstrumentId, origin: &Origin) {
        let params = self.gate.limits().strategies.maker;
        if !params.is_on {
            return;
        }
        let Some(seat) = self.detector.tops().seat(id) else { return };
        let begun = cx.clock.stamp();
        let stop_ppb = self.gate.stop_edge_ppb().and_then(|stop| stop.checked_add(params.margin_ppb));
        let quote = stop_ppb.and_then(|stop| self.maker.best(&self.detector, seat, stop));
        let believed = self.maker.on_edge(seat, quote.map(|quote| quote.edge_ppb));
        let (Some(quote), Some(stop_ppb), Ok(())) = (quote, stop_ppb, believed) else { return };
        let Ok(plan) = self.weigh_maker(cx, &quote, stop_ppb) else { return };
        let (member, ticket) = match quote.side {
            Side::Buy => (quote.route.buy, plan.buy),
            Side::Sell => (quote.route.sell, plan.sell),
        };
        let instrument = self.detector.instrument(seat, member).id;
        let opportunity = self.maker.next_number();
        let cause = Cause { opportunity, pair: seat.pair, decided_ns: cx.now, stamp: origin.received };
        let leg = LegTicket { instrument, side: quote.side, ticket };
        let Ok(prepared) = self.executor.prepare(cx, &[leg], &cause) else { return };
        let decided = cx.clock.stamp();
        cx.stages.record(Stage::Risk, cx.clock.between_ns(begun, decided));
        let cooldown_ns = self.gate.limits().cooldown_ns;
        let rest = Rest { rest_ns: params.rest_ns, cooldown_ns, reprices_max: params.reprices_max };
        let rests_until_ns = cx.now.saturating_add(cooldown_ns);
        let outlook = Outlook { edge_ppb: plan.edge_ppb, rests_until_ns, patience: None, rest: Some(rest) };
        self.executor.submit(cx, &mut self.ends.orders, &prepared.post_only(), &outlook);
        self.note_spans(cx, opportunity, origin, begun, decided);
    }

    /// Withdraws what rests of a pair when it is not wanted any more.
    pub(super) fn tend_resting(&mut self, cx: &mut Context<'_>, pair: PairId) -> usize {
        let Some(resting) = self.executor.resting(pair) else { return 0 };
        if self.is_wanted(cx, pair, &resting) == Some(true) || cfg!(mutant = "stale-quote") {
            return 0;
        }
        self.executor.on_unwanted(cx, &mut self.ends.orders, pair)
    }

    /// Whether another book still hedges all of what rests with the least edge, and both may be traded at.
    fn is_wanted(&self, cx: &Context<'_>, pair: PairId, resting: &Resting) -> Option<bool> {
        let seat = self.detector.tops().seat(resting.instrument)?;
        let (instrument, scale) = (self.detector.instrument_of(resting.instrument)?, self.scales[pair.index()]);
        let px = rescale(resting.px.0, instrument.scale.px_dp, scale.px_dp).ok()?;
        let base = instrument.base_qty(resting.px, Qty(resting.rest), scale.qty_dp)?;
        let stop_edge_ppb = self.gate.stop_edge_ppb()?;
        let covers = |other| self.covers(cx, (seat, resting.side, px), other, (base, stop_edge_ppb)) == Some(true);
        let is_covered = (0..seat.members).filter(|&other| other != seat.member).any(covers);
        Some(self.gate.limits().strategies.maker.is_on && is_covered)
    }

    /// Whether this member's book hedges so much base of what rests at `px`, and both may be traded at.
    fn covers(
        &self,
        cx: &Context<'_>,
        (seat, side, px): (Seat, Side, i64),
        other: usize,
        (base, stop_edge_ppb): (i64, i64),
    ) -> Option<bool> {
        let route = match side {
            Side::Buy => Route { seat, buy: seat.member, sell: other },
            Side::Sell => Route { seat, buy: other, sell: seat.member },
        };
        let fees = maker::fees(&self.detector, route, side);
        let quote = Quote { route, side, px, fees, edge_ppb: 0 };
        let [asks, bids] = self.ask_gate(cx, &quote).ok()?;
        let terms = Terms { fees, stop_edge_ppb, base_max: base };
        Some(Ladder::matched(&asks, &bids, &terms)? >= base)
    }

    /// What the gate asks of both legs, the one that rests at its price; and what each can trade against, the asks first.
    fn ask_gate(&self, cx: &Context<'_>, quote: &Quote) -> Result<[Ladder; 2], Verdict> {
        let Quote { route, side, px, .. } = *quote;
        let scale = self.scales[route.seat.pair.index()];
        let part = |leg: Side| -> Result<(LegFacts, Ladder), Verdict> {
            let (instrument, member) = (self.leg(route, leg), if leg == Side::Buy { route.buy } else { route.sell });
            let (page, top) = (self.page(instrument.id), self.detector.tops().top(route.seat, member));
            if leg == side {
                return Ok((self.facts(instrument, px, &page), Ladder::resting(px)));
            }
            let best = if leg == Side::Buy { top.ask_px } else { top.bid_px };
            let ladder = Ladder::new(instrument, leg, top, &page, scale, |_| true).ok_or(Verdict::Overflow)?;
            Ok((self.facts(instrument, best, &page), ladder))
        };
        let ((buy, asks), (sell, bids)) = (part(Side::Buy)?, part(Side::Sell)?);
        self.gate.on_opportunity(cx.ports.cnc.stop_word(), &[buy, sell], cx.now)?;
        Ok([asks, bids])
    }

    /// The whole gate, and both sizes: the leg that rests, and the hedge that the other book has for it now.
    fn weigh_maker(&self, cx: &Context<'_>, quote: &Quote, stop_edge_ppb: i64) -> Result<Plan, Verdict> {
        let route = quote.route;
        // The cheap question first: mostly something rests already.
        self.ask_room(cx, route.seat.pair)?;
        let [asks, bids] = self.ask_gate(cx, quote)?;
        let (buy, sell) = (self.leg(route, Side::Buy), self.leg(route, Side::Sell));
        if ![buy, sell].iter().all(|leg| self.executor.answers(leg.id, cx.now)) {
            return Err(Verdict::Breaker);
        }
        let accounts = self.executor.account(buy.id).zip(self.executor.account(sell.id)).ok_or(Verdict::Overflow)?;
        let legs = [(buy, &accounts.0, &asks), (sell, &accounts.1, &bids)];
        let [buy_leg, sell_leg] = legs.map(|(instrument, account, ladder)| Leg { instrument, account, ladder });
        let terms = Terms { fees: quote.fees, stop_edge_ppb, base_max: i64::MAX };
        let caps = self.gate.caps(Strategy::CrossVenue, self.gate.mode_between(buy.venue, sell.venue));
        self.gate.on_open_orders(self.executor.open_orders(), &caps)?;
        let deep = Sizing::by_depth(buy_leg, sell_leg, terms, self.scales[route.seat.pair.index()])?;
        deep.by_limits(&caps)?.by_funds()?.plan().ok_or(Verdict::Overflow)
    }
}
