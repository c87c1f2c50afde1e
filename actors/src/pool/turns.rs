//! When and where a line may connect: the venue's attempts are few, and an address that failed is passed over.

use super::{FeedPlan, LineKey};
use highwire_links::Nanos;
use highwire_supervision::attempts::{AttemptRule, Attempts, Grant, Need};
use highwire_supervision::endpoints::Endpoints;
use highwire_supervision::lineset::Kind;
use std::collections::BTreeMap;

/// The answer to a line that wants to connect.
#[derive(Debug, PartialEq, Eq)]
pub enum Turn {
    /// Now, at this address.
    Now(String),
    /// Not before this time.
    NotBefore(Nanos),
}

/// One venue's turns.
pub struct Turns {
    attempts: Attempts,
    endpoints: BTreeMap<Kind, Endpoints>,
    bases: BTreeMap<Kind, Vec<String>>,
}

impl Turns {
    /// None was taken yet.
    pub fn new(rule: AttemptRule, feeds: &[FeedPlan]) -> Self {
        let endpoints = |feed: &FeedPlan| (feed.kind, Endpoints::new(feed.bases.len(), usize::from(feed.lines)));
        Self {
            attempts: Attempts::new(rule),
            endpoints: feeds.iter().map(endpoints).collect(),
            bases: feeds.iter().map(|feed| (feed.kind, feed.bases.clone())).collect(),
        }
    }

    /// A line wants to connect, on another address than last time with `elsewhere`.
    pub fn ask(&mut self, key: LineKey, elsewhere: bool, need: Need, now: Nanos) -> Turn {
        match self.attempts.ask(need, now) {
            Grant::Now => Turn::Now(self.choose(key, elsewhere, now)),
            Grant::NotBefore(at_ns) => Turn::NotBefore(at_ns),
        }
    }

    fn choose(&mut self, key: LineKey, elsewhere: bool, now: Nanos) -> String {
        let at = self.endpoints.get_mut(&key.kind).map(|e| e.choose(usize::from(key.index), elsewhere, now));
        self.bases.get(&key.kind).zip(at).and_then(|(bases, at)| bases.get(at)).cloned().unwrap_or_default()
    }

    /// A line came up or went down.
    pub fn on_change(&mut self, key: LineKey, up: bool) {
        if let (true, Some(endpoints)) = (up, self.endpoints.get_mut(&key.kind)) {
            endpoints.on_good(usize::from(key.index));
        }
    }

    /// A connection failed or ended because of where it was.
    pub fn on_failed(&mut self, key: LineKey, now: Nanos) {
        if let Some(endpoints) = self.endpoints.get_mut(&key.kind) {
            endpoints.on_failed(usize::from(key.index), now);
        }
    }

    /// Whether the attempts of this period are used up.
    pub fn is_spent(&mut self, now: Nanos) -> bool {
        self.attempts.is_spent(now)
    }
}
