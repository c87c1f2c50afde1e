//! Z02: the process is killed when the request of one leg has left and that of the other has not, in the same turn; then
//! the other leg's venue wants to be left alone for half a minute, and the first one's private line tells nothing.

use super::play::{Play, Told};
use crate::net::Net;
use crate::verb::Verb;

/// Of so many tries one finds both legs in one turn.
const WAIT_MS: u64 = 120_000;

pub(super) fn tell(play: &mut Play) -> Told {
    play.world.fuse.set_between_legs();
    play.until("an end between two legs", WAIT_MS, |world| world.crashes > 0)?;
    let legs = play.world.fuse.legs().and_then(|(first, second)| Net::place_of(first).zip(Net::place_of(second)));
    let Some(((first, _), (second, _))) = legs else {
        return Err(vec!["the process did not end between two legs".to_owned()]);
    };
    play.note("ends between two legs", 1);
    play.force(second, Verb::HttpLimit, 30_000);
    play.force(first, Verb::MutePrivate, 40_000);
    let (sent, unsent) = (play.world.venues[first].ledger.placed, play.world.venues[second].ledger.placed);
    play.run(1_000)?;
    let (sent, unsent) =
        (play.world.venues[first].ledger.placed - sent, play.world.venues[second].ledger.placed - unsent);
    if (sent, unsent) != (1, 0) {
        return Err(vec![format!("{sent} first legs and {unsent} second legs arrived")]);
    }
    let last = play.world.venues[first].ledger.orders.values().max_by_key(|held| held.arrival.at_ns);
    let filled = last.is_some_and(|held| held.filled > 0);
    play.note("first legs that had filled", filled.into());
    play.run(39_000)
}
