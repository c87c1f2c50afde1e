//! Component murder: every actor below a supervisor is killed and panicked, and every pinned thread panicked, while the
//! service trades; the ledger must not tell a difference. `HIGHWIRE_MURDERS=100` is the long form: so many of each.

use super::rig::Rig;
use highwire_simulator::Verb;
use highwire_simulator::fault::verb::{AnswerFault, OutcomeFault, ReportFault};
use serde_json::Value;
use std::time::{Duration, Instant};

/// Restart budgets that such a day does not spend, and a purse for its hedges.
const PATIENT: &str = "[supervision]\ncore_restarts = 100\nvenue_restarts = 100\nside_restarts = 100\nthread_restarts = 100\n\
                       core_period_s = 10\nvenue_period_s = 10\nside_period_s = 10\nthread_period_s = 10\n\
                       [guard]\nloss_max = \"1000000000\"\ndrawdown_max = \"1000000000\"\n";

/// How late the answers to orders are that are to be under way when their thread dies.
const LATE_MS: u64 = 3_000;
/// What is under way for so long is one of these.
const LATE: Duration = Duration::from_millis(500);
/// A victim is back, and has a moment, by then.
const BACK_WITHIN: Duration = Duration::from_secs(40);

impl Rig {
    fn status(&self) -> Value {
        serde_json::from_slice(&self.operate(&["status", "--json"]).stdout).unwrap()
    }

    /// Kills the actor or thread at a path and waits until it is back.
    fn murder(&self, path: &str, arguments: &[&str]) {
        let before = restarts(&self.status(), path);
        let killed = self.operate(&[&["restart", path], arguments].concat());
        assert!(killed.status.success(), "{path}: {}", String::from_utf8_lossy(&killed.stderr));
        let until = Instant::now() + BACK_WITHIN;
        while restarts(&self.status(), path) <= before || !is_up(&self.status(), path) {
            assert!(Instant::now() < until, "{path} is not back: {:#}\n{}", self.status(), self.running.said());
            std::thread::sleep(Duration::from_millis(100));
        }
    }
}

fn branch<'a>(status: &'a Value, path: &str) -> &'a Value {
    let named =
        |of: &'a Value, name: &str| of["below"].as_array().unwrap().iter().find(|b| b["name"] == *name).unwrap();
    let (bough, child) = path.split_once('/').unwrap();
    named(named(&status["tree"], bough), child)
}

fn restarts(status: &Value, path: &str) -> u64 {
    branch(status, path)["restarts"].as_u64().unwrap()
}

fn is_up(status: &Value, path: &str) -> bool {
    let state = branch(status, path)["state"].as_str().unwrap();
    state.starts_with("up") || state.starts_with("its thread beat")
}

/// Every actor and pinned thread by path, as the tree tells them.
fn everybody(status: &Value) -> Vec<String> {
    let children = |of: &Value| of["below"].as_array().unwrap().clone();
    let name = |of: &Value| of["name"].as_str().unwrap().to_owned();
    let boughs = children(&status["tree"]);
    boughs
        .iter()
        .flat_map(|bough| children(bough).into_iter().map(|leaf| format!("{}/{}", name(bough), name(&leaf))))
        .collect()
}

/// The seldom message that a lister or a key's keeper gets makes their panic a long wait: those two are only killed.
fn panics_soon(path: &str) -> bool {
    !path.ends_with("/lister") && !path.ends_with("/stream-keeper")
}

/// Fault: P10
/// Fault: P11
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_actor_and_thread_that_is_murdered_under_trading_is_back_and_the_ledger_tells_no_difference() {
    let times: u32 = std::env::var("HIGHWIRE_MURDERS").map_or(1, |times| times.parse().unwrap());
    let rig = Rig::with("socket", PATIENT).await;
    let victims = everybody(&rig.status());
    assert!(victims.len() >= 10 && victims.iter().any(|path| path.starts_with("wire/")), "{victims:?}");
    let mut murders = 0;
    for round in 0..times {
        for path in &victims {
            let ways: &[&[&str]] = if panics_soon(path) { &[&[], &["--panic"]] } else { &[&[]] };
            // In the short form each dies once, the ones by a kill and the others by a panic.
            let ways = if times == 1 { &ways[murders % ways.len()..][..1] } else { ways };
            for way in ways {
                rig.murder(path, way);
                murders += 1;
            }
        }
        rig.running.wait_mode("Full");
        rig.wait_trades(1);
        if round % 5 == 4 {
            rig.assert_positions();
            println!("{murders} murders so far, {} trades", rig.wire("sagas"));
        }
    }
    rig.wait_trades(2);
    rig.assert_positions();
    assert_eq!(rig.running.health()["reasons"].as_array().unwrap().len(), 0, "{}", rig.running.health());
    println!("{murders} murders of {} victims: 0 violations", victims.len());
    rig.stop().await;
}

/// The engine dies with orders under way whose answers come late: the next one knows nothing of them. What they traded is
/// booked and hedged, their end goes on record, and it trades on without a person.
///
/// Fault: P11
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn orders_under_way_when_their_thread_dies_are_settled_by_asking() {
    let rig = Rig::with("socket", PATIENT).await;
    let thread = everybody(&rig.status()).into_iter().find(|path| path.starts_with("wire/")).unwrap();
    for place in 0..rig.places().len() {
        rig.at(place, Verb::Report { how: ReportFault::Delay, p: 1.0, ms: LATE_MS }, 60_000);
        let late = Verb::Outcome { outcome: OutcomeFault::Accept, answer: AnswerFault::Late, ms: LATE_MS };
        rig.at(place, late, 60_000);
    }
    let is_under_way = || rig.wire("orders") != rig.wire("orders_closed");
    rig.running.wait_lasting(LATE, is_under_way, "nothing stays under way");
    rig.murder(&thread, &["--panic"]);
    rig.heal();
    rig.running.wait(|| {
        let health = rig.running.health();
        (health["reasons"] != serde_json::json!([])).then(|| format!("{health}"))
    });
    rig.wait_trades(2);
    rig.assert_positions();
    rig.stop().await;
}

/// The governor dies more often than its budget allows: nothing is left to rule, so every stop word is raised and nothing is
/// open, but whoever asks is answered; and the next start is halted until somebody resumes.
///
/// Fault: P10
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_governor_that_is_murdered_beyond_its_budget_leaves_a_halt_that_is_latched_and_somebody_to_ask() {
    let mut rig = Rig::with("socket", "[supervision]\ncore_restarts = 2\n").await;
    let given_up = |rig: &Rig| branch(&rig.status(), "core/governor")["state"].as_str().unwrap().contains("given up");
    let until = Instant::now() + BACK_WITHIN;
    while !given_up(&rig) {
        assert!(Instant::now() < until, "its budget is never spent: {:#}", rig.status());
        // One that is not back yet cannot be killed again.
        let _killed = rig.operate(&["restart", "core/governor"]);
        std::thread::sleep(Duration::from_millis(300));
    }
    let is_stopped = |thread: &Value| thread["stop"] == "Halted";
    rig.running.wait(|| {
        let status = rig.status();
        (!status["threads"].as_array().unwrap().iter().all(is_stopped)).then(|| format!("not stopped: {status:#}"))
    });
    rig.running.wait(|| (rig.wire("orders") != rig.wire("orders_closed")).then(|| "orders are open".to_owned()));
    let (orders, seen) = (rig.wire("orders"), rig.wire("opportunities"));
    rig.running.wait(|| (rig.wire("opportunities") < seen + 3).then(|| "nothing to refrain from".to_owned()));
    assert_eq!(rig.wire("orders"), orders, "an order left while nobody rules");
    rig.kill();
    rig.restart();
    rig.running
        .wait(|| (!rig.running.health()["reasons"].to_string().contains("latched")).then(|| "no latch".to_owned()));
    assert_eq!(rig.running.health()["mode"], "Halted", "{}", rig.running.health());
    rig.wait_resumed();
    rig.running.wait_mode("Full");
    rig.wait_trades(1);
    // Its own count of positions begins with the process; the venues' does not.
    rig.judge().assert_no_id_twice();
    rig.stop().await;
}
