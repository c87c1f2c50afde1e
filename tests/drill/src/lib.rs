//! The drill: the production wire, rules, journal and recovery in one thread of virtual time, between simulated venues
//! and a disk in memory, under faults drawn by a seed. See `docs/drill.md`.

pub mod book;
pub mod clock;
pub mod desk;
pub mod dice;
pub mod faults;
pub mod ground;
pub mod judge;
pub mod ledger;
pub mod lines;
pub mod market;
pub mod net;
pub mod process;
pub mod reign;
pub mod run;
pub mod start;
pub mod venue;
pub mod verb;
pub mod wire;
pub mod words;
pub mod world;
