//! One pool per venue: its lines, their addresses and places on the thread, its snapshots and its clock.

use super::ServiceError;
use super::breakers::Breakers;
use super::brood::{Brood, VenueActors};
use super::listing;
use super::reconciling::Reconciling;
use super::trading::{Trading, VenueTrading};
use super::withdrawing::cancel_all;
use crate::config::Config;
use crate::universe::Universe;
use highwire_actors::address::Address;
use highwire_actors::alerter::Bell;
use highwire_actors::allowance::Allowance;
use highwire_actors::beat::Beat;
use highwire_actors::bookkeeper::BookkeeperArgs;
use highwire_actors::dead_man::{self, DeadManArgs};
use highwire_actors::governor::GovernorMsg;
use highwire_actors::lister::ListerArgs;
use highwire_actors::market_line::MarketLine;
use highwire_actors::pool::{FeedPlan, Keepers, LineKey, MakeSession, PoolArgs, PoolMsg};
use highwire_actors::reconciler::ReconcilerArgs;
use highwire_actors::session::SessionArgs;
use highwire_actors::timekeeper::TimekeeperArgs;
use highwire_actors::trading_line::TradingLine;
use highwire_actors::warden::WardenMsg;
use highwire_engine::clock::TscClock;
use highwire_links::InstrumentId;
use highwire_links::directory::Entry;
use highwire_links::limits::{CONNECTIONS_MAX, ORDER_LINES_MAX};
use highwire_supervision::attempts::AttemptRule;
use highwire_supervision::backoff::Backoff;
use highwire_supervision::failover::Timing;
use highwire_supervision::lineset::{Kind, LineSetRule};
use highwire_supervision::rotation::RotationRule;
use highwire_venues::plan::Channels;
use highwire_venues::rest;
use highwire_venues::venue::Venue;
use ractor::ActorRef;
use rustls::ClientConfig;
use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

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
#[derive(Clone)]
pub struct Circle {
    /// Every warden.
    pub wardens: Vec<ActorRef<WardenMsg>>,
    /// The warden of the thread that reads the sockets.
    pub reader: ActorRef<WardenMsg>,
    /// Where incidents go.
    pub alerts: Bell,
    /// Who decides what a venue may do.
    pub governor: Address<GovernorMsg>,
    /// What keeps from asking a venue that does not answer.
    pub breakers: Breakers,
    /// The threads' clock.
    pub clock: TscClock,
    /// TLS settings.
    pub tls: Arc<ClientConfig>,
    /// HTTP client.
    pub http: reqwest::Client,
    /// Where orders go, if not to paper.
    pub trading: Option<Trading>,
    /// Who reconciles with its venues.
    pub reconciling: Option<Reconciling>,
}

/// The first free places on the threads: of market lines, and of lines for orders and private news.
#[derive(Clone, Copy, Debug)]
pub struct Places {
    market: u16,
    trading: u16,
}

impl Default for Places {
    fn default() -> Self {
        Self { market: 0, trading: CONNECTIONS_MAX as u16 }
    }
}

/// Starts a venue's actors. Its lines take their places from `places`, which comes back without them.
///
/// # Errors
/// No room on a thread, or an actor that could not be started.
pub async fn start(
    universe: &Arc<Universe>,
    config: &Arc<Config>,
    address: &VenueAddress,
    places: Places,
    circle: &Circle,
) -> Result<(VenueActors, Places), ServiceError> {
    let settings = config.venues.get(address.venue.name());
    let trading = circle.trading.as_ref().and_then(|trading| trading.of(address.venue.id()));
    let feeds = feeds(address, settings.map_or(1, |settings| settings.lines), trading);
    let lines = |orders: bool| {
        feeds.iter().filter(|feed| (feed.kind != Kind::Market) == orders).map(|feed| feed.lines).sum::<u16>()
    };
    let next = Places {
        market: places.market + lines(false) * SLOTS_PER_LINE,
        trading: places.trading + lines(true) * SLOTS_PER_LINE,
    };
    if usize::from(next.market) > CONNECTIONS_MAX || usize::from(next.trading) > CONNECTIONS_MAX + ORDER_LINES_MAX {
        return Err(ServiceError::TooManyLines);
    }
    let (universe, config) = (Arc::clone(universe), Arc::clone(config));
    // Everything that asks the venue heeds what it says to any of us.
    let allowance = circle.breakers.allowance(address.venue, &address.rest);
    let brood = Brood { universe, config, address: address.clone(), feeds, places, circle: circle.clone(), allowance };
    Ok((brood.start().await?, next))
}

fn feeds(address: &VenueAddress, lines: u16, trading: Option<&VenueTrading>) -> Vec<FeedPlan> {
    let mut feeds = vec![FeedPlan { kind: Kind::Market, bases: address.ws.clone(), lines }];
    if let Some(trading) = trading {
        let feed = |kind, bases: &[String], lines| FeedPlan { kind, bases: bases.to_vec(), lines };
        feeds.push(feed(Kind::Orders, &trading.order_bases, trading.order_lines));
        feeds.push(feed(Kind::Private, &trading.private_bases, 1));
    }
    feeds
}

pub(super) fn pool(brood: &Brood) -> PoolArgs {
    let Brood { universe, config, address, feeds, places, circle, allowance } = brood;
    let (feeds, places) = (feeds.clone(), *places);
    let line = market_line(universe, config, (address, allowance), circle);
    let timeout = Duration::from_millis(config.lines.connect_ms);
    let traded: HashSet<InstrumentId> = universe.traded().into_iter().collect();
    let snapshots = line.snapshots(&address.rest, circle.http.clone(), timeout, traded);
    let probe = line.probe(&address.rest, circle.http.clone(), timeout);
    let trading = circle.trading.as_ref().and_then(|trading| trading.of(address.venue.id())).cloned();
    let seed = u64::from(places.market) << 32 | u64::from(std::process::id());
    PoolArgs {
        venue: address.venue.id(),
        name: address.venue.name().to_owned(),
        wardens: circle.wardens.clone(),
        reader: circle.reader.clone(),
        clock: Box::new(circle.clock.clone()),
        feeds,
        snapshots,
        probe,
        cancel_all: trading.as_ref().map(|trading| cancel_all(&trading.line)),
        keepers: Keepers::default(),
        make: sessions(line, trading.map(|trading| (trading.line, trading.order_lines)), config, places, circle),
        attempts: AttemptRule {
            limit: config.lines.attempts,
            period_ns: config.lines.attempts_period_s.saturating_mul(1_000_000_000),
            ..AttemptRule::default()
        },
        lines: LineSetRule::default(),
        alerts: circle.alerts.clone(),
        governor: circle.governor.clone(),
        allowance: allowance.clone(),
        again: false,
        beat: Beat::default(),
        seed,
    }
}

/// Makes the sessions of a venue. Market lines stand at the thread that reads, the others at the one that
/// holds the gateway: the last.
fn sessions(
    market: MarketLine,
    trading: Option<(TradingLine, u16)>,
    config: &Config,
    places: Places,
    circle: &Circle,
) -> MakeSession {
    let (timing, clock, reader) = (timing(config), circle.clock.clone(), circle.reader.clone());
    let gateway = circle.wardens.last().unwrap_or(&circle.reader).clone();
    let seed = u64::from(std::process::id());
    Box::new(move |key: LineKey, pool| {
        let seed = seed ^ u64::from(key.index) ^ (key.kind as u64) << 16;
        let (warden, recipe, first) = match (&trading, key.kind) {
            (Some((trading, _)), Kind::Orders) => (&gateway, trading.recipe(key.kind, seed), places.trading),
            (Some((trading, order_lines)), Kind::Private) => {
                (&gateway, trading.recipe(key.kind, seed), places.trading + order_lines * SLOTS_PER_LINE)
            }
            _ => (&reader, market.recipe(seed), places.market),
        };
        SessionArgs {
            key,
            pool,
            warden: warden.clone(),
            clock: Box::new(clock.clone()),
            recipe,
            slots: [0, 1].map(|berth| first + key.index * SLOTS_PER_LINE + berth),
            timing,
            rotation: RotationRule::default(),
            seed,
        }
    })
}

pub(super) fn bookkeeper(line: &TradingLine, brood: &Brood) -> BookkeeperArgs {
    let Brood { config, circle, .. } = brood;
    BookkeeperArgs {
        account: line.account.clone(),
        listed: Arc::clone(&line.listed),
        warden: circle.wardens.last().unwrap_or(&circle.reader).clone(),
        alerts: circle.alerts.clone(),
        every: Duration::from_millis(config.lines.funds_every_ms),
    }
}

pub(super) fn reconciler(trading: &VenueTrading, reconciling: &Reconciling, brood: &Brood) -> ReconcilerArgs {
    let Brood { config, circle, .. } = brood;
    let line = &trading.line;
    ReconcilerArgs {
        account: line.account.clone(),
        side: Box::new(reconciling.side(line)),
        warden: circle.wardens.last().unwrap_or(&circle.reader).clone(),
        alerts: circle.alerts.clone(),
        governor: circle.governor.clone(),
        budget: trading.reconciling_budget(),
        every: Duration::from_millis(config.lines.reconcile_every_ms),
        has_agreed: reconciling.has_agreed(line.account.venue),
    }
}

pub(super) fn dead_man_of(line: &TradingLine, config: &Config, pool: Address<PoolMsg>) -> DeadManArgs {
    let after = dead_man::period(line.account.venue, Duration::from_millis(config.lines.dead_man_ms));
    DeadManArgs { account: line.account.clone(), listed: Arc::clone(&line.listed), after, pool }
}

fn market_line(
    universe: &Universe,
    config: &Config,
    (address, allowance): (&VenueAddress, &Allowance),
    circle: &Circle,
) -> MarketLine {
    let here = universe.specs.iter().zip(&universe.instruments).filter(|(spec, _)| spec.venue == address.venue);
    // Of a market that has ended nothing comes any more.
    let of_venue = here.filter(|(_, instrument)| !universe.ended.contains(instrument.id));
    MarketLine {
        venue: address.venue,
        symbols: of_venue.map(|(spec, i)| (spec.symbol.clone(), Entry { id: i.id, scale: i.scale })).collect(),
        // Polymarket's tops have no sizes, and come with news of every market that there is.
        channels: Channels { depth: true, top: address.venue != Venue::Polymarket, trades: false },
        tls: Arc::clone(&circle.tls),
        silent_ns: ns(config.lines.silent_ms),
        allowance: allowance.clone(),
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

pub(super) fn timekeeper(brood: &Brood, path: &str, pool: Address<PoolMsg>) -> TimekeeperArgs {
    let Brood { config, address, circle, allowance, .. } = brood;
    let venue = address.venue;
    let trading = circle.trading.as_ref().and_then(|trading| trading.of(venue.id()));
    TimekeeperArgs {
        pool,
        clock: Box::new(circle.clock.clone()),
        http: circle.http.clone(),
        allowance: allowance.clone(),
        cost: rest::cost(venue, path),
        url: format!("{}{path}", address.rest),
        parse: Box::new(move |body| rest::parse_time(venue, body)),
        grain_ns: ns(rest::time_grain_ms(venue)),
        every: Duration::from_millis(config.lines.clock_every_ms),
        offset_ns: trading.map_or_else(Arc::default, |trading| Arc::clone(&trading.line.account.offset_ns)),
        limit_ns: ns(config.lines.skew_ms),
    }
}

pub(super) fn lister(brood: &Brood, pool: Address<PoolMsg>) -> ListerArgs {
    let Brood { universe, config, address, circle, allowance, .. } = brood;
    let of_venue = universe.instruments.iter().zip(&universe.specs).filter(|(_, spec)| spec.venue == address.venue);
    ListerArgs {
        pool,
        venue: address.venue,
        http: circle.http.clone(),
        allowance: allowance.clone(),
        urls: listing::urls(address),
        known: of_venue.map(|(instrument, spec)| (instrument.id, spec.clone())).collect(),
        every: Duration::from_secs(config.lines.listing_every_s),
    }
}

fn ns(ms: u64) -> u64 {
    ms.saturating_mul(1_000_000)
}
