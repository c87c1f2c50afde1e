//! The service's process: started, asked, killed, started again, ended in order.

use super::run::DemoError;
use crate::control::{self, Answer, Question, Status};
use crate::view::Board;
use rustix::process::{Pid, Signal, kill_process};
use std::io;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

/// For an answer, also on a machine that is busy.
const ANSWER_WITHIN: Duration = Duration::from_secs(5);
/// For an end in order: settled, withdrawn, checked.
const END_WITHIN: Duration = Duration::from_secs(30);
/// Between two looks whether it has ended.
const LOOK_EVERY: Duration = Duration::from_millis(20);

/// A service in a process of its own. It ends with this, and with the process that started it.
pub struct Process {
    config: PathBuf,
    data: PathBuf,
    is_heard: bool,
    child: Child,
}

impl Process {
    /// Starts it with these settings; its log is heard on our standard error, or nowhere.
    ///
    /// # Errors
    /// It could not be started.
    pub fn start(config: PathBuf, data: PathBuf, is_heard: bool) -> io::Result<Self> {
        let child = spawn(&config, is_heard)?;
        Ok(Self { config, data, is_heard, child })
    }

    /// Its number.
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// Kills it as `kill -9` does; it has no moment more.
    ///
    /// # Errors
    /// The system's.
    pub fn kill(&mut self) -> io::Result<()> {
        self.child.kill()?;
        self.child.wait().map(drop)
    }

    /// Starts it again, on what it left.
    ///
    /// # Errors
    /// It could not be started.
    pub fn start_again(&mut self) -> io::Result<()> {
        self.child = spawn(&self.config, self.is_heard)?;
        Ok(())
    }

    /// Refuses to go on with a service that has ended by itself.
    ///
    /// # Errors
    /// How it ended.
    pub fn check(&mut self) -> Result<(), DemoError> {
        match self.child.try_wait()? {
            None => Ok(()),
            Some(status) => Err(DemoError::Ended(status)),
        }
    }

    /// How it looks; `None` while it does not answer.
    pub async fn board(&self) -> Option<Board> {
        match self.ask(Question::Board).await? {
            Answer::Board(board) => Some(*board),
            _ => None,
        }
    }

    /// How it is; `None` while it does not answer.
    pub async fn status(&self) -> Option<Status> {
        match self.ask(Question::Status).await? {
            Answer::Status(status) => Some(*status),
            _ => None,
        }
    }

    async fn ask(&self, question: Question) -> Option<Answer> {
        let data = self.data.clone();
        let asked = tokio::task::spawn_blocking(move || control::ask(&data, &question).ok());
        tokio::time::timeout(ANSWER_WITHIN, asked).await.ok()?.ok()?
    }

    /// Terminates it and waits for its end in order; how it ended, if it did in time.
    ///
    /// # Errors
    /// The system's.
    pub async fn end(&mut self) -> io::Result<Option<ExitStatus>> {
        if let Some(pid) = i32::try_from(self.child.id()).ok().and_then(Pid::from_raw) {
            kill_process(pid, Signal::TERM)?;
        }
        let until = Instant::now() + END_WITHIN;
        loop {
            match self.child.try_wait()? {
                None if Instant::now() < until => tokio::time::sleep(LOOK_EVERY).await,
                ended => return Ok(ended),
            }
        }
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ended = self.child.kill();
        let _reaped = self.child.wait();
    }
}

/// What the environment said of settings stands in the file already.
fn spawn(config: &Path, is_heard: bool) -> io::Result<Child> {
    let mut command = Command::new(std::env::current_exe()?);
    command.args(["run", "--live", "--ends-with"]).arg(std::process::id().to_string()).arg("--config").arg(config);
    for (name, _) in std::env::vars_os().filter(|(name, _)| name.to_string_lossy().starts_with("HIGHWIRE__")) {
        command.env_remove(name);
    }
    let log = if is_heard { Stdio::inherit() } else { Stdio::null() };
    // A Ctrl-C at the terminal is for the demo, which ends the service in order.
    std::os::unix::process::CommandExt::process_group(&mut command, 0);
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(log).spawn()
}
