//! What venues say that cannot be read, between the threads, which count it and send a shape now and then, and people, who
//! are told once of each kind.

use crate::config::Config;
use highwire_actors::alerter::Bell;
use highwire_links::drift::{Drift, DriftKind, DriftPlace};
use highwire_links::{Nanos, VenueId};
use highwire_supervision::drift::Drifts;
use highwire_supervision::incident::Severity;
use highwire_venues::venue::Venue;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// What goes on; its copies share it.
#[derive(Clone)]
pub struct Drifting {
    bell: Bell,
    drifts: Arc<Mutex<Drifts>>,
}

impl Drifting {
    /// Nothing yet; this bell is rung.
    pub fn new(config: &Config, bell: &Bell) -> Self {
        let quiet_ns = config.alerts.drift_quiet_s.saturating_mul(1_000_000_000);
        Self { bell: bell.clone(), drifts: Arc::new(Mutex::new(Drifts::new(quiet_ns))) }
    }

    /// A thread sent a sample.
    pub fn on_sample(&self, drift: &Drift) {
        if self.lock().on_sample(drift.venue, drift.kind, drift.at_ns) {
            self.bell.raise(key(drift.venue, drift.kind), Severity::Warning, text(drift));
        }
    }

    /// What has been quiet for long enough is over.
    pub fn look(&self, now: Nanos) {
        let over = self.lock().on_time(now);
        over.into_iter().for_each(|(venue, kind)| self.bell.clear(key(venue, kind)));
    }

    fn lock(&self) -> MutexGuard<'_, Drifts> {
        self.drifts.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn key(venue: VenueId, kind: DriftKind) -> String {
    format!("{}/drift/{}", name(venue), kind.name())
}

fn name(venue: VenueId) -> &'static str {
    Venue::from_id(venue).map_or("?", Venue::name)
}

/// What was said, as far as it may be shown: field names and types, and the word that is not known.
fn text(drift: &Drift) -> String {
    let place = match drift.place {
        DriftPlace::Feed => "a market line",
        DriftPlace::Private => "its private line",
        DriftPlace::Orders => "an order line",
    };
    let what = match drift.kind {
        DriftKind::Refused(reason) => format!("a message that cannot be read ({})", reason.name()),
        DriftKind::Event => format!("an event that nobody here knows ({})", drift.word.text()),
        DriftKind::Status => format!("a state that nobody here knows ({})", drift.word.text()),
    };
    format!("{} says on {place} {what}, like {}", name(drift.venue), drift.shape.text())
}

#[cfg(test)]
mod tests {
    use super::*;
    use highwire_links::decode::Reject;
    use highwire_links::drift::{Shape, Word};

    #[test]
    fn a_drift_is_told_with_its_venue_its_word_and_its_shape_alone() {
        let message =
            br#"{"arg":{"channel":"orders","uid":"614488474791936"},"data":[{"state":"auctioned","sz":"0.001"}]}"#;
        let (venue, shape) = (Venue::Okx.id(), Shape::of(message));
        let drift = |place, kind, word| Drift { venue, place, kind, word, shape, at_ns: 1 };
        let status = drift(DriftPlace::Private, DriftKind::Status, Word::of("auctioned"));
        let told = "okx says on its private line a state that nobody here knows (auctioned), \
                    like {arg:{channel:text,uid:text},data:[{state:text,sz:text}]}";
        assert_eq!((key(venue, status.kind).as_str(), text(&status).as_str()), ("okx/drift/unknown_status", told));
        let broken = drift(DriftPlace::Feed, DriftKind::Refused(Reject::MissingField), Word::NONE);
        assert_eq!(key(venue, broken.kind), "okx/drift/missing_field");
        assert!(
            text(&broken)
                .starts_with("okx says on a market line a message that cannot be read (missing_field), like {")
        );
    }
}
