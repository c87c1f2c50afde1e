//! Z08: the process stands still for five seconds while orders are under way at several venues, some of them just sent:
//! they fill meanwhile, every book is old when it goes on, and the first that it does is to withdraw everything.

use super::play::{Play, Told};
use crate::clock::MS;
use crate::ground::{PAIRS, VENUES};
use crate::verb::Verb;
use crate::world::{Stage, World};
use highwire_links::command::Verb as Command;
use std::collections::BTreeSet;

/// How long it stands still.
const STILL_MS: u64 = 5_000;
/// Venues that must have a request on its way.
const VENUES_MIN: usize = 3;

pub(super) fn tell(play: &mut Play) -> Told {
    (0..VENUES.len()).for_each(|place| play.force(place, Verb::SlowWire, 60_000));
    let until_ns = play.world.now + 120_000 * MS;
    let mut apart_ns = 0;
    while asked(&play.world).len() < VENUES_MIN || !has_just_sent(&play.world) {
        if play.world.now > apart_ns {
            apart_ns = play.world.now + 500 * MS;
            apart(play);
        }
        play.step()?;
        if play.world.now > until_ns {
            return Err(vec![format!("never requests at {VENUES_MIN} venues: {}", play.world.stand())]);
        }
    }
    play.note("venues with an order under way", asked(&play.world).len() as u64);
    if let Some((_, net)) = play.world.running() {
        net.reign.commands.push(Command::CancelAll);
    }
    let filled = fills(&play.world);
    play.world.paused_ns = play.world.now + STILL_MS * MS;
    play.run(STILL_MS - 100)?;
    play.note("orders filled meanwhile", fills(&play.world) - filled);
    play.run(20_000)
}

/// Two pairs at once, at different venues.
fn apart(play: &mut Play) {
    let places = play.shuffled((0..VENUES.len()).collect());
    for (pair, place) in (0..PAIRS.len()).zip(places) {
        play.world.market.part(place, pair, play.world.now + 400 * MS, 60);
    }
}

/// Venues at which an order of ours is open.
fn asked(world: &World) -> BTreeSet<usize> {
    let Stage::Up(process, _) = &world.stage else { return BTreeSet::new() };
    process.state.lock().orders.values().map(|open| open.order.instrument.index() / PAIRS.len()).collect()
}

/// A request has left that no venue has taken yet.
fn has_just_sent(world: &World) -> bool {
    let Stage::Up(process, _) = &world.stage else { return false };
    process.state.lock().orders.values().any(|open| open.order.decided_ns == world.now)
}

fn fills(world: &World) -> u64 {
    let filled = |place: usize| world.venues[place].ledger.orders.values().filter(|held| held.filled > 0).count();
    (0..VENUES.len()).map(filled).sum::<usize>() as u64
}
