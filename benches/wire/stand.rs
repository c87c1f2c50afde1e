//! The whole wire on one thread: feed, engine and paper gateway between the real rings, stepped a
//! frame at a time with time set by hand.

use crate::tables::{amount, instrument, limits};
use crate::traffic::{SNAPSHOT_ID, START_NS, STEP_NS, Wired, snapshot};
use highwire_engine::clock::{Clock, HandClock};
use highwire_engine::context::Context;
use highwire_engine::engine::{Assets, Engine, EngineEnds, EngineSpec, Funds, PairSpec, Tuning};
use highwire_engine::feed::{BookSpec, Codec, Feed, FeedEnds, Snapshot};
use highwire_engine::gateway::{Gateway, GatewayEnds};
use highwire_engine::paper::{PaperGateway, PaperSettings};
use highwire_engine::stages::Stages;
use highwire_links::counter::Tally;
use highwire_links::decode::Frame;
use highwire_links::directory::{Directory, Entry};
use highwire_links::instrument::Instrument;
use highwire_links::limits::{FILL_RING, MARKET_RING, ORDER_RING};
use highwire_links::market::market;
use highwire_links::page::pages;
use highwire_links::ports::{Desk, Ports, ports};
use highwire_links::update::{DepthHead, DepthKind, Level, Sequence};
use highwire_links::{InstrumentId, Mode, fill, order};
use highwire_venues::venue::Venue;
use std::sync::Arc;

/// The venues, in the order of the lines.
pub const VENUES: [Venue; 2] = [Venue::BinanceSpot, Venue::BybitSpot];
/// From decision to match.
const LATENCY_NS: u64 = 500_000;

/// The stages, ready to be stepped here or given to a duty.
pub struct Roles {
    pub feed: Feed,
    pub engine: Engine,
    pub gateway: PaperGateway,
}

impl Roles {
    /// The stages of both lines, joined by rings.
    pub fn new() -> Self {
        let instruments: Vec<_> = (0..VENUES.len()).map(|id| instrument(id, VENUES.len(), 10_000)).collect();
        let (page_writers, readers) = pages(VENUES.len());
        let (market_tx, market_rx) = market(MARKET_RING, VENUES.len());
        let (order_tx, order_rx) = order::orders(ORDER_RING);
        let (fill_tx, fill_rx) = fill::fills(FILL_RING);
        let book = |(instrument, venue): (&Instrument, Venue)| BookSpec {
            id: instrument.id,
            venue: instrument.venue,
            scale: instrument.scale,
            chain: venue.profile().chain,
        };
        let books: Vec<_> = instruments.iter().zip(VENUES).map(book).collect();
        let spec = EngineSpec {
            pairs: vec![PairSpec { px_dp: 2, qty_dp: 8, members: vec![InstrumentId(0), InstrumentId(1)] }],
            funds: vec![Funds::Spot { base: amount(1_000_000), quote: amount(1_000_000_000) }; VENUES.len()],
            assets: vec![Assets { base: 1, quote: 0 }; VENUES.len()],
            instruments,
            limits: limits(VENUES.len()),
            venues: VENUES.len(),
            start_mode: Mode::Full,
            epoch: 1,
            tuning: Tuning::default(),
        };
        let ends = EngineEnds { market: market_rx, pages: readers.clone(), orders: order_tx, fills: fill_rx };
        let gateway_ends = GatewayEnds::new(order_rx, fill_tx);
        let settings = PaperSettings { latency_ns: LATENCY_NS };
        Self {
            feed: Feed::new(&books, VENUES.len(), FeedEnds { market: market_tx, pages: page_writers }),
            engine: Engine::new(&spec, ends).expect("the spec is good"),
            gateway: PaperGateway::new(&spec.instruments, readers, settings, gateway_ends),
        }
    }
}

/// What a line decodes with.
pub fn codec(line: usize) -> Codec {
    let id = InstrumentId(line as u16);
    let entry = Entry { id, scale: instrument(line, VENUES.len(), 0).scale };
    let profile = VENUES[line].profile();
    Codec {
        directory: Arc::new(Directory::new([("BTCUSDT", entry)])),
        decode: profile.decode,
        scratch: (profile.scratch)(),
        instruments: Box::new([id]),
        slot: line as u16,
    }
}

/// The answer to Binance's request for a snapshot.
pub fn requested() -> Snapshot {
    let level = |(px, qty)| Level { px, qty, px_shown: 2, qty_shown: 5 };
    let [bids, asks] = snapshot().map(|side| side.into_iter().map(level).collect());
    let sequence = Sequence { last: Some(SNAPSHOT_ID), cross: Some(SNAPSHOT_ID), ..Sequence::default() };
    let head = DepthHead {
        instrument: InstrumentId(0),
        kind: DepthKind::Snapshot,
        event_ns: 0,
        sequence,
        checksum: None,
        best: None,
    };
    Snapshot { head, bids, asks }
}

/// Takes everything off the desk's rings, as the net would.
pub fn clear(desk: &mut Desk) {
    while desk.audit.take().is_some() {}
    while desk.telemetry.take().is_some() {}
    while desk.lifecycle.take().is_some() {}
}

/// The stages and their surroundings.
pub struct Stand {
    roles: Roles,
    codecs: [Codec; 2],
    ports: Ports,
    /// The net's ends.
    pub desk: Desk,
    clock: HandClock,
    stages: Stages,
    now: u64,
    /// What was counted.
    pub tally: Tally,
}

impl Stand {
    /// A stand whose Binance book is whole.
    pub fn new() -> Self {
        let (ports, desk) = ports();
        let mut stand = Self {
            roles: Roles::new(),
            codecs: [codec(0), codec(1)],
            ports,
            desk,
            clock: HandClock::at(START_NS),
            stages: Stages::default(),
            now: START_NS,
            tally: Tally::default(),
        };
        let Self { roles, ports, clock, tally, stages, .. } = &mut stand;
        let mut cx = Context { now: START_NS, clock, ports, tally, stages };
        roles.feed.on_snapshot(&mut cx, &requested(), START_NS);
        stand
    }

    /// One frame through everything.
    pub fn step(&mut self, wired: &mut Wired) {
        self.now += STEP_NS;
        let Self { roles, codecs, ports, clock, tally, stages, now, .. } = self;
        let mut cx = Context { now: *now, clock, ports, tally, stages };
        let frame = Frame::new(&mut wired.buffer, wired.len).expect("the frame is padded");
        let stamp = clock.stamp();
        roles.feed.on_frame(&mut cx, &mut codecs[wired.line], frame, *now, stamp).expect("the frame is good");
        roles.engine.poll(&mut cx);
        roles.gateway.poll(&mut cx);
        clear(&mut self.desk);
    }
}
