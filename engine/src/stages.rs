//! Per-stage latencies: one fixed-size histogram a stage, filled on the pinned thread without
//! allocation. Time is from stamp to stamp, so work that was never begun is not seen
//! (coordinated omission): these are service times, not a promise about response times.

use hdrhistogram::Histogram;
use highwire_links::counter::Stage;
use highwire_links::latency::Latencies;

/// Longest latency told apart; longer ones count as this.
const LATENCY_MAX_NS: u64 = 60_000_000_000;
/// Significant digits kept.
const DIGITS: u8 = 2;

/// Latency histograms of one thread, one per stage.
#[derive(Clone, Debug)]
pub struct Stages {
    fine: [Histogram<u64>; Stage::ALL.len()],
    coarse: Latencies,
}

impl Default for Stages {
    fn default() -> Self {
        let fine = std::array::from_fn(|_| {
            Histogram::new_with_bounds(1, LATENCY_MAX_NS, DIGITS).expect("the bounds are constants and valid")
        });
        Self { fine, coarse: Latencies::default() }
    }
}

impl Stages {
    /// Records that a stage took `ns`.
    pub fn record(&mut self, stage: Stage, ns: u64) {
        self.fine[stage as usize].saturating_record(ns);
        self.coarse.record(stage, ns);
    }

    /// The histogram of a stage, in nanoseconds.
    pub fn of(&self, stage: Stage) -> &Histogram<u64> {
        &self.fine[stage as usize]
    }

    /// The same by fixed buckets, as it is published while the thread runs.
    pub fn coarse(&self) -> &Latencies {
        &self.coarse
    }

    /// Adds another thread's latencies.
    pub fn merge(&mut self, other: &Self) {
        for (mine, theirs) in self.fine.iter_mut().zip(&other.fine) {
            mine.add(theirs).expect("both have the same bounds");
        }
        self.coarse.merge(&other.coarse);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keeps_stages_apart_and_merges() {
        let (mut a, mut b) = (Stages::default(), Stages::default());
        a.record(Stage::Decode, 100);
        b.record(Stage::Decode, 200);
        b.record(Stage::Wire, u64::MAX);
        a.merge(&b);
        assert_eq!((a.of(Stage::Decode).len(), a.of(Stage::Wire).len(), a.of(Stage::Book).len()), (2, 1, 0));
    }
}
