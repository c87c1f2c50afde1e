//! The fault catalogue against the running service: simulated venues on real sockets do what the row says, and the
//! service must keep the catalogue's invariants meanwhile and be back afterwards.

#![allow(clippy::unwrap_used, reason = "a test ends by panic; helpers are outside test functions")]

mod ages;
mod books;
mod hostile;
mod lines;
mod listings;
mod log;
mod panics;
mod prices;
mod relay;
mod requests;
mod rig;
mod spectator;
