//! Runs the built program.

use serde_json::Value;
use std::ffi::OsStr;
use std::path::PathBuf;
use std::process::{Command, Output};

/// Runs `highwire` with these arguments, untouched by the environment's settings.
pub fn highwire<S: AsRef<OsStr>>(arguments: &[S]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_highwire"));
    for (name, _) in std::env::vars().filter(|(name, _)| name.starts_with("HIGHWIRE__")) {
        command.env_remove(name);
    }
    command.args(arguments).output().expect("the built program can be started")
}

/// The report of a replay that succeeds.
pub fn report(arguments: &[&str]) -> Value {
    let out = highwire(&[&["replay", "--json"], arguments].concat());
    assert!(out.status.success(), "{}", String::from_utf8_lossy(&out.stderr));
    serde_json::from_slice(&out.stdout).expect("the report is JSON")
}

/// The folder of recordings, if there is one.
pub fn data() -> Option<PathBuf> {
    let folder = std::env::var_os("HIGHWIRE_DATA").map(PathBuf::from);
    if folder.is_none() {
        assert_ne!(std::env::var("CI").as_deref(), Ok("true"), "HIGHWIRE_DATA is not set");
        eprintln!("SKIPPED: HIGHWIRE_DATA is not set");
    }
    folder
}
