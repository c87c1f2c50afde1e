//! How fast a replay goes, and the bar that shows how far it is.

use highwire_links::Nanos;
use indicatif::{ProgressBar, ProgressStyle};
use std::time::{Duration, Instant};

/// Records between two updates of the bar.
const BAR_STEP: u64 = 2048;

/// Paces and shows.
pub struct Pace {
    speed: f64,
    start: Option<(Nanos, Instant)>,
    bar: Option<ProgressBar>,
    done: u64,
}

impl Pace {
    /// `speed` times real time, 0 for as fast as possible; a bar over `records` if wanted.
    pub fn new(speed: f64, records: u64, show: bool) -> Self {
        let style = ProgressStyle::with_template("{bar:40} {pos}/{len} frames  {per_sec}  {eta} left");
        let bar =
            show.then(|| ProgressBar::new(records).with_style(style.unwrap_or_else(|_| ProgressStyle::default_bar())));
        Self { speed, start: None, bar, done: 0 }
    }

    /// Waits until the record of this time is due.
    pub fn wait_for(&mut self, at_ns: Nanos) {
        self.done += 1;
        if let Some(bar) = self.bar.as_ref().filter(|_| self.done.is_multiple_of(BAR_STEP)) {
            bar.set_position(self.done);
        }
        if self.speed <= 0.0 {
            return;
        }
        let (first_ns, began) = *self.start.get_or_insert((at_ns, Instant::now()));
        let seconds = Duration::from_nanos(at_ns.saturating_sub(first_ns)).as_secs_f64() / self.speed;
        let due = Duration::try_from_secs_f64(seconds).unwrap_or(Duration::MAX);
        std::thread::sleep(due.saturating_sub(began.elapsed()));
    }

    /// Takes the bar away.
    pub fn finish(self) {
        if let Some(bar) = self.bar {
            bar.finish_and_clear();
        }
    }
}
