//! Metrics: one documented catalogue, one way from vitals to text.
//!
//! `docs/metrics.md` is the catalogue as a page; a test holds them equal.

mod catalogue;
mod gather;
mod text;

pub use catalogue::{Family, Kind, families, page};
pub use gather::gather;
pub use text::{Format, render};

/// One value of a family.
#[derive(Clone, Debug, PartialEq)]
pub struct Sample {
    /// The family's name.
    pub family: String,
    /// Values of the family's labels, in their order.
    pub labels: Vec<String>,
    /// The value.
    pub value: Value,
}

/// What a sample holds.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    /// A count since the start.
    Count(u64),
    /// A number that goes up and down.
    Number(f64),
    /// A decimal that is exact.
    Exact(String),
    /// A histogram: upper bounds in seconds with their counts (not summed up), the count above the last
    /// bound, and the sum in seconds.
    Histogram {
        /// Bound in seconds, and how many were at or below it but above the one before.
        buckets: Vec<(f64, u64)>,
        /// How many were above the last bound.
        above: u64,
        /// The sum in seconds.
        sum_s: f64,
    },
}

#[cfg(test)]
mod tests;
