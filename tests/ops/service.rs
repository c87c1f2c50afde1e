//! A running service, and a simulator for it to run on.

use highwire_simulator::{Endpoint, MarketConfig, Ports, Simulator, SimulatorConfig, Venue as Room};
use std::fmt::Write as _;
use std::io::{BufRead, BufReader};
use std::net::{SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// The venues of these stories.
pub(crate) const ROOMS: [(Room, &str, &str); 3] = [
    (Room::BinanceSpot, "binance_spot", "BTCUSDT"),
    (Room::Okx, "okx", "BTC-USDT"),
    (Room::Bybit, "bybit_spot", "BTCUSDT"),
];

/// A process of ours; it ends with the test.
pub(crate) struct Running {
    child: Child,
    data: tempfile::TempDir,
    /// Where it serves.
    pub(crate) address: SocketAddr,
}

impl Running {
    /// Starts `highwire` with these arguments, serving at `address`.
    pub(crate) fn start(arguments: &[&str], environment: &[(&str, &str)], address: SocketAddr) -> Self {
        highwire::tls::choose_provider();
        let mut command = Command::new(env!("CARGO_BIN_EXE_highwire"));
        let data = tempfile::tempdir().unwrap();
        command.args(arguments).env("HIGHWIRE__SERVICE__DATA_DIR", data.path()).envs(environment.iter().copied());
        // A machine that runs all tests at once starves a thread for longer than a machine that trades.
        command.env("HIGHWIRE__WIRE__THREAD_STUCK_MS", "20000");
        command.env("HIGHWIRE__HTTP__LISTEN", address.to_string()).env("HIGHWIRE__SERVICE__LOG", "info");
        let mut child = command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
        let mut log = BufReader::new(child.stderr.take().unwrap());
        let (mut line, mut said) = (String::new(), String::new());
        while !line.contains("metrics and health") {
            line.clear();
            assert!(log.read_line(&mut line).unwrap() > 0, "it ended before it served: {said}");
            said.push_str(&line);
        }
        std::thread::spawn(move || std::io::copy(&mut log, &mut std::io::sink()));
        Self { child, data, address }
    }

    /// An operator's command to it: whether it was done, and what was said.
    pub(crate) fn operate(&self, arguments: &[&str]) -> (bool, String) {
        let mut command = Command::new(env!("CARGO_BIN_EXE_highwire"));
        command.args(arguments).env("HIGHWIRE__SERVICE__DATA_DIR", self.data.path());
        let output = command.output().unwrap();
        (output.status.success(), String::from_utf8_lossy(&output.stdout).into_owned())
    }

    /// Asks until it is ready, for at most 40 s.
    pub(crate) async fn wait_ready(&self) {
        let (ready, health) = (format!("http://{}/ready", self.address), format!("http://{}/health", self.address));
        let until = Instant::now() + Duration::from_secs(40);
        while reqwest::get(&ready).await.is_ok_and(|answer| !answer.status().is_success()) {
            let why = reqwest::get(&health).await.unwrap().text().await.unwrap();
            assert!(Instant::now() < until, "never ready: {why}");
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ended = self.child.kill();
        let _reaped = self.child.wait();
    }
}

/// An address that is free now.
pub(crate) fn free() -> SocketAddr {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap()
}

pub(crate) async fn simulator() -> Simulator {
    simulator_of(MarketConfig::default()).await
}

pub(crate) async fn simulator_of(market: MarketConfig) -> Simulator {
    // Another story of this process may have chosen it already.
    highwire::tls::choose_provider();
    let venues = ROOMS.map(|(room, ..)| (room, Ports::default())).to_vec();
    Simulator::start(SimulatorConfig { market, venues, ..SimulatorConfig::default() }).await.unwrap()
}

/// Settings that point at the simulator.
pub(crate) fn settings(simulator: &Simulator, folder: &Path) -> PathBuf {
    let mut text = String::new();
    for (room, name, _) in ROOMS {
        let at = |endpoint| simulator.endpoint(room, endpoint).unwrap();
        let (a, b) = (at(Endpoint::A), at(Endpoint::B));
        let _ = writeln!(text, "[venues.{name}]\nws_url = {:?}\nws_url_b = {:?}\nrest_url = {:?}", a.ws, b.ws, a.rest);
    }
    let members: Vec<String> = ROOMS.iter().map(|(_, name, symbol)| format!("\"{name}:{symbol}\"")).collect();
    let _ = writeln!(text, "[pairs]\nlist = [{{ name = \"BTC/USDT\", members = [{}] }}]", members.join(", "));
    let path = folder.join("run.toml");
    std::fs::write(&path, text).unwrap();
    path
}
