//! Every crash point: a calm scenario of two hundred orders is ended at each of its storage calls and at each of its
//! writes to a venue, as a killed process and as a loss of power, and must come back with everything as the venues
//! have it. One in four loses its power once more while it comes back.

use crate::ground::Ground;
use crate::run::{Failure, heal};
use crate::world::World;
use highwire_store::disk::Fault;
use std::sync::Arc;

/// Orders of the scenario.
pub const ORDERS: u64 = 200;
/// A scenario that has not sent them after so many steps never will.
const STEPS_MAX: u64 = 100_000;

/// Where a process ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Point {
    /// In the storage call of this number.
    Storage(u64),
    /// In the write to a venue of this number.
    Write(u64),
}

/// What was done.
#[derive(Clone, Copy, Debug, Default)]
pub struct Crashes {
    /// Scenarios.
    pub scenarios: u64,
    /// Storage calls of all scenarios, and writes.
    pub points: (u64, u64),
    /// Processes that were killed.
    pub kills: u64,
    /// Losses of power.
    pub powers: u64,
    /// Of both, those within a recovery.
    pub again: u64,
    /// Orders compared afterwards.
    pub orders: u64,
}

impl Crashes {
    /// All of them.
    pub fn sum(&self) -> u64 {
        self.kills + self.powers + self.again
    }
}

/// Crashes scenarios from this seed on until there were so many; every `stride`-th point of each.
///
/// # Errors
/// The first failure.
pub fn all(ground: &Arc<Ground>, seed: u64, wanted: u64, stride: u64) -> Result<Crashes, Failure> {
    let mut done = Crashes::default();
    let mut seed = seed;
    while done.sum() < wanted {
        let (calls, writes) = points(ground, seed)?;
        done.scenarios += 1;
        (done.points.0, done.points.1) = (done.points.0 + calls, done.points.1 + writes);
        let points = (0..calls).map(Point::Storage).chain((0..writes).map(Point::Write));
        for (number, point) in points.enumerate().filter(|(number, _)| (*number as u64 + seed).is_multiple_of(stride)) {
            for power in [false, true] {
                one(ground, seed, (point, power, number as u64), &mut done)?;
            }
            if done.sum() >= wanted {
                break;
            }
        }
        seed += 1;
    }
    Ok(done)
}

fn calm(ground: &Arc<Ground>, seed: u64) -> Result<World, Failure> {
    let broken = |what: String| Failure { seed, steps: 0, what: vec![what] };
    let mut world = World::new(ground, seed, None).map_err(broken)?;
    world.calm();
    Ok(world)
}

/// How many points the scenario of a seed has.
fn points(ground: &Arc<Ground>, seed: u64) -> Result<(u64, u64), Failure> {
    let mut world = calm(ground, seed)?;
    while world.orders() < ORDERS {
        step(&mut world, seed)?;
    }
    Ok((world.disk.calls(), world.fuse.writes()))
}

fn step(world: &mut World, seed: u64) -> Result<(), Failure> {
    world.step(false);
    let failed = |what: Vec<String>| Failure { seed, steps: world.steps, what };
    if world.steps > STEPS_MAX {
        return Err(failed(vec![format!("{} orders only: {}", world.orders(), world.stand())]));
    }
    if world.judge.violations.is_empty() { Ok(()) } else { Err(failed(world.judge.violations.clone())) }
}

fn one(
    ground: &Arc<Ground>,
    seed: u64,
    (point, power, number): (Point, bool, u64),
    done: &mut Crashes,
) -> Result<(), Failure> {
    let mut world = calm(ground, seed)?;
    world.lose_power_with_crashes(power);
    match point {
        Point::Storage(at) => world.disk.fail(at, u64::MAX, Fault::Crash),
        Point::Write(at) => world.fuse.set(Some(at)),
    }
    let of = |failure: Failure| {
        let mut what = vec![format!("{point:?}, power {power}")];
        what.extend(failure.what);
        Failure { what, ..failure }
    };
    while world.crashes == 0 && world.orders() < ORDERS {
        step(&mut world, seed).map_err(of)?;
    }
    if world.crashes > 0 && number.is_multiple_of(4) {
        // What the killed process wrote and never synced may go now, although the next one has read it.
        world.lose_power_with_crashes(true);
        world.disk.fail(world.disk.calls() + number / 4 % 24, u64::MAX, Fault::Crash);
    }
    if let Err(mut what) = heal_anyhow(&mut world) {
        what.extend(world.story_of(&what.join(" ")));
        return Err(of(Failure { seed, steps: world.steps, what }));
    }
    let crashes = world.crashes.min(2);
    *if power { &mut done.powers } else { &mut done.kills } += crashes.min(1);
    done.again += crashes.saturating_sub(1);
    done.orders += world.orders();
    Ok(())
}

/// Until all is well; a crash that is still to come comes first, if its call is made at all.
fn heal_anyhow(world: &mut World) -> Result<(), Vec<String>> {
    let until = world.steps + 600;
    while world.crashes < 2 && world.steps < until {
        world.step(false);
        if !world.judge.violations.is_empty() {
            return Err(world.judge.violations.clone());
        }
    }
    heal(world).map(|_| ())
}
