//! A whole service in paper mode on simulated venues, with what a story needs: to break things, to look, to wait, and
//! to judge by the invariants of the catalogue.

use crate::log;
use crate::relay::{self, Held};
use crate::spectator::Spectator;
use highwire::config::{Config, load_from};
use highwire::http::{Health, health};
use highwire::service::{Orders, Service, VenueAddress, listings};
use highwire::universe::{Pairing, Universe};
use highwire_engine::clock::{Clock, TscClock};
use highwire_links::Nanos;
use highwire_links::audit::Verdict;
use highwire_links::page::BookState;
use highwire_simulator::{AssetSpec, Deed, Endpoint, Injection, MarketConfig, Record, Simulator, SimulatorConfig};
use highwire_simulator::{Venue as Room, Verb};
use highwire_venues::Kind;
use highwire_venues::venue::Venue;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::sync::{Mutex, MutexGuard};

/// Stories share the log and the processor: one at a time.
static TURN: Mutex<()> = Mutex::const_new(());
/// For whatever is waited for.
const PATIENCE_S: u64 = 60;
const MS: Nanos = 1_000_000;

/// Who takes part.
pub struct Plan {
    /// Venues, each with the name that ours has for it.
    pub rooms: Vec<(Room, Venue)>,
    /// Base coins.
    pub assets: Vec<&'static str>,
    /// Lines per venue.
    pub lines: u16,
    /// Changes settings.
    pub tune: fn(&mut Config),
    /// Symbols that take part.
    pub keep: fn(&str) -> bool,
    /// Kinds of instruments that take part.
    pub kinds: &'static [Kind],
    /// Changes the simulator.
    pub shape: fn(&mut SimulatorConfig),
    /// A venue whose lines go through a narrow passage, and what holds that.
    pub narrow: Option<(Room, Held)>,
}

impl Default for Plan {
    /// BTC on three venues, one line each: what breaks is then broken.
    fn default() -> Self {
        let rooms =
            vec![(Room::BinanceSpot, Venue::BinanceSpot), (Room::Okx, Venue::Okx), (Room::Bybit, Venue::BybitSpot)];
        Self {
            rooms,
            assets: vec!["BTC"],
            lines: 1,
            tune: |_| {},
            keep: |_| true,
            kinds: &[Kind::Spot],
            shape: |_| {},
            narrow: None,
        }
    }
}

/// The running whole.
pub struct Rig {
    pub simulator: Simulator,
    pub service: Service,
    pub universe: Arc<Universe>,
    pub config: Config,
    addresses: Vec<(Room, VenueAddress)>,
    pub spectator: Spectator,
    /// For whatever is waited for.
    pub patience_s: std::cell::Cell<u64>,
    /// Bans that the story makes.
    pub bans: std::cell::Cell<usize>,
    began_ns: Nanos,
    clock: TscClock,
    _data: tempfile::TempDir,
    _turn: MutexGuard<'static, ()>,
}

impl Rig {
    /// Starts it; every book is live, the market moves, and trading is on.
    pub async fn start(plan: Plan) -> Self {
        let rig = Self::start_cold(plan).await;
        rig.wait("every book is live", Self::all_live).await;
        rig.wait_trades(2).await;
        rig
    }

    /// Starts it; the books may not have come yet.
    pub async fn start_cold(plan: Plan) -> Self {
        let turn = TURN.lock().await;
        log::begin();
        highwire::tls::choose_provider();
        let mut config = load_from(None, std::iter::empty()).unwrap().config;
        for settings in config.venues.values_mut() {
            (settings.lines, settings.taker_fee_ppb) = (plan.lines, 0);
        }
        (config.risk.cooldown_ms, config.paper.latency_ms) = (50, 1);
        // Nothing of a story lasts, and a machine that runs all tests at once starves a thread.
        let data = tempfile::tempdir().unwrap();
        config.service.data_dir = data.path().to_string_lossy().into_owned();
        config.wire.thread_stuck_ms = 20_000;
        (plan.tune)(&mut config);
        let simulator = simulator(&plan).await;
        let addresses = addresses(&simulator, &plan);
        let mut specs = listings(&reqwest::Client::new(), &addresses).await.unwrap();
        specs.retain(|spec| plan.kinds.contains(&spec.kind) && (plan.keep)(&spec.symbol));
        let pairing = Pairing::new(&config, &[]).unwrap();
        let universe = Arc::new(Universe::new(specs, &pairing, &config).unwrap());
        let clock = TscClock::start();
        let service =
            Service::start(Arc::clone(&universe), &config, &addresses, Orders::Paper, None, None).await.unwrap();
        let spectator = Spectator::new(service.watch().pages.clone(), universe.instruments.len(), clock.clone());
        let began_ns = clock.now();
        let addresses = plan.rooms.iter().map(|(room, _)| *room).zip(addresses).collect();
        Self {
            simulator,
            service,
            universe,
            config,
            addresses,
            spectator,
            patience_s: std::cell::Cell::new(PATIENCE_S),
            bans: std::cell::Cell::default(),
            began_ns,
            clock,
            _data: data,
            _turn: turn,
        }
    }

    /// Does something to a venue.
    pub fn inject(&self, injection: Injection) {
        let touched = self.simulator.control().apply(injection.clone()).unwrap();
        assert!(touched > 0, "nothing was touched by {injection:?}");
    }

    /// Does something to the whole of a venue.
    pub fn strike(&self, room: Room, verb: Verb) {
        self.inject(Injection::new(room, verb));
    }

    /// Everything that was done and lasts is taken back.
    pub fn heal(&self) {
        self.simulator.control().take_back(|_, _| true);
    }

    /// The number of `venue:SYMBOL`.
    pub fn id(&self, name: &str) -> usize {
        self.universe.instruments.iter().position(|i| self.universe.name(i.id) == name).unwrap()
    }

    /// Where a book stands.
    pub fn state(&self, name: &str) -> BookState {
        self.service.watch().pages.read(self.id(name)).unwrap_or_default().state
    }

    /// Whether every book is live.
    pub fn all_live(&self) -> bool {
        let pages = &self.service.watch().pages;
        (0..self.universe.instruments.len()).all(|id| pages.read(id).is_some_and(|p| p.state == BookState::Live))
    }

    /// What `/health` says.
    pub fn health(&self) -> Health {
        health(&self.service.watch().vitals())
    }

    /// The time of the threads.
    pub fn now(&self) -> Nanos {
        self.clock.now()
    }

    /// Waits until it is so.
    pub async fn wait(&self, what: &str, so: impl Fn(&Self) -> bool) {
        let until = Instant::now() + Duration::from_secs(self.patience_s.get());
        while !so(self) {
            let notices = self.service.watch().chronicle().notices.text();
            assert!(Instant::now() < until, "never: {what}; {:?}\n{notices}", self.health());
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }

    /// Waits until the service told of it.
    pub async fn wait_told(&self, words: &[&str]) {
        self.wait(&format!("told: {words:?}"), |_| !log::lines(words).is_empty()).await;
    }

    /// Waits for so many further trades.
    pub async fn wait_trades(&self, more: usize) {
        let before = self.trades().len();
        self.wait("it trades", |rig| rig.trades().len() >= before + more).await;
    }

    /// Waits for so many further trades in which `name` takes part.
    pub async fn wait_trades_on(&self, name: &str, more: usize) {
        let id = self.id(name);
        let of = |rig: &Self| rig.trades().iter().filter(|(_, legs)| legs.contains(&id)).count();
        let before = of(self);
        self.wait(&format!("{name} trades"), |rig| of(rig) >= before + more).await;
    }

    /// Lets the market go on for a while.
    pub async fn rest(&self, ms: u64) {
        tokio::time::sleep(Duration::from_millis(ms)).await;
    }

    /// Trades so far: when each was decided, and on which books.
    pub fn trades(&self) -> Vec<(Nanos, [usize; 2])> {
        let chronicle = self.service.watch().chronicle();
        let taken = |o: &highwire::ledger::Opportunity| {
            let decided = o.decided.filter(|decided| decided.verdict == Verdict::Taken)?;
            Some((decided.at_ns, [o.opened.buy.index(), o.opened.sell.index()]))
        };
        chronicle.ledger.opportunities.iter().filter_map(taken).collect()
    }

    /// No trade was decided on this book between these times.
    pub fn no_trade_on(&self, name: &str, (from, until): (Nanos, Nanos)) {
        let id = self.id(name);
        let wrong: Vec<_> =
            self.trades().into_iter().filter(|(at, legs)| legs.contains(&id) && (from..until).contains(at)).collect();
        assert!(wrong.is_empty(), "{name} between {from} and {until}: {wrong:?}");
    }

    /// The prices at which trades since then were decided on a book.
    pub fn prices(&self, name: &str, from: Nanos) -> Vec<i64> {
        let id = self.id(name);
        let chronicle = self.service.watch().chronicle();
        let taken =
            chronicle.ledger.opportunities.iter().filter(|o| {
                o.decided.is_some_and(|decided| decided.verdict == Verdict::Taken && decided.at_ns >= from)
            });
        let px = |o: &highwire::ledger::Opportunity| match id {
            id if o.opened.buy.index() == id => Some(o.opened.ask_px),
            id if o.opened.sell.index() == id => Some(o.opened.bid_px),
            _ => None,
        };
        taken.filter_map(px).collect()
    }

    /// Every trade was decided at prices near the true one, and for an edge that can be.
    pub fn prices_are_sane(&self) {
        let fair = 65_000.0;
        let chronicle = self.service.watch().chronicle();
        for o in &chronicle.ledger.opportunities {
            let Some(decided) = o.decided.filter(|decided| decided.verdict == Verdict::Taken) else { continue };
            let px = |id: highwire_links::InstrumentId, px: i64| {
                px as f64 / 10f64.powi(self.universe.instruments[id.index()].scale.px_dp.into())
            };
            let (ask, bid) = (px(o.opened.buy, o.opened.ask_px), px(o.opened.sell, o.opened.bid_px));
            assert!([ask, bid].iter().all(|px| (px / fair - 1.0).abs() < 0.03), "taken at {ask} and {bid}");
            assert!(decided.edge_ppb < 50_000_000, "{decided:?}");
        }
    }

    /// On one route an opportunity begins only when the one before it has ended.
    pub fn no_opportunity_is_counted_twice(&self) {
        let chronicle = self.service.watch().chronicle();
        let mut ends = BTreeMap::new();
        for o in &chronicle.ledger.opportunities {
            let until = o.closed.map_or(Nanos::MAX, |closed| closed.at_ns);
            let before = ends.insert((o.opened.buy.index(), o.opened.sell.index()), until);
            assert!(before.is_none_or(|before| before <= o.opened.at_ns), "{o:?}");
        }
    }

    /// What a venue lists now, as a new start would find it.
    pub async fn listed(&self, room: Room) -> Vec<String> {
        let address = self.addresses.iter().find(|(at, _)| *at == room).unwrap();
        listings(&reqwest::Client::new(), std::slice::from_ref(&address.1))
            .await
            .unwrap()
            .into_iter()
            .map(|spec| spec.symbol)
            .collect()
    }

    /// Times that a book left `Live`, in the words of the chronicle.
    pub fn losses(&self, name: &str) -> Vec<String> {
        let beginning = format!("{name}: book ");
        let chronicle = self.service.watch().chronicle();
        chronicle.notices.since(0).filter_map(|notice| notice.strip_prefix(&beginning)).map(str::to_owned).collect()
    }

    /// The simulator's records of a venue.
    pub fn records(&self, room: Room) -> Vec<Record> {
        self.simulator.records(0).into_iter().filter(|record| record.venue == room).collect()
    }

    /// When messages came to a venue, by connection.
    pub fn messages(&self, room: Room) -> BTreeMap<u64, Vec<Nanos>> {
        let mut by_connection: BTreeMap<u64, Vec<Nanos>> = BTreeMap::new();
        for record in self.records(room) {
            if let Deed::Message { conn, .. } = record.deed {
                by_connection.entry(conn).or_default().push(record.at_ns);
            }
        }
        by_connection
    }

    /// When a venue was asked for paths that begin so.
    pub fn requests(&self, room: Room, beginning: &str) -> Vec<Nanos> {
        let fits = |record: &Record| matches!(&record.deed, Deed::Request { path, .. } if path.starts_with(beginning));
        self.records(room).iter().filter(|record| fits(record)).map(|record| record.at_ns).collect()
    }

    /// The queries of such requests, and when each came.
    pub fn queries(&self, room: Room, beginning: &str) -> Vec<(Nanos, String)> {
        let query = |record: &Record| match &record.deed {
            Deed::Request { path, query, .. } if path.starts_with(beginning) => Some((record.at_ns, query.clone())),
            _ => None,
        };
        self.records(room).iter().filter_map(query).collect()
    }

    /// When a venue refused us for asking too much.
    pub fn refusals(&self, room: Room) -> Vec<Nanos> {
        let refused = |record: &Record| matches!(record.deed, Deed::Answer { status: 403 | 418 | 429, .. });
        self.records(room).iter().filter(|record| refused(record)).map(|record| record.at_ns).collect()
    }

    /// Connections that a venue took so far: when each.
    pub fn connections(&self, room: Room) -> Vec<Nanos> {
        let fits = |record: &Record| matches!(record.deed, Deed::Connected { transport: "ws", .. });
        self.records(room).iter().filter(|record| fits(record)).map(|record| record.at_ns).collect()
    }

    /// The market stands still, and every book says what the venue's does, level by level.
    pub async fn books_are_the_venues(&self) {
        self.simulator.control().pause();
        self.wait("every book is the venue's", |rig| rig.differences().is_empty()).await;
        self.simulator.control().resume();
    }

    fn differences(&self) -> Vec<String> {
        let pages = &self.service.watch().pages;
        let differs = |id: usize| {
            let spec = &self.universe.specs[id];
            let board = board(spec.venue, spec.kind);
            let (Some(page), Some(book)) = (pages.read(id), self.simulator.book(board, &spec.symbol)) else {
                return Some(spec.symbol.clone());
            };
            let ours = |rungs: &[highwire_links::page::Rung]| -> Vec<(i64, i64)> {
                rungs.iter().map(|rung| (rung.px / spec.tick, rung.qty / spec.lot)).collect()
            };
            let same = page.state == BookState::Live
                && ours(&page.bids) == book.bids[..page.bids.len()]
                && ours(&page.asks) == book.asks[..page.asks.len()];
            (!same).then(|| format!("{:?}:{}", spec.venue, spec.symbol))
        };
        (0..self.universe.instruments.len()).filter_map(differs).collect()
    }

    /// Judges the whole run by the invariants, and ends it.
    pub async fn end(self) {
        for (at_ns, legs) in self.trades() {
            for id in legs {
                let stale_ms = self.config.venues[self.universe.specs[id].venue.name()].stale_ms;
                let wrong = self.spectator.objects(id, at_ns, stale_ms * MS);
                let name = self.universe.name(self.universe.instruments[id].id);
                assert!(wrong.is_none(), "{name} after {} ms: {wrong:?}", (at_ns - self.began_ns) / MS);
            }
        }
        let deaths = self.service.watch().chronicle().deaths.clone();
        assert!(deaths.is_empty(), "a thread died: {deaths:?}");
        assert!(self.health().live, "{:?}", self.health());
        self.no_limit_was_broken();
        drop(self.spectator);
        self.service.stop().await;
        self.simulator.stop().await;
    }

    /// No venue banned us, but for those that the story made.
    fn no_limit_was_broken(&self) {
        let banned = |record: &&Record| matches!(record.deed, Deed::Answer { status: 418, .. });
        assert_eq!(self.simulator.records(0).iter().filter(banned).count(), self.bans.get());
    }
}

fn board(venue: Venue, kind: Kind) -> highwire_simulator::Board {
    use highwire_simulator::Board;
    match (venue, kind) {
        (Venue::BinanceSpot, _) => Board::BinanceSpot,
        (Venue::BinanceUsdm, _) => Board::BinanceUsdm,
        (Venue::Okx, Kind::Spot) => Board::OkxSpot,
        (Venue::Okx, _) => Board::OkxSwap,
        (Venue::BybitLinear, _) => Board::BybitLinear,
        _ => Board::BybitSpot,
    }
}

async fn simulator(plan: &Plan) -> Simulator {
    let price = |base: &str| if base == "BTC" { 65_000 } else { 100 };
    let assets = plan.assets.iter().map(|base| AssetSpec::new(base, price(base) * 100_000_000)).collect();
    let market = MarketConfig { seed: 7, assets, dislocations_per_min: 240, ..MarketConfig::default() };
    let rooms: BTreeSet<Room> = plan.rooms.iter().map(|(room, _)| *room).collect();
    let venues = rooms.into_iter().map(|room| (room, highwire_simulator::Ports::default())).collect();
    let mut config = SimulatorConfig { market, venues, ..SimulatorConfig::default() };
    (plan.shape)(&mut config);
    Simulator::start(config).await.unwrap()
}

fn addresses(simulator: &Simulator, plan: &Plan) -> Vec<VenueAddress> {
    let address = |&(room, venue): &(Room, Venue)| {
        let at = |endpoint| simulator.endpoint(room, endpoint).unwrap();
        let narrow = plan.narrow.as_ref().filter(|(narrow, _)| *narrow == room);
        let through = |ws: String| narrow.map_or_else(|| ws.clone(), |(_, held)| relay::passage(&ws, held));
        let ws = Endpoint::ALL.map(|endpoint| through(at(endpoint).ws.clone())).to_vec();
        VenueAddress { venue, ws, rest: at(Endpoint::A).rest.clone() }
    };
    plan.rooms.iter().map(address).collect()
}
