//! The test bench of a replay: the feed on this thread, the deciding half where the layout wants it,
//! the real rings between them, and time set by the records.

use super::cast::{Cast, Conn};
use super::options::Layout;
use super::tops::{Outcome, TopsTap};
use super::wire::{Half, Wire};
use crate::config::Config;
use crate::ledger::Ledger;
use crate::universe::{Universe, clock_offsets};
use highwire_engine::clock::{Clock, HandClock};
use highwire_engine::context::Context;
use highwire_engine::engine::{Engine, EngineEnds, SpecError};
use highwire_engine::feed::{Codec, Feed, FeedEnds, Snapshot};
use highwire_engine::gateway::GatewayEnds;
use highwire_engine::paper::{PaperGateway, PaperSettings};
use highwire_engine::stages::Stages;
use highwire_links::counter::{Counter, Tally};
use highwire_links::decode::{FRAME_KINDS, Frame, FrameKind, REJECTS, Reject};
use highwire_links::directory::Entry;
use highwire_links::limits::{FILL_RING, FRAME_BYTES_MAX, FRAME_HEAD, FRAME_TAIL, MARKET_RING, ORDER_RING};
use highwire_links::page::{BookState, PageReaders, pages};
use highwire_links::ports::{Desk, Ports, ports};
use highwire_links::{InstrumentId, Mode, Nanos, fill, market, order};
use highwire_venues::rest::DepthSnapshot;
use highwire_venues::venue::Venue;
use highwire_venues::{rest, sniff};
use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, PoisonError};

/// Everything that a replay drives.
pub struct Rig {
    /// The instruments of the run.
    pub universe: Universe,
    /// What the engine did.
    pub ledger: Ledger,
    /// Rows and digest.
    pub tops: Arc<Mutex<Outcome>>,
    /// The depth pages.
    pub pages: PageReaders,
    /// Snapshots by request: taken, and refused.
    pub snapshots: [u64; 2],
    feed: Feed,
    wire: Option<Wire>,
    desk: Desk,
    near: Near,
    codecs: HashMap<Conn, Codec>,
    due: VecDeque<Nanos>,
    latency_ns: Nanos,
    buffer: Vec<u8>,
}

/// The feed's own surroundings.
struct Near {
    ports: Ports,
    desk: Desk,
    clock: HandClock,
    tally: Tally,
    stages: Stages,
}

impl Near {
    fn context(&mut self, now: Nanos) -> Context<'_> {
        let (ports, tally, stages) = (&mut self.ports, &mut self.tally, &mut self.stages);
        Context { now, clock: &self.clock, ports, tally, stages }
    }
}

/// What a replay measured, when it is over.
pub struct Measured {
    /// Counters of both halves.
    pub tally: Tally,
    /// Latencies of both halves.
    pub stages: Stages,
    /// Frames refused, by reason.
    pub rejects: [u64; REJECTS],
    /// Frames decoded, by kind.
    pub kinds: [u64; FRAME_KINDS],
}

impl Rig {
    /// Sets everything up; mode `Full` from the start.
    ///
    /// # Errors
    /// When the tables contradict one another.
    pub fn new(
        universe: Universe,
        cast: &Cast,
        config: &Config,
        layout: Layout,
        (tap, tops): (TopsTap, Arc<Mutex<Outcome>>),
    ) -> Result<Self, SpecError> {
        let (page_writers, readers) = pages(universe.instruments.len());
        let (market_tx, market_rx) = market::market(MARKET_RING, universe.instruments.len());
        let (order_tx, order_rx) = order::orders(ORDER_RING);
        let (fill_tx, fill_rx) = fill::fills(FILL_RING);
        let clock = HandClock::at(0);
        let ends = EngineEnds { market: market_rx, pages: readers.clone(), orders: order_tx, fills: fill_rx };
        let engine = Engine::new(&universe.engine(config, Mode::Full, 1), ends)?;
        let latency_ns = config.paper.latency_ms * 1_000_000;
        let gateway_ends = GatewayEnds::new(order_rx, fill_tx);
        let gateway =
            PaperGateway::new(&universe.instruments, readers.clone(), PaperSettings { latency_ns }, gateway_ends);
        let mut feed =
            Feed::new(&universe.books(), Venue::ALL.len(), FeedEnds { market: market_tx, pages: page_writers });
        feed.set_tap(Box::new(tap));
        for (venue, offset_ns) in clock_offsets(config) {
            feed.set_clock_offset(venue.id(), offset_ns);
        }
        let (far_ports, desk) = ports();
        let (near_ports, near_desk) = ports();
        let half = Half {
            engine,
            gateway: Box::new(gateway),
            ports: far_ports,
            clock: clock.clone(),
            tally: Tally::default(),
            stages: Stages::default(),
        };
        let near =
            Near { ports: near_ports, desk: near_desk, clock, tally: Tally::default(), stages: Stages::default() };
        Ok(Self {
            ledger: Ledger::new(&universe),
            codecs: codecs(&universe, cast),
            universe,
            tops,
            pages: readers,
            snapshots: [0; 2],
            feed,
            wire: Some(Wire::new(half, layout)),
            desk,
            near,
            due: VecDeque::new(),
            latency_ns,
            buffer: Vec::new(),
        })
    }

    /// Lets time pass to `now`: paper orders that fall due before are matched at their own time.
    pub fn advance(&mut self, now: Nanos) -> bool {
        while let Some(due) = self.due.front().copied().filter(|due| *due <= now) {
            self.due.pop_front();
            if !self.step(due) {
                return false;
            }
        }
        self.near.clock.set(now);
        true
    }

    /// Takes a frame of a connection at the present time; false when the deciding half has died.
    pub fn frame(&mut self, conn: &Conn, data: &[u8], now: Nanos) -> bool {
        if let Some((_, symbol)) = sniff::depth_snapshot_line(data) {
            self.snapshot_line(conn, symbol, data, now);
        } else if data.len() > FRAME_BYTES_MAX {
            self.refuse(conn, Reject::TooLarge, now);
        } else {
            self.decode(conn, data, now);
        }
        self.step(now)
    }

    /// Takes a frame that is none: a broken line of the capture.
    pub fn refuse(&mut self, conn: &Conn, reason: Reject, now: Nanos) {
        let instruments = self.codecs.get(conn).map(|codec| codec.instruments.clone()).unwrap_or_default();
        self.feed.on_refused(&mut self.near.context(now), reason, &instruments, 0);
        self.drain_feed();
    }

    /// Takes a depth answer of a venue.
    pub fn snapshot(&mut self, venue: Venue, symbol: &str, body: &[u8], now: Nanos) -> bool {
        if let Some(entry) = self.universe.directory(venue).find(symbol.as_bytes()) {
            let taken = rest::parse_depth(venue, entry, body).map(|depth| self.apply(depth, now)).is_ok();
            self.snapshots[usize::from(!taken)] += 1;
        }
        self.step(now)
    }

    /// A connection was opened again: the books of the old one are dead until their next message.
    pub fn reconnect(&mut self, conn: &Conn, now: Nanos) -> bool {
        let Some(codec) = self.codecs.get(conn) else { return true };
        let mut cx = self.near.context(now);
        // A capture's connections carry different streams: none can stand in for another, so all count as one line.
        self.feed.on_line_ended(&mut cx, &codec.instruments, 0);
        self.feed.on_line_up(&mut cx, &codec.instruments, 0);
        self.drain_feed();
        self.step(now)
    }

    /// Where an instrument's book stands.
    pub fn state(&self, id: InstrumentId) -> BookState {
        self.feed.state(id)
    }

    /// Lets what is still on its way arrive, and gives up the measurements; `None` when the deciding
    /// half has died.
    pub fn finish(&mut self) -> Option<Measured> {
        let last = self.near.clock.now().saturating_add(self.latency_ns);
        if !self.advance(last) {
            return None;
        }
        let half = self.wire.take()?.finish()?;
        half.engine.standing().for_each(|o| self.ledger.stands(o.id, o.edge_best_ppb, o.updates));
        let (mut tally, mut stages) = (self.near.tally.clone(), self.near.stages.clone());
        for (counter, _) in Counter::ALL {
            tally.add_many(counter, half.tally.get(counter));
        }
        tally.set(Counter::AuditLost, half.ports.audit.lost());
        stages.merge(&half.stages);
        Some(Measured { tally, stages, rejects: *self.feed.rejects(), kinds: *self.feed.kinds() })
    }

    fn decode(&mut self, conn: &Conn, data: &[u8], now: Nanos) {
        let Some(codec) = self.codecs.get_mut(conn) else { return };
        self.buffer.clear();
        self.buffer.resize(FRAME_HEAD, 0);
        self.buffer.extend_from_slice(data);
        self.buffer.resize(FRAME_HEAD + data.len() + FRAME_TAIL, 0);
        let Some(frame) = Frame::new(&mut self.buffer, data.len()) else { return };
        let mut cx = self.near.context(now);
        let stamp = cx.clock.stamp();
        // A refusal is counted by the feed and stands in the report.
        let _counted = self.feed.on_frame(&mut cx, codec, frame, now, stamp);
        self.drain_feed();
    }

    /// A depth snapshot as a line of its own: it stands for the frame that it is.
    fn snapshot_line(&mut self, conn: &Conn, symbol: Option<String>, data: &[u8], now: Nanos) {
        let Some(codec) = self.codecs.get(conn) else { return };
        let entry = match &symbol {
            Some(symbol) => codec.directory.find(symbol.as_bytes()),
            None => only(codec, &self.universe),
        };
        let venue = entry.and_then(|entry| self.universe.specs.get(entry.id.index())).map(|spec| spec.venue);
        let Some((entry, venue)) = entry.zip(venue) else { return self.refuse(conn, Reject::UnknownInstrument, now) };
        match rest::parse_depth(venue, entry, data) {
            Ok(depth) => {
                self.near.tally.add(Counter::Frames);
                self.near.tally.add(Counter::Decoded);
                self.feed.count_kind(FrameKind::Snapshot);
                self.apply(depth, now);
            }
            Err(reason) => self.refuse(conn, reason, now),
        }
    }

    fn apply(&mut self, depth: DepthSnapshot, now: Nanos) {
        let snapshot = Snapshot { head: depth.head, bids: depth.bids, asks: depth.asks };
        self.feed.on_snapshot(&mut self.near.context(now), &snapshot, now);
        self.drain_feed();
    }

    fn step(&mut self, now: Nanos) -> bool {
        let alive = self.wire.as_mut().is_some_and(|wire| wire.step(now));
        let mut tops = self.tops.lock().unwrap_or_else(PoisonError::into_inner);
        while let Some(record) = self.desk.audit.take() {
            tops.digest.record(&record);
            self.ledger.take(&record, &self.universe);
        }
        drop(tops);
        while self.desk.telemetry.take().is_some() {}
        while self.desk.lifecycle.take().is_some() {}
        let latency_ns = self.latency_ns;
        self.due.extend(self.ledger.take_sent().into_iter().map(|decided| decided.saturating_add(latency_ns)));
        alive
    }

    /// The feed's reports: counted where they happened; a recording cannot be asked for anything.
    fn drain_feed(&mut self) {
        while self.near.desk.lifecycle.take().is_some() {}
        self.near.ports.lifecycle.drain();
    }
}

/// The only instrument of a connection, where frames name none.
fn only(codec: &Codec, universe: &Universe) -> Option<Entry> {
    let [id] = codec.instruments[..] else { return None };
    universe.instruments.get(id.index()).map(|instrument| Entry { id, scale: instrument.scale })
}

fn codecs(universe: &Universe, cast: &Cast) -> HashMap<Conn, Codec> {
    let directories: HashMap<Venue, _> = Venue::ALL.map(|venue| (venue, universe.directory(venue))).into();
    let codec = |(conn, venue): (&Conn, &Venue)| {
        let directory = Arc::clone(&directories[venue]);
        let symbols = cast.symbols.get(conn).map(Vec::as_slice).unwrap_or_default();
        let instruments = symbols.iter().filter_map(|symbol| Some(directory.find(symbol.as_bytes())?.id)).collect();
        let profile = venue.profile();
        let codec = Codec { directory, decode: profile.decode, scratch: (profile.scratch)(), instruments, slot: 0 };
        (conn.clone(), codec)
    };
    cast.venues.iter().map(codec).collect()
}
