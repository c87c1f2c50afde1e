//! Where log lines go must never matter to the wire: a pipe that nobody reads, a folder that is deleted, a disk that is full.

use super::run::{settings, simulator_of};
use highwire_simulator::MarketConfig;
use std::collections::BTreeMap;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// A service on paper whose standard error is a pipe that nobody reads, and that logs everything.
struct Deaf {
    child: Child,
    address: SocketAddr,
}

impl Deaf {
    fn start(config: &Path, logs: &Path) -> Self {
        let address = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        let mut command = Command::new(env!("CARGO_BIN_EXE_highwire"));
        command.args(["run", "--config"]).arg(config).env("HIGHWIRE__SERVICE__LOG", "trace");
        command.env("HIGHWIRE__HTTP__LISTEN", address.to_string()).env("HIGHWIRE__SERVICE__LOG_DIR", logs);
        command.env("HIGHWIRE__SERVICE__LOG_FILE_MB", "1").env("HIGHWIRE__SERVICE__LOG_KEEP", "3");
        command.env("HIGHWIRE__WIRE__THREAD_STUCK_MS", "20000");
        command.env("HIGHWIRE__SERVICE__DATA_DIR", crate::running::data(config));
        let child = command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
        Self { child, address }
    }

    /// The samples of `/metrics`; none while nobody answers.
    fn metrics(&self) -> Option<BTreeMap<String, f64>> {
        let mut socket = TcpStream::connect(self.address).ok()?;
        socket.set_read_timeout(Some(Duration::from_secs(10))).ok()?;
        socket.write_all(b"GET /metrics HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n").ok()?;
        let mut answer = String::new();
        socket.read_to_string(&mut answer).ok()?;
        let samples = answer.lines().filter_map(|line| line.rsplit_once(' '));
        Some(samples.filter_map(|(name, value)| Some((name.to_owned(), value.parse().ok()?))).collect())
    }

    fn orders(&self) -> f64 {
        let metrics = self.metrics().unwrap_or_default();
        metrics.get("highwire_orders_total{thread=\"wire\"}").copied().unwrap_or(0.0)
    }

    /// Waits until it has sent so many more orders.
    fn trades_on(&self, orders: f64, when: &str) {
        let (goal, until) = (self.orders() + orders, Instant::now() + Duration::from_secs(60));
        while self.orders() < goal {
            assert!(Instant::now() < until, "{when}: {} orders, not {goal}: {:?}", self.orders(), self.metrics());
            std::thread::sleep(Duration::from_millis(50));
        }
    }
}

impl Drop for Deaf {
    fn drop(&mut self) {
        let _ended = self.child.kill();
        let _reaped = self.child.wait();
    }
}

fn wait(what: &str, mut so: impl FnMut() -> bool) {
    let until = Instant::now() + Duration::from_secs(60);
    while !so() {
        assert!(Instant::now() < until, "never: {what}");
        std::thread::sleep(Duration::from_millis(50));
    }
}

/// Fault: P16
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_pipe_that_nobody_reads_a_folder_that_is_deleted_and_a_full_disk_do_not_keep_it_from_trading() {
    let market = MarketConfig { lag_ns: 250_000_000, dislocations_per_min: 120, ..MarketConfig::default() };
    let (simulator, folder) = (simulator_of(market).await, tempfile::tempdir().unwrap());
    let config = settings(&simulator, folder.path(), true);
    let logs = folder.path().join("logs");
    tokio::task::spawn_blocking(move || {
        let deaf = Deaf::start(&config, &logs);
        deaf.trades_on(4.0, "with a pipe that nobody reads");
        std::fs::remove_dir_all(&logs).unwrap();
        deaf.trades_on(4.0, "without its folder");
        wait("the folder is made anew", || std::fs::read_dir(&logs).is_ok_and(|mut files| files.next().is_some()));
        // Nothing can be written any more: a folder that takes no file, and one that stands in its way.
        std::fs::remove_dir_all(&logs).unwrap();
        std::fs::write(&logs, "in the way").unwrap();
        deaf.trades_on(4.0, "with nowhere to write");
    })
    .await
    .unwrap();
    simulator.stop().await;
}
