//! The last words of a run: the same text after a screen and after lines.

use super::figures::{clock, count, nanos};
use super::model::{Board, Latency, Totals};
use std::fmt;
use std::time::Duration;

/// What a run came to.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Summary {
    /// What ran.
    pub title: String,
    /// For how long.
    pub uptime: Duration,
    /// Its counts.
    pub totals: Totals,
    /// Its latencies.
    pub latencies: Vec<Latency>,
    /// Anything else worth a line: files written, checks that failed.
    pub remarks: Vec<String>,
}

impl Summary {
    /// What the last board said, with remarks.
    pub fn of(board: &Board, remarks: Vec<String>) -> Self {
        Self {
            title: board.title.clone(),
            uptime: board.uptime,
            totals: board.totals.clone(),
            latencies: board.latencies.clone(),
            remarks,
        }
    }
}

impl fmt::Display for Summary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Totals { frames, rejected, tops, opportunities, taken, fills, pnl, restarts } = &self.totals;
        writeln!(f, "{}: ran {}", self.title, clock(self.uptime))?;
        writeln!(f, "  frames         {} ({} refused)", count(*frames), count(*rejected))?;
        writeln!(f, "  tops           {}", count(*tops))?;
        writeln!(f, "  opportunities  {} ({} taken, {} fills)", count(*opportunities), count(*taken), count(*fills))?;
        if !pnl.is_empty() {
            writeln!(f, "  pnl            {pnl}")?;
        }
        writeln!(f, "  restarts       {}", count(*restarts))?;
        for Latency { stage, p50_ns, p99_ns, count: times } in self.latencies.iter().filter(|l| l.count > 0) {
            let (p50, p99) = (nanos(*p50_ns), nanos(*p99_ns));
            writeln!(f, "  {stage:<8} p50 {p50:>9}  p99 {p99:>9}  ({})", count(*times))?;
        }
        self.remarks.iter().try_for_each(|remark| writeln!(f, "  {remark}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn says_what_a_run_came_to_and_leaves_out_what_did_not_happen() {
        let totals = Totals { frames: 12_000, rejected: 3, taken: 2, opportunities: 5, ..Totals::default() };
        let latency = |stage: &str, count| Latency { stage: stage.to_owned(), count, p50_ns: 700, p99_ns: 1_500 };
        let latencies = vec![latency("decode", 9), latency("send", 0)];
        let board = Board { title: "demo".to_owned(), totals, latencies, ..Board::default() };
        let text = Summary::of(&board, vec!["journal: x".to_owned()]).to_string();
        assert!(text.contains("12 000 (3 refused)") && text.contains("5 (2 taken, 0 fills)"), "{text}");
        assert!(text.contains("decode   p50    700 ns  p99    1.5 µs") && text.contains("journal: x"), "{text}");
        assert!(!text.contains("pnl") && !text.contains("send"), "{text}");
    }
}
