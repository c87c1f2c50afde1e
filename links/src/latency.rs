//! Published latencies: per stage a count for each fixed bucket and the sum, in one seqlock page, from which
//! the exporter makes histograms. Times are from stamp to stamp: work that was never begun is not seen
//! (coordinated omission).

use crate::counter::Stage;
use crate::seqlock;

/// Upper bounds of the buckets in nanoseconds; what is longer than the last counts in one more.
pub const BOUNDS_NS: [u64; 22] = [
    100,
    250,
    500,
    1_000,
    2_500,
    5_000,
    10_000,
    25_000,
    50_000,
    100_000,
    250_000,
    500_000,
    1_000_000,
    2_500_000,
    5_000_000,
    10_000_000,
    25_000_000,
    50_000_000,
    100_000_000,
    250_000_000,
    500_000_000,
    1_000_000_000,
];
/// Buckets, the last without a bound.
pub const BUCKETS: usize = BOUNDS_NS.len() + 1;
const STAGES: usize = Stage::ALL.len();
const WORDS: usize = STAGES * (BUCKETS + 1);

/// A thread's latencies by bucket.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Latencies([u64; WORDS]);

/// One stage's histogram.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Histogram {
    /// Counts, not summed up.
    pub counts: [u64; BUCKETS],
    /// Nanoseconds in all; wraps after centuries.
    pub sum_ns: u64,
}

impl Histogram {
    /// Something took, or is, `ns`.
    pub fn record(&mut self, ns: u64) {
        self.counts[bucket(ns)] += 1;
        self.sum_ns = self.sum_ns.wrapping_add(ns);
    }
}

fn bucket(ns: u64) -> usize {
    BOUNDS_NS.partition_point(|&bound| bound < ns)
}

impl Default for Latencies {
    fn default() -> Self {
        Self([0; WORDS])
    }
}

impl Latencies {
    /// A stage took `ns`.
    pub fn record(&mut self, stage: Stage, ns: u64) {
        let begin = stage as usize * (BUCKETS + 1);
        self.0[begin + bucket(ns)] += 1;
        self.0[begin + BUCKETS] = self.0[begin + BUCKETS].wrapping_add(ns);
    }

    /// A stage's histogram.
    pub fn of(&self, stage: Stage) -> Histogram {
        let begin = stage as usize * (BUCKETS + 1);
        let counts = std::array::from_fn(|bucket| self.0[begin + bucket]);
        Histogram { counts, sum_ns: self.0[begin + BUCKETS] }
    }

    /// Adds another thread's.
    pub fn merge(&mut self, other: &Self) {
        self.0.iter_mut().zip(&other.0).for_each(|(mine, theirs)| *mine = mine.wrapping_add(*theirs));
    }
}

/// The thread's end.
#[derive(Debug)]
pub struct LatencyWriter(seqlock::Writer<WORDS>);

/// A reader.
#[derive(Clone, Debug)]
pub struct LatencyReader(seqlock::Reader<WORDS>);

/// A published page of latencies.
pub fn latency() -> (LatencyWriter, LatencyReader) {
    let (writer, reader) = seqlock::cell();
    (LatencyWriter(writer), LatencyReader(reader))
}

impl LatencyWriter {
    /// Publishes the counts.
    pub fn publish(&mut self, latencies: &Latencies) {
        self.0.publish(&latencies.0);
    }
}

impl LatencyReader {
    /// The counts as last published; `None` while their writer is dead in mid-write.
    pub fn read(&self) -> Option<Latencies> {
        self.0.read(1024).map(Latencies)
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    #[test]
    fn a_latency_counts_in_the_first_bucket_that_is_not_below_it() {
        let (mut writer, reader) = latency();
        let mut latencies = Latencies::default();
        for ns in [0, 100, 101, 250, 1_000_000_000, 1_000_000_001, u64::from(u32::MAX)] {
            latencies.record(Stage::Wire, ns);
        }
        latencies.merge(&latencies.clone());
        writer.publish(&latencies);
        let found = reader.read().unwrap().of(Stage::Wire);
        assert_eq!((found.counts[0], found.counts[1], found.counts[21], found.counts[22]), (4, 4, 2, 4));
        assert_eq!(found.counts.iter().sum::<u64>(), 14);
        assert_eq!(reader.read().unwrap().of(Stage::Decode).sum_ns, 0);
    }
}
