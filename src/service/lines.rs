//! One pool per venue: its lines, their addresses and places on the thread, its snapshots and its clock.

use super::ServiceError;
use crate::config::Config;
use crate::universe::Universe;
use highwire_actors::alert::AlertMsg;
use highwire_actors::lookout::LookoutMsg;
use highwire_actors::market_line::MarketLine;
use highwire_actors::pool::{FeedPlan, LineKey, Pool, PoolArgs, PoolMsg};
use highwire_actors::session::SessionArgs;
use highwire_actors::timekeeper::{Timekeeper, TimekeeperArgs, TimekeeperMsg};
use highwire_actors::warden::WardenMsg;
use highwire_engine::clock::TscClock;
use highwire_links::InstrumentId;
use highwire_links::directory::Entry;
use highwire_links::limits::CONNECTIONS_MAX;
use highwire_supervision::attempts::AttemptRule;
use highwire_supervision::backoff::Backoff;
use highwire_supervision::failover::Timing;
use highwire_supervision::lineset::{Kind, LineSetRule};
use highwire_supervision::rotation::RotationRule;
use highwire_venues::plan::Channels;
use highwire_venues::rest;
use highwire_venues::venue::Venue;
use ractor::{Actor, ActorRef};
use rustls::ClientConfig;
use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;
use tokio::task::JoinHandle;

/// Places on the thread that each line has: its own, and its successor's.
const SLOTS_PER_LINE: u16 = 2;

/// Where a venue is.
#[derive(Clone, Debug)]
pub struct VenueAddress {
    /// The venue.
    pub venue: Venue,
    /// `ws://host:port` or `wss://host`, one or more.
    pub ws: Vec<String>,
    /// `http://host:port`.
    pub rest: String,
}

/// Whom a venue's actors speak to.
pub struct Circle<'a> {
    /// Every warden.
    pub wardens: Vec<ActorRef<WardenMsg>>,
    /// The warden of the thread that reads the sockets.
    pub reader: ActorRef<WardenMsg>,
    /// Where incidents go.
    pub alerts: ActorRef<AlertMsg>,
    /// Who watches whether any venue is left.
    pub lookout: ActorRef<LookoutMsg>,
    /// The threads' clock.
    pub clock: &'a TscClock,
    /// TLS settings.
    pub tls: Arc<ClientConfig>,
    /// HTTP client.
    pub http: reqwest::Client,
}

/// A venue's running actors.
pub struct VenueActors {
    /// Its lines.
    pub pool: (ActorRef<PoolMsg>, JoinHandle<()>),
    timekeeper: Option<(ActorRef<TimekeeperMsg>, JoinHandle<()>)>,
}

impl VenueActors {
    /// Ends them, lines last.
    pub async fn stop(self) {
        if let Some((timekeeper, handle)) = self.timekeeper {
            timekeeper.stop(None);
            let _ended = handle.await;
        }
        let (pool, handle) = self.pool;
        pool.stop(None);
        // A pool that panicked has ended too.
        let _ended = handle.await;
    }
}

/// Starts a venue's actors. Its lines take the slots from `first_slot` on; the first free one after
/// them comes back.
///
/// # Errors
/// No room on the thread, or an actor that could not be started.
pub async fn start(
    universe: &Universe,
    config: &Config,
    address: &VenueAddress,
    first_slot: u16,
    circle: &Circle<'_>,
) -> Result<(VenueActors, u16), ServiceError> {
    let settings = config.venues.get(address.venue.name());
    let lines = settings.map_or(1, |settings| settings.lines);
    let next_slot = first_slot + lines * SLOTS_PER_LINE;
    if usize::from(next_slot) > CONNECTIONS_MAX {
        return Err(ServiceError::TooManyLines);
    }
    let arguments = pool(universe, config, address, (first_slot, lines), circle);
    let pool = Actor::spawn(None, Pool, arguments).await?;
    let measured = settings.is_none_or(|settings| settings.clock == crate::config::Clock::Measured);
    let timekeeper = if measured {
        Some(Actor::spawn(None, Timekeeper, timekeeper(config, address, pool.0.clone(), circle)).await?)
    } else {
        None
    };
    Ok((VenueActors { pool, timekeeper }, next_slot))
}

fn pool(
    universe: &Universe,
    config: &Config,
    address: &VenueAddress,
    (first_slot, lines): (u16, u16),
    circle: &Circle<'_>,
) -> PoolArgs {
    let line = market_line(universe, config, address, circle);
    let timeout = Duration::from_millis(config.lines.connect_ms);
    let traded: HashSet<InstrumentId> =
        universe.pairs.iter().filter(|pair| pair.spec.members.len() > 1).flat_map(|p| p.spec.members.clone()).collect();
    let snapshots = line.snapshots(&address.rest, circle.http.clone(), timeout, traded);
    let (timing, clock, reader) = (timing(config), circle.clock.clone(), circle.reader.clone());
    let seed = u64::from(first_slot) << 32 | u64::from(std::process::id());
    PoolArgs {
        venue: address.venue.id(),
        name: address.venue.name().to_owned(),
        wardens: circle.wardens.clone(),
        reader: circle.reader.clone(),
        clock: Box::new(circle.clock.clone()),
        feeds: vec![FeedPlan { kind: Kind::Market, bases: address.ws.clone(), lines }],
        make: Box::new(move |key: LineKey, pool| SessionArgs {
            key,
            pool,
            warden: reader.clone(),
            clock: Box::new(clock.clone()),
            recipe: line.recipe(seed),
            slots: [0, 1].map(|berth| first_slot + key.index * SLOTS_PER_LINE + berth),
            timing,
            rotation: RotationRule::default(),
            seed: seed ^ u64::from(key.index),
        }),
        snapshots,
        cancel_all: None,
        attempts: AttemptRule {
            limit: config.lines.attempts,
            period_ns: config.lines.attempts_period_s.saturating_mul(1_000_000_000),
            ..AttemptRule::default()
        },
        lines: LineSetRule::default(),
        alerts: circle.alerts.clone(),
        lookout: circle.lookout.clone(),
        seed,
    }
}

fn market_line(universe: &Universe, config: &Config, address: &VenueAddress, circle: &Circle<'_>) -> MarketLine {
    let of_venue = universe.specs.iter().zip(&universe.instruments).filter(|(spec, _)| spec.venue == address.venue);
    MarketLine {
        venue: address.venue,
        symbols: of_venue.map(|(spec, i)| (spec.symbol.clone(), Entry { id: i.id, scale: i.scale })).collect(),
        channels: Channels { depth: true, top: true, trades: false },
        tls: Arc::clone(&circle.tls),
        silent_ns: ns(config.lines.silent_ms),
    }
}

fn timing(config: &Config) -> Timing {
    let supervision = &config.supervision;
    Timing {
        connect_ns: ns(config.lines.connect_ms),
        sync_ns: ns(config.lines.sync_ms),
        stable_ns: ns(config.lines.stable_ms),
        backoff: Backoff { first_ns: ns(supervision.backoff_base_ms), max_ns: ns(supervision.backoff_cap_ms) },
    }
}

fn timekeeper(config: &Config, address: &VenueAddress, pool: ActorRef<PoolMsg>, circle: &Circle<'_>) -> TimekeeperArgs {
    let venue = address.venue;
    TimekeeperArgs {
        pool,
        clock: Box::new(circle.clock.clone()),
        http: circle.http.clone(),
        url: format!("{}{}", address.rest, rest::time_path(venue)),
        parse: Box::new(move |body| rest::parse_time(venue, body)),
        every: Duration::from_millis(config.lines.clock_every_ms),
        limit_ns: ns(config.lines.skew_ms),
    }
}

fn ns(ms: u64) -> u64 {
    ms.saturating_mul(1_000_000)
}
