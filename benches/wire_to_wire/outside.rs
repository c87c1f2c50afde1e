//! Everything that looks at the wire from outside: its records put together to trades, a trace and a JSON log line of
//! each, exported to a collector on loopback, and metrics scraped four times a second.

use highwire::http::HttpServer;
use highwire::telemetry::{Protocol, Telemetry, TelemetrySettings, ids, spans, start};
use highwire::trade::Trades;
use highwire::universe::{Pairing, Universe};
use highwire::vitals::{Process, Thread, Vitals};
use highwire_links::Mode;
use highwire_links::audit::Record;
use highwire_links::counter::TallyReader;
use highwire_links::latency::LatencyReader;
use highwire_links::occupancy::OccupancyReader;
use highwire_links::telemetry::Trace;
use opentelemetry_sdk::trace::SdkTracer;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};
use tempfile::TempDir;

/// Between two scrapes.
const SCRAPE: Duration = Duration::from_millis(250);

/// Where trades are told: a collector, and a log in a folder of its own. A process has one.
pub struct Told {
    telemetry: Telemetry,
    _folder: TempDir,
}

impl Told {
    /// Nothing is told yet.
    pub fn start() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        Self { telemetry: telemetry(collector(), folder.path()), _folder: folder }
    }

    /// What traces are told to.
    pub fn tracer(&self) -> SdkTracer {
        self.telemetry.tracer().expect("it exports")
    }

    /// Sends what is left.
    pub fn end(self) {
        self.telemetry.finish();
    }
}

/// Everything outside.
pub struct Outside {
    tracer: SdkTracer,
    universe: Universe,
    server: HttpServer,
    trades: Trades,
    scraped: Instant,
}

impl Outside {
    /// Sets everything up, with the wire's own pages for the metrics.
    pub fn start(tracer: SdkTracer, pages: (TallyReader, LatencyReader, OccupancyReader)) -> Self {
        let config = highwire::config::load(None).expect("defaults").config;
        let pairing = Pairing::new(&config, &[]).expect("defaults");
        let universe = Universe::new(Vec::new(), &pairing, &config).expect("nothing");
        let source = Arc::new(move || vitals(&pages.0, &pages.1, &pages.2));
        let server = HttpServer::start("127.0.0.1:0".parse().expect("an address"), source).expect("a port");
        let trades = Trades::default();
        Self { tracer, universe, server, trades, scraped: Instant::now() }
    }

    /// The wire told something.
    pub fn take(&mut self, record: &Record) {
        self.trades.take(record);
    }

    /// The wire told its times.
    pub fn take_stamps(&mut self, stamps: Trace) {
        self.trades.take_stamps(stamps);
    }

    /// Tells of the trades that are over, and scrapes when it is time.
    pub fn look(&mut self) {
        while let Some(trade) = self.trades.take_complete() {
            let id = ids::of_saga(trade.group);
            spans::emit(&self.tracer, id, &trade, &self.universe, Mode::Full);
            tracing::info!(saga = trade.group, trace = %id, outcome = trade.outcome(), "trade ended");
        }
        if self.scraped.elapsed() >= SCRAPE {
            self.scraped = Instant::now();
            scrape(self.server.address());
        }
    }
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
        log_file_bytes: 64 << 20,
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
