//! One instrument's book: levels, chaining, state. Pure: messages in, [`Effect`] out.
//!
//! ```text
//! Empty ──first message──▶ Syncing ──snapshot, bridged──▶ Live ──gap, checksum, crossed, bad──▶ Suspect
//!                             ▲                             │                                     │
//!                             └────────── resync ───────────┼─────────────────────────────────────┘
//!                                                           └──line ended──▶ Dead ──line up──▶ Syncing
//! ```
//!
//! A new line that goes on exactly where the last one ended makes the book live again by that alone.

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
    /// A message is missing that another line may still bring; the diff is kept meanwhile.
    pub waits: bool,
    /// The message said nothing new.
    pub old: bool,
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
    /// Diffs that wait: for their snapshot, or while the book is live for one that another line may bring.
    pending: Pending,
    /// Another line carries the same messages.
    spare: bool,
    /// Copies of what it holds may come: of another line, or of one that is left and has not caught up with it.
    copies: bool,
    /// What it holds was whole when its last line ended: a diff that follows it exactly makes it live again.
    resumes: bool,
}

impl Book {
    /// An empty book; all its memory is taken here.
    pub fn new(chain: Chain, scale: Scale) -> Self {
        let (bids, asks) = (Ladder::new(Side::Buy), Ladder::new(Side::Sell));
        let (link, pending) = (Link::default(), Pending::new());
        let state = BookState::Empty;
        Self { chain, scale, state, link, bids, asks, pending, spare: false, copies: false, resumes: false }
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

    /// Whether another line carries the same messages: one that is missing is then waited for.
    pub fn set_spare(&mut self, spare: bool) {
        self.spare = spare;
        self.copies |= spare;
    }

    /// Whether copies of what it holds may come.
    pub fn expects_copies(&self) -> bool {
        self.copies
    }

    /// Whether it could lose a message and find out: without sequence numbers a broken one is lost unseen.
    pub fn finds_gaps(&self) -> bool {
        self.state == BookState::Live && self.spare && self.chain != Chain::BestChecked && self.link.held().is_some()
    }

    /// Nothing came that it waited for: the gap is real.
    pub fn on_wait_over(&mut self) -> Effect {
        if self.state != BookState::Live || self.pending.is_empty() {
            return Effect::default();
        }
        let pending = std::mem::take(&mut self.pending);
        let lost = self.lose(BookWhy::Gap);
        self.pending = pending;
        if !self.chain.snapshot_on_request() {
            self.pending.clear();
        }
        lost
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
        Effect { moved: self.shift(BookState::Suspect, why), need: Some(self.need()), ..Effect::default() }
    }

    /// Its line ended: nothing more comes until there is a new one. Where that will not begin with a snapshot of its
    /// own, what was whole is kept: the next diff may follow it, and a snapshot costs a request and its time.
    pub fn on_line_ended(&mut self) -> Option<Moved> {
        let was_whole = self.state == BookState::Live || self.resumes;
        if was_whole && self.chain.snapshot_on_request() {
            (self.resumes, self.copies) = (true, self.spare);
            self.pending.clear();
        } else {
            self.forget();
        }
        self.shift(BookState::Dead, BookWhy::LineEnded)
    }

    /// There is a line again.
    pub fn on_line_up(&mut self) -> Effect {
        if self.state != BookState::Dead {
            return Effect::default();
        }
        let need = self.chain.snapshot_on_request().then_some(Need::Snapshot);
        Effect { moved: self.shift(BookState::Syncing, BookWhy::Resync), need, ..Effect::default() }
    }

    fn is_outdated(&self, head: &DepthHead) -> bool {
        self.state == BookState::Live && self.link.outdates(self.chain, &head.sequence, self.copies)
    }

    /// What makes it whole.
    pub fn need(&self) -> Need {
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
        self.copies = self.spare;
        self.resumes = false;
    }

    /// A diff before the book is whole: kept where a snapshot is on the way, useless otherwise.
    fn on_early_delta(&mut self, head: &DepthHead, bids: &[Level], asks: &[Level]) -> Effect {
        match self.judge(head) {
            Follows::Yes if self.resumes => return self.resume(head, bids, asks),
            Follows::Gap => self.resumes = false,
            Follows::Yes | Follows::Old => {}
        }
        let first = matches!(self.state, BookState::Empty | BookState::Dead);
        let why = if self.state == BookState::Empty { BookWhy::FirstMessage } else { BookWhy::Resync };
        if self.chain.snapshot_on_request() && self.pending.keep(head, bids, asks).is_err() {
            return self.lose(BookWhy::Overflow);
        }
        let need = first.then(|| self.need());
        Effect { moved: self.shift(BookState::Syncing, why), need, ..Effect::default() }
    }

    /// Nothing was said between the last line's end and this diff.
    fn resume(&mut self, head: &DepthHead, bids: &[Level], asks: &[Level]) -> Effect {
        self.resumes = false;
        self.pending.clear();
        match self.apply(head, bids, asks) {
            Ok(()) => {
                Effect { applied: true, moved: self.shift(BookState::Live, BookWhy::Bridged), ..Effect::default() }
            }
            Err(why) => self.lose(why),
        }
    }

    fn on_live_delta(&mut self, head: &DepthHead, bids: &[Level], asks: &[Level]) -> Effect {
        match self.judge(head) {
            Follows::Old => Effect { old: true, ..Effect::default() },
            Follows::Gap if self.spare => match self.pending.keep(head, bids, asks) {
                Ok(()) => Effect { waits: true, ..Effect::default() },
                Err(_) => self.lose(BookWhy::Overflow),
            },
            Follows::Gap => {
                let lost = self.lose(BookWhy::Gap);
                if self.chain.snapshot_on_request() {
                    // The diff after the gap is the first that the next snapshot must reach.
                    let _kept = self.pending.keep(head, bids, asks);
                }
                lost
            }
            Follows::Yes => match self.apply(head, bids, asks).and_then(|()| self.go_on()) {
                Ok(()) => Effect { applied: true, waits: !self.pending.is_empty(), ..Effect::default() },
                Err(why) => self.lose(why),
            },
        }
    }

    /// A slower line's copy is no gap.
    fn judge(&self, head: &DepthHead) -> Follows {
        match self.link.judge(self.chain, &head.sequence, head.checksum.is_some()) {
            Follows::Gap if self.copies && self.link.is_copy(&head.sequence) => Follows::Old,
            follows => follows,
        }
    }

    /// Applies what waited and follows now; forgets what waited once nothing of it is missing any more.
    fn go_on(&mut self) -> Result<(), BookWhy> {
        let pending = std::mem::take(&mut self.pending);
        let outcome = self.go_on_with(&pending);
        self.pending = pending;
        if outcome? {
            self.pending.clear();
        }
        Ok(())
    }

    /// True when everything that waited is in the book.
    fn go_on_with(&mut self, pending: &Pending) -> Result<bool, BookWhy> {
        loop {
            let mut missing = false;
            let mut applied = false;
            for (head, bids, asks) in (0..pending.len()).filter_map(|at| pending.get(at)) {
                match self.judge(head) {
                    Follows::Yes => {
                        self.apply(head, bids, asks)?;
                        applied = true;
                    }
                    Follows::Old => {}
                    Follows::Gap => missing = true,
                }
            }
            if !applied || !missing {
                return Ok(!missing);
            }
        }
    }

    fn replace(&mut self, head: &DepthHead, bids: &[Level], asks: &[Level]) -> Effect {
        self.pending.clear();
        match self.install(head, bids, asks) {
            Ok(()) => {
                Effect { applied: true, moved: self.shift(BookState::Live, BookWhy::Bridged), ..Effect::default() }
            }
            // The mending itself was broken: it is asked for again, whatever was asked before.
            Err(why) => {
                self.forget();
                Effect { moved: self.shift(BookState::Suspect, why), need: Some(self.need()), ..Effect::default() }
            }
        }
    }

    fn on_requested_snapshot(&mut self, head: &DepthHead, bids: &[Level], asks: &[Level]) -> Effect {
        if matches!(self.state, BookState::Live | BookState::Dead) {
            return Effect::default();
        }
        if self.pending.first().is_some_and(|oldest| is_too_old(&head.sequence, &oldest.sequence)) {
            let moved = self.shift(BookState::Syncing, BookWhy::SnapshotTooOld);
            return Effect { moved, need: Some(Need::Snapshot), ..Effect::default() };
        }
        let outcome = self.install(head, bids, asks).and_then(|()| self.catch_up());
        match outcome {
            Ok(()) => {
                self.pending.clear();
                Effect { applied: true, moved: self.shift(BookState::Live, BookWhy::Bridged), ..Effect::default() }
            }
            Err(why) => {
                let moved = self.shift(BookState::Suspect, why);
                self.forget();
                Effect { moved, need: Some(Need::Snapshot), ..Effect::default() }
            }
        }
    }

    fn install(&mut self, head: &DepthHead, bids: &[Level], asks: &[Level]) -> Result<(), BookWhy> {
        self.resumes = false;
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
        self.copies = self.spare;
        self.prove(head)
    }

    fn best(&self) -> Best {
        let px = |side: &Ladder| side.best().map_or(0, |(px, _)| px);
        Best { bid: px(&self.bids), ask: px(&self.asks) }
    }

    /// A whole book is uncrossed and, where the venue says so, has the venue's best prices and checksum.
    fn prove(&self, head: &DepthHead) -> Result<(), BookWhy> {
        let crossed = matches!((self.bids.best(), self.asks.best()), (Some((bid, _)), Some((ask, _))) if bid >= ask);
        if crossed && !cfg!(mutant = "crossed-book") {
            return Err(BookWhy::Crossed);
        }
        if head.best.is_some_and(|best| best != self.best()) && !cfg!(mutant = "best-prices") {
            return Err(BookWhy::Best);
        }
        let wrong =
            head.checksum.is_some_and(|sum| sum != checksum::crc32_interleaved(&self.bids, &self.asks, self.scale));
        if wrong && !cfg!(mutant = "checksum") { Err(BookWhy::Checksum) } else { Ok(()) }
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
