//! Subscriptions that bring nothing (faults.md C02). Another line that brings data proves this one deaf;
//! when all are silent, the venue's own answer to two requests tells a quiet market from deaf lines.

use super::books::{SnapshotSource, depth};
use super::{LineKey, PoolMsg};
use highwire_links::InstrumentId;
use highwire_supervision::snapshots::Depth;
use ractor::ActorRef;
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

/// Time between the two requests of one look.
const APART: Duration = Duration::from_secs(1);
/// Time between two looks at a market that is quiet.
const AGAIN: Duration = Duration::from_secs(10);
/// Looks at a time; further books are looked at later.
const LOOKS_MAX: usize = 4;

/// What is known of a book that lines are silent about.
#[derive(Debug, PartialEq, Eq)]
pub enum Judgement {
    /// Another line brings it: this one is deaf.
    Deaf,
    /// No line brings it.
    AllSilent,
}

/// The silent subscriptions of one venue.
#[derive(Debug, Default)]
pub struct Silence {
    silent: BTreeMap<InstrumentId, BTreeSet<LineKey>>,
    looking: BTreeSet<InstrumentId>,
}

impl Silence {
    /// A line is silent about a book; `live` are the lines that could bring it.
    pub fn on_silent(&mut self, key: LineKey, book: InstrumentId, live: &[LineKey]) -> Judgement {
        self.silent.entry(book).or_default().insert(key);
        if self.is_silent(book, live) { Judgement::AllSilent } else { Judgement::Deaf }
    }

    /// A line brings a book again; true when no line is silent about it any more.
    pub fn on_heard(&mut self, key: LineKey, book: InstrumentId) -> bool {
        let Some(lines) = self.silent.get_mut(&book) else { return false };
        lines.remove(&key);
        let over = lines.is_empty();
        if over {
            self.silent.remove(&book);
        }
        over
    }

    /// A line is gone: it is silent about nothing. The books about which no line is silent any more.
    pub fn on_down(&mut self, key: LineKey) -> Vec<InstrumentId> {
        let books: Vec<InstrumentId> = self.silent.keys().copied().collect();
        books.into_iter().filter(|&book| self.on_heard(key, book)).collect()
    }

    /// Whether every one of these lines is silent about the book.
    pub fn is_silent(&self, book: InstrumentId, live: &[LineKey]) -> bool {
        self.silent.get(&book).is_some_and(|lines| live.iter().all(|key| lines.contains(key)))
    }

    /// The lines that are silent about a book.
    pub fn lines(&self, book: InstrumentId) -> Vec<LineKey> {
        self.silent.get(&book).into_iter().flatten().copied().collect()
    }

    /// Has the venue looked at, unless it is already or too many are.
    pub fn look(&mut self, pool: &ActorRef<PoolMsg>, source: &SnapshotSource, book: InstrumentId) {
        if self.looking.len() >= LOOKS_MAX {
            self.look_again(pool, book);
        } else if self.looking.insert(book) {
            let (source, pool) = (source.clone(), pool.clone());
            tokio::spawn(async move {
                let before = depth(&source, book, Depth::Full).await;
                tokio::time::sleep(APART).await;
                let after = depth(&source, book, Depth::Full).await;
                let both = before.snapshot.and_then(|before| Ok((before, after.snapshot?)));
                let moved = both.map(|(before, after)| (before.bids, before.asks) != (after.bids, after.asks));
                // A pool that was stopped meanwhile wants no answer.
                let _stopped = pool.cast(PoolMsg::Looked(book, moved));
            });
        }
    }

    /// A look is over.
    pub fn on_looked(&mut self, book: InstrumentId) {
        self.looking.remove(&book);
    }

    /// Has the venue looked at again later.
    pub fn look_again(&self, pool: &ActorRef<PoolMsg>, book: InstrumentId) {
        pool.send_after(AGAIN, move || PoolMsg::Look(book));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use highwire_supervision::lineset::Kind;

    const BOOK: InstrumentId = InstrumentId(3);

    fn line(index: u16) -> LineKey {
        LineKey { kind: Kind::Market, index }
    }

    #[test]
    fn a_line_is_deaf_while_another_hears_and_all_silent_is_another_matter() {
        let (mut silence, live) = (Silence::default(), [line(0), line(1)]);
        assert_eq!(silence.on_silent(line(0), BOOK, &live), Judgement::Deaf);
        assert_eq!(silence.on_silent(line(1), BOOK, &live), Judgement::AllSilent);
        assert!(!silence.on_heard(line(0), BOOK) && !silence.is_silent(BOOK, &live));
        assert_eq!(silence.on_down(line(1)), [BOOK]);
        assert_eq!(silence.lines(BOOK), []);
    }
}
