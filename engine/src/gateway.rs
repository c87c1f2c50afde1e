//! The seam between the engine and whatever carries orders to a venue.
//!
//! A gateway is stepped like every other stage. Its two ring ends outlive it, so that the next one
//! goes on with the same rings.

use crate::context::Context;
use crate::order_line::OrderLine;
use highwire_links::fill::FillTx;
use highwire_links::lifecycle::Ending;
use highwire_links::order::OrderRx;
use highwire_links::outbox::Outbox;
use highwire_links::rate::{RateBudget, RateNotice};
use highwire_links::{Nanos, VenueId};

/// Carries orders out and reports back.
pub trait Gateway: Send {
    /// The first half of a turn, before the market is looked at: hears what venues answered and reports it, so that
    /// nothing stands between a decision and its order. Returns the work done, 0 when idle.
    fn listen(&mut self, _cx: &mut Context<'_>) -> usize {
        0
    }

    /// The second half: takes orders in, sends what is due, reports what became known. Returns the work
    /// done, 0 when idle.
    fn poll(&mut self, cx: &mut Context<'_>) -> usize;
    /// Gives the ring ends back. Orders that it still held are known to nobody from then on.
    fn dismantle(self: Box<Self>) -> GatewayEnds;

    /// Takes over an order line.
    ///
    /// # Errors
    /// The line, when there is no place for it.
    fn attach(&mut self, line: Box<OrderLine>) -> Result<(), Box<OrderLine>> {
        Err(line)
    }

    /// Gives up the line in this slot at its next step; false when there is none.
    fn detach(&mut self, _slot: u16) -> bool {
        false
    }

    /// A line that has ended, to be sent home.
    fn take_ended(&mut self) -> Option<(Ending, Box<OrderLine>)> {
        None
    }

    /// Gives up every line, and says of each request what is known; the lines are taken by
    /// [`Self::take_ended`].
    fn end_lines(&mut self, _cx: &mut Context<'_>, _why: Ending) {}

    /// The measured clock offset of a venue: venue time minus ours, nanoseconds; false when that means
    /// nothing to it.
    fn set_clock_offset(&mut self, _venue: VenueId, _offset_ns: i64) -> bool {
        false
    }

    /// The venue said this of its rate budgets elsewhere.
    fn on_rate(&mut self, _venue: VenueId, _notice: RateNotice, _now: Nanos) {}
}

/// A gateway's ends of the order and the fill ring, and what outlives it besides.
#[derive(Debug)]
pub struct GatewayEnds {
    /// Orders from the engine.
    pub orders: OrderRx,
    /// Reports to it.
    pub fills: FillTx,
    /// What is used of each venue's rate budgets, and until when a venue wants to be left alone: a venue does not forget
    /// that because a thread of ours died. Empty before the first gateway.
    pub budgets: Box<[RateBudget]>,
    /// Where orders are put down before they leave, where that outlives the process.
    pub outbox: Option<Box<dyn Outbox>>,
}

impl GatewayEnds {
    /// Ends that no gateway had yet.
    pub fn new(orders: OrderRx, fills: FillTx) -> Self {
        Self { orders, fills, budgets: Box::default(), outbox: None }
    }
}
