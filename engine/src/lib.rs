//! Everything that runs on pinned threads, as stages in flow order:
//! receive → decode → book → detect → risk → execute.
//!
//! No async, no lock, no allocation after start, no clock of its own, and no knowledge of any
//! exchange: a connection brings its decode function along. Every stage is stepped: production
//! threads, replay and tests call the same functions.

pub mod clock;
pub mod context;
pub mod framer;
pub mod stages;
