//! The supervision tree: as a table of who stands below whom, in which order, with which strategy, budget and
//! escalation ([`GROUPS`]), and as it lives. `highwire status --tree` draws it, `highwire restart` shakes it.
//!
//! A service starts telling, core, the pinned threads, risk, then each venue; it ends core, risk, venues, threads, telling: lines
//! that are ended must be no venues that are lost, and what goes wrong at the end is to be told.

use crate::config::{Config, Supervision};
use highwire_actors::supervisor::{ChildSpec, GiveUp, Lives, Strategy, SupervisorArgs, SupervisorMsg};
use highwire_actors::warden::WardenMsg;
use highwire_engine::clock::TscClock;
use highwire_links::Nanos;
use highwire_supervision::backoff::Backoff;
use highwire_supervision::budget::Budget;
use ractor::ActorRef;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

/// For a supervisor to answer; it may be waiting for a child's end.
const KICK_WITHIN: Duration = Duration::from_secs(20);

/// One actor's place.
#[derive(Clone, Copy, Debug)]
pub struct Role {
    /// Its name.
    pub name: &'static str,
    /// It hangs when it has not looked, or has been at one message, for so long.
    pub hangs_ns: Nanos,
}

/// Actors below one supervisor, in the order in which they are started; they are ended in reverse.
#[derive(Clone, Copy, Debug)]
pub struct Group {
    /// Its name.
    pub name: &'static str,
    /// Who goes with whom.
    pub strategy: Strategy,
    /// Restarts, and the seconds in which they are counted.
    pub restarts: fn(&Supervision) -> (u32, u64),
    /// Waits before a restart.
    pub backoff: Backoff,
    /// What follows when they are spent.
    pub then: &'static str,
    /// The actors.
    pub roles: &'static [Role],
}

const S: Nanos = 1_000_000_000;
const MS: Nanos = 1_000_000;

const fn role(name: &'static str, hangs_ns: Nanos) -> Role {
    Role { name, hangs_ns }
}

/// What rules.
pub const CORE: Group = Group {
    name: "core",
    strategy: Strategy::OneForAll,
    restarts: |settings| (settings.core_restarts, settings.core_period_s),
    backoff: Backoff { first_ns: 20 * MS, max_ns: S },
    then: "every stop word is raised, orders are withdrawn, latched",
    roles: &[role("governor", 2 * S)],
};

/// What tells people.
pub const TELLING: Group = Group {
    name: "telling",
    strategy: Strategy::OneForOne,
    restarts: |settings| (settings.side_restarts, settings.side_period_s),
    backoff: Backoff { first_ns: 50 * MS, max_ns: 2 * S },
    then: "it stays off, the log says so",
    roles: &[role("alerter", 10 * S), role("pinger", 30 * S), role("ear", 5 * S)],
};

/// What sizes limits.
pub const RISK: Group = Group {
    name: "risk",
    strategy: Strategy::OneForOne,
    restarts: |settings| (settings.side_restarts, settings.side_period_s),
    backoff: Backoff { first_ns: 50 * MS, max_ns: 2 * S },
    then: "the last limits stay, the log says so",
    roles: &[role("risk-officer", 5 * S)],
};

/// One venue: its lines first, what serves them after them.
pub const VENUE: Group = Group {
    name: "venue",
    strategy: Strategy::RestForOne,
    restarts: |settings| (settings.venue_restarts, settings.venue_period_s),
    backoff: Backoff { first_ns: 50 * MS, max_ns: 2 * S },
    then: "the venue is Halted, its orders are withdrawn, latched",
    roles: &[
        role("pool", 5 * S),
        role("timekeeper", 5 * S),
        role("lister", 30 * S),
        role("registrar", 30 * S),
        role("reconciler", 30 * S),
        role("stream-keeper", 30 * S),
        role("bookkeeper", 5 * S),
        role("dead-man", 5 * S),
    ],
};

/// All of them. Pinned threads have wardens instead: restarted on the same rings, `supervision.thread_restarts`, then
/// everything is Halted.
pub const GROUPS: [Group; 4] = [TELLING, CORE, RISK, VENUE];

impl Group {
    /// When this actor hangs.
    pub fn hangs_ns(&self, name: &str) -> Nanos {
        self.roles.iter().find(|role| role.name == name).map_or(5 * S, |role| role.hangs_ns)
    }

    /// How often, and with which waits.
    pub fn budget(&self, config: &Config) -> Budget {
        let (restarts, period_s) = (self.restarts)(&config.supervision);
        Budget { restarts, period_ns: period_s.saturating_mul(S), backoff: self.backoff }
    }

    /// A supervisor of these children; they are brought into the table's order, what it does not name goes last.
    pub fn supervise(
        &self,
        config: &Config,
        clock: &TscClock,
        mut children: Vec<ChildSpec>,
        (lives, give_up): (Lives, GiveUp),
    ) -> SupervisorArgs {
        let place = |child: &ChildSpec| self.roles.iter().position(|role| role.name == child.name);
        children.sort_by_key(|child| place(child).unwrap_or(usize::MAX));
        SupervisorArgs {
            children,
            strategy: self.strategy,
            budget: self.budget(config),
            clock: Box::new(clock.clone()),
            seed: u64::from(std::process::id()) ^ self.name.len() as u64,
            lives,
            give_up,
        }
    }

    /// Strategy, budget and escalation, in words.
    pub fn text(&self, supervision: &Supervision) -> String {
        let strategy = match self.strategy {
            Strategy::OneForOne => "one for one",
            Strategy::RestForOne => "rest for one",
            Strategy::OneForAll => "one for all",
        };
        let (restarts, period_s) = (self.restarts)(supervision);
        format!("{strategy}, {restarts} restarts in {period_s} s, then {}", self.then)
    }
}

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
    /// Messages it was at; 0 when nobody counts.
    #[serde(default)]
    pub handled: u64,
    /// What stands below it.
    pub below: Vec<Branch>,
}

/// The living tree, and a hand on its supervisors.
pub struct Tree {
    /// Draws it.
    pub draw: Box<dyn Fn() -> Branch + Send + Sync>,
    /// The supervisors by name.
    pub kick: BTreeMap<String, ActorRef<SupervisorMsg>>,
    /// The wardens by name.
    pub wardens: BTreeMap<String, ActorRef<WardenMsg>>,
}

impl Tree {
    /// Takes a warden away from its pinned thread: for so long, or for good where that is nothing. Nobody starts it anew.
    ///
    /// # Errors
    /// There is none of this name, or it has ended.
    pub fn take_away(&self, path: &str, away: Duration) -> Result<(), String> {
        let warden = path.strip_prefix("wire/").and_then(|name| self.wardens.get(name));
        let warden = warden.ok_or_else(|| format!("no warden is named {path}"))?;
        if away.is_zero() {
            warden.kill();
            return Ok(());
        }
        warden.cast(WardenMsg::Away(away)).map_err(|_| format!("{path} is gone"))
    }

    /// Has the actor at `path` (`okx/pool`) started anew, or the pinned thread of a warden (`wire/warden-wire`); whoever
    /// supervises it spends a restart on it. With `panics` it dies of a panic, as a thread always does.
    ///
    /// # Errors
    /// There is none, or its supervisor does not answer.
    pub async fn restart(&self, path: &str, panics: bool) -> Result<(), String> {
        let (bough, child) = path.split_once('/').ok_or("an actor is named as `status --tree` shows it: okx/pool")?;
        if bough == "wire" {
            let warden = self.wardens.get(child).ok_or_else(|| format!("no warden is named {child}"))?;
            return warden.cast(WardenMsg::Die).map_err(|_| format!("{child} is gone"));
        }
        let supervisor = self.kick.get(bough).ok_or_else(|| format!("no supervisor is named {bough}"))?;
        let message = |reply| match panics {
            true => SupervisorMsg::Doom(child.to_owned(), reply),
            false => SupervisorMsg::Kick(child.to_owned(), reply),
        };
        let asked = supervisor.call(message, Some(KICK_WITHIN)).await;
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
        let handled = if self.handled == 0 { String::new() } else { format!(", {} messages", self.handled) };
        writeln!(f, "{}  {}{handled}{restarts}{reason}", self.name, self.state)?;
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

#[cfg(test)]
mod tests {
    use super::*;
    use highwire_actors::beat::Beat;

    #[test]
    fn the_table_is_the_order_of_start_and_every_place_in_it_is_one_alone() {
        let names: Vec<&str> = GROUPS.iter().flat_map(|group| group.roles).map(|role| role.name).collect();
        let unlike: std::collections::BTreeSet<&str> = names.iter().copied().collect();
        assert_eq!(names.len(), unlike.len());
        let config = crate::config::load_from(None, std::iter::empty()).unwrap().config;
        let child = |name: &str| ChildSpec {
            name: name.to_owned(),
            start: Box::new(|_| Box::pin(async { Err(ractor::SpawnErr::ActorAlreadyStarted) })),
            beat: Some((Beat::tended(), VENUE.hangs_ns(name))),
        };
        let children = ["lister", "another", "pool", "timekeeper"].map(child).into();
        let ends = (Lives::default(), Box::new(|_: &str, _: &str| {}) as GiveUp);
        let args = VENUE.supervise(&config, &TscClock::start(), children, ends);
        let order: Vec<&str> = args.children.iter().map(|child| child.name.as_str()).collect();
        assert_eq!(order, ["pool", "timekeeper", "lister", "another"]);
        assert_eq!(
            VENUE.text(&config.supervision),
            "rest for one, 5 restarts in 60 s, then the venue is Halted, its orders are withdrawn, latched"
        );
    }
}
