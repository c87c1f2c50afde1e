//! What everything beside the wire costs it: `cargo bench --bench overhead [-- ROUNDS [SECONDS]]`. The whole service trades on
//! simulated venues, by turns bare and with everything on: journal, history, metrics that are scraped, and a trace of
//! every trade sent to a collector. The pinned thread's own histograms are compared, stage by stage.
//!
//! Service times from stamp to stamp: what a frame waits in the kernel is in both and in neither.

mod rig;
mod sink;

use highwire_engine::stages::Stages;
use highwire_links::counter::Stage;
use rig::Rig;
use std::time::Duration;

/// Turns of each kind.
const ROUNDS: usize = 4;
/// How long a turn trades.
const SECONDS: u64 = 60;

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    if arguments.iter().any(|argument| argument == "--test") {
        return;
    }
    let mut numbers = arguments.iter().filter_map(|argument| argument.parse::<usize>().ok());
    let rounds = numbers.next().unwrap_or(ROUNDS);
    let length = Duration::from_secs(numbers.next().map_or(SECONDS, |seconds| seconds as u64));
    let rig = Rig::new();
    let (mut bare, mut full) = (Stages::default(), Stages::default());
    for round in 1..=rounds {
        bare.merge(&rig.trade(false, length));
        full.merge(&rig.trade(true, length));
        println!("round {round}: {} and {} orders", count(&bare), count(&full));
    }
    println!(
        "\n{:<8} {:>9} {:>10} {:>10} {:>9} {:>9} {:>7}",
        "stage", "samples", "bare p50 ns", "full p50 ns", "p99", "p99", "ratio"
    );
    for (stage, name) in Stage::ALL {
        let (off, on) = (bare.of(stage), full.of(stage));
        let [a, b, c, d] =
            [(off, 0.5), (on, 0.5), (off, 0.99), (on, 0.99)].map(|(of, part)| of.value_at_quantile(part));
        let ratio = b as f64 / a.max(1) as f64;
        println!("{name:<8} {:>9} {a:>10} {b:>10} {c:>9} {d:>9} {ratio:>7.3}", on.len());
    }
    println!("\nwire: from the frame's arrival to the order's hand-over; goal for its ratio 1.05");
}

fn count(stages: &Stages) -> u64 {
    stages.of(Stage::Wire).len()
}
