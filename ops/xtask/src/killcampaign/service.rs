//! The service under test: started, killed, ended in order, and its journal exported.

use super::settings::SECRETS;
use serde_json::Value;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};

/// How to run the program on one folder.
pub struct Program {
    path: PathBuf,
    config: PathBuf,
    log: PathBuf,
}

impl Program {
    /// The program at `path` with these settings; its log is appended to a file beside them.
    pub fn new(path: &Path, config: PathBuf) -> Self {
        Self { path: path.to_owned(), log: config.with_file_name("service.log"), config }
    }

    /// Starts it.
    pub fn start(&self) -> Result<Service, String> {
        let failed = |why: std::io::Error| format!("{}: {why}", self.path.display());
        let log = File::options().create(true).append(true).open(&self.log).map_err(failed)?;
        let mut command = Command::new(&self.path);
        command.args(["run", "--live", "--config"]).arg(&self.config).envs(SECRETS).env("NO_COLOR", "1");
        let child = command.stdout(Stdio::null()).stderr(log).spawn().map_err(failed)?;
        Ok(Service { child })
    }

    /// An operator takes back what holds the mode.
    pub fn resume(&self) -> Result<bool, String> {
        self.ask(&["resume"]).map(|(done, _)| done)
    }

    /// Every record of the journal.
    pub fn export(&self) -> Result<Vec<Value>, String> {
        let (done, out) = self.ask(&["journal", "export", "--json", "--live"])?;
        if !done {
            return Err("the journal cannot be exported".to_owned());
        }
        out.lines().map(serde_json::from_str).collect::<Result<_, _>>().map_err(|why| format!("the export: {why}"))
    }

    fn ask(&self, arguments: &[&str]) -> Result<(bool, String), String> {
        let mut command = Command::new(&self.path);
        command.args(arguments).arg("--config").arg(&self.config).envs(SECRETS);
        let output = command.stderr(Stdio::null()).output().map_err(|why| format!("{}: {why}", self.path.display()))?;
        Ok((output.status.success(), String::from_utf8_lossy(&output.stdout).into_owned()))
    }
}

/// A running service; it is killed when it is let go.
pub struct Service {
    child: Child,
}

impl Service {
    /// Kills it, now.
    pub fn kill(mut self) {
        self.end();
    }

    /// How it ended by itself, if it did.
    pub fn ended(&mut self) -> Option<ExitStatus> {
        self.child.try_wait().ok().flatten()
    }

    /// Terminates it, and waits until it has ended in order; whether it was at rest.
    pub fn stop(mut self) -> Result<bool, String> {
        let sent = Command::new("kill").args(["-TERM", &self.child.id().to_string()]).status();
        sent.map_err(|why| format!("kill: {why}"))?;
        self.child.wait().map(|status| status.success()).map_err(|why| why.to_string())
    }

    fn end(&mut self) {
        let _ended = self.child.kill();
        let _reaped = self.child.wait();
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        self.end();
    }
}
