//! Highwire, a crypto arbitrage service: the program around the crates.

pub mod config;
