//! Z11: a process is killed, and so are ten starts after it, each within its recovery, in one of its storage calls or
//! while it asks the venues; each time another part of the segment that it had begun is gone.

use super::play::{Play, Told};
use crate::world::{Stage, World};
use highwire_store::disk::{Disk, Fault};

/// Starts that are killed.
const KILLS: u64 = 10;

pub(super) fn tell(play: &mut Play) -> Told {
    let power = play.dice.one_in(2);
    play.world.crash(power);
    // What the killed ones wrote may go again: what is read of it is read anew.
    let judge = play.world.judge.clone();
    let (mut killed, mut cut) = (0, 0);
    while killed < KILLS {
        let segments = segments(&play.world);
        one(play)?;
        killed += 1;
        let begun = segments_since(&play.world, &segments);
        cut += u64::from(!begun.is_empty());
        begun.iter().for_each(|name| truncate(play, name));
        play.world.judge = judge.clone();
    }
    play.note("starts killed", killed);
    play.note("segments cut", cut);
    Ok(())
}

/// A start, ended in its next calls or, should it make fewer, while it asks.
fn one(play: &mut Play) -> Told {
    let (calls, crashes) = (play.world.disk.calls(), play.world.crashes);
    let at = calls + play.dice.below(24);
    play.world.disk.fail(at, u64::MAX, Fault::Crash);
    play.until("a start", 30_000, |world| world.crashes > crashes || matches!(world.stage, Stage::Starting(_)))?;
    let asks_ms = play.dice.below(300);
    play.run(asks_ms)?;
    if play.world.crashes == crashes {
        play.world.crash(false);
    }
    Ok(())
}

fn segments(world: &World) -> Vec<String> {
    world.disk.list().unwrap_or_default()
}

/// What a start has begun, as long as it was not there before.
fn segments_since(world: &World, before: &[String]) -> Vec<String> {
    segments(world).into_iter().filter(|name| !before.contains(name)).collect()
}

/// Only the first part of what was written is there, with nothing after it.
fn truncate(play: &mut Play, name: &str) {
    let part = play.dice.below(1 << 16);
    play.world.disk.damage(name, |bytes| {
        let written = bytes.iter().rposition(|&byte| byte != 0).map_or(0, |last| last + 1);
        let kept = ((written as u64 * part) >> 16) as usize;
        bytes[kept..].fill(0);
    });
}
