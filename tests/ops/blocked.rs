//! A collector that takes everything and answers nothing: what it costs is the queue that is configured, and trading goes
//! on. Beside it a twin without a collector runs on the same venues, so that what any service takes is not counted.
//! `HIGHWIRE_BLOCKED_S` makes it longer than the 20 seconds of a plain run.

use super::service::{Running, free, settings, simulator_of};
use highwire_simulator::MarketConfig;
use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

/// Spans that may wait; each takes about a kilobyte.
const QUEUE_MAX: u64 = 512;
/// What the queue, the exporter's own thread and buffers may take beside the twin.
const GROWTH_MAX: u64 = 24 << 20;

/// Takes connections and keeps them, unread.
fn black_hole() -> (SocketAddr, Arc<AtomicUsize>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let (address, taken) = (listener.local_addr().unwrap(), Arc::new(AtomicUsize::new(0)));
    let count = Arc::clone(&taken);
    std::thread::spawn(move || {
        let mut kept = Vec::new();
        for stream in listener.incoming().flatten() {
            kept.push(stream);
            count.fetch_add(1, Ordering::Relaxed);
        }
    });
    (address, taken)
}

/// A moment of a service: resident bytes, trades begun, frames read, spans made and exported.
async fn look(running: &Running) -> [u64; 5] {
    let text = reqwest::get(format!("http://{}/metrics", running.address)).await.unwrap().text().await.unwrap();
    let names = [
        "process_resident_memory_bytes",
        "highwire_sagas_total{thread=\"wire\"}",
        "highwire_frames_total{thread=\"wire\"}",
        "highwire_spans_total",
        "highwire_spans_exported_total",
    ];
    names.map(|name| {
        let value = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
        value.unwrap_or_else(|| panic!("no {name}: {text}")).parse::<f64>().unwrap() as u64
    })
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_collector_that_never_answers_costs_its_queue_and_trading_goes_on() {
    let lasts_s: u64 = std::env::var("HIGHWIRE_BLOCKED_S").map_or(20, |s| s.parse().unwrap());
    let market = MarketConfig { dislocations_per_min: 300, dislocation_ns: 100_000_000, ..MarketConfig::default() };
    let ((hole, taken), simulator, folder) = (black_hole(), simulator_of(market).await, tempfile::tempdir().unwrap());
    let config = settings(&simulator, folder.path());
    let (arguments, endpoint) = (["run", "--config", config.to_str().unwrap()], format!("http://{hole}"));
    let queue = QUEUE_MAX.to_string();
    let eager = [("HIGHWIRE__RISK__EDGE_MIN_BPS", "0"), ("HIGHWIRE__RISK__COOLDOWN_MS", "1")];
    let exporting = [("HIGHWIRE__TELEMETRY__OTLP_ENDPOINT", &*endpoint), ("HIGHWIRE__TELEMETRY__QUEUE_MAX", &queue)];
    let start =
        |environment: &[(&str, &str)]| tokio::task::block_in_place(|| Running::start(&arguments, environment, free()));
    let (blocked, twin) = (start(&[&eager[..], &exporting[..]].concat()), start(&eager));
    blocked.wait_ready().await;
    twin.wait_ready().await;
    // Whatever a service takes while it warms up is no growth.
    tokio::time::sleep(Duration::from_secs((lasts_s / 4).min(30))).await;
    let (began, first, first_twin) = (Instant::now(), look(&blocked).await, look(&twin).await);
    let (mut before, mut most) = (first, first[0]);
    for quarter in 1..=4 {
        let until = Duration::from_secs(lasts_s * quarter / 4);
        while began.elapsed() < until {
            tokio::time::sleep(Duration::from_millis(500)).await;
            most = most.max(look(&blocked).await[0]);
        }
        let now = look(&blocked).await;
        assert!(now[2] > before[2], "it reads on: {before:?} {now:?}");
        assert!(now[1] > before[1], "it trades on: {before:?} {now:?}");
        before = now;
    }
    let (last, last_twin) = (look(&blocked).await, look(&twin).await);
    let grown = |first: [u64; 5], last: [u64; 5]| last[0].saturating_sub(first[0]);
    let (ours, its) = (most.saturating_sub(first[0]), grown(first_twin, last_twin));
    println!(
        "{lasts_s} s: resident {} → {} kB (most {} kB), twin {} → {} kB; trades {} and {}; frames {} and {}",
        first[0] >> 10,
        last[0] >> 10,
        most >> 10,
        first_twin[0] >> 10,
        last_twin[0] >> 10,
        last[1] - first[1],
        last_twin[1] - first_twin[1],
        last[2] - first[2],
        last_twin[2] - first_twin[2],
    );
    println!("spans made {} and {}, exported {}", last[3], last_twin[3], last[4]);
    assert!(taken.load(Ordering::Relaxed) > 0, "it never tried the collector");
    assert!(last[3] > QUEUE_MAX && last[4] == 0, "more than the queue holds, and none of it left: {last:?}");
    assert!(ours <= its + GROWTH_MAX, "grown by {ours} bytes, its twin by {its}");
    drop((blocked, twin));
    simulator.stop().await;
}
