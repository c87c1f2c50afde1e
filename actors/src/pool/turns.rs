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
    /// Of the feeds whose addresses stand for one another.
    endpoints: BTreeMap<Kind, Endpoints>,
    bases: BTreeMap<Kind, Vec<String>>,
}

impl Turns {
    /// None was taken yet.
    pub fn new(rule: AttemptRule, feeds: &[FeedPlan]) -> Self {
        let endpoints = |feed: &FeedPlan| (feed.kind, Endpoints::new(feed.bases.len(), usize::from(feed.lines)));
        Self {
            attempts: Attempts::new(rule),
            endpoints: feeds.iter().filter(|feed| are_alike(&feed.bases)).map(endpoints).collect(),
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
        let (line, bases) = (usize::from(key.index), self.bases.get(&key.kind).map_or(&[][..], Vec::as_slice));
        let at = match self.endpoints.get_mut(&key.kind) {
            Some(endpoints) => endpoints.choose(line, elsewhere, now),
            None => line.checked_rem(bases.len()).unwrap_or(0),
        };
        bases.get(at).cloned().unwrap_or_default()
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

/// Whether addresses stand for one another. Where a venue's order socket answers no questions, a line of HTTP beside it
/// does: neither can take the other's place, so each line keeps its own.
fn are_alike(bases: &[String]) -> bool {
    let is_http = |base: &String| base.starts_with("http");
    bases.iter().all(is_http) || !bases.iter().any(is_http)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Where each of two lines connects at first, and after both failed.
    fn places(bases: [&str; 2]) -> [[String; 2]; 2] {
        let feed = FeedPlan { kind: Kind::Orders, bases: bases.map(str::to_owned).to_vec(), lines: 2 };
        let rule = AttemptRule::default();
        let mut turns = Turns::new(rule, &[feed]);
        let key = |index| LineKey { kind: Kind::Orders, index };
        let first = [0, 1].map(|index| turns.choose(key(index), false, 1));
        turns.on_failed(key(1), 1);
        [first, [0, 1].map(|index| turns.choose(key(index), true, 1))]
    }

    #[test]
    fn a_line_moves_to_another_address_of_its_kind_and_never_to_one_of_another() {
        let [first, after] = places(["wss://a", "wss://b"]);
        assert!(first[0] != first[1] && first != after, "{first:?} {after:?}");
        let [first, after] = places(["wss://orders", "https://questions"]);
        assert_eq!(first, ["wss://orders", "https://questions"]);
        assert_eq!(first, after);
    }
}
