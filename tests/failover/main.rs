//! What the loss of lines costs: a service on four simulated exchanges loses them in every way that lines are lost,
//! again and again, while another thread looks at its books. `HIGHWIRE_FAILOVERS=168` is the full form,
//! `HIGHWIRE_FAILOVER_KINDS=Two,HalfOpen` loses them in these ways only.

#![allow(clippy::unwrap_used, reason = "a test ends by panic; helpers are outside test functions")]

mod loss;
mod report;
mod stage;
mod watcher;

use loss::Loss;
use report::Report;
use stage::{ROOMS, Stage};

/// Losses of each kind without `HIGHWIRE_FAILOVERS`.
const LOSSES: usize = 8;

fn wanted() -> usize {
    std::env::var("HIGHWIRE_FAILOVERS").ok().and_then(|text| text.parse().ok()).unwrap_or(LOSSES)
}

fn is_wanted(loss: Loss) -> bool {
    let kinds = std::env::var("HIGHWIRE_FAILOVER_KINDS").unwrap_or_default();
    kinds.is_empty() || kinds.split(',').any(|kind| kind == format!("{loss:?}"))
}

/// Loses lines in each of these ways, all venues at a time. What lines or successors are there for, no book notices.
async fn lose(lines: u16, ways: &[Loss]) {
    let stage = Stage::start(lines).await;
    let mut report = Report::default();
    for &loss in ways.iter().filter(|&&loss| is_wanted(loss)) {
        let places: Vec<usize> = (0..ROOMS.len()).filter(|&number| loss.happens_at(ROOMS[number].0)).collect();
        let each = wanted().div_ceil(places.len());
        let rounds = places.iter().map(|&number| stage.rounds(number, loss, each));
        for round in futures_util::future::join_all(rounds).await.into_iter().flatten() {
            report.take(loss, &round, &stage.watcher);
        }
    }
    println!("{lines} lines\n{report}");
    for &loss in ways {
        assert_eq!(report.unfound(loss), 0, "{loss:?} was not found");
        if loss.goes_unnoticed(lines.into()) {
            assert_eq!(report.interrupted(loss), 0, "{loss:?} was noticed\n{report}\n{}", stage.told());
        }
    }
    let trades = stage.judge_trades();
    println!("{trades} trades, none on a book that was not live or too old, no opportunity twice");
    assert!(trades > 0, "nothing was traded");
    stage.stop().await;
}

/// Fault: C01
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_line_of_two_is_lost_in_every_way_and_no_book_notices() {
    lose(2, &Loss::UNANNOUNCED).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn announced_ends_are_never_waited_for_and_no_book_notices() {
    lose(2, &Loss::ANNOUNCED).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_lines_of_three_are_lost_at_once_and_no_book_notices() {
    lose(3, &[Loss::Two]).await;
}
