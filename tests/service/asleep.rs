//! Little memory, and whoever should take what the service says asleep: one after the other, and all at once. It trades on,
//! keeps what its rules keep, counts what it drops, and is no larger for it.

use super::crowds::{Cramped, crowd, venues};
use super::run::{ROOMS, settings, simulator_of};
use highwire_simulator::{Injection, MarketConfig, Verb};
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::ChildStderr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// What may be in memory with every consumer asleep.
const RESIDENT_MAX: f64 = 128.0 * 1_048_576.0;
/// By how much it may be more late in a sleep than early in it.
const RISE_MAX: f64 = 8.0 * 1_048_576.0;
/// Rows of a history that takes none wait for so many seconds at least before some are dropped and counted.
const ROOM_S: u64 = 60;
/// What it is given: a quarter of a gigabyte.
const ALLOWANCE: &str = "ulimit -d 262144";

/// It says much, and trades on almost anything.
const EAGER: [(&str, &str); 8] = [
    ("HIGHWIRE__SERVICE__LOG", "debug"),
    ("HIGHWIRE__RISK__EDGE_MIN_BPS", "0"),
    ("HIGHWIRE__RISK__SLIPPAGE_BPS", "0"),
    ("HIGHWIRE__RISK__LATENCY_PENALTY_BPS", "0"),
    ("HIGHWIRE__RISK__COOLDOWN_MS", "1"),
    ("HIGHWIRE__VENUES__BINANCE_SPOT__TAKER_FEE_BPS", "0.1"),
    ("HIGHWIRE__VENUES__OKX__TAKER_FEE_BPS", "0.1"),
    ("HIGHWIRE__VENUES__BYBIT_SPOT__TAKER_FEE_BPS", "0.1"),
];

/// A server that takes connections and never answers; it holds what comes until it ends.
fn sleeper() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    std::thread::spawn(move || listener.incoming().map_while(Result::ok).collect::<Vec<_>>());
    address
}

/// Settings of a service that says everything to everybody; its history.
fn talking(folder: &Path, collector: SocketAddr, webhook: SocketAddr) -> (Vec<(&'static str, String)>, PathBuf) {
    let (history, url) = (folder.join("history.db"), folder.join("webhook"));
    std::fs::write(&url, format!("http://{webhook}/")).unwrap();
    let environment = vec![
        ("HIGHWIRE__TELEMETRY__OTLP_ENDPOINT", format!("http://{collector}")),
        ("HIGHWIRE__TELEMETRY__QUEUE_MAX", "512".to_owned()),
        ("HIGHWIRE__ALERTS__WEBHOOK_URL", format!("file:{}", url.display())),
        ("HIGHWIRE__ALERTS__SEVERITY_MIN", "info".to_owned()),
        ("HIGHWIRE__HISTORY__FILE", history.display().to_string()),
    ];
    (environment, history)
}

/// Holds the history so that nobody else can write it.
fn hold(history: &Path) -> rusqlite::Connection {
    let holder = rusqlite::Connection::open(history).unwrap();
    holder.busy_timeout(Duration::from_secs(30)).unwrap();
    holder.execute_batch("BEGIN EXCLUSIVE").unwrap();
    holder
}

fn trades(history: &rusqlite::Connection) -> i64 {
    history.query_row("SELECT COUNT(*) FROM trade", [], |row| row.get(0)).unwrap_or(0)
}

/// Resident bytes while a crowd asks and reads nothing, if there is one: most in the first half and in the second.
fn watch(service: &Cramped, lasts: Duration, crowded: bool) -> [f64; 2] {
    let asks = b"GET /metrics HTTP/1.1\r\nhost: x\r\n\r\n".repeat(400);
    let (until, mut seen) = (Instant::now() + lasts, Vec::new());
    while Instant::now() < until || seen.len() < 2 {
        let crowd = crowd(service.address, if crowded { 20 } else { 0 }, &asks);
        std::thread::sleep(Duration::from_millis(500));
        seen.push(service.sample("process_resident_memory_bytes"));
        drop(crowd);
    }
    let (early, late) = seen.split_at(seen.len() / 2);
    [early, late].map(|part| part.iter().copied().fold(0.0, f64::max))
}

/// What was dropped so far: spans, log lines, notices, rows.
fn dropped(service: &Cramped) -> [f64; 4] {
    [
        "highwire_spans_dropped_total",
        "highwire_log_lines_lost_total{sink=\"stderr\"}",
        "highwire_alert_notices_lost_total",
        "highwire_history_rows_lost_total",
    ]
    .map(|name| service.sample(name))
}

/// All at once: nobody reads its log, the collector and the alerts' webhook take and never answer, the history is held, and a
/// crowd asks and reads nothing. `HIGHWIRE_ASLEEP_S` makes it longer than 12 seconds.
///
/// Fault: P08
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn with_everybody_asleep_who_takes_what_it_says_it_trades_on_within_its_memory() {
    let lasts_s: u64 = std::env::var("HIGHWIRE_ASLEEP_S").map_or(12, |s| s.parse().unwrap());
    let (simulator, folder) = venues().await;
    let config = settings(&simulator, folder.path(), true);
    let (mut environment, history) = talking(folder.path(), sleeper(), sleeper());
    environment.push(("HIGHWIRE__SERVICE__LOG", "debug".to_owned()));
    tokio::task::spawn_blocking(move || {
        let service = Cramped::start(ALLOWANCE, &config, &environment);
        service.trades_on(2.0);
        let holder = hold(&history);
        let [early, late] = watch(&service, Duration::from_secs(lasts_s), true);
        service.trades_on(2.0);
        println!("resident: at most {} kB in the first half, {} kB in the second", early / 1024.0, late / 1024.0);
        println!("dropped: {:?} spans, log lines, notices, rows", dropped(&service));
        assert!(early.max(late) <= RESIDENT_MAX, "{early} and {late} bytes");
        holder.execute_batch("ROLLBACK").unwrap();
        service.trades_on(2.0);
        service.wait("what waited is in the history", || trades(&holder) > 0);
    })
    .await
    .unwrap();
    simulator.stop().await;
}

/// Who takes what the service says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Consumer {
    Log,
    Collector,
    Webhook,
    History,
    Clients,
}

/// Whether somebody sleeps; clones share it.
#[derive(Clone, Default)]
struct Sleep(Arc<AtomicBool>);

impl Sleep {
    fn set(&self, sleeps: bool) {
        self.0.store(sleeps, Ordering::SeqCst);
    }

    /// Returns once nobody sleeps any more.
    fn through(&self) {
        while self.0.load(Ordering::SeqCst) {
            std::thread::sleep(Duration::from_millis(10));
        }
    }
}

/// A server that thanks for every request, unless it sleeps; and how often it did.
fn server(sleep: &Sleep) -> (SocketAddr, Arc<AtomicU64>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let (address, sleep, thanked) = (listener.local_addr().unwrap(), sleep.clone(), Arc::new(AtomicU64::new(0)));
    let count = Arc::clone(&thanked);
    std::thread::spawn(move || {
        for stream in listener.incoming().map_while(Result::ok) {
            let (sleep, count) = (sleep.clone(), Arc::clone(&count));
            std::thread::spawn(move || {
                while thank(&stream, &sleep).is_some() {
                    count.fetch_add(1, Ordering::SeqCst);
                }
            });
        }
    });
    (address, thanked)
}

fn thank(mut stream: &TcpStream, sleep: &Sleep) -> Option<()> {
    let (mut reader, mut head) = (BufReader::new(stream), Vec::new());
    while !head.ends_with(b"\r\n\r\n") {
        (reader.read_until(b'\n', &mut head).ok()? > 0).then_some(())?;
    }
    let head = String::from_utf8_lossy(&head).to_ascii_lowercase();
    let length = head.lines().find_map(|line| line.strip_prefix("content-length: ")?.parse().ok());
    reader.read_exact(&mut vec![0; length.unwrap_or(0)]).ok()?;
    sleep.through();
    let answer = b"HTTP/1.1 200 OK\r\ncontent-type: application/x-protobuf\r\ncontent-length: 0\r\n\r\n";
    stream.write_all(answer).ok()
}

/// Reads the log to nowhere, unless it sleeps.
fn reader(mut log: ChildStderr, sleep: &Sleep) {
    let sleep = sleep.clone();
    std::thread::spawn(move || {
        let mut line = vec![0; 65_536];
        while log.read(&mut line).is_ok_and(|read| read > 0) {
            sleep.through();
        }
    });
}

/// One sleeps at a time; spans that no collector takes are dropped and counted, notices and rows wait. How log lines are:
/// `src/telemetry/files.rs`. `HIGHWIRE_ASLEEP_EACH_S` makes each sleep longer than 3 seconds.
///
/// Fault: P08
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn with_one_consumer_after_the_other_asleep_it_trades_on_and_counts_what_it_drops() {
    let lasts_s: u64 = std::env::var("HIGHWIRE_ASLEEP_EACH_S").map_or(3, |s| s.parse().unwrap());
    let market = MarketConfig { dislocations_per_min: 300, dislocation_ns: 100_000_000, ..MarketConfig::default() };
    let (simulator, folder) = (simulator_of(market).await, tempfile::tempdir().unwrap());
    let config = settings(&simulator, folder.path(), true);
    let sleeps = [Sleep::default(), Sleep::default(), Sleep::default()];
    let [log, collector, webhook] = &sleeps;
    let ((collector, taken), (webhook, told)) = (server(collector), server(webhook));
    let (mut environment, history) = talking(folder.path(), collector, webhook);
    environment.extend(EAGER.map(|(name, value)| (name, value.to_owned())));
    let (log, control) = (log.clone(), simulator.control());
    tokio::task::spawn_blocking(move || {
        let mut service = Cramped::start(ALLOWANCE, &config, &environment);
        reader(service.child.stderr.take().unwrap(), &log);
        service.trades_on(2.0);
        let most = [("process_open_fds", 4.0), ("process_threads", 1.0)];
        let most = most.map(|(name, more)| (name, service.least(name) + more));
        use Consumer::{Clients, Collector, History, Log, Webhook};
        for consumer in [Log, Collector, Webhook, History, Clients] {
            let before = dropped(&service);
            let holder = (consumer == History).then(|| hold(&history));
            let sleeping = sleeps.get(consumer as usize).filter(|_| (consumer as usize) < 3);
            sleeping.iter().for_each(|sleep| sleep.set(true));
            if consumer == Webhook {
                // Something to tell.
                control.apply(Injection::new(ROOMS[2].0, Verb::Refuse {}).lasting_ms(3_000)).unwrap();
                control.apply(Injection::new(ROOMS[2].0, Verb::Reset {})).unwrap();
            }
            let [early, late] = watch(&service, Duration::from_secs(lasts_s), consumer == Clients);
            service.trades_on(2.0);
            if consumer == Collector {
                service.wait("its drops are counted", || dropped(&service)[0] > before[0]);
            }
            let counts = dropped(&service);
            println!(
                "{consumer:?} asleep: resident at most {} kB early, {} kB late; dropped {counts:?}, before {before:?}",
                early / 1024.0,
                late / 1024.0
            );
            assert!(early.max(late) <= RESIDENT_MAX, "{consumer:?}: {early} and {late} bytes");
            assert!(late <= early + RISE_MAX, "{consumer:?}: {early}, then {late} bytes");
            assert_eq!(counts[2], 0.0, "{consumer:?}: notices wait");
            // So do rows, as many as there is room for.
            assert!(counts[3] == 0.0 || lasts_s > ROOM_S, "{consumer:?}: {counts:?}");
            let woken = (taken.load(Ordering::SeqCst), holder.as_ref().map_or(0, trades));
            let alerts = told.load(Ordering::SeqCst);
            sleeping.iter().for_each(|sleep| sleep.set(false));
            if let Some(holder) = holder {
                holder.execute_batch("ROLLBACK").unwrap();
                service.wait("its history goes on", || trades(&holder) > woken.1);
            }
            if consumer == Webhook {
                service.wait("its alerts are told", || told.load(Ordering::SeqCst) > alerts);
            }
            service.wait("its collector is told", || taken.load(Ordering::SeqCst) > woken.0);
            service.trades_on(2.0);
        }
        // Nobody who slept has left a descriptor or a thread behind.
        println!("descriptors and threads at most {most:?}");
        most.iter().for_each(|(name, most)| service.wait(name, || service.sample(name) <= *most));
    })
    .await
    .unwrap();
    simulator.stop().await;
}
