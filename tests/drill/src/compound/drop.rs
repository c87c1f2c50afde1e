//! Z03: all connections of every Binance venue end at the same instant, as after a day; our clock steps back by two
//! seconds for a while, so that every venue is ahead; and nine tenths of these venues' budgets are used by others.

use super::play::{Play, Told};
use crate::clock::{MS, S};
use crate::ground::VENUES;
use crate::venue::LINES;
use crate::verb::Verb;
use highwire_venues::venue::Venue;

/// How far the clock steps.
const STEP_NS: i64 = 2 * S.cast_signed();
/// Until it is set right.
const WRONG_MS: u64 = 20_000;
/// Weight of a minute that others use, of 6 000.
const USED: u32 = 5_400;

pub(super) fn tell(play: &mut Play) -> Told {
    let is_binance =
        |place: &usize| matches!(VENUES[*place].0, Venue::BinanceSpot | Venue::BinanceUs | Venue::BinanceTr);
    let dropped: Vec<usize> = (0..VENUES.len()).filter(is_binance).collect();
    for &place in &dropped {
        let (now, venue) = (play.world.now, &mut play.world.venues[place]);
        (0..LINES).for_each(|line| venue.end(line, Verb::Reset, now, &mut play.dice));
    }
    play.note("venues dropped", dropped.len() as u64);
    play.world.venues.iter_mut().for_each(|venue| venue.offset_ns = STEP_NS);
    let (until_ns, mut off) = (play.world.now + WRONG_MS * MS, 0);
    while play.world.now < until_ns {
        let now = play.world.now;
        if let Some((_, net)) = play.world.running() {
            dropped.iter().for_each(|&place| net.on_used(place, USED, now));
        }
        play.run(1_000)?;
        off += u64::from(play.world.causes().contains("clock-offset"));
    }
    play.note("seconds that a venue was off for its clock", off);
    play.world.venues.iter_mut().for_each(|venue| venue.offset_ns = 0);
    Ok(())
}
