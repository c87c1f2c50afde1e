//! Metrics and health of a running demo, and what hostile clients can do to them: nothing.

use std::collections::BTreeSet;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// A demo that serves metrics; it ends with the test.
struct Served {
    child: Child,
    address: SocketAddr,
}

impl Served {
    fn start() -> Self {
        let mut command = Command::new(env!("CARGO_BIN_EXE_highwire"));
        command.args(["demo", "--plain", "--seconds", "60"]);
        command.env("HIGHWIRE__HTTP__LISTEN", "127.0.0.1:0").env("HIGHWIRE__SERVICE__LOG", "info");
        let mut child = command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
        let mut log = BufReader::new(child.stderr.take().unwrap());
        let mut line = String::new();
        let address = loop {
            line.clear();
            assert!(log.read_line(&mut line).unwrap() > 0, "it ended before it served");
            if let Some((_, address)) = plain(&line).split_once("metrics and health address=") {
                break address.trim().parse().unwrap();
            }
        };
        std::thread::spawn(move || std::io::copy(&mut log, &mut std::io::sink()));
        Self { child, address }
    }

    fn get(&self, path: &str, accept: &str) -> (u16, String) {
        let mut socket = TcpStream::connect(self.address).unwrap();
        socket.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
        write!(socket, "GET {path} HTTP/1.1\r\nhost: x\r\naccept: {accept}\r\nconnection: close\r\n\r\n").unwrap();
        let mut answer = String::new();
        socket.read_to_string(&mut answer).unwrap();
        let status = answer.split(' ').nth(1).unwrap().parse().unwrap();
        (status, answer.split_once("\r\n\r\n").unwrap().1.to_owned())
    }

    /// Asks until it is ready, for at most 30 s.
    fn wait_ready(&self) {
        let until = Instant::now() + Duration::from_secs(30);
        while self.get("/ready", "*/*").0 != 200 {
            assert!(Instant::now() < until, "never ready: {:?}", self.get("/health", "*/*"));
            std::thread::sleep(Duration::from_millis(100));
        }
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        let _ended = self.child.kill();
        let _reaped = self.child.wait();
    }
}

/// A log line without its colours.
pub fn plain(line: &str) -> String {
    let mut text = String::new();
    let mut parts = line.split('\u{1b}');
    text.push_str(parts.next().unwrap_or(""));
    parts.for_each(|part| text.push_str(part.split_once('m').map_or("", |(_, rest)| rest)));
    text
}

/// Names in `docs/metrics.md`.
fn documented() -> BTreeSet<String> {
    let page = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/docs/metrics.md")).unwrap();
    page.lines().filter_map(|line| Some(line.strip_prefix("| `")?.split_once('`')?.0.to_owned())).collect()
}

#[test]
fn a_running_service_shows_every_documented_metric_and_no_other() {
    let served = Served::start();
    served.wait_ready();
    let (status, text) = served.get("/metrics", "text/plain");
    let typed = |line: &str| Some(line.strip_prefix("# TYPE ")?.split_once(' ')?.0.to_owned());
    let shown: BTreeSet<String> = text.lines().filter_map(typed).collect();
    assert_eq!((status, shown), (200, documented()));
    let count = |of: &str| {
        let start = format!("highwire_{of}{{thread=\"wire\"}} ");
        text.lines().find_map(|line| line.strip_prefix(&start)).unwrap().parse::<f64>().unwrap()
    };
    assert!(count("frames_total") > 0.0 && count("thread_cpu_seconds_total") > 0.0, "it counts: {text}");
    let allocations = count("allocations_total");
    assert!(allocations * 10.0 < count("frames_total"), "the wire takes memory: {allocations} times");
    assert!(served.get("/metrics", "application/openmetrics-text").1.ends_with("# EOF\n"));
    let (status, health) = served.get("/health", "*/*");
    let health: serde_json::Value = serde_json::from_str(&health).unwrap();
    assert_eq!((status, &health["status"], &health["mode"]), (200, &"ok".into(), &"Full".into()));
    assert_eq!(health["venues"]["okx"]["books"]["BTC-USDT"][0], "live");
    let (okx, audit) = (&health["venues"]["okx"], &health["threads"]["wire"]["rings"]["audit"]);
    assert!(okx["lines"]["market"].as_u64() >= Some(1) && okx["silent"].is_object(), "{okx}");
    assert!(audit["capacity"].as_u64() > Some(0) && audit["used_percent"].as_u64() < Some(100), "{audit}");
    assert_eq!(served.get("/elsewhere", "*/*").0, 404);
}

#[test]
fn what_is_no_request_is_refused_and_costs_nobody_else_anything() {
    let served = Served::start();
    served.wait_ready();
    let long_path = format!("GET /{} HTTP/1.1\r\nhost: x\r\n\r\n", "a".repeat(100_000));
    let many_headers = format!("GET /health HTTP/1.1\r\n{}\r\n", "a: b\r\n".repeat(5_000));
    let lies: [&[u8]; 8] = [
        b"POST /health HTTP/1.1\r\nhost: x\r\ncontent-length: 10000000000\r\n\r\n",
        b"POST /health HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\nffffffffffffffff\r\n",
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
        b"GET /metrics/../../etc/passwd HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n",
        b"GET /health HTTP/1.1\r\nhost: x\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\n",
        long_path.as_bytes(),
        many_headers.as_bytes(),
    ];
    for lie in lies {
        let mut socket = TcpStream::connect(served.address).unwrap();
        socket.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
        let _cut = socket.write_all(lie);
        let mut answer = [0; 12];
        let read = socket.read(&mut answer).unwrap_or(0);
        assert!(
            !answer[..read].starts_with(b"HTTP/1.1 200"),
            "{:?}",
            String::from_utf8_lossy(&lie[..lie.len().min(80)])
        );
        assert_eq!(served.get("/health", "*/*").0, 200);
    }
    let mut socket = TcpStream::connect(served.address).unwrap();
    socket.write_all(&b"GET /health HTTP/1.1\r\nhost: x\r\n\r\n".repeat(2_000)).unwrap();
    assert_eq!(served.get("/health", "*/*").0, 200, "while another pipelines and reads nothing");
}

#[test]
fn clients_that_drip_or_flood_keep_nobody_else_waiting_and_are_cut_off() {
    let served = Served::start();
    served.wait_ready();
    let mut drips: Vec<TcpStream> = (0..1_000).map(|_| TcpStream::connect(served.address).unwrap()).collect();
    drips.iter_mut().for_each(|drip| drip.write_all(b"GET /health HTTP/1.1\r\nx-a: ").unwrap());
    let mut flood = TcpStream::connect(served.address).unwrap();
    flood.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
    let _cut = flood.write_all(&[b"GET / HTTP/1.1\r\nx: ".as_slice(), &vec![b'a'; 1 << 20]].concat());
    assert_eq!(served.get("/health", "*/*").0, 200);
    let mut answer = Vec::new();
    let refused = flood.read_to_end(&mut answer).is_err() || !answer.starts_with(b"HTTP/1.1 200");
    assert!(refused, "a header of a megabyte was taken");
    for (which, at) in [("the oldest, for want of places", 0), ("the newest, for its time is over", drips.len() - 1)] {
        let mut drip = &drips[at];
        drip.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
        let ended = drip.read_to_end(&mut Vec::new());
        let is_cut = ended.is_ok() || ended.is_err_and(|error| error.kind() != std::io::ErrorKind::WouldBlock);
        assert!(is_cut, "{which}, was not cut off");
    }
    // It trades on; on a busy machine a heartbeat may be late for a moment.
    served.wait_ready();
}
