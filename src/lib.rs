//! The program: CLI, configuration, replay, record, demo, service, metrics, telemetry. Reads as a table of contents.

pub mod cli;
pub mod config;
pub mod control;
pub mod demo;
pub mod http;
pub mod ledger;
pub mod metrics;
pub mod notify;
pub mod operate;
pub mod record;
pub mod replay;
pub mod run;
pub mod secrets;
pub mod service;
pub mod simulate;
pub mod telemetry;
pub mod tls;
pub mod topology;
pub mod universe;
pub mod view;
pub mod vitals;
