//! Keeps a line: connects again when it ends, after a wait that grows with failures.

use super::line::{End, Line};
use super::tape::Torn;
use highwire_supervision::backoff::Backoff;
use highwire_supervision::dice::Dice;
use std::time::Duration;
use tokio::time::Instant;

/// Half a second to half a minute; within every venue's connection limit.
const BACKOFF: Backoff = Backoff { first_ns: 500_000_000, max_ns: 30_000_000_000 };
/// A line that held this long was a good one: the next wait is the shortest again.
const GOOD_AFTER: Duration = Duration::from_secs(60);

/// Runs `line` again and again; returns only when its file cannot be written any more.
pub(super) async fn keep(line: Line, seed: u64) -> Torn {
    let (mut dice, mut attempt) = (Dice::new(seed), 0);
    loop {
        let began = Instant::now();
        let end = line.run().await;
        if matches!(end, End::Torn) {
            return Torn;
        }
        attempt = if began.elapsed() >= GOOD_AFTER { 0 } else { attempt + 1 };
        let wait = Duration::from_nanos(BACKOFF.delay_ns(attempt, dice.roll()));
        tracing::warn!(url = line.url, why = %end, wait_ms = wait.as_millis() as u64, "line ended");
        tokio::time::sleep(wait).await;
    }
}
