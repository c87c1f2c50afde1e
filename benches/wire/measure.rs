//! How figures are taken: both sides of a ratio in one run, interleaved, median of repeats.
//!
//! Machines are noisy and differ; a ratio of two things measured in turn is what travels.

use std::hint::black_box;
use std::time::Instant;

/// Repeats of every measurement; the median is kept.
pub const REPEATS: usize = 15;

/// One line of the result.
pub struct Figure {
    /// What was measured.
    pub name: String,
    /// Nanoseconds per operation.
    pub ns: f64,
    /// What it is compared with.
    pub yardstick: String,
    /// Nanoseconds per operation of the yardstick.
    pub yardstick_ns: f64,
    /// The goal for `ns / yardstick_ns`, if one stands: at most this.
    pub goal: Option<f64>,
}

impl Figure {
    /// The measured ratio.
    pub fn ratio(&self) -> f64 {
        self.ns / self.yardstick_ns
    }
}

/// Measures `subject` against `yardstick`, each called once per repeat and each doing `operations`
/// operations; they take turns so that a slow moment hits both.
pub fn against<A, B>(
    name: &str,
    yardstick_name: &str,
    goal: Option<f64>,
    operations: usize,
    mut subject: impl FnMut() -> A,
    mut yardstick: impl FnMut() -> B,
) -> Figure {
    let (mut ours, mut theirs) = (Vec::new(), Vec::new());
    for _ in 0..REPEATS {
        ours.push(timed(&mut subject));
        theirs.push(timed(&mut yardstick));
    }
    let per = |samples: Vec<f64>| median(samples) / operations as f64;
    Figure { name: name.into(), ns: per(ours), yardstick: yardstick_name.into(), yardstick_ns: per(theirs), goal }
}

/// Nanoseconds that `work` takes.
pub fn timed<T>(mut work: impl FnMut() -> T) -> f64 {
    let start = Instant::now();
    black_box(work());
    start.elapsed().as_nanos() as f64
}

/// The middle of the samples.
pub fn median(mut samples: Vec<f64>) -> f64 {
    samples.sort_by(f64::total_cmp);
    samples[samples.len() / 2]
}
