//! The program: CLI, configuration, replay, record, demo, service, metrics, telemetry. Reads as a table of contents.

pub mod boot;
pub mod cli;
pub mod config;
pub mod control;
pub mod demo;
pub mod http;
pub mod journal;
pub mod ledger;
pub mod metrics;
pub mod notify;
pub mod operate;
pub mod record;
pub mod replay;
pub mod report;
pub mod run;
pub mod secrets;
pub mod service;
pub mod simulate;
pub mod state;
pub mod telemetry;
pub mod tls;
pub mod topology;
pub mod trade;
pub mod universe;
pub mod view;
pub mod vitals;
