//! One instrument's book: levels, chaining, state. Pure: messages in, [`Effect`] out.
//!
//! ```text
//! Empty ──first message──▶ Syncing ──snapshot, bridged──▶ Live ──gap, checksum, crossed, bad──▶ Suspect
//!                             ▲                             │                                     │
//!                             └────────── resync ───────────┼─────────────────────────────────────┘
//!                                                           └──line ended──▶ Dead ──line up──▶ Syncing
//! ```

pub mod chain;
pub mod checksum;
pub mod ladder;
pub mod pending;

use chain::{Follows, Link, is_too_old};
use highwire_links::decode::Chain;
use highwire_links::lifecycle::BookWhy;
use highwire_links::page::BookState;
use highwire_links::update::{Best, DepthHead, DepthKind, Level, Sequence};
use highwire_links::{Scale, Side};
use ladder::Ladder;
use pending::Pending;

/// A move of the state machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Moved {
    /// The state before.
    pub from: BookState,
    /// The state after.
    pub to: BookState,
    /// Why.
    pub why: BookWhy,
}

/// What the book needs to become whole again; asked for once per resync.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Need {
    /// A snapshot by a request of its own.
    Snapshot,
    /// A renewed subscription, whose first message is a snapshot.
    Resubscription,
}

/// What a message did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Effect {
    /// Levels were applied and the book is live.
    pub applied: bool,
    /// The state moved.
    pub moved: Option<Moved>,
    /// Something must be asked for.
    pub need: Option<Need>,
}

/// One instrument's book.
#[derive(Clone, Debug)]
pub struct Book {
    chain: Chain,
    scale: Scale,
    state: BookState,
    link: Link,
    bids: Ladder,
    asks: Ladder,
    pending: Pending,
}

impl Book {
    /// An empty book; all its memory is taken here.
    pub fn new(chain: Chain, scale: Scale) -> Self {
        let pending = if chain.snapshot_on_request() { Pending::new() } else { Pending::default() };
        let (bids, asks) = (Ladder::new(Side::Buy), Ladder::new(Side::Sell));
        Self { chain, scale, state: BookState::Empty, link: Link::default(), bids, asks, pending }
    }

    /// Where it stands.
    pub fn state(&self) -> BookState {
        self.state
    }

    /// The last sequence number applied.
    pub fn held(&self) -> Option<u64> {
        self.link.held()
    }

    /// The bid side.
    pub fn bids(&self) -> &Ladder {
        &self.bids
    }

    /// The ask side.
    pub fn asks(&self) -> &Ladder {
        &self.asks
    }

    /// Takes a depth message. Top-of-book messages are not for books and do nothing.
    pub fn on_depth(&mut self, head: &DepthHead, bids: &[Level], asks: &[Level]) -> Effect {
        match head.kind {
            DepthKind::Top => Effect::default(),
            DepthKind::Snapshot if self.chain.snapshot_on_request() => self.on_requested_snapshot(head, bids, asks),
            DepthKind::Snapshot if self.is_outdated(head) => Effect::default(),
            DepthKind::Snapshot => self.replace(head, bids, asks),
            DepthKind::Delta if self.state == BookState::Live => self.on_live_delta(head, bids, asks),
            DepthKind::Delta => self.on_early_delta(head, bids, asks),
        }
    }

    /// The book is no longer to be trusted, for `why`: forget it and ask for what mends it.
    pub fn lose(&mut self, why: BookWhy) -> Effect {
        let asked_already = matches!(self.state, BookState::Suspect | BookState::Syncing);
        self.forget();
        if asked_already && why != BookWhy::Resync && why != BookWhy::Overflow {
            return Effect::default();
        }
        Effect { applied: false, moved: self.shift(BookState::Suspect, why), need: Some(self.need()) }
    }

    /// Its line ended: nothing more comes until there is a new one.
    pub fn on_line_ended(&mut self) -> Option<Moved> {
        self.forget();
        self.shift(BookState::Dead, BookWhy::LineEnded)
    }

    /// There is a line again.
    pub fn on_line_up(&mut self) -> Effect {
        if self.state != BookState::Dead {
            return Effect::default();
        }
        let need = self.chain.snapshot_on_request().then_some(Need::Snapshot);
        Effect { applied: false, moved: self.shift(BookState::Syncing, BookWhy::Resync), need }
    }

    fn is_outdated(&self, head: &DepthHead) -> bool {
        self.state == BookState::Live && self.link.outdates(self.chain, &head.sequence)
    }

    fn need(&self) -> Need {
        if self.chain.snapshot_on_request() { Need::Snapshot } else { Need::Resubscription }
    }

    fn shift(&mut self, to: BookState, why: BookWhy) -> Option<Moved> {
        let from = std::mem::replace(&mut self.state, to);
        (from != to).then_some(Moved { from, to, why })
    }

    fn forget(&mut self) {
        self.bids.clear();
        self.asks.clear();
        self.pending.clear();
        self.link = Link::default();
    }

    /// A diff before the book is whole: kept where a snapshot is on the way, useless otherwise.
    fn on_early_delta(&mut self, head: &DepthHead, bids: &[Level], asks: &[Level]) -> Effect {
        let first = matches!(self.state, BookState::Empty | BookState::Dead);
        let why = if self.state == BookState::Empty { BookWhy::FirstMessage } else { BookWhy::Resync };
        if self.chain.snapshot_on_request() && self.pending.keep(head, bids, asks).is_err() {
            return self.lose(BookWhy::Overflow);
        }
        let need = first.then(|| self.need());
        Effect { applied: false, moved: self.shift(BookState::Syncing, why), need }
    }

    fn on_live_delta(&mut self, head: &DepthHead, bids: &[Level], asks: &[Level]) -> Effect {
        match self.link.judge(self.chain, &head.sequence, head.checksum.is_some()) {
            Follows::Old => Effect::default(),
            Follows::Gap => {
                let lost = self.lose(BookWhy::Gap);
                if self.chain.snapshot_on_request() {
                    // The diff after the gap is the first that the next snapshot must reach.
                    let _kept = self.pending.keep(head, bids, asks);
                }
                lost
            }
            Follows::Yes => match self.apply(head, bids, asks) {
                Ok(()) => Effect { applied: true, ..Effect::default() },
                Err(why) => self.lose(why),
            },
        }
    }

    fn replace(&mut self, head: &DepthHead, bids: &[Level], asks: &[Level]) -> Effect {
        self.pending.clear();
        match self.install(head, bids, asks) {
            Ok(()) => Effect { applied: true, moved: self.shift(BookState::Live, BookWhy::Bridged), need: None },
            Err(why) => self.lose(why),
        }
    }

    fn on_requested_snapshot(&mut self, head: &DepthHead, bids: &[Level], asks: &[Level]) -> Effect {
        if matches!(self.state, BookState::Live | BookState::Dead) {
            return Effect::default();
        }
        if self.pending.first().is_some_and(|oldest| is_too_old(&head.sequence, &oldest.sequence)) {
            let moved = self.shift(BookState::Syncing, BookWhy::SnapshotTooOld);
            return Effect { applied: false, moved, need: Some(Need::Snapshot) };
        }
        let outcome = self.install(head, bids, asks).and_then(|()| self.catch_up());
        match outcome {
            Ok(()) => {
                self.pending.clear();
                Effect { applied: true, moved: self.shift(BookState::Live, BookWhy::Bridged), need: None }
            }
            Err(why) => {
                let moved = self.shift(BookState::Suspect, why);
                self.forget();
                Effect { applied: false, moved, need: Some(Need::Snapshot) }
            }
        }
    }

    fn install(&mut self, head: &DepthHead, bids: &[Level], asks: &[Level]) -> Result<(), BookWhy> {
        self.bids.replace(bids).map_err(why_refused)?;
        self.asks.replace(asks).map_err(why_refused)?;
        self.link = Link::of_snapshot(self.chain, &head.sequence);
        self.prove(head)
    }

    /// Applies the diffs that waited for the snapshot.
    fn catch_up(&mut self) -> Result<(), BookWhy> {
        let pending = std::mem::take(&mut self.pending);
        let outcome = (0..pending.len()).filter_map(|i| pending.get(i)).try_for_each(|(head, bids, asks)| {
            match self.link.judge(self.chain, &head.sequence, head.checksum.is_some()) {
                Follows::Old => Ok(()),
                Follows::Gap => Err(BookWhy::Gap),
                Follows::Yes => self.apply(head, bids, asks),
            }
        });
        self.pending = pending;
        outcome
    }

    fn apply(&mut self, head: &DepthHead, bids: &[Level], asks: &[Level]) -> Result<(), BookWhy> {
        bids.iter().try_for_each(|level| self.bids.set(level)).map_err(why_refused)?;
        asks.iter().try_for_each(|level| self.asks.set(level)).map_err(why_refused)?;
        let sequence: &Sequence = &head.sequence;
        self.link.advance(sequence);
        self.prove(head)
    }

    fn best(&self) -> Best {
        let px = |side: &Ladder| side.best().map_or(0, |(px, _)| px);
        Best { bid: px(&self.bids), ask: px(&self.asks) }
    }

    /// A whole book is uncrossed and, where the venue says so, has the venue's best prices and checksum.
    fn prove(&self, head: &DepthHead) -> Result<(), BookWhy> {
        let crossed = matches!((self.bids.best(), self.asks.best()), (Some((bid, _)), Some((ask, _))) if bid >= ask);
        if crossed {
            return Err(BookWhy::Crossed);
        }
        if head.best.is_some_and(|best| best != self.best()) {
            return Err(BookWhy::Best);
        }
        let wrong =
            head.checksum.is_some_and(|sum| sum != checksum::crc32_interleaved(&self.bids, &self.asks, self.scale));
        if wrong { Err(BookWhy::Checksum) } else { Ok(()) }
    }
}

fn why_refused(refused: ladder::Refused) -> BookWhy {
    match refused {
        ladder::Refused::TooDeep => BookWhy::Overflow,
        ladder::Refused::BadLevel => BookWhy::BadFrame,
    }
}

#[cfg(test)]
mod tests;
