//! The simulator as a whole: opens the rooms, runs the pulse, says where everything is, stops it all.

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use tokio::net::{TcpListener, TcpSocket};
use tokio::sync::watch;
use tokio::task::JoinSet;

use crate::binance::{self, Binance};
use crate::bybit::{self, Bybit};
use crate::config::{Board, Ports, RuleOverrides, SimulatorConfig, Venue};
use crate::control::Control;
use crate::desk::{Desk, Protocol, Rules};
use crate::feed::{Feed, Published};
use crate::market::Market;
use crate::market::book::Level;
use crate::okx::{self, Okx};
use crate::polymarket::{self, Polymarket, SharedHouse};
use crate::world::{Clock, World};
use crate::{rest, room};

/// Where a venue listens; append the venue's own paths.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Address {
    /// The venue.
    pub venue: Venue,
    /// Base of WebSocket addresses, such as `ws://127.0.0.1:40001`.
    pub ws: String,
    /// Base of REST addresses, such as `http://127.0.0.1:40002`.
    pub rest: String,
}

/// A book as it stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BookView {
    /// Update id.
    pub id: u64,
    /// Bids, best first, in ticks and lots.
    pub bids: Vec<Level>,
    /// Asks, best first, in ticks and lots.
    pub asks: Vec<Level>,
}

/// Venues in a box. Runs on the tokio runtime it was started on; dropping it stops it without waiting.
pub struct Simulator {
    world: Arc<World>,
    addresses: Vec<Address>,
    stop: watch::Sender<bool>,
    tasks: JoinSet<()>,
    house: SharedHouse,
}

impl Simulator {
    /// Binds every venue on 127.0.0.1 and starts the market.
    ///
    /// # Errors
    /// A port cannot be bound.
    pub async fn start(config: SimulatorConfig) -> io::Result<Self> {
        let clock = Clock::start();
        let boards: Vec<Board> = config.venues.iter().flat_map(|(venue, _)| venue.boards()).copied().collect();
        let market = Market::new(&config.market, &boards, clock.now_ns());
        let house = SharedHouse::new(config.polymarket.clone(), clock.now_ns());
        let desks = config.venues.iter().map(|&(venue, _)| desk(venue, &config, &market, &house)).collect();
        let world = Arc::new(World::new(market, desks, clock));
        let (stop, stopped) = watch::channel(false);
        let (mut tasks, mut addresses) = (JoinSet::new(), Vec::new());
        for &(venue, ports) in &config.venues {
            let (ws, rest_listener) = bind(ports).await?;
            addresses.push(Address {
                venue,
                ws: format!("ws://{}", ws.local_addr()?),
                rest: format!("http://{}", rest_listener.local_addr()?),
            });
            tasks.spawn(room::run(ws, venue, Arc::clone(&world), stopped.clone()));
            tasks.spawn(rest::run(rest_listener, router(venue, &world, &house), stopped.clone()));
        }
        tasks.spawn(pulse(Arc::clone(&world), config.pulse, stopped));
        Ok(Self { world, addresses, stop, tasks, house })
    }

    /// Where the venues listen, in the order of the configuration.
    pub fn addresses(&self) -> &[Address] {
        &self.addresses
    }

    /// The address of one venue, if it is open.
    pub fn address(&self, venue: Venue) -> Option<&Address> {
        self.addresses.iter().find(|a| a.venue == venue)
    }

    /// The handle that injects faults.
    pub fn control(&self) -> Control {
        Control { world: Arc::clone(&self.world) }
    }

    /// Takes Polymarket's matching engine down for a while, after which it takes only post-only orders for a while.
    pub fn restart_polymarket(&self, down: Duration, post_only: Duration) {
        self.house.restart(down.as_nanos() as u64, post_only.as_nanos() as u64);
    }

    /// Ground truth: the book of an instrument as it stands now.
    pub fn book(&self, board: Board, symbol: &str) -> Option<BookView> {
        self.world.listed(board, symbol, |market, index| {
            let book = market.book(index);
            BookView { id: book.id(), bids: book.bids(usize::MAX), asks: book.asks(usize::MAX) }
        })
    }

    /// Ground truth: what the latest pushes of a book stream led to, oldest first (at most 512).
    pub fn ledger(&self, venue: Venue, key: &str) -> Vec<Published> {
        let mut state = self.world.lock();
        let feed = state.desk(venue).and_then(|(_, desk)| desk.feeds.iter().find(|f| f.key == key));
        feed.map(Feed::ledger).unwrap_or_default()
    }

    /// Stops everything and waits until it has ended.
    pub async fn stop(mut self) {
        self.stop.send_replace(true);
        while self.tasks.join_next().await.is_some() {}
    }
}

fn desk(venue: Venue, config: &SimulatorConfig, market: &Market, house: &SharedHouse) -> Desk {
    let protocol: Box<dyn Protocol> = match venue {
        Venue::BinanceSpot => Box::new(Binance { usdm: false }),
        Venue::BinanceUsdm => Box::new(Binance { usdm: true }),
        Venue::Okx => Box::new(Okx),
        Venue::Bybit => Box::new(Bybit),
        Venue::Polymarket => Box::new(Polymarket(house.clone())),
    };
    let rules = overridden(protocol.rules(), &config.rules);
    let mut desk = Desk::new(venue, protocol, rules, config.queue_frames);
    desk.open_streams(market, u64::from(config.cadence_divisor));
    desk
}

/// A rule that the venue does not have (0) stays absent.
fn overridden(rules: Rules, overrides: &RuleOverrides) -> Rules {
    let or = |wanted: Option<Duration>, rule: u64| match wanted {
        Some(span) if rule > 0 => span.as_nanos() as u64,
        _ => rule,
    };
    Rules {
        connections: (overrides.connections.unwrap_or(rules.connections.0), rules.connections.1),
        ping_every_ns: or(overrides.ping_every, rules.ping_every_ns),
        pong_within_ns: or(overrides.pong_within, rules.pong_within_ns),
        idle_ns: or(overrides.idle, rules.idle_ns),
        lifetime_ns: or(overrides.lifetime, rules.lifetime_ns),
        ..rules
    }
}

/// Kernel buffer of one connection in bytes: small enough that a reader who stops is noticed soon.
const SEND_BUFFER: u32 = 128 << 10;

async fn bind(ports: Ports) -> io::Result<(TcpListener, TcpListener)> {
    let at = |port| SocketAddr::from((Ipv4Addr::LOCALHOST, port));
    let ws = TcpSocket::new_v4()?;
    ws.set_reuseaddr(true)?;
    ws.set_send_buffer_size(SEND_BUFFER)?; // accepted sockets inherit it
    ws.bind(at(ports.ws))?;
    Ok((ws.listen(1_024)?, TcpListener::bind(at(ports.rest)).await?))
}

fn router(venue: Venue, world: &Arc<World>, house: &SharedHouse) -> axum::Router {
    let world = Arc::clone(world);
    match venue {
        Venue::BinanceSpot => binance::rest::router(false, world),
        Venue::BinanceUsdm => binance::rest::router(true, world),
        Venue::Okx => okx::rest::router(world),
        Venue::Bybit => bybit::rest::router(world),
        Venue::Polymarket => polymarket::router(world, house.clone()),
    }
}

async fn pulse(world: Arc<World>, every: Duration, mut stop: watch::Receiver<bool>) {
    let mut timer = tokio::time::interval(every.max(Duration::from_micros(100)));
    timer.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Skip);
    loop {
        tokio::select! {
            _ = stop.changed() => return,
            _ = timer.tick() => world.pulse(),
        }
    }
}
