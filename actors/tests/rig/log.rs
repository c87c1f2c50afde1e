//! What a thread's warden tells, as lines that a test reads.

use highwire_actors::news::{News, Observer};
use highwire_links::audit::Record;
use highwire_links::mode::OrderClass;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// What became known, in order.
#[derive(Clone, Default)]
pub struct Log(Arc<Mutex<Vec<String>>>);

impl Log {
    pub fn observer(&self, freeze: Option<Arc<AtomicBool>>) -> Observer {
        let log = self.clone();
        Box::new(move |news| {
            if freeze.as_ref().is_some_and(|freeze| freeze.load(Ordering::SeqCst)) {
                tokio::task::block_in_place(|| {
                    while freeze.as_ref().is_some_and(|freeze| freeze.load(Ordering::SeqCst)) {
                        std::thread::sleep(Duration::from_millis(5));
                    }
                });
            }
            let line = match &news {
                News::Record(Record::Sent(order)) => format!("sent {:?} {}", order.class, order.decided_ns),
                News::Record(Record::Decided(decided)) => format!("decided {:?} {}", decided.verdict, decided.at_ns),
                other => format!("{other:?}"),
            };
            log.0.lock().unwrap().push(line);
        })
    }

    pub fn count(&self, prefix: &str) -> usize {
        self.0.lock().unwrap().iter().filter(|line| line.starts_with(prefix)).count()
    }

    /// The times of the lines that begin so.
    pub fn times(&self, prefix: &str) -> Vec<u64> {
        let lines = self.0.lock().unwrap();
        let found = lines.iter().filter_map(|line| line.strip_prefix(prefix)?.trim().parse().ok());
        found.collect()
    }

    pub fn has(&self, part: &str) -> bool {
        self.0.lock().unwrap().iter().any(|line| line.contains(part))
    }

    pub fn opened(&self) -> usize {
        self.count(&format!("sent {:?}", OrderClass::Open))
    }

    /// The last lines, for a failed test's message.
    pub fn tail(&self) -> Vec<String> {
        let lines = self.0.lock().unwrap();
        let telling =
            lines.iter().filter(|l| !l.starts_with("Record") && !l.starts_with("Trace") && !l.starts_with("sent"));
        let telling: Vec<_> = telling.filter(|l| !l.starts_with("decided")).cloned().collect();
        telling[telling.len().saturating_sub(30)..].to_vec()
    }
}
