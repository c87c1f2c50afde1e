//! Every interleaving: a depth-first search over the worlds that follow from one another, each looked
//! at once. States are told apart by a 64-bit hash of what matters to their future.

use crate::venues::Dice;
use crate::world::{Budget, Flaw, Violation, World};
use highwire_engine::saga::Ending;
use std::collections::HashSet;
use std::hash::{BuildHasherDefault, Hasher};

/// A hash that is one already.
#[derive(Default)]
struct Same(u64);

impl Hasher for Same {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, _: &[u8]) {
        unreachable!("only 64-bit numbers are put in");
    }

    fn write_u64(&mut self, value: u64) {
        self.0 = value;
    }
}

/// What a search saw.
#[derive(Debug, Default)]
struct Found {
    states: usize,
    /// Ended flat, hedged, escalated.
    endings: [usize; 3],
    violation: Option<(Violation, World)>,
}

/// More than this does not fit the time and memory of a test.
const STATES_MAX: usize = 12_000_000;

fn search(start: World) -> Found {
    let mut found = Found::default();
    let mut seen: HashSet<u64, BuildHasherDefault<Same>> = HashSet::default();
    let (mut stack, mut next) = (vec![start], Vec::new());
    while let Some(world) = stack.pop() {
        if let Some(violation) = world.violation() {
            found.violation = Some((violation, world));
            break;
        }
        match world.ending() {
            Some(Ending::Flat) => found.endings[0] += 1,
            Some(Ending::Hedged) => found.endings[1] += 1,
            Some(Ending::Escalated) => found.endings[2] += 1,
            None => {}
        }
        world.successors(&mut next);
        stack.extend(next.drain(..).filter(|world| seen.insert(world.fingerprint())));
        assert!(seen.len() < STATES_MAX, "the world is too large to be searched whole");
    }
    found.states = seen.len();
    found
}

fn prove(name: &str, legs: &[i64], budget: Budget, (is_whole, hedges_max): (bool, usize)) {
    let found = search(World::new(legs, budget, Flaw::None, is_whole, hedges_max));
    let [flat, hedged, escalated] = found.endings;
    println!("{name}: {} states; ended {flat} flat, {hedged} hedged, {escalated} escalated", found.states);
    assert!(found.violation.is_none(), "{:#?}", found.violation);
    assert!(flat > 0 && hedged > 0 && escalated > 0, "every end is reached");
}

const NOTHING: Budget = Budget { duplicates: 0, losses: 0, crashes: 0, halts: 0, shuts: 0 };

#[test]
fn two_legs_with_partial_fills_end_flat_hedged_or_escalated_in_every_order_of_events() {
    prove("two legs of two lots", &[2, -2], NOTHING, (false, 2));
}

#[test]
fn two_legs_survive_a_lost_venue_a_trade_told_twice_and_a_halt() {
    prove(
        "two legs, all but a crash",
        &[1, -1],
        Budget { duplicates: 1, losses: 1, crashes: 0, halts: 1, shuts: 0 },
        (true, 2),
    );
}

#[test]
fn two_legs_survive_a_crash_after_which_only_the_intents_are_known() {
    prove(
        "two legs, a crash",
        &[1, -1],
        Budget { duplicates: 1, losses: 0, crashes: 1, halts: 0, shuts: 0 },
        (true, 2),
    );
}

#[test]
fn two_legs_wait_for_markets_that_are_shut_and_not_for_ever() {
    prove(
        "two legs, markets shut",
        &[1, -1],
        Budget { duplicates: 1, losses: 0, crashes: 0, halts: 0, shuts: 2 },
        (true, 2),
    );
}

#[test]
fn three_legs_end_as_two_do() {
    prove("three legs", &[2, -1, -1], NOTHING, (true, 1));
}

/// Refused, taken in parts, cancelled by the venue, told or not: what was taken is hedged, and nothing else is.
///
/// Fault: X15
#[test]
fn a_leg_that_rests_is_hedged_as_it_is_taken_and_by_no_more() {
    for (name, lots, losses, hedges) in [("of two lots rests", 2, 0, 2), ("of a lot rests, a line lost", 1, 1, 2)] {
        let budget = Budget { losses, duplicates: losses, halts: losses, ..NOTHING };
        let found = search(World::resting(lots, budget, Flaw::None, hedges));
        let [flat, hedged, escalated] = found.endings;
        println!("a leg {name}: {} states; ended {flat} flat, {hedged} hedged, {escalated} escalated", found.states);
        assert!(found.violation.is_none(), "{:#?}", found.violation);
        assert!(flat > 0 && hedged > 0 && escalated > 0, "every end is reached");
    }
    let ahead = search(World::resting(1, NOTHING, Flaw::HedgedAhead, 1)).violation;
    assert!(matches!(ahead, Some((Violation::Unfounded, _))), "{ahead:?}");
}

/// Walks that a defect may take to show.
const WALKS: usize = 200_000;

/// Follows the worlds at random, from the start to an end, until one is wrong.
fn wander(start: World) -> Option<(Violation, usize)> {
    let (mut dice, mut next) = (Dice(7), Vec::new());
    for walk in 1..=WALKS {
        let mut world = start;
        loop {
            if let Some(violation) = world.violation() {
                return Some((violation, walk));
            }
            world.successors(&mut next);
            if next.is_empty() {
                break;
            }
            world = next[dice.roll(next.len() as u64) as usize];
            next.clear();
        }
    }
    None
}

#[test]
fn every_defence_that_is_taken_out_is_missed() {
    let budget = Budget { duplicates: 1, losses: 1, crashes: 0, halts: 0, shuts: 0 };
    for flaw in [Flaw::DoubtIsRefusal, Flaw::AbsenceIsProof, Flaw::TradesTwice, Flaw::CountIgnored] {
        let (violation, walks) =
            wander(World::new(&[1, -1], budget, flaw, true, 2)).unwrap_or_else(|| panic!("{flaw:?} is not noticed"));
        println!("without its defence, {flaw:?}: {violation:?} in walk {walks}");
    }
}
