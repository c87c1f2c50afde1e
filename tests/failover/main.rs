//! What the loss of a line costs: a service on four simulated exchanges loses one line of two in every way that
//! lines are lost, again and again, while another thread looks at its books. `HIGHWIRE_FAILOVERS=1000` is the full form.

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

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_line_of_two_is_lost_in_every_way_and_no_book_notices() {
    let stage = Stage::start().await;
    let mut report = Report::default();
    for loss in Loss::ALL {
        let each = wanted().div_ceil(ROOMS.len());
        let rounds = ROOMS.iter().enumerate().map(|(number, _)| stage.rounds(number, loss, each));
        for round in futures_util::future::join_all(rounds).await.into_iter().flatten() {
            report.take(loss, &round, &stage.watcher);
        }
    }
    println!("{report}");
    for loss in Loss::ALL {
        assert_eq!(report.unfound(loss), 0, "{loss:?} was not found");
        if loss.spares_one() {
            assert_eq!(report.interrupted(loss), 0, "{loss:?} of one line was noticed\n{report}");
        }
    }
    stage.stop().await;
}
