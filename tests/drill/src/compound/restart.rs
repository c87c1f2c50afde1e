//! Z06: a venue whose trades are final only later starts its engine anew for ninety seconds, without a word but to those who
//! send it orders, while price steps change; a part of what it had matched before and matches afterwards is undone.

use super::play::{Play, Told};
use crate::ground::VENUES;

/// How long it takes no orders.
const SHUT_MS: u64 = 90_000;
/// Trades that wait to be settled when it begins.
const PENDING_MIN: usize = 6;
/// Changes of a price step meanwhile.
const CHANGES: u64 = 3;
/// The sequence of matches, restart and settlement is gone through so often.
const ROUNDS: u64 = 2;

pub(super) fn tell(play: &mut Play) -> Told {
    let place = play.dice.below(VENUES.len() as u64) as usize;
    let mut failed = 0;
    for _ in 0..ROUNDS {
        play.world.venues[place].settles_late = true;
        play.until("trades to be settled", 240_000, |world| world.venues[place].pending.len() >= PENDING_MIN)?;
        play.world.venues[place].is_restarting = true;
        for _ in 0..CHANGES {
            play.run(SHUT_MS / (CHANGES + 1))?;
            play.world.change_tick(place);
            failed += settle(play, place, PENDING_MIN as u64 / CHANGES);
        }
        play.run(SHUT_MS / (CHANGES + 1))?;
        let venue = &mut play.world.venues[place];
        (venue.is_restarting, venue.settles_late) = (false, false);
        failed += settle(play, place, u64::MAX);
        play.run(5_000)?;
    }
    play.note("trades undone", failed);
    play.note("orders not taken meanwhile", play.world.venues[place].turned_away);
    Ok(())
}

/// So many trades are final or undone, by lot; how many were undone.
fn settle(play: &mut Play, place: usize, most: u64) -> u64 {
    let (now, mut failed) = (play.world.now, 0);
    for _ in 0..most {
        let fails = play.dice.one_in(2);
        if !play.world.venues[place].settle(fails, now) {
            break;
        }
        failed += u64::from(fails);
    }
    failed
}
