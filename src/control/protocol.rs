//! What is said over the control socket: one question, one answer, each a line of JSON.

use crate::topology::Branch;
use crate::view::Board;
use serde::{Deserialize, Serialize};
use std::fmt;

/// A question, or an order.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "ask", rename_all = "lowercase")]
pub enum Question {
    /// How is it?
    Status,
    /// How does it look: books, opportunities, trades, notices?
    Board,
    /// Come to rest, and stay so until a resume.
    Halt {
        /// Trades under way are cut.
        now: bool,
        /// Who, and why.
        why: String,
    },
    /// As a halt, and close what is exposed first.
    Flatten {
        /// Who, and why.
        why: String,
    },
    /// Take latches back.
    Resume {
        /// Only say what that would do.
        dry: bool,
        /// Who, and why.
        why: String,
    },
    /// How far do the venues agree with us?
    Reconcile {
        /// Who signs what differs; nobody, when it is only to be shown.
        accept: Option<String>,
    },
    /// Look for something else from now on.
    Tune {
        /// Changes, each `key=value`; without any, what is in force is told.
        set: Vec<String>,
        /// Who, and why.
        why: String,
    },
    /// Read the configuration again and take it in.
    Reload {
        /// Also what may bind less than before.
        loosen: bool,
        /// Who, and why.
        why: String,
    },
    /// Start an actor anew.
    Restart {
        /// Which: `okx/pool`, or a pinned thread: `wire/warden-wire`.
        path: String,
        /// It dies of a panic.
        #[serde(default)]
        panics: bool,
    },
    /// Take a warden away from its pinned thread.
    TakeAway {
        /// Which: `wire/warden-wire`.
        path: String,
        /// For so long, milliseconds; 0: for good.
        away_ms: u64,
    },
    /// A person has seen this incident: it climbs to no further channel.
    Acknowledge {
        /// Its key.
        key: String,
    },
}

/// The answer.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "answer", rename_all = "lowercase")]
pub enum Answer {
    /// How it is.
    Status(Box<Status>),
    /// How it looks.
    Board(Box<Board>),
    /// How a halt ended.
    Halted {
        /// Nothing is left: no order here or at the venues, no trade, no exposure.
        clean: bool,
        /// What is known to be left, in words.
        left: String,
    },
    /// What a resume did, or would do.
    Resumed {
        /// It was not done.
        dry: bool,
        /// Latches that are taken back.
        clears: Vec<String>,
        /// What goes on holding modes.
        stays: Vec<String>,
    },
    /// How far the venues agree.
    Reconciled(Box<super::reconciled::Reconciled>),
    /// What the strategies look for now.
    Tuned {
        /// Each setting, `key = value`.
        settings: Vec<String>,
    },
    /// The configuration was taken in.
    Reloaded {
        /// The name of what is in force now.
        hash: String,
        /// What differs from before.
        changes: Vec<String>,
    },
    /// Done as asked.
    Done,
    /// It was not done.
    Refused {
        /// Why.
        why: String,
    },
}

/// How a service is.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Status {
    /// Its process.
    pub pid: u32,
    /// Seconds since its start.
    pub uptime_s: u64,
    /// What it may do.
    pub mode: String,
    /// A halt is under way.
    pub halting: bool,
    /// The name of the settings that are in force; empty when they follow no file.
    #[serde(default)]
    pub config: String,
    /// What holds modes, by scope.
    pub reasons: Vec<String>,
    /// Venues.
    pub venues: Vec<Venue>,
    /// Pinned threads.
    pub threads: Vec<Thread>,
    /// Breakers that are not closed, or have tripped.
    pub breakers: Vec<Breaker>,
    /// Incidents that are open.
    pub incidents: Vec<Incident>,
    /// The last moves of modes, oldest first.
    pub moves: Vec<String>,
    /// The supervision tree.
    pub tree: Branch,
}

/// A venue.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Venue {
    /// Its name.
    pub name: String,
    /// What may be done there.
    pub mode: String,
    /// Its books that are live.
    pub live: u32,
    /// Its books.
    pub books: u32,
}

/// A pinned thread.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Thread {
    /// Its name.
    pub name: String,
    /// Age of its heartbeat.
    pub heartbeat_ms: u64,
    /// Restarts.
    pub restarts: u64,
    /// The stop word over it, as the mode that it permits.
    pub stop: String,
}

/// A breaker.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Breaker {
    /// What it stands before: `orders`, `queries` or `alerts`.
    pub function: String,
    /// Of whom: a venue or a channel.
    pub of: String,
    /// Where it stands.
    pub stand: String,
    /// How often it tripped.
    pub trips: u64,
}

/// An open incident.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Incident {
    /// Its key.
    pub key: String,
    /// How bad.
    pub severity: String,
    /// In words.
    pub text: String,
    /// Times that it was noticed.
    pub count: u64,
    /// Somebody has seen it.
    pub acknowledged: bool,
}

impl fmt::Display for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let halting = if self.halting { ", a halt is under way" } else { "" };
        writeln!(f, "mode       {}{halting}   (process {}, up {} s)", self.mode, self.pid, self.uptime_s)?;
        self.reasons.iter().try_for_each(|reason| writeln!(f, "           {reason}"))?;
        if !self.config.is_empty() {
            writeln!(f, "config     {}", self.config)?;
        }
        for venue in &self.venues {
            writeln!(f, "venue      {:<14} {:<10} books {}/{} live", venue.name, venue.mode, venue.live, venue.books)?;
        }
        for thread in &self.threads {
            let Thread { name, heartbeat_ms, restarts, stop } = thread;
            writeln!(f, "thread     {name:<14} heartbeat {heartbeat_ms} ms, {restarts} restarts, permits {stop}")?;
        }
        for breaker in &self.breakers {
            let Breaker { function, of, stand, trips } = breaker;
            writeln!(f, "breaker    {of:<14} {function}: {stand}, tripped {trips} times")?;
        }
        for incident in &self.incidents {
            let Incident { key, severity, text, count, acknowledged } = incident;
            let seen = if *acknowledged { ", acknowledged" } else { "" };
            writeln!(f, "incident   {severity} {key}: {text} ({count} times{seen})")?;
        }
        self.moves.iter().rev().take(5).try_for_each(|moved| writeln!(f, "moved      {moved}"))
    }
}

impl fmt::Display for Answer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Status(status) => write!(f, "{status}"),
            Self::Board(board) => writeln!(f, "{}", board.notices.text()),
            Self::Halted { clean: true, .. } => writeln!(f, "halted: no order is open, nothing is exposed"),
            Self::Halted { left, .. } => writeln!(f, "halted, but not all is at rest: {left}"),
            Self::Resumed { dry, clears, stays } => {
                let (would, will) = if *dry { ("would clear", "would go on") } else { ("cleared", "goes on") };
                if clears.is_empty() {
                    writeln!(f, "nothing is latched")?;
                }
                clears.iter().try_for_each(|line| writeln!(f, "{would}   {line}"))?;
                stays.iter().try_for_each(|line| writeln!(f, "{will}   {line}"))
            }
            Self::Reconciled(reconciled) => write!(f, "{reconciled}"),
            Self::Tuned { settings } => settings.iter().try_for_each(|line| writeln!(f, "{line}")),
            Self::Reloaded { hash, changes } => {
                changes.iter().try_for_each(|change| writeln!(f, "changed    {change}"))?;
                writeln!(f, "{} in force is {hash}", if changes.is_empty() { "nothing differs;" } else { "what is" })
            }
            Self::Done => writeln!(f, "done"),
            Self::Refused { why } => writeln!(f, "refused: {why}"),
        }
    }
}
