//! The seam between the engine and whatever carries orders to a venue.
//!
//! A gateway is stepped like every other stage. Its two ring ends outlive it, so that the next one
//! goes on with the same rings.

use crate::context::Context;
use highwire_links::fill::FillTx;
use highwire_links::order::OrderRx;

/// Carries orders out and reports back.
pub trait Gateway: Send {
    /// One step: takes orders in, sends what is due, reports what became known. Returns the work
    /// done, 0 when idle.
    fn poll(&mut self, cx: &mut Context<'_>) -> usize;
    /// Gives the ring ends back. Orders that it still held are known to nobody from then on.
    fn dismantle(self: Box<Self>) -> GatewayEnds;
}

/// A gateway's ends of the order and the fill ring.
#[derive(Debug)]
pub struct GatewayEnds {
    /// Orders from the engine.
    pub orders: OrderRx,
    /// Reports to it.
    pub fills: FillTx,
}
