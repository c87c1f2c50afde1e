//! What the service wrote to its log since the story began: alerts are told there.

use std::fmt::Write as _;
use std::sync::{Mutex, Once, PoisonError};
use tracing::field::{Field, Visit};
use tracing::{Event, Level, Subscriber};
use tracing_subscriber::layer::{Context, Layer, SubscriberExt};

static LINES: Mutex<Vec<String>> = Mutex::new(Vec::new());
static ONCE: Once = Once::new();

struct Keep;

struct Text(String);

impl Visit for Text {
    fn record_debug(&mut self, field: &Field, value: &dyn std::fmt::Debug) {
        let _ = write!(self.0, " {}={value:?}", field.name());
    }
}

impl<S: Subscriber> Layer<S> for Keep {
    fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
        let meta = event.metadata();
        if *meta.level() > Level::INFO || !meta.target().starts_with("highwire") {
            return;
        }
        let is_alert = meta.target().ends_with("channel::log");
        let mut text = Text(if is_alert { told(*meta.level()).to_owned() } else { meta.level().to_string() });
        event.record(&mut text);
        LINES.lock().unwrap_or_else(PoisonError::into_inner).push(text.0);
    }
}

/// How an incident is told by the level of its line.
fn told(level: Level) -> &'static str {
    match level {
        Level::ERROR => "CRITICAL",
        Level::WARN => "WARN",
        _ => "RESOLVED",
    }
}

/// Begins anew.
pub fn begin() {
    ONCE.call_once(|| {
        tracing::subscriber::set_global_default(tracing_subscriber::registry().with(Keep)).unwrap();
    });
    LINES.lock().unwrap_or_else(PoisonError::into_inner).clear();
}

/// The lines that hold every one of these words.
pub fn lines(words: &[&str]) -> Vec<String> {
    let lines = LINES.lock().unwrap_or_else(PoisonError::into_inner);
    lines.iter().filter(|line| words.iter().all(|word| line.contains(word))).cloned().collect()
}
