//! Alerts of a running service over loopback servers: each incident once per channel, resolved once, also
//! through an outage of the channels and the death of the process.

#[path = "../../actors/tests/sink/mod.rs"]
mod sink;

use super::run::{ROOMS, settings, simulator};
use super::running::Running;
use highwire_simulator::{Endpoint, Injection, Simulator, Venue as Room, Verb};
use sink::{Sink, http, smtp};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::atomic::Ordering;
use std::time::Duration;

struct Sinks([Sink; 4]);

impl Sinks {
    /// Servers, and the settings that lead to them.
    fn start(config: &Path) -> Self {
        let sinks = [0; 4].map(|_| Sink::default());
        let [slack, telegram, webhook] = [0, 1, 2].map(|at| sinks[at].serve(http));
        let mail = sinks[3].serve(smtp);
        let secret = |name: &str, text: String| {
            let path = config.with_file_name(name);
            std::fs::write(&path, text).unwrap();
            format!("file:{}", path.display())
        };
        let mut file = std::fs::OpenOptions::new().append(true).open(config).unwrap();
        writeln!(file, "[alerts]").unwrap();
        writeln!(file, "slack_url = {:?}", secret("slack", format!("http://127.0.0.1:{slack}/services/x"))).unwrap();
        writeln!(file, "telegram_token = {:?}", secret("telegram", "token-canary".to_owned())).unwrap();
        writeln!(file, "telegram_api = \"http://127.0.0.1:{telegram}\"\ntelegram_chat = -42").unwrap();
        writeln!(file, "webhook_url = {:?}", secret("webhook", format!("http://127.0.0.1:{webhook}/"))).unwrap();
        writeln!(file, "smtp_host = \"127.0.0.1\"\nsmtp_port = {mail}\nsmtp_tls = false").unwrap();
        writeln!(file, "smtp_from = \"highwire@example.org\"\nsmtp_to = \"person@example.org\"").unwrap();
        Self(sinks)
    }

    fn set_down(&self, down: bool) {
        self.0.iter().for_each(|sink| sink.down.store(down, Ordering::SeqCst));
    }

    /// Waits until every channel was told this, and finds it told once everywhere.
    fn told_once(&self, text: &str) {
        self.0.iter().for_each(|sink| sink.wait_for(text));
        for sink in &self.0 {
            let messages = sink.told().iter().filter(|message| message.contains(text)).count();
            assert_eq!(messages, 1, "{:?}", sink.told());
        }
    }
}

/// No line of the venue comes up for so long.
fn lose(simulator: &Simulator, room: Room, ms: u64) {
    for endpoint in [Endpoint::A, Endpoint::B] {
        simulator.control().apply(Injection::new(room, Verb::Refuse {}).on(endpoint).lasting_ms(ms)).unwrap();
        simulator.control().apply(Injection::new(room, Verb::Reset {}).on(endpoint)).unwrap();
    }
}

async fn running(config: PathBuf) -> Running {
    let running = tokio::task::spawn_blocking(move || {
        let running = Running::start(&config);
        running.wait_mode("Full");
        running
    });
    running.await.unwrap()
}

async fn wait(sinks: &std::sync::Arc<Sinks>, text: &'static str) {
    let sinks = std::sync::Arc::clone(sinks);
    tokio::task::spawn_blocking(move || sinks.told_once(text)).await.unwrap();
}

const LOST: &str = "Highwire Critical: bybit_spot/lines";
const OVER: &str = "Highwire: 1 over";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_venue_that_is_lost_is_one_alert_per_channel_and_its_return_one_more() {
    let (simulator, folder) = (simulator().await, tempfile::tempdir().unwrap());
    let config = settings(&simulator, folder.path(), true);
    let sinks = std::sync::Arc::new(Sinks::start(&config));
    let running = running(config).await;
    assert_eq!(ROOMS[2].1, "bybit_spot");
    lose(&simulator, Room::Bybit, 4_000);
    wait(&sinks, LOST).await;
    let health = running.health();
    assert_eq!((&health["mode"], &health["venue_modes"]["bybit_spot"]), (&"Full".into(), &"Halted".into()), "{health}");
    wait(&sinks, OVER).await;
    assert!(sinks.0.iter().all(|sink| sink.told().len() == 2), "two messages tell it all");
    simulator.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_outside_watcher_hears_that_all_is_well_and_no_more_once_the_process_is_dead() {
    let (simulator, folder) = (simulator().await, tempfile::tempdir().unwrap());
    let config = settings(&simulator, folder.path(), true);
    let watcher = Sink::default();
    let (port, secret) = (watcher.serve(http), config.with_file_name("deadman"));
    std::fs::write(&secret, format!("http://127.0.0.1:{port}/ping/canary")).unwrap();
    let mut file = std::fs::OpenOptions::new().append(true).open(&config).unwrap();
    writeln!(file, "[alerts]\ndeadman_url = {:?}\ndeadman_every_s = 1", format!("file:{}", secret.display())).unwrap();
    let mut running = running(config).await;
    let heard = watcher.clone();
    tokio::task::spawn_blocking(move || heard.wait_for("GET /ping/canary")).await.unwrap();
    running.child.kill().unwrap();
    running.child.wait().unwrap();
    let pings = watcher.told().len();
    tokio::time::sleep(Duration::from_secs(2)).await;
    assert_eq!(watcher.told().len(), pings);
    simulator.stop().await;
}

/// Fault: D02
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_no_channel_took_before_a_kill_is_told_once_by_the_next_process() {
    let (simulator, folder) = (simulator().await, tempfile::tempdir().unwrap());
    let config = settings(&simulator, folder.path(), true);
    let sinks = std::sync::Arc::new(Sinks::start(&config));
    let mut first = running(config.clone()).await;
    sinks.set_down(true);
    lose(&simulator, Room::Bybit, 2_000);
    tokio::time::sleep(Duration::from_secs(1)).await;
    first.child.kill().unwrap();
    first.child.wait().unwrap();
    assert!(sinks.0.iter().all(|sink| sink.told().is_empty()));
    // The venue must be back before a service can start on it.
    tokio::time::sleep(Duration::from_millis(1_500)).await;
    sinks.set_down(false);
    let _second = running(config).await;
    wait(&sinks, LOST).await;
    simulator.stop().await;
}
