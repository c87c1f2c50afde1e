//! The ops folder, checked by those who will read it: promtool, a real Prometheus on a running service, amtool,
//! hadolint, Kubernetes' schemas, systemd and nginx. The tools come from package registries into the target folder.

#![allow(clippy::unwrap_used, reason = "a test ends by panic; helpers are outside test functions")]

mod blocked;
mod dashboards;
mod expression;
mod files;
mod firing;
mod rules;
mod service;
mod siege;
mod tools;
mod traces;
mod watcher;

use std::path::PathBuf;

/// A path of the project.
fn project(path: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join(path)
}

/// A file of the project.
fn text(path: &str) -> String {
    std::fs::read_to_string(project(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}
