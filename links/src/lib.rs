//! What crosses a thread, and the units it is made of.
//!
//! Highwire has two planes: the wire (pinned threads) and the net (actors). They meet only here:
//! in single-producer single-consumer rings, one command-and-control block per thread, and seqlock
//! pages for readers. One file per ring, named by what it carries. Nothing of ours is imported.

pub mod allocation;
pub mod audit;
pub mod breaker;
pub mod cnc;
pub mod codec;
pub mod command;
pub mod counter;
pub mod decode;
pub mod directory;
pub mod drift;
pub mod fill;
pub mod fixed;
pub mod ids;
pub mod instrument;
pub mod latency;
pub mod lease;
pub mod lifecycle;
pub mod limits;
pub mod market;
pub mod mode;
pub mod occupancy;
pub mod order;
pub mod outbox;
pub mod page;
pub mod ports;
pub mod rate;
pub mod ring;
pub mod seqlock;
mod sync;
pub mod telemetry;
pub mod update;

pub use fixed::{Px, Qty, Scale};
pub use ids::{InstrumentId, Nanos, PairId, Side, VenueId};
pub use mode::Mode;
