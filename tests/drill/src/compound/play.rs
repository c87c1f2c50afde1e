//! A scenario under way: the world, stepped without drawn faults, and what the script has seen so far.

use crate::clock::{MS, S};
use crate::dice::Dice;
use crate::ground::Ground;
use crate::run::{Failure, check, heal};
use crate::verb::Verb;
use crate::world::World;
use highwire_links::Nanos;
use std::sync::Arc;

/// Orders before a script begins.
const WARM_ORDERS: u64 = 20;
/// A script begins within.
const WARM_MS: u64 = 120_000;

/// What a part of a script says: what went wrong.
pub type Told = Result<(), Vec<String>>;

/// What a scenario has seen.
#[derive(Clone, Debug, Default)]
pub struct Outcome {
    /// What its script is about, with how often it was seen.
    pub seen: Vec<(&'static str, u64)>,
    /// Orders.
    pub orders: u64,
    /// Changes of books.
    pub events: u64,
    /// Starts of the process.
    pub starts: u64,
    /// From the end of its faults until all was well.
    pub healed_ns: Nanos,
}

/// A scenario.
pub struct Play {
    /// Its world.
    pub world: World,
    /// What the script draws.
    pub dice: Dice,
    seed: u64,
    outcome: Outcome,
}

impl Play {
    /// A world of this seed that trades.
    ///
    /// # Errors
    /// It does not come to trade.
    pub fn new(ground: &Arc<Ground>, seed: u64) -> Result<Self, Failure> {
        let world = World::new(ground, seed, None);
        let mut world = world.map_err(|what| Failure { seed, steps: 0, what: vec![what] })?;
        world.lively();
        let mut play = Self { world, dice: Dice::new(!seed), seed, outcome: Outcome::default() };
        let warm = play.until("twenty orders", WARM_MS, |world| world.orders() >= WARM_ORDERS && world.is_full());
        warm.map_err(|what| play.failure("the beginning", what))?;
        Ok(play)
    }

    /// A step.
    ///
    /// # Errors
    /// An invariant is violated; so in all that follows.
    pub fn step(&mut self) -> Told {
        self.world.step(false);
        check(&self.world)
    }

    /// So many milliseconds.
    ///
    /// # Errors
    /// See [`Play::step`].
    pub fn run(&mut self, ms: u64) -> Told {
        let until_ns = self.world.now + ms * MS;
        while self.world.now < until_ns {
            self.step()?;
        }
        Ok(())
    }

    /// Until something is so.
    ///
    /// # Errors
    /// See [`Play::step`]; or it is not so in time.
    pub fn until(&mut self, what: &str, most_ms: u64, is: impl Fn(&World) -> bool) -> Told {
        let until_ns = self.world.now + most_ms * MS;
        while !is(&self.world) {
            self.step()?;
            if self.world.now > until_ns {
                return Err(vec![format!("not within {most_ms} ms: {what}; {}", self.world.stand())]);
            }
        }
        Ok(())
    }

    /// A verb is in force at a venue for so long.
    pub fn force(&mut self, place: usize, verb: Verb, ms: u64) {
        self.world.venues[place].in_force[verb as usize] = self.world.now + ms * MS;
    }

    /// These places in another order.
    pub fn shuffled(&mut self, mut places: Vec<usize>) -> Vec<usize> {
        for at in (1..places.len()).rev() {
            places.swap(at, self.dice.below(at as u64 + 1) as usize);
        }
        places
    }

    /// Something that the script is about was seen so often.
    pub fn note(&mut self, what: &'static str, times: u64) {
        self.outcome.seen.push((what, times));
    }

    /// Every fault ends, and all must be well and agree.
    ///
    /// # Errors
    /// See [`heal`].
    pub fn end(&mut self) -> Told {
        self.outcome.healed_ns = heal(&mut self.world)?;
        let World { starts, .. } = self.world;
        (self.outcome.orders, self.outcome.events) = (self.world.orders(), self.world.events());
        self.outcome.starts = starts;
        // It trades afterwards.
        let before = self.world.orders();
        self.until("another order", 60 * S / MS, |world| world.orders() > before)
    }

    /// What was seen.
    pub fn outcome(self) -> Outcome {
        self.outcome
    }

    /// A failure of it.
    pub fn failure(&self, part: &str, mut what: Vec<String>) -> Failure {
        what.extend(self.world.story_of(&what.join(" ")));
        what.insert(0, part.to_owned());
        Failure { seed: self.seed, steps: self.world.steps, what }
    }
}
