//! Everything that looks at the wire from outside, on and off in turns: rings drained and put together to trades, a trace
//! and a JSON log line of each, exported to a collector on loopback, and metrics scraped four times a second. Off, the
//! rings are drained and that is all.

use highwire::http::HttpServer;
use highwire::telemetry::{Protocol, Telemetry, TelemetrySettings, ids, spans, start};
use highwire::trade::Trades;
use highwire::universe::{Pairing, Universe};
use highwire::vitals::{Process, Thread, Vitals};
use highwire_links::Mode;
use highwire_links::counter::TallyReader;
use highwire_links::latency::LatencyReader;
use highwire_links::occupancy::OccupancyReader;
use highwire_links::ports::Desk;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

/// Between two looks at the rings; a warden's pulls are as far apart.
const PULL: Duration = Duration::from_millis(5);
/// Between two scrapes.
const SCRAPE: Duration = Duration::from_millis(250);

/// The outside, on a thread of its own; it ends when it is told to.
pub struct Outside {
    on: Arc<AtomicBool>,
    ended: Arc<AtomicBool>,
    traces: Arc<AtomicU64>,
    thread: JoinHandle<()>,
}

impl Outside {
    /// Sets everything up, off.
    pub fn start(desk: Desk) -> Self {
        let (on, ended, traces) = <(Arc<AtomicBool>, Arc<AtomicBool>, Arc<AtomicU64>)>::default();
        let shared = (Arc::clone(&on), Arc::clone(&ended), Arc::clone(&traces));
        let thread = thread::spawn(move || run(desk, &shared.0, &shared.1, &shared.2));
        Self { on, ended, traces, thread }
    }

    /// Switches it.
    pub fn set(&self, on: bool) {
        self.on.store(on, Ordering::Relaxed);
        // What was queued under the other mode is done with first.
        thread::sleep(Duration::from_millis(50));
    }

    /// Ends it; how many traces it has made.
    pub fn end(self) -> u64 {
        self.ended.store(true, Ordering::Relaxed);
        self.thread.join().expect("the outside ends");
        self.traces.load(Ordering::Relaxed)
    }
}

fn run(mut desk: Desk, on: &AtomicBool, ended: &AtomicBool, traces: &AtomicU64) {
    let folder = tempfile::tempdir().expect("a folder");
    let telemetry = telemetry(collector(), folder.path());
    let tracer = telemetry.tracer().expect("it exports");
    let config = highwire::config::load(None).expect("defaults").config;
    let pairing = Pairing::new(&config, &[]).expect("defaults");
    let universe = Universe::new(Vec::new(), &pairing, &config).expect("nothing");
    let pages = (desk.tally.clone(), desk.latency.clone(), desk.occupancy.clone());
    let source = Arc::new(move || vitals(&pages.0, &pages.1, &pages.2));
    let server = HttpServer::start("127.0.0.1:0".parse().expect("an address"), source).expect("a port");
    let (mut trades, mut scraped) = (Trades::default(), Instant::now());
    while !ended.load(Ordering::Relaxed) {
        let is_on = on.load(Ordering::Relaxed);
        while let Some(record) = desk.audit.take() {
            trades.take(&record);
        }
        while let Some(stamps) = desk.telemetry.take() {
            trades.take_stamps(stamps);
        }
        while desk.lifecycle.take().is_some() {}
        while let Some(trade) = trades.take_complete() {
            if is_on {
                let id = ids::of_saga(trade.group);
                spans::emit(&tracer, id, &trade, &universe, Mode::Full);
                tracing::info!(saga = trade.group, trace = %id, outcome = trade.outcome(), "trade ended");
                traces.fetch_add(1, Ordering::Relaxed);
            }
        }
        if is_on && scraped.elapsed() >= SCRAPE {
            scraped = Instant::now();
            scrape(server.address());
        }
        thread::sleep(PULL);
    }
    telemetry.finish();
}

fn vitals(tally: &TallyReader, latency: &LatencyReader, rings: &OccupancyReader) -> Vitals {
    let thread = Thread {
        name: "wire".to_owned(),
        stop: Mode::Full,
        tally: tally.read().unwrap_or_default(),
        latencies: latency.read().unwrap_or_default(),
        rings: rings.read().unwrap_or_default(),
        ..Thread::default()
    };
    Vitals { threads: vec![thread], process: Process::read(), ..Vitals::default() }
}

fn scrape(address: SocketAddr) {
    let mut socket = TcpStream::connect(address).expect("it listens");
    socket.write_all(b"GET /metrics HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n").expect("loopback");
    let mut text = String::new();
    socket.read_to_string(&mut text).expect("loopback");
    assert!(text.contains("highwire_frames_total"), "{text}");
}

fn telemetry(collector: SocketAddr, folder: &std::path::Path) -> Telemetry {
    highwire::tls::choose_provider();
    let settings = TelemetrySettings {
        service: "bench".to_owned(),
        filter: "off,wire_to_wire=info".to_owned(),
        json: true,
        log_folder: Some(folder.to_owned()),
        log_keep: 1,
        otlp_endpoint: format!("http://{collector}"),
        otlp_protocol: Protocol::Http,
        queue_max: 4_096,
        sample_ratio: 1.0,
    };
    start(&settings).expect("telemetry")
}

/// Takes every request and says that it is well.
fn collector() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").expect("loopback");
    let address = listener.local_addr().expect("bound");
    thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            thread::spawn(move || answer(stream));
        }
    });
    address
}

fn answer(mut stream: TcpStream) -> Option<()> {
    let mut reader = BufReader::new(stream.try_clone().ok()?);
    loop {
        let mut length = 0;
        loop {
            let mut line = String::new();
            reader.read_line(&mut line).ok().filter(|read| *read > 0)?;
            let Some((name, value)) = line.split_once(':') else {
                if line.trim().is_empty() {
                    break;
                }
                continue;
            };
            if name.eq_ignore_ascii_case("content-length") {
                length = value.trim().parse().ok()?;
            }
        }
        reader.read_exact(&mut vec![0; length]).ok()?;
        let answer = b"HTTP/1.1 200 OK\r\ncontent-type: application/x-protobuf\r\ncontent-length: 0\r\n\r\n";
        stream.write_all(answer).ok()?;
    }
}
