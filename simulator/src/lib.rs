//! Venues in a box.
pub mod config;
pub mod market;
mod rng;
