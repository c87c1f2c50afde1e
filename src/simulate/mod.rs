//! `highwire simulate`: the venue simulator alone, for clients of any kind: says where its venues listen
//! and which dummy keys they know, and runs until it is told to stop.

mod listing;
mod options;
mod run;
mod tape;

pub use listing::Listing;
pub use options::{ListenError, SimulateOptions, base_port};
pub use run::{SimulateError, run};
pub use tape::takes;
