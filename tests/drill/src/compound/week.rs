//! Z10: days of the clock, each hour with faults of every class at a rate of its own from one an hour to one a minute;
//! every connection ends after its day, venue by venue, and one venue's engine restarts every week.

use super::play::{Play, Told};
use crate::clock::{MS, S};
use crate::ground::{PAIRS, VENUES};
use crate::run::heal;
use crate::venue::LINES;
use crate::verb::Verb;
use crate::world::World;
use highwire_links::instrument::Status;

/// Time between two faults, as one hour may have it.
const GAPS_MS: [u64; 5] = [60_000, 120_000, 300_000, 900_000, 3_600_000];
/// A venue's engine is away so long at its restart.
const RESTART_MS: u64 = 90_000;

pub(super) fn tell(play: &mut Play, hours: u64) -> Told {
    play.world.leisurely();
    let (faults, mut drops, mut restarts) = (play.world.fired.sum(), 0, 0);
    for hour in 1..=hours {
        let gap_ms = play.dice.pick(&GAPS_MS);
        play.world.set_gap_ms(gap_ms);
        // A day has twenty-four hours, and a short run one of each kind.
        if hour % 24 == 1 {
            drops += VENUES.len() as u64;
            (0..VENUES.len()).try_for_each(|place| drop_all(play, place))?;
        }
        if hour % 168 == 2 {
            restarts += 1;
            restart_engine(play)?;
        }
        hour_of_faults(&mut play.world)?;
        heal(&mut play.world)?;
    }
    play.note("faults", play.world.fired.sum() - faults);
    play.note("daily drops", drops);
    play.note("weekly restarts", restarts);
    Ok(())
}

fn hour_of_faults(world: &mut World) -> Told {
    let until_ns = world.now + 3_600 * S;
    while world.now < until_ns {
        world.step(true);
        crate::run::check(world)?;
    }
    Ok(())
}

/// A venue ends all its connections at once.
fn drop_all(play: &mut Play, place: usize) -> Told {
    let (now, venue) = (play.world.now, &mut play.world.venues[place]);
    (0..LINES).for_each(|line| venue.end(line, Verb::Reset, now, &mut play.dice));
    play.run(30_000)
}

/// A venue trades nothing and answers nothing for a while.
fn restart_engine(play: &mut Play) -> Told {
    let place = play.dice.below(VENUES.len() as u64) as usize;
    let until_ns = play.world.now + RESTART_MS * MS;
    play.force(place, Verb::HttpFail, RESTART_MS);
    for pair in (0..PAIRS.len()).filter(|&pair| play.world.venues[place].paused_ns[pair].is_none()).collect::<Vec<_>>()
    {
        play.world.venues[place].paused_ns[pair] = Some(play.world.now);
        play.world.set_status(place, pair, Status::Paused);
        play.world.paused.push((until_ns, place, pair));
    }
    play.run(RESTART_MS + 10_000)
}
