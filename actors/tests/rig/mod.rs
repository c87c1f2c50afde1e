//! A rig for the tests of wardens and sessions: a WebSocket server on a real socket with two venues
//! whose prices cross every other frame, and a service of either layout that trades on them on paper.
#![allow(clippy::unwrap_used)] // helpers of tests: a failed step fails the test

mod journal;
mod log;
mod sizes;

pub use sizes::Sizes;

use highwire_actors::address::Address;
use highwire_actors::alerter::Bell;
use highwire_actors::allowance::Allowance;
use highwire_actors::connect::{Line, Target};
use highwire_actors::dial;
use highwire_actors::market_line;
use highwire_actors::pool::{FeedPlan, Keepers, Pool, PoolArgs, PoolMsg};
use highwire_actors::session::{Recipe, SessionArgs};
use highwire_actors::subscribe::{Request, Subscription};
use highwire_actors::warden::{Factory, Rules, Warden, WardenArgs, WardenMsg};
use highwire_engine::clock::TscClock;
use highwire_engine::connection::{Connection, Upkeep};
use highwire_engine::context::Context;
use highwire_engine::duty::{Duty, House, Parts, Roles};
use highwire_engine::engine::{
    Assets, Engine, EngineEnds, EngineSpec, ExposureLimits, Funds, GuardLimits, Limits, PairSpec, SagaLimits, Tuning,
};
use highwire_engine::feed::{BookSpec, Codec, Feed, FeedEnds};
use highwire_engine::gateway::{Gateway, GatewayEnds};
use highwire_engine::idle::{Idle, Strategy, Waker};
use highwire_engine::paper::{PaperGateway, PaperSettings};
use highwire_engine::stream::Stream;
use highwire_links::Nanos;
use highwire_links::command::Parcel;
use highwire_links::counter::{Counter, TallyReader};
use highwire_links::decode::{Chain, Frame, FrameKind, Reject, Rejected, Scratch};
use highwire_links::directory::{Directory, Entry};
use highwire_links::fixed::Amount;
use highwire_links::instrument::{Contract, Instrument, Status};
use highwire_links::lifecycle::Ending;
use highwire_links::limits;
use highwire_links::page::{BookState, PageReaders};
use highwire_links::ports::{Ports, ports};
use highwire_links::update::{DepthHead, DepthKind, Level, Sequence, Sink};
use highwire_links::{InstrumentId, Mode, PairId, Qty, Scale, VenueId, cnc::Cnc};
use highwire_supervision::attempts::AttemptRule;
use highwire_supervision::backoff::Backoff;
use highwire_supervision::ending::End;
use highwire_supervision::failover::Timing;
use highwire_supervision::lineset::{Kind, LineSetRule};
use highwire_supervision::rotation::RotationRule;
use highwire_venues::venue::Venue;
use ractor::{Actor, ActorRef};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};
use tokio::net::TcpListener;
use tokio_tungstenite::MaybeTlsStream;
use tokio_tungstenite::tungstenite::protocol::CloseFrame;

pub use log::Log;

pub const VENUES: usize = 2;
const SECOND_NS: u64 = 1_000_000_000;

/// What the server does; the tests turn these.
#[derive(Default)]
pub struct Knobs {
    /// The disk holds the journal's thread up.
    pub held: AtomicBool,
    /// The next frame of any connection makes the decoder panic.
    pub poison: AtomicBool,
    /// The next frame of any connection makes the decoder hang for a while.
    pub stall: AtomicBool,
    /// The next turn of the gateway panics.
    pub fuse: AtomicBool,
    /// New connections are refused.
    pub refusing: AtomicBool,
    /// Of these so far.
    pub refused: AtomicU64,
    /// Upgrades so far.
    pub upgrades: AtomicU64,
    /// How one connection is ended next.
    pub goodbye: Mutex<Option<Goodbye>>,
}

/// Ways to end a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Goodbye {
    /// A close frame with this code.
    Code(u16),
    /// A reset.
    Reset,
    /// A FIN without a close frame.
    Fin,
    /// Nothing any more, and nothing heard: half open.
    Mute,
}

async fn serve(listener: TcpListener, knobs: Arc<Knobs>) {
    while let Ok((stream, _)) = listener.accept().await {
        if knobs.refusing.load(Ordering::SeqCst) {
            knobs.refused.fetch_add(1, Ordering::SeqCst);
        } else {
            tokio::spawn(serve_one(stream, Arc::clone(&knobs)));
        }
    }
}

/// Says which venue this is (its first frame is the subscription `V<n>`), then quotes: venue 1 lies
/// alternately far above venue 0 and level with it.
async fn serve_one(stream: tokio::net::TcpStream, knobs: Arc<Knobs>) {
    use futures_util::{SinkExt, StreamExt};
    let Ok(mut socket) = tokio_tungstenite::accept_async(stream).await else { return };
    knobs.upgrades.fetch_add(1, Ordering::SeqCst);
    let Some(Ok(hello)) = socket.next().await else { return };
    let venue: u64 = hello.to_text().unwrap()[1..].parse().unwrap();
    for turn in 1u64.. {
        let bid = 10_000 + venue * (turn % 2) * 1_000;
        let poisoned = turn > 3 && knobs.poison.swap(false, Ordering::SeqCst);
        let stalled = turn > 3 && knobs.stall.swap(false, Ordering::SeqCst);
        let frame = if poisoned {
            "PANIC".to_owned()
        } else if stalled {
            "STALL".to_owned()
        } else {
            format!("{venue} {turn} {bid} {}", bid + 10)
        };
        let goodbye = knobs.goodbye.lock().unwrap().take();
        match goodbye {
            None => {}
            Some(Goodbye::Code(code)) => {
                let frame = CloseFrame { code: code.into(), reason: "".into() };
                let _best_effort = socket.close(Some(frame)).await;
                // What is unread when a socket is dropped turns its end into a reset.
                while socket.next().await.is_some_and(|heard| heard.is_ok()) {}
                return;
            }
            Some(Goodbye::Reset) => {
                let _best_effort = socket.get_ref().set_zero_linger();
                return;
            }
            Some(Goodbye::Fin) => return,
            Some(Goodbye::Mute) => return std::future::pending().await,
        }
        if socket.send(frame.into()).await.is_err() {
            return;
        }
        // Reading is what answers pings.
        let began = Instant::now();
        while let Ok(heard) = tokio::time::timeout(Duration::from_millis(4), socket.next()).await {
            if heard.is_none_or(|heard| heard.is_err()) {
                return;
            }
            if began.elapsed() >= Duration::from_millis(4) {
                break;
            }
        }
    }
}

/// Every frame is a whole book of one level a side: `venue sequence bid ask`.
fn decode(
    _directory: &Directory,
    _scratch: &mut Scratch,
    frame: Frame<'_>,
    sink: &mut dyn Sink,
) -> Result<FrameKind, Rejected> {
    assert!(frame.payload() != b"PANIC", "injected panic");
    if frame.payload() == b"STALL" {
        std::thread::sleep(Duration::from_secs(3));
        return Ok(FrameKind::Other);
    }
    let text = std::str::from_utf8(frame.payload()).map_err(|_| Reject::Encoding)?;
    let mut numbers = text.split(' ').map(|word| word.parse::<i64>().map_err(|_| Reject::BadNumber));
    let mut next = || numbers.next().ok_or(Reject::MissingField)?;
    let (venue, turn, bid, ask) = (next()?, next()?, next()?, next()?);
    let level = |px| [Level { px, qty: 100_000, px_shown: 2, qty_shown: 5 }];
    let head = DepthHead {
        instrument: InstrumentId(venue as u16),
        kind: DepthKind::Snapshot,
        event_ns: 0,
        sequence: Sequence { last: Some(turn as u64), cross: Some(turn as u64), ..Sequence::default() },
        checksum: None,
        best: None,
    };
    sink.on_depth(&head, &level(bid), &level(ask));
    Ok(FrameKind::Snapshot)
}

/// A venue's one line.
struct Quotes {
    venue: u16,
    instruments: [InstrumentId; 1],
}

impl Recipe for Quotes {
    fn target(&mut self, base: &str, _: bool, _: Nanos) -> Result<Target, String> {
        let request = Request { frame: format!("V{}", self.venue), topics: Vec::new() };
        Ok(Target {
            url: format!("{base}/stream"),
            tls: dial::tls_config(None)?,
            login: Vec::new(),
            subscription: Some(Subscription { requests: vec![request], read: Arc::new(|_| None) }),
            seed: 1,
        })
    }

    fn parcel(&mut self, line: Line, slot: u16, now: Nanos) -> std::io::Result<Parcel> {
        let MaybeTlsStream::Plain(socket) = line.stream else { panic!("plain sockets here") };
        let upkeep = Upkeep { heartbeat: None, silent_ns: 60 * SECOND_NS };
        let codec = Codec { slot, ..codec(self.venue) };
        Ok(Box::new(Connection::new(Stream::plain(socket.into_std()?)?, &line.leftover, codec, upkeep, now)?))
    }

    fn instruments(&self) -> &[InstrumentId] {
        &self.instruments
    }

    fn end_of(&self, parcel: &Parcel, why: Ending) -> End {
        market_line::end_of(parcel, why)
    }
}

fn timing(backoff: Backoff) -> Timing {
    Timing { connect_ns: 10 * SECOND_NS, sync_ns: 10 * SECOND_NS, stable_ns: SECOND_NS, backoff }
}

fn codec(venue: u16) -> Codec {
    Codec {
        directory: Arc::new(Directory::new([("X", Entry { id: InstrumentId(venue), scale: scale() })])),
        decode,
        scratch: Scratch { bids: vec![], asks: vec![], marks: vec![], own: Box::new(()), fallbacks: 0 },
        instruments: Box::new([InstrumentId(venue)]),
        slot: venue,
    }
}

fn scale() -> Scale {
    Scale::new(2, 5).unwrap()
}

fn instruments() -> Vec<Instrument> {
    let one = |id: u16| Instrument {
        id: InstrumentId(id),
        venue: VenueId(id as u8),
        pair: PairId(0),
        scale: scale(),
        tick: 1,
        lot: 1,
        qty_min: Qty(1),
        notional_min: Amount::ZERO,
        contract: Contract::Base,
        taker_fee_ppb: 0,
        maker_fee_ppb: 0,
        status: Status::Trading,
    };
    (0..VENUES as u16).map(one).collect()
}

fn engine_spec(epoch: u16) -> EngineSpec {
    let plenty = Amount::from_mantissa(1_000_000_000_000, 0).unwrap();
    EngineSpec {
        instruments: instruments(),
        pairs: vec![PairSpec { px_dp: 2, qty_dp: 5, members: instruments().iter().map(|i| i.id).collect() }],
        funds: vec![Funds::Spot { base: plenty, quote: plenty }; VENUES],
        assets: vec![Assets { base: 1, quote: 0 }; VENUES],
        limits: Limits {
            edge_min_ppb: 0,
            slippage_ppb: 0,
            latency_penalty_ppb: 0,
            order_notional_max: plenty,
            position_max: plenty,
            exposure: ExposureLimits::WIDE,
            open_orders_max: 100,
            collar_ppb: limits::PPB,
            collar_samples_min: 0,
            confirm_edge_ppb: i64::MAX,
            cooldown_ns: 0,
            refused_rest_ns: 0,
            stale_ns: vec![60 * SECOND_NS; VENUES],
            // Prices here jump as no market does, and it is threads that are tried, not trades: hedges may
            // cost whatever they cost, and no trade is given up.
            saga: SagaLimits {
                exposed_ns: 3_600 * SECOND_NS,
                shut_ns: 0,
                failures_max: u8::MAX,
                exposure_max: plenty,
                cost_hold_ppb: limits::PPB,
                cost_max_ppb: limits::PPB,
                ..SagaLimits::default()
            },
            guard: GuardLimits::WIDE,
            strategies: Default::default(),
        },
        venues: VENUES,
        start_mode: Mode::Halted,
        epoch,
        tuning: Tuning::default(),
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Layout {
    /// One thread: feed, engine and gateway.
    Together,
    /// Two threads: feed | engine and gateway.
    Split,
}

/// A running service.
pub struct Rig {
    pub knobs: Arc<Knobs>,
    pub log: Log,
    pub pages: PageReaders,
    /// Wardens: the feed's first, the engine's last (the same one when together).
    pub wardens: Vec<ActorRef<WardenMsg>>,
    pub cncs: Vec<Cnc>,
    /// The threads' counters, in the same order.
    pub tallies: Vec<TallyReader>,
    pub pools: Vec<ActorRef<PoolMsg>>,
    /// Blocks the observer of the engine's warden.
    pub freeze: Arc<AtomicBool>,
}

/// A paper gateway that panics when its fuse is lit.
struct Fused {
    paper: Box<dyn Gateway>,
    knobs: Arc<Knobs>,
}

impl Gateway for Fused {
    fn poll(&mut self, cx: &mut Context<'_>) -> usize {
        assert!(!self.knobs.fuse.swap(false, Ordering::SeqCst), "injected panic");
        self.paper.poll(cx)
    }

    fn dismantle(self: Box<Self>) -> GatewayEnds {
        self.paper.dismantle()
    }
}

fn factory(pages: PageReaders, warden_silent_ns: u64, knobs: Arc<Knobs>) -> Factory {
    let mut epoch = 0;
    Box::new(move |parts: Parts| {
        epoch += 1;
        let specs: Vec<BookSpec> = instruments().iter().map(book_spec).collect();
        let engine = parts.engine.map(|ends| Engine::new(&engine_spec(epoch), ends).map_err(|e| e.to_string()));
        let settings = PaperSettings { latency_ns: 0 };
        let paper = |ends| {
            let paper = Box::new(PaperGateway::new(&instruments(), pages.clone(), settings, ends));
            Box::new(Fused { paper, knobs: Arc::clone(&knobs) }) as Box<_>
        };
        let roles = Roles {
            feed: parts.feed.map(|ends| Feed::new(&specs, VENUES, ends)),
            engine: engine.transpose()?,
            gateway: parts.gateway.map(paper),
        };
        Ok(Duty::new(parts.house, roles, Some(warden_silent_ns)))
    })
}

fn book_spec(instrument: &Instrument) -> BookSpec {
    BookSpec { id: instrument.id, venue: instrument.venue, scale: instrument.scale, chain: Chain::PlusOneInBand }
}

struct Ends {
    feed: FeedEnds,
    engine: EngineEnds,
    gateway: GatewayEnds,
}

fn ends() -> Ends {
    let (market_tx, market_rx) = highwire_links::market::market(limits::MARKET_RING, VENUES);
    let (writers, readers) = highwire_links::page::pages(VENUES);
    let (order_tx, order_rx) = highwire_links::order::orders(limits::ORDER_RING);
    let (fill_tx, fill_rx) = highwire_links::fill::fills(limits::FILL_RING);
    Ends {
        feed: FeedEnds { market: market_tx, pages: writers },
        engine: EngineEnds { market: market_rx, pages: readers, orders: order_tx, fills: fill_rx },
        gateway: GatewayEnds::new(order_rx, fill_tx),
    }
}

fn parts_of(clock: &TscClock, ports: Ports, wakes: Vec<Waker>) -> Parts {
    let house = House::new(Box::new(clock.clone()), ports, Idle::new(Strategy::Block).unwrap(), wakes);
    Parts { house, feed: None, engine: None, gateway: None, connections: vec![] }
}

/// One pool of one line for each venue.
async fn pools(
    wardens: &[ActorRef<WardenMsg>],
    clock: &TscClock,
    (base, backoff): (&str, Backoff),
) -> Vec<ActorRef<PoolMsg>> {
    let mut pools = Vec::new();
    for venue in 0..VENUES as u16 {
        let (warden, line_clock) = (wardens[0].clone(), clock.clone());
        let args = PoolArgs {
            venue: VenueId(venue as u8),
            name: format!("v{venue}"),
            wardens: wardens.to_vec(),
            reader: wardens[0].clone(),
            clock: Box::new(clock.clone()),
            feeds: vec![FeedPlan { kind: Kind::Market, bases: vec![base.to_owned()], lines: 1 }],
            make: Box::new(move |key, pool| SessionArgs {
                key,
                pool,
                warden: warden.clone(),
                clock: Box::new(line_clock.clone()),
                recipe: Box::new(Quotes { venue, instruments: [InstrumentId(venue)] }),
                slots: [2 * venue, 2 * venue + 1],
                timing: timing(backoff),
                rotation: RotationRule::default(),
                seed: u64::from(venue),
            }),
            snapshots: None,
            probe: None,
            cancel_all: None,
            keepers: Keepers::default(),
            allowance: Allowance::of(Venue::BinanceSpot),
            attempts: AttemptRule { limit: 1_000, period_ns: SECOND_NS, burst: 1, gap_ns: 0 },
            lines: LineSetRule::default(),
            // Nobody is told and nobody rules: modes are the tests' own.
            alerts: Bell::default(),
            governor: Address::default(),
            again: false,
            beat: Default::default(),
            seed: u64::from(venue),
        };
        pools.push(Actor::spawn(None, Pool, args).await.unwrap().0);
    }
    pools
}

impl Rig {
    pub async fn start(layout: Layout, rules: Rules, warden_silent_ns: u64) -> Self {
        Self::start_with(layout, rules, warden_silent_ns, Sizes::default()).await
    }

    /// The same in another size.
    pub async fn start_with(layout: Layout, rules: Rules, warden_silent_ns: u64, sizes: Sizes) -> Self {
        let (knobs, log, freeze) = (Arc::new(Knobs::default()), Log::default(), Arc::new(AtomicBool::new(false)));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        tokio::spawn(serve(listener, Arc::clone(&knobs)));

        let clock = TscClock::start();
        let Ends { feed, engine, gateway } = ends();
        let pages = engine.pages.clone();
        let (mut engine_ports, mut engine_desk) = ports();
        (engine_ports.telemetry, engine_desk.telemetry) = highwire_links::telemetry::telemetry(sizes.stamps);
        engine_desk.audit = journal::behind(engine_desk.audit, Arc::clone(&knobs));
        let mut last = parts_of(&clock, engine_ports, vec![]);
        (last.engine, last.gateway) = (Some(engine), Some(gateway));
        let mut threads = Vec::new();
        if layout == Layout::Split {
            let (feed_ports, feed_desk) = ports();
            let mut first = parts_of(&clock, feed_ports, vec![last.house.idle.waker()]);
            first.feed = Some(feed);
            threads.push((first, feed_desk, None));
        } else {
            last.feed = Some(feed);
        }
        threads.push((last, engine_desk, Some(Arc::clone(&freeze))));

        let (mut wardens, mut cncs, mut tallies) = (Vec::new(), Vec::new(), Vec::new());
        for (parts, desk, freeze) in threads {
            cncs.push(desk.cnc.clone());
            tallies.push(desk.tally.clone());
            let args = WardenArgs {
                name: "test-wire".to_owned(),
                core: highwire_engine::thread::core(0),
                desk,
                parts,
                factory: factory(pages.clone(), warden_silent_ns, Arc::clone(&knobs)),
                clock: Box::new(clock.clone()),
                rules,
                observer: log.observer(freeze),
            };
            wardens.push(Actor::spawn(None, Warden, args).await.unwrap().0);
        }
        wardens.last().unwrap().cast(WardenMsg::SetMode(Mode::Full)).unwrap();

        let pools = pools(&wardens, &clock, (&format!("ws://{address}"), sizes.backoff)).await;
        Self { knobs, log, pages, wardens, cncs, tallies, pools, freeze }
    }

    /// A counter of the engine's thread.
    pub fn tally(&self, counter: Counter) -> u64 {
        self.tallies.last().and_then(TallyReader::read).map_or(0, |tally| tally.get(counter))
    }

    pub fn books_are(&self, state: BookState) -> bool {
        (0..VENUES).all(|index| self.pages.read(index).is_some_and(|page| page.state == state))
    }

    /// Waits for an outcome; the limit is only there so that a broken service ends the test.
    pub async fn until(&self, what: &str, mut holds: impl FnMut(&Self) -> bool) {
        let began = Instant::now();
        while !holds(self) {
            assert!(began.elapsed() < Duration::from_secs(60), "never came: {what}; {:#?}", self.log.tail());
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }

    /// Waits until `more` further orders have opened.
    pub async fn until_it_trades(&self, more: usize) {
        let before = self.log.opened();
        self.until("trades", |rig| rig.log.opened() >= before + more).await;
    }

    /// The ends of all lines so far.
    pub async fn ends(&self) -> Vec<End> {
        let mut ends = Vec::new();
        for pool in &self.pools {
            let report = pool.call(PoolMsg::Report, None).await.unwrap().success_or(()).unwrap();
            ends.extend(report.ends.into_iter().map(|(_, end)| end));
        }
        ends
    }

    pub async fn stop(self) {
        for pool in &self.pools {
            pool.stop(None);
        }
        for warden in &self.wardens {
            let answer = warden.call(WardenMsg::Stop, Some(Duration::from_secs(30))).await.unwrap();
            assert!(matches!(answer, ractor::rpc::CallResult::Success(_)), "the thread did not end in order");
        }
    }
}
