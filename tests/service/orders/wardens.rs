//! The warden of a pinned thread hangs, and dies, while the service trades: the wire opens nothing by itself, orders are
//! withdrawn by requests of their own, and whoever asks is answered. A hang heals; a death is latched and needs a new start.

use super::rig::{PLACES, Rig};
use highwire_simulator::Amount;
use serde_json::Value;
use std::time::Duration;

/// A warden is silent after a second, and hangs for good after ten.
const SILENT: &str = "[wire]\nwarden_silent_ms = 1000\n";
/// What withdraws everything at each place.
const WITHDRAWS: [&str; 2] = ["/api/v3/openOrders", "/fapi/v1/allOpenOrders"];
/// Trades that were under way when the thread stopped opening have ended by then.
const ENDED_AFTER: Duration = Duration::from_millis(700);

impl Rig {
    fn take_warden_away(&self, ms: &str) {
        let taken = self.operate(&["restart", "wire/warden-wire", "--away-ms", ms]);
        assert!(taken.status.success(), "{}", String::from_utf8_lossy(&taken.stderr));
    }

    /// Waits until the service is halted for its warden's sake, and gives what was under way its time.
    fn wait_silent(&self) {
        self.running.wait_mode("Halted");
        assert!(self.running.health()["reasons"].to_string().contains("warden-silent"), "{}", self.running.health());
        std::thread::sleep(ENDED_AFTER);
    }

    /// Threads whose stop word lets cancels pass alone.
    fn all_stopped(&self) -> bool {
        let status: Value = serde_json::from_slice(&self.operate(&["status", "--json"]).stdout).unwrap();
        status["threads"].as_array().unwrap().iter().all(|thread| thread["stop"] == "Halted")
    }

    /// Opportunities that were let go because the thread was stopped.
    fn let_go(&self) -> u64 {
        self.count("highwire_opportunity_verdicts_total{verdict=\"stopped\"}")
    }
}

/// Fault: P10
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn while_a_warden_hangs_its_thread_opens_nothing_and_with_it_back_everything_is_as_before() {
    let rig = Rig::with("socket", SILENT).await;
    rig.take_warden_away("6000");
    rig.wait_silent();
    let (orders, seen) = (rig.wire("orders"), rig.wire("opportunities"));
    let is_silent = || rig.running.health()["mode"] == "Halted";
    rig.running.wait(|| (rig.wire("opportunities") < seen + 2 && is_silent()).then(|| "nothing to let go".to_owned()));
    let later = rig.wire("orders");
    assert!(later == orders || !is_silent(), "{} orders left although nobody watches", later - orders);
    rig.running.wait_mode("Full");
    assert!(rig.let_go() > 0, "{}", rig.running.said());
    rig.running.wait(|| (rig.lines_said("incident=service/warden-silent").len() < 2).then(|| "not told".to_owned()));
    rig.wait_trades(2);
    rig.assert_recovered();
    rig.stop().await;
}

/// Fault: P10
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_warden_that_dies_leaves_a_halt_that_is_latched_and_everything_withdrawn() {
    let mut rig = Rig::with("socket", SILENT).await;
    let asked = |rig: &Rig| [0, 1].map(|at| rig.judge().requests(PLACES[at].room, WITHDRAWS[at]));
    let before = asked(&rig);
    rig.take_warden_away("0");
    rig.wait_silent();
    rig.running.wait(|| (!rig.all_stopped()).then(|| "its thread is not stopped".to_owned()));
    rig.running.wait(|| {
        let now = asked(&rig);
        (now[0] == before[0] || now[1] == before[1]).then(|| format!("withdrawn {before:?}, then {now:?}"))
    });
    let (orders, seen) = (rig.judge().orders().len(), rig.wire("opportunities"));
    rig.running.wait(|| (rig.wire("opportunities") < seen + 3).then(|| "nothing to refrain from".to_owned()));
    assert_eq!(rig.judge().orders().len(), orders, "an order left although nobody watches");
    let told = rig.lines_said("incident=service/warden-silent");
    assert!(told.len() == 1 && told[0].contains("ERROR") && told[0].contains("warden-wire has ended"), "{told:?}");
    // There is still nobody who hears the thread.
    rig.wait_resumed();
    std::thread::sleep(ENDED_AFTER);
    assert!(rig.running.health()["mode"] == "Halted" && rig.all_stopped(), "{}", rig.running.health());
    rig.signal("TERM");
    assert_eq!(rig.running.child.wait().unwrap().code(), Some(3), "{}", rig.running.said());
    rig.restart();
    let latched = || rig.running.health()["reasons"].to_string().contains("warden-silent holds Halted, latched");
    rig.running.wait(|| (!latched()).then(|| "no latch".to_owned()));
    rig.wait_resumed();
    rig.running.wait_mode("Full");
    rig.wait_trades(2);
    let judge = rig.judge();
    judge.assert_no_id_twice();
    assert!(judge.left(&PLACES).abs() <= Amount::new(1, 3), "{}", judge.tail());
    rig.stop().await;
}
