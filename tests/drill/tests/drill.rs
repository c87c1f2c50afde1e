//! The drill in its short form: days under faults, crash points, the same bytes twice, and canaries that must be found.

#![allow(clippy::unwrap_used, reason = "a test ends by panic; helpers are outside test functions")]

use drill::canary::Canary;
use drill::ground::Ground;
use drill::run::{Seen, days};
use drill::{crash, memory, report};
use highwire_store::disk::{Disk, MemoryDisk};
use std::sync::Arc;
use std::time::Instant;

fn ground() -> Arc<Ground> {
    Arc::new(Ground::new().unwrap())
}

/// Days without `HIGHWIRE_DRILL_DAYS`.
const DAYS: u64 = 24;

fn wanted() -> u64 {
    std::env::var("HIGHWIRE_DRILL_DAYS").ok().and_then(|text| text.parse().ok()).unwrap_or(DAYS)
}

#[test]
fn days_under_every_fault_leave_journal_and_ledgers_alike_and_the_service_full() {
    let (ground, mut seen, began, mut seed) = (ground(), Seen::default(), Instant::now(), 1_000);
    while seen.days < wanted() {
        if let Err(failure) = days(&ground, seed, 2, None, &mut seen) {
            report::failure(&failure);
            panic!("seed {seed} fails");
        }
        seed += 1;
    }
    report::days(&seen, (1_000, seed - 1), began.elapsed());
    assert_eq!(seen.fired.missing(), Vec::<&str>::new(), "every verb is fired");
}

fn bytes(disk: &MemoryDisk) -> Vec<(String, Vec<u8>)> {
    let mut names = disk.list().unwrap();
    names.sort();
    names.into_iter().map(|name| (name.clone(), disk.read(&name).unwrap())).collect()
}

#[test]
fn the_same_seed_gives_the_same_journal_byte_by_byte() {
    let run = |seed| bytes(&days(&ground(), seed, 1, None, &mut Seen::default()).unwrap().disk);
    let (first, again, other) = (run(7_000), run(7_000), run(7_001));
    assert!(first.iter().any(|(_, bytes)| bytes.len() > 10_000));
    assert!(first == again && first != other);
}

/// A sample of what `--crash-points` does in full.
///
/// Fault: P01, P02
#[test]
fn crashes_at_storage_calls_and_writes_lose_double_and_invent_nothing() {
    let began = Instant::now();
    match crash::all(&ground(), 40, 120, 83) {
        Ok(done) => {
            report::crashes(&done, began.elapsed());
            assert!(done.kills > 0 && done.powers > 0 && done.again > 0);
        }
        Err(failure) => {
            report::failure(&failure);
            panic!("not all is as it was");
        }
    }
}

#[test]
fn every_defence_that_is_taken_away_is_missed() {
    let ground = ground();
    for canary in Canary::ALL {
        let mut seeds = 9_000..9_032;
        let found = seeds.find_map(|seed| days(&ground, seed, 1, Some(canary), &mut Seen::default()).err());
        let failure = found.unwrap_or_else(|| panic!("{canary:?} is not found"));
        println!("{canary:?}, seed {}: {}", failure.seed, failure.what[0]);
    }
}

/// Orders that have ended are forgotten with everything about them.
///
/// Fault: P08
#[test]
fn memory_does_not_grow_and_a_leak_would_be_seen() {
    let minutes = |leak_bytes| memory::Plan { every_ns: 300_000_000_000, looks: 14, leak_bytes };
    let growth = |plan| {
        let (began, seen) = (Instant::now(), memory::watch(&ground(), 3, plan).unwrap());
        report::memory(&seen, began.elapsed());
        seen.growth_permille()
    };
    // In seven days, a leak of a dozen bytes an order would be as much.
    let (sound, leaky) = (growth(minutes(0)), growth(minutes(1_024)));
    assert!(sound <= 10 && leaky > 10, "{sound} and {leaky} thousandths");
}
