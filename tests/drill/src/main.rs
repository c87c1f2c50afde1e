//! `cargo run --release -p drill -- --seed N --days D`.

use clap::Parser;
use drill::clock::MS;
use drill::ground::Ground;
use drill::run::{Seen, days};
use drill::verb::Verb;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Instant;

/// A seeded simulation of the whole service under faults.
#[derive(Debug, Parser)]
struct Options {
    /// The first seed; every ten days have one of their own.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Days to run.
    #[arg(long, default_value_t = 20)]
    days: u64,
    /// Days of one seed.
    #[arg(long, default_value_t = 10)]
    days_per_seed: u64,
}

fn main() -> ExitCode {
    let options = Options::parse();
    let ground = match Ground::new() {
        Ok(ground) => Arc::new(ground),
        Err(why) => {
            eprintln!("{why}");
            return ExitCode::FAILURE;
        }
    };
    let (began, mut seen, mut left, mut seed) = (Instant::now(), Seen::default(), options.days, options.seed);
    while left > 0 {
        let wanted = left.min(options.days_per_seed);
        match days(&ground, seed, wanted, None, &mut seen) {
            Ok(_) => {}
            Err(failure) => {
                println!("seed {} fails after {} steps:", failure.seed, failure.steps);
                failure.what.iter().for_each(|what| println!("  {what}"));
                return ExitCode::FAILURE;
            }
        }
        (left, seed) = (left - wanted, seed + 1);
    }
    let took = began.elapsed().as_secs_f64();
    println!(
        "{} days: {} events ({:.0} a second), {} orders, {} faults, {} starts, {} orders and {} trades compared, {} records",
        seen.days,
        seen.events,
        seen.events as f64 / took,
        seen.orders,
        seen.fired.sum(),
        seen.starts,
        seen.settled.0,
        seen.settled.1,
        seen.records
    );
    println!(
        "longest healing {} ms, longest exposure {} ms, {} messages, unsaid {:?}",
        seen.heal_max_ns / MS,
        seen.exposed_max_ns / MS,
        seen.messages,
        seen.unsaid
    );
    for (at, verb) in Verb::ALL.iter().enumerate() {
        let (class, name) = verb.told();
        println!(
            "  {class:?} {name:<20} {:>7} fired, {:>8} orders after, Full after {:>7} ms at most",
            seen.fired.count[at], seen.fired.orders_after[at], seen.fired.full_after_ms[at]
        );
    }
    println!("never fired: {:?}", seen.fired.missing());
    ExitCode::SUCCESS
}
