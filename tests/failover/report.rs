//! What all losses of a kind cost.

use crate::loss::Loss;
use crate::stage::Round;
use crate::watcher::Watcher;
use std::collections::BTreeMap;
use std::time::Duration;

#[derive(Default)]
struct Row {
    losses: usize,
    /// By venue.
    dark: BTreeMap<&'static str, Vec<Duration>>,
    found: Vec<Duration>,
    /// Of those while the reading thread ran.
    in_time: Vec<Duration>,
}

/// Every kind's losses.
#[derive(Default)]
pub struct Report(BTreeMap<Loss, Row>);

impl Report {
    /// Takes in one.
    pub fn take(&mut self, loss: Loss, round: &Round, watcher: &Watcher) {
        let row = self.0.entry(loss).or_default();
        row.losses += 1;
        row.dark.entry(round.venue).or_default().push(watcher.dark(&round.instruments, round.span));
        row.found.extend(round.found);
        row.in_time.extend(round.found.filter(|_| !round.was_late));
    }

    /// Losses that nobody found.
    pub fn unfound(&self, loss: Loss) -> usize {
        self.0.get(&loss).map_or(0, |row| row.losses - row.found.len())
    }

    /// Losses after which a book was not live.
    pub fn interrupted(&self, loss: Loss) -> usize {
        self.0.get(&loss).map_or(0, |row| row.dark.values().flatten().filter(|dark| !dark.is_zero()).count())
    }
}

impl std::fmt::Display for Report {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let titles = ["no live book, ms", "found after, ms", "of these while the thread ran"];
        writeln!(f, "{:<12} {:>6}  {:>28}  {:>28}  {:>28}", "loss", "times", titles[0], titles[1], titles[2])?;
        writeln!(
            f,
            "{:<12} {:>6}  {:>8} {:>9} {:>9}  {:>8} {:>9} {:>9}  {:>8} {:>9} {:>9}",
            "", "", "p50", "p99", "max", "p50", "p99", "max", "times", "p99", "max"
        )?;
        for (loss, row) in &self.0 {
            let [a, b, c] = quantiles(&row.dark.values().flatten().copied().collect::<Vec<_>>());
            let [d, e, g] = quantiles(&row.found);
            let name = format!("{loss:?}");
            let [_, h, i] = quantiles(&row.in_time);
            write!(f, "{name:<12} {:>6}  {a:>8.1} {b:>9.1} {c:>9.1}  {d:>8.1} {e:>9.1} {g:>9.1}", row.losses)?;
            writeln!(f, "  {:>8} {h:>9.1} {i:>9.1}", row.in_time.len())?;
            for (venue, dark) in row.dark.iter().filter(|_| c > 0.0) {
                let [a, b, c] = quantiles(dark);
                writeln!(f, "  {venue:<12} {:>4}  {a:>8.1} {b:>9.1} {c:>9.1}", dark.len())?;
            }
        }
        Ok(())
    }
}

/// Median, 99th percentile and maximum, milliseconds; nearest rank.
fn quantiles(times: &[Duration]) -> [f64; 3] {
    let mut sorted = times.to_vec();
    sorted.sort_unstable();
    let at = |part: f64| sorted.get(((sorted.len() as f64 * part).ceil() as usize).saturating_sub(1));
    [0.5, 0.99, 1.0].map(|part| at(part).map_or(0.0, |time| time.as_secs_f64() * 1_000.0))
}
