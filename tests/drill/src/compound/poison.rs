//! Z12: for a whole day of the clock one report of a hundred is lost, one comes twice, and one comes half a minute late.

use super::play::{Play, Told};
use crate::desk::Poison;
use crate::run::heal;

/// Between two comparisons of everything.
const PART_MIN: u64 = 60;

pub(super) fn tell(play: &mut Play, minutes: u64) -> Told {
    play.world.leisurely();
    let mut sums = [0; 3];
    let mut left = minutes;
    while left > 0 {
        let part = left.min(PART_MIN);
        left -= part;
        for venue in &mut play.world.venues {
            venue.poison = Some(Poison::new(play.dice.bits()));
        }
        play.run(part * 60_000)?;
        // Well again from time to time: only then must all agree.
        let done = play.world.venues.iter_mut().filter_map(|venue| venue.poison.take()).map(|poison| poison.done);
        sums = done.fold(sums, |sums, done| std::array::from_fn(|at| sums[at] + done[at]));
        heal(&mut play.world)?;
    }
    let kinds = ["reports lost", "reports doubled", "reports late"];
    kinds.into_iter().zip(sums).for_each(|(kind, times)| play.note(kind, times));
    Ok(())
}
