//! The order ring, engine → gateway: what to place, withdraw, change or ask about. When it is full the
//! engine does not trade (`GatewayFull`).

use crate::fixed::{Px, Qty};
use crate::ids::{InstrumentId, Nanos, Side};
use crate::mode::OrderClass;
use crate::occupancy::Occupancy;
use crate::ring::{Rx, Tx, ring};

/// How long an order lives.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum TimeInForce {
    /// What does not fill at once is cancelled.
    Ioc = 0,
    /// All at once or nothing.
    Fok = 1,
    /// Until cancelled.
    Gtc = 2,
    /// Until cancelled, and never taking.
    PostOnly = 3,
}

/// What the gateway is to do with an order.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum Action {
    /// Send it to the venue.
    #[default]
    Place = 0,
    /// Withdraw the order of this id.
    Cancel = 1,
    /// Withdraw every order of ours on this instrument; `id` names the request only.
    CancelAll = 2,
    /// Give the order of this id the price and the whole quantity named here.
    Amend = 3,
    /// Ask the venue what became of the order of this id.
    Query = 4,
}

impl Action {
    /// The action of a byte that [`Self`] was cast to.
    pub const fn from_u8(byte: u8) -> Option<Self> {
        match byte {
            0 => Some(Self::Place),
            1 => Some(Self::Cancel),
            2 => Some(Self::CancelAll),
            3 => Some(Self::Amend),
            4 => Some(Self::Query),
            _ => None,
        }
    }
}

/// An order on its way out, or a request about one. Always priced: there is no market order on the
/// wire, since a hedge has a band too.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(C, align(64))]
pub struct Order {
    /// Client order id.
    pub id: u64,
    /// The opportunity or saga that it belongs to.
    pub group: u64,
    /// Limit price.
    pub px: Px,
    /// Quantity.
    pub qty: Qty,
    /// When the engine decided.
    pub decided_ns: Nanos,
    /// Raw clock stamp of the market frame that caused it.
    pub stamp: u64,
    /// What to trade.
    pub instrument: InstrumentId,
    /// Buy or sell.
    pub side: Side,
    /// How long it lives.
    pub tif: TimeInForce,
    /// What it is for. A cancel or a query leaves in any mode.
    pub class: OrderClass,
    /// What to do with it.
    pub action: Action,
    /// The venue must refuse what would open or grow a position.
    pub reduce_only: bool,
}

const _: () = assert!(size_of::<Order>() == 64);

/// The gateway takes no more: the order was not sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct GatewayFull;

/// The engine's end.
#[derive(Debug)]
pub struct OrderTx(Tx<Order>);

/// The gateway's end.
#[derive(Debug)]
pub struct OrderRx(Rx<Order>);

/// An order ring of `capacity` orders.
pub fn orders(capacity: usize) -> (OrderTx, OrderRx) {
    let (tx, rx) = ring(capacity);
    (OrderTx(tx), OrderRx(rx))
}

impl OrderTx {
    /// Hands over an order.
    ///
    /// # Errors
    /// [`GatewayFull`]: there was no room and nothing was sent.
    pub fn submit(&mut self, order: Order) -> Result<(), GatewayFull> {
        self.0.offer(order).map_err(|_| GatewayFull)
    }

    /// Free places; a set of legs goes out only when all of them fit.
    pub fn room(&self) -> usize {
        self.0.room()
    }

    /// Orders refused so far.
    pub fn refused(&self) -> u64 {
        self.0.refused()
    }

    /// How full it is.
    pub fn occupancy(&self) -> Occupancy {
        self.0.occupancy()
    }
}

impl OrderRx {
    /// The oldest order.
    pub fn take(&mut self) -> Option<Order> {
        self.0.take()
    }

    /// Orders waiting.
    pub fn depth(&self) -> usize {
        self.0.depth()
    }
}
