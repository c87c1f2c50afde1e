//! Unchanged public clients against the simulator: ccxt, python-binance, pybit, python-okx, py-clob-client-v2
//! and polymarket-client, in an environment of their own, judged by the simulator's ground truth.
//!
//! What a client cannot be pointed at, and why, stands in `docs/clients.md`.

mod account;
mod environment;
mod market;
mod polymarket;
mod script;
mod trade;
