//! Z01: a random part of the venues is stopped one by one over three seconds, what was under way waits, and they are let
//! go in another order while the market moves by one per cent.

use super::play::{Play, Told};
use crate::ground::VENUES;
use crate::verb::Verb;

/// Within this one venue after the other is stopped, and let go.
const SPAN_MS: u64 = 3_000;
/// The market's move.
const MOVE_BPS: u64 = 100;

pub(super) fn tell(play: &mut Play) -> Told {
    let mut places = play.shuffled((0..VENUES.len()).collect());
    places.truncate(play.dice.between(2, VENUES.len() as u64) as usize);
    let pause_ms = SPAN_MS / places.len() as u64;
    for &place in &places {
        play.force(place, Verb::Held, 600_000);
        play.run(pause_ms)?;
    }
    let stopped_ms = play.dice.between(0, 2_000);
    play.run(stopped_ms)?;
    play.note("venues stopped", places.len() as u64);
    let up = if play.dice.one_in(2) { 1 } else { -1 };
    let part_bps = (MOVE_BPS / places.len() as u64).cast_signed() * up;
    for place in play.shuffled(places) {
        play.force(place, Verb::Held, 0);
        play.world.market.shift(part_bps);
        play.run(pause_ms)?;
    }
    Ok(())
}
