//! Traces reach a collector whole, and no collector can hold up the service.
//!
//! Telemetry is set up once per process, so each story runs in a process of its own: this test
//! binary again, with [`child`] only, which does nothing unless a story tells it to.

use highwire::telemetry::{Protocol, TelemetrySettings, ids, spans, start};
use highwire::trade::Trade;
use highwire::universe::{Pairing, Universe};
use highwire::vitals::Process;
use highwire_links::audit::{SagaStage, SagaWhy};
use highwire_links::telemetry::Trace;
use highwire_links::{InstrumentId, Mode, PairId};
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::process::{Command, Output};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

const ENDPOINT: &str = "HIGHWIRE_TEST_ENDPOINT";
const TRACES: &str = "HIGHWIRE_TEST_TRACES";
const FLUSH: &str = "HIGHWIRE_TEST_FLUSH";
const GRPC: &str = "HIGHWIRE_TEST_GRPC";

/// Requests as they came: first line and body.
type Requests = Arc<Mutex<Vec<(String, Vec<u8>)>>>;

/// A collector on a port of its own; one that does not answer reads and keeps silent.
fn collector(answers: bool) -> (String, Requests) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let endpoint = format!("http://{}", listener.local_addr().unwrap());
    let requests = Requests::default();
    let kept = Arc::clone(&requests);
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let kept = Arc::clone(&kept);
            std::thread::spawn(move || serve(stream, answers, &kept));
        }
    });
    (endpoint, requests)
}

fn serve(stream: TcpStream, answers: bool, kept: &Requests) -> Option<()> {
    let mut reader = BufReader::new(stream.try_clone().ok()?);
    loop {
        let mut first = String::new();
        reader.read_line(&mut first).ok().filter(|read| *read > 0)?;
        let mut length = 0;
        loop {
            let mut header = String::new();
            reader.read_line(&mut header).ok()?;
            if header.trim().is_empty() {
                break;
            }
            let (name, value) = header.split_once(':')?;
            if name.eq_ignore_ascii_case("content-length") {
                length = value.trim().parse().ok()?;
            }
        }
        let mut body = vec![0; length];
        reader.read_exact(&mut body).ok()?;
        kept.lock().unwrap().push((first.trim().to_owned(), body));
        if answers {
            let answer = b"HTTP/1.1 200 OK\r\ncontent-type: application/x-protobuf\r\ncontent-length: 0\r\n\r\n";
            (&stream).write_all(answer).ok()?;
        }
    }
}

fn in_a_process(endpoint: &str, traces: u32, flush: bool, environment: &[(&str, &str)]) -> Output {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(["--exact", "traces::child", "--nocapture"]);
    command.env(ENDPOINT, endpoint).env(TRACES, traces.to_string()).env(FLUSH, flush.to_string());
    let output = command.envs(environment.iter().copied()).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    output
}

fn count(bodies: &[(String, Vec<u8>)], name: &str) -> usize {
    // A protobuf string is its length and its bytes.
    let field: Vec<u8> = std::iter::once(name.len() as u8).chain(name.bytes()).collect();
    bodies.iter().map(|(_, body)| memchr::memmem::find_iter(body, &field).count()).sum()
}

/// A trade that ended flat without an order.
fn trade(opportunity: u32) -> Trade {
    let stage_ns = [50, 20, 7, 20, 30, 10, 140];
    let recv_ns = 1_700_000_000_000_000_000 + u64::from(opportunity);
    Trade {
        group: opportunity.into(),
        pair: PairId(0),
        began_ns: recv_ns,
        ended_ns: recv_ns + 1_000_000,
        expected_ppb: 300_000,
        captured_ppb: 0,
        exposure: 0,
        ending: SagaStage::Flat,
        why: SagaWhy::Matched,
        orders: Vec::new(),
        stamps: Some(Trace { recv_ns, opportunity, instrument: InstrumentId(0), stage_ns }),
    }
}

#[test]
fn child() {
    if std::env::var_os(TRACES).is_none() {
        return;
    }
    let setting = |name| std::env::var(name).unwrap();
    let settings = TelemetrySettings {
        service: "highwire-under-test".to_owned(),
        filter: "info".to_owned(),
        json: false,
        log_folder: None,
        log_keep: 1,
        log_file_bytes: 1 << 20,
        otlp_endpoint: setting(ENDPOINT),
        otlp_protocol: if std::env::var_os(GRPC).is_some() { Protocol::Grpc } else { Protocol::Http },
        queue_max: 4_096,
        sample_ratio: 1.0,
    };
    let telemetry = start(&settings).unwrap();
    let tracer = telemetry.tracer();
    assert_eq!(tracer.is_some(), !settings.otlp_endpoint.is_empty());
    let traces: u32 = setting(TRACES).parse().unwrap();
    let config = highwire::config::load(None).unwrap().config;
    let universe = Universe::new(Vec::new(), &Pairing::new(&config, &[]).unwrap(), &config).unwrap();
    let (began, before) = (Instant::now(), Process::read().resident_bytes);
    for opportunity in 1..=traces {
        if let Some(tracer) = &tracer {
            let trade = trade(opportunity);
            spans::emit(tracer, ids::of_saga(trade.group), &trade, &universe, Mode::Full);
        }
    }
    let grown = Process::read().resident_bytes.saturating_sub(before);
    println!("emitted in {} ms", began.elapsed().as_millis());
    // The queue's bound is some megabytes; without one, ten kilobytes a trace would be kept.
    assert!(grown < 64 << 20, "grown by {grown} bytes");
    let spans = telemetry.tracing().spans;
    if setting(FLUSH) == "true" {
        telemetry.finish();
        let highwire::telemetry::SpanFigures { made, exported, failed, dropped } = spans.read();
        println!("spans made={made} exported={exported} failed={failed} dropped={dropped}");
    } else {
        std::process::exit(0);
    }
}

#[test]
fn a_collector_gets_the_whole_trace_of_every_trade() {
    let (endpoint, requests) = collector(true);
    in_a_process(&endpoint, 3, true, &[]);
    let requests = requests.lock().unwrap();
    assert!(!requests.is_empty() && requests.iter().all(|(first, _)| first.starts_with("POST /v1/traces ")));
    for stage in ["saga", "market", "decode", "book", "queue", "detect", "risk", "send", "settled"] {
        // The root's name is an attribute's as well.
        assert_eq!(count(&requests, stage), if stage == "saga" { 6 } else { 3 }, "{stage}");
    }
    assert!(count(&requests, "highwire-under-test") >= 1);
}

/// The queue fills while the collector takes its time: each span is at the collector or counted as dropped.
///
/// Fault: P12
#[test]
fn what_finds_the_queue_of_spans_full_is_dropped_and_counted_to_the_span() {
    const TRACES: u32 = 5_000;
    let (endpoint, requests) = collector(true);
    let output = in_a_process(&endpoint, TRACES, true, &[]);
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    let figure = |name: &str| -> usize {
        let (_, rest) = said.split_once(&format!(" {name}=")).unwrap_or_else(|| panic!("no {name}: {said}"));
        rest.split(|byte: char| !byte.is_ascii_digit()).next().unwrap().parse().unwrap()
    };
    let [made, exported, failed, dropped] = ["made", "exported", "failed", "dropped"].map(figure);
    let requests = requests.lock().unwrap();
    let names = ["market", "decode", "book", "queue", "detect", "others", "risk", "send", "settled"];
    // The root's name is an attribute's as well.
    let came = names.iter().map(|name| count(&requests, name)).sum::<usize>() + count(&requests, "saga") / 2;
    println!("{made} spans, {exported} exported, {dropped} dropped");
    assert_eq!((made, failed), (10 * TRACES as usize, 0));
    assert_eq!(exported, came, "as many as the collector has");
    assert_eq!(exported + dropped, made, "none is neither here nor there");
    assert!(dropped > 0, "its queue was never full");
}

#[test]
fn an_exporter_that_is_off_sends_nothing_whatever_the_environment_says() {
    let (endpoint, requests) = collector(true);
    in_a_process("", 3, true, &[("OTEL_EXPORTER_OTLP_ENDPOINT", &endpoint)]);
    assert!(requests.lock().unwrap().is_empty());
}

/// Fault: D03
#[test]
fn a_collector_that_never_answers_does_not_hold_up_the_emitter() {
    let (endpoint, requests) = collector(false);
    let began = Instant::now();
    // Far more than the exporter's queue holds: what does not fit is dropped, nobody waits.
    let output = in_a_process(&endpoint, 50_000, false, &[]);
    // One answer alone is waited for longer than that.
    assert!(began.elapsed() < Duration::from_secs(60), "took {:?}", began.elapsed());
    assert!(String::from_utf8_lossy(&output.stdout).contains("emitted in"));
    assert!(requests.lock().unwrap().len() <= 1, "it waits for the first answer");
    let output = in_a_process(&endpoint, 50_000, false, &[(GRPC, "1")]);
    assert!(String::from_utf8_lossy(&output.stdout).contains("emitted in"));
}
