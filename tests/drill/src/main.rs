//! `cargo run --release -p drill -- --seed N --days D`: see `docs/drill.md`.

use clap::Parser;
use drill::canary::Canary;
use drill::compound::{Compound, Length};
use drill::ground::{Ground, Grounds};
use drill::report;
use drill::run::Failure;
use drill::seeds::Seeds;
use drill::shrink::shrink;
use drill::{crash, memory};
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Instant;

/// A seeded simulation of the whole service under faults.
#[derive(Debug, Parser)]
struct Options {
    /// The first seed; every few days have one of their own, the next.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Days to run.
    #[arg(long, default_value_t = 20)]
    days: u64,
    /// Days of one seed: its world, its options, its journal.
    #[arg(long, default_value_t = 10)]
    days_per_seed: u64,
    /// Threads, each with a seed of its own; without it, one for each core.
    #[arg(long)]
    jobs: Option<usize>,
    /// Every verb must have been fired.
    #[arg(long)]
    all_verbs: bool,
    /// Print the options that each seed draws.
    #[arg(long)]
    options: bool,
    /// Crash a scenario of 200 orders at its storage calls and writes instead, until there were so many crashes.
    #[arg(long, value_name = "CRASHES")]
    crash_points: Option<u64>,
    /// Of the crash points, every so manieth.
    #[arg(long, default_value_t = 1)]
    stride: u64,
    /// Look at memory over so many virtual hours instead; 168 are seven days.
    #[arg(long, value_name = "HOURS")]
    memory: Option<u64>,
    /// Run compound scenarios instead, each on `--seeds` seeds.
    #[arg(long, value_name = "ROW", num_args = 0.., conflicts_with_all = ["memory", "crash_points"])]
    compound: Option<Vec<Compound>>,
    /// Seeds of each compound scenario.
    #[arg(long, default_value_t = 100)]
    seeds: u64,
    /// The long form of those that have one: seven days, and one.
    #[arg(long)]
    long: bool,
    /// Take one defence away: the drill must fail.
    #[arg(long)]
    canary: Option<Canary>,
}

fn main() -> ExitCode {
    let options = Options::parse();
    let grounds = match Grounds::new() {
        Ok(grounds) => grounds,
        Err(why) => {
            eprintln!("{why}");
            return ExitCode::FAILURE;
        }
    };
    let outcome = match (&options.compound, options.crash_points, options.memory) {
        (Some(rows), ..) => run_compounds(&grounds.taking, &options, rows),
        (_, Some(wanted), _) => crash_points(&grounds.taking, &options, wanted),
        (_, _, Some(hours)) => look_at_memory(&grounds.taking, &options, hours),
        _ => run_days(&grounds, &options),
    };
    match outcome {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(failure) => {
            report::failure(&failure);
            ExitCode::FAILURE
        }
    }
}

fn run_days(grounds: &Grounds, options: &Options) -> Result<bool, Failure> {
    let &Options { seed: first, days, canary, .. } = options;
    let seeds = Seeds { first, days, days_per_seed: options.days_per_seed.max(1), canary };
    let drawn = if options.options { seeds.count() } else { 1 };
    (first..first + drawn).for_each(report::drawn);
    let began = Instant::now();
    let jobs = options.jobs.unwrap_or_else(|| std::thread::available_parallelism().map_or(1, usize::from));
    let told = |days: u64| {
        if days.is_multiple_of(500) {
            println!("{days} days, {:.0} s", began.elapsed().as_secs_f64());
        }
    };
    let seen = seeds.run(grounds, jobs, told).inspect_err(|failure| shorten(grounds, failure, canary))?;
    report::days(&seen, (first, first + seeds.count() - 1), began.elapsed());
    let missing = seen.fired.missing();
    if !missing.is_empty() {
        println!("never fired: {}", missing.join(", "));
    }
    Ok(missing.is_empty() || !options.all_verbs)
}

/// Looks for the shortest beginning that fails.
fn shorten(grounds: &Grounds, failure: &Failure, canary: Option<Canary>) {
    report::drawn(failure.seed);
    if let Some(shortest) = shrink(grounds.of(failure.seed), failure, canary) {
        report::shortest(&shortest);
    }
}

fn run_compounds(ground: &Arc<Ground>, options: &Options, rows: &[Compound]) -> Result<bool, Failure> {
    let length = if options.long { Length::Long } else { Length::Short };
    let rows = if rows.is_empty() { &Compound::ALL } else { rows };
    for &row in rows {
        let (began, mut outcomes) = (Instant::now(), Vec::new());
        for seed in options.seed..options.seed + options.seeds {
            outcomes.push(row.run(ground, seed, length)?);
        }
        report::compound(row, &outcomes, began.elapsed());
    }
    Ok(true)
}

fn crash_points(ground: &Arc<Ground>, options: &Options, wanted: u64) -> Result<bool, Failure> {
    let began = Instant::now();
    let done = crash::all(ground, options.seed, wanted, options.stride.max(1))?;
    report::crashes(&done, began.elapsed());
    Ok(true)
}

fn look_at_memory(ground: &Arc<Ground>, options: &Options, hours: u64) -> Result<bool, Failure> {
    let began = Instant::now();
    let seen = memory::watch(ground, options.seed, memory::Plan::hours(hours))?;
    report::memory(&seen, began.elapsed());
    Ok(seen.growth_permille() <= 10)
}
