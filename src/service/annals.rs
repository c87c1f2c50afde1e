//! Follows what the service lives through, from news and moves of modes, and has a trace made of each episode when it
//! is over: the recovery at the start, each mode that held, each thread that died, each book that was lost.

use crate::telemetry::episodes::{self, Episode};
use crate::universe::Universe;
use highwire_links::lifecycle::BookWhy;
use highwire_links::page::BookState;
use highwire_links::{InstrumentId, Mode, Nanos};
use highwire_supervision::degrade::{Moved, Scope};
use opentelemetry_sdk::trace::SdkTracer;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

/// What is under way.
pub struct Annals {
    tracer: Option<SdkTracer>,
    universe: Arc<Universe>,
    began_ns: Nanos,
    /// Since when each scope is as it is.
    since: BTreeMap<Scope, Nanos>,
    /// Scopes that have recovered, with when, until the service has.
    recovered: Option<BTreeMap<Scope, Nanos>>,
    /// Threads that died, with when and why.
    died: BTreeMap<String, (Nanos, String)>,
    /// Books that are lost, with when and why.
    lost: BTreeMap<InstrumentId, (Nanos, BookWhy)>,
}

impl Annals {
    /// From now on; told to nobody without a tracer.
    pub fn new(universe: Arc<Universe>, tracer: Option<SdkTracer>) -> Self {
        Self {
            tracer,
            universe,
            began_ns: wall_ns(),
            since: BTreeMap::new(),
            recovered: Some(BTreeMap::new()),
            died: BTreeMap::new(),
            lost: BTreeMap::new(),
        }
    }

    /// A mode moved: the one before it is over.
    pub fn on_moved(&mut self, moved: &Moved, name: &str) {
        let now = wall_ns();
        let since_ns = self.since.insert(moved.scope, now).unwrap_or(self.began_ns);
        let why: Vec<&str> = moved.why.iter().map(|cause| cause.name()).collect();
        let facts = vec![
            ("scope", name.to_owned()),
            ("mode", format!("{:?}", moved.from)),
            ("next", format!("{:?}", moved.to)),
            ("why", why.join(", ")),
        ];
        self.tell(Episode { name: "mode", window: (since_ns, now), facts, parts: Vec::new() });
        if moved.from == Mode::Halted {
            self.on_recovered(moved.scope, name, now);
        }
    }

    /// The service recovers once; with it, the venues that made it possible.
    fn on_recovered(&mut self, scope: Scope, name: &str, now: Nanos) {
        let Some(recovered) = &mut self.recovered else { return };
        recovered.entry(scope).or_insert(now);
        if scope != Scope::Global {
            return;
        }
        let venues = self.recovered.take().unwrap_or_default();
        let part = |(scope, at_ns)| Episode {
            name: "venue",
            window: (self.began_ns, at_ns),
            facts: vec![("scope", self.venue(scope))],
            parts: Vec::new(),
        };
        let parts = venues.into_iter().filter(|(scope, _)| *scope != Scope::Global).map(part).collect();
        let (window, facts) = ((self.began_ns, now), vec![("scope", name.to_owned())]);
        self.tell(Episode { name: "recovery", window, facts, parts });
    }

    /// A thread died.
    pub fn on_died(&mut self, thread: &str, panic: &str) {
        self.died.insert(thread.to_owned(), (wall_ns(), panic.to_owned()));
    }

    /// It runs again.
    pub fn on_started(&mut self, thread: &str) {
        let Some((died_ns, panic)) = self.died.remove(thread) else { return };
        let facts = vec![("thread", thread.to_owned()), ("panic", panic)];
        self.tell(Episode { name: "restart", window: (died_ns, wall_ns()), facts, parts: Vec::new() });
    }

    /// A book moved.
    pub fn on_book(&mut self, id: InstrumentId, (from, to): (BookState, BookState), why: BookWhy, at_ns: Nanos) {
        if from == BookState::Live {
            self.lost.insert(id, (at_ns, why));
        }
        if to != BookState::Live {
            return;
        }
        let Some((lost_ns, why)) = self.lost.remove(&id) else { return };
        let facts = vec![("instrument", self.universe.name(id)), ("why", format!("{why:?}"))];
        self.tell(Episode { name: "resync", window: (lost_ns, at_ns), facts, parts: Vec::new() });
    }

    fn venue(&self, scope: Scope) -> String {
        let is_it = |venue| scope == Scope::Venue(venue);
        let spec = self.universe.specs.iter().find(|spec| is_it(spec.venue.id()));
        spec.map_or_else(String::new, |spec| spec.venue.name().to_owned())
    }

    fn tell(&self, episode: Episode) {
        if let Some(tracer) = &self.tracer {
            episodes::emit(tracer, &episode);
        }
    }
}

fn wall_ns() -> Nanos {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_nanos()).unwrap_or(u64::MAX)
}
