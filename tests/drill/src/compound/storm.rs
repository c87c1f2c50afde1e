//! Z07: for ten seconds the pinned thread dies once a second as soon as it has no order under way, the net stands still for a
//! part of each second, and every book is lost again and again. What is not here: panics of actors, which need actors.

use super::play::{Play, Told};
use crate::ground::{PAIRS, VENUES};
use crate::verb::Verb;

/// How long.
const SECONDS: u64 = 10;
/// The parts of a second.
const PARTS: u64 = 5;

pub(super) fn tell(play: &mut Play) -> Told {
    let (mut deaths, mut lost) = (0, 0);
    for _ in 0..SECONDS {
        play.world.dies = true;
        play.world.net_stalled_ns = play.world.now + play.dice.between(50, 400) * crate::clock::MS;
        for _ in 0..PARTS {
            for place in 0..VENUES.len() {
                let verb = play.dice.pick(&[Verb::GapBoth, Verb::SeqReset, Verb::Checksum, Verb::OldSnapshot]);
                play.world.venues[place].charges[verb as usize] += PAIRS.len() as u32;
                lost += PAIRS.len() as u64;
            }
            play.run(1_000 / PARTS)?;
        }
        deaths += u64::from(!play.world.dies);
    }
    play.note("deaths of the thread", deaths);
    play.note("books spoiled", lost);
    Ok(())
}
