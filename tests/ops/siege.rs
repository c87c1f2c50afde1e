//! A thousand clients that drip their headers, a thousand that say nothing, and others that send headers and bodies without
//! end, in turns with quiet: everybody else is answered, books and trades go on, memory stays, and a halt is obeyed. What `/health`
//! takes and what the wire takes, with and without, is printed and not asserted, since other programs run on the same cores.
//! `HIGHWIRE_SIEGE_S` makes it longer than 8 seconds; the wire spins on the last core then, and attackers and venues stay on the
//! others, where they would be as other machines are.

use super::service::{Running, free, settings, simulator_of};
use highwire_simulator::MarketConfig;
use rustix::thread::{CpuSet, Pid, sched_setaffinity};
use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::time::{Duration, Instant};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::task::JoinSet;

/// Clients that drip.
const DRIPS: usize = 1_000;
/// Clients that connect and say nothing; they come once.
const IDLE: usize = 1_000;
/// Clients that send what has no end.
const FLOODS: usize = 8;
/// What all of it may take.
const GROWTH_MAX: u64 = 64 << 20;
/// Stages of every frame: the whole wire has a sample per order only.
const STAGES: [&str; 5] = ["decode", "book", "queue", "detect", "wire"];

/// Begins a header and never ends it; comes again when it is cut off.
async fn drip(address: SocketAddr) {
    loop {
        let Ok(mut socket) = TcpStream::connect(address).await else { continue };
        let mut byte = socket.write_all(b"GET /health HTTP/1.1\r\nx: ").await;
        while byte.is_ok() {
            tokio::time::sleep(Duration::from_secs(1)).await;
            byte = socket.write_all(b"a").await;
        }
    }
}

/// Says nothing, until it is cut off.
async fn idle(address: SocketAddr) {
    if let Ok(mut socket) = TcpStream::connect(address).await {
        let _cut = socket.read(&mut [0]).await;
    }
}

/// Sends what is too long, again and again: a header, a body, chunks without end.
async fn flood(address: SocketAddr, number: usize) {
    let begin: &[u8] = match number % 3 {
        0 => b"GET /metrics HTTP/1.1\r\nx: ",
        1 => b"POST /health HTTP/1.1\r\nhost: x\r\ncontent-length: 1000000000\r\n\r\n",
        _ => b"POST /health HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\nffffffff\r\n",
    };
    let long = [begin, &vec![b'a'; 1 << 20]].concat();
    loop {
        if let Ok(mut socket) = TcpStream::connect(address).await {
            let (_cut, mut answer) = (socket.write_all(&long).await, [0; 64]);
            let _refused = socket.read(&mut answer).await;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

/// All of them, until they are dropped.
fn lay(address: SocketAddr) -> JoinSet<()> {
    let mut siege = JoinSet::new();
    (0..DRIPS).for_each(|_| drop(siege.spawn(drip(address))));
    (0..IDLE).for_each(|_| drop(siege.spawn(idle(address))));
    (0..FLOODS).for_each(|number| drop(siege.spawn(flood(address, number))));
    siege
}

async fn resident(running: &Running) -> u64 {
    let text = fresh(running, "/metrics").await;
    let value = text.lines().find_map(|line| line.strip_prefix("process_resident_memory_bytes "));
    value.unwrap().parse::<f64>().unwrap() as u64
}

/// What one kind of turn has seen.
#[derive(Default)]
struct Seen {
    health_us: Vec<u128>,
    /// Counts by stage and upper bound in seconds.
    buckets: BTreeMap<(&'static str, String), f64>,
}

impl Seen {
    async fn turn(&mut self, running: &Running, lasts: Duration) {
        let (before, began) = (buckets(running).await, Instant::now());
        while began.elapsed() < lasts {
            let asked = Instant::now();
            let answer = fresh(running, "/health").await;
            assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
            self.health_us.push(asked.elapsed().as_micros());
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        for (key, count) in buckets(running).await {
            *self.buckets.entry(key.clone()).or_default() += count - before.get(&key).copied().unwrap_or(0.0);
        }
    }

    fn health(&mut self, part: f64) -> f64 {
        self.health_us.sort_unstable();
        let at = ((self.health_us.len() - 1) as f64 * part).round() as usize;
        self.health_us[at] as f64 / 1_000.0
    }

    /// The 99th percentile of a stage in microseconds, between the bounds of its bucket; and how many there were.
    fn p99_us(&self, stage: &str) -> (f64, f64) {
        let of = self.buckets.iter().filter(|((of, _), _)| *of == stage);
        let mut bounds: Vec<(f64, f64)> =
            of.map(|((_, le), count)| (le.parse().unwrap_or(f64::INFINITY), *count)).collect();
        bounds.sort_by(|a, b| a.0.total_cmp(&b.0));
        let all = bounds.last().map_or(0.0, |(_, count)| *count);
        let (mut low, mut below) = (0.0, 0.0);
        for (bound, count) in bounds {
            if count >= all * 0.99 {
                let share = if count > below { (all * 0.99 - below) / (count - below) } else { 1.0 };
                return (if bound.is_finite() { low + (bound - low) * share } else { low } * 1e6, all);
            }
            (low, below) = (bound, count);
        }
        (0.0, all)
    }
}

/// An answer to a client of its own.
async fn fresh(running: &Running, path: &str) -> String {
    let mut socket = TcpStream::connect(running.address).await.unwrap();
    let request = format!("GET {path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n");
    socket.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    socket.read_to_string(&mut answer).await.unwrap();
    answer
}

async fn buckets(running: &Running) -> BTreeMap<(&'static str, String), f64> {
    let text = fresh(running, "/metrics").await;
    let mut found = BTreeMap::new();
    for line in text.lines().filter_map(|line| line.strip_prefix("highwire_stage_seconds_bucket{")) {
        let stage = STAGES.into_iter().find(|stage| line.contains(&format!("stage=\"{stage}\"")));
        let le = line.split_once("le=\"").and_then(|(_, rest)| rest.split_once('"')).map(|(le, _)| le.to_owned());
        let count = line.rsplit_once(' ').and_then(|(_, count)| count.parse::<f64>().ok());
        if let (Some(stage), Some(le), Some(count)) = (stage, le, count) {
            *found.entry((stage, le)).or_default() += count;
        }
    }
    found
}

/// Fault: S03
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn clients_that_drip_and_flood_are_nobody_elses_affair() {
    let long: Option<u64> = std::env::var("HIGHWIRE_SIEGE_S").ok().map(|s| s.parse().unwrap());
    let lasts_s = long.unwrap_or(8);
    let market = MarketConfig { dislocations_per_min: 1_200, dislocation_ns: 100_000_000, ..MarketConfig::default() };
    let (simulator, folder) = (simulator_of(market).await, tempfile::tempdir().unwrap());
    let config = settings(&simulator, folder.path());
    let arguments = ["run", "--config", config.to_str().unwrap()];
    let idle = if long.is_some() { "spin" } else { "auto" };
    let eager =
        [("HIGHWIRE__RISK__EDGE_MIN_BPS", "0"), ("HIGHWIRE__RISK__COOLDOWN_MS", "1"), ("HIGHWIRE__WIRE__IDLE", idle)];
    let running = tokio::task::block_in_place(|| Running::start(&arguments, &eager, free()));
    if long.is_some() {
        leave_the_last_core();
    }
    running.wait_ready().await;
    let before = resident(&running).await;
    let turn = Duration::from_millis(lasts_s * 1_000 / 4);
    let (mut quiet, mut attacked) = (Seen::default(), Seen::default());
    for _ in 0..2 {
        quiet.turn(&running, turn).await;
        let mut siege = lay(running.address);
        // Until all have come.
        tokio::time::sleep(Duration::from_secs(1)).await;
        attacked.turn(&running, turn).await;
        siege.shutdown().await;
    }
    for (name, seen) in [("quiet", &mut quiet), ("attacked", &mut attacked)] {
        println!(
            "{name:<9} /health p50 {:.2} ms, p99 {:.2} ms of {}",
            seen.health(0.5),
            seen.health(0.99),
            seen.health_us.len()
        );
    }
    for stage in STAGES {
        let ((a, n), (b, m)) = (quiet.p99_us(stage), attacked.p99_us(stage));
        println!("{stage:<9} p99 {a:.1} µs of {n}, attacked {b:.1} µs of {m}: ratio {:.2}", b / a);
    }
    assert_eq!(mode(&running).await, "Full");
    assert!(attacked.p99_us("decode").1 > 0.0 && attacked.p99_us("wire").1 > 0.0, "it trades on");
    let grown = resident(&running).await.saturating_sub(before);
    assert!(grown < GROWTH_MAX, "grown by {grown} bytes");

    // The kill switch is no matter of HTTP.
    let mut siege = lay(running.address);
    let began = Instant::now();
    let (done, said) = tokio::task::block_in_place(|| running.operate(&["halt", "--config", config.to_str().unwrap()]));
    println!("halted under attack after {} ms, grown by {} kB", began.elapsed().as_millis(), grown >> 10);
    assert!(done, "{said}");
    assert_eq!(mode(&running).await, "Halted");
    siege.shutdown().await;
    drop(running);
    simulator.stop().await;
}

/// Every thread of this process; the service, which was started before, is another one.
fn leave_the_last_core() {
    let cores = core_affinity::get_core_ids().unwrap();
    let mut others = CpuSet::new();
    cores.iter().rev().skip(1).for_each(|core| others.set(core.id));
    for task in std::fs::read_dir("/proc/self/task").unwrap().flatten() {
        let id = Pid::from_raw(task.file_name().to_str().unwrap().parse().unwrap());
        sched_setaffinity(id, &others).unwrap();
    }
}

async fn mode(running: &Running) -> String {
    let answer = fresh(running, "/health").await;
    let health: serde_json::Value = serde_json::from_str(answer.split_once("\r\n\r\n").unwrap().1).unwrap();
    health["mode"].as_str().unwrap().to_owned()
}
