//! The breakers of the service, where everybody can read them: per venue one for orders, which the wire keeps and tells
//! of, and one for questions, which is kept where they are asked; per alert channel one. A venue whose orders are not
//! answered only hedges; while it is tried again, or answers no questions, it is `Reduced`.

use highwire_actors::alerter::Bell;
use highwire_actors::allowance::Allowance;
use highwire_actors::governor::Reading;
use highwire_links::VenueId;
use highwire_links::breaker::{Settings, Stand};
use highwire_supervision::degrade::{Cause, Scope};
use highwire_venues::venue::Venue;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// One breaker, for those who look.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Figure {
    /// What it stands before: `orders`, `queries` or `alerts`.
    pub function: &'static str,
    /// Of whom: a venue or a channel.
    pub of: String,
    /// Where it stands.
    pub stand: Stand,
    /// How often it tripped.
    pub trips: u64,
}

/// All of them; clones share them.
#[derive(Clone, Debug)]
pub struct Breakers {
    settings: Settings,
    bell: Bell,
    kept: Arc<Mutex<Kept>>,
}

#[derive(Debug, Default)]
struct Kept {
    orders: BTreeMap<VenueId, (Stand, u64)>,
    queries: BTreeMap<VenueId, Allowance>,
    /// By address: markets of one host share its limits and its bans.
    hosts: BTreeMap<String, Allowance>,
}

impl Breakers {
    /// All closed; those of the channels are read at their bell.
    pub fn new(settings: Settings, bell: &Bell) -> Self {
        Self { settings, bell: bell.clone(), kept: Arc::default() }
    }

    /// What a venue at this address (`http://host:port`) lets us ask: the same for all that ask it.
    pub fn allowance(&self, venue: Venue, base: &str) -> Allowance {
        let mut kept = self.lock();
        let Kept { queries, hosts, .. } = &mut *kept;
        let host = hosts.entry(base.to_owned()).or_insert_with(|| Allowance::new(venue, self.settings));
        queries.entry(venue.id()).or_insert_with(|| host.beside(self.settings)).clone()
    }

    /// The wire told where a venue's breaker for orders stands.
    pub fn on_orders(&self, venue: VenueId, stand: Stand) {
        let mut kept = self.lock();
        let (known, trips) = kept.orders.entry(venue).or_insert((stand, 0));
        (*known, *trips) = (stand, *trips + u64::from(matches!(stand, Stand::Tripped { .. })));
    }

    /// The venue refused an order for its key.
    pub fn on_key_refused(&self, venue: VenueId) {
        if let Some(allowance) = self.lock().queries.get(&venue) {
            allowance.on_key(false);
        }
    }

    /// A new engine keeps new breakers, all closed.
    pub fn on_engine_started(&self) {
        self.lock().orders.values_mut().for_each(|(stand, _)| *stand = Stand::Passing { failures: 0 });
    }

    /// Each of them.
    pub fn read(&self) -> Vec<Figure> {
        let kept = self.lock();
        let name = |venue: &VenueId| {
            Venue::ALL
                .iter()
                .find(|known| known.id() == *venue)
                .map_or_else(String::new, |known| known.name().to_owned())
        };
        let orders = kept.orders.iter().map(|(venue, &(stand, trips))| ("orders", name(venue), (stand, trips)));
        let queries = kept.queries.iter().map(|(venue, allowance)| ("queries", name(venue), allowance.stand()));
        let alerts = self.bell.channels().into_iter().map(|(channel, stand)| ("alerts", channel, stand));
        let figure = |(function, of, (stand, trips))| Figure { function, of, stand, trips };
        orders.chain(queries).chain(alerts).map(figure).collect()
    }

    /// What the governor must weigh: 2 while a venue's orders are not answered, 1 while it is tried again or answers
    /// no questions. And whether it refuses our key.
    pub fn readings(&self) -> Vec<Reading> {
        let kept = self.lock();
        let reading = |(venue, allowance): (&VenueId, &Allowance)| {
            let orders = kept.orders.get(venue).map_or(Stand::Passing { failures: 0 }, |(stand, _)| *stand);
            let (value, note) = weigh(orders, allowance.stand().0);
            Reading { scope: Scope::Venue(*venue), cause: Cause::Breaker, value, note: note.to_owned() }
        };
        let key = |(venue, allowance): (&VenueId, &Allowance)| {
            let value = i64::from(allowance.is_key_refused());
            let note = if value > 0 { "it refuses our key: put another there and reload, or start anew" } else { "" };
            Reading { scope: Scope::Venue(*venue), cause: Cause::Key, value, note: note.to_owned() }
        };
        kept.queries.iter().map(reading).chain(kept.queries.iter().map(key)).collect()
    }

    fn lock(&self) -> MutexGuard<'_, Kept> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn weigh(orders: Stand, queries: Stand) -> (i64, &'static str) {
    match (orders, queries) {
        (Stand::Tripped { .. }, _) => (2, "it does not answer orders"),
        (Stand::Probing { .. }, _) => (1, "it is tried with one order at a time"),
        (_, Stand::Tripped { .. }) => (1, "it does not answer questions"),
        (_, Stand::Probing { .. }) => (1, "it is tried with one question at a time"),
        _ => (0, ""),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_venue_is_as_bad_as_its_worse_breaker_and_a_new_engine_begins_anew() {
        let breakers = Breakers::new(Settings::default(), &Bell::default());
        let _asked = breakers.allowance(Venue::Okx, "http://okx");
        let value = |breakers: &Breakers| {
            let readings = breakers.readings().into_iter().filter(|reading| reading.cause == Cause::Breaker);
            readings.map(|reading| reading.value).collect::<Vec<_>>()
        };
        assert_eq!(value(&breakers), [0]);
        let venue = Venue::Okx.id();
        breakers.on_orders(venue, Stand::Tripped { since_ns: 1 });
        assert_eq!(value(&breakers), [2]);
        breakers.on_orders(venue, Stand::Probing { under_way: 0, successes: 0 });
        assert_eq!(value(&breakers), [1]);
        breakers.on_engine_started();
        assert_eq!(value(&breakers), [0]);
        let figures = breakers.read();
        assert_eq!((figures.len(), figures[0].function, figures[0].trips), (2, "orders", 1), "{figures:?}");
    }
}
