//! The real program: how it is run and what it answers.

use serde_json::Value;
use std::path::Path;
use std::process::{Command, Output};

/// A replay about to be run.
pub struct Replay(Command);

impl Replay {
    /// Of nothing yet. What the caller's environment sets for the program does not count.
    pub fn new() -> Self {
        let mut command = Command::new(env!("CARGO_BIN_EXE_highwire"));
        let set = std::env::vars_os().map(|(key, _)| key);
        for key in set.filter(|key| key.to_string_lossy().starts_with("HIGHWIRE__")) {
            command.env_remove(key);
        }
        command.arg("replay");
        Self(command)
    }

    /// Of this path too.
    pub fn of(self, path: &Path) -> Self {
        self.with(&[path.to_str().unwrap()])
    }

    /// With further arguments.
    pub fn with(mut self, arguments: &[&str]) -> Self {
        self.0.args(arguments);
        self
    }

    /// With a setting of the environment.
    pub fn set(mut self, key: &str, value: &str) -> Self {
        self.0.env(key, value);
        self
    }

    /// Runs it.
    pub fn output(mut self) -> Output {
        self.0.output().unwrap()
    }

    /// Runs it to its report.
    pub fn report(self) -> Value {
        let output = self.with(&["--json"]).output();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        let report: Value = serde_json::from_slice(&output.stdout).expect("the report is JSON");
        let count = |value: &Value| value.as_u64().unwrap();
        let (decoded, rejected) = (count(&report["decoded"]), count(&report["rejected"]["total"]));
        assert_eq!(count(&report["frames"]), decoded + rejected);
        let by_reason = report["rejected"]["by_reason"].as_object().unwrap();
        assert_eq!(by_reason.values().map(count).sum::<u64>(), rejected);
        report
    }

    /// The command itself.
    pub fn command(self) -> Command {
        self.0
    }
}

/// Runs a replay of `path` to its report and its tops.
pub fn with_tops(path: &Path) -> (Value, String) {
    let folder = tempfile::tempdir().unwrap();
    let csv = folder.path().join("tops.csv");
    let report = Replay::new().of(path).with(&["--tops", csv.to_str().unwrap()]).report();
    (report, std::fs::read_to_string(csv).unwrap())
}
