//! Cross-venue detection: after each change of a top, only the changed instrument against the other
//! members of its pair, in both directions.
//!
//! Net crossing of (buy j, sell i): `bid_i × (PPB − fee_i) > ask_j × (PPB + fee_j)`, exact. A crossing
//! opens an opportunity, its continuation updates it, its end closes it, and so does a leg that takes
//! no part any more: a book that is not live, has an empty side, or is locked or crossed in itself.

use crate::collar::Reference;
use crate::context::Context;
use crate::opportunity::{Change, Opportunities, Opportunity, Route};
use crate::spec::EngineSpec;
use crate::tops::{Candidates, Quote, Seat, Tops, own_px};
use highwire_links::InstrumentId;
use highwire_links::audit::{Closed, Opened, Record, Verdict};
use highwire_links::counter::Counter;
use highwire_links::instrument::Instrument;
use highwire_links::limits::VENUES_PER_PAIR_MAX;

/// Routes that one event can change.
const ROUTES_MAX: usize = 2 * VENUES_PER_PAIR_MAX;

/// Sees crossings begin, go on and end.
#[derive(Debug)]
pub struct Detector {
    tops: Tops,
    opportunities: Opportunities,
    references: Box<[Reference]>,
    due: Vec<Route>,
    /// Per pair: its price decimals and its members.
    pairs: Box<[(u8, Box<[InstrumentId]>)]>,
    instruments: Box<[Instrument]>,
}

impl Detector {
    /// A detector that has seen nothing, for a checked spec.
    pub fn new(spec: &EngineSpec) -> Self {
        Self {
            tops: Tops::new(spec),
            opportunities: Opportunities::new(spec),
            references: vec![Reference::default(); spec.instruments.len()].into(),
            due: Vec::with_capacity(ROUTES_MAX),
            pairs: spec.pairs.iter().map(|pair| (pair.px_dp, pair.members.clone().into())).collect(),
            instruments: spec.instruments.clone().into(),
        }
    }

    /// Takes in a top. Routes that cross now stand in [`Self::due`] afterwards.
    pub fn on_quote(&mut self, cx: &mut Context<'_>, id: InstrumentId, quote: &Quote) {
        self.due.clear();
        let Some(seat) = self.tops.seat(id) else { return };
        let candidates = self.tops.update(seat, quote).unwrap_or_else(|_| {
            cx.tally.add(Counter::Overflows);
            Candidates::default()
        });
        let (sold_at, bought_at) = self.opportunities.open_with(seat);
        let (sell_at, buy_at) = (candidates.sell_at | sold_at, candidates.buy_at | bought_at);
        let mut others = sell_at | buy_at;
        while others != 0 {
            let member = others.trailing_zeros() as usize;
            others &= others - 1;
            if sell_at >> member & 1 == 1 {
                self.evaluate(cx, Route { seat, buy: seat.member, sell: member });
            }
            if buy_at >> member & 1 == 1 {
                self.evaluate(cx, Route { seat, buy: member, sell: seat.member });
            }
        }
    }

    /// Mixes the instrument's top into its reference: after its event was judged against the past.
    pub fn on_judged(&mut self, id: InstrumentId) {
        let Some(seat) = self.tops.seat(id) else { return };
        let top = self.tops.top(seat, seat.member);
        if top.bid_px > 0 && top.ask_px > 0 {
            self.references[id.index()].on_top(top.bid_px, top.ask_px);
        }
    }

    /// The crossing of this number that the last event began or updated.
    pub fn due(&self, number: usize) -> Option<Route> {
        self.due.get(number).copied()
    }

    /// The opportunity on a route.
    pub fn opportunity_mut(&mut self, route: Route) -> Option<&mut Opportunity> {
        self.opportunities.get_mut(route)
    }

    /// Opportunities open now.
    pub fn open(&self) -> usize {
        self.opportunities.open()
    }

    /// The tops.
    pub fn tops(&self) -> &Tops {
        &self.tops
    }

    /// The price history of an instrument.
    pub fn reference(&self, id: InstrumentId) -> Reference {
        self.references[id.index()]
    }

    /// The instrument of a member of the seat's pair.
    pub fn instrument(&self, seat: Seat, member: usize) -> &Instrument {
        &self.instruments[self.pairs[seat.pair.index()].1[member].index()]
    }

    fn evaluate(&mut self, cx: &mut Context<'_>, route: Route) {
        let edge_ppb = self.tops.crossing(route.seat, route.buy, route.sell);
        if edge_ppb == Some(i64::MAX) {
            cx.tally.add(Counter::Overflows);
        }
        match self.opportunities.on_evaluated(route, edge_ppb, cx.now) {
            Change::None => {}
            Change::Updated(_) => self.due.push(route),
            Change::Opened(opened) => {
                cx.tally.add(Counter::Opportunities);
                let record = self.opened(route, &opened);
                cx.ports.audit.write(Record::Opened(record));
                self.due.push(route);
            }
            Change::Closed(closed) => cx.ports.audit.write(Record::Closed(Closed {
                id: closed.id,
                at_ns: cx.now,
                lasted_ns: cx.now.saturating_sub(closed.opened_ns),
                edge_best_ppb: closed.edge_best_ppb,
                updates: closed.updates,
                verdict: closed.verdict.unwrap_or(Verdict::Overflow),
            })),
        }
    }

    fn opened(&self, route: Route, opportunity: &Opportunity) -> Opened {
        let (px_dp, members) = &self.pairs[route.seat.pair.index()];
        let own = |member: usize, px| own_px(&self.instruments[members[member].index()], px, *px_dp).unwrap_or(px);
        Opened {
            id: opportunity.id,
            pair: route.seat.pair,
            buy: members[route.buy],
            sell: members[route.sell],
            at_ns: opportunity.opened_ns,
            ask_px: own(route.buy, self.tops.top(route.seat, route.buy).ask_px),
            bid_px: own(route.sell, self.tops.top(route.seat, route.sell).bid_px),
            edge_ppb: opportunity.edge_best_ppb,
        }
    }
}
