//! The feed: frame → decode → book → page → market event.
//!
//! Each frame is decoded or refused with a reason; a refused one makes only its own book untrusted.
//! A page is always published before the event that speaks of it.

mod codec;
mod entry;
mod outlet;
mod pulse;

pub use codec::Codec;

use crate::book::{Book, Effect, Need};
use crate::context::Context;
use crate::drifts::Drifts;
use crate::offset::Offset;
use entry::{Entry, bit};
use highwire_links::codec::LineNotice;
use highwire_links::counter::{Counter, Stage};
use highwire_links::decode::{Chain, FRAME_KINDS, Frame, FrameKind, REJECTS, Reject, Rejected};
use highwire_links::drift::{DriftKind, DriftPlace, Word};
use highwire_links::lifecycle::{BookWhy, Event, Excerpt};
use highwire_links::limits::{CONNECTIONS_MAX, LINE_HOLD_NS, PAGE_LEVELS};
use highwire_links::market::{MarketEvent, MarketTx, Source};
use highwire_links::occupancy::Occupancy;
use highwire_links::page::{BookState, Page, PageWriters, Rung};
use highwire_links::update::{Control, DepthHead, DepthKind, Level, Sink, Trade};
use highwire_links::{InstrumentId, Nanos, Scale, VenueId};
use outlet::{Outlet, Quote, best, first};
use pulse::Pulses;

/// The time of a book that is a requested snapshot and nothing else: older than any limit. The first message that
/// chains on it says how old it is.
const UNPROVEN_NS: Nanos = 1;

const _: () = assert!(CONNECTIONS_MAX <= u64::BITS as usize, "a bit a slot");

/// What the feed must know of an instrument to keep its book.
#[derive(Clone, Copy, Debug)]
pub struct BookSpec {
    /// The instrument; specs stand in the order of their numbers.
    pub id: InstrumentId,
    /// Its venue, whose clock its events carry.
    pub venue: VenueId,
    /// Decimals of its prices and quantities.
    pub scale: Scale,
    /// How its messages chain.
    pub chain: Chain,
}

/// The feed's ring ends; they outlive it.
#[derive(Debug)]
pub struct FeedEnds {
    /// Events to the engine.
    pub market: MarketTx,
    /// Pages to everybody.
    pub pages: PageWriters,
}

/// A book snapshot that came by a request of its own: the parcel of `Verb::Snapshot`.
#[derive(Clone, Debug)]
pub struct Snapshot {
    /// Whose, and where it stands in the sequence.
    pub head: DepthHead,
    /// Bids in any order.
    pub bids: Vec<Level>,
    /// Asks in any order.
    pub asks: Vec<Level>,
}

/// Sees every row of both streams, newest or not: what `replay --tops` writes.
pub trait Tap: Send {
    /// A top changed. `state` is the row's own: a ticker is live unless it is crossed itself; the
    /// event's is the depth book's.
    fn on_top(&mut self, event: &MarketEvent, state: BookState);
}

/// When a message was received, and by which stamp.
#[derive(Clone, Copy)]
struct Receipt {
    recv_ns: Nanos,
    stamp: u64,
    slot: u16,
}

/// Keeps the books of one thread's connections.
pub struct Feed {
    entries: Vec<Entry>,
    pulses: Pulses,
    /// Books that wait for a missing message.
    waiting: usize,
    offsets: Vec<Offset>,
    ends: FeedEnds,
    tap: Option<Box<dyn Tap>>,
    rejects: [u64; REJECTS],
    kinds: [u64; FRAME_KINDS],
    drifts: Drifts,
}

impl Feed {
    /// A feed of empty books on these ends; all memory is taken here. After a panic a new one goes on
    /// with the same ends: every page says `Empty` at once, and generations continue.
    pub fn new(specs: &[BookSpec], venues: usize, mut ends: FeedEnds) -> Self {
        let readers = ends.pages.readers();
        let entry = |(index, spec): (usize, &BookSpec)| {
            let generation = readers.read(index).map_or(0, |page| page.generation);
            let outlet = Outlet::starting_at(generation.wrapping_add(1));
            Entry {
                spec: *spec,
                book: Book::new(spec.chain, spec.scale),
                outlet,
                slot: 0,
                lines: 0,
                ticker: None,
                waits_ns: 0,
                old_ns: 0,
                old_lines: 0,
                chained: false,
                asked_ns: 0,
            }
        };
        let entries: Vec<Entry> = specs.iter().enumerate().map(entry).collect();
        for (index, entry) in entries.iter().enumerate() {
            ends.pages.publish(index, &Page { generation: entry.outlet.generation(), ..Page::default() });
        }
        Self {
            pulses: Pulses::new(entries.len()),
            waiting: 0,
            entries,
            offsets: vec![Offset::default(); venues],
            ends,
            tap: None,
            rejects: [0; REJECTS],
            kinds: [0; FRAME_KINDS],
            drifts: Drifts::new(venues),
        }
    }

    /// Has every row shown to `tap`.
    pub fn set_tap(&mut self, tap: Box<dyn Tap>) {
        self.tap = Some(tap);
    }

    /// Takes one frame of a connection.
    ///
    /// # Errors
    /// Why it was refused; it is counted and its book is already suspect.
    pub fn on_frame(
        &mut self,
        cx: &mut Context<'_>,
        codec: &mut Codec,
        mut frame: Frame<'_>,
        recv_ns: Nanos,
        stamp: u64,
    ) -> Result<FrameKind, Rejected> {
        cx.tally.add(Counter::Frames);
        let before = codec.scratch.fallbacks;
        let started = cx.clock.stamp();
        let receipt = Receipt { recv_ns, stamp, slot: codec.slot };
        let mut applier = Applier { feed: self, cx, receipt, book_ns: 0, said: None };
        let outcome = (codec.decode)(&codec.directory, &mut codec.scratch, frame.reborrow(), &mut applier);
        let (book_ns, said) = (applier.book_ns, applier.said);
        if let Some(control) = said {
            tell_said(cx, codec.slot, control, frame.payload());
        }
        let spent_ns = cx.clock.between_ns(started, cx.clock.stamp());
        cx.stages.record(Stage::Decode, spent_ns.saturating_sub(book_ns));
        cx.tally.add_many(Counter::Fallbacks, codec.scratch.fallbacks.saturating_sub(before));
        match outcome {
            Ok(kind) => {
                cx.tally.add(Counter::Decoded);
                self.kinds[kind as usize] += 1;
            }
            Err(rejected) => {
                self.note_drift(cx, rejected.reason, &codec.instruments, frame.payload());
                self.on_rejected(cx, rejected, &codec.instruments, receipt);
            }
        }
        outcome
    }

    /// Counts a frame that never reached a decoder: too large for it, or broken on its way. The
    /// books of these instruments, which the line in this slot carries, become untrusted.
    pub fn on_refused(&mut self, cx: &mut Context<'_>, reason: Reject, instruments: &[InstrumentId], slot: u16) {
        cx.tally.add(Counter::Frames);
        let receipt = Receipt { recv_ns: cx.now, stamp: cx.clock.stamp(), slot };
        self.on_rejected(cx, Rejected::from(reason), instruments, receipt);
    }

    /// Counts a frame that was decoded elsewhere: a snapshot that stands as a line in a capture.
    pub fn count_kind(&mut self, kind: FrameKind) {
        self.kinds[kind as usize] += 1;
    }

    /// Takes a snapshot that came by a request of its own.
    pub fn on_snapshot(&mut self, cx: &mut Context<'_>, snapshot: &Snapshot, recv_ns: Nanos) {
        let slot = self.entries.get(snapshot.head.instrument.index()).map_or(0, |entry| entry.slot);
        let receipt = Receipt { recv_ns, stamp: cx.clock.stamp(), slot };
        self.on_depth(cx, receipt, &snapshot.head, &snapshot.bids, &snapshot.asks);
    }

    /// A book must be rebuilt.
    pub fn on_resync(&mut self, cx: &mut Context<'_>, instrument: InstrumentId) {
        // The line that brought it last is the one to bring it anew.
        let slot = self.entries.get(instrument.index()).map_or(0, |entry| entry.slot);
        let receipt = Receipt { recv_ns: cx.now, stamp: cx.clock.stamp(), slot };
        self.lose(cx, receipt, instrument, BookWhy::Resync);
    }

    /// The line in this slot ended: the books that no other line carries are dead.
    pub fn on_line_ended(&mut self, cx: &mut Context<'_>, instruments: &[InstrumentId], slot: u16) {
        for &id in instruments {
            let Some(entry) = self.entries.get_mut(id.index()) else { continue };
            entry.lines &= !bit(slot);
            entry.book.set_spare(entry.has_spare());
            if entry.lines != 0 {
                continue;
            }
            entry.ticker = None;
            let effect = Effect { moved: entry.book.on_line_ended(), ..Effect::default() };
            let receipt = Receipt { recv_ns: cx.now, stamp: cx.clock.stamp(), slot: entry.slot };
            self.carry_out(cx, receipt, id, 0, None, effect);
        }
    }

    /// These instruments have a line, or one more, in this slot.
    pub fn on_line_up(&mut self, cx: &mut Context<'_>, instruments: &[InstrumentId], slot: u16) {
        for &id in instruments {
            let Some(entry) = self.entries.get_mut(id.index()) else { continue };
            if entry.lines == 0 {
                entry.slot = slot;
            }
            entry.lines |= bit(slot);
            entry.book.set_spare(entry.has_spare());
            self.pulses.begin(id, slot, cx.now);
            let effect = entry.book.on_line_up();
            let receipt = Receipt { recv_ns: cx.now, stamp: cx.clock.stamp(), slot };
            self.carry_out(cx, receipt, id, 0, None, effect);
        }
    }

    /// Time went by: what was waited for in vain is a gap, and who brought nothing for too long is silent.
    pub fn on_time(&mut self, cx: &mut Context<'_>) {
        if self.waiting > 0 {
            self.end_waits(cx);
        }
        if self.pulses.is_due(cx.now) {
            self.find_silent(cx);
            self.ask_again(cx);
        }
    }

    fn ask_again(&mut self, cx: &mut Context<'_>) {
        for entry in &mut self.entries {
            if let Some(need) = entry.needs_again(cx.now) {
                cx.tell(asking(need, entry.spec.id, entry.slot));
            }
        }
    }

    fn end_waits(&mut self, cx: &mut Context<'_>) {
        for index in 0..self.entries.len() {
            let entry = &mut self.entries[index];
            if entry.waits_ns == 0 || cx.now.saturating_sub(entry.waits_ns) < LINE_HOLD_NS {
                continue;
            }
            let effect = entry.book.on_wait_over();
            let receipt = Receipt { recv_ns: cx.now, stamp: cx.clock.stamp(), slot: entry.slot };
            let id = entry.spec.id;
            self.note_wait(id, cx.now, false);
            self.carry_out(cx, receipt, id, 0, None, effect);
        }
    }

    fn find_silent(&mut self, cx: &mut Context<'_>) {
        for entry in &self.entries {
            let mut lines = entry.lines;
            while lines != 0 {
                let slot = lines.trailing_zeros() as u16;
                lines &= lines - 1;
                if let Some(age_ns) = self.pulses.falls_silent(entry.spec.id, slot, cx.now) {
                    cx.tell(Event::Silent { instrument: entry.spec.id, slot, age_ns });
                }
            }
        }
    }

    fn note_wait(&mut self, id: InstrumentId, now: Nanos, waits: bool) {
        let Some(entry) = self.entries.get_mut(id.index()) else { return };
        match (entry.waits_ns > 0, waits) {
            (false, true) => {
                entry.waits_ns = now.max(1);
                self.waiting += 1;
            }
            (true, false) => {
                entry.waits_ns = 0;
                self.waiting -= 1;
            }
            _ => {}
        }
    }

    /// The measured clock offset of a venue: venue time minus ours.
    pub fn set_clock_offset(&mut self, venue: VenueId, offset_ns: i64) {
        if let Some(offset) = self.offsets.get_mut(venue.index()) {
            offset.set(offset_ns);
        }
    }

    /// Where an instrument's book stands.
    pub fn state(&self, instrument: InstrumentId) -> BookState {
        self.entries.get(instrument.index()).map_or(BookState::Empty, |entry| entry.book.state())
    }

    /// Frames refused, by the number of their [`Reject`].
    pub fn rejects(&self) -> &[u64; REJECTS] {
        &self.rejects
    }

    /// Frames decoded, by the number of their [`FrameKind`].
    pub fn kinds(&self) -> &[u64; FRAME_KINDS] {
        &self.kinds
    }

    /// How full its ring of market events is.
    pub fn ring(&self) -> Occupancy {
        self.ends.market.occupancy()
    }

    /// Gives the ring ends back.
    pub fn dismantle(self) -> FeedEnds {
        self.ends
    }

    /// A refused frame makes its own book untrusted: the one it names, else all that its connection
    /// carries, since any of them may have missed something. Foreign channels and symbols touch none.
    fn on_rejected(&mut self, cx: &mut Context<'_>, rejected: Rejected, all: &[InstrumentId], receipt: Receipt) {
        cx.tally.add(Counter::Rejected);
        self.rejects[rejected.reason as usize] += 1;
        if matches!(rejected.reason, Reject::UnknownChannel | Reject::UnknownInstrument) {
            return;
        }
        match rejected.instrument {
            Some(id) => self.lose(cx, receipt, id, BookWhy::BadFrame),
            None => all.iter().for_each(|&id| self.lose(cx, receipt, id, BookWhy::BadFrame)),
        }
    }

    /// What a venue says otherwise than its documents do is a person's business, too.
    fn note_drift(&mut self, cx: &mut Context<'_>, reason: Reject, all: &[InstrumentId], message: &[u8]) {
        let entry = all.first().and_then(|id| self.entries.get(id.index()));
        if let (Some(kind), Some(entry)) = (DriftKind::of(reason), entry) {
            self.drifts.note(cx.now, DriftPlace::Feed, entry.spec.venue, (kind, Word::NONE), message);
            self.drifts.tell(cx);
        }
    }

    fn lose(&mut self, cx: &mut Context<'_>, receipt: Receipt, id: InstrumentId, why: BookWhy) {
        let Some(entry) = self.entries.get_mut(id.index()) else { return };
        if matches!(entry.book.state(), BookState::Empty | BookState::Dead) {
            return;
        }
        // Another line brings the same: should this one have held anything, its absence will show.
        if why == BookWhy::BadFrame && entry.book.finds_gaps() {
            return;
        }
        let effect = entry.book.lose(why);
        self.carry_out(cx, receipt, id, 0, None, effect);
    }

    fn on_depth(&mut self, cx: &mut Context<'_>, receipt: Receipt, head: &DepthHead, bids: &[Level], asks: &[Level]) {
        // Each topic has its own life: a ticker that goes on does not make a silent book alive.
        if head.kind != DepthKind::Top
            && self.pulses.beat(head.instrument, receipt.slot, head.event_ns, receipt.recv_ns)
        {
            cx.tell(Event::Heard { instrument: head.instrument, slot: receipt.slot });
        }
        let Some(entry) = self.entries.get_mut(head.instrument.index()) else { return };
        entry.slot = receipt.slot;
        let offset = self.offsets.get_mut(entry.spec.venue.index());
        if offset.as_ref().is_some_and(|offset| offset.is_ahead(head.event_ns, receipt.recv_ns)) {
            return self.on_time_ahead(cx, receipt, head);
        }
        let event_ns = offset.map_or(0, |offset| offset.local(head.event_ns, receipt.recv_ns));
        if head.kind == DepthKind::Top {
            let quote = Quote { bid: first(bids), ask: first(asks) };
            return self.on_ticker(cx, receipt, head, event_ns, quote);
        }
        let mut effect = entry.book.on_depth(head, bids, asks);
        if effect.old && entry.is_frozen(receipt.slot, receipt.recv_ns) {
            // Every line says only what is known: the venue began anew without saying so.
            effect = entry.book.lose(BookWhy::Gap);
        }
        if effect.applied || effect.moved.is_some() {
            entry.moves_on(head.kind);
        }
        let by_request = entry.spec.chain.snapshot_on_request();
        let unproven = by_request && head.kind == DepthKind::Snapshot;
        let event_ns = if unproven { UNPROVEN_NS } else { event_ns };
        let cross = if by_request { entry.book.held() } else { head.sequence.cross };
        if effect.applied {
            // What was missing has come; what is missing now is another message.
            self.note_wait(head.instrument, receipt.recv_ns, false);
        }
        if !effect.old {
            self.note_wait(head.instrument, receipt.recv_ns, effect.waits);
        }
        self.carry_out(cx, receipt, head.instrument, event_ns, cross, effect);
    }

    /// How old such a message is cannot be told: it is not taken, and a book that stands on such a clock is
    /// not trusted. A snapshot that was not taken is asked for again: in band there is no other.
    fn on_time_ahead(&mut self, cx: &mut Context<'_>, receipt: Receipt, head: &DepthHead) {
        cx.tally.add(Counter::Rejected);
        let id = head.instrument;
        if self.state(id) == BookState::Live {
            self.lose(cx, receipt, id, BookWhy::Time);
        } else if let (Some(entry), DepthKind::Snapshot) = (self.entries.get_mut(id.index()), head.kind) {
            entry.asked_ns = cx.now.max(1);
        }
    }

    fn on_ticker(&mut self, cx: &mut Context<'_>, receipt: Receipt, head: &DepthHead, event_ns: Nanos, quote: Quote) {
        let Some(entry) = self.entries.get_mut(head.instrument.index()) else { return };
        let is_known = entry.ticker.zip(head.sequence.cross).is_some_and(|(held, new)| new <= held);
        if is_known && entry.book.expects_copies() {
            return;
        }
        entry.ticker = head.sequence.cross.or(entry.ticker);
        let state = if quote.is_crossed() { BookState::Suspect } else { BookState::Live };
        let changed = entry.outlet.row(Source::Ticker, quote, state);
        let news = entry.outlet.news(quote, entry.book.state(), head.sequence.cross);
        self.tell(cx, receipt, head.instrument, event_ns, quote, Source::Ticker, changed.then_some(state), news);
    }

    /// Does what an effect asks for: page, event, reports.
    fn carry_out(
        &mut self,
        cx: &mut Context<'_>,
        receipt: Receipt,
        id: InstrumentId,
        event_ns: Nanos,
        cross: Option<u64>,
        effect: Effect,
    ) {
        self.report(cx, id, receipt, effect);
        if !effect.applied && effect.moved.is_none() {
            return;
        }
        self.publish_page(id, receipt, event_ns);
        let Some(entry) = self.entries.get_mut(id.index()) else { return };
        let state = entry.book.state();
        let quote = if state == BookState::Live { best(&entry.book) } else { Quote::default() };
        let changed = entry.outlet.row(Source::Book, quote, state);
        let news = match state {
            BookState::Live => entry.outlet.news(quote, state, cross),
            _ => entry.outlet.lost(state),
        };
        self.tell(cx, receipt, id, event_ns, quote, Source::Book, changed.then_some(state), news);
    }

    fn report(&mut self, cx: &mut Context<'_>, id: InstrumentId, receipt: Receipt, effect: Effect) {
        if let Some(moved) = effect.moved {
            count(cx, moved.why);
            let (from, to, why) = (moved.from, moved.to, moved.why);
            cx.tell(Event::Moved { instrument: id, from, to, why, at_ns: receipt.recv_ns });
        }
        let Some(need) = effect.need else { return };
        if effect.moved.is_none_or(|moved| moved.why != BookWhy::FirstMessage) {
            cx.tally.add(Counter::Resyncs);
        }
        if let Some(entry) = self.entries.get_mut(id.index()) {
            entry.asked_ns = cx.now.max(1);
        }
        cx.tell(asking(need, id, receipt.slot));
    }

    fn publish_page(&mut self, id: InstrumentId, receipt: Receipt, event_ns: Nanos) {
        let Some(entry) = self.entries.get_mut(id.index()) else { return };
        let generation = entry.outlet.next_generation();
        let state = entry.book.state();
        let mut page = Page { state, generation, recv_ns: receipt.recv_ns, event_ns, ..Page::default() };
        if state == BookState::Live {
            fill(&mut page.bids, entry.book.bids().iter());
            fill(&mut page.asks, entry.book.asks().iter());
        }
        self.ends.pages.publish(id.index(), &page);
    }

    /// Shows a changed row to the tap and news to the engine.
    #[expect(clippy::too_many_arguments, reason = "one call, two readers, no state worth a type")]
    fn tell(
        &mut self,
        cx: &mut Context<'_>,
        receipt: Receipt,
        id: InstrumentId,
        event_ns: Nanos,
        quote: Quote,
        source: Source,
        row: Option<BookState>,
        news: bool,
    ) {
        let Some(entry) = self.entries.get(id.index()) else { return };
        let spent_ns = cx.clock.between_ns(receipt.stamp, cx.clock.stamp());
        let event = MarketEvent {
            recv_ns: receipt.recv_ns,
            event_ns,
            bid_px: quote.bid.px,
            bid_qty: quote.bid.qty,
            ask_px: quote.ask.px,
            ask_qty: quote.ask.qty,
            stamp: receipt.stamp,
            feed_ns: u32::try_from(spent_ns).unwrap_or(u32::MAX),
            instrument: id,
            state: entry.book.state(),
            source,
        };
        if let Some(state) = row {
            cx.tally.add(Counter::Tops);
            if let Some(tap) = &mut self.tap {
                tap.on_top(&event, state);
            }
        }
        if news {
            self.ends.market.publish(event);
        }
    }
}

/// Hands what a decoder finds to the books, and keeps the time that the books need apart.
struct Applier<'a, 'b> {
    feed: &'a mut Feed,
    cx: &'a mut Context<'b>,
    receipt: Receipt,
    book_ns: u64,
    /// The last word about the connection.
    said: Option<Control>,
}

impl Sink for Applier<'_, '_> {
    fn on_depth(&mut self, head: &DepthHead, bids: &[Level], asks: &[Level]) {
        let started = self.cx.clock.stamp();
        self.feed.on_depth(self.cx, self.receipt, head, bids, asks);
        let ns = self.cx.clock.between_ns(started, self.cx.clock.stamp());
        self.cx.stages.record(Stage::Book, ns);
        self.book_ns += ns;
    }

    /// Trades are counted by their frame's kind; nothing decides on them yet.
    fn on_trade(&mut self, _trade: &Trade) {}

    /// A new price step is a new epoch: the book goes, and the engine's side is told of the step.
    fn on_control(&mut self, control: Control) {
        let Control::Tick { instrument, tick } = control else {
            self.said = Some(control);
            return;
        };
        self.feed.lose(self.cx, self.receipt, instrument, BookWhy::Tick);
        self.cx.tell(Event::TickChanged { instrument, tick, at_ns: self.receipt.recv_ns });
    }
}

/// Actors keep track of subscriptions; an announced end asks for a replacement now.
fn tell_said(cx: &mut Context<'_>, slot: u16, control: Control, text: &[u8]) {
    match control {
        Control::Subscribed | Control::Refused => cx.tell(Event::Said { slot, control, text: Excerpt::of(text) }),
        Control::Closing => cx.tell(Event::Line { slot, notice: LineNotice::Leaving }),
        Control::Pong | Control::Tick { .. } => {}
    }
}

fn asking(need: Need, id: InstrumentId, slot: u16) -> Event {
    match need {
        Need::Snapshot => Event::SnapshotNeeded(id),
        Need::Resubscription => Event::ResubscribeNeeded(id, slot),
    }
}

/// The bit of a slot; none for one that is beyond the feed's.
fn fill(rungs: &mut [Rung; PAGE_LEVELS], levels: impl Iterator<Item = Level>) {
    for (rung, level) in rungs.iter_mut().zip(levels) {
        *rung = Rung { px: level.px, qty: level.qty };
    }
}

fn count(cx: &mut Context<'_>, why: BookWhy) {
    match why {
        BookWhy::Gap => cx.tally.add(Counter::Gaps),
        BookWhy::Checksum => cx.tally.add(Counter::ChecksumMismatches),
        BookWhy::Crossed => cx.tally.add(Counter::Crossed),
        _ => {}
    }
}
