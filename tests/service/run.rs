//! `highwire run` against simulated venues over TLS: books come, and stay through the loss of any one line and
//! through certificates that must not be trusted.

use crate::running::{Running, data};
use highwire_simulator::{Endpoint, Injection, MarketConfig, Simulator, SimulatorConfig, Venue as Room, Verb};
use std::fmt::Write as _;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

/// For so long every look finds all books live.
fn stays_live(running: &Running, books: u64, seconds: u64) {
    let until = Instant::now() + Duration::from_secs(seconds);
    while Instant::now() < until {
        assert_eq!(running.live(), books, "{}", running.health());
        std::thread::sleep(Duration::from_millis(20));
    }
}

pub const ROOMS: [(Room, &str, &str); 3] = [
    (Room::BinanceSpot, "binance_spot", "BTCUSDT"),
    (Room::Okx, "okx", "BTC-USDT"),
    (Room::Bybit, "bybit_spot", "BTCUSDT"),
];

pub async fn simulator() -> Simulator {
    simulator_of(MarketConfig::default()).await
}

pub async fn simulator_of(market: MarketConfig) -> Simulator {
    // Another story of this process may have chosen it already.
    highwire::tls::choose_provider();
    let venues = ROOMS.map(|(room, ..)| (room, highwire_simulator::Ports::default())).to_vec();
    Simulator::start(SimulatorConfig { market, venues, tls: true, ..SimulatorConfig::default() }).await.unwrap()
}

/// Settings that point at the simulator and trust its authority.
pub fn settings(simulator: &Simulator, folder: &Path, trusted: bool) -> std::path::PathBuf {
    let ca = folder.join("ca.pem");
    std::fs::write(&ca, simulator.ca_pem().unwrap()).unwrap();
    let mut text = String::new();
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
        stays_live(&running, 3, 5);
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
    let mut command = Command::new(env!("CARGO_BIN_EXE_highwire"));
    command.args(["run", "--config"]).arg(&config).env("HIGHWIRE__SERVICE__DATA_DIR", data(&config));
    let output = command.output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(!output.status.success() && said.contains("exchangeInfo"), "{said}");
    simulator.stop().await;
}
