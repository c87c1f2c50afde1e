//! Complement arbitrage in the engine: what the gate asks of a set of both sides, and how it is bought.

use super::{Engine, LegFacts, Origin, venue_time};
use crate::context::Context;
use crate::execute::{Cause, LegTicket, Outlook};
use crate::position::Account;
use crate::strategies;
use crate::strategies::complement::Set;
use highwire_links::audit::Verdict;
use highwire_links::counter::{Counter, Stage};
use highwire_links::ids::Side;
use highwire_links::instrument::Instrument;
use highwire_links::limits::{POW10, PPB};
use highwire_links::mode::Mode;
use highwire_links::page::{BookState, Page};

impl Engine {
    /// Buys both sides of a binary market where together they cost less than the one that they pay.
    pub(super) fn judge_complement(&mut self, cx: &mut Context<'_>, number: usize, origin: &Origin) {
        let begun = cx.clock.stamp();
        // The cheap question first: nearly always there is no edge.
        let crossed = self.cross_complement(number);
        let edge_ppb = crossed.as_ref().ok().map(|(set, _)| set.edge_best_ppb);
        let believed = self.complement.on_edge(number, origin.instrument, edge_ppb);
        let believed = if cfg!(mutant = "unconfirmed-set") { Ok(()) } else { believed };
        let Ok((set, pages)) = believed.and(crossed) else { return };
        let Ok(set) = self.weigh_complement(cx, number, set, &pages) else { return };
        let [yes, no] = self.complement.sides(number);
        let Some(pair) = self.detector.instrument_of(yes).map(|side| side.pair) else { return };
        let opportunity = self.complement.next_number();
        let cause = Cause { opportunity, pair, decided_ns: cx.now, stamp: origin.received };
        let leg = |instrument, ticket| LegTicket { instrument, side: Side::Buy, ticket };
        let Ok(prepared) = self.executor.prepare(cx, &[leg(yes, set.yes), leg(no, set.no)], &cause) else { return };
        let decided = cx.clock.stamp();
        cx.stages.record(Stage::Risk, cx.clock.between_ns(begun, decided));
        cx.tally.add(Counter::Taken);
        let rests_until_ns = cx.now.saturating_add(self.gate.limits().cooldown_ns);
        let outlook = Outlook { edge_ppb: set.edge_ppb, rests_until_ns, patience: None, rest: None };
        self.executor.submit(cx, &mut self.ends.orders, &prepared, &outlook);
        self.note_spans(cx, cause.opportunity, origin, begun, decided);
    }

    /// What the two books sell with an edge, and the books.
    fn cross_complement(&self, number: usize) -> Result<(Set, [Page; 2]), Verdict> {
        let params = self.gate.limits().strategies.complement;
        let sides = self.sides(number)?;
        let pages = sides.map(|side| self.page(side.id));
        Ok((self.complement.cross(number, sides, &pages, &params)?, pages))
    }

    fn sides(&self, number: usize) -> Result<[&Instrument; 2], Verdict> {
        match self.complement.sides(number).map(|id| self.detector.instrument_of(id)) {
            [Some(yes), Some(no)] => Ok([yes, no]),
            _ => Err(Verdict::NotTrading),
        }
    }

    /// The gate's questions and the size of a complement trade.
    fn weigh_complement(&self, cx: &Context<'_>, number: usize, set: Set, pages: &[Page; 2]) -> Result<Set, Verdict> {
        let [yes, no] = self.sides(number)?;
        // Its legs can be hedged nowhere else: where care is due it rests, and only what two venues price is traded.
        if self.gate.mode_between(yes.venue, no.venue) != Mode::Full {
            return Err(Verdict::Mode);
        }
        let facts = [(yes, &pages[0]), (no, &pages[1])];
        let facts = facts.map(|(side, page)| self.facts_of_share(side, page));
        self.gate.on_opportunity(cx.ports.cnc.stop_word(), &facts, cx.now)?;
        let caps = self.gate.caps(strategies::Strategy::Complement, self.gate.mode_between(yes.venue, no.venue));
        self.gate.on_open_orders(self.executor.open_orders(), &caps)?;
        self.ask_room(cx, yes.pair)?;
        let accounts = [yes, no].map(|side| self.executor.account(side.id).unwrap_or_else(Account::empty));
        set.within([yes, no], &accounts, &caps)
    }

    /// As of a page; a share's collar is a part of the one that it may pay, not of its price.
    pub(super) fn facts_of_share(&self, side: &Instrument, page: &Page) -> LegFacts {
        let one = i128::from(POW10[usize::from(side.scale.px_dp)]);
        let collar_ppb = self.gate.limits().strategies.complement.collar_ppb;
        let band = i64::try_from(one * i128::from(collar_ppb) / i128::from(PPB)).unwrap_or(0);
        LegFacts { band: Some(band), ..self.facts_of_page(side, page) }
    }

    pub(super) fn facts_of_page(&self, side: &Instrument, page: &Page) -> LegFacts {
        let live = page.state == BookState::Live;
        LegFacts {
            venue: side.venue,
            status: side.status,
            time_ns: live.then(|| venue_time(page.event_ns, page.recv_ns)),
            px: page.asks[0].px,
            reference: self.detector.reference(side.id),
            band: None,
            median: None,
        }
    }
}
