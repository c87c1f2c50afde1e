//! The supervision tree as data: who stands below whom, how often each may be started anew, and what follows
//! when that is spent. `highwire status --tree` draws it as it lives.

use serde::{Deserialize, Serialize};
use std::fmt;

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
