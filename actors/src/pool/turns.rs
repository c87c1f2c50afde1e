//! Whose turn it is to connect, and where: the venue's attempts are few, so what has no twin goes first.

use super::{FeedPlan, LineKey};
use highwire_links::Nanos;
use highwire_supervision::attempts::{AttemptRule, Attempts, Grant, Need};
use highwire_supervision::endpoints::Endpoints;
use highwire_supervision::lineset::Kind;
use std::collections::{BTreeMap, BTreeSet};

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
    /// Lines that were granted their turn and have neither come up nor failed.
    opening: BTreeSet<LineKey>,
}

impl Turns {
    /// None was taken yet.
    pub fn new(rule: AttemptRule, feeds: &[FeedPlan]) -> Self {
        let endpoints = |feed: &FeedPlan| (feed.kind, Endpoints::new(feed.bases.len(), usize::from(feed.lines)));
        Self {
            attempts: Attempts::new(rule),
            endpoints: feeds.iter().map(endpoints).collect(),
            bases: feeds.iter().map(|feed| (feed.kind, feed.bases.clone())).collect(),
            opening: BTreeSet::new(),
        }
    }

    /// A line wants to connect, on another address than last time with `elsewhere`; these lines are `live`.
    pub fn ask(&mut self, key: LineKey, elsewhere: bool, live: &[LineKey], now: Nanos) -> Turn {
        match self.attempts.ask(self.need(key, live), now) {
            Grant::Now => {
                self.opening.insert(key);
                Turn::Now(self.choose(key, elsewhere, now))
            }
            Grant::NotBefore(at_ns) => Turn::NotBefore(at_ns),
        }
    }

    /// Lines of market data stand in for one another; each of the others has its own work. A live one that is to be
    /// replaced may be about to end.
    fn need(&self, key: LineKey, live: &[LineKey]) -> Need {
        let is_twin = |other: &LineKey| other.kind == key.kind && *other != key;
        let has_twin = live.iter().chain(&self.opening).any(is_twin);
        if key.kind == Kind::Market && has_twin && !live.contains(&key) { Need::Standby } else { Need::Only }
    }

    fn choose(&mut self, key: LineKey, elsewhere: bool, now: Nanos) -> String {
        let at = self.endpoints.get_mut(&key.kind).map(|e| e.choose(usize::from(key.index), elsewhere, now));
        self.bases.get(&key.kind).zip(at).and_then(|(bases, at)| bases.get(at)).cloned().unwrap_or_default()
    }

    /// A line came up or went down.
    pub fn on_change(&mut self, key: LineKey, up: bool) {
        self.opening.remove(&key);
        if let (true, Some(endpoints)) = (up, self.endpoints.get_mut(&key.kind)) {
            endpoints.on_good(usize::from(key.index));
        }
    }

    /// A connection failed or ended; with `elsewhere` because of where it was.
    pub fn on_failed(&mut self, key: LineKey, elsewhere: bool, now: Nanos) {
        self.opening.remove(&key);
        if let (true, Some(endpoints)) = (elsewhere, self.endpoints.get_mut(&key.kind)) {
            endpoints.on_failed(usize::from(key.index), now);
        }
    }

    /// Whether the attempts of this period are used up.
    pub fn is_spent(&mut self, now: Nanos) -> bool {
        self.attempts.is_spent(now)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(kind: Kind, index: u16) -> LineKey {
        LineKey { kind, index }
    }

    #[test]
    fn after_the_loss_of_all_each_kind_has_a_line_before_any_has_two() {
        let feed = |kind, lines| FeedPlan { kind, bases: vec!["a".to_owned(), "b".to_owned()], lines };
        let feeds = [feed(Kind::Market, 2), feed(Kind::Orders, 1), feed(Kind::Private, 1)];
        let lines = [(Kind::Market, 0), (Kind::Market, 1), (Kind::Orders, 0), (Kind::Private, 0)];
        let mut waiting: Vec<(Nanos, LineKey)> = lines.map(|(kind, index)| (0, line(kind, index))).to_vec();
        let rule = AttemptRule { limit: 20, period_ns: 1_000_000, gap_ns: 1_000 };
        let (mut turns, mut live) = (Turns::new(rule, &feeds), Vec::new());
        while let Some(next) = waiting.iter().map(|(at, _)| *at).min() {
            let place = waiting.iter().position(|(at, _)| *at == next).unwrap();
            let (now, key) = waiting.remove(place);
            match turns.ask(key, false, &live, now) {
                Turn::Now(_) => live.push(key),
                Turn::NotBefore(at) => waiting.push((at, key)),
            }
        }
        assert_eq!(live[3], line(Kind::Market, 1), "{live:?}");
        assert_eq!(turns.ask(line(Kind::Market, 0), false, &live, 9_000), Turn::Now("a".to_owned()));
    }
}
