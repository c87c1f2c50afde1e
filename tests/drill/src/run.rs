//! A run: days of faults, each followed by its healing.

use crate::canary::Canary;
use crate::clock::{MS, S};
use crate::ground::Ground;
use crate::verb::Fired;
use crate::world::World;
use highwire_links::Nanos;
use std::sync::Arc;

/// What a day must have seen.
pub const EVENTS: u64 = 20_000;
/// Orders of a day.
pub const ORDERS: u64 = 200;
/// Faults of a day.
pub const FAULTS: u64 = 50;
/// A day that has not seen them after so many times its events makes no progress.
const PATIENCE: u64 = 12;
/// After the last fault all must be well within this.
const HEAL_NS: Nanos = 400 * S;

/// What a run has seen.
#[derive(Clone, Debug, Default)]
pub struct Seen {
    /// Days.
    pub days: u64,
    /// Changes of books.
    pub events: u64,
    /// Orders.
    pub orders: u64,
    /// Faults.
    pub fired: Fired,
    /// Orders and trades compared, and of these the trades of orders that had rested.
    pub settled: (u64, u64, u64),
    /// Records of the journal read by the judge.
    pub records: u64,
    /// Starts of the process.
    pub starts: u64,
    /// Longest healing.
    pub heal_max_ns: Nanos,
    /// Longest exposure while the service ran.
    pub exposed_max_ns: Nanos,
    /// Messages to people.
    pub messages: u64,
    /// Trades by hand that nobody was told of, orders booked by count, orders without a trade that are on no record.
    pub unsaid: (u64, u64, u64),
}

/// What went wrong, and when.
#[derive(Clone, Debug)]
pub struct Failure {
    /// The seed.
    pub seed: u64,
    /// After so many steps of its world.
    pub steps: u64,
    /// What.
    pub what: Vec<String>,
}

/// Runs days of one seed.
///
/// # Errors
/// The first failure.
pub fn days(
    ground: &Arc<Ground>,
    seed: u64,
    days: u64,
    canary: Option<Canary>,
    seen: &mut Seen,
) -> Result<World, Failure> {
    let broken = |what: String| Failure { seed, steps: 0, what: vec![what] };
    let mut world = World::new(ground, seed, canary).map_err(broken)?;
    for _ in 0..days {
        let outcome = day(&mut world);
        if let Err(what) = outcome {
            let mut what = what;
            what.extend(world.story_of(&what.join(" ")));
            return Err(Failure { seed, steps: world.steps, what });
        }
        seen.days += 1;
        seen.heal_max_ns = seen.heal_max_ns.max(outcome.unwrap_or(0));
    }
    seen.add(&Seen::of(&world));
    Ok(world)
}

/// One day; how long its healing took.
fn day(world: &mut World) -> Result<Nanos, Vec<String>> {
    day_until(world, u64::MAX)
}

/// One day, or its beginning: after so many steps of the world it heals early.
pub fn day_until(world: &mut World, last_step: u64) -> Result<Nanos, Vec<String>> {
    let (events, orders, faults) = (world.events(), world.orders(), world.fired.sum());
    while world.steps < last_step {
        world.step(true);
        check(world)?;
        let (events, orders) = (world.events() - events, world.orders() - orders);
        if events >= EVENTS && orders >= ORDERS && world.fired.sum() - faults >= FAULTS {
            break;
        }
        if events > PATIENCE * EVENTS {
            return Err(vec![format!("no progress: {orders} orders after {events} events; {}", world.stand())]);
        }
    }
    heal(world)
}

/// Every fault ends; how long until all is well, which it must be.
pub fn heal(world: &mut World) -> Result<Nanos, Vec<String>> {
    world.heal();
    let began_ns = world.now;
    while !world.is_well() {
        world.step(false);
        check(world)?;
        if world.now - began_ns > HEAL_NS {
            return Err(vec![format!("I9: not well {} ms after the last fault: {}", HEAL_NS / MS, world.stand())]);
        }
    }
    let took_ns = world.now - began_ns;
    world.settle_quiet();
    check(world)?;
    Ok(took_ns)
}

pub(crate) fn check(world: &World) -> Result<(), Vec<String>> {
    if world.judge.violations.is_empty() { Ok(()) } else { Err(world.judge.violations.clone()) }
}

impl Seen {
    /// Adds what another run has seen.
    pub fn add(&mut self, other: &Self) {
        self.days += other.days;
        self.events += other.events;
        self.orders += other.orders;
        self.fired.add(&other.fired);
        let (ours, theirs) = (self.settled, other.settled);
        self.settled = (ours.0 + theirs.0, ours.1 + theirs.1, ours.2 + theirs.2);
        self.records += other.records;
        self.starts += other.starts;
        self.heal_max_ns = self.heal_max_ns.max(other.heal_max_ns);
        self.exposed_max_ns = self.exposed_max_ns.max(other.exposed_max_ns);
        self.messages += other.messages;
        let (ours, theirs) = (self.unsaid, other.unsaid);
        self.unsaid = (ours.0 + theirs.0, ours.1 + theirs.1, ours.2 + theirs.2);
    }

    /// What a world has seen; days and healing are counted by who runs them.
    fn of(world: &World) -> Self {
        let World { judge, told, .. } = world;
        Self {
            events: world.events(),
            orders: world.orders(),
            fired: world.fired.clone(),
            settled: (judge.orders_settled, judge.trades_settled, judge.trades_rested),
            records: judge.records,
            starts: world.starts,
            exposed_max_ns: world.exposed_max_ns,
            messages: told.messages,
            unsaid: (judge.untold_foreign, judge.by_count, judge.traceless),
            ..Self::default()
        }
    }
}
