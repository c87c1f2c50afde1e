//! Polymarket's CLOB (version 2) with its 15-minute and hourly up/down markets: discovery, market and user
//! channels, signed orders, complement matching, settlement that can fail, and the dead-man switch.
//!
//! Sources: docs.polymarket.com; the official clients' requests. `GET /gamma/...` on the REST address is
//! what the venue serves on its discovery host.

mod account;
mod book;
mod calendar;
mod config;
mod crowd;
mod eip712;
mod encode;
mod entry;
mod fee;
mod gamma;
mod house;
mod ledger;
mod limits;
mod order;
mod private;
mod public;
mod rest;
mod settle;
mod stream;
#[cfg(test)]
mod tests;
mod updown;
mod windows;
mod word;

pub use account::{Credentials, Holder};
pub use config::PolymarketConfig;
pub use eip712::Exchange;
pub use ledger::{Entry, Fact};
pub(crate) use rest::router;
pub(crate) use stream::{Polymarket, SharedHouse};

/// Dollars and shares are counted in millionths.
const MICRO: i64 = 1_000_000;
/// Prices are counted in ten-thousandths.
const PX_ONE: i64 = 10_000;
