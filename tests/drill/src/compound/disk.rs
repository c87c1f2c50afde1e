//! Z04: the disk is full while orders are in doubt; the process is killed, and started again and again while the disk is
//! still full: nothing may leave before there is room.

use super::play::{Play, Told};
use crate::clock::{MS, S};
use crate::ground::VENUES;
use crate::verb::Verb;
use crate::world::{Stage, World};
use highwire_store::disk::Fault;
use std::io::ErrorKind;

/// Orders that must be in doubt.
const DOUBTS: usize = 3;
/// An order is in doubt when it was not answered for so long.
const ANSWER_NS: u64 = 1_100 * MS;

pub(super) fn tell(play: &mut Play) -> Told {
    for place in 0..VENUES.len() {
        play.world.venues[place].charges[Verb::LostAnswer as usize] = 100;
        [Verb::MutePrivate, Verb::QueryLag].into_iter().for_each(|verb| play.force(place, verb, 120_000));
    }
    play.until("three orders in doubt", 120_000, |world| doubts(world) >= DOUBTS)?;
    play.note("orders in doubt", doubts(&play.world) as u64);
    fill(&play.world);
    play.run(1_000)?;
    play.world.crash(false);
    // What had left before arrives.
    fill(&play.world);
    play.run(1_000)?;
    let (starts, orders) = (play.world.starts, play.world.orders());
    play.run(8_000)?;
    play.note("starts on the full disk", play.world.starts - starts);
    if play.world.is_up() || play.world.orders() > orders {
        return Err(vec![format!("it trades on a full disk: {}", play.world.stand())]);
    }
    Ok(())
}

fn fill(world: &World) {
    world.disk.fail(world.disk.calls(), u64::MAX, Fault::Error(ErrorKind::StorageFull));
}

/// Orders that were sent and not answered for longer than an answer may take.
fn doubts(world: &World) -> usize {
    let Stage::Up(process, _) = &world.stage else { return 0 };
    let is_old = |decided_ns: u64| decided_ns + ANSWER_NS < world.now && decided_ns + 30 * S > world.now;
    process.state.lock().orders.values().filter(|open| is_old(open.order.decided_ns)).count()
}
