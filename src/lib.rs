//! The program: CLI, configuration, replay, demo, telemetry. Reads as a table of contents.

pub mod config;
pub mod telemetry;
pub mod view;
