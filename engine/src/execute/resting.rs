//! Legs that rest at their venues, waiting to be taken: withdrawn when they are no longer wanted, told apart from legs
//! that were refused, priced anew a few times only.

use super::{Executor, Prepared, Rest};
use crate::context::Context;
use crate::orders::Known;
use crate::saga::{Event, Saga};
use highwire_links::counter::Counter;
use highwire_links::fill::{OrderReject, Report};
use highwire_links::fixed::Px;
use highwire_links::ids::{InstrumentId, Nanos, PairId, Side};
use highwire_links::order::{OrderTx, TimeInForce};

/// A leg that rests.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Resting {
    /// What it trades.
    pub instrument: InstrumentId,
    /// Buy or sell.
    pub side: Side,
    /// Its limit price.
    pub px: Px,
    /// What can still be taken of it, the instrument's own mantissa.
    pub rest: i64,
}

impl Prepared {
    /// The same, to rest at its venues and never to take.
    #[must_use]
    pub fn post_only(mut self) -> Self {
        self.orders.iter_mut().flatten().for_each(|order| order.tif = TimeInForce::PostOnly);
        self
    }
}

impl Executor {
    /// The leg that rests of a pair's trade; `None` when none does, or something that can be hedged was taken of it.
    pub fn resting(&self, pair: PairId) -> Option<Resting> {
        let saga = self.saga(pair).filter(|saga| saga.is_resting())?;
        let known = self.orders.get(saga.parts().first()?.order)?;
        Some(Resting { instrument: known.instrument, side: known.side, px: known.px, rest: known.life.rest() })
    }

    /// What rests of a pair's trade is not wanted any more.
    pub fn on_unwanted(&mut self, cx: &mut Context<'_>, tx: &mut OrderTx, pair: PairId) -> usize {
        self.step(cx, tx, pair, Event::Withdraw)
    }

    /// Whether the venue of an instrument answers orders.
    pub fn answers(&self, id: InstrumentId, now: Nanos) -> bool {
        self.breakers.lets(self.venue(id), now)
    }

    /// The market moved while the order was under way: that is no fault of the order, and it is priced anew, but not for
    /// ever.
    pub(super) fn on_would_take(&mut self, cx: &mut Context<'_>, known: &Known) {
        cx.tally.add(Counter::PostOnlyRefused);
        let rest = self.berths[known.pair.index()].active.as_ref().and_then(|active| active.rest);
        let reprices_max = rest.map_or(0, |rest| rest.reprices_max);
        if self.reprices.on_would_take(known.pair, reprices_max) {
            self.put_to_rest(cx, known, OrderReject::WouldTake);
        }
    }

    /// An order that may only rest did, and ended.
    pub(super) fn on_rested(&mut self, pair: PairId) {
        self.reprices.on_rested(pair);
    }

    /// A fill of an order that may only rest says whether it did. Where it took, at a taker's fee, nothing is left to
    /// rest for a while.
    pub(super) fn note_maker(&mut self, cx: &mut Context<'_>, known: &Known, fill: &Report) {
        // What is booked by the venue's count says nothing of it.
        if !known.is_post_only || fill.trade == 0 {
            return;
        }
        self.reprices.on_rested(known.pair);
        if fill.flags & Report::MAKER == 0 {
            cx.tally.add(Counter::PostOnlyTook);
            self.put_to_rest(cx, known, OrderReject::WouldTake);
        }
    }

    /// The trade of a leg that rested is over: what was taken is to show in the books before they are trusted again.
    pub(super) fn rest_after(&mut self, cx: &Context<'_>, pair: PairId, saga: &Saga, rest: Option<Rest>) {
        let Some(rest) = rest.filter(|_| saga.parts().iter().any(|part| part.moved != 0)) else { return };
        let berth = &mut self.berths[pair.index()];
        berth.rests_until_ns = berth.rests_until_ns.max(cx.now.saturating_add(rest.cooldown_ns));
    }
}
