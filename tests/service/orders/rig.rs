//! A live service between simulated venues whose prices keep crossing.

use super::judge::Judge;
use crate::running::Running;
use highwire_simulator::{
    Amount, AssetSpec, Endpoint, Injection, MarketConfig, Ports, Simulator, SimulatorConfig, Venue as Room, Verb,
};
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use tempfile::TempDir;

/// One market where the service trades.
#[derive(Clone, Copy, Debug)]
pub struct Place {
    /// The simulated exchange.
    pub room: Room,
    /// Our name of the venue.
    pub venue: &'static str,
    /// The symbol, as the venue writes it.
    pub symbol: &'static str,
    /// Whether base changes hands there: it is held then, and may pay the fee.
    pub is_spot: bool,
}

/// Spot and perpetual of one exchange.
pub const PLACES: [Place; 2] = [
    Place { room: Room::BinanceSpot, venue: "binance_spot", symbol: "BTCUSDT", is_spot: true },
    Place { room: Room::BinanceUsdm, venue: "binance_usdm", symbol: "BTCUSDT", is_spot: false },
];

const KEY: &str = "simulated-trader-key";
const SECRET: &str = "simulated-trader-secret";

/// Venues and the service that trades there. The service ends first.
pub struct Rig {
    pub running: Running,
    pub simulator: Simulator,
    folder: TempDir,
}

impl Rig {
    /// Starts both and waits until trades have been made.
    pub async fn trading(orders_over: &str) -> Self {
        let rig = Self::start(orders_over, &[]).await;
        rig.wait_trades(3);
        rig
    }

    /// Starts both, the venues with these faults.
    pub async fn start(orders_over: &str, faults: &[Injection]) -> Self {
        // Another story of this process may have chosen it already.
        highwire::tls::choose_provider();
        let market = MarketConfig {
            assets: vec![AssetSpec::new("BTC", 65_000 * 100_000_000)],
            dislocations_per_min: 120,
            ..MarketConfig::default()
        };
        let venues = PLACES.map(|place| (place.room, Ports::default())).to_vec();
        let config = SimulatorConfig { market, venues, script: faults.to_vec(), ..SimulatorConfig::default() };
        let simulator = Simulator::start(config).await.unwrap();
        let folder = tempfile::tempdir().unwrap();
        let settings = settings(&simulator, folder.path(), orders_over);
        let keys = [("HIGHWIRE_TEST_KEY", KEY), ("HIGHWIRE_TEST_SECRET", SECRET)];
        let running = Running::start_with(&settings, &["--live"], &keys);
        Self { running, simulator, folder }
    }

    /// Waits for so many more trades of two legs.
    pub fn wait_trades(&self, trades: u64) {
        let made = || self.count("highwire_sagas_total{thread=\"wire\"}");
        let goal = made() + trades;
        self.running.wait(|| (made() < goal).then(|| format!("fewer than {goal} trades")));
    }

    /// A counter; 0 when it is not shown.
    pub fn count(&self, name: &str) -> u64 {
        self.running.metrics().get(name).map_or(0, |value| value.parse().unwrap())
    }

    /// Does something to a venue.
    pub fn inject(&self, injection: Injection) {
        self.simulator.control().apply(injection).unwrap();
    }

    /// Takes every fault back.
    pub fn heal(&self) {
        self.simulator.control().take_back(|_, _| true);
    }

    /// A verb at one of the places, for so long.
    pub fn at(&self, place: usize, verb: Verb, ms: u64) {
        self.inject(Injection::new(PLACES[place].room, verb).lasting_ms(ms));
    }

    /// What the simulator has written so far.
    pub fn judge(&self) -> Judge {
        Judge::new(self.simulator.records(0))
    }

    /// Waits until every trade has ended and the service tells the same fills and positions as the ledger.
    pub fn wait_agreement(&self) {
        self.running.wait(|| {
            let (judge, metrics) = (self.judge(), self.running.metrics());
            let told = |name: &str| metrics.get(name).cloned().unwrap_or_else(|| "0".to_owned());
            let number = |name: &str| told(name).parse::<usize>().unwrap();
            let endings = ["flat", "hedged", "escalated"];
            let ended = endings.map(|ending| number(&format!("highwire_saga_ends_total{{ending=\"{ending}\"}}")));
            let position = |place: &Place| {
                told(&format!("highwire_position{{venue=\"{}\",symbol=\"{}\"}}", place.venue, place.symbol))
            };
            let ours = PLACES.map(|place| Amount::parse(&position(&place)).unwrap());
            let ours = (number("highwire_fills_total{thread=\"wire\"}"), ours);
            let theirs = (judge.fills(), PLACES.map(|place| judge.position(&place)));
            let open = number("highwire_sagas_total{thread=\"wire\"}") - ended.iter().sum::<usize>();
            (open != 0 || ours != theirs)
                .then(|| format!("{open} trades open; told {ours:?}, but truly {theirs:?}\n{}", judge.tail()))
        });
    }

    /// Waits for agreement; then no id stands twice, and no more is left unhedged than the perpetual's least order.
    pub fn assert_sound(&self) {
        self.wait_agreement();
        let judge = self.judge();
        judge.assert_no_id_twice();
        let left = judge.left(&PLACES);
        assert!(
            left.abs() <= Amount::new(1, 3),
            "{left} of base is left unhedged: {}\n{}",
            judge.tail(),
            self.running.said()
        );
    }

    /// Ends the service, then the venues.
    pub async fn stop(self) {
        drop(self.running);
        self.simulator.stop().await;
        drop(self.folder);
    }
}

fn settings(simulator: &Simulator, folder: &Path, orders_over: &str) -> PathBuf {
    let mut text = String::from("[service]\nlive = true\n[risk]\ncooldown_ms = 100\n");
    for Place { room, venue, .. } in PLACES {
        let at = |endpoint| simulator.endpoint(room, endpoint).unwrap();
        let (a, b) = (at(Endpoint::A), at(Endpoint::B));
        let orders = if orders_over == "http" { &a.rest } else { &a.ws };
        let _ = writeln!(text, "[venues.{venue}]\nws_url = {:?}\nws_url_b = {:?}\nrest_url = {:?}", a.ws, b.ws, a.rest);
        let _ = writeln!(text, "order_url = {orders:?}\nprivate_url = {:?}\norder_transport = {orders_over:?}", a.ws);
        let _ = writeln!(text, "api_key = \"env:HIGHWIRE_TEST_KEY\"\napi_secret = \"env:HIGHWIRE_TEST_SECRET\"");
        let _ = writeln!(text, "taker_fee_bps = \"1\"");
    }
    let members: Vec<String> = PLACES.iter().map(|place| format!("\"{}:{}\"", place.venue, place.symbol)).collect();
    let _ = writeln!(text, "[pairs]\nlist = [{{ name = \"BTC/USDT\", members = [{}] }}]", members.join(", "));
    let path = folder.join("live.toml");
    std::fs::write(&path, text).unwrap();
    path
}
