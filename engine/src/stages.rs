//! Per-stage latencies: one fixed-size histogram a stage, filled on the pinned thread without
//! allocation. Time is from stamp to stamp, so work that was never begun is not seen
//! (coordinated omission): these are service times, not a promise about response times.
//!
//! A time is noted where it is taken and sorted into its histogram at the end of the turn: a bucket is a cache line
//! seldom seen before, and an order is not to wait for six of them.

use hdrhistogram::Histogram;
use highwire_links::counter::Stage;
use highwire_links::latency::Latencies;

/// Longest latency told apart; longer ones count as this.
const LATENCY_MAX_NS: u64 = 60_000_000_000;
/// Significant digits kept.
const DIGITS: u8 = 2;

/// Times that can wait to be sorted in; one more has them sorted in at once.
const NOTED_MAX: usize = 64;

/// Latency histograms of one thread, one per stage.
#[derive(Clone, Debug)]
pub struct Stages {
    noted: [(Stage, u64); NOTED_MAX],
    len: usize,
    fine: [Histogram<u64>; Stage::ALL.len()],
    coarse: Latencies,
}

impl Default for Stages {
    fn default() -> Self {
        let fine = std::array::from_fn(|_| {
            Histogram::new_with_bounds(1, LATENCY_MAX_NS, DIGITS).expect("the bounds are constants and valid")
        });
        Self { noted: [(Stage::Decode, 0); NOTED_MAX], len: 0, fine, coarse: Latencies::default() }
    }
}

impl Stages {
    /// Notes that a stage took `ns`; it is seen from the next [`Self::settle`] on.
    pub fn record(&mut self, stage: Stage, ns: u64) {
        if self.len == NOTED_MAX {
            self.settle();
        }
        self.noted[self.len] = (stage, ns);
        self.len += 1;
    }

    /// Sorts in what was noted.
    pub fn settle(&mut self) {
        for &(stage, ns) in &self.noted[..self.len] {
            self.fine[stage as usize].saturating_record(ns);
            self.coarse.record(stage, ns);
        }
        self.len = 0;
    }

    /// The histogram of a stage, in nanoseconds, of what was settled.
    pub fn of(&self, stage: Stage) -> &Histogram<u64> {
        &self.fine[stage as usize]
    }

    /// The same by fixed buckets, as it is published while the thread runs.
    pub fn coarse(&self) -> &Latencies {
        &self.coarse
    }

    /// Adds another thread's latencies.
    pub fn merge(&mut self, other: &Self) {
        other.noted[..other.len].iter().for_each(|&(stage, ns)| self.record(stage, ns));
        self.settle();
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

    #[test]
    fn no_time_is_lost_that_finds_no_place_to_wait() {
        let mut stages = Stages::default();
        (0..1_000).for_each(|ns| stages.record(Stage::Risk, ns));
        stages.settle();
        let coarse: u64 = stages.coarse().of(Stage::Risk).counts.iter().sum();
        assert_eq!((stages.of(Stage::Risk).len(), coarse), (1_000, 1_000));
    }
}
