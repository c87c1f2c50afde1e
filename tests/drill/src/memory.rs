//! Memory over days of the clock: seven times twenty-four hours of virtual time with a fault a minute, and what the
//! process of the drill (service, venues, disk and judge together) has resident.

use crate::clock::S;
use crate::ground::Ground;
use crate::run::{Failure, heal};
use crate::world::World;
use highwire::vitals::Process;
use std::sync::Arc;

/// What was seen.
#[derive(Clone, Debug, Default)]
pub struct Memory {
    /// Virtual hours, and resident bytes then.
    pub samples: Vec<(u64, u64)>,
    /// Changes of books.
    pub events: u64,
    /// Faults.
    pub faults: u64,
    /// Orders.
    pub orders: u64,
}

impl Memory {
    /// Growth from the end of the warm-up (a seventh of the time) to the end, thousandths; the most of the last part
    /// against the most of the part after the warm-up.
    pub fn growth_permille(&self) -> i64 {
        let part = (self.samples.len() / 7).max(1);
        let most = |samples: &[(u64, u64)]| samples.iter().map(|(_, bytes)| *bytes).max().unwrap_or(0).cast_signed();
        let first = most(&self.samples[part.min(self.samples.len() - 1)..(2 * part).min(self.samples.len())]);
        let last = most(&self.samples[self.samples.len().saturating_sub(part)..]);
        (last - first) * 1_000 / first.max(1)
    }
}

/// Runs so many virtual hours, and looks every sixth of a day.
///
/// # Errors
/// The first failure.
pub fn hours(ground: &Arc<Ground>, seed: u64, hours: u64) -> Result<Memory, Failure> {
    let failed = |steps: u64, what: Vec<String>| Failure { seed, steps, what };
    let mut world = World::new(ground, seed, None).map_err(|what| failed(0, vec![what]))?;
    world.leisurely();
    let mut seen = Memory::default();
    let began_ns = world.now;
    for hour in 1..=hours {
        while world.now < began_ns + hour * 3_600 * S {
            world.step(true);
            if !world.judge.violations.is_empty() {
                return Err(failed(world.steps, world.judge.violations.clone()));
            }
        }
        heal(&mut world).map_err(|what| failed(world.steps, what))?;
        if hour % 4 == 0 || hours < 28 {
            seen.samples.push((hour, Process::read().resident_bytes));
        }
    }
    (seen.events, seen.faults, seen.orders) = (world.events(), world.fired.sum(), world.orders());
    Ok(seen)
}
