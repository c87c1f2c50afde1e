//! Instruments, amounts and surroundings for this crate's tests.

use crate::clock::HandClock;
use crate::context::Context;
use crate::exposures::ExposureLimits;
use crate::guard::GuardLimits;
use crate::risk::{Limits, SagaLimits};
use crate::stages::Stages;
use highwire_links::counter::Tally;
use highwire_links::fixed::{Amount, Px, Qty, Scale, parse};
use highwire_links::ids::{InstrumentId, Nanos, PairId, Side, VenueId};
use highwire_links::instrument::{Contract, Instrument, Status};
use highwire_links::limits::DP_MAX;
use highwire_links::mode::OrderClass;
use highwire_links::order::{Action, Order, TimeInForce};
use highwire_links::page::{BookState, Page, Rung};
use highwire_links::ports::{Desk, Ports, ports};

/// A decimal as an amount.
pub fn amount(text: &str) -> Amount {
    Amount::from_mantissa(parse(text.as_bytes(), DP_MAX).unwrap().mantissa.into(), DP_MAX).unwrap()
}

/// A spot instrument with prices in cents and quantities of 10⁻⁵, alone at the venue of its number.
pub fn spot(id: u16, taker_fee_ppb: i64) -> Instrument {
    Instrument {
        id: InstrumentId(id),
        venue: VenueId(id as u8),
        pair: PairId(0),
        scale: Scale::new(2, 5).unwrap(),
        tick: 1,
        lot: 1,
        qty_min: Qty(1),
        notional_min: Amount::ZERO,
        contract: Contract::Base,
        taker_fee_ppb,
        maker_fee_ppb: taker_fee_ppb,
        status: Status::Trading,
    }
}

/// The same as a linear perpetual.
pub fn perpetual(id: u16, taker_fee_ppb: i64) -> Instrument {
    spot(id, taker_fee_ppb)
}

/// An immediate-or-cancel order of instrument 0.
pub fn order(id: u64, side: Side, px: i64, qty: i64, decided_ns: Nanos) -> Order {
    Order {
        id,
        group: 0,
        px: Px(px),
        qty: Qty(qty),
        decided_ns,
        stamp: 0,
        instrument: InstrumentId(0),
        side,
        tif: TimeInForce::Ioc,
        class: OrderClass::Open,
        action: Action::Place,
        reduce_only: false,
    }
}

/// A page received at `recv_ns` with these levels, best first.
pub fn page(state: BookState, recv_ns: Nanos, bids: &[(i64, i64)], asks: &[(i64, i64)]) -> Page {
    let mut page = Page { state, recv_ns, ..Page::default() };
    for (rungs, levels) in [(&mut page.bids, bids), (&mut page.asks, asks)] {
        for (rung, &(px, qty)) in rungs.iter_mut().zip(levels) {
            *rung = Rung { px, qty };
        }
    }
    page
}

/// Limits that permit nearly everything.
///
/// cold: in tests only
pub fn limits(venues: usize) -> Limits {
    Limits {
        edge_min_ppb: 0,
        slippage_ppb: 0,
        latency_penalty_ppb: 0,
        order_notional_max: amount("1000000"),
        position_max: amount("1000000"),
        exposure: ExposureLimits::WIDE,
        open_orders_max: 128,
        collar_ppb: 1_000_000_000,
        collar_samples_min: 0,
        confirm_edge_ppb: i64::MAX,
        cooldown_ns: 0,
        refused_rest_ns: 0,
        stale_ns: vec![1_000_000_000; venues],
        saga: SagaLimits::default(),
        guard: GuardLimits::WIDE,
        strategies: Default::default(),
    }
}

/// A thread's surroundings, held by the test.
pub struct Bench {
    pub clock: HandClock,
    pub ports: Ports,
    pub desk: Desk,
    pub tally: Tally,
    pub stages: Stages,
}

impl Bench {
    pub fn new() -> Self {
        let (ports, desk) = ports();
        Self { clock: HandClock::at(0), ports, desk, tally: Tally::default(), stages: Stages::default() }
    }

    pub fn at(&mut self, now: Nanos) -> Context<'_> {
        let Self { clock, ports, tally, stages, .. } = self;
        Context { now, clock, ports, tally, stages }
    }
}
