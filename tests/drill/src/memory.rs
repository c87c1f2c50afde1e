//! Memory over days of the clock: seven times twenty-four hours of virtual time with a fault a minute. What the heap
//! holds (service, venues and judge together) is counted by the allocator, less the files of the disk in memory, whose
//! number rises and falls with the journal's segments; what is resident is told beside it.

use crate::clock::S;
use crate::ground::Ground;
use crate::run::{Failure, check, heal};
use crate::world::World;
use highwire::vitals::Process;
use highwire_links::Nanos;
use highwire_links::allocation;
use std::sync::Arc;

/// How long, and what is wrong on purpose.
#[derive(Clone, Copy, Debug)]
pub struct Plan {
    /// Between two looks, virtual time.
    pub every_ns: Nanos,
    /// Looks.
    pub looks: u64,
    /// Bytes that are kept for ever of each order: a leak.
    pub leak_bytes: usize,
}

/// A look.
#[derive(Clone, Copy, Debug)]
pub struct Look {
    /// Virtual minutes since the beginning.
    pub minute: u64,
    /// Bytes that the heap holds, without the disk's files.
    pub held_bytes: i64,
    /// Bytes that the process has resident, with everything.
    pub resident_bytes: u64,
}

/// What was seen.
#[derive(Clone, Debug, Default)]
pub struct Memory {
    /// Looks, in order.
    pub looks: Vec<Look>,
    /// Changes of books.
    pub events: u64,
    /// Faults.
    pub faults: u64,
    /// Orders.
    pub orders: u64,
}

impl Plan {
    /// So many virtual hours, looked at every sixth of a day; a short run every hour.
    pub fn hours(hours: u64) -> Self {
        let every_h = if hours < 28 { 1 } else { 4 };
        Self { every_ns: every_h * 3_600 * S, looks: hours / every_h, leak_bytes: 0 }
    }
}

impl Memory {
    /// Growth of what the heap holds after the warm-up (a seventh of the time), thousandths: the middle of the last
    /// third against the middle of the first.
    pub fn growth_permille(&self) -> i64 {
        let (first, last) = self.thirds();
        (last - first) * 1_000 / first.max(1)
    }

    /// The middle of what the heap held in the first and in the last third after the warm-up, bytes.
    pub fn thirds(&self) -> (i64, i64) {
        let after = &self.looks[self.looks.len() / 7..];
        let third = after.len().div_ceil(3);
        (middle(&after[..third]), middle(&after[after.len() - third..]))
    }
}

fn middle(looks: &[Look]) -> i64 {
    let mut held: Vec<i64> = looks.iter().map(|look| look.held_bytes).collect();
    held.sort_unstable();
    held.get(held.len() / 2).copied().unwrap_or(0)
}

/// Runs as planned, and looks whenever all is well again.
///
/// # Errors
/// The first failure.
pub fn watch(ground: &Arc<Ground>, seed: u64, plan: Plan) -> Result<Memory, Failure> {
    let failed = |steps: u64, what: Vec<String>| Failure { seed, steps, what };
    let mut world = World::new(ground, seed, None).map_err(|what| failed(0, vec![what]))?;
    world.leisurely();
    let (mut seen, mut leaked, began_ns) = (Memory::default(), Vec::new(), world.now);
    for look in 1..=plan.looks {
        while world.now < began_ns + look * plan.every_ns {
            world.step(true);
            check(&world).map_err(|what| failed(world.steps, what))?;
        }
        heal(&mut world).map_err(|what| failed(world.steps, what))?;
        leaked.resize(plan.leak_bytes * world.orders() as usize, 0_u8);
        let held_bytes = allocation::held_bytes() - world.disk.held_bytes() as i64;
        let minute = look * plan.every_ns / (60 * S);
        seen.looks.push(Look { minute, held_bytes, resident_bytes: Process::read().resident_bytes });
    }
    (seen.events, seen.faults, seen.orders) = (world.events(), world.fired.sum(), world.orders());
    Ok(seen)
}
