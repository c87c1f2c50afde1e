//! The supervision tree of a running service, as it lives: what `highwire status --tree` draws.

use super::Watch;
use crate::topology::{Branch, Tree};
use highwire_actors::supervisor::{Life, Lives, SupervisorMsg};
use ractor::ActorRef;
use std::sync::Arc;

/// A supervisor: its name, the lives below it, and itself.
pub type Bough = (&'static str, Lives, ActorRef<SupervisorMsg>);

/// Draws the tree when it is asked for: pinned threads, then the children of each supervisor.
pub fn grow(watch: &Arc<Watch>, supervisors: Vec<Bough>) -> Tree {
    let watch = Arc::clone(watch);
    let kick = supervisors.iter().map(|(name, _, supervisor)| ((*name).to_owned(), supervisor.clone())).collect();
    let draw = Box::new(move || {
        let mut below = vec![threads(&watch)];
        below.extend(supervisors.iter().map(|(name, lives, _)| supervisor(name, &lives.read())));
        Branch { name: "highwire".to_owned(), state: fired(&watch), below, ..Branch::default() }
    });
    Tree { draw, kick }
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

fn threads(watch: &Watch) -> Branch {
    let chronicle_reasons = watch.thread_reasons();
    let thread = |thread: &crate::vitals::Thread| Branch {
        name: format!("warden-{}", thread.name),
        state: format!("its thread beat {} ms ago", thread.heartbeat_ns / 1_000_000),
        restarts: thread.restarts,
        last_reason: chronicle_reasons.get(&thread.name).cloned().unwrap_or_default(),
        ..Branch::default()
    };
    let below = watch.vitals().threads.iter().map(thread).collect();
    Branch { name: "wire".to_owned(), state: "one warden a thread".to_owned(), below, ..Branch::default() }
}

fn supervisor(name: &str, lives: &[Life]) -> Branch {
    let below: Vec<Branch> = lives.iter().map(life).collect();
    let up = lives.iter().filter(|life| life.is_up).count();
    Branch { name: name.to_owned(), state: format!("{up} of {} up", lives.len()), below, ..Branch::default() }
}

fn life(life: &Life) -> Branch {
    let state = match (life.is_up, life.is_given_up) {
        (true, _) => "up",
        (false, true) => "given up",
        (false, false) => "waits to be started anew",
    };
    Branch {
        name: life.name.clone(),
        state: state.to_owned(),
        restarts: life.restarts,
        last_reason: life.last_reason.clone(),
        below: Vec::new(),
    }
}
