//! Exchanges as pure translation: bytes in, the shared vocabulary of `links` out.
//!
//! One folder per exchange with the same file names: `decode` chooses the tier, `scan` is the fast
//! structural scanner (tier 1), `reference` reads any valid JSON (tier 2), `metadata` reads the
//! instrument list, `plan` says where to connect and what to ask for. Nothing here does any input
//! or output, reads a clock or keeps a book.

mod binance;
mod broken;
mod bybit;
pub mod changes;
pub mod client_id;
mod cold;
pub mod http;
pub mod keys;
mod lanes;
mod listen;
pub mod metadata;
mod okx;
pub mod orders;
pub mod plan;
pub mod polymarket;
pub mod private;
mod proof;
mod recent;
pub mod rest;
mod roster;
mod scan;
mod scratch;
pub mod sign;
pub mod sniff;
pub mod spec;
mod tape;
mod text;
mod tiers;
pub mod topics;
pub mod venue;
mod verdict;

pub use spec::{InstrumentSpec, Kind};
pub use venue::{Profile, Venue};
