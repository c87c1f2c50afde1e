//! Four simulated exchanges and a service on paper that reads them over two lines each.

use crate::loss::Loss;
use crate::watcher::Watcher;
use highwire::config::{self, Config};
use highwire::service::{Orders, Service, VenueAddress, listings};
use highwire::universe::{Pairing, Universe};
use highwire_links::page::BookState;
use highwire_simulator::{AssetSpec, Deed, Endpoint, MarketConfig, Ports, Simulator, SimulatorConfig, Venue as Room};
use highwire_venues::venue::Venue;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// The exchanges, one board of each.
pub const ROOMS: [(Room, Venue); 4] = [
    (Room::BinanceSpot, Venue::BinanceSpot),
    (Room::BinanceUsdm, Venue::BinanceUsdm),
    (Room::Okx, Venue::Okx),
    (Room::Bybit, Venue::BybitSpot),
];
/// Places on the thread that a venue has: two lines, each with its successor's.
const SLOTS: u64 = 4;
/// A loss that is not found within this is not found.
const FOUND_WITHIN: Duration = Duration::from_secs(40);

/// One loss, as it went.
#[derive(Debug)]
pub struct Round {
    /// The venue's instruments.
    pub instruments: Vec<usize>,
    /// When it was lost, and when both lines were back.
    pub span: (Instant, Instant),
    /// How long it took until the line was given up; `None` when it never was.
    pub found: Option<Duration>,
}

/// Everything that runs.
pub struct Stage {
    pub watcher: Watcher,
    service: Service,
    simulator: Simulator,
    universe: Arc<Universe>,
}

impl Stage {
    /// Starts, and waits until every book is live on both lines.
    pub async fn start() -> Self {
        highwire::tls::choose_provider();
        let market =
            MarketConfig { assets: vec![AssetSpec::new("BTC", 65_000 * 100_000_000)], ..MarketConfig::default() };
        let venues = ROOMS.map(|(room, _)| (room, Ports::default())).to_vec();
        let simulator =
            Simulator::start(SimulatorConfig { market, venues, ..SimulatorConfig::default() }).await.unwrap();
        let config = settings();
        let addresses = ROOMS.map(|(room, venue)| address(&simulator, room, venue));
        let specs = listings(&reqwest::Client::new(), &addresses).await.unwrap();
        let universe = Arc::new(Universe::new(specs, &Pairing::new(&config, &[]).unwrap(), &config).unwrap());
        let service =
            Service::start(Arc::clone(&universe), &config, &addresses, Orders::Paper, None, None).await.unwrap();
        let watcher = Watcher::start(service.watch().pages.clone());
        let stage = Self { watcher, service, simulator, universe };
        for number in 0..ROOMS.len() {
            stage.wait_whole(number).await;
        }
        stage
    }

    /// Loses lines of one venue again and again, each in its turn.
    pub async fn rounds(&self, number: usize, loss: Loss, rounds: usize) -> Vec<Round> {
        let mut done = Vec::new();
        for round in 0..rounds {
            done.push(self.round(number, loss, round).await);
        }
        done
    }

    async fn round(&self, number: usize, loss: Loss, turn: usize) -> Round {
        let (room, control) = (ROOMS[number].0, self.simulator.control());
        let lines = self.wait_whole(number).await;
        self.take_ended(number);
        let lost = if loss.spares_one() { vec![lines[turn % lines.len()]] } else { lines };
        let began = Instant::now();
        loss.injections(room, &lost).into_iter().for_each(|injection| _ = control.apply(injection).unwrap());
        let mut found = None;
        while found.is_none() && began.elapsed() < FOUND_WITHIN {
            tokio::time::sleep(Duration::from_millis(2)).await;
            found = self.take_ended(number).then(|| began.elapsed());
        }
        self.wait_replaced(number, &lost).await;
        control.take_back(|_, target| target.venue == Some(room));
        Round { instruments: self.instruments(number), span: (began, Instant::now()), found }
    }

    /// Whether a line of the venue has ended since last asked; the words of other venues are left.
    fn take_ended(&self, number: usize) -> bool {
        let mut chronicle = self.service.watch().chronicle();
        let before = chronicle.notices.len();
        chronicle.notices.retain(|notice| slot(notice).is_none_or(|slot| slot / SLOTS != number as u64));
        chronicle.notices.len() < before
    }

    fn instruments(&self, number: usize) -> Vec<usize> {
        self.universe.of_venue(ROOMS[number].1).iter().map(|id| id.index()).collect()
    }

    /// The venue's connections that stand, as its ledger has them.
    fn lines(&self, number: usize) -> Vec<u64> {
        let mut standing = Vec::new();
        for record in self.simulator.records(0).iter().filter(|record| record.venue == ROOMS[number].0) {
            match record.deed {
                Deed::Connected { conn, transport: "ws", .. } => standing.push(conn),
                Deed::Disconnected { conn } => standing.retain(|&other| other != conn),
                _ => {}
            }
        }
        standing
    }

    /// Waits until two lines of a venue have stood for a moment and its books are live; which they are.
    async fn wait_whole(&self, number: usize) -> Vec<u64> {
        self.wait(number, |lines| lines.len() == 2).await
    }

    /// Waits until there are two lines beside those that were lost.
    async fn wait_replaced(&self, number: usize, lost: &[u64]) {
        self.wait(number, |lines| lines.iter().filter(|line| !lost.contains(line)).count() >= 2).await;
    }

    async fn wait(&self, number: usize, enough: impl Fn(&[u64]) -> bool) -> Vec<u64> {
        let (until, mut since) = (Instant::now() + Duration::from_secs(60), Instant::now());
        let live = |id: &usize| self.service.watch().pages.read(*id).is_some_and(|page| page.state == BookState::Live);
        loop {
            let lines = self.lines(number);
            let notices = || self.service.watch().chronicle().notices.join("\n");
            assert!(Instant::now() < until, "{:?} never whole: {lines:?}\n{}", ROOMS[number], notices());
            if !enough(&lines) || !self.instruments(number).iter().all(live) {
                since = Instant::now();
            }
            if since.elapsed() >= Duration::from_millis(300) {
                return lines;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }

    pub async fn stop(self) {
        drop(self.watcher);
        self.service.stop().await;
        self.simulator.stop().await;
    }
}

/// The slot of `line 5 ended: …`.
fn slot(notice: &str) -> Option<u64> {
    notice.strip_prefix("line ")?.split(' ').next()?.parse().ok()
}

/// Connections may follow each other at once: it is the losses that are measured, not the venues' patience.
fn settings() -> Config {
    let keys = [("ATTEMPTS", "300"), ("ATTEMPTS_PERIOD_S", "1"), ("STABLE_MS", "0")];
    let keys = keys.map(|(key, value)| (format!("HIGHWIRE__LINES__{key}"), value.to_owned()));
    let first = ("HIGHWIRE__SUPERVISION__BACKOFF_BASE_MS".to_owned(), "10".to_owned());
    config::load_from(None, keys.into_iter().chain([first])).unwrap().config
}

fn address(simulator: &Simulator, room: Room, venue: Venue) -> VenueAddress {
    let at = Endpoint::ALL.map(|endpoint| simulator.endpoint(room, endpoint).unwrap());
    VenueAddress { venue, ws: at.map(|at| at.ws.clone()).to_vec(), rest: at[0].rest.clone() }
}
