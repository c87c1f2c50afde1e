//! The shortest beginning of a failing run that still fails: faults end after fewer and fewer steps, and what follows
//! is healing. Halving finds it, since the same seed is the same run.

use crate::canary::Canary;
use crate::ground::Ground;
use crate::run::{Failure, day_until};
use crate::verb::Verb;
use crate::world::World;
use std::sync::Arc;

/// A beginning that fails.
#[derive(Clone, Debug)]
pub struct Shortest {
    /// Steps of the world with faults.
    pub steps: u64,
    /// Changes of books by then.
    pub events: u64,
    /// The last faults, with their steps.
    pub faults: Vec<(u64, Verb)>,
    /// What fails.
    pub what: Vec<String>,
}

/// Looks for it.
pub fn shrink(ground: &Arc<Ground>, failure: &Failure, canary: Option<Canary>) -> Option<Shortest> {
    let (mut good, mut bad) = (0, failure.steps);
    let mut found = beginning(ground, failure.seed, bad, canary);
    while bad - good > 1 {
        let middle = good + (bad - good) / 2;
        match beginning(ground, failure.seed, middle, canary) {
            Some(shorter) => (found, bad) = (Some(shorter), middle),
            None => good = middle,
        }
    }
    found
}

/// Runs so many steps with faults, then heals; `None` when all is well.
fn beginning(ground: &Arc<Ground>, seed: u64, steps: u64, canary: Option<Canary>) -> Option<Shortest> {
    let mut world = World::new(ground, seed, canary).ok()?;
    let mut events = 0;
    while world.steps < steps {
        if let Err(what) = day_until(&mut world, steps) {
            let faults = world.recent.iter().copied().collect();
            return Some(Shortest { steps, events: events.max(world.events()), faults, what });
        }
        events = world.events();
    }
    None
}
