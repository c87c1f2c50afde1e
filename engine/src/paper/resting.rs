//! Orders that rest at the paper venue: they are taken when the other side of the page comes to their price, never before,
//! for as much as stands there, at their own price and a maker's fee. One that would take on arrival is refused.

use super::{PaperGateway, blank, is_within};
use crate::context::Context;
use highwire_links::counter::Counter;
use highwire_links::fill::{FEE_DP, OrderReject, Report, ReportKind};
use highwire_links::fixed::Qty;
use highwire_links::ids::Side;
use highwire_links::limits::OPEN_ORDERS_MAX;
use highwire_links::order::Order;
use highwire_links::page::{BookState, Page, Rung};
use highwire_quant::fee::fee_up;

/// An order that rests, and what was taken of it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Resting {
    pub(super) order: Order,
    pub(super) filled: i64,
}

impl PaperGateway {
    /// An order arrived that may only rest.
    pub(super) fn rest(&mut self, cx: &Context<'_>, order: &Order, page: &Page) {
        let best = if order.side == Side::Buy { page.asks[0] } else { page.bids[0] };
        let reject = if best.qty > 0 && is_within(order, best.px) {
            OrderReject::WouldTake
        } else if self.resting.len() == OPEN_ORDERS_MAX {
            OrderReject::GatewayFull
        } else {
            OrderReject::None
        };
        if reject != OrderReject::None {
            return self.report(order, cx.now, ReportKind::Rejected, reject);
        }
        self.report(order, cx.now, ReportKind::Ack, OrderReject::None);
        self.resting.push(Resting { order: *order, filled: 0 });
    }

    /// Lets the pages come to what rests.
    pub(super) fn take_resting(&mut self, cx: &mut Context<'_>) -> usize {
        let (mut work, mut at) = (0, 0);
        while at < self.resting.len() && self.has_room() {
            let Resting { order, filled } = self.resting[at];
            let page = self.pages.read(order.instrument.index()).filter(|page| page.state == BookState::Live);
            let taken = page.map_or(0, |page| self.reach(&order, order.qty.0 - filled, &page));
            if taken > 0 {
                work += 1;
                self.resting[at].filled += taken;
                self.tell_taken(cx, &order, taken, filled + taken);
            }
            if filled + taken >= order.qty.0 {
                self.resting.remove(at);
            } else {
                at += 1;
            }
        }
        work
    }

    /// How much of `qty` the other side offers at the order's price or better, less what was taken there before.
    fn reach(&mut self, order: &Order, qty: i64, page: &Page) -> i64 {
        let rungs = if order.side == Side::Buy { &page.asks } else { &page.bids };
        self.forget(order.instrument.index(), page);
        let consumed = *self.consumed(order);
        let within = |rung: &&Rung| rung.px > 0 && rung.qty > 0 && is_within(order, rung.px);
        let mut reach = 0i64;
        for rung in rungs.iter().filter(within) {
            let left = (rung.qty - consumed.at(rung.px)).clamp(0, qty - reach);
            reach += left;
            if left > 0 {
                self.remember(order, rung.px, left);
            }
        }
        reach
    }

    fn tell_taken(&mut self, cx: &mut Context<'_>, order: &Order, qty: i64, filled: i64) {
        let instrument = &self.instruments[order.instrument.index()];
        let value = instrument.quote_amount(order.px, Qty(qty));
        let Some(fee) = value.and_then(|value| fee_up(value, instrument.maker_fee_ppb, FEE_DP)) else {
            return cx.tally.add(Counter::Overflows);
        };
        let fill = blank(order, cx.now, ReportKind::Fill);
        let (qty, told) = (Qty(qty), Qty(filled));
        self.offer(Report { px: order.px, qty, filled: told, fee, flags: Report::MAKER, ..fill });
        if filled >= order.qty.0 {
            self.offer(Report { filled: told, ..blank(order, cx.now, ReportKind::Done) });
        }
    }

    /// The order of a request among those that rest.
    pub(super) fn resting_at(&self, request: &Order) -> Option<usize> {
        self.resting.iter().position(|resting| resting.order.id == request.id)
    }

    /// What rests is gone, and nobody is told.
    #[cfg(test)]
    pub(crate) fn forget_resting(&mut self) {
        self.resting.clear();
    }

    /// Ends what rests at this place.
    pub(super) fn withdraw(&mut self, at: usize, cx: &Context<'_>) {
        let Resting { order, filled } = self.resting.remove(at);
        self.offer(Report { filled: Qty(filled), ..blank(&order, cx.now, ReportKind::Done) });
    }
}
