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
use highwire_links::instrument::{self, Instrument};
use highwire_links::limits::VENUES_PER_PAIR_MAX;

/// Routes that one event can change.
const ROUTES_MAX: usize = 2 * VENUES_PER_PAIR_MAX;

/// Sees crossings begin, go on and end.
#[derive(Debug)]
pub struct CrossVenue {
    tops: Tops,
    opportunities: Opportunities,
    references: Box<[Reference]>,
    due: Vec<Route>,
    /// Per pair: its price decimals and its members.
    pairs: Box<[(u8, Box<[InstrumentId]>)]>,
    instruments: Box<[Instrument]>,
}

impl CrossVenue {
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

    /// A route of a pair, another one for each number; `None` where its pair has one market only.
    pub fn some_route(&self, number: usize) -> Option<Route> {
        let pair = number.checked_rem(self.pairs.len())?;
        let (members, turn) = (&self.pairs[pair].1, number / self.pairs.len());
        let (buy, sell) = (turn.checked_rem(members.len())?, (turn + 1) % members.len());
        let seat = self.tops.seat(members[buy])?;
        (buy != sell).then_some(Route { seat, buy, sell })
    }

    /// The opportunities that are open now.
    pub fn standing(&self) -> impl Iterator<Item = &Opportunity> {
        self.opportunities.standing()
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

    /// The venue changed something about an instrument; an unknown one is ignored.
    pub fn on_set_instrument(&mut self, id: InstrumentId, change: &instrument::Change) {
        if let Some(instrument) = self.instruments.get_mut(id.index()) {
            instrument.change(change);
        }
    }

    /// An instrument; `None` when it is unknown.
    pub fn instrument_of(&self, id: InstrumentId) -> Option<&Instrument> {
        self.instruments.get(id.index())
    }

    /// The median of the mids of an instrument's pair, at the pair's decimals, where enough of them stand.
    pub fn median_px(&self, id: InstrumentId) -> Option<i64> {
        self.tops.median_mid(self.tops.seat(id)?)
    }

    /// What the pair of an instrument is worth, at its decimals: the median of its mids, or the mean of
    /// the few that stand; `None` without any.
    pub fn fair_px(&self, id: InstrumentId) -> Option<i64> {
        let seat = self.tops.seat(id)?;
        self.tops.median_mid(seat).or_else(|| self.tops.mean_mid(seat))
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::spec::{Assets, Funds, PairSpec};
    use crate::testing::{Bench, limits, spot};
    use highwire_links::fixed::{Amount, Scale};
    use highwire_links::limits::PPB;
    use highwire_links::page::BookState;
    use proptest::prelude::*;
    use std::collections::BTreeMap;

    const PAIR_DP: u8 = 3;

    /// One market: its own decimals and fee.
    #[derive(Clone, Copy, Debug)]
    struct Member {
        px_dp: u8,
        fee_ppb: i64,
    }

    /// A top as published, at the member's decimals.
    #[derive(Clone, Copy, Debug)]
    struct Row {
        member: usize,
        quote: Quote,
    }

    fn spec(members: &[Member]) -> EngineSpec {
        let instruments: Vec<_> = (0u16..)
            .zip(members)
            .map(|(id, m)| Instrument { scale: Scale::new(m.px_dp, 5).unwrap(), ..spot(id, m.fee_ppb) })
            .collect();
        EngineSpec {
            pairs: vec![PairSpec {
                px_dp: PAIR_DP,
                qty_dp: 8,
                members: instruments.iter().map(|instrument| instrument.id).collect(),
            }],
            funds: vec![Funds::Margin { quote: Amount::ZERO }; instruments.len()],
            assets: vec![Assets { base: 1, quote: 0 }; instruments.len()],
            instruments,
            limits: limits(members.len()),
            venues: members.len(),
            start_mode: highwire_links::Mode::Halted,
            epoch: 0,
            tuning: Default::default(),
        }
    }

    type Open = BTreeMap<(u16, u16), i64>;

    /// Every ordered pair of members, by the text of the contract and nothing else.
    fn naive(members: &[Member], tops: &[Option<Quote>]) -> Open {
        let wide = |px: i64, m: &Member| i128::from(px) * 10i128.pow(u32::from(PAIR_DP - m.px_dp));
        let takes_part = |q: &Quote| {
            let both = q.bid_px > 0 && q.bid_qty > 0 && q.ask_px > 0 && q.ask_qty > 0;
            q.state == BookState::Live && !(both && q.bid_px >= q.ask_px)
        };
        let mut open = Open::new();
        for (j, (buy, ask)) in members.iter().zip(tops).enumerate() {
            for (i, (sell, bid)) in members.iter().zip(tops).enumerate() {
                let (Some(ask), Some(bid)) = (ask, bid) else { continue };
                let sides = ask.ask_px > 0 && ask.ask_qty > 0 && bid.bid_px > 0 && bid.bid_qty > 0;
                if i == j || !sides || !takes_part(ask) || !takes_part(bid) {
                    continue;
                }
                let brought = wide(bid.bid_px, sell) * i128::from(PPB - sell.fee_ppb);
                let paid = wide(ask.ask_px, buy) * i128::from(PPB + buy.fee_ppb);
                if brought > paid {
                    let edge = ((brought - paid) * i128::from(PPB)).div_euclid(paid);
                    open.insert((j as u16, i as u16), i64::try_from(edge).unwrap_or(i64::MAX));
                }
            }
        }
        open
    }

    prop_compose! {
        /// Prices about one level, from the small to beyond what a float tells apart.
        fn case()(level in proptest::sample::select(vec![1_000i64, 1_000_000_007, 9_007_199_254_740_993, 92_000_000_000_000_000]))(
            members in proptest::collection::vec((1u8..=PAIR_DP, -2_000_000..2_000_000i64, any::<bool>()), 2..7),
            rows in proptest::collection::vec((0usize..7, 0u8..12, -40i64..40, -3i64..40, any::<u8>()), 1..40),
            level in Just(level),
        ) -> (Vec<Member>, Vec<Row>) {
            let members: Vec<_> = members.iter().map(|&(px_dp, fee, free)| Member { px_dp, fee_ppb: if free { 0 } else { fee } }).collect();
            let rows = rows.iter().map(|&(member, state, shift, spread, sides)| {
                let member = member % members.len();
                let unit = level / 10i64.pow(u32::from(PAIR_DP - members[member].px_dp));
                let bid_px = (unit + shift).max(0);
                let quote = Quote {
                    state: if state == 0 { BookState::Suspect } else { BookState::Live },
                    bid_px,
                    bid_qty: i64::from(sides % 16 != 0),
                    ask_px: (bid_px + spread).max(0),
                    ask_qty: i64::from(sides / 16 != 0),
                    time_ns: 0,
                };
                Row { member, quote }
            }).collect();
            (members, rows)
        }
    }

    /// Replays what the records say is open now.
    fn apply(open: &mut BTreeMap<u32, (u16, u16)>, record: Record) {
        match record {
            Record::Opened(o) => assert_eq!(open.insert(o.id, (o.buy.0, o.sell.0)), None),
            Record::Closed(c) => assert!(open.remove(&c.id).is_some()),
            other => panic!("{other:?}"),
        }
    }

    proptest! {
        #[test]
        fn finds_exactly_what_the_all_pairs_loop_finds((members, rows) in case()) {
            let mut bench = Bench::new();
            let mut detector = CrossVenue::new(&spec(&members));
            let mut tops = vec![None; members.len()];
            let mut open = BTreeMap::new();
            let mut before = Open::new();
            for (now, row) in (1u64..).zip(rows) {
                tops[row.member] = Some(row.quote);
                detector.on_quote(&mut bench.at(now), InstrumentId(row.member as u16), &row.quote);
                let expected = naive(&members, &tops);
                while let Some(record) = bench.desk.audit.take() {
                    if let Record::Opened(o) = record {
                        prop_assert_eq!(expected.get(&(o.buy.0, o.sell.0)), Some(&o.edge_ppb));
                        prop_assert!(!before.contains_key(&(o.buy.0, o.sell.0)));
                    }
                    apply(&mut open, record);
                }
                let mut found: Vec<_> = open.values().copied().collect();
                found.sort_unstable();
                prop_assert_eq!(found, expected.keys().copied().collect::<Vec<_>>());
                prop_assert_eq!(detector.open(), expected.len());
                before = expected;
            }
        }
    }
}
