//! The supervision tree of a running service, as it lives: what `highwire status --tree` draws.

use super::Watch;
use crate::config::Supervision;
use crate::topology::{Branch, CORE, Group, RISK, TELLING, Tree, VENUE};
use highwire_actors::supervisor::{Life, Lives, SupervisorMsg};
use highwire_actors::warden::WardenMsg;
use ractor::ActorRef;
use std::sync::Arc;

/// One that has been at a message for so long is worth a word.
const BUSY_NS: u64 = 100_000_000;

/// A supervisor: its name, the lives below it, and itself.
pub type Bough = (&'static str, Lives, ActorRef<SupervisorMsg>);

/// Draws the tree when it is asked for: pinned threads, then the children of each supervisor.
pub fn grow(
    watch: &Arc<Watch>,
    supervision: &Supervision,
    supervisors: Vec<Bough>,
    wardens: Vec<ActorRef<WardenMsg>>,
) -> Tree {
    let (watch, supervision) = (Arc::clone(watch), supervision.clone());
    let named = |warden: ActorRef<WardenMsg>| Some((warden.get_name()?, warden));
    let wardens = wardens.into_iter().filter_map(named).collect();
    let kick = supervisors.iter().map(|(name, _, supervisor)| ((*name).to_owned(), supervisor.clone())).collect();
    let draw = Box::new(move || {
        let mut below = vec![threads(&watch, &supervision)];
        below.extend(supervisors.iter().map(|(name, lives, _)| supervisor(name, &supervision, &lives.read())));
        Branch { name: "highwire".to_owned(), state: fired(&watch), below, ..Branch::default() }
    });
    Tree { draw, kick, wardens }
}

/// When each safety mechanism last fired.
fn fired(watch: &Watch) -> String {
    let fired = watch.ruling().fired;
    let now = watch.now();
    let ago = |(cause, fired): (_, &highwire_actors::governor::Fired)| {
        let cause: &highwire_supervision::degrade::Cause = cause;
        let s = now.saturating_sub(fired.last_ns) / 1_000_000_000;
        format!("{} {} times, last {s} s ago", cause.name(), fired.count)
    };
    let all: Vec<String> = fired.iter().map(ago).collect();
    if all.is_empty() { "nothing fired".to_owned() } else { format!("fired: {}", all.join("; ")) }
}

fn threads(watch: &Watch, supervision: &Supervision) -> Branch {
    let chronicle_reasons = watch.thread_reasons();
    let thread = |thread: &crate::vitals::Thread| Branch {
        name: format!("warden-{}", thread.name),
        state: format!("its thread beat {} ms ago", thread.heartbeat_ns / 1_000_000),
        restarts: thread.restarts,
        last_reason: chronicle_reasons.get(&thread.name).cloned().unwrap_or_default(),
        ..Branch::default()
    };
    let below = watch.vitals().threads.iter().map(thread).collect();
    let Supervision { thread_restarts, thread_period_s, .. } = supervision;
    let state =
        format!("on the same rings, {thread_restarts} restarts in {thread_period_s} s, then everything is Halted");
    Branch { name: "wire".to_owned(), state, below, ..Branch::default() }
}

fn group(name: &str) -> &'static Group {
    [&CORE, &TELLING, &RISK].into_iter().find(|group| group.name == name).unwrap_or(&VENUE)
}

fn supervisor(name: &str, supervision: &Supervision, lives: &[Life]) -> Branch {
    let below: Vec<Branch> = lives.iter().map(life).collect();
    let up = lives.iter().filter(|life| life.is_up).count();
    let state = format!("{up} of {} up; {}", lives.len(), group(name).text(supervision));
    Branch { name: name.to_owned(), state, below, ..Branch::default() }
}

fn life(life: &Life) -> Branch {
    let state = match (life.is_up, life.is_given_up) {
        (true, _) if life.busy_ns >= BUSY_NS => format!("up, at one message for {} ms", life.busy_ns / 1_000_000),
        (true, _) => "up".to_owned(),
        (false, true) => "given up".to_owned(),
        (false, false) => "waits to be started anew".to_owned(),
    };
    Branch {
        name: life.name.clone(),
        state,
        handled: life.handled,
        restarts: life.restarts,
        last_reason: life.last_reason.clone(),
        below: Vec::new(),
    }
}
