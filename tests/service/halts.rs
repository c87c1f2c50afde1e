//! An operator and a running service: halts by command, signal, file and termination, what holds across the
//! death of the process, and the way back.

use super::run::{settings, simulator_of};
use super::running::{Running, data};
use highwire_simulator::MarketConfig;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::time::{Duration, Instant};

fn operate(config: &Path, arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_highwire"));
    command.args(arguments).arg("--config").arg(config).env("HIGHWIRE__SERVICE__DATA_DIR", data(config));
    command.output().unwrap()
}

/// What it printed; it must have ended with this code.
#[track_caller]
fn said(output: &Output, code: i32) -> String {
    let text = format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert_eq!(output.status.code(), Some(code), "{text}");
    text
}

fn signal(running: &Running, name: &str) {
    let sent = Command::new("kill").args([name, &running.child.id().to_string()]).status();
    assert!(sent.unwrap().success());
}

/// A story told on a thread of its own, with a simulator beside it whose slowest venue lags: there is something to trade.
async fn with_simulator(story: impl FnOnce(PathBuf) + Send + 'static) {
    let market = MarketConfig { lag_ns: 250_000_000, ..MarketConfig::default() };
    let (simulator, folder) = (simulator_of(market).await, tempfile::tempdir().unwrap());
    let config = settings(&simulator, folder.path(), true);
    tokio::task::spawn_blocking(move || story(config)).await.unwrap();
    simulator.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_halt_holds_through_a_kill_and_only_a_resume_takes_it_back() {
    with_simulator(|config| {
        let mut running = Running::start(&config);
        running.wait_mode("Full");
        assert!(said(&operate(&config, &["halt"]), 0).contains("halted: no order is open"));
        // What is served is looked at anew every 50 ms.
        running.wait_mode("Halted");
        let health = running.health();
        assert_eq!((&health["mode"], health["ready"].as_bool()), (&"Halted".into(), Some(false)), "{health}");
        assert!(health["threads"].as_object().unwrap().values().all(|thread| thread["stop"] == "Halted"), "{health}");
        running.child.kill().unwrap();
        running.child.wait().unwrap();

        let running = Running::start(&config);
        running.wait_live(3);
        std::thread::sleep(Duration::from_secs(2));
        let health = running.health();
        assert_eq!(health["mode"], "Halted", "the latch outlives the process: {health}");
        assert!(health["reasons"].to_string().contains("operator holds Halted, latched: asked for by"), "{health}");
        assert!(said(&operate(&config, &["resume", "--dry-run"]), 0).contains("would clear   service: operator"));
        assert_eq!(running.health()["mode"], "Halted", "it was only said");
        let resumed = said(&operate(&config, &["resume"]), 0);
        assert!(resumed.contains("would clear") && resumed.contains("cleared   service: operator"), "{resumed}");
        running.wait_mode("Full");
        assert!(running.health()["threads"].as_object().unwrap().values().all(|thread| thread["stop"] == "Full"));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_signal_and_a_file_halt_and_no_resume_goes_over_the_file() {
    with_simulator(|config| {
        let running = Running::start(&config);
        running.wait_mode("Full");
        signal(&running, "-USR1");
        running.wait_mode("Halted");
        assert!(running.health()["reasons"].to_string().contains("SIGUSR1"), "{}", running.health());
        // A halt that is still checking is waited for.
        let until = Instant::now() + Duration::from_secs(30);
        while operate(&config, &["resume"]).status.code() != Some(0) {
            assert!(Instant::now() < until, "never resumed");
        }
        running.wait_mode("Full");
        let file = data(&config).join("HALT");
        std::fs::write(&file, "").unwrap();
        running.wait_mode("Halted");
        std::thread::sleep(Duration::from_secs(1));
        assert!(said(&operate(&config, &["resume"]), 3).contains("remove it first"));
        std::fs::remove_file(&file).unwrap();
        assert_eq!(running.health()["mode"], "Halted", "its removal is no resume");
        said(&operate(&config, &["resume"]), 0);
        running.wait_mode("Full");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_termination_comes_to_rest_ends_well_and_latches_nothing() {
    with_simulator(|config| {
        assert!(said(&operate(&config, &["status"]), 4).contains("no service answers"));
        let mut running = Running::start(&config);
        running.wait_mode("Full");
        let second = operate(&config, &["run"]);
        let holder = format!("is in use by process {}", running.child.id());
        assert!(said(&second, 1).contains(&holder));
        let status = said(&operate(&config, &["status", "--tree"]), 0);
        assert!(status.contains("mode       Full") && status.contains("└─ "), "{status}");
        let status: serde_json::Value =
            serde_json::from_slice(&operate(&config, &["status", "--json"]).stdout).unwrap();
        assert_eq!((&status["mode"], &status["venues"][0]["live"]), (&"Full".into(), &1.into()), "{status}");
        signal(&running, "-TERM");
        assert_eq!(running.child.wait().unwrap().code(), Some(0));
        let running = Running::start(&config);
        running.wait_mode("Full");
    })
    .await;
}

/// Fault: P10
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_actor_that_is_killed_is_back_and_the_service_trades_on_or_says_why_not() {
    with_simulator(|config| {
        let running = Running::start(&config);
        running.wait_mode("Full");
        for path in ["core/governor", "telling/alerter", "okx/pool", "okx/timekeeper", "binance_spot/pool"] {
            said(&operate(&config, &["restart", path]), 0);
            let (supervisor, child) = path.split_once('/').unwrap();
            let until = Instant::now() + Duration::from_secs(60);
            loop {
                let status: serde_json::Value =
                    serde_json::from_slice(&operate(&config, &["status", "--json"]).stdout).unwrap();
                let branch = |of: &serde_json::Value, name: &str| {
                    of["below"].as_array().unwrap().iter().find(|branch| branch["name"] == name).unwrap().clone()
                };
                let life = branch(&branch(&status["tree"], supervisor), child);
                let is_well = status["mode"] == "Full" && status["reasons"].as_array().unwrap().is_empty();
                if life["restarts"].as_u64() >= Some(1) && life["state"] == "up" && is_well {
                    break;
                }
                assert!(Instant::now() < until, "{path} is not back: {status:#}");
                std::thread::sleep(Duration::from_millis(100));
            }
            running.wait_live(3);
        }
        assert!(said(&operate(&config, &["restart", "okx/nobody"]), 3).contains("okx has no nobody"));
        let until = Instant::now() + Duration::from_secs(50);
        let status = loop {
            let status = said(&operate(&config, &["status", "--tree"]), 0);
            if status.contains("pool  given up") {
                break status;
            }
            assert!(Instant::now() < until, "its restarts are never spent: {status}");
            // One that is not back yet cannot be killed again.
            let _killed = operate(&config, &["restart", "okx/pool"]);
            std::thread::sleep(Duration::from_millis(500));
        };
        assert!(status.contains("okx: gave-up holds Halted, latched: its pool failed too often"), "{status}");
        assert!(status.contains("mode       Full"), "the others trade on: {status}");
    })
    .await;
}

/// What only tells people or sizes limits stays off when its restarts are spent: the log says so, and it trades on.
///
/// Fault: P10
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_alerter_and_a_risk_officer_beyond_their_budgets_stay_off_and_nothing_else_does() {
    with_simulator(|config| {
        let running = Running::start_with(&config, &[], &[("HIGHWIRE__SUPERVISION__SIDE_RESTARTS", "1")]);
        running.wait_mode("Full");
        for (path, name) in [("telling/alerter", "alerter"), ("risk/risk-officer", "risk-officer")] {
            running.wait(|| {
                // One that is not back yet cannot be killed again.
                let _killed = operate(&config, &["restart", path]);
                let status = said(&operate(&config, &["status", "--tree"]), 0);
                (!status.contains(&format!("{name}  given up")))
                    .then(|| format!("its restarts are never spent: {status}"))
            });
        }
        let log = running.said();
        assert_eq!(log.matches("its restarts are spent").count(), 2, "{log}");
        assert!(log.contains("no risk officer any more: the last limits stay"), "{log}");
        let orders = running.counted("orders");
        running.wait(|| (running.counted("orders") < orders + 4).then(|| "it trades no more".to_owned()));
        assert_eq!(running.health()["mode"], "Full", "{}", running.health());
        assert_eq!(running.live(), 3);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_halt_under_trading_lets_no_further_order_out_and_a_resume_lets_them_out_again() {
    with_simulator(|config| {
        let running = Running::start(&config);
        running.wait_mode("Full");
        let until_more = |orders: u64| {
            let until = Instant::now() + Duration::from_secs(60);
            while running.counted("orders") <= orders {
                assert!(Instant::now() < until, "it trades no more: {}", running.health());
                std::thread::sleep(Duration::from_millis(50));
            }
        };
        until_more(0);
        for now in [false, true] {
            // One that cuts may cut between two legs, and says so.
            let (arguments, codes): (&[&str], &[i32]) =
                if now { (&["halt", "--now"], &[0, 3]) } else { (&["halt"], &[0]) };
            let halted = operate(&config, arguments);
            said(&halted, *codes.iter().find(|code| halted.status.code() == Some(**code)).unwrap_or(&0));
            // What was counted before the halt is published within moments.
            std::thread::sleep(Duration::from_millis(200));
            let (orders, opportunities) = (running.counted("orders"), running.counted("opportunities"));
            let until = Instant::now() + Duration::from_secs(30);
            while running.counted("opportunities") < opportunities + 3 {
                assert!(Instant::now() < until, "there was nothing to refrain from");
                std::thread::sleep(Duration::from_millis(50));
            }
            assert_eq!(running.counted("orders"), orders, "an order left while halted");
            // What was cut may have been left to the operator meanwhile, once more after the first resume.
            said(&operate(&config, &["resume"]), 0);
            running.wait_mode("Full");
            std::thread::sleep(Duration::from_secs(1));
            said(&operate(&config, &["resume"]), 0);
            until_more(orders);
        }
    })
    .await;
}
