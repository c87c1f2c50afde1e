//! Four simulated exchanges and a service on paper that reads them over two lines each, or more.

use crate::loss::Loss;
use crate::watcher::Watcher;
use highwire::config::{self, Config};
use highwire::service::{Orders, Service, VenueAddress, listings};
use highwire::universe::{Pairing, Universe};
use highwire_links::Nanos;
use highwire_links::audit::Verdict;
use highwire_links::page::BookState;
use highwire_simulator::{AssetSpec, Deed, Endpoint, MarketConfig, Ports, Simulator, SimulatorConfig, Venue as Room};
use highwire_venues::venue::Venue;
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::sync::{Mutex, MutexGuard};

/// The exchanges, one board of each.
pub const ROOMS: [(Room, Venue); 4] = [
    (Room::BinanceSpot, Venue::BinanceSpot),
    (Room::BinanceUsdm, Venue::BinanceUsdm),
    (Room::Okx, Venue::Okx),
    (Room::Bybit, Venue::BybitSpot),
];
/// Stages share the processor: one at a time.
static TURN: Mutex<()> = Mutex::const_new(());
/// Connections of a venue begin a second apart: so long it is left in peace before its next loss.
const PEACE: Duration = Duration::from_millis(1_100);
/// So long everything must have stood for a loss to be over.
const OVER: Duration = Duration::from_millis(50);
/// A loss that is not found within this is not found.
const FOUND_WITHIN: Duration = Duration::from_secs(40);

/// One loss, as it went.
#[derive(Debug)]
pub struct Round {
    /// The venue.
    pub venue: &'static str,
    /// The venue's instruments.
    pub instruments: Vec<usize>,
    /// When it was lost, and when both lines were back.
    pub span: (Nanos, Nanos),
    /// How long it took until the line was seen to be silent, or was given up; `None` when it never was.
    pub found: Option<Duration>,
    /// The machine kept the reading thread from running for so long meanwhile that its warden noticed.
    pub was_late: bool,
}

/// Connections by the ledger, of which each record is read once: a long run's is too long to be read at each look.
#[derive(Default)]
struct Standing {
    next: u64,
    lines: [Vec<u64>; ROOMS.len()],
}

impl Standing {
    fn follow(&mut self, simulator: &Simulator) {
        for record in simulator.records(self.next) {
            self.next = record.number + 1;
            let Some(number) = ROOMS.iter().position(|(room, _)| *room == record.venue) else { continue };
            match record.deed {
                Deed::Connected { conn, transport: "ws", .. } => self.lines[number].push(conn),
                Deed::Disconnected { conn } => self.lines[number].retain(|&other| other != conn),
                _ => {}
            }
        }
    }
}

/// Everything that runs.
pub struct Stage {
    pub watcher: Watcher,
    service: Service,
    simulator: Simulator,
    universe: Arc<Universe>,
    config: Config,
    lines: usize,
    /// Each venue's connections that stand.
    standing: RefCell<Standing>,
    /// How many notices each venue has heard.
    heard: RefCell<[u64; ROOMS.len()]>,
    _data: tempfile::TempDir,
    _turn: MutexGuard<'static, ()>,
}

impl Stage {
    /// Starts, and waits until every book is live on all of its lines.
    pub async fn start(lines: u16) -> Self {
        let turn = TURN.lock().await;
        highwire::tls::choose_provider();
        let market =
            MarketConfig { assets: vec![AssetSpec::new("BTC", 65_000 * 100_000_000)], ..MarketConfig::default() };
        let venues = ROOMS.map(|(room, _)| (room, Ports::default())).to_vec();
        let simulator =
            Simulator::start(SimulatorConfig { market, venues, ..SimulatorConfig::default() }).await.unwrap();
        let data = tempfile::tempdir().unwrap();
        let mut config = settings(lines);
        config.service.data_dir = data.path().to_string_lossy().into_owned();
        let addresses = ROOMS.map(|(room, venue)| address(&simulator, room, venue));
        let specs = listings(&reqwest::Client::new(), &addresses).await.unwrap();
        let universe = Arc::new(Universe::new(specs, &Pairing::new(&config, &[]).unwrap(), &config).unwrap());
        let service =
            Service::start(Arc::clone(&universe), &config, &addresses, Orders::Paper, None, None).await.unwrap();
        let watcher = Watcher::start(service.watch().pages.clone());
        let lines = lines.into();
        let stage = Self {
            watcher,
            service,
            simulator,
            universe,
            config,
            lines,
            standing: RefCell::default(),
            heard: RefCell::default(),
            _data: data,
            _turn: turn,
        };
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
        self.take_found(number);
        let lost: Vec<u64> = (0..loss.lines()).map(|other| lines[(turn + other) % lines.len()]).collect();
        let (began, began_ns) = (Instant::now(), self.watcher.now());
        loss.injections(room, &lost).into_iter().for_each(|injection| _ = control.apply(injection).unwrap());
        let (mut found, told) = (None, self.service.watch().chronicle().notices.total());
        while found.is_none() && began.elapsed() < FOUND_WITHIN {
            tokio::time::sleep(Duration::from_millis(2)).await;
            found = self.take_found(number).then(|| began.elapsed());
        }
        self.wait_replaced(number, &lost).await;
        control.take_back(|_, target| target.venue == Some(room));
        let venue = ROOMS[number].1.name();
        Round {
            venue,
            instruments: self.instruments(number),
            span: (began_ns, self.watcher.now()),
            found,
            was_late: self.was_late(told),
        }
    }

    /// Whether a line of the venue has ended or fallen silent since last asked; the words of other venues are left.
    fn take_found(&self, number: usize) -> bool {
        // A line has two places on the thread: its own and its successor's.
        let slots = 2 * self.lines as u64;
        let (chronicle, mut heard) = (self.service.watch().chronicle(), self.heard.borrow_mut());
        let since = std::mem::replace(&mut heard[number], chronicle.notices.total());
        let is_of = |notice: &str| slot(notice).is_some_and(|slot| slot / slots == number as u64);
        chronicle.notices.since(since).any(is_of)
    }

    /// Whether a warden has noticed since then that its thread stood still.
    fn was_late(&self, since: u64) -> bool {
        let chronicle = self.service.watch().chronicle();
        chronicle.notices.since(since).any(|notice| notice.contains("heartbeat Moved"))
    }

    fn instruments(&self, number: usize) -> Vec<usize> {
        self.universe.of_venue(ROOMS[number].1).iter().map(|id| id.index()).collect()
    }

    /// The venue's connections that stand, as its ledger has them.
    fn lines(&self, number: usize) -> Vec<u64> {
        let mut standing = self.standing.borrow_mut();
        standing.follow(&self.simulator);
        standing.lines[number].clone()
    }

    /// Waits until all lines of a venue have stood for a while and its books are live; which they are.
    async fn wait_whole(&self, number: usize) -> Vec<u64> {
        self.wait(number, PEACE, |lines| lines.len() == self.lines).await
    }

    /// Waits until there are as many lines beside those that were lost.
    async fn wait_replaced(&self, number: usize, lost: &[u64]) {
        self.wait(number, OVER, |lines| lines.iter().filter(|line| !lost.contains(line)).count() >= self.lines).await;
    }

    async fn wait(&self, number: usize, peace: Duration, enough: impl Fn(&[u64]) -> bool) -> Vec<u64> {
        let (until, mut since) = (Instant::now() + Duration::from_secs(60), Instant::now());
        let live = |id: &usize| self.service.watch().pages.read(*id).is_some_and(|page| page.state == BookState::Live);
        loop {
            let lines = self.lines(number);
            let notices = || self.service.watch().chronicle().notices.text();
            assert!(Instant::now() < until, "{:?} never whole: {lines:?}\n{}", ROOMS[number], notices());
            if !enough(&lines) || !self.instruments(number).iter().all(live) {
                since = Instant::now();
            }
            if since.elapsed() >= peace {
                return lines;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }

    /// No trade was decided on a book that was not live or was too old, and no opportunity was counted twice; how
    /// many trades there were.
    pub fn judge_trades(&self) -> usize {
        let chronicle = self.service.watch().chronicle();
        let (mut trades, mut ends) = (0, BTreeMap::new());
        for o in &chronicle.ledger.opportunities {
            let legs = [o.opened.buy.index(), o.opened.sell.index()];
            let before = ends.insert(legs, o.closed.map_or(Nanos::MAX, |closed| closed.at_ns));
            assert!(before.is_none_or(|before| before <= o.opened.at_ns), "twice: {o:?}");
            let Some(decided) = o.decided.filter(|decided| decided.verdict == Verdict::Taken) else { continue };
            trades += 1;
            for book in legs {
                let stale_ms = self.config.venues[self.universe.specs[book].venue.name()].stale_ms;
                let wrong = self.watcher.objects(book, decided.at_ns, stale_ms * 1_000_000);
                assert_eq!(wrong, None, "{o:?}");
            }
        }
        trades
    }

    /// What was told of books, and the last words.
    pub fn told(&self) -> String {
        self.service.watch().chronicle().notices.text()
    }

    pub async fn stop(self) {
        drop(self.watcher);
        self.service.stop().await;
        self.simulator.stop().await;
    }
}

/// The slot of `line 5 ended: …` and of `line 5 has brought no data of …`.
fn slot(notice: &str) -> Option<u64> {
    notice.strip_prefix("line ")?.split(' ').next()?.parse().ok()
}

/// A thousand losses in minutes are more than the daily few that attempts and back-off are set for.
fn settings(lines: u16) -> Config {
    let keys = [("ATTEMPTS", "300"), ("ATTEMPTS_PERIOD_S", "1"), ("STABLE_MS", "0")];
    let keys = keys.map(|(key, value)| (format!("HIGHWIRE__LINES__{key}"), value.to_owned()));
    let first = ("HIGHWIRE__SUPERVISION__BACKOFF_BASE_MS".to_owned(), "10".to_owned());
    let mut config = config::load_from(None, keys.into_iter().chain([first])).unwrap().config;
    config.venues.values_mut().for_each(|venue| venue.lines = lines);
    config
}

fn address(simulator: &Simulator, room: Room, venue: Venue) -> VenueAddress {
    let at = Endpoint::ALL.map(|endpoint| simulator.endpoint(room, endpoint).unwrap());
    VenueAddress { venue, ws: at.map(|at| at.ws.clone()).to_vec(), rest: at[0].rest.clone() }
}
