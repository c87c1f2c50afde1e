//! What is shown, looked at once for everybody who asks within a moment: however many ask, the service is looked at so
//! often and no more.

use super::server::Source;
use crate::metrics::{Format, gather, render};
use crate::vitals::Vitals;
use axum::body::Bytes;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

/// What is younger than this is shown again.
const FRESH: Duration = Duration::from_millis(50);

/// The last look.
pub(super) struct Glance {
    source: Source,
    last: Mutex<Option<Look>>,
}

struct Look {
    at: Instant,
    vitals: Arc<Vitals>,
    /// What was rendered of it, by format.
    texts: Vec<(Format, Bytes)>,
}

impl Glance {
    pub(super) fn new(source: Source) -> Self {
        Self { source, last: Mutex::default() }
    }

    /// How it all is, or was a moment ago.
    pub(super) fn vitals(&self) -> Arc<Vitals> {
        self.with_look(|look| Arc::clone(&look.vitals))
    }

    /// The same as metrics.
    pub(super) fn metrics(&self, format: Format) -> Bytes {
        self.with_look(|look| {
            if let Some((_, text)) = look.texts.iter().find(|(known, _)| *known == format) {
                return text.clone();
            }
            let text = Bytes::from(render(&gather(&look.vitals), format));
            look.texts.push((format, text.clone()));
            text
        })
    }

    fn with_look<T>(&self, show: impl FnOnce(&mut Look) -> T) -> T {
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        let look = last.take().filter(|look| look.at.elapsed() < FRESH);
        let fresh = || Look { at: Instant::now(), vitals: Arc::new((self.source)()), texts: Vec::new() };
        show(last.insert(look.unwrap_or_else(fresh)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::{AtomicU64, Ordering};

    #[test]
    fn whoever_asks_within_a_moment_sees_the_same_look_and_later_a_new_one() {
        let looks = AtomicU64::new(0);
        let look = move || Vitals { uptime_ns: looks.fetch_add(1, Ordering::Relaxed), ..Vitals::default() };
        let glance = Glance::new(Arc::new(look));
        let asked: Vec<u64> = (0..1_000).map(|_| glance.vitals().uptime_ns).collect();
        let seen = asked[999];
        assert!(seen < 100, "looked at {seen} times for a thousand who asked");
        while glance.vitals().uptime_ns == seen {
            std::thread::yield_now();
        }
        let text = glance.metrics(Format::Prometheus);
        assert!(text.starts_with(b"# HELP") && glance.metrics(Format::OpenMetrics) != text);
    }
}
