//! `highwire demo`: the whole service in one process against simulated venues on loopback. No keys,
//! no database, no network.

mod board;
mod options;
mod run;
mod script;
mod venues;

pub use options::DemoOptions;
pub use run::{DemoError, run};
