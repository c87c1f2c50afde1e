//! The supervision tree as it lives: who stands below whom, how it is, how often it was started anew and why.
//! `highwire status --tree` draws it, `highwire restart` shakes it.

use highwire_actors::supervisor::SupervisorMsg;
use ractor::ActorRef;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

/// For a supervisor to answer; it may be waiting for a child's end.
const KICK_WITHIN: Duration = Duration::from_secs(20);

/// A node of the living tree.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Branch {
    /// Its name.
    pub name: String,
    /// How it is, in words.
    pub state: String,
    /// Times that it was started anew.
    pub restarts: u64,
    /// Why, the last time; empty when never.
    pub last_reason: String,
    /// What stands below it.
    pub below: Vec<Branch>,
}

/// The living tree, and a hand on its supervisors.
pub struct Tree {
    /// Draws it.
    pub draw: Box<dyn Fn() -> Branch + Send + Sync>,
    /// The supervisors by name.
    pub kick: BTreeMap<String, ActorRef<SupervisorMsg>>,
}

impl Tree {
    /// Has the actor at `path` (`okx/pool`) started anew; its supervisor spends a restart on it.
    ///
    /// # Errors
    /// There is none, or its supervisor does not answer.
    pub async fn restart(&self, path: &str) -> Result<(), String> {
        let (bough, child) = path.split_once('/').ok_or("an actor is named as `status --tree` shows it: okx/pool")?;
        let supervisor = self.kick.get(bough).ok_or_else(|| format!("no supervisor is named {bough}"))?;
        let asked = supervisor.call(|reply| SupervisorMsg::Kick(child.to_owned(), reply), Some(KICK_WITHIN)).await;
        match asked.ok().and_then(|answer| answer.success_or(()).ok()) {
            Some(true) => Ok(()),
            Some(false) => Err(format!("{bough} has no {child}")),
            None => Err(format!("the supervisor {bough} does not answer")),
        }
    }
}

impl Branch {
    fn draw(&self, f: &mut fmt::Formatter<'_>, stem: &str) -> fmt::Result {
        let restarts = if self.restarts == 0 { String::new() } else { format!(", {} restarts", self.restarts) };
        let reason = if self.last_reason.is_empty() { String::new() } else { format!(" (last: {})", self.last_reason) };
        writeln!(f, "{}  {}{restarts}{reason}", self.name, self.state)?;
        for (number, branch) in self.below.iter().enumerate() {
            let is_last = number + 1 == self.below.len();
            write!(f, "{stem}{}", if is_last { "└─ " } else { "├─ " })?;
            branch.draw(f, &format!("{stem}{}", if is_last { "   " } else { "│  " }))?;
        }
        Ok(())
    }
}

impl fmt::Display for Branch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.draw(f, "")
    }
}
