//! The Python environment of the clients: made once under the target folder, from pinned versions, kept
//! until the pins change. Where it cannot be made, tests are skipped, in CI they fail.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

const PINS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/clients/requirements.txt");

/// The environment's interpreter, or `None` (said on standard error) where there is no way to have one.
///
/// # Panics
/// There is none and this is CI.
pub(crate) fn python() -> Option<&'static Path> {
    static PYTHON: OnceLock<Result<PathBuf, String>> = OnceLock::new();
    match PYTHON.get_or_init(make) {
        Ok(python) => Some(python),
        Err(why) => {
            assert!(std::env::var("CI").as_deref() != Ok("true"), "no environment for the clients: {why}");
            eprintln!("SKIPPED: no environment for the clients: {why}");
            None
        }
    }
}

fn make() -> Result<PathBuf, String> {
    let pins = std::fs::read_to_string(PINS).map_err(|error| error.to_string())?;
    let home = Path::new(env!("CARGO_TARGET_TMPDIR")).join("clients");
    let (python, stamp) = (home.join("bin/python"), home.join("pins"));
    if python.exists() && std::fs::read_to_string(&stamp).is_ok_and(|kept| kept == pins) {
        return Ok(python);
    }
    let home_text = home.to_string_lossy().into_owned();
    done(Command::new("python3").args(["-m", "venv", "--clear", &home_text]))?;
    let quiet = ["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-deps", "-r", PINS];
    done(Command::new(&python).args(quiet))?;
    std::fs::write(&stamp, pins).map_err(|error| error.to_string())?;
    Ok(python)
}

fn done(command: &mut Command) -> Result<(), String> {
    let output = command.output().map_err(|error| format!("{command:?}: {error}"))?;
    let words = String::from_utf8_lossy(&output.stderr);
    if output.status.success() { Ok(()) } else { Err(format!("{command:?}: {}", words.trim())) }
}
