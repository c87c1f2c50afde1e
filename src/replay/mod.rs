//! `highwire replay`: recorded frames through the decoders, books, engine and paper gateway that
//! production uses, stepped by the records' own times. Equal input, equal digest, in every layout.

mod cast;
mod digest;
mod options;
mod pace;
mod report;
mod rig;
mod run;
mod tops;
mod wire;

pub use options::{Layout, Options};
pub use report::Report;
pub use run::{ReplayError, run};
