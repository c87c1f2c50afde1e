//! Z05: no alert gets through; then one opportunity never ends, and is taken again and again until the last gate trips.
//! The latch outlives a kill, nothing is opened under it, and once the way is free people are told once.

use super::play::{Play, Told};
use crate::ground::Ground;
use crate::world::World;
use highwire_links::Nanos;

/// Trades of a pair within a minute that trip the gate.
const REPEATS: u32 = 25;
/// A sink that is back is tried again within.
const TOLD_MS: u64 = 90_000;
/// What the incident is called.
const RUNAWAY: &str = "service/runaway";

/// No rest after a trade, and a gate that trips sooner.
pub(super) fn ground() -> Result<Ground, String> {
    Ground::with(|config| {
        config.risk.cooldown_ms = 1;
        config.guard.repeats_per_min_max = REPEATS;
    })
}

pub(super) fn tell(play: &mut Play) -> Told {
    (play.world.is_unattended, play.world.sink_down_ns) = (true, Nanos::MAX);
    play.world.market.part(1, 0, Nanos::MAX, 60);
    play.until("the gate has tripped", 120_000, |world| world.causes().contains(RUNAWAY))?;
    // What was under way ends, hedged.
    play.run(5_000)?;
    let orders = play.world.orders();
    play.run(20_000)?;
    play.world.crash(false);
    play.until("it is up again", 30_000, World::is_up)?;
    play.run(20_000)?;
    play.note("latches that outlived a kill", play.world.causes().contains(RUNAWAY).into());
    let more = play.world.orders() - orders;
    if more > 0 || play.world.told.open.contains_key(RUNAWAY) {
        return Err(vec![format!("{more} orders after the gate had tripped; {}", play.world.stand())]);
    }
    play.world.sink_down_ns = 0;
    let told = |world: &World| world.told.open.get(RUNAWAY).copied().unwrap_or(0);
    play.until("people are told", TOLD_MS, |world| told(world) > 0)?;
    play.run(TOLD_MS)?;
    if told(&play.world) != 1 {
        return Err(vec![format!("people were told {} times", told(&play.world))]);
    }
    play.note("people were told once", 1);
    play.world.market.part(1, 0, 0, 0);
    play.world.is_unattended = false;
    Ok(())
}
