//! No storm of log lines: warnings and errors have a budget per place in the source and one for all together. What is left
//! out is counted and said. Lines of an operator who asked for more (`info` and below) are not limited; their files are.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};
use tracing::callsite::Identifier;
use tracing::{Event, Level, Metadata, Subscriber};
use tracing_subscriber::Layer;
use tracing_subscriber::layer::Context;

/// Lines of one place at once, and per second after that: 9 MB an hour of lines of 250 bytes.
const PLACE: Rate = Rate { burst: 100.0, per_s: 10.0 };
/// Lines of all places: 36 MB an hour.
const ALL: Rate = Rate { burst: 1_000.0, per_s: 40.0 };
/// Between two words about what was left out.
const SAID_EVERY: Duration = Duration::from_secs(10);
/// What those words are called, which are never left out.
const TARGET: &str = "highwire::log";

#[derive(Clone, Copy)]
struct Rate {
    burst: f64,
    per_s: f64,
}

/// Tokens that come back with time.
#[derive(Clone, Copy)]
struct Bucket {
    tokens: f64,
    at: Instant,
}

impl Bucket {
    fn full(rate: Rate, at: Instant) -> Self {
        Self { tokens: rate.burst, at }
    }

    fn refill(&mut self, rate: Rate, now: Instant) {
        let since = now.saturating_duration_since(self.at).as_secs_f64();
        (self.tokens, self.at) = ((self.tokens + since * rate.per_s).min(rate.burst), now);
    }
}

/// What one place in the source has said.
struct Place {
    metadata: &'static Metadata<'static>,
    bucket: Bucket,
    left_out: u64,
}

struct Ledger {
    all: Bucket,
    places: HashMap<Identifier, Place>,
    said: Instant,
}

/// Keeps the budgets; clones share them.
#[derive(Clone)]
pub struct Limits {
    ledger: Arc<Mutex<Ledger>>,
}

impl Default for Limits {
    fn default() -> Self {
        let now = Instant::now();
        let ledger = Ledger { all: Bucket::full(ALL, now), places: HashMap::new(), said: now };
        Self { ledger: Arc::new(Mutex::new(ledger)) }
    }
}

impl Limits {
    /// Whether a line of this place may be written now.
    fn permits(&self, metadata: &'static Metadata<'static>, now: Instant) -> bool {
        let mut ledger = self.ledger.lock().unwrap_or_else(PoisonError::into_inner);
        let Ledger { all, places, .. } = &mut *ledger;
        let fresh = || Place { metadata, bucket: Bucket::full(PLACE, now), left_out: 0 };
        let place = places.entry(metadata.callsite()).or_insert_with(fresh);
        place.bucket.refill(PLACE, now);
        all.refill(ALL, now);
        let permits = place.bucket.tokens >= 1.0 && all.tokens >= 1.0;
        if permits {
            (place.bucket.tokens, all.tokens) = (place.bucket.tokens - 1.0, all.tokens - 1.0);
        } else {
            place.left_out += 1;
        }
        permits
    }

    /// Says how many lines of which place were left out since it was said last, if that is some time ago.
    fn tell(&self, now: Instant, at_last: bool) {
        let mut ledger = self.ledger.lock().unwrap_or_else(PoisonError::into_inner);
        if !at_last && now.saturating_duration_since(ledger.said) < SAID_EVERY {
            return;
        }
        ledger.said = now;
        let take = |place: &mut Place| (place.metadata, std::mem::take(&mut place.left_out));
        let told: Vec<_> = ledger.places.values_mut().map(take).filter(|(_, left_out)| *left_out > 0).collect();
        drop(ledger);
        for (place, left_out) in told {
            let (file, line) = (place.file().unwrap_or_default(), place.line().unwrap_or_default());
            tracing::warn!(target: TARGET, left_out, at = format!("{file}:{line}"), "lines of one kind were left out");
        }
    }

    /// Says the rest.
    pub fn finish(&self) {
        self.tell(Instant::now(), true);
    }
}

impl<S: Subscriber> Layer<S> for Limits {
    fn event_enabled(&self, event: &Event<'_>, _: Context<'_, S>) -> bool {
        let metadata = event.metadata();
        if *metadata.level() > Level::WARN || metadata.target() == TARGET {
            return true;
        }
        let now = Instant::now();
        self.tell(now, false);
        self.permits(metadata, now)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;
    use tracing_subscriber::layer::SubscriberExt;

    #[derive(Clone, Default)]
    struct Said(Arc<Mutex<Vec<u8>>>);

    impl Write for Said {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            self.0.lock().unwrap().write(bytes)
        }

        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }

    /// Fault: P16
    #[test]
    fn a_storm_of_errors_is_a_few_lines_and_a_count_and_others_are_heard_through_it() {
        let (said, limits) = (Said::default(), Limits::default());
        let writer = said.clone();
        let lines = tracing_subscriber::fmt::layer().with_writer(move || writer.clone()).with_ansi(false);
        let subscriber = tracing_subscriber::registry().with(limits.clone()).with(lines);
        tracing::subscriber::with_default(subscriber, || {
            (0..100_000).for_each(|turn| tracing::error!(turn, "it failed again"));
            tracing::warn!("something else");
            (0..500).for_each(|turn| tracing::info!(turn, "asked for"));
            limits.finish();
        });
        let text = String::from_utf8(said.0.lock().unwrap().clone()).unwrap();
        let count = |words: &str| text.lines().filter(|line| line.contains(words)).count() as u64;
        let told = text
            .lines()
            .filter(|line| line.contains("left out"))
            .filter_map(|line| line.split_once("left_out=")?.1.split(' ').next()?.parse::<u64>().ok());
        // What a slow machine needed longer for came back meanwhile; what is left out and what is not is all.
        assert_eq!(count("it failed again") + told.sum::<u64>(), 100_000, "{text}");
        assert!(count("it failed again") < 2_000, "{}", count("it failed again"));
        assert_eq!((count("something else"), count("asked for")), (1, 500));
    }
}
