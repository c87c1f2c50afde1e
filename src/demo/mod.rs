//! `highwire demo`: the whole service, in a process of its own, against simulated venues on loopback, and a story that is
//! played to it: lines die, a venue freezes, a leg is left alone, the process is killed. No keys, no database, no network.

mod holdings;
mod options;
mod postbox;
mod process;
mod run;
mod scenes;
mod stage;
mod story;

pub use options::DemoOptions;
pub use run::{DemoError, run};
