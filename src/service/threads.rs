//! The pinned threads and their wardens: rings, pages, and the factory that makes a thread's duty,
//! the first time and after each panic.

use super::chronicle::{Chronicle, observer};
use super::gauge::Gauge;
use super::recording::{Prepared, Succession};
use super::sentinel::Sentinel;
use super::{ServiceError, layout};
use crate::config::Config;
use crate::cores::Cores;
use crate::universe::Universe;
use highwire_actors::warden::{Factory, Rules, Warden, WardenArgs, WardenMsg};
use highwire_engine::clock::TscClock;
use highwire_engine::duty::{Duty, House, Parts, Roles};
use highwire_engine::engine::{Engine, EngineEnds, Funds};
use highwire_engine::feed::{Feed, FeedEnds};
use highwire_engine::gateway::{Gateway, GatewayEnds};
use highwire_engine::idle::{Idle, Strategy, Waker};
use highwire_engine::live::{LiveGateway, LiveSettings};
use highwire_engine::paper::{PaperGateway, PaperSettings};
use highwire_engine::thread::CoreId;
use highwire_links::limits::{FILL_RING, MARKET_RING, ORDER_RING};
use highwire_links::page::{PageReaders, pages};
use highwire_links::ports::{Desk, Ports, ports};
use highwire_links::rate::RateRule;
use highwire_links::{Mode, VenueId, fill, market, order};
use highwire_supervision::backoff::Backoff;
use highwire_supervision::budget::Budget;
use highwire_supervision::liveness::Thresholds;
use highwire_venues::venue::Venue;
use ractor::{Actor, ActorRef};
use std::sync::{Arc, Mutex};
use tokio::task::JoinHandle;

/// What the wire needs to know when orders go to venues.
#[derive(Clone)]
pub struct Means {
    /// The venues' documented rate budgets.
    pub rates: Vec<(VenueId, Vec<RateRule>)>,
    /// What each instrument can be traded with.
    pub funds: Vec<Funds>,
}

/// A thread's warden, and what ends with it.
pub type Warded = (ActorRef<WardenMsg>, JoinHandle<()>);

/// Running threads.
pub struct Threads {
    /// Depth pages.
    pub pages: PageReaders,
    /// What each publishes.
    pub gauges: Vec<Gauge>,
    /// Their wardens.
    pub wardens: Vec<Warded>,
    /// The warden of the thread that reads the sockets.
    pub reader: ActorRef<WardenMsg>,
}

/// Starts the threads that the layout asks for.
pub async fn start(
    universe: &Arc<Universe>,
    config: &Config,
    clock: &TscClock,
    (chronicle, sentinel): (&Arc<Mutex<Chronicle>>, &Sentinel),
    (means, mut journal): (Option<Means>, Option<&mut Prepared>),
) -> Result<Threads, ServiceError> {
    let given = Cores::given();
    let plan = layout::plan(config, given);
    tracing::info!(?plan, ?given, "threads");
    let mut ends = Ends::new(universe.instruments.len());
    let readers = ends.engine.pages.clone();
    let succession = journal.as_ref().map_or_else(Succession::none, |journal| journal.succession());
    ends.gateway.outbox = journal.as_mut().and_then(|journal| journal.outbox());
    let factory = || {
        let tables = (Arc::clone(universe), config.clone());
        duty_factory(tables, readers.clone(), means.clone(), succession.clone())
    };
    let (gauges, wardens, cores) = (Vec::new(), Vec::new(), plan.cores);
    let mut starter = Starter { config, clock, chronicle, sentinel, journal, gauges, wardens, cores };
    if plan.split {
        let (decide, waker) = parts(clock, plan.strategy, Vec::new())?;
        let decide =
            Bench { parts: Parts { engine: Some(ends.engine), gateway: Some(ends.gateway), ..decide.parts }, ..decide };
        let (read, _) = parts(clock, plan.strategy, vec![waker])?;
        let read = Bench { parts: Parts { feed: Some(ends.feed), ..read.parts }, ..read };
        starter.start("feed", read, factory()).await?;
        starter.start("engine", decide, factory()).await?;
    } else {
        let (all, _) = parts(clock, plan.strategy, Vec::new())?;
        let parts =
            Parts { feed: Some(ends.feed), engine: Some(ends.engine), gateway: Some(ends.gateway), ..all.parts };
        starter.start("wire", Bench { parts, ..all }, factory()).await?;
    }
    let reader = starter.wardens[0].0.clone();
    Ok(Threads { pages: readers, gauges: starter.gauges, wardens: starter.wardens, reader })
}

struct Ends {
    feed: FeedEnds,
    engine: EngineEnds,
    gateway: GatewayEnds,
}

impl Ends {
    fn new(instruments: usize) -> Self {
        let (writers, readers) = pages(instruments);
        let (market_tx, market_rx) = market::market(MARKET_RING, instruments);
        let (order_tx, order_rx) = order::orders(ORDER_RING);
        let (fill_tx, fill_rx) = fill::fills(FILL_RING);
        Self {
            feed: FeedEnds { market: market_tx, pages: writers },
            engine: EngineEnds { market: market_rx, pages: readers, orders: order_tx, fills: fill_rx },
            gateway: GatewayEnds::new(order_rx, fill_tx),
        }
    }
}

/// A thread's ends before it runs, and its warden's.
struct Bench {
    parts: Parts,
    desk: Desk,
}

fn parts(clock: &TscClock, strategy: Strategy, wakes: Vec<Waker>) -> Result<(Bench, Waker), ServiceError> {
    let (ports, desk): (Ports, Desk) = ports();
    let idle = Idle::new(strategy)?;
    let waker = idle.waker();
    let house = House::new(Box::new(clock.clone()), ports, idle, wakes);
    let parts = Parts { house, feed: None, engine: None, gateway: None, connections: Vec::new() };
    Ok((Bench { parts, desk }, waker))
}

struct Starter<'a> {
    config: &'a Config,
    clock: &'a TscClock,
    chronicle: &'a Arc<Mutex<Chronicle>>,
    sentinel: &'a Sentinel,
    journal: Option<&'a mut Prepared>,
    gauges: Vec<Gauge>,
    wardens: Vec<Warded>,
    cores: Vec<usize>,
}

impl Starter<'_> {
    async fn start(&mut self, name: &str, bench: Bench, factory: Factory) -> Result<(), ServiceError> {
        let wanted = self.cores.get(self.wardens.len()).copied();
        let core = wanted.filter(|number| Cores::given().numbers.contains(number)).map(|id| CoreId { id });
        if let (Some(number), None) = (wanted, core) {
            tracing::warn!(thread = name, core = number, "the core is not ours to use: the thread is not pinned");
        }
        self.gauges.push(Gauge::new(name, &bench.desk));
        let observer = self.sentinel.before(name, observer(name, self.chronicle));
        let (mut desk, mut observer) = (bench.desk, observer);
        if let Some(journal) = &mut self.journal {
            (desk, observer) = (journal.interpose(desk), journal.observe(observer));
        }
        let arguments = WardenArgs {
            name: name.to_owned(),
            core,
            desk,
            parts: bench.parts,
            factory,
            clock: Box::new(self.clock.clone()),
            rules: rules(self.config),
            observer,
        };
        self.wardens.push(Actor::spawn(Some(format!("warden-{name}")), Warden, arguments).await?);
        Ok(())
    }
}

fn rules(config: &Config) -> Rules {
    let (supervision, wire) = (&config.supervision, &config.wire);
    let stuck_ns = wire.thread_stuck_ms * 1_000_000;
    Rules {
        budget: Budget {
            restarts: supervision.thread_restarts,
            period_ns: supervision.thread_period_s * 1_000_000_000,
            backoff: Backoff { ..Budget::PINNED_THREAD.backoff },
        },
        heartbeat: Thresholds { late_ns: stuck_ns / 4, stuck_ns },
        ..Rules::default()
    }
}

/// Makes duties; every engine goes on from what the one before it left, with ids of its own, so that reports
/// to a dead one are strays. With `means` the gateway is a live one, without it is paper.
fn duty_factory(
    (universe, config): (Arc<Universe>, Config),
    pages: PageReaders,
    means: Option<Means>,
    succession: Succession,
) -> Factory {
    Box::new(move |parts: Parts| {
        let mut spec = universe.engine(&config, Mode::Halted, succession.epoch());
        if let Some(means) = &means {
            spec.funds.clone_from(&means.funds);
        }
        if parts.engine.is_some() {
            succession.equip(&mut spec);
        }
        let engine =
            parts.engine.map(|ends| Engine::new(&spec, ends).map_err(|error| error.to_string())).transpose()?;
        let settings = PaperSettings { latency_ns: config.paper.latency_ms * 1_000_000 };
        let instruments = &universe.instruments;
        let gateway = |ends| -> Box<dyn Gateway> {
            let Some(Means { rates, .. }) = &means else {
                return Box::new(PaperGateway::new(instruments, pages.clone(), settings, ends));
            };
            let skew_ns = i64::try_from(config.lines.skew_ms.saturating_mul(1_000_000)).unwrap_or(i64::MAX);
            let settings = LiveSettings { skew_ns, ..LiveSettings::default() };
            Box::new(LiveGateway::new(instruments, Venue::ALL.len(), rates, settings, ends))
        };
        let roles = Roles {
            feed: parts.feed.map(|ends| Feed::new(&universe.books(), Venue::ALL.len(), ends)),
            engine,
            gateway: parts.gateway.map(gateway),
        };
        Ok(Duty::new(parts.house, roles, Some(config.wire.warden_silent_ms * 1_000_000)))
    })
}
