//! Wire to wire on loopback: `cargo bench --bench wire_to_wire [-- SAMPLES] [outside]`. A venue's frame is written to one
//! socket; the production hot loop (read, frame, decode, book, detect, risk, encode, stop word, send) writes
//! its order to another; the time between is taken at the venue's end, so both kernels' share is in it. The
//! yardstick is a bare echo by the same thread on sockets of the same kind, in turn with it.
//!
//! It spins on two cores, and shows neither a network card nor more than one feed. Without two cores of its
//! own its tails are the neighbours'.

#[path = "../wire/tables.rs"]
mod tables;

mod codec;
mod frames;
mod hot;
mod outside;
mod sample;
mod tls;
mod venue;

use sample::{Sample, percentile};

/// Samples by default.
const SAMPLES: usize = 20_000;

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    if arguments.iter().any(|argument| argument == "--test") {
        return;
    }
    let samples = arguments.iter().find_map(|argument| argument.parse().ok()).unwrap_or(SAMPLES);
    if arguments.iter().any(|argument| argument == "outside") {
        return outside(samples);
    }
    println!(
        "{:<8} {:>9} {:>9} {:>9} {:>9}   {:>9} {:>9} {:>9}   {:>7} {:>6}",
        "", "p50 µs", "p90", "p99", "p99.9", "echo p50", "p90", "p99", "ratio", "goal"
    );
    for (name, tls) in [("plain", false), ("tls", true)] {
        let taken = sample::take(samples, tls);
        print(name, &taken);
    }
    println!("ratio: p50 against the echo's p50; the goal of 1.15 is for plain sockets, TLS may add 1.3 to that");
}

/// What it costs to be looked at.
fn outside(samples: usize) {
    let (off_ns, on_ns, traces) = sample::take_outside(samples);
    println!("everything outside off and on, in turns; {traces} traces, {} samples each", on_ns.len());
    for part in [0.5, 0.9, 0.99] {
        let (off, on) = (percentile(&off_ns, part) as f64 / 1_000.0, percentile(&on_ns, part) as f64 / 1_000.0);
        println!("p{:<4} off {off:>9.2} µs  on {on:>9.2} µs  ratio {:.3}", part * 100.0, on / off);
    }
    println!("goal: 1.05 at the median; without a third core the tails hold what the outside itself takes");
}

fn print(name: &str, taken: &Sample) {
    let us = |samples: &[u64], part: f64| percentile(samples, part) as f64 / 1_000.0;
    let ratio = us(&taken.wire_ns, 0.5) / us(&taken.echo_ns, 0.5);
    let [a, b, c, d] = [0.5, 0.9, 0.99, 0.999].map(|part| us(&taken.wire_ns, part));
    let [e, f, g] = [0.5, 0.9, 0.99].map(|part| us(&taken.echo_ns, part));
    let goal = if name == "tls" { 1.5 } else { 1.15 };
    println!("{name:<8} {a:>9.2} {b:>9.2} {c:>9.2} {d:>9.2}   {e:>9.2} {f:>9.2} {g:>9.2}   {ratio:>7.3} {goal:>6}");
}
