//! The service's process: the production wire (feed, engine, live gateway) as one duty, the production scribe with its
//! journal, and the state that both go on from. What the net does is in `net`; how it starts is in `start`.

use crate::canary::Canary;
use crate::clock::Time;
use crate::ground::Ground;
use highwire::boot::{self, Boot};
use highwire::state::Shared;
use highwire_actors::scribe::{Board, Scribe, ScribeArgs, ScribeRules};
use highwire_engine::clock::Clock;
use highwire_engine::duty::{Duty, House, Parts, Roles};
use highwire_engine::engine::{Engine, EngineEnds};
use highwire_engine::feed::{Feed, FeedEnds};
use highwire_engine::gateway::{Gateway, GatewayEnds};
use highwire_engine::idle::{Idle, Strategy};
use highwire_engine::live::{LiveGateway, LiveSettings};
use highwire_links::audit::{AuditRx, audit};
use highwire_links::lease::IdLease;
use highwire_links::lifecycle::Ending;
use highwire_links::limits::{AUDIT_RING, FILL_RING, MARKET_RING, ORDER_RING};
use highwire_links::page::{PageReaders, pages};
use highwire_links::ports::{Desk, ports};
use highwire_links::{Mode, fill, market, order};
use highwire_store::journal::Entry;
use highwire_venues::venue::Venue;
use std::sync::mpsc::{SyncSender, sync_channel};

/// Entries of the net that may wait for the scribe.
const NOTES: usize = 1024;

/// A process that runs.
pub struct Process {
    duty: Option<Duty>,
    /// The net's side of the thread, without its audit records.
    pub desk: Desk,
    /// Audit records after they were journalled.
    pub seen: AuditRx,
    /// The journal's thread.
    pub scribe: Scribe,
    /// How the journal is.
    pub board: Board,
    /// The state after every record.
    pub state: Shared,
    /// Where the net puts entries on record.
    pub notes: SyncSender<Entry>,
    /// Books as everybody sees them.
    pub pages: PageReaders,
    /// This start's epoch.
    pub epoch: u16,
    ids: IdLease,
    canary: Option<Canary>,
}

impl Process {
    /// Starts on what was recovered.
    ///
    /// # Errors
    /// In words.
    pub fn start(ground: &Ground, time: &Time, boot: Boot, canary: Option<Canary>) -> Result<Self, String> {
        let Boot { state, journal, mut lessor, epoch, covered, outbox, .. } = boot;
        let (departing, outbox) = outbox.unzip();
        let (ids, state) = (IdLease::none(), Shared::new(state));
        ids.grant(lessor.usable_until(&journal));
        let instruments = ground.universe.instruments.len();
        let (writers, readers) = pages(instruments);
        let (market_tx, market_rx) = market::market(MARKET_RING, instruments);
        let (order_tx, order_rx) = order::orders(ORDER_RING);
        let (fill_tx, fill_rx) = fill::fills(FILL_RING);
        let (ports, mut desk) = ports();
        let (on, seen) = audit(AUDIT_RING);
        let (notes, noted) = sync_channel(NOTES);
        let store = &ground.config.store;
        let rings = vec![(std::mem::replace(&mut desk.audit, audit(1).1), on)];
        let rules = ScribeRules {
            checkpoint_every_ns: store.checkpoint_every_ms * 1_000_000,
            segment_bytes: store.segment_kib << 10,
            segments_kept: store.segments_kept,
        };
        let clock = Box::new(time.clone());
        let keeper = Box::new(state.clone());
        let args = ScribeArgs { journal, lessor, ids: ids.clone(), keeper, rings, notes: noted, outbox, clock, rules };
        let board = Board::default();
        let scribe = Scribe::new(args, board.clone(), covered);
        let idle = Idle::new(Strategy::Spin).map_err(|error| error.to_string())?;
        let parts = Parts {
            house: House::new(Box::new(time.clone()), ports, idle, Vec::new()),
            feed: Some(FeedEnds { market: market_tx, pages: writers }),
            engine: Some(EngineEnds { market: market_rx, pages: readers.clone(), orders: order_tx, fills: fill_rx }),
            gateway: Some(GatewayEnds { outbox: departing, ..GatewayEnds::new(order_rx, fill_tx) }),
            connections: Vec::new(),
        };
        desk.cnc.beat_warden(time.now());
        let mut process =
            Self { duty: None, desk, seen, scribe, board, state, notes, pages: readers, epoch, ids, canary };
        process.duty = Some(process.duty_of(ground, parts)?);
        Ok(process)
    }

    /// The production roles on these ends, as the service makes them at its start and after each panic.
    fn duty_of(&self, ground: &Ground, parts: Parts) -> Result<Duty, String> {
        let Ground { config, universe } = ground;
        let mut spec = universe.engine(config, Mode::Halted, self.epoch);
        spec.tuning.ids = self.ids.clone();
        boot::equip(&mut spec, &self.state.lock());
        if self.canary == Some(Canary::StaleBooks) {
            spec.limits.stale_ns.fill(u64::MAX);
        }
        let engine =
            parts.engine.map(|ends| Engine::new(&spec, ends).map_err(|error| error.to_string())).transpose()?;
        let skew_ns = i64::try_from(config.lines.skew_ms * 1_000_000).unwrap_or(i64::MAX);
        let settings = LiveSettings { skew_ns, ..LiveSettings::default() };
        let venues = Venue::ALL.len();
        let gateway = |ends| -> Box<dyn Gateway> {
            Box::new(LiveGateway::new(&universe.instruments, venues, &ground.rates(), settings, ends))
        };
        let feed = parts.feed.map(|ends| Feed::new(&ground.books(), venues, ends));
        let roles = Roles { feed, engine, gateway: parts.gateway.map(gateway) };
        Ok(Duty::new(parts.house, roles, Some(config.wire.warden_silent_ms * 1_000_000)))
    }

    /// One turn of the pinned thread.
    pub fn poll(&mut self) -> usize {
        self.duty.as_mut().map_or(0, Duty::poll)
    }

    /// The engine, to be looked at.
    pub fn engine(&self) -> Option<&Engine> {
        self.duty.as_ref().and_then(Duty::engine)
    }

    /// The thread, to be looked at.
    pub fn duty(&self) -> Option<&Duty> {
        self.duty.as_ref()
    }

    /// The thread dies and is started anew on the same rings; the connections that it held come back.
    ///
    /// # Errors
    /// No new thread can be made, in words.
    pub fn thread_dies(&mut self, ground: &Ground) -> Result<Vec<u16>, String> {
        let Some(duty) = self.duty.take() else { return Ok(Vec::new()) };
        let mut parts = duty.dismantle(Ending::ThreadDied);
        // Everything that the dead engine recorded is in the state before another goes on from it.
        while self.scribe.turn() > 0 {}
        let gone = parts.connections.drain(..).map(|(slot, ..)| slot).collect();
        self.duty = Some(self.duty_of(ground, parts)?);
        Ok(gone)
    }
}
