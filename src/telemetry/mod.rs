//! Logs and traces, set up once. Spans exist only on the cold side: the wire hands over plain stamps
//! ([`spans`]) and never waits for a log line, a collector or a disk.

mod counts;
pub mod episodes;
mod files;
pub mod ids;
mod limits;
mod one_line;
mod sampler;
pub mod setup;
pub mod spans;

pub use counts::{LineCounts, SpanCounts, SpanFigures, Tracing};
pub use setup::{Protocol, Telemetry, TelemetryError, TelemetrySettings, start};
