//! How long a start takes until it trades again: `cargo bench --bench restart [-- STARTS [AGE_S]]`.
//!
//! A live service on four simulated venues is killed, a hundred thousand records and fifty orders whose end nobody knows
//! are added to its journal after its last checkpoint, decided so long ago (60 s; that an order is not found proves nothing
//! within a venue's own lag, and a start waits for that), and it is started again, as often as asked (20). What is shown is
//! the time from the start of the process to `Full` and to the first order that a venue took in, which includes waiting for
//! an opportunity, and where the time of the median and of the slowest start went, by what it logs.

#![allow(clippy::unwrap_used, reason = "a bench ends by panic")]

mod forge;
mod stage;

use stage::{Stage, Start};
use std::time::Duration;

const STARTS: u64 = 20;
const AGE_S: u64 = 60;
/// It trades for so long before it is killed: a checkpoint falls into it.
const TRADES_FOR: Duration = Duration::from_millis(1_500);

/// What a start says on its way, in this order.
const WAY: [(&str, &str); 6] = [
    ("journal read", "highwire::boot: recovered"),
    ("keys asked about", "the key works from any address"),
    ("venues asked, threads up", "metrics and health"),
    ("first line up", "kind=Market line=0 up=true"),
    ("first venue Full", "Halted → Full (recovery)"),
    ("service Full", "mode of service: Halted → Full"),
];

#[tokio::main(flavor = "multi_thread", worker_threads = 2)]
async fn main() {
    let mut numbers = std::env::args().filter_map(|word| word.parse::<u64>().ok());
    let (starts, age_s) = (numbers.next().unwrap_or(STARTS), numbers.next().unwrap_or(AGE_S));
    let stage = Stage::open().await;
    let first = stage.start();
    first.wait_order();
    std::thread::sleep(TRADES_FOR);
    first.kill();
    let mut all: Vec<Start> = (0..starts).map(|_| restart(&stage, age_s)).collect();
    show("service Full", all.iter().map(Start::full_ms).collect());
    show("first order", all.iter().map(Start::order_ms).collect());
    all.sort_by_key(Start::full_ms);
    for (which, start) in [("median", &all[all.len() / 2]), ("slowest", &all[all.len() - 1])] {
        for (what, words) in WAY {
            println!("{which} {:>6} ms  {what}", start.said_ms(words).map_or("-".to_owned(), |ms| ms.to_string()));
        }
    }
    stage.close().await;
}

fn show(what: &str, mut times: Vec<u64>) {
    times.sort_unstable();
    let at = |percent: usize| times[(times.len() * percent / 100).min(times.len() - 1)];
    println!("{what:<14} p50 {} ms, p99 {} ms, most {} ms ({} starts)", at(50), at(99), at(100), times.len());
}

fn restart(stage: &Stage, age_s: u64) -> Start<'_> {
    forge::add(&stage.journal(), age_s * 1_000_000_000);
    let start = stage.start();
    start.wait_order();
    std::thread::sleep(TRADES_FOR);
    start.kill();
    start
}
