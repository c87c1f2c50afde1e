//! The build script of every crate that holds defences: it plants one seeded defect when the environment asks
//! for it. `HIGHWIRE_MUTANT_ENGINE=stale-book` sets `cfg(mutant = "stale-book")` in that crate and in no other, so
//! that only it and what stands on it are built anew. The list is `tests/mutants/list.toml`, the runner
//! `cargo xtask mutants`. An optimised build refuses: what is shipped has no defect on purpose.

#![allow(clippy::disallowed_methods, clippy::disallowed_macros, reason = "the engine's bans are not meant for builds")]

fn main() {
    let package = std::env::var("CARGO_PKG_NAME").unwrap_or_default();
    let part = package.strip_prefix("highwire-").unwrap_or("program").to_uppercase();
    let variable = format!("HIGHWIRE_MUTANT_{part}");
    println!("cargo:rerun-if-env-changed={variable}");
    let Some(mutant) = std::env::var(&variable).ok().filter(|name| !name.is_empty()) else { return };
    let profile = std::env::var("PROFILE").unwrap_or_default();
    assert!(profile == "debug", "{variable} is set: a defect is never built into a {profile} build");
    println!("cargo:rustc-cfg=mutant=\"{mutant}\"");
}
