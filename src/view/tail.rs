//! The last few lines of something that goes on and on.

use serde::{Deserialize, Serialize};
use std::collections::VecDeque;

/// Bounded lines: the oldest go first. Counts all that ever came, so that a reader finds the new ones.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tail {
    lines: VecDeque<String>,
    kept_max: usize,
    total: u64,
}

impl Default for Tail {
    fn default() -> Self {
        Self::new(64)
    }
}

impl Tail {
    /// Keeps the last `kept_max` lines.
    pub fn new(kept_max: usize) -> Self {
        Self { lines: VecDeque::with_capacity(kept_max), kept_max, total: 0 }
    }

    /// Adds a line. Control characters become spaces: a venue's text must not move the cursor.
    pub fn push(&mut self, line: impl AsRef<str>) {
        if self.kept_max == 0 {
            return;
        }
        if self.lines.len() == self.kept_max {
            self.lines.pop_front();
        }
        self.lines.push_back(line.as_ref().chars().map(|c| if c.is_control() { ' ' } else { c }).collect());
        self.total += 1;
    }

    /// The last lines of so many.
    pub fn ending(lines: impl Iterator<Item = String>, total: u64) -> Self {
        let mut tail = Self::new(lines.size_hint().1.unwrap_or(64).max(1));
        lines.for_each(|line| tail.push(line));
        Self { total, ..tail }
    }

    /// The kept lines, newest first.
    pub fn newest_first(&self) -> impl Iterator<Item = &str> {
        self.lines.iter().rev().map(String::as_str)
    }

    /// The kept lines as text, oldest first.
    pub fn text(&self) -> String {
        self.lines.iter().map(String::as_str).collect::<Vec<_>>().join("\n")
    }

    /// Lines added after the first `seen` ones that are still kept, oldest first.
    pub fn since(&self, seen: u64) -> impl Iterator<Item = &str> {
        let new = usize::try_from(self.total.saturating_sub(seen)).unwrap_or(usize::MAX);
        self.lines.iter().skip(self.lines.len().saturating_sub(new)).map(String::as_str)
    }

    /// Lines ever added.
    pub const fn total(&self) -> u64 {
        self.total
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keeps_the_newest_and_finds_the_unseen() {
        let mut tail = Tail::new(2);
        for line in ["a", "b", "c\x1b[2J"] {
            tail.push(line);
        }
        assert_eq!(tail.newest_first().collect::<Vec<_>>(), ["c [2J", "b"]);
        assert_eq!(tail.since(2).collect::<Vec<_>>(), ["c [2J"]);
        assert_eq!(tail.since(0).count(), 2);
        assert_eq!(tail.since(3).count(), 0);
    }
}
