//! One stream of one instrument, as all its subscribers see it: what was last pushed and what the next push says.
//!
//! A push is the difference between the book as last pushed and the book now (and, where snapshots
//! come by request, every level touched in between), so a new subscriber
//! that gets the last pushed book as its snapshot is on the same chain as everybody else.

use std::collections::{BTreeMap, VecDeque};
use std::hash::{DefaultHasher, Hash, Hasher};

use tokio_tungstenite::tungstenite::Utf8Bytes;

use crate::market::book::{Book, Level};

/// Pushes whose digest is kept per stream.
const LEDGER: usize = 4096;
/// Levels of a side that are digested on their own.
const BEST: usize = 10;
/// Messages kept per stream, to be sent again.
const SENT_MAX: usize = 256;

/// What a stream carries.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Carries {
    /// Changed levels with absolute quantities.
    Changes,
    /// The whole (cut) book each time it changed.
    Whole,
    /// Trades as they happen.
    Trades,
}

/// A kind of stream of a venue.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Channel {
    /// The venue's name for it; the encoder chooses the message's shape by it.
    pub(crate) name: &'static str,
    pub(crate) carries: Carries,
    /// Levels per side.
    pub(crate) depth: usize,
    /// Shortest time between two pushes in ns.
    pub(crate) every_ns: u64,
    /// Something is pushed at least this often, changed or not; 0 = no such rule.
    pub(crate) repeat_ns: u64,
    /// Whether a new subscriber gets the book at once.
    pub(crate) greets: bool,
}

/// What kind of message a push is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// The whole book; replaces what the client holds.
    Snapshot,
    /// Changes on top of what the client holds, or the newest [`Carries::Whole`].
    Update,
    /// Nothing changed; sent to show that the stream lives.
    Repeat,
}

/// What the encoder is given to write one book message.
#[derive(Clone, Debug)]
pub(crate) struct Push {
    pub(crate) kind: Kind,
    pub(crate) bids: Vec<Level>,
    pub(crate) asks: Vec<Level>,
    /// Update id of the push before.
    pub(crate) prev_id: u64,
    /// Update id of the book that this push leads to.
    pub(crate) id: u64,
    /// Number of this push in its stream.
    pub(crate) count: u64,
    /// Market time of the book's last change in ns.
    pub(crate) event_ns: u64,
}

/// One entry of the ground truth: the book that a push led to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Published {
    /// Update id of the book (Binance `u`, OKX `seqId`, Bybit `seq`).
    pub id: u64,
    /// Number of the push in its stream (Bybit `u`).
    pub count: u64,
    /// [`digest`] of the book as cut for the stream.
    pub digest: u64,
    /// The same of its best ten levels.
    pub best: u64,
    /// When the book last changed, by the venue's clock without any fault.
    pub event_ns: u64,
}

/// Digest of a book: levels best first, prices in ticks and quantities in lots.
pub fn digest(bids: &[Level], asks: &[Level]) -> u64 {
    let mut hasher = DefaultHasher::new();
    (bids, asks).hash(&mut hasher);
    hasher.finish()
}

/// One stream of one instrument.
pub(crate) struct Feed {
    /// What clients subscribe to; unique at the venue.
    pub(crate) key: String,
    pub(crate) listing: usize,
    pub(crate) channel: Channel,
    /// Connection ids.
    pub(crate) subscribers: Vec<u64>,
    pub(crate) frozen: bool,
    /// Number from 1 again and send a snapshot with the next push.
    pub(crate) restart: bool,
    /// Bids as last pushed, best first.
    pub(crate) bids: Vec<Level>,
    /// Asks as last pushed, best first.
    pub(crate) asks: Vec<Level>,
    prev_id: u64,
    id: u64,
    count: u64,
    event_ns: u64,
    pushed_ns: u64,
    ledger: VecDeque<Published>,
    /// Messages as sent, with their time and form, oldest first.
    sent: VecDeque<(u64, u8, Utf8Bytes)>,
}

impl Feed {
    pub(crate) fn new(key: String, listing: usize, channel: Channel, book: &Book) -> Self {
        let (subscribers, ledger, sent) = (Vec::new(), VecDeque::new(), VecDeque::new());
        let (bids, asks) = (book.bids(channel.depth), book.asks(channel.depth));
        let (id, event_ns) = (book.id(), book.changed_ns());
        Self {
            key,
            listing,
            channel,
            subscribers,
            frozen: false,
            restart: false,
            bids,
            asks,
            prev_id: id,
            id,
            count: 1,
            event_ns,
            pushed_ns: 0,
            ledger,
            sent,
        }
    }

    /// The ground truth of the latest pushes, oldest first.
    pub(crate) fn ledger(&self) -> Vec<Published> {
        self.ledger.iter().copied().collect()
    }

    /// Takes a subscriber in; returns what it gets at once.
    pub(crate) fn join(&mut self, client: u64, book: &Book) -> Option<Push> {
        if self.subscribers.is_empty() && !self.frozen {
            self.catch_up(book); // nobody watched: start from now instead of with one huge push
            self.note();
        }
        if !self.subscribers.contains(&client) {
            self.subscribers.push(client);
        }
        (self.channel.greets && !self.frozen).then(|| self.snapshot())
    }

    /// Lets a subscriber go.
    pub(crate) fn leave(&mut self, client: u64) {
        self.subscribers.retain(|&id| id != client);
    }

    /// The next push, if one is due at `now_ns`. [`Carries::Trades`] has none.
    pub(crate) fn poll(&mut self, book: &Book, now_ns: u64) -> Option<Push> {
        let due = now_ns.saturating_sub(self.pushed_ns) >= self.channel.every_ns;
        if self.subscribers.is_empty() || self.frozen || !due || self.channel.carries == Carries::Trades {
            return None;
        }
        let push = if std::mem::take(&mut self.restart) { Some(self.restart(book)) } else { self.change(book) };
        let push = push.or_else(|| self.repeat(now_ns))?;
        // keep to the grid so that a late look does not slow the stream down
        self.pushed_ns = now_ns - now_ns % self.channel.every_ns.max(1);
        if push.kind != Kind::Repeat {
            self.note();
        }
        Some(push)
    }

    /// The quantity last pushed at a price; 0 where there is none.
    pub(crate) fn level(&self, bid: bool, px: i64) -> i64 {
        let levels = if bid { &self.bids } else { &self.asks };
        levels.iter().find(|level| level.0 == px).map_or(0, |level| level.1)
    }

    /// Takes the book as it is for last pushed: what led there is not told.
    pub(crate) fn begin_again(&mut self, book: &Book) {
        self.catch_up(book);
        self.note();
    }

    /// Remembers a message as sent.
    pub(crate) fn remember(&mut self, now_ns: u64, form: u8, text: Utf8Bytes) {
        if self.sent.len() == SENT_MAX {
            self.sent.pop_front();
        }
        self.sent.push_back((now_ns, form, text));
    }

    /// The messages sent since then, oldest first.
    pub(crate) fn recent(&self, since_ns: u64, form: u8) -> Vec<Utf8Bytes> {
        let fits = |sent: &&(u64, u8, Utf8Bytes)| sent.0 >= since_ns && sent.1 == form;
        self.sent.iter().filter(fits).map(|sent| sent.2.clone()).collect()
    }

    fn change(&mut self, book: &Book) -> Option<Push> {
        if book.id() == self.id {
            return None;
        }
        let (bids, asks) = (book.bids(self.channel.depth), book.asks(self.channel.depth));
        let (mut bid_changes, mut ask_changes) = (changes(&self.bids, &bids, true), changes(&self.asks, &asks, false));
        if self.bridges() {
            bid_changes = with_touched(bid_changes, book.touched(self.id, true), true);
            ask_changes = with_touched(ask_changes, book.touched(self.id, false), false);
        }
        if bid_changes.is_empty() && ask_changes.is_empty() {
            return None;
        }
        (self.bids, self.asks) = (bids, asks);
        self.advance(book);
        let whole = self.channel.carries == Carries::Whole;
        let (bids, asks) = if whole { (self.bids.clone(), self.asks.clone()) } else { (bid_changes, ask_changes) };
        Some(self.push(Kind::Update, bids, asks))
    }

    /// Whether its book comes by request at any moment between two pushes: what came and went since the
    /// last push may stand in it, so the next push must name that too.
    fn bridges(&self) -> bool {
        self.channel.carries == Carries::Changes && !self.channel.greets
    }

    fn restart(&mut self, book: &Book) -> Push {
        self.catch_up(book);
        self.count = 1;
        self.snapshot()
    }

    fn repeat(&self, now_ns: u64) -> Option<Push> {
        let every = self.channel.repeat_ns;
        if every == 0 || now_ns.saturating_sub(self.pushed_ns) < every {
            return None;
        }
        let whole = self.channel.carries == Carries::Whole;
        let (bids, asks) = if whole { (self.bids.clone(), self.asks.clone()) } else { (Vec::new(), Vec::new()) };
        Some(Push { prev_id: self.id, ..self.push(Kind::Repeat, bids, asks) })
    }

    fn snapshot(&self) -> Push {
        self.push(Kind::Snapshot, self.bids.clone(), self.asks.clone())
    }

    fn push(&self, kind: Kind, bids: Vec<Level>, asks: Vec<Level>) -> Push {
        let Self { prev_id, id, count, event_ns, .. } = *self;
        Push { kind, bids, asks, prev_id, id, count, event_ns }
    }

    fn catch_up(&mut self, book: &Book) {
        (self.bids, self.asks) = (book.bids(self.channel.depth), book.asks(self.channel.depth));
        self.advance(book);
    }

    fn advance(&mut self, book: &Book) {
        (self.prev_id, self.id) = (self.id, book.id());
        self.count += 1;
        self.event_ns = book.changed_ns();
    }

    fn note(&mut self) {
        if self.ledger.len() == LEDGER {
            self.ledger.pop_front();
        }
        let Self { id, count, event_ns, bids, asks, .. } = self;
        let best = digest(&bids[..bids.len().min(BEST)], &asks[..asks.len().min(BEST)]);
        let (id, count, event_ns) = (*id, *count, *event_ns);
        self.ledger.push_back(Published { id, count, digest: digest(bids, asks), best, event_ns });
    }
}

/// The levels of `new` that differ from `old` (both best first), removals as quantity 0, best first.
fn changes(old: &[Level], new: &[Level], bids: bool) -> Vec<Level> {
    let better = |a: i64, b: i64| if bids { a > b } else { a < b };
    let (mut i, mut j, mut out) = (0, 0, Vec::new());
    while i < old.len() || j < new.len() {
        match (old.get(i), new.get(j)) {
            (Some(&was), Some(&is)) if was.0 == is.0 => {
                if was.1 != is.1 {
                    out.push(is);
                }
                i += 1;
                j += 1;
            }
            (Some(&was), is) if is.is_none_or(|is| better(was.0, is.0)) => {
                out.push((was.0, 0));
                i += 1;
            }
            (_, Some(&is)) => {
                out.push(is);
                j += 1;
            }
            (_, None) => break,
        }
    }
    out
}

/// `changes` and the touched levels that they leave out, best first.
fn with_touched(changes: Vec<Level>, touched: impl Iterator<Item = Level>, bids: bool) -> Vec<Level> {
    let mut named: BTreeMap<i64, i64> = touched.collect();
    named.extend(changes);
    if bids { named.into_iter().rev().collect() } else { named.into_iter().collect() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{AssetSpec, Board};
    use crate::market::listing::Listing;
    use crate::rng::Rng;

    fn quiet_book() -> Book {
        let spec = AssetSpec::new("BTC", 65_000 * 100_000_000);
        let listing = Listing::new(Board::OkxSpot, 0, &spec);
        Book::new(&listing, 5, listing.ticks(spec.price_e8), 0, &mut Rng::new(1, 0))
    }

    #[test]
    fn a_quiet_stream_repeats_itself_only_when_it_should() {
        let (every_ns, repeat_ns) = (100, 60_000);
        let channel =
            Channel { name: "books", carries: Carries::Changes, depth: 400, every_ns, repeat_ns, greets: true };
        let book = quiet_book();
        let mut feed = Feed::new("books:BTC-USDT".to_owned(), 0, channel, &book);
        assert!(feed.poll(&book, 1_000_000).is_none(), "nobody listens");
        assert_eq!(feed.join(1, &book).map(|p| (p.kind, p.bids.len())), Some((Kind::Snapshot, 5)));
        let repeat = feed.poll(&book, 1_000_000).expect("due");
        assert_eq!((repeat.kind, repeat.prev_id, repeat.bids.len()), (Kind::Repeat, repeat.id, 0));
        assert!(feed.poll(&book, 1_059_999).is_none());
        assert!(feed.poll(&book, 1_060_000).is_some());
        feed.leave(1);
        assert!(feed.poll(&book, 2_000_000).is_none());
    }

    #[test]
    fn a_level_that_came_and_went_is_named_too() {
        let bids = with_touched(vec![(9, 4)], [(10, 0), (9, 4), (8, 1)].into_iter(), true);
        assert_eq!(bids, [(10, 0), (9, 4), (8, 1)]);
    }

    #[test]
    fn changes_name_every_difference_once() {
        let (old, new) = ([(10, 1), (9, 2), (7, 3)], [(11, 5), (9, 2), (8, 1), (7, 4)]);
        assert_eq!(changes(&old, &new, true), [(11, 5), (10, 0), (8, 1), (7, 4)]);
        assert_eq!(changes(&[(1, 1), (2, 2)], &[(2, 2), (3, 3)], false), [(1, 0), (3, 3)]);
        assert_eq!(changes(&[], &[(1, 1)], false), [(1, 1)]);
        assert_eq!(changes(&[(1, 1)], &[], false), [(1, 0)]);
    }
}
