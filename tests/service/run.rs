//! `highwire run` against simulated venues over TLS: books come, and stay through the loss of any one line and
//! through certificates that must not be trusted.

use highwire_simulator::{Endpoint, Injection, Simulator, SimulatorConfig, Venue as Room, Verb};
use std::fmt::Write as _;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// A running service; it ends with the test.
struct Running {
    child: Child,
    address: SocketAddr,
}

impl Running {
    fn start(config: &Path) -> Self {
        let mut command = Command::new(env!("CARGO_BIN_EXE_highwire"));
        command.args(["run", "--config"]).arg(config).env("HIGHWIRE__SERVICE__LOG", "info");
        command.env("HIGHWIRE__HTTP__LISTEN", "127.0.0.1:0");
        let mut child = command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
        let mut log = BufReader::new(child.stderr.take().unwrap());
        let (mut line, mut said) = (String::new(), String::new());
        let address = loop {
            line.clear();
            assert!(log.read_line(&mut line).unwrap() > 0, "it ended before it served: {said}");
            said.push_str(&line);
            if let Some((_, address)) = super::http::plain(&line).split_once("metrics and health address=") {
                break address.trim().parse().unwrap();
            }
        };
        std::thread::spawn(move || std::io::copy(&mut log, &mut std::io::sink()));
        Self { child, address }
    }

    fn health(&self) -> serde_json::Value {
        let mut socket = TcpStream::connect(self.address).unwrap();
        socket.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
        write!(socket, "GET /health HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n").unwrap();
        let mut answer = String::new();
        socket.read_to_string(&mut answer).unwrap();
        serde_json::from_str(answer.split_once("\r\n\r\n").unwrap().1).unwrap()
    }

    /// Books that are live.
    fn live(&self) -> u64 {
        let health = self.health();
        health["venues"].as_object().unwrap().values().map(|venue| venue["live"].as_u64().unwrap()).sum()
    }

    fn wait_live(&self, books: u64) {
        let until = Instant::now() + Duration::from_secs(40);
        while self.live() < books {
            assert!(Instant::now() < until, "not live: {}", self.health());
            std::thread::sleep(Duration::from_millis(50));
        }
    }

    /// For so long every look finds all books live.
    fn stays_live(&self, books: u64, seconds: u64) {
        let until = Instant::now() + Duration::from_secs(seconds);
        while Instant::now() < until {
            assert_eq!(self.live(), books, "{}", self.health());
            std::thread::sleep(Duration::from_millis(20));
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ended = self.child.kill();
        let _reaped = self.child.wait();
    }
}

const ROOMS: [(Room, &str, &str); 3] = [
    (Room::BinanceSpot, "binance_spot", "BTCUSDT"),
    (Room::Okx, "okx", "BTC-USDT"),
    (Room::Bybit, "bybit_spot", "BTCUSDT"),
];

async fn simulator() -> Simulator {
    // Another story of this process may have chosen it already.
    highwire::tls::choose_provider();
    let venues = ROOMS.map(|(room, ..)| (room, highwire_simulator::Ports::default())).to_vec();
    Simulator::start(SimulatorConfig { venues, tls: true, ..SimulatorConfig::default() }).await.unwrap()
}

/// Settings that point at the simulator and trust its authority.
fn settings(simulator: &Simulator, folder: &Path, trusted: bool) -> std::path::PathBuf {
    let ca = folder.join("ca.pem");
    std::fs::write(&ca, simulator.ca_pem().unwrap()).unwrap();
    let mut text = String::new();
    let _ = writeln!(text, "[store]\nfolder = {:?}", folder.join("data"));
    if trusted {
        let _ = writeln!(text, "[lines]\ntls_ca_file = {ca:?}");
    }
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

/// Fault: C10
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn over_tls_the_books_outlive_each_line_and_no_bad_certificate_is_taken() {
    let (simulator, folder) = (simulator().await, tempfile::tempdir().unwrap());
    let config = settings(&simulator, folder.path(), true);
    let running = tokio::task::spawn_blocking(move || Running::start(&config)).await.unwrap();
    let running = tokio::task::spawn_blocking(move || {
        running.wait_live(3);
        running
    });
    let running = running.await.unwrap();
    // The second line comes up within moments of the first.
    tokio::time::sleep(Duration::from_secs(3)).await;
    let control = simulator.control();
    let expired = Verb::Cert { kind: highwire_simulator::CertFault::Expired };
    for (room, ..) in ROOMS {
        control.apply(Injection::new(room, expired.clone()).on(Endpoint::A).lasting_ms(6_000)).unwrap();
        control.apply(Injection::new(room, Verb::Reset {}).on(Endpoint::A)).unwrap();
    }
    tokio::task::spawn_blocking(move || {
        running.stays_live(3, 5);
        running.wait_live(3);
    })
    .await
    .unwrap();
    simulator.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_authority_that_nobody_named_is_not_trusted() {
    let (simulator, folder) = (simulator().await, tempfile::tempdir().unwrap());
    let config = settings(&simulator, folder.path(), false);
    let output = Command::new(env!("CARGO_BIN_EXE_highwire")).args(["run", "--config"]).arg(&config).output();
    let output = output.unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(!output.status.success() && said.contains("exchangeInfo"), "{said}");
    simulator.stop().await;
}
