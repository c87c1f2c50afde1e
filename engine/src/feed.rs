//! Stand-in with the feed's agreed interface: every depth frame is a whole live book.

use crate::context::Context;
use highwire_links::counter::Counter;
use highwire_links::decode::{Chain, Decode, Frame, FrameKind, Rejected, Scratch};
use highwire_links::directory::Directory;
use highwire_links::lifecycle::{BookWhy, Event};
use highwire_links::market::{MarketEvent, MarketTx, Source};
use highwire_links::page::{BookState, Page, PageWriters, Rung};
use highwire_links::update::{Control, DepthHead, DepthKind, Level, Sink, Trade};
use highwire_links::{InstrumentId, Nanos, Scale, VenueId};
use std::sync::Arc;

/// Codec.
#[derive(Debug)]
pub struct Codec {
    /// Directory.
    pub directory: Arc<Directory>,
    /// Decode.
    pub decode: Decode,
    /// Scratch.
    pub scratch: Scratch,
    /// Instruments.
    pub instruments: Box<[InstrumentId]>,
    /// Slot.
    pub slot: u16,
}
/// Spec.
#[derive(Clone, Debug)]
pub struct BookSpec {
    /// id
    pub id: InstrumentId,
    /// venue
    pub venue: VenueId,
    /// scale
    pub scale: Scale,
    /// tick
    pub tick: i64,
    /// chain
    pub chain: Chain,
}
/// Ends.
#[derive(Debug)]
pub struct FeedEnds {
    /// market
    pub market: MarketTx,
    /// pages
    pub pages: PageWriters,
}
/// Snapshot.
#[derive(Debug)]
pub struct Snapshot {
    /// head
    pub head: DepthHead,
    /// bids
    pub bids: Vec<Level>,
    /// asks
    pub asks: Vec<Level>,
}
/// Feed.
#[derive(Debug)]
pub struct Feed {
    ends: FeedEnds,
    pages: Vec<Page>,
    chains: Vec<Chain>,
}

struct Got<'a>(&'a mut Vec<(DepthHead, Level, Level)>);
impl Sink for Got<'_> {
    fn on_depth(&mut self, head: &DepthHead, bids: &[Level], asks: &[Level]) {
        self.0.push((*head, bids[0], asks[0]));
    }
    fn on_trade(&mut self, _: &Trade) {}
    fn on_control(&mut self, _: Control) {}
}

impl Feed {
    /// New.
    pub fn new(specs: &[BookSpec], _venues: usize, ends: FeedEnds) -> Self {
        let mut pages = vec![Page::default(); specs.len()];
        let readers = ends.pages.readers();
        for (i, p) in pages.iter_mut().enumerate() {
            p.generation = readers.read(i).map_or(0, |p| p.generation);
        }
        Self { ends, pages, chains: specs.iter().map(|s| s.chain).collect() }
    }
    fn put(&mut self, cx: &mut Context<'_>, id: InstrumentId, state: BookState, bid: Rung, ask: Rung, why: BookWhy) {
        let page = &mut self.pages[id.index()];
        let from = page.state;
        *page = Page { state, generation: page.generation + 1, recv_ns: cx.now, ..Page::default() };
        (page.bids[0], page.asks[0]) = (bid, ask);
        let event = MarketEvent {
            recv_ns: cx.now,
            event_ns: 0,
            bid_px: bid.px,
            bid_qty: bid.qty,
            ask_px: ask.px,
            ask_qty: ask.qty,
            stamp: 0,
            generation: page.generation,
            instrument: id,
            state,
            source: Source::Book,
        };
        self.ends.pages.publish(id.index(), page);
        self.ends.market.publish(event);
        if from != state {
            cx.tell(Event::Moved { instrument: id, from, to: state, why, at_ns: cx.now });
        }
    }
    /// Frame.
    pub fn on_frame(
        &mut self,
        cx: &mut Context<'_>,
        codec: &mut Codec,
        frame: Frame<'_>,
        _recv_ns: Nanos,
        _stamp: u64,
    ) -> Result<FrameKind, Rejected> {
        cx.tally.add(Counter::Frames);
        let mut got = Vec::new();
        let kind = (codec.decode)(&codec.directory, &mut codec.scratch, frame, &mut Got(&mut got))?;
        for (head, b, a) in got {
            let id = head.instrument;
            let rung = |l: Level| Rung { px: l.px, qty: l.qty };
            if head.kind == DepthKind::Delta
                && self.chains[id.index()].snapshot_on_request()
                && self.pages[id.index()].state != BookState::Live
            {
                continue;
            }
            self.put(cx, id, BookState::Live, rung(b), rung(a), BookWhy::Bridged);
        }
        Ok(kind)
    }
    /// Snapshot.
    pub fn on_snapshot(&mut self, cx: &mut Context<'_>, snapshot: &Snapshot, _recv_ns: Nanos) {
        let rung = |l: Level| Rung { px: l.px, qty: l.qty };
        self.put(
            cx,
            snapshot.head.instrument,
            BookState::Live,
            rung(snapshot.bids[0]),
            rung(snapshot.asks[0]),
            BookWhy::Bridged,
        );
    }
    /// Resync.
    pub fn on_resync(&mut self, cx: &mut Context<'_>, id: InstrumentId) {
        self.put(cx, id, BookState::Syncing, Rung::default(), Rung::default(), BookWhy::Resync);
    }
    /// Up.
    pub fn on_line_up(&mut self, cx: &mut Context<'_>, ids: &[InstrumentId]) {
        for &id in ids {
            self.put(cx, id, BookState::Syncing, Rung::default(), Rung::default(), BookWhy::FirstMessage);
            if self.chains[id.index()].snapshot_on_request() {
                cx.tell(Event::SnapshotNeeded(id));
            }
        }
    }
    /// Ended.
    pub fn on_line_ended(&mut self, cx: &mut Context<'_>, ids: &[InstrumentId]) {
        for &id in ids {
            self.put(cx, id, BookState::Dead, Rung::default(), Rung::default(), BookWhy::LineEnded);
        }
    }
    /// Offset.
    pub fn set_clock_offset(&mut self, _: VenueId, _: i64) {}
    /// Ends.
    pub fn dismantle(self) -> FeedEnds {
        self.ends
    }
}
