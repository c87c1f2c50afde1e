//! The compound scenarios of the fault catalogue in their short form, each on a few seeds.
//! `cargo run --release -p drill -- --compound --seeds 100` is the long one; `--long` adds the days of Z10 and Z12.

#![allow(clippy::unwrap_used, reason = "a test ends by panic; helpers are outside test functions")]

use drill::compound::{Compound, Length};
use drill::ground::Ground;
use drill::report;
use std::sync::Arc;
use std::time::Instant;

/// Runs a scenario on seeds from 1 on; `HIGHWIRE_COMPOUND_SEEDS` asks for more of them. Each kind of thing that its
/// script is about must have been seen.
fn plays(row: Compound, seeds: u64) {
    let asked = std::env::var("HIGHWIRE_COMPOUND_SEEDS").ok().and_then(|text| text.parse().ok());
    let (ground, began, mut outcomes) = (Arc::new(Ground::new().unwrap()), Instant::now(), Vec::new());
    for seed in 1..=asked.unwrap_or(seeds) {
        match row.run(&ground, seed, Length::Short) {
            Ok(outcome) => outcomes.push(outcome),
            Err(failure) => {
                report::failure(&failure);
                panic!("{row:?} fails on seed {seed}");
            }
        }
    }
    report::compound(row, &outcomes, began.elapsed());
    for at in 0..outcomes[0].seen.len() {
        assert!(outcomes.iter().any(|outcome| outcome.seen[at].1 > 0), "never: {}", outcomes[0].seen[at].0);
    }
}

/// Fault: Z01
#[test]
fn venues_that_are_stopped_and_let_go_in_any_order_leave_everything_as_it_was() {
    plays(Compound::Z01, 6);
}

/// Fault: Z02
#[test]
fn an_end_between_two_legs_leaves_nothing_unhedged_although_one_venue_waits_and_the_other_tells_nothing() {
    plays(Compound::Z02, 4);
}

/// Fault: Z03
#[test]
fn a_days_end_at_one_venue_with_a_clock_that_steps_and_no_budget_is_survived() {
    plays(Compound::Z03, 4);
}

/// Fault: Z04
#[test]
fn on_a_full_disk_nothing_leaves_and_orders_in_doubt_are_found_once_there_is_room() {
    plays(Compound::Z04, 4);
}

/// Fault: Z05
#[test]
fn a_runaway_that_nobody_hears_of_is_stopped_stays_stopped_and_is_told_once() {
    plays(Compound::Z05, 3);
}

/// Fault: Z06
#[test]
fn a_venue_that_starts_anew_for_ninety_seconds_and_undoes_trades_leaves_nothing_unhedged_or_unsaid() {
    plays(Compound::Z06, 4);
}

/// Fault: Z07
#[test]
fn a_thread_that_dies_every_second_while_all_books_are_lost_loses_no_order_and_trades_on_no_wrong_book() {
    plays(Compound::Z07, 6);
}

/// Fault: Z08
#[test]
fn a_process_that_stood_still_trades_on_no_old_book_and_misses_no_fill() {
    plays(Compound::Z08, 6);
}

/// Fault: Z10
#[test]
fn hours_with_every_fault_and_the_venues_own_events_end_well() {
    plays(Compound::Z10, 1);
}

/// Fault: Z11
#[test]
fn ten_ends_within_recoveries_with_torn_segments_lose_nothing() {
    plays(Compound::Z11, 6);
}

/// Fault: Z12
#[test]
fn reports_that_are_lost_doubled_and_late_all_the_time_leave_the_books_right() {
    plays(Compound::Z12, 1);
}
