//! Little room: few file descriptors, crowds that connect and say or read nothing, a venue that refuses every connection,
//! little memory, and everybody who should take what the service says asleep. It trades on, and grows by nothing.

use super::run::{ROOMS, settings, simulator_of};
use highwire_simulator::{Injection, MarketConfig, Simulator, Verb};
use std::collections::BTreeMap;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// Whoever reads nothing is gone by then, on a machine that is busy.
const GONE_WITHIN: Duration = Duration::from_secs(60);
/// What may be in memory with every consumer asleep.
const RESIDENT_MAX: f64 = 128.0 * 1_048_576.0;

/// A service on paper, started by a shell that first takes room from it; nobody reads its standard error.
struct Cramped {
    child: Child,
    address: SocketAddr,
}

impl Cramped {
    fn start(limit: &str, config: &Path, environment: &[(&str, String)]) -> Self {
        let address = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        let mut command = Command::new("sh");
        command.args(["-c", &format!("{limit} && exec \"$0\" run --config \"$1\""), env!("CARGO_BIN_EXE_highwire")]);
        command.arg(config).env("HIGHWIRE__HTTP__LISTEN", address.to_string()).env("HIGHWIRE__SERVICE__LOG", "info");
        command.env("HIGHWIRE__WIRE__THREAD_STUCK_MS", "20000").env("HIGHWIRE__RISK__COOLDOWN_MS", "100");
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
    fn sample(&self, name: &str) -> f64 {
        let mut found = None;
        self.wait(name, || {
            found = self.metrics().get(name).copied();
            found.is_some()
        });
        found.unwrap()
    }

    /// A sample when nothing less was seen for a while: what comes and goes is not counted.
    fn least(&self, name: &str) -> f64 {
        let looks = (0..20).map(|_| {
            std::thread::sleep(Duration::from_millis(50));
            self.sample(name)
        });
        looks.fold(f64::INFINITY, f64::min)
    }

    fn wait(&self, what: &str, mut so: impl FnMut() -> bool) {
        let until = Instant::now() + GONE_WITHIN;
        while !so() {
            assert!(Instant::now() < until, "never: {what}; {:?}", self.metrics());
            std::thread::sleep(Duration::from_millis(50));
        }
    }

    /// Waits until it has sent so many more orders.
    fn trades_on(&self, orders: f64) {
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

async fn venues() -> (Simulator, tempfile::TempDir) {
    let market = MarketConfig { lag_ns: 250_000_000, dislocations_per_min: 120, ..MarketConfig::default() };
    (simulator_of(market).await, tempfile::tempdir().unwrap())
}

fn crowd(address: SocketAddr, size: usize, say: &[u8]) -> Vec<TcpStream> {
    let join = |_| {
        let mut socket = TcpStream::connect(address).ok()?;
        socket.set_nonblocking(true).ok()?;
        // Whoever is cut off while it speaks belongs to the crowd all the same.
        let _said = socket.write(say);
        Some(socket)
    };
    (0..size).filter_map(join).collect()
}

/// Fault: P09
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn with_few_descriptors_neither_idle_clients_nor_a_venue_that_refuses_keep_it_from_trading() {
    let (simulator, folder) = venues().await;
    let config = settings(&simulator, folder.path(), true);
    let control = simulator.control();
    tokio::task::spawn_blocking(move || {
        let tries =
            [("HIGHWIRE__LINES__ATTEMPTS", "300".to_owned()), ("HIGHWIRE__LINES__ATTEMPTS_PERIOD_S", "1".to_owned())];
        let service = Cramped::start("ulimit -n 160", &config, &tries);
        service.trades_on(4.0);
        let before = service.least("process_open_fds");
        let idle = crowd(service.address, 400, b"");
        service.trades_on(4.0);
        // Half of its descriptors at least are for venues and files, whoever comes.
        let crowded = service.sample("process_open_fds");
        assert!(crowded < 120.0, "{crowded} descriptors");
        drop(idle);
        service.wait("the crowd's descriptors are free", || service.sample("process_open_fds") <= before + 4.0);
        let refused = ROOMS[2].0;
        control.apply(Injection::new(refused, Verb::Refuse {})).unwrap();
        control.apply(Injection::new(refused, Verb::Reset {})).unwrap();
        let until = Instant::now() + Duration::from_secs(8);
        while Instant::now() < until {
            let open = service.sample("process_open_fds");
            assert!(open <= before + 12.0, "{open} descriptors, {before} before");
            std::thread::sleep(Duration::from_millis(100));
        }
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

/// A server that takes connections and never answers; it holds what comes until it ends.
fn sleeper() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    std::thread::spawn(move || listener.incoming().map_while(Result::ok).collect::<Vec<_>>());
    address
}

/// All at once: nobody reads its log, the collector and the alerts' webhook take and never answer, the history is held, and a
/// crowd asks and reads nothing; with a quarter of a gigabyte to have. `HIGHWIRE_ASLEEP_S` makes it longer than 12 seconds.
///
/// Fault: P08
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn with_everybody_asleep_who_takes_what_it_says_it_trades_on_within_its_memory() {
    let lasts_s: u64 = std::env::var("HIGHWIRE_ASLEEP_S").map_or(12, |s| s.parse().unwrap());
    let (simulator, folder) = venues().await;
    let config = settings(&simulator, folder.path(), true);
    let (history, webhook) = (folder.path().join("history.db"), folder.path().join("webhook"));
    std::fs::write(&webhook, format!("http://{}/", sleeper())).unwrap();
    let environment = [
        ("HIGHWIRE__TELEMETRY__OTLP_ENDPOINT", format!("http://{}", sleeper())),
        ("HIGHWIRE__ALERTS__WEBHOOK_URL", format!("file:{}", webhook.display())),
        ("HIGHWIRE__ALERTS__SEVERITY_MIN", "info".to_owned()),
        ("HIGHWIRE__HISTORY__FILE", history.display().to_string()),
        ("HIGHWIRE__SERVICE__LOG", "debug".to_owned()),
    ];
    tokio::task::spawn_blocking(move || {
        let service = Cramped::start("ulimit -d 262144", &config, &environment);
        service.trades_on(2.0);
        let holder = rusqlite::Connection::open(&history).unwrap();
        holder.busy_timeout(Duration::from_secs(30)).unwrap();
        holder.execute_batch("BEGIN EXCLUSIVE").unwrap();
        let asks = b"GET /metrics HTTP/1.1\r\nhost: x\r\n\r\n".repeat(400);
        let (until, mut most) = (Instant::now() + Duration::from_secs(lasts_s), Vec::new());
        while Instant::now() < until {
            let crowd = crowd(service.address, 20, &asks);
            std::thread::sleep(Duration::from_millis(500));
            most.push(service.sample("process_resident_memory_bytes"));
            drop(crowd);
        }
        service.trades_on(2.0);
        let most_of = |part: &[f64]| part.iter().copied().fold(0.0, f64::max);
        let (early, late) = most.split_at(most.len() / 2);
        println!(
            "resident: at most {} kB in the first half, {} kB in the second",
            most_of(early) / 1024.0,
            most_of(late) / 1024.0
        );
        assert!(most_of(&most) <= RESIDENT_MAX, "{most:?}");
        holder.execute_batch("ROLLBACK").unwrap();
        service.trades_on(2.0);
        service.wait("what waited is in the history", || {
            let count = holder.query_row("SELECT COUNT(*) FROM trade", [], |row| row.get::<_, i64>(0));
            count.is_ok_and(|trades| trades > 0)
        });
    })
    .await
    .unwrap();
    simulator.stop().await;
}
