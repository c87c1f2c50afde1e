//! What a taken opportunity's stages took. Stamps are taken while it happens; they become a trace at the engine's next
//! turn, when its orders have left.

use super::Origin;
use crate::context::Context;
use highwire_links::counter::Stage;
use highwire_links::telemetry::Trace;

/// The stamps of one opportunity that was taken.
#[derive(Clone, Copy, Debug)]
pub(super) struct Spans {
    pub opportunity: u32,
    pub origin: Origin,
    /// Judging began.
    pub begun: u64,
    /// It was decided.
    pub decided: u64,
    /// Its orders were handed over.
    pub handed: u64,
}

impl Spans {
    /// Tells the exporter. The feed's time stands under `Decode`, its book included: an event carries only their sum.
    pub fn tell(&self, cx: &mut Context<'_>) {
        let &Self { opportunity, origin, begun, decided, handed } = self;
        let (recv_ns, instrument) = (origin.recv_ns, origin.instrument);
        let mut trace = Trace { recv_ns, opportunity, instrument, stage_ns: [0; Stage::ALL.len()] };
        let spans = [
            (Stage::Detect, origin.taken, origin.detected),
            (Stage::Risk, begun, decided),
            (Stage::Send, decided, handed),
            (Stage::Wire, origin.received, handed),
        ];
        let queue_ns = cx.clock.between_ns(origin.received, origin.taken).saturating_sub(origin.feed_ns.into());
        trace.stage_ns[Stage::Decode as usize] = origin.feed_ns;
        trace.stage_ns[Stage::Queue as usize] = u32::try_from(queue_ns).unwrap_or(u32::MAX);
        for (stage, from, to) in spans {
            let ns = cx.clock.between_ns(from, to);
            trace.stage_ns[stage as usize] = u32::try_from(ns).unwrap_or(u32::MAX);
            if matches!(stage, Stage::Send | Stage::Wire) {
                cx.stages.record(stage, ns);
            }
        }
        cx.ports.telemetry.record(trace);
    }
}
