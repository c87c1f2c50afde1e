//! Instruments and limits that the benches and the tests of the wire share.

use highwire_engine::engine::{ExposureLimits, GuardLimits, Limits, SagaLimits};
use highwire_links::fixed::{Amount, Qty, Scale};
use highwire_links::instrument::{Contract, Instrument, Status};
use highwire_links::{InstrumentId, PairId, VenueId};

/// A spot market with prices in cents and quantities of 10⁻⁵; every `venues` ids make a pair.
pub fn instrument(id: usize, venues: usize, taker_fee_ppb: i64) -> Instrument {
    Instrument {
        id: InstrumentId(id as u16),
        venue: VenueId((id % venues) as u8),
        pair: PairId((id / venues) as u16),
        scale: Scale { px_dp: 2, qty_dp: 5 },
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

/// So many units of a currency.
pub fn amount(units: i64) -> Amount {
    Amount::from_mantissa(units.into(), 0).expect("it is far from the largest amount")
}

/// Limits that permit nearly everything, orders up to 1000 each.
pub fn limits(venues: usize) -> Limits {
    Limits {
        edge_min_ppb: 0,
        slippage_ppb: 0,
        latency_penalty_ppb: 0,
        order_notional_max: amount(1_000),
        position_max: amount(1_000_000_000),
        exposure: ExposureLimits::WIDE,
        open_orders_max: 128,
        collar_ppb: 100_000_000,
        collar_samples_min: 0,
        confirm_edge_ppb: i64::MAX,
        cooldown_ns: 1_000_000,
        refused_rest_ns: 0,
        stale_ns: vec![10_000_000_000; venues],
        saga: SagaLimits::default(),
        guard: GuardLimits::WIDE,
        strategies: Default::default(),
    }
}
