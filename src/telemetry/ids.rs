//! Ids of traces that are known before the trace is made, so that log lines can carry them: the process's own random
//! half, and the saga's number scrambled.

use opentelemetry::trace::{SpanId, TraceId};
use opentelemetry_sdk::trace::{IdGenerator, RandomIdGenerator};
use std::cell::Cell;
use std::sync::OnceLock;

thread_local! {
    static NEXT: Cell<Option<TraceId>> = const { Cell::new(None) };
}

/// The id of a saga's trace.
pub fn of_saga(group: u64) -> TraceId {
    static SEED: OnceLock<u128> = OnceLock::new();
    let seed = *SEED.get_or_init(|| u128::from_be_bytes(RandomIdGenerator::default().new_trace_id().to_bytes()));
    // The sampler draws by the lower half, so that half must look random from one saga to the next.
    let lower = mixed(seed as u64 ^ mixed(group));
    TraceId::from_bytes((seed >> 64 << 64 | u128::from(lower)).to_be_bytes())
}

/// The finaliser of SplitMix64: no two inputs meet.
const fn mixed(value: u64) -> u64 {
    let value = (value ^ (value >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let value = (value ^ (value >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    value ^ (value >> 31)
}

/// Calls `make`, whose first new trace on this thread has this id.
pub(super) fn as_trace<T>(id: TraceId, make: impl FnOnce() -> T) -> T {
    NEXT.set(Some(id));
    let made = make();
    NEXT.set(None);
    made
}

/// Random ids, but for traces whose id was set.
#[derive(Debug, Default)]
pub(super) struct Ids(RandomIdGenerator);

impl IdGenerator for Ids {
    fn new_trace_id(&self) -> TraceId {
        NEXT.take().unwrap_or_else(|| self.0.new_trace_id())
    }

    fn new_span_id(&self) -> SpanId {
        self.0.new_span_id()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_set_id_is_used_once_and_only_within() {
        let ids = Ids::default();
        let mine = of_saga(7);
        assert_eq!(mine, of_saga(7));
        assert_ne!(mine, of_saga(8));
        let made = as_trace(mine, || (ids.new_trace_id(), ids.new_trace_id()));
        assert!(made.0 == mine && made.1 != mine);
        assert_ne!(ids.new_trace_id(), mine);
    }
}
