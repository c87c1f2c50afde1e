//! Wire to wire on loopback: `cargo bench --bench wire_to_wire [-- SAMPLES [SECONDS] [KIND..]]`. A venue's frame is written to one
//! socket; the production hot loop (read, frame, decode, book, detect, risk, encode, stop word, send) writes
//! its order to another; the time between is taken at the venue's end, so both kernels' share is in it. The
//! yardstick is a bare echo by the same thread on sockets of the same kind, in turn with it. With TLS both have
//! it; with a journal every record is written and synced beside the hot loop, and ids are leased; with all, trades are
//! traced, logged and exported as well, and metrics scraped; signed, each order bears an HMAC of its own.
//!
//! It spins on two cores, and shows neither a network card nor more than one feed. Without two cores of its
//! own its tails are the neighbours'. Each round is bounded in time: a busy machine takes fewer samples.

#[path = "../wire/tables.rs"]
mod tables;

mod codec;
mod frames;
mod hot;
mod net;
mod outside;
mod sample;
mod tls;
mod venue;

use highwire_links::counter::Stage;
use outside::Told;
use sample::{Cores, Sample, Shape, percentile};
use std::time::Duration;

/// Samples of each kind, over all rounds.
const SAMPLES: usize = 6_000;
/// Seconds for one round of one kind.
const SECONDS: u64 = 20;
/// Rounds: the kinds take turns, so that what else the machine does meets them alike.
const ROUNDS: usize = 3;
/// What is measured, and the goal for its ratio to the echo.
const KINDS: [(&str, Shape, Option<f64>); 5] = [
    ("plain", PLAIN, Some(1.15)),
    ("journal", Shape { journal: true, ..PLAIN }, Some(1.2)),
    ("all", Shape { journal: true, outside: true, ..PLAIN }, Some(1.2)),
    ("tls", Shape { tls: true, ..PLAIN }, Some(1.5)),
    ("signed", Shape { signed: true, ..PLAIN }, None),
];
const PLAIN: Shape = Shape { tls: false, journal: false, outside: false, signed: false };

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    if arguments.iter().any(|argument| argument == "--test") {
        return;
    }
    let mut numbers = arguments.iter().filter_map(|argument| argument.parse::<usize>().ok());
    let samples = numbers.next().unwrap_or(SAMPLES);
    let within = Duration::from_secs(numbers.next().map_or(SECONDS, |seconds| seconds as u64));
    let is_asked = |name: &str| arguments.iter().any(|argument| argument == name);
    let is_any = KINDS.iter().any(|(name, ..)| is_asked(name));
    let kinds: Vec<_> = KINDS.iter().filter(|(name, ..)| is_asked(name) || !is_any).collect();
    let (cores, told) = (Cores::find(), Told::start());
    let mut taken: Vec<Sample> = kinds.iter().map(|_| Sample::default()).collect();
    for round in 1..=ROUNDS {
        for ((name, shape, _), all) in kinds.iter().zip(&mut taken) {
            let one = sample::take(*shape, &told, &cores, samples / ROUNDS, within);
            println!("round {round}, {name}: ratio {:.3} of {} samples", one.ratio(), one.wire_ns.len());
            all.add(one);
        }
    }
    told.end();
    println!(
        "\n{:<8} {:>9} {:>9} {:>9} {:>9}   {:>9} {:>9} {:>9}   {:>7} {:>6}",
        "", "p50 µs", "p90", "p99", "p99.9", "echo p50", "p90", "p99", "ratio", "goal"
    );
    kinds.iter().zip(&taken).for_each(|((name, _, goal), taken)| print(name, taken, *goal));
    println!("\nratio: p50 against the echo's p50");
    if !is_any {
        for (what, kind) in [("the journal costs", 1), ("the journal, traces, logs and metrics cost", 2)] {
            println!("{what}: {:.3} (goal 1.05)", taken[kind].ratio() / taken[0].ratio());
        }
    }
    print_stages(kinds[0].0, &taken[0]);
}

/// Where the time goes by the hot loop's own stamps, which do not see the kernel's part before a frame is taken.
fn print_stages(name: &str, taken: &Sample) {
    println!("\n{name}, by the wire's own stamps:");
    for (stage, name) in Stage::ALL {
        let of = taken.stages.of(stage);
        let [half, most] = [0.5, 0.99].map(|part| of.value_at_quantile(part));
        println!("{name:<8} p50 {half:>7} ns, p99 {most:>8}, of {}", of.len());
    }
}

fn print(name: &str, taken: &Sample, goal: Option<f64>) {
    let us = |samples: &[u64], part: f64| percentile(samples, part) as f64 / 1_000.0;
    let [a, b, c, d] = [0.5, 0.9, 0.99, 0.999].map(|part| us(&taken.wire_ns, part));
    let [e, f, g] = [0.5, 0.9, 0.99].map(|part| us(&taken.echo_ns, part));
    let (ratio, goal) = (taken.ratio(), goal.map_or("–".to_owned(), |goal| goal.to_string()));
    println!("{name:<8} {a:>9.2} {b:>9.2} {c:>9.2} {d:>9.2}   {e:>9.2} {f:>9.2} {g:>9.2}   {ratio:>7.3} {goal:>6}");
}
