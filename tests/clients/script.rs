//! Runs one client script against a simulator and keeps what it found.

use crate::environment;
use highwire_simulator::{Simulator, Venue};
use serde_json::{Value, json};
use std::process::{Command, Stdio};

/// What a script said, in order.
pub(crate) struct Findings(Vec<Value>);

impl Findings {
    /// The findings of a step.
    pub(crate) fn all(&self, step: &str) -> Vec<&Value> {
        self.0.iter().filter(|finding| finding["step"] == step).collect()
    }

    /// The first finding of a step.
    ///
    /// # Panics
    /// There is none.
    pub(crate) fn one(&self, step: &str) -> &Value {
        self.all(step).first().copied().unwrap_or_else(|| panic!("the script never said `{step}`: {:?}", self.0))
    }
}

/// Runs `tests/clients/scripts/<name>.py`; `None` where there is no environment for it.
///
/// # Panics
/// The script failed; one that hangs ends itself (`kit.py`).
pub(crate) async fn run(name: &str, simulator: &Simulator, more: Value) -> Option<Findings> {
    let python = tokio::task::spawn_blocking(environment::python).await.expect("making it does not panic")?;
    let path = format!("{}/tests/clients/scripts/{name}.py", env!("CARGO_MANIFEST_DIR"));
    let mut command = Command::new(python);
    command.arg(path).arg(settings(simulator, more).to_string());
    command.env("PYTHONDONTWRITEBYTECODE", "1").stdin(Stdio::null());
    if let Some(pem) = simulator.ca_pem() {
        let file = std::env::temp_dir().join(format!("highwire-clients-{}-{name}.pem", std::process::id()));
        std::fs::write(&file, pem).expect("a place for the authority's certificate");
        command.env("SSL_CERT_FILE", file);
    }
    let output = tokio::task::spawn_blocking(move || command.output()).await.expect("waiting does not panic");
    let output = output.expect("it could be started");
    let (said, errors) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{name} failed\n{said}\n{errors}");
    let findings = Findings(said.lines().map(|line| serde_json::from_str(line).expect("a finding a line")).collect());
    findings.one("done");
    Some(findings)
}

fn settings(simulator: &Simulator, more: Value) -> Value {
    let address = |venue: Venue| {
        let at = simulator.address(venue)?;
        Some((venue.name().to_owned(), json!({ "ws": at.ws, "rest": at.rest })))
    };
    let venues: serde_json::Map<String, Value> = Venue::ALL.into_iter().filter_map(address).collect();
    let mut settings = json!({ "venues": venues });
    if let (Some(settings), Value::Object(more)) = (settings.as_object_mut(), more) {
        settings.extend(more);
    }
    settings
}
