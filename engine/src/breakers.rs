//! One breaker for orders per venue: after a row of orders that a venue did not answer, nothing is opened there for a
//! while, then one order at a time until it has proved itself. What hedges and what withdraws is never held up, and
//! counts like everything else.

use crate::life::Stage;
use highwire_links::breaker::{Breaker, Moved, Outcome, Settings};
use highwire_links::fill::{OrderReject, ReportKind};
use highwire_links::ids::{Nanos, VenueId};

/// All of them, by venue.
#[derive(Debug)]
pub struct Breakers(Box<[Breaker]>);

impl Breakers {
    /// One for each of so many venues; all let everything through.
    pub fn new(venues: usize, settings: Settings) -> Self {
        Self((0..venues).map(|_| Breaker::new(settings)).collect())
    }

    /// Whether an order that opens may go to this venue now; nothing is noted yet.
    pub fn lets(&self, venue: VenueId, now: Nanos) -> bool {
        self.0.get(venue.index()).is_some_and(|breaker| breaker.lets(now))
    }

    /// An order that opens goes there.
    pub fn on_opening(&mut self, venue: VenueId, now: Nanos) {
        if let Some(breaker) = self.0.get_mut(venue.index()) {
            breaker.ask(now);
        }
    }

    /// The first word about an order that was handed over at `sent_ns`.
    pub fn on_outcome(&mut self, venue: VenueId, outcome: Outcome, sent_ns: Nanos, now: Nanos) -> Option<Moved> {
        self.0.get_mut(venue.index())?.on_outcome(outcome, sent_ns, now)
    }

    /// Time passed; those that moved.
    pub fn on_time(&mut self, now: Nanos) -> impl Iterator<Item = (VenueId, Moved)> {
        let breakers = (0..).map(VenueId).zip(self.0.iter_mut());
        breakers.filter_map(move |(venue, breaker)| Some((venue, breaker.on_time(now)?)))
    }
}

/// What a report says of the venue that it came from, when it is the first word about its order.
pub fn outcome(stage: Stage, kind: ReportKind, reject: OrderReject) -> Option<Outcome> {
    use OrderReject as R;
    if !matches!(stage, Stage::Intent | Stage::Sent) {
        return None;
    }
    match (kind, reject) {
        (ReportKind::Unknown, _) | (ReportKind::Rejected, R::Overload) => Some(Outcome::Failed),
        // It never left, or the venue only wants to be asked later.
        (ReportKind::Rejected, R::Stopped | R::NoBook | R::GatewayFull | R::NoLine | R::Encoding | R::Late) => {
            Some(Outcome::Limited)
        }
        (ReportKind::Rejected, R::RateLimit | R::Clock) => Some(Outcome::Limited),
        (ReportKind::Ack | ReportKind::Fill | ReportKind::Done | ReportKind::Open | ReportKind::Rejected, _) => {
            Some(Outcome::Answered)
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use highwire_links::breaker::Stand;

    const S: Nanos = 1_000_000_000;
    const HERE: VenueId = VenueId(1);

    #[test]
    fn a_refusal_is_an_answer_and_only_the_first_word_about_an_order_counts() {
        let of = |stage, kind, reject| outcome(stage, kind, reject);
        let sent = |kind, reject| of(Stage::Sent, kind, reject);
        assert_eq!(sent(ReportKind::Rejected, OrderReject::Balance), Some(Outcome::Answered));
        assert_eq!(sent(ReportKind::Fill, OrderReject::None), Some(Outcome::Answered));
        assert_eq!(sent(ReportKind::Unknown, OrderReject::None), Some(Outcome::Failed));
        assert_eq!(sent(ReportKind::Rejected, OrderReject::Overload), Some(Outcome::Failed));
        assert_eq!(sent(ReportKind::Rejected, OrderReject::RateLimit), Some(Outcome::Limited));
        assert_eq!(sent(ReportKind::Rejected, OrderReject::NoLine), Some(Outcome::Limited), "it never left");
        assert_eq!(sent(ReportKind::Sent, OrderReject::None), None);
        for stage in [Stage::Unknown, Stage::Acked, Stage::Filled] {
            assert_eq!(of(stage, ReportKind::Done, OrderReject::None), None, "{stage:?}");
        }
    }

    #[test]
    fn a_venue_that_trips_stops_alone_and_is_probed_by_one_order_at_a_time() {
        let mut breakers = Breakers::new(2, Settings::default());
        let failed = |breakers: &mut Breakers, now| breakers.on_outcome(HERE, Outcome::Failed, now, now);
        let moved = (0..5).filter_map(|_| failed(&mut breakers, S)).last().unwrap();
        assert_eq!(moved.to, Stand::Tripped { since_ns: S });
        assert!(!breakers.lets(HERE, 2 * S) && breakers.lets(VenueId(0), 2 * S));
        assert!(!breakers.lets(VenueId(9), 2 * S), "a venue that is not known is not traded at");
        assert_eq!(breakers.on_time(31 * S).map(|(venue, _)| venue).collect::<Vec<_>>(), [HERE]);
        for at in [31, 32, 33] {
            assert!(breakers.lets(HERE, at * S));
            breakers.on_opening(HERE, at * S);
            assert!(!breakers.lets(HERE, at * S), "one is under way");
            breakers.on_outcome(HERE, Outcome::Answered, at * S, at * S);
        }
        breakers.on_opening(HERE, 34 * S);
        assert!(breakers.lets(HERE, 34 * S), "it is back");
    }
}
