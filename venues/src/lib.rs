//! Exchanges as pure translation: bytes in, the shared vocabulary of `links` out.
//!
//! One folder per exchange with the same file names: `decode` chooses the tier, `scan` is the fast
//! structural scanner (tier 1), `reference` reads any valid JSON (tier 2), `metadata` reads the
//! instrument list, `plan` says where to connect and what to ask for. Nothing here does any input
//! or output, reads a clock or keeps a book.

mod binance;
mod broken;
mod bybit;
mod lanes;
pub mod metadata;
mod okx;
pub mod plan;
pub mod polymarket;
pub mod rest;
mod scan;
mod scratch;
pub mod sniff;
pub mod spec;
mod tape;
mod tiers;
pub mod venue;

pub use spec::{InstrumentSpec, Kind};
pub use venue::{Profile, Venue};
