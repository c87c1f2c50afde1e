//! Which book gets its snapshot next: traded ones first, one recovery per book at a time, never more
//! than a share of the venue's budget, and nothing while the venue told us to wait (faults.md C13). Once half of the share
//! is used, a book gets fewer levels where that costs less: one that is live beats one that is deep.

use crate::backoff::Backoff;
use highwire_links::{InstrumentId, Nanos};
use std::collections::{BTreeMap, VecDeque};

/// One venue's budget for snapshots.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SnapshotRule {
    /// Weight that the venue permits in a span.
    pub limit: u32,
    /// The span.
    pub span_ns: Nanos,
    /// Weight of one snapshot.
    pub weight: u32,
    /// Weight of one with fewer levels, where that costs less.
    pub lean: Option<u32>,
    /// Requests on their way at a time.
    pub parallel: u32,
    /// Least wait between two requests of one book; it grows while they do not bring it to life.
    pub again: Backoff,
}

/// Share of the limit that is used, in percent: the rest is for orders and for what else our address does.
const SHARE_PERCENT: u32 = 80;

/// How much of a book is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Depth {
    /// All that the venue gives.
    Full,
    /// Fewer levels, for less weight.
    Lean,
}

/// How much a book matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Rank {
    /// It is traded.
    Traded,
    /// It is only watched.
    Watched,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    Queued {
        not_before_ns: Nanos,
    },
    Asked,
    /// Served; the book may ask again, but not at once.
    Served {
        at_ns: Nanos,
    },
}

#[derive(Clone, Copy, Debug)]
struct Recovery {
    rank: Rank,
    order: u64,
    stage: Stage,
    requests: u32,
}

/// The scheduler of one venue.
#[derive(Clone, Debug)]
pub struct Snapshots {
    rule: SnapshotRule,
    books: BTreeMap<InstrumentId, Recovery>,
    spent: VecDeque<(Nanos, u32)>,
    wait_until_ns: Nanos,
    order: u64,
}

impl Snapshots {
    /// Nothing asked for.
    pub fn new(rule: SnapshotRule) -> Self {
        Self { rule, books: BTreeMap::new(), spent: VecDeque::new(), wait_until_ns: 0, order: 0 }
    }

    /// A book needs a snapshot. While one is queued or on its way this changes nothing.
    pub fn on_needed(&mut self, book: InstrumentId, rank: Rank, now: Nanos, random: u64) {
        self.order += 1;
        let fresh = Recovery { rank, order: self.order, stage: Stage::Queued { not_before_ns: now }, requests: 0 };
        let recovery = self.books.entry(book).or_insert(fresh);
        if let Stage::Served { at_ns } = recovery.stage {
            // Long healthy books start over; one that keeps asking waits longer each time.
            if now.saturating_sub(at_ns) > self.rule.again.max_ns {
                recovery.requests = 0;
            }
            let wait_ns = match recovery.requests {
                0 => 0,
                requests => self.rule.again.delay_ns(requests - 1, random),
            };
            recovery.order = self.order;
            recovery.stage = Stage::Queued { not_before_ns: at_ns.saturating_add(wait_ns).max(now) };
        }
    }

    /// The book to ask for now, and how much of it, counted; `None` when there is none or no budget.
    pub fn next(&mut self, now: Nanos) -> Option<(InstrumentId, Depth)> {
        let in_flight = self.books.values().filter(|recovery| recovery.stage == Stage::Asked).count();
        if now < self.wait_until_ns || in_flight >= self.rule.parallel as usize {
            return None;
        }
        let (depth, weight) = self.affordable(now)?;
        let due =
            |recovery: &Recovery| matches!(recovery.stage, Stage::Queued { not_before_ns } if not_before_ns <= now);
        let (&book, recovery) = self
            .books
            .iter_mut()
            .filter(|(_, recovery)| due(recovery))
            .min_by_key(|(_, recovery)| (recovery.rank, recovery.order))?;
        recovery.stage = Stage::Asked;
        recovery.requests = recovery.requests.saturating_add(1);
        self.spent.push_back((now, weight));
        Some((book, depth))
    }

    /// The answer came. A failed one is queued again, after a wait.
    pub fn on_answer(&mut self, book: InstrumentId, served: bool, now: Nanos, random: u64) {
        let again = self.rule.again;
        let Some(recovery) = self.books.get_mut(&book).filter(|recovery| recovery.stage == Stage::Asked) else {
            return;
        };
        recovery.stage = if served {
            Stage::Served { at_ns: now }
        } else {
            let wait_ns = again.delay_ns(recovery.requests.saturating_sub(1), random);
            Stage::Queued { not_before_ns: now.saturating_add(wait_ns) }
        };
    }

    /// The last line is gone. What comes next is asked for by a new one, whose books have not failed to be bridged.
    pub fn on_lines_lost(&mut self) {
        self.books.retain(|_, recovery| !matches!(recovery.stage, Stage::Queued { .. }));
        self.books.values_mut().for_each(|recovery| recovery.requests = 0);
    }

    /// The venue told us to wait (429, 418, `Retry-After`).
    pub fn on_wait(&mut self, until_ns: Nanos) {
        self.wait_until_ns = self.wait_until_ns.max(until_ns);
    }

    /// The venue counts so much weight used in this span, ours and others' of our address.
    pub fn on_used(&mut self, used: u32, now: Nanos) {
        let ours = self.used(now);
        if used > ours {
            self.spent.push_back((now, used - ours));
        }
    }

    /// Books that wait for a request or its answer.
    pub fn waiting(&self) -> usize {
        self.books.values().filter(|recovery| !matches!(recovery.stage, Stage::Served { .. })).count()
    }

    fn used(&mut self, now: Nanos) -> u32 {
        while self.spent.front().is_some_and(|&(at, _)| at.saturating_add(self.rule.span_ns) <= now) {
            self.spent.pop_front();
        }
        self.spent.iter().fold(0, |sum, &(_, weight)| sum.saturating_add(weight))
    }

    /// The deepest snapshot that there is room for, with its weight.
    fn affordable(&mut self, now: Nanos) -> Option<(Depth, u32)> {
        let share = u64::from(self.rule.limit) * u64::from(SHARE_PERCENT) / 100;
        let (used, SnapshotRule { weight, lean, .. }) = (u64::from(self.used(now)), self.rule);
        let for_full = if lean.is_some() { share / 2 } else { share };
        if used + u64::from(weight) <= for_full {
            return Some((Depth::Full, weight));
        }
        lean.filter(|lean| used + u64::from(*lean) <= share).map(|lean| (Depth::Lean, lean))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const S: u64 = 1_000_000_000;
    const RULE: SnapshotRule = SnapshotRule {
        limit: 6_000,
        span_ns: 60 * S,
        weight: 50,
        lean: None,
        parallel: 4,
        again: Backoff { first_ns: S, max_ns: 20 * S },
    };

    #[test]
    fn two_hundred_books_at_once_come_back_within_two_minutes_at_four_fifths_of_the_limit_traded_first() {
        let mut snapshots = Snapshots::new(RULE);
        for book in 0..200 {
            let rank = if book % 10 == 0 { Rank::Traded } else { Rank::Watched };
            snapshots.on_needed(InstrumentId(book), rank, 0, 0);
        }
        let mut served: Vec<(u64, u16)> = Vec::new();
        for tenth in 0..=1_200u64 {
            let now = tenth * S / 10;
            while let Some((book, _)) = snapshots.next(now) {
                snapshots.on_needed(book, Rank::Traded, now, 0);
                snapshots.on_answer(book, true, now, 0);
                served.push((now, book.0));
            }
        }
        assert_eq!((served.len(), snapshots.waiting()), (200, 0));
        assert!(served[..20].iter().all(|(_, book)| book % 10 == 0));
        for (i, (at, _)) in served.iter().enumerate() {
            let used = served[i..].iter().filter(|(later, _)| later - at < RULE.span_ns).count() * 50;
            assert!(used <= 4_800);
        }
    }

    #[test]
    fn once_half_of_the_share_is_used_books_are_asked_for_with_fewer_levels() {
        let mut snapshots = Snapshots::new(SnapshotRule { weight: 250, lean: Some(50), ..RULE });
        let mut asked = Vec::new();
        for book in 0..100 {
            snapshots.on_needed(InstrumentId(book), Rank::Traded, 0, 0);
            let Some((book, depth)) = snapshots.next(0) else { break };
            snapshots.on_answer(book, true, 0, 0);
            asked.push(depth);
        }
        let of = |depth| asked.iter().filter(|&&other| other == depth).count() as u32;
        assert_eq!(
            (of(Depth::Full), of(Depth::Lean)),
            (9, 51),
            "{} of 4800",
            of(Depth::Full) * 250 + of(Depth::Lean) * 50
        );
        assert_eq!(
            snapshots.next(60 * S).map(|(_, depth)| depth),
            Some(Depth::Full),
            "a minute later there is room again"
        );
    }

    proptest! {
        #[test]
        fn the_share_is_kept_one_request_per_book_flies_and_every_book_that_asks_is_served(
            events in prop::collection::vec((0..4u8, 0..12u16, 0..2_000u64, any::<u64>()), 0..200),
        ) {
            let mut snapshots = Snapshots::new(SnapshotRule { limit: 500, ..RULE });
            let (mut now, mut flying, mut asked) = (0u64, Vec::new(), Vec::new());
            for (what, book, step_ms, random) in events {
                now += step_ms * 1_000_000;
                match what {
                    0 => snapshots.on_needed(InstrumentId(book), Rank::Traded, now, random),
                    1 => if let Some((book, _)) = snapshots.next(now) {
                        prop_assert!(!flying.contains(&book));
                        flying.push(book);
                        asked.push(now);
                    },
                    _ => if let Some(book) = flying.pop() { snapshots.on_answer(book, what == 2, now, random) },
                }
                prop_assert!(asked.iter().filter(|&&at| at + RULE.span_ns > now).count() <= 8);
            }
            for book in flying {
                snapshots.on_answer(book, true, now, 0);
            }
            for _ in 0..2_000 {
                now += S;
                if let Some((book, _)) = snapshots.next(now) { snapshots.on_answer(book, true, now, 0) }
            }
            prop_assert_eq!(snapshots.waiting(), 0);
        }
    }

    #[test]
    fn nothing_is_asked_while_the_venue_says_wait_and_what_it_counts_is_believed() {
        let mut snapshots = Snapshots::new(RULE);
        snapshots.on_needed(InstrumentId(1), Rank::Traded, 0, 0);
        snapshots.on_wait(30 * S);
        assert_eq!(snapshots.next(30 * S - 1), None);
        snapshots.on_used(4_790, 30 * S);
        assert_eq!(snapshots.next(30 * S), None);
        assert_eq!(snapshots.next(90 * S), Some((InstrumentId(1), Depth::Full)));
    }

    #[test]
    fn a_book_that_cannot_be_bridged_asks_ever_more_slowly() {
        let mut snapshots = Snapshots::new(RULE);
        let mut requests = 0;
        for tenth in 0..200u64 {
            let now = tenth * S / 10;
            snapshots.on_needed(InstrumentId(1), Rank::Traded, now, u64::MAX);
            if let Some((book, _)) = snapshots.next(now) {
                requests += 1;
                snapshots.on_answer(book, true, now, 0);
            }
        }
        assert!((3..=8).contains(&requests), "{requests} requests in 20 s");
    }

    #[test]
    fn books_of_new_lines_do_not_wait_for_what_the_old_ones_asked() {
        let mut snapshots = Snapshots::new(SnapshotRule { limit: 60_000, ..RULE });
        for loss in 0..50u64 {
            let now = loss * S;
            snapshots.on_lines_lost();
            snapshots.on_needed(InstrumentId(1), Rank::Traded, now, 0);
            assert_eq!(snapshots.next(now), Some((InstrumentId(1), Depth::Full)), "loss {loss}");
            snapshots.on_answer(InstrumentId(1), true, now, 0);
            snapshots.on_needed(InstrumentId(1), Rank::Traded, now, 0);
            assert_eq!(snapshots.next(now), None, "the same lines ask again");
        }
        snapshots.on_lines_lost();
        assert_eq!(snapshots.waiting(), 0);
    }
}
