//! Time that stands still or jumps: the process is stopped and goes on, the wall clock is set.

use super::reconcile::books;
use super::rig::{PLACES, Place, Rig, now_ns};
use highwire_simulator::{Injection, Verb};
use serde_json::Value;
use std::collections::BTreeMap;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// What was decided so long before a pause's end is not sent after it.
const OLD_NS: u64 = 550_000_000;
const PAUSED: &str = "the process stood still for";

/// Stops the process and lets it go on; from when to when it stood still.
fn pause(rig: &Rig, ms: u64) -> (u64, u64) {
    rig.signal("STOP");
    let stopped_ns = now_ns();
    std::thread::sleep(Duration::from_millis(ms));
    let went_on_ns = now_ns();
    rig.signal("CONT");
    (stopped_ns, went_on_ns)
}

/// Orders decided before a pause, as the journal has it, that arrived after it, by the ledger, and were old by then.
fn old_ones(rig: &Rig, pauses: &[(u64, u64)]) -> Vec<String> {
    // What arrives from now on is younger than every pause.
    let arrivals = rig.judge().arrivals();
    let decided: BTreeMap<String, u64> = books::records(rig, "intent")
        .iter()
        .map(|intent| (intent["id"].as_str().unwrap().to_owned(), intent["decided_ns"].as_u64().unwrap()))
        .collect();
    assert!(arrivals.len() > 4);
    let is_old = |id: &String, at_ns: u64| {
        pauses.iter().any(|&(stopped_ns, went_on_ns)| {
            decided[id] < stopped_ns && at_ns > went_on_ns && went_on_ns - decided[id] > OLD_NS
        })
    };
    arrivals.into_iter().filter(|(id, at_ns)| is_old(id, *at_ns)).map(|(id, _)| id).collect()
}

/// Fault: P06
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn after_a_pause_nothing_old_is_sent_and_a_long_one_is_told() {
    // A thread that is stuck for three seconds is stopped; one whose whole process stood still is not stuck.
    let besides = [("HIGHWIRE__WIRE__THREAD_STUCK_MS", "3000")];
    let rig = Rig::within(&PLACES, ("socket", ""), &besides).await;
    rig.wait_trades(3);
    let mut pauses = Vec::new();
    for (ms, goes_on_ms) in [(50, 37); 20].into_iter().chain([(700, 171); 5]) {
        pauses.push(pause(&rig, ms));
        std::thread::sleep(Duration::from_millis(goes_on_ms));
    }
    rig.wait_trades(1);
    pauses.push(pause(&rig, 1_200));
    rig.running.wait(|| (rig.times_said(PAUSED) == 0).then(|| "it is not told".to_owned()));
    rig.wait_trades(1);
    pauses.push(pause(&rig, 10_500));
    let is_critical = |line: &str| line.contains(PAUSED) && line.contains("severity=Critical");
    rig.running.wait(|| (!rig.running.said().lines().any(is_critical)).then(|| "it is not critical".to_owned()));
    rig.running.wait_mode("Full");
    rig.wait_trades(2);
    rig.assert_sound();
    assert_eq!(old_ones(&rig, &pauses), [""; 0]);
    rig.stop().await;
}

/// Two threads for each core that never rest.
fn crowd(busy: &Arc<AtomicBool>) -> Vec<JoinHandle<()>> {
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let spin = |busy: Arc<AtomicBool>| std::thread::spawn(move || while busy.load(Ordering::Relaxed) {});
    (0..2 * cores).map(|_| spin(Arc::clone(busy))).collect()
}

/// What a group of processes with a twentieth of a core lives through: it is stopped for 95 milliseconds, again and again.
///
/// Fault: P06
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn among_busy_threads_and_with_a_twentieth_of_a_core_nothing_old_is_sent() {
    let besides = [("HIGHWIRE__WIRE__THREAD_STUCK_MS", "3000")];
    let rig = Rig::within(&PLACES, ("socket", ""), &besides).await;
    rig.wait_trades(3);
    let busy = Arc::new(AtomicBool::new(true));
    let crowd = crowd(&busy);
    std::thread::sleep(Duration::from_secs(5));
    rig.wait_trades(1);
    busy.store(false, Ordering::Relaxed);
    crowd.into_iter().for_each(|thread| thread.join().unwrap());
    let (began, mut pauses) = (Instant::now(), Vec::new());
    while began.elapsed() < Duration::from_secs(10) {
        pauses.push(pause(&rig, 95));
        std::thread::sleep(Duration::from_millis(5));
    }
    rig.running.wait_mode("Full");
    rig.wait_trades(2);
    rig.assert_sound();
    assert_eq!(old_ones(&rig, &pauses), [""; 0]);
    let stood_ns: u64 = pauses.iter().map(|(from_ns, to_ns)| to_ns - from_ns).sum();
    println!("stopped {} times, {} ms of ten seconds", pauses.len(), stood_ns / 1_000_000);
    rig.stop().await;
}

/// The wall clock's shim, and the file with its offset; `None` without a compiler.
fn wall(folder: &Path) -> Option<(PathBuf, PathBuf)> {
    let (library, offset) = (folder.join("wall.so"), folder.join("wall.ns"));
    let source = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/service/orders/wall.c");
    std::fs::write(&offset, 0i64.to_ne_bytes()).unwrap();
    let built =
        Command::new("cc").args(["-shared", "-fPIC", "-O1", "-o"]).arg(&library).arg(source).arg("-ldl").status();
    built.is_ok_and(|status| status.success()).then_some((library, offset))
}

fn set(offset: &Path, ns: i64) {
    let file = std::fs::File::options().write(true).open(offset).unwrap();
    file.write_all_at(&ns.to_ne_bytes(), 0).unwrap();
}

/// Times of all records, in their order.
fn assert_ordered(rig: &Rig) {
    let records: Vec<Value> = ["intent", "sent", "fill"].iter().flat_map(|kind| books::records(rig, kind)).collect();
    let mut stamped: Vec<(u64, u64)> = records
        .iter()
        .map(|record| (record["sequence"].as_u64().unwrap(), record["at_ns"].as_u64().unwrap()))
        .collect();
    stamped.sort_unstable();
    let back = stamped.windows(2).map(|pair| pair[0].1.saturating_sub(pair[1].1)).max();
    assert!(back.is_some_and(|back| back < 1_000_000_000), "the journal's time goes back by {back:?} ns");
}

/// Fault: P05
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_wall_clock_that_jumps_moves_neither_orders_nor_ids_nor_timers() {
    let folder = tempfile::tempdir().unwrap();
    let Some((library, offset)) = wall(folder.path()) else {
        assert!(std::env::var("CI").as_deref() != Ok("true"), "no C compiler");
        return eprintln!("SKIPPED: no C compiler");
    };
    let besides = [("LD_PRELOAD", library.to_str().unwrap()), ("HIGHWIRE_TEST_WALL", offset.to_str().unwrap())];
    let mut rig = Rig::within(&PLACES, ("socket", ""), &besides).await;
    rig.wait_trades(3);
    for jump_s in [3_600, -2, -3_600] {
        set(&offset, jump_s * 1_000_000_000);
        let (ends, asked) = (rig.times_said("connection over"), rig.judge().asked(PLACES[0].room));
        std::thread::sleep(Duration::from_secs(3));
        rig.wait_trades(2);
        assert_eq!(rig.times_said("connection over"), ends, "{}", rig.running.said());
        let asked = rig.judge().asked(PLACES[0].room) - asked;
        assert!(asked < 300, "a storm: {asked} requests");
        // Its lines log in anew, by the venue's time.
        PLACES.iter().for_each(|place| rig.inject(Injection::new(place.room, Verb::Reset {})));
        rig.running.wait(|| (rig.times_said("connection over") == ends).then(|| "no line ended".to_owned()));
        rig.running.wait_mode("Full");
        rig.wait_trades(2);
    }
    assert_eq!(rig.times_said("outside of the recvWindow"), 0, "{}", rig.running.said());
    set(&offset, 0);
    rig.kill();
    rig.restart();
    rig.running.wait_mode("Full");
    rig.wait_trades(2);
    books::wait_agreement(&rig);
    rig.judge().assert_no_id_twice();
    assert_ordered(&rig);
    // Started while the clock is wrong it asks by the venues' time, opens nothing, and says why. What it wrote lies an hour ahead
    // or behind when the clock is right again.
    for wrong_s in [3_600, -3_600] {
        rig.kill();
        set(&offset, wrong_s * 1_000_000_000);
        rig.restart();
        let is_held = |place: &Place| rig.running.health()["venue_modes"][place.venue] == "HedgeOnly";
        rig.running.wait(|| (!PLACES.iter().all(is_held)).then(|| "it trades by a wrong clock".to_owned()));
        let reasons = rig.running.health()["reasons"].to_string();
        assert!(reasons.contains("clock-offset holds HedgeOnly"), "{reasons}");
        assert_eq!(rig.running.counted("orders_sent"), 0, "{}", rig.running.said());
        rig.kill();
        set(&offset, 0);
        rig.restart();
        rig.running.wait_mode("Full");
        rig.wait_trades(2);
        books::wait_agreement(&rig);
    }
    assert_eq!(rig.times_said("outside of the recvWindow"), 0, "{}", rig.running.said());
    rig.judge().assert_no_id_twice();
    rig.stop().await;
}
