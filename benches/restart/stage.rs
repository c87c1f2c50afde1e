//! Simulated venues in this process, and the service in one of its own.

use highwire_simulator::{
    AssetSpec, Deed, Endpoint, MarketConfig, Ports, RuleOverrides, Simulator, SimulatorConfig, Venue as Room,
};
use std::fmt::Write as _;
use std::io::{BufRead, BufReader};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};
use tempfile::TempDir;

/// Simulated exchange, our venue, symbol.
const PLACES: [(Room, &str, &str); 4] = [
    (Room::BinanceSpot, "binance_spot", "BTCUSDT"),
    (Room::BinanceUsdm, "binance_usdm", "BTCUSDT"),
    (Room::Okx, "okx", "BTC-USDT"),
    (Room::Bybit, "bybit_spot", "BTCUSDT"),
];
/// The simulator's published dummies.
const SECRETS: [(&str, &str); 3] = [
    ("HIGHWIRE_BENCH_KEY", "simulated-trader-key"),
    ("HIGHWIRE_BENCH_SECRET", "simulated-trader-secret"),
    ("HIGHWIRE_BENCH_PASSPHRASE", "Simulated-trader-1"),
];
/// Whoever starts a service every other second would soon be banned, so these venues are patient.
const PATIENCE: u32 = 100;
/// A start that trades by itself has an order by then.
const TRADES_WITHIN: Duration = Duration::from_secs(60);

/// Venues, and a folder for the service.
pub struct Stage {
    simulator: Simulator,
    folder: TempDir,
    /// Records that were counted, and orders among them.
    counted: Mutex<(u64, usize)>,
}

impl Stage {
    /// Opens the venues and writes the settings.
    pub async fn open() -> Self {
        highwire::tls::choose_provider();
        let market = MarketConfig {
            assets: vec![AssetSpec::new("BTC", 65_000 * 100_000_000)],
            dislocations_per_min: 600,
            ..MarketConfig::default()
        };
        let venues = PLACES.map(|(room, ..)| (room, Ports::default())).into_iter().collect();
        let rules = RuleOverrides { patience: Some(PATIENCE), connections: Some(30_000), ..RuleOverrides::default() };
        let config = SimulatorConfig { market, venues, rules, ..SimulatorConfig::default() };
        let stage = Self {
            simulator: Simulator::start(config).await.unwrap(),
            folder: tempfile::tempdir().unwrap(),
            counted: Mutex::default(),
        };
        std::fs::write(stage.settings(), stage.text()).unwrap();
        stage
    }

    fn settings(&self) -> PathBuf {
        self.folder.path().join("bench.toml")
    }

    fn text(&self) -> String {
        let data = self.folder.path().join("data");
        let mut text = format!("[service]\nlive = true\nlog = \"info\"\ndata_dir = {data:?}\n");
        text.push_str("[http]\nlisten = \"127.0.0.1:0\"\n[risk]\ncooldown_ms = 100\nrefused_rest_ms = 1500\n");
        for (room, venue, _) in PLACES {
            let at = |endpoint| self.simulator.endpoint(room, endpoint).unwrap();
            let (a, b) = (at(Endpoint::A), at(Endpoint::B));
            let _ =
                writeln!(text, "[venues.{venue}]\nws_url = {:?}\nws_url_b = {:?}\nrest_url = {:?}", a.ws, b.ws, a.rest);
            let _ = writeln!(text, "order_url = {:?}\nprivate_url = {:?}\ntaker_fee_bps = \"1\"", a.ws, a.ws);
            let _ = writeln!(text, "api_key = \"env:{}\"\napi_secret = \"env:{}\"", SECRETS[0].0, SECRETS[1].0);
            if room == Room::Okx {
                let _ = writeln!(text, "api_passphrase = \"env:{}\"", SECRETS[2].0);
            }
        }
        let members: Vec<String> = PLACES.iter().map(|(_, venue, symbol)| format!("\"{venue}:{symbol}\"")).collect();
        let _ = writeln!(text, "[pairs]\nlist = [{{ name = \"BTC/USDT\", members = [{}] }}]", members.join(", "));
        text
    }

    /// The journal's folder.
    pub fn journal(&self) -> PathBuf {
        self.folder.path().join("data/journal/live")
    }

    /// Orders that the venues have taken in so far.
    fn orders(&self) -> usize {
        let mut counted = self.counted.lock().unwrap();
        for record in self.simulator.records(counted.0) {
            counted.0 = record.number + 1;
            counted.1 += usize::from(matches!(record.deed, Deed::Order { account: 0, .. }));
        }
        counted.1
    }

    /// Starts the service.
    pub fn start(&self) -> Start<'_> {
        let mut command = Command::new(env!("CARGO_BIN_EXE_highwire"));
        command.args(["run", "--live", "--config"]).arg(self.settings()).envs(SECRETS).env("NO_COLOR", "1");
        let (orders, began) = (self.orders(), Instant::now());
        let mut child = command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
        let (said, log) = (Arc::new(Mutex::new(Vec::new())), BufReader::new(child.stderr.take().unwrap()));
        let saying = Arc::clone(&said);
        std::thread::spawn(move || {
            for line in log.lines().map_while(Result::ok) {
                saying.lock().unwrap().push((began.elapsed(), line));
            }
        });
        Start { stage: self, child: Mutex::new(child), began, said, orders, traded: Mutex::new(None) }
    }

    /// Ends the venues.
    pub async fn close(self) {
        self.simulator.stop().await;
    }
}

/// A start, and what came of it.
pub struct Start<'a> {
    stage: &'a Stage,
    child: Mutex<Child>,
    began: Instant,
    said: Arc<Mutex<Vec<(Duration, String)>>>,
    orders: usize,
    traded: Mutex<Option<Duration>>,
}

impl Start<'_> {
    /// Waits until a venue has taken an order in.
    pub fn wait_order(&self) {
        while self.stage.orders() == self.orders {
            assert!(self.began.elapsed() < TRADES_WITHIN, "it does not trade: {:#?}", self.said.lock().unwrap());
            std::thread::sleep(Duration::from_millis(2));
        }
        *self.traded.lock().unwrap() = Some(self.began.elapsed());
    }

    /// Kills it.
    pub fn kill(&self) {
        let mut child = self.child.lock().unwrap();
        child.kill().unwrap();
        child.wait().unwrap();
    }

    /// When its log first said this, milliseconds after it was started.
    pub fn said_ms(&self, words: &str) -> Option<u64> {
        let said = self.said.lock().unwrap();
        said.iter().find(|(_, line)| line.contains(words)).map(|(at, _)| at.as_millis() as u64)
    }

    /// When it was `Full`.
    pub fn full_ms(&self) -> u64 {
        self.said_ms("mode of service: Halted → Full").unwrap_or(u64::MAX)
    }

    /// When a venue had taken an order in.
    pub fn order_ms(&self) -> u64 {
        self.traded.lock().unwrap().map_or(u64::MAX, |at| at.as_millis() as u64)
    }
}
