//! The trading side against the documents' literal messages, with its own signatures recomputed, and
//! against damaged messages.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on should fail")]

mod binance;
mod bybit;
mod drift;
mod encode;
mod lines;
mod mutants;
mod okx;
mod proof;
mod queries;
mod rates;
mod support;
