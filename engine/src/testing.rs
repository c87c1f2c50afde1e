//! Instruments, amounts and surroundings for this crate's tests.

use crate::clock::HandClock;
use crate::context::Context;
use crate::stages::Stages;
use highwire_links::counter::Tally;
use highwire_links::fixed::{Amount, Qty, Scale, parse};
use highwire_links::ids::{InstrumentId, Nanos, PairId, VenueId};
use highwire_links::instrument::{Contract, Instrument, Status};
use highwire_links::limits::DP_MAX;
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
        status: Status::Trading,
    }
}

/// The same as a linear perpetual.
pub fn perpetual(id: u16, taker_fee_ppb: i64) -> Instrument {
    spot(id, taker_fee_ppb)
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
