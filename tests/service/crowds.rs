//! Little room: few file descriptors, crowds that connect and say or read nothing, a venue that refuses every connection.
//! It trades on, and grows by nothing.

use super::run::{ROOMS, settings, simulator_of};
use highwire_simulator::{Injection, MarketConfig, Simulator, Verb};
use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// Whoever reads nothing is gone by then, on a machine that is busy.
const GONE_WITHIN: Duration = Duration::from_secs(60);
/// Connections begun as often as may be.
const TIRELESS: [(&str, &str); 4] = [
    ("HIGHWIRE__LINES__ATTEMPTS", "300"),
    ("HIGHWIRE__LINES__ATTEMPTS_PERIOD_S", "1"),
    ("HIGHWIRE__SUPERVISION__BACKOFF_BASE_MS", "1"),
    ("HIGHWIRE__SUPERVISION__BACKOFF_CAP_MS", "2"),
];

/// A service on paper, started by a shell that first takes room from it; nobody reads its standard error.
pub struct Cramped {
    pub child: Child,
    pub address: SocketAddr,
}

impl Cramped {
    pub fn start(limit: &str, config: &Path, environment: &[(&str, String)]) -> Self {
        let address = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        let mut command = Command::new("sh");
        command.args(["-c", &format!("{limit} && exec \"$0\" run --config \"$1\""), env!("CARGO_BIN_EXE_highwire")]);
        command.arg(config).env("HIGHWIRE__HTTP__LISTEN", address.to_string()).env("HIGHWIRE__SERVICE__LOG", "info");
        // A machine that runs all tests at once starves threads and venues for longer than one that trades.
        command
            .env("HIGHWIRE__WIRE__THREAD_STUCK_MS", "20000")
            .env("HIGHWIRE__LINES__CUT_OFF_S", "60")
            .env("HIGHWIRE__RISK__COOLDOWN_MS", "100");
        command.env("HIGHWIRE__SERVICE__DATA_DIR", crate::running::data(config));
        command.envs(environment.iter().map(|(name, value)| (name, value)));
        let child = command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
        Self { child, address }
    }

    /// The samples of `/metrics`; none while nobody answers.
    fn metrics(&self) -> BTreeMap<String, f64> {
        let answer = || {
            let mut socket = TcpStream::connect(self.address).ok()?;
            socket.set_read_timeout(Some(Duration::from_secs(10))).ok()?;
            socket.write_all(b"GET /metrics HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n").ok()?;
            let mut answer = String::new();
            socket.read_to_string(&mut answer).ok().map(|_| answer)
        };
        let answer = answer().unwrap_or_default();
        let samples = answer.lines().filter_map(|line| line.rsplit_once(' '));
        samples.filter_map(|(name, value)| Some((name.to_owned(), value.parse().ok()?))).collect()
    }

    /// A sample that must come.
    pub fn sample(&self, name: &str) -> f64 {
        let mut found = None;
        self.wait(name, || {
            found = self.metrics().get(name).copied();
            found.is_some()
        });
        found.unwrap()
    }

    /// Connections that failed from now on, counted as it logs them.
    fn failed_connects(&mut self) -> Arc<AtomicU64> {
        let (log, count) = (BufReader::new(self.child.stderr.take().unwrap()), Arc::new(AtomicU64::new(0)));
        let counting = Arc::clone(&count);
        std::thread::spawn(move || {
            let lines = log.lines().map_while(Result::ok).filter(|line| line.contains("connection over"));
            lines.for_each(|_| _ = counting.fetch_add(1, Ordering::Relaxed));
        });
        count
    }

    /// A sample when nothing less was seen for a while: what comes and goes is not counted.
    pub fn least(&self, name: &str) -> f64 {
        let looks = (0..20).map(|_| {
            std::thread::sleep(Duration::from_millis(50));
            self.sample(name)
        });
        looks.fold(f64::INFINITY, f64::min)
    }

    pub fn wait(&self, what: &str, mut so: impl FnMut() -> bool) {
        let until = Instant::now() + GONE_WITHIN;
        while !so() {
            assert!(Instant::now() < until, "never: {what}; {:?}", self.metrics());
            std::thread::sleep(Duration::from_millis(50));
        }
    }

    /// Waits until it has sent so many more orders.
    pub fn trades_on(&self, orders: f64) {
        let sent = || self.metrics().get("highwire_orders_total{thread=\"wire\"}").copied().unwrap_or(0.0);
        let mut goal = None;
        self.wait("it trades on", || sent() >= *goal.get_or_insert(sent() + orders));
    }
}

impl Drop for Cramped {
    fn drop(&mut self) {
        let _ended = self.child.kill();
        let _reaped = self.child.wait();
    }
}

pub async fn venues() -> (Simulator, tempfile::TempDir) {
    let market = MarketConfig { lag_ns: 250_000_000, dislocations_per_min: 120, ..MarketConfig::default() };
    (simulator_of(market).await, tempfile::tempdir().unwrap())
}

pub fn crowd(address: SocketAddr, size: usize, say: &[u8]) -> Vec<TcpStream> {
    let join = |_| {
        let mut socket = TcpStream::connect(address).ok()?;
        socket.set_nonblocking(true).ok()?;
        // Whoever is cut off while it speaks belongs to the crowd all the same.
        let _said = socket.write(say);
        Some(socket)
    };
    (0..size).filter_map(join).collect()
}

/// `HIGHWIRE_SERVICE_REFUSED` makes it more than 40 connections that fail, of which it begins 2.4 a second.
///
/// Fault: P09
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn with_few_descriptors_neither_idle_clients_nor_a_venue_that_refuses_keep_it_from_trading() {
    let (simulator, folder) = venues().await;
    let config = settings(&simulator, folder.path(), true);
    let control = simulator.control();
    let fails: u64 = std::env::var("HIGHWIRE_SERVICE_REFUSED").map_or(40, |fails| fails.parse().unwrap());
    tokio::task::spawn_blocking(move || {
        let tries = TIRELESS.map(|(name, value)| (name, value.to_owned()));
        let mut service = Cramped::start("ulimit -n 160", &config, &tries);
        service.trades_on(4.0);
        let before = service.least("process_open_fds");
        let idle = crowd(service.address, 400, b"");
        service.trades_on(4.0);
        // Half of its descriptors at least are for venues and files, whoever comes.
        let crowded = service.sample("process_open_fds");
        assert!(crowded < 120.0, "{crowded} descriptors");
        drop(idle);
        service.wait("the crowd's descriptors are free", || service.sample("process_open_fds") <= before + 4.0);
        let (refused, failed) = (ROOMS[2].0, service.failed_connects());
        control.apply(Injection::new(refused, Verb::Refuse {})).unwrap();
        control.apply(Injection::new(refused, Verb::Reset {})).unwrap();
        let (began, mut most) = (Instant::now(), 0.0_f64);
        while failed.load(Ordering::Relaxed) < fails {
            assert!(began.elapsed() < GONE_WITHIN * (1 + fails as u32 / 100), "{failed:?} failed connects only");
            most = most.max(service.sample("process_open_fds"));
            assert!(most <= before + 12.0, "{most} descriptors, {before} before");
            std::thread::sleep(Duration::from_millis(100));
        }
        println!("{failed:?} failed connects in {:?}: {most} descriptors at most", began.elapsed());
        service.trades_on(4.0);
        control.take_back(|_, _| true);
        let live = format!("highwire_lines_up{{venue=\"{}\",kind=\"market\"}}", ROOMS[2].1);
        service.wait("its lines are back", || service.metrics().get(&live) == Some(&2.0));
        let after = service.least("process_open_fds");
        println!("descriptors: {before} before, {crowded} with a crowd, {after} after the venue that refused");
        assert!(after <= before + 4.0, "{after} descriptors, {before} before");
    })
    .await
    .unwrap();
    simulator.stop().await;
}

/// There is no channel on which the service pushes: `/metrics`, `/health` and the control socket answer what is asked, and
/// `highwire watch` asks again. So a laggard is one that asks and does not read.
///
/// Fault: D05
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whoever_asks_and_reads_nothing_is_cut_off_and_costs_nobody_anything() {
    let (simulator, folder) = venues().await;
    let config = settings(&simulator, folder.path(), true);
    tokio::task::spawn_blocking(move || {
        let service = Cramped::start("true", &config, &[]);
        service.trades_on(4.0);
        let (before, resident) = (service.least("process_open_fds"), service.sample("process_resident_memory_bytes"));
        // Far more answers than fit a socket's buffers.
        let asks = b"GET /metrics HTTP/1.1\r\nhost: x\r\n\r\n".repeat(400);
        let laggards = crowd(service.address, 200, &asks);
        let mut dripping = TcpStream::connect(service.address).unwrap();
        dripping.set_nonblocking(true).unwrap();
        let _said = dripping.write(&asks);
        let (began, mut slowest) = (Instant::now(), Duration::ZERO);
        // The crowd keeps its sockets; its places are free nevertheless.
        service.wait("the laggards are cut off", || {
            let _dripped = dripping.read(&mut [0; 1]);
            let asked = Instant::now();
            let open = service.sample("process_open_fds");
            slowest = slowest.max(asked.elapsed());
            open <= before + 8.0
        });
        let gone = began.elapsed();
        service.trades_on(4.0);
        let grown = service.sample("process_resident_memory_bytes") - resident;
        println!(
            "{} laggards gone after {gone:?}; others answered within {slowest:?}; grown by {} kB",
            laggards.len(),
            grown / 1024.0
        );
        assert!(grown < 64.0 * 1_048_576.0, "grown by {grown} bytes");
        drop(laggards);
    })
    .await
    .unwrap();
    simulator.stop().await;
}
