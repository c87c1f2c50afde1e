//! The drill: the production wire, rules, journal and recovery in one thread of virtual time, between simulated venues
//! and a disk in memory, under faults drawn by a seed. See `docs/drill.md`.

#[global_allocator]
static ALLOCATOR: highwire::allocator::Counting = highwire::allocator::Counting;

pub mod book;
pub mod canary;
pub mod clock;
pub mod compound;
pub mod crash;
pub mod desk;
pub mod dice;
pub mod faults;
pub mod ground;
pub mod judge;
pub mod ledger;
pub mod lines;
pub mod market;
pub mod memory;
pub mod net;
pub mod outbox;
pub mod process;
pub mod reign;
pub mod report;
mod resting;
pub mod run;
pub mod seeds;
pub mod shrink;
pub mod start;
pub mod venue;
pub mod verb;
pub mod well;
pub mod wire;
pub mod words;
pub mod world;
