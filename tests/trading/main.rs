//! Our translation of the venues' trading side against the simulator, which was written from the documents alone:
//! what we encode is understood there, and what comes back is understood here, to the last decimal.

#![allow(clippy::unwrap_used)] // a failed step of a test is a failed test, helpers included

mod binance;
mod books;
mod budget;
mod bybit;
mod doubts;
mod market;
mod okx;
mod polymarket;
mod types;
mod wire;
