//! What the drill prints.

use crate::clock::MS;
use crate::compound::Compound;
use crate::compound::play::Outcome;
use crate::crash::{Crashes, ORDERS};
use crate::dice::Dice;
use crate::ground::{Grounds, VENUES};
use crate::memory::{Look, Memory};
use crate::run::{Failure, Seen};
use crate::shrink::Shortest;
use crate::verb::{Swarm, Verb};
use std::time::Duration;

/// The options that a seed draws.
pub fn drawn(seed: u64) {
    let entry = if Grounds::rests(seed) { "first legs rest, " } else { "" };
    println!("seed {seed} draws {entry}{}", Swarm::draw(&mut Dice::new(seed)));
}

/// A run that ended well.
pub fn days(seen: &Seen, (first, last): (u64, u64), took: Duration) {
    let Seen { days, events, orders, fired, settled, records, starts, messages, unsaid, .. } = seen;
    let rate = *events as f64 / took.as_secs_f64();
    println!("{:<22} {:>9} {:>14} {:>20}", "fault", "fired", "orders after", "Full after, at most");
    for (at, verb) in Verb::ALL.iter().enumerate() {
        let (class, name) = verb.told();
        let (count, after, full_ms) = (fired.count[at], fired.orders_after[at], fired.full_after_ms[at]);
        println!("{class:?} {name:<20} {count:>9} {after:>14} {full_ms:>17} ms");
    }
    println!(
        "{days} days of seeds {first} to {last} at {} venues: {events} market events, {orders} orders, {} faults, {starts} starts",
        VENUES.len(),
        fired.sum()
    );
    println!(
        "compared with the ledgers: {} orders, {} trades, {} of them by orders that had rested; {records} journal records read",
        settled.0, settled.1, settled.2
    );
    println!(
        "{messages} messages to people; {} trades by hand that no line told; {} orders booked by count; {} orders without a \
         trade whose record went with their process",
        unsaid.0, unsaid.1, unsaid.2
    );
    println!("longest healing {} ms, longest exposure {} ms", seen.heal_max_ns / MS, seen.exposed_max_ns / MS);
    println!("0 violations; {:.0} s, {rate:.0} market events a second", took.as_secs_f64());
}

/// A run that failed.
pub fn failure(failure: &Failure) {
    println!("seed {} fails after {} steps:", failure.seed, failure.steps);
    failure.what.iter().for_each(|what| println!("  {what}"));
}

/// The shortest beginning that fails.
pub fn shortest(shortest: &Shortest) {
    println!("the shortest beginning that still fails: {} steps, {} market events", shortest.steps, shortest.events);
    let faults = shortest.faults.iter().map(|(step, verb)| format!("{} at {step}", verb.told().1));
    println!("  its last faults: {}", faults.collect::<Vec<_>>().join(", "));
    shortest.what.iter().for_each(|what| println!("  {what}"));
}

/// Crashes that were all survived.
pub fn crashes(done: &Crashes, took: Duration) {
    let Crashes { scenarios, points, kills, powers, again, orders } = done;
    println!(
        "{scenarios} scenarios of {ORDERS} orders with {} storage calls and {} writes to venues",
        points.0, points.1
    );
    println!(
        "{} crashes: {kills} processes killed, {powers} losses of power, {again} more within a recovery; {orders} orders; \
         0 violations; {:.0} s",
        done.sum(),
        took.as_secs_f64()
    );
}

/// A compound scenario on some seeds, and what it is about, summed up.
pub fn compound(row: Compound, outcomes: &[Outcome], took: Duration) {
    let sum = |of: fn(&Outcome) -> u64| outcomes.iter().map(of).sum::<u64>();
    let healed_ns = outcomes.iter().map(|outcome| outcome.healed_ns).max().unwrap_or(0);
    let names = outcomes.first().map(|outcome| outcome.seen.iter().map(|(what, _)| *what)).into_iter().flatten();
    let seen = names.enumerate().map(|(at, what)| {
        let times: u64 = outcomes.iter().filter_map(|outcome| outcome.seen.get(at)).map(|(_, times)| times).sum();
        format!("{what} {times}")
    });
    println!("{row:?}: {} seeds; {}", outcomes.len(), seen.collect::<Vec<_>>().join(", "));
    println!(
        "     {} market events, {} orders, {} starts; well after at most {} ms; 0 violations; {:.1} s",
        sum(|outcome| outcome.events),
        sum(|outcome| outcome.orders),
        sum(|outcome| outcome.starts),
        healed_ns / MS,
        took.as_secs_f64()
    );
}

/// Memory over time.
pub fn memory(seen: &Memory, took: Duration) {
    for Look { minute, held_bytes, resident_bytes } in &seen.looks {
        let (hour, minute) = (minute / 60, minute % 60);
        let (held, resident) = (held_bytes >> 10, resident_bytes >> 10);
        println!("{hour:>4} h {minute:02}: {held:>8} KiB held, {resident:>8} KiB resident");
    }
    let Memory { events, faults, orders, .. } = seen;
    let growth = seen.growth_permille() as f64 / 10.0;
    println!("{events} market events, {orders} orders, {faults} faults; {:.0} s", took.as_secs_f64());
    let (first, last) = seen.thirds();
    println!("held after the warm-up, the middle of a third: first {first}, last {last} bytes; growth {growth:.1} %");
}
