//! The telemetry ring, thread → exporter: lossy, with a count of what was dropped. Records are plain
//! stamps; the cold side turns them into spans.

use crate::counter::Stage;
use crate::ids::{InstrumentId, Nanos};
use crate::occupancy::Occupancy;
use crate::ring::{Rx, Tx, ring};

/// One traced decision: how long each stage took.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(C, align(64))]
pub struct Trace {
    /// When the market frame was received.
    pub recv_ns: Nanos,
    /// The opportunity.
    pub opportunity: u32,
    /// Whose frame it was.
    pub instrument: InstrumentId,
    /// Nanoseconds per stage, in the order of [`Stage`]; saturated.
    pub stage_ns: [u32; Stage::ALL.len()],
}

const _: () = assert!(size_of::<Trace>() == 64);

/// The thread's end.
#[derive(Debug)]
pub struct TelemetryTx(Tx<Trace>);

/// The exporter's end.
pub type TelemetryRx = Rx<Trace>;

/// A telemetry ring of `capacity` records.
pub fn telemetry(capacity: usize) -> (TelemetryTx, TelemetryRx) {
    let (tx, rx) = ring(capacity);
    (TelemetryTx(tx), rx)
}

impl TelemetryTx {
    /// Offers a record; a full ring drops it.
    pub fn record(&mut self, trace: Trace) {
        let _dropped = self.0.offer(trace);
    }

    /// How full it is.
    pub fn occupancy(&self) -> Occupancy {
        self.0.occupancy()
    }

    /// Records dropped so far.
    pub fn dropped(&self) -> u64 {
        self.0.refused()
    }
}
