//! Pauses of the whole process: stopped by a signal, starved, or asleep with its machine. Nobody within can see one while
//! it lasts; the governor, which looks many times a second, sees that its last look was too long ago, and says so.

use crate::alerter::Bell;
use highwire_links::Nanos;
use highwire_supervision::incident::Severity;

/// The incident.
const KEY: &str = "service/paused";
/// A pause worth telling, and one that is critical.
const TOLD_NS: Nanos = 1_000_000_000;
const CRITICAL_NS: Nanos = 10_000_000_000;
/// Without another for so long it is over.
const OVER_NS: Nanos = 5_000_000_000;

/// What was seen of pauses.
#[derive(Debug, Default)]
pub(super) struct Pause {
    looked_ns: Nanos,
    /// When the last one ended, until that is over.
    ended_ns: Option<Nanos>,
}

impl Pause {
    /// A look: tells of a pause since the last one.
    pub(super) fn on_tick(&mut self, now: Nanos, alerts: &Bell) {
        let gap_ns = now.saturating_sub(std::mem::replace(&mut self.looked_ns, now));
        // The first look has none before it.
        if gap_ns > TOLD_NS && gap_ns < now {
            self.ended_ns = Some(now);
            let severity = if gap_ns >= CRITICAL_NS { Severity::Critical } else { Severity::Warning };
            let text = format!(
                "the process stood still for {} ms: books are stale until newer, orders of before are not sent",
                gap_ns / 1_000_000
            );
            alerts.raise(KEY, severity, text);
        }
        if self.ended_ns.is_some_and(|ended_ns| now.saturating_sub(ended_ns) > OVER_NS) {
            self.ended_ns = None;
            alerts.clear(KEY);
        }
    }
}
