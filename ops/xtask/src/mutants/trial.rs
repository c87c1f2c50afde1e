//! One scenario, run with one defect planted or with none: `cargo test` twice, first to build only, so that a
//! build that fails is not taken for a scenario that does.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

/// Longest that a scenario may run, seconds: one that a defect makes wait for ever has failed.
const RUN_S_MAX: &str = "180";

/// How a scenario ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// These tests failed.
    Failed(Vec<String>),
    /// It did not end in its time.
    Endless,
    /// Every test passed.
    Passed,
    /// There was no test to run.
    NoTest,
    /// It could not be built: the compiler's words.
    NotBuilt(String),
}

/// Where scenarios are run.
pub struct Bench {
    root: PathBuf,
    target: PathBuf,
}

impl Bench {
    /// In the tree at `root`, with builds in `mutants` below the usual target folder.
    pub fn new(root: &Path) -> Self {
        let target = std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| root.join("target"), PathBuf::from);
        Self { root: root.to_owned(), target: target.join("mutants") }
    }

    /// Runs `cargo test` with these arguments; `mutant` is crate and name of a defect.
    pub fn run(&self, arguments: &str, mutant: Option<(&str, &str)>) -> Verdict {
        let (options, filter) = arguments.rsplit_once(' ').unwrap_or((arguments, ""));
        let mut build = self.cargo(mutant, &["cargo", "test", "--quiet", "--no-run"]);
        match build.args(options.split_whitespace()).output() {
            Ok(Output { status, .. }) if status.success() => {}
            Ok(Output { stderr, .. }) => return Verdict::NotBuilt(String::from_utf8_lossy(&stderr).into_owned()),
            Err(why) => return Verdict::NotBuilt(why.to_string()),
        }
        let mut test = self.cargo(mutant, &["timeout", "-k", "5", RUN_S_MAX, "cargo", "test"]);
        match test.args(options.split_whitespace()).arg(filter).output() {
            Ok(Output { status, stdout, .. }) => judge(status.code(), &String::from_utf8_lossy(&stdout)),
            Err(why) => Verdict::NotBuilt(why.to_string()),
        }
    }

    fn cargo(&self, mutant: Option<(&str, &str)>, words: &[&str]) -> Command {
        let mut command = Command::new(words[0]);
        command.args(&words[1..]).current_dir(&self.root).env("CARGO_TARGET_DIR", &self.target);
        if let Some((package, name)) = mutant {
            command.env(format!("HIGHWIRE_MUTANT_{}", package.to_uppercase()), name);
        }
        command
    }
}

/// What a test program printed, and how it ended: `timeout` says 124 for what it ended, or 137 for what it had to kill.
fn judge(code: Option<i32>, stdout: &str) -> Verdict {
    let tests = stdout.lines().filter_map(|line| line.strip_prefix("test ")?.strip_suffix(" ... FAILED"));
    let has_run = stdout.lines().any(|line| line.starts_with("test ") && !line.starts_with("test result"));
    match (code, has_run) {
        (Some(124 | 137), _) => Verdict::Endless,
        (Some(0), true) => Verdict::Passed,
        (Some(0), false) => Verdict::NoTest,
        _ => Verdict::Failed(tests.map(|name| name.rsplit("::").next().unwrap_or(name).to_owned()).collect()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_verdict_names_what_failed_and_tells_no_test_from_a_passed_one() {
        let failed = "running 2 tests\ntest a::b ... FAILED\ntest c ... ok\n\ntest result: FAILED. 1 passed\n";
        assert_eq!(judge(Some(101), failed), Verdict::Failed(vec!["b".to_owned()]));
        assert_eq!(judge(Some(0), "test c ... ok\n\ntest result: ok. 1 passed\n"), Verdict::Passed);
        assert_eq!(judge(Some(124), "test c has been running for over 60 seconds\n"), Verdict::Endless);
        assert_eq!(judge(Some(0), "running 0 tests\n\ntest result: ok. 0 passed\n"), Verdict::NoTest);
    }
}
