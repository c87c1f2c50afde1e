//! Traces end to end: the demo trades, a real collector (rotel, over HTTP and over gRPC) receives one trace per trade,
//! each whole and in causal order, and the log names it.

use super::service::free;
use super::tools;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// A running collector; it ends with the test.
struct Collector {
    child: Child,
    log: PathBuf,
    http: SocketAddr,
    grpc: SocketAddr,
}

impl Collector {
    fn start(folder: &Path) -> Option<Self> {
        let python = tools::python("python")?;
        let find = "import os, rotel; print(os.path.join(os.path.dirname(rotel.__file__), 'rotel-agent'))";
        let rotel = tools::done(Command::new(python).args(["-c", find])).unwrap();
        let (http, grpc, log) = (free(), free(), folder.join("collector.log"));
        let mut command = Command::new(rotel.trim());
        command.args([
            "start",
            "--exporter",
            "blackhole",
            "--debug-log",
            "traces",
            "--debug-log-verbosity",
            "detailed",
        ]);
        command.args(["--disable-batching", "--otlp-http-endpoint", &http.to_string()]);
        command.args(["--otlp-grpc-endpoint", &grpc.to_string()]);
        command.stdout(std::fs::File::create(&log).unwrap()).stderr(Stdio::null()).stdin(Stdio::null());
        let child = command.current_dir(folder).spawn().unwrap();
        let until = Instant::now() + Duration::from_secs(30);
        while [http, grpc].iter().any(|address| std::net::TcpStream::connect(address).is_err()) {
            assert!(Instant::now() < until, "the collector never listened");
            std::thread::sleep(Duration::from_millis(50));
        }
        Some(Self { child, log, http, grpc })
    }

    /// Every span that it received, once it has written down as many traces, or after half a minute.
    fn spans_of(&self, traces: usize) -> Vec<Span> {
        let until = Instant::now() + Duration::from_secs(30);
        loop {
            let spans = self.spans();
            let settled = spans.iter().filter(|span| span.name == "settled").count();
            if settled >= traces || Instant::now() > until {
                return spans;
            }
            std::thread::sleep(Duration::from_millis(100));
        }
    }

    fn spans(&self) -> Vec<Span> {
        let mut spans: Vec<Span> = Vec::new();
        for line in std::fs::read_to_string(&self.log).unwrap().lines() {
            if line.starts_with("Span #") {
                spans.push(Span::default());
            }
            let Some(span) = spans.last_mut() else { continue };
            let (key, value) = line.split_once(':').unwrap_or(("", ""));
            let value = value.trim().to_owned();
            match key.trim() {
                "Trace ID" => span.trace = value,
                "Parent ID" => span.parent = value,
                "ID" => span.id = value,
                "Name" => span.name = value,
                "Start time" => span.from_ns = value.parse().unwrap(),
                "End time" => span.to_ns = value.parse().unwrap(),
                attribute if attribute.starts_with("-> ") => {
                    let value = value.split_once('(').map_or("", |(_, rest)| rest.trim_end_matches(')'));
                    span.attributes.insert(attribute[3..].to_owned(), value.to_owned());
                }
                _ => {}
            }
        }
        spans
    }
}

impl Drop for Collector {
    fn drop(&mut self) {
        let _ended = self.child.kill();
        let _reaped = self.child.wait();
    }
}

#[derive(Clone, Debug, Default)]
struct Span {
    trace: String,
    parent: String,
    id: String,
    name: String,
    from_ns: u64,
    to_ns: u64,
    attributes: BTreeMap<String, String>,
}

/// Runs a demo with its log in files; what the log says of trades that ended, by their trace.
fn demo(folder: &Path, environment: &[(&str, String)]) -> BTreeMap<String, Value> {
    let mut command = Command::new(env!("CARGO_BIN_EXE_highwire"));
    command.args(["demo", "--plain", "--seconds", "10"]).env("HIGHWIRE__SERVICE__LOG", "warn,highwire=info");
    command.env("HIGHWIRE__SERVICE__LOG_DIR", folder).envs(environment.iter().map(|(k, v)| (k, v)));
    tools::done(&mut command).unwrap();
    let files = std::fs::read_dir(folder).unwrap().flatten().map(|file| file.path());
    let logs = files.filter(|path| path.extension().is_some_and(|end| end == "jsonl"));
    let text: String = logs.map(|path| std::fs::read_to_string(path).unwrap()).collect();
    let lines = text.lines().map(|line| serde_json::from_str::<Value>(line).expect("every line is JSON"));
    let ended = lines.filter(|line| line["fields"]["message"] == "trade ended");
    let ended: BTreeMap<String, Value> =
        ended.map(|line| (line["fields"]["trace"].as_str().unwrap().to_owned(), line["fields"].clone())).collect();
    assert!(!ended.is_empty(), "it traded nothing: {text}");
    ended
}

fn of_protocol(collector: &Collector, protocol: &str) -> [(&'static str, String); 2] {
    let address = if protocol == "grpc" { collector.grpc } else { collector.http };
    [
        ("HIGHWIRE__TELEMETRY__OTLP_PROTOCOL", protocol.to_owned()),
        ("HIGHWIRE__TELEMETRY__OTLP_ENDPOINT", format!("http://{address}")),
    ]
}

#[test]
fn every_trade_of_a_demo_arrives_whole_in_causal_order_and_sums_to_the_wire() {
    for protocol in ["http", "grpc"] {
        let folder = tempfile::tempdir().unwrap();
        let Some(collector) = Collector::start(folder.path()) else { return };
        let ended = demo(folder.path(), &of_protocol(&collector, protocol));
        let spans = collector.spans_of(ended.len());
        let roots: Vec<&Span> = spans.iter().filter(|span| span.parent.is_empty() && span.name == "saga").collect();
        let traces: BTreeSet<&String> = roots.iter().map(|root| &root.trace).collect();
        assert_eq!((traces.len(), traces), (roots.len(), ended.keys().collect()), "{protocol}");
        for root in roots {
            let mine: Vec<&Span> = spans.iter().filter(|span| span.trace == root.trace).collect();
            let told = &ended[&root.trace];
            assert_eq!(told["saga"].as_str(), root.attributes.get("saga").map(String::as_str));
            whole(root, &mine);
        }
        episodes(&spans);
    }
}

/// What else the demo lives through has traces too: the recovery at its start, moves of modes, connections with their
/// phases, the lines that it loses, the books that it makes anew.
fn episodes(spans: &[Span]) {
    let named = |name: &'static str| spans.iter().filter(move |span| span.name == name && span.parent.is_empty());
    let under = |root: &Span| -> Vec<&Span> { spans.iter().filter(|span| span.parent == root.id).collect() };
    let fact = |span: &Span, key: &str| span.attributes.get(key).cloned().unwrap_or_default();
    // Reading the journal is a trace of its own.
    let of_venues = |span: &&Span| fact(span, "scope") != "journal";
    let [recovery] = named("recovery").filter(of_venues).collect::<Vec<_>>()[..] else {
        panic!("it recovers once: {spans:?}")
    };
    let venues = under(recovery);
    assert!(venues.len() >= 2 && venues.iter().all(|venue| venue.to_ns <= recovery.to_ns), "{venues:?}");
    assert!(named("mode").any(|mode| fact(mode, "mode") == "Halted" && fact(mode, "scope") == "service"));
    assert!(named("resync").all(|book| !fact(book, "why").is_empty() && book.from_ns <= book.to_ns));
    let connections: Vec<&Span> = named("connection").collect();
    assert!(connections.iter().all(|line| !fact(line, "venue").is_empty() && !fact(line, "kind").is_empty()));
    assert!(connections.iter().any(|line| fact(line, "failed") == "true"), "the demo loses lines: {connections:?}");
    let has_lived =
        |line: &&&Span| fact(line, "kind") == "market" && under(line).iter().any(|phase| phase.name == "live");
    let lived = connections.iter().find(has_lived);
    let mut phases = under(lived.expect("a connection that was live has ended"));
    phases.sort_by_key(|phase| phase.from_ns);
    let names: Vec<&str> = phases.iter().map(|phase| phase.name.as_str()).collect();
    assert_eq!(names, ["connect", "upgrade", "login", "subscribe", "snapshot", "live"], "in order");
    assert!(phases.windows(2).all(|two| two[0].to_ns <= two[1].to_ns), "{phases:?}");
}

/// The trace holds what it must, in causal order.
fn whole(root: &Span, spans: &[&Span]) {
    let under = |parent: &Span, name: &str| -> Vec<&Span> {
        spans
            .iter()
            .copied()
            .filter(|span| span.parent == parent.id && (name.is_empty() || span.name == name))
            .collect()
    };
    for key in ["pair", "mode", "edge_expected_bps", "edge_captured_bps", "outcome"] {
        assert!(root.attributes.contains_key(key), "no {key}: {root:?}");
    }
    for span in spans {
        let parent = spans.iter().find(|other| other.id == span.parent);
        let early = parent.is_some_and(|parent| span.from_ns < parent.from_ns || span.to_ns > parent.to_ns);
        assert!(span.from_ns <= span.to_ns && !early, "outside its parent: {span:?} {parent:?}");
    }
    let [market] = under(root, "market")[..] else { panic!("one market event: {spans:?}") };
    assert!(market.attributes.contains_key("venue") && market.from_ns == root.from_ns, "{market:?}");
    let mut stages = under(market, "");
    stages.sort_by_key(|span| span.from_ns);
    assert!(stages.windows(2).all(|two| two[0].to_ns == two[1].from_ns), "no hole between stages: {stages:?}");
    let sum: u64 = stages.iter().map(|stage| stage.to_ns - stage.from_ns).sum();
    assert_eq!(sum, market.to_ns - market.from_ns, "the stages are the wire-to-wire time");
    for stage in ["decode", "detect", "risk", "send"] {
        assert!(stages.iter().any(|span| span.name == stage), "no {stage}: {stages:?}");
    }
    let orders = under(root, "order");
    assert_eq!(orders.len(), 2, "{spans:?}");
    for order in orders.iter().chain(&under(root, "hedge")) {
        assert!(order.from_ns >= market.to_ns && order.attributes.contains_key("venue"), "{order:?}");
        let mut steps = under(order, "");
        steps.sort_by_key(|step| step.from_ns);
        assert!(!steps.is_empty() && steps.last().is_some_and(|last| last.to_ns == order.to_ns), "{order:?} {steps:?}");
    }
    let fills: usize = orders.iter().map(|order| under(order, "fill").len()).sum();
    let has_filled = orders.iter().any(|order| order.attributes["filled"] != "0");
    assert_eq!(fills > 0, has_filled, "{orders:?}");
    let [settled] = under(root, "settled")[..] else { panic!("it is settled once: {spans:?}") };
    assert!(settled.to_ns == root.to_ns && orders.iter().all(|order| order.to_ns <= settled.from_ns), "{settled:?}");
}

#[test]
fn with_nothing_sampled_every_failed_trade_is_kept_and_no_other() {
    let folder = tempfile::tempdir().unwrap();
    let Some(collector) = Collector::start(folder.path()) else { return };
    let mut environment = of_protocol(&collector, "http").to_vec();
    environment.push(("HIGHWIRE__TELEMETRY__SAMPLE_RATIO", "0.0".to_owned()));
    // Slower orders meet other books: legs go missing.
    environment.push(("HIGHWIRE__PAPER__LATENCY_MS", "150".to_owned()));
    let failures = |ended: &BTreeMap<String, Value>| -> BTreeSet<String> {
        ended.iter().filter(|(_, told)| told["failed"] == true).map(|(trace, _)| trace.clone()).collect()
    };
    // On a machine that is busy all of one session's trades may be of one kind.
    let mut ended = BTreeMap::new();
    for _ in 0..3 {
        ended = demo(folder.path(), &environment);
        if (1..ended.len()).contains(&failures(&ended).len()) {
            break;
        }
    }
    let failed = failures(&ended);
    let spans = collector.spans_of(failed.len());
    let of = |name: &str| -> BTreeSet<String> {
        spans.iter().filter(|span| span.name == name).map(|span| span.trace.clone()).collect()
    };
    let kept = of("saga");
    assert!(!failed.is_empty() && failed.len() < ended.len(), "the story needs both: {ended:?}");
    assert_eq!(kept, failed);
    assert!(!of("recovery").is_empty() && !of("mode").is_empty() && !of("connection").is_empty(), "always kept");
    assert!(of("resync").is_empty(), "drawn by ratio");
}
