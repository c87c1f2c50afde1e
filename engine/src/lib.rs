//! Everything that runs on pinned threads, as stages in flow order:
//! receive → decode → book → detect → risk → execute.
//!
//! No async, no lock, no allocation after start, no clock of its own, and no knowledge of any
//! exchange: a connection brings its decode function along. Every stage is stepped: production
//! threads, replay and tests call the same functions.

// The bans of clippy.toml hold for what runs on the wire; tests may sleep, print and hash.
#![cfg_attr(test, allow(clippy::disallowed_types, clippy::disallowed_methods, clippy::disallowed_macros))]

pub mod book;
mod breakers;
pub mod clock;
pub mod collar;
pub mod connection;
pub mod context;
mod doubt;
mod drifts;
pub mod duty;
mod echo;
pub mod engine;
pub mod execute;
pub mod exposures;
pub mod feed;
pub mod framer;
pub mod gateway;
pub mod guard;
pub mod hedge;
pub mod http;
pub mod idle;
pub mod life;
pub mod live;
pub mod offset;
pub mod opportunity;
pub mod order_line;
pub mod orders;
mod outbox;
pub mod paper;
pub mod position;
mod probe;
mod queue;
mod refusals;
mod reprices;
pub mod risk;
pub mod saga;
pub mod sizing;
mod slots;
pub mod spec;
pub mod stages;
pub mod strategies;
pub mod stream;
pub mod thread;
pub mod tops;
pub mod trades;
pub mod wallets;
mod watch;

#[cfg(test)]
mod testing;
