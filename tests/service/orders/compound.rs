//! What an operator, a second instance and strangers do at the same time, while it trades.

use super::rig::{PLACES, Rig};
use highwire::control::{Answer, Question, ask};
use highwire_simulator::Verb;
use std::io::Write;
use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

/// Connections that say a byte now and then.
const STRANGERS: usize = 500;
/// Settings that are tried.
const RELOADS: u32 = 50;
/// Starts beside it.
const STARTS: usize = 5;

/// Strangers who speak a byte of a request that never ends, and come again when they are cut off; they leave with it.
struct Siege {
    ends: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Siege {
    fn begin(address: SocketAddr) -> Self {
        let ends = Arc::new(AtomicBool::new(false));
        let until = Arc::clone(&ends);
        Self { ends, thread: Some(std::thread::spawn(move || drip(address, &until))) }
    }
}

impl Drop for Siege {
    fn drop(&mut self) {
        self.ends.store(true, Ordering::Relaxed);
        // What it met is nobody's concern.
        let _met = self.thread.take().map(JoinHandle::join);
    }
}

fn drip(address: SocketAddr, ends: &AtomicBool) {
    let mut crowd: Vec<Option<TcpStream>> = (0..STRANGERS).map(|_| None).collect();
    while !ends.load(Ordering::Relaxed) {
        for place in &mut crowd {
            let takes = place.as_mut().is_some_and(|socket| socket.write_all(b"x").is_ok());
            if !takes {
                *place = TcpStream::connect_timeout(&address, Duration::from_millis(200)).ok();
            }
        }
        std::thread::sleep(Duration::from_millis(200));
    }
}

impl Rig {
    /// Reloads with limits a thousand times as wide, or a word that is none: each is refused.
    fn reload_in_vain(&self, whole: &str) {
        for number in 1..=RELOADS {
            let wrong = if number % 2 == 0 { format!("\"{number}000000\"") } else { format!("{number} or so") };
            let line = format!("[risk]\nposition_notional_max = {wrong}\norder_notional_max = {wrong}\n");
            self.edit(|_| whole.replacen("[risk]\n", &line, 1));
            let answer = ask(&self.data(), &Question::Reload { loosen: false, why: "the story".to_owned() }).unwrap();
            assert!(matches!(answer, Answer::Refused { .. }), "{answer:?}");
        }
        self.edit(|_| whole.to_owned());
    }

    /// Starts on the same folder: each is told who is there.
    fn start_in_vain(&self) {
        let holder = format!("in use by process {}", self.running.child.id());
        for _ in 0..STARTS {
            let second = self.operate(&["run", "--live"]);
            let said = String::from_utf8_lossy(&second.stderr).into_owned();
            assert!(!second.status.success() && said.contains(&holder), "{said}");
        }
    }
}

/// Wrong limits are reloaded, a second instance is started and strangers hold what connections they can, while venues say
/// everything twice: what is in force stays, one instance trades, and its fills are the ledger's.
///
/// Fault: Z09
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn wrong_limits_a_second_instance_and_a_siege_at_once_change_nothing() {
    let rig = Rig::trading("socket").await;
    let whole = rig.settings();
    let limit = |rig: &Rig| rig.running.metrics()["highwire_risk_limit_quote{limit=\"pair\"}"].clone();
    let missing = |limit: &String| (limit == "NaN").then(|| "the officer has not looked yet".to_owned());
    let (pair_max, sagas) = (rig.running.wait_seen(|| limit(&rig), missing), rig.wire("sagas"));
    for place in 0..PLACES.len() {
        rig.at(place, Verb::Dup { p: 1.0 }, 600_000);
    }
    let siege = Siege::begin(rig.running.address());
    rig.reload_in_vain(&whole);
    rig.start_in_vain();
    rig.wait_trades(3);
    assert_eq!(rig.running.health()["status"], "ok");
    drop(siege);
    assert!(rig.wire("sagas") > sagas && rig.count("highwire_thread_restarts_total{thread=\"wire\"}") == 0);
    assert_eq!(limit(&rig), pair_max);
    rig.assert_recovered();
    rig.stop().await;
}
