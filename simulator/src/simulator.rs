//! The simulator as a whole: opens the rooms, runs the pulse, says where everything is, stops it all.

use std::collections::BTreeMap;
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use tokio::net::TcpListener;
use tokio::sync::{mpsc, watch};
use tokio::task::JoinSet;

use crate::binance::{self, Binance};
use crate::bybit::{self, Bybit};
use crate::config::{Board, Endpoint, Ports, RuleOverrides, SimulatorConfig, Venue};
use crate::control::Control;
use crate::control::port::{self, Port};
use crate::desk::{Desk, Protocol, Rules};
use crate::door::{Door, bind};
use crate::exchange::Exchange;
use crate::feed::{Feed, Published};
use crate::ledger::Record;
use crate::market::Market;
use crate::market::book::Level;
use crate::members::Member;
use crate::okx::{self, Okx};
use crate::polymarket::{self, Entry, Polymarket, SharedHouse};
use crate::rest::faulty::behind_faults;
use crate::rest::{self, Guests};
use crate::room;
use crate::tls::Certificates;
use crate::world::{Clock, World};

/// Where a venue listens; append the venue's own paths.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Address {
    /// The venue.
    pub venue: Venue,
    /// Which of its two addresses.
    pub endpoint: Endpoint,
    /// Base of WebSocket addresses, such as `ws://127.0.0.1:40001` (`wss` with TLS).
    pub ws: String,
    /// Base of REST addresses, such as `http://127.0.0.1:40002` (`https` with TLS).
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
    members: BTreeMap<Venue, Vec<Member>>,
    addresses: Vec<Address>,
    control_at: Option<SocketAddr>,
    ca_pem: Option<String>,
    stop: watch::Sender<bool>,
    tasks: JoinSet<()>,
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
        let members: BTreeMap<Venue, Vec<Member>> = config
            .venues
            .iter()
            .map(|&(venue, _)| (venue, config.members.iter().map(Member::at_a_venue).collect()))
            .collect();
        let desks =
            config.venues.iter().map(|&(venue, _)| desk(venue, &members[&venue], (&config, &market, &house))).collect();
        let certificates = if config.tls { Some(Arc::new(Certificates::make()?)) } else { None };
        let world = Arc::new(World::new(market, desks, house, clock, config.market.seed, config.tls));
        let (stop, stopped) = watch::channel(false);
        let ca_pem = certificates.as_ref().map(|certificates| certificates.ca_pem.clone());
        let tasks = JoinSet::new();
        let mut this = Self { world, members, addresses: Vec::new(), control_at: None, ca_pem, stop, tasks };
        for &(venue, ports) in &config.venues {
            let served = router(venue, &this.world, &this.members[&venue]);
            for endpoint in Endpoint::ALL {
                this.open(venue, endpoint, ports, &served, certificates.as_ref(), &stopped)?;
            }
        }
        if let Some(port) = config.control {
            this.open_control(port, stopped.clone()).await?;
        }
        for injection in config.script {
            this.control().apply(injection).map_err(io::Error::other)?;
        }
        this.tasks.spawn(pulse(Arc::clone(&this.world), config.pulse, stopped));
        Ok(this)
    }

    fn open(
        &mut self,
        venue: Venue,
        endpoint: Endpoint,
        ports: Ports,
        served: &axum::Router,
        certificates: Option<&Arc<Certificates>>,
        stopped: &watch::Receiver<bool>,
    ) -> io::Result<()> {
        let (ws_port, rest_port) = match endpoint {
            Endpoint::A => (ports.ws, ports.rest),
            Endpoint::B => (ports.ws_b, ports.rest_b),
        };
        let (ws, rest) = (bind(loopback(ws_port))?, bind(loopback(rest_port))?);
        let s = if certificates.is_some() { "s" } else { "" };
        let ws_base = format!("ws{s}://{}", ws.local_addr()?);
        let rest_base = format!("http{s}://{}", rest.local_addr()?);
        self.addresses.push(Address { venue, endpoint, ws: ws_base, rest: rest_base });
        let door = |socket| {
            let (world, certificates) = (Arc::clone(&self.world), certificates.cloned());
            Door { venue, endpoint, socket, world, certificates }
        };
        let ((ws_in, ws_guests), (rest_in, rest_guests)) = (mpsc::channel(GUESTS_MAX), mpsc::channel(GUESTS_MAX));
        self.tasks.spawn(door(true).run(ws, ws_in, stopped.clone()));
        self.tasks.spawn(door(false).run(rest, rest_in, stopped.clone()));
        self.tasks.spawn(room::run(ws_guests, venue, Arc::clone(&self.world), stopped.clone()));
        let router = behind_faults(served.clone(), venue, endpoint, Arc::clone(&self.world));
        self.tasks.spawn(rest::run(Guests(rest_guests), router, stopped.clone()));
        Ok(())
    }

    async fn open_control(&mut self, port: u16, stopped: watch::Receiver<bool>) -> io::Result<()> {
        let listener = TcpListener::bind(loopback(port)).await?;
        self.control_at = Some(listener.local_addr()?);
        let (control, addresses) = (self.control(), self.addresses.clone());
        let router = port::router(Port { control, addresses, ca_pem: self.ca_pem.clone() });
        self.tasks.spawn(rest::run(listener, router, stopped));
        Ok(())
    }

    /// Where the venues listen: both addresses of each, in the order of the configuration.
    pub fn addresses(&self) -> &[Address] {
        &self.addresses
    }

    /// The first address of one venue, if it is open.
    pub fn address(&self, venue: Venue) -> Option<&Address> {
        self.endpoint(venue, Endpoint::A)
    }

    /// One address of one venue, if it is open.
    pub fn endpoint(&self, venue: Venue, endpoint: Endpoint) -> Option<&Address> {
        self.addresses.iter().find(|a| a.venue == venue && a.endpoint == endpoint)
    }

    /// Base of the control port, such as `http://127.0.0.1:40003`, if there is one.
    pub fn control_address(&self) -> Option<String> {
        self.control_at.map(|at| format!("http://{at}"))
    }

    /// The certificate (PEM) of the authority that signed the run's certificates, if TLS is served.
    pub fn ca_pem(&self) -> Option<&str> {
        self.ca_pem.as_deref()
    }

    /// The handle that injects faults.
    pub fn control(&self) -> Control {
        Control { world: Arc::clone(&self.world) }
    }

    /// Ground truth: Polymarket's ledger from entry number `from` on.
    pub fn polymarket_ledger(&self, from: u64) -> Vec<Entry> {
        self.world.house.ledger(from)
    }

    /// Ground truth: what happened at every venue, from record number `from` on.
    pub fn records(&self, from: u64) -> Vec<Record> {
        self.world.lock().ledger.since(from)
    }

    /// Ground truth: the book of an instrument as it stands now.
    pub fn book(&self, board: Board, symbol: &str) -> Option<BookView> {
        self.world.listed(board, symbol, |market, index| {
            let book = market.book(index);
            BookView { id: book.id(), bids: book.bids(usize::MAX), asks: book.asks(usize::MAX) }
        })
    }

    /// Ground truth: what the latest pushes of a book stream led to, oldest first (at most 4096).
    pub fn ledger(&self, venue: Venue, key: &str) -> Vec<Published> {
        let mut state = self.world.lock();
        let feed = state.desk(venue).and_then(|(_, desk)| desk.feeds.iter().find(|f| f.key == key));
        feed.map(Feed::ledger).unwrap_or_default()
    }

    /// A venue takes this key no more, on sessions that it logged in either; whether it had it.
    pub fn revoke_key(&self, venue: Venue, key: &str) -> bool {
        let mut known = self.members.get(&venue).into_iter().flatten().filter(|member| member.key == key);
        known.next().map(|member| member.revoked.store(true, Ordering::Release)).is_some()
    }

    /// Stops everything and waits until it has ended.
    pub async fn stop(mut self) {
        self.stop.send_replace(true);
        self.world.lock().faults.links.clear(); // relays end with their links
        while self.tasks.join_next().await.is_some() {}
    }
}

fn desk(venue: Venue, members: &[Member], (config, market, house): (&SimulatorConfig, &Market, &SharedHouse)) -> Desk {
    let protocol: Box<dyn Protocol> = match venue {
        Venue::BinanceSpot => Box::new(Binance { usdm: false, members: members.to_vec() }),
        Venue::BinanceUsdm => Box::new(Binance { usdm: true, members: members.to_vec() }),
        Venue::Okx => Box::new(Okx { members: members.to_vec() }),
        Venue::Bybit => Box::new(Bybit { members: members.to_vec() }),
        Venue::Polymarket => Box::new(Polymarket(house.clone())),
    };
    let rules = overridden(protocol.rules(), &config.rules);
    let lag_b_ns = config.lag_b.as_nanos() as u64;
    let exchange = Exchange::new(venue, members, config.rules.patience.unwrap_or(1));
    let mut desk = Desk::new(exchange, protocol, rules, config.queue_frames, lag_b_ns);
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

/// Connections that may wait between a door and its room.
const GUESTS_MAX: usize = 64;

fn loopback(port: u16) -> SocketAddr {
    SocketAddr::from((Ipv4Addr::LOCALHOST, port))
}

impl Drop for Simulator {
    fn drop(&mut self) {
        self.stop.send_replace(true);
        self.world.lock().faults.links.clear();
    }
}

fn router(venue: Venue, world: &Arc<World>, members: &[Member]) -> axum::Router {
    let (world, members) = (Arc::clone(world), members.to_vec());
    match venue {
        Venue::BinanceSpot => binance::rest::router(false, world, members),
        Venue::BinanceUsdm => binance::rest::router(true, world, members),
        Venue::Okx => okx::rest::router(world, members),
        Venue::Bybit => bybit::rest::router(world, members),
        Venue::Polymarket => polymarket::router(world),
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
