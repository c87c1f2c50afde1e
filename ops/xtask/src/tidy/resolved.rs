//! Rule `resolved`: no impure crate is anywhere in the engine's resolved dependency tree (tests'
//! dependencies aside), as `cargo tree -p highwire-engine -e normal` shows it.

use super::finding::Finding;
use super::purity;
use std::path::Path;
use std::process::Command;

const ENGINE: &str = "engine/Cargo.toml";

/// Asks cargo.
pub fn check(root: &Path) -> Vec<Finding> {
    let cargo = std::env::var("CARGO").unwrap_or_else(|_| "cargo".to_owned());
    let args = ["tree", "-p", "highwire-engine", "-e", "normal", "--prefix", "none", "-f", "{p}"];
    match Command::new(cargo).args(args).current_dir(root).output() {
        Ok(output) if output.status.success() => judge(&String::from_utf8_lossy(&output.stdout)),
        Ok(output) => vec![told(format!("cargo tree failed: {}", String::from_utf8_lossy(&output.stderr).trim()))],
        Err(why) => vec![told(format!("cargo tree did not start: {why}"))],
    }
}

/// One line per package: its name, its version, its place.
fn judge(tree: &str) -> Vec<Finding> {
    let names = tree.lines().filter_map(|line| line.split_whitespace().next());
    let mut found: Vec<&str> = names.filter(|name| purity::CRATES.contains(name)).collect();
    found.sort_unstable();
    found.dedup();
    let why = |name| format!("the engine's tree holds `{name}`: see `cargo tree -p highwire-engine -i {name}`");
    found.into_iter().map(|name| told(why(name))).collect()
}

fn told(why: String) -> Finding {
    Finding::in_file(ENGINE, "resolved", why)
}
