//! Decoders against literal frames of every shape, against every recording, and against damaged frames.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on should fail")]

mod corpus;
mod frames;
mod listing;
mod mutants;
mod polymarket;
mod polymarket_trading;
mod spot;
mod support;
