//! Alerts over loopback servers that speak the protocols of Slack, Telegram and SMTP: each incident once per
//! channel, through storms, outages and the death of the process; and no secret in any error.

#![allow(clippy::unwrap_used, reason = "a test ends by panic; helpers are outside test functions")]

mod sink;

use highwire_actors::alerter::{Alerter, AlerterArgs, AlerterMsg, Bell, Route};
use highwire_actors::channel::{Channel, SlackChannel, SmtpChannel, SmtpSettings, TelegramChannel, WebhookChannel};
use highwire_engine::clock::TscClock;
use highwire_links::breaker;
use highwire_store::disk::MemoryDisk;
use highwire_supervision::incident::{self, Pace, Severity};
use ractor::ActorRef;
use sink::{Sink, http, smtp};
use std::net::TcpListener;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

const SECRET: &str = "xoxb-canary-secret";

struct Sinks {
    slack: Sink,
    telegram: Sink,
    mail: Sink,
    ports: [u16; 3],
}

impl Sinks {
    fn start() -> Self {
        // Another test of this process may have chosen it already.
        let _chosen = rustls::crypto::ring::default_provider().install_default();
        let (slack, telegram, mail) = (Sink::default(), Sink::default(), Sink::default());
        let ports = [slack.serve(http), telegram.serve(http), mail.serve(smtp)];
        Self { slack, telegram, mail, ports }
    }

    fn all(&self) -> [&Sink; 3] {
        [&self.slack, &self.telegram, &self.mail]
    }

    fn set_down(&self, down: bool) {
        self.all().iter().for_each(|sink| sink.down.store(down, Ordering::SeqCst));
    }

    fn routes(&self) -> Vec<Route> {
        let client = reqwest::Client::new();
        let slack = SlackChannel {
            http: client.clone(),
            url: format!("http://127.0.0.1:{}/services/{SECRET}", self.ports[0]).into(),
        };
        let telegram = TelegramChannel {
            http: client,
            api: format!("http://127.0.0.1:{}", self.ports[1]),
            token: SECRET.to_owned().into(),
            chat: -42,
        };
        let mail = SmtpChannel::new(&SmtpSettings {
            host: "127.0.0.1".into(),
            port: self.ports[2],
            tls: false,
            login: None,
            from: "highwire@example.org".into(),
            to: "person@example.org".into(),
        });
        let channels: [(&str, Arc<dyn Channel>); 3] =
            [("slack", Arc::new(slack)), ("telegram", Arc::new(telegram)), ("mail", Arc::new(mail.unwrap()))];
        channels.into_iter().map(|(name, channel)| route(name, channel)).collect()
    }

    async fn alerter(&self, disk: &MemoryDisk) -> (Bell, ActorRef<AlerterMsg>) {
        self.alerter_with(disk, Pace::default().messages, 0).await
    }

    async fn alerter_with(
        &self,
        disk: &MemoryDisk,
        messages: usize,
        self_test_ns: u64,
    ) -> (Bell, ActorRef<AlerterMsg>) {
        let bell = Bell::default();
        let alerter = self.alerter_of(&bell, disk, messages, self_test_ns).await;
        (bell, alerter)
    }

    /// An alerter that this bell rings from now on.
    async fn alerter_of(
        &self,
        bell: &Bell,
        disk: &MemoryDisk,
        messages: usize,
        self_test_ns: u64,
    ) -> ActorRef<AlerterMsg> {
        let s = 1_000_000_000;
        let pace = Pace { messages, retry_ns: s / 20, retry_max_ns: s / 5, ..Pace::default() };
        let breaker = breaker::Settings { rest_ns: s / 5, ..breaker::Settings::default() };
        let clock = Box::new(TscClock::start());
        let args = AlerterArgs {
            routes: self.routes(),
            pace,
            breaker,
            self_test_ns,
            disk: Box::new(disk.clone()),
            beat: Default::default(),
            clock,
        };
        Alerter::start(None, args, bell).await.unwrap()
    }
}

fn route(name: &str, channel: Arc<dyn Channel>) -> Route {
    let rule =
        incident::Channel { name: name.into(), severity_min: Severity::Warning, escalation_ns: 0, unpaced: false };
    Route { rule, channel }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_incident_reaches_every_channel_once_and_so_does_its_end() {
    let sinks = Sinks::start();
    let (bell, alerter) = sinks.alerter(&MemoryDisk::new()).await;
    for _ in 0..50 {
        bell.raise("lines/okx", Severity::Critical, "no line of okx is up");
    }
    sinks.all().iter().for_each(|sink| sink.wait_for("no line of okx is up"));
    bell.clear("lines/okx");
    sinks.all().iter().for_each(|sink| sink.wait_for("(over, 50 times)"));
    alerter.stop(None);
    for sink in sinks.all() {
        assert_eq!(sink.told().len(), 2, "{:?}", sink.told());
    }
    assert!(sinks.telegram.told()[0].contains("POST /botxoxb-canary-secret/sendMessage"));
    assert!(sinks.telegram.told()[0].contains("\"chat_id\":-42"));
    assert!(sinks.mail.told()[0].contains("Subject: Highwire Critical: lines/okx"));
}

/// Fault: D01
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_storm_is_a_few_messages_that_name_the_critical_one_and_lose_nothing_unseen() {
    let sinks = Sinks::start();
    let (bell, alerter) = sinks.alerter(&MemoryDisk::new()).await;
    let mut rung = 0u64;
    for round in 0..20 {
        (0..1_000).for_each(|n| bell.raise(format!("s{}", n % 100), Severity::Warning, "one of many"));
        rung += 1_000;
        if round == 10 {
            bell.raise("the-one", Severity::Critical, "look at this");
            rung += 1;
        }
        tokio::time::sleep(Duration::from_millis(30)).await;
    }
    sinks.all().iter().for_each(|sink| sink.wait_for("the-one: look at this"));
    tokio::time::sleep(Duration::from_millis(500)).await;
    for sink in sinks.all() {
        assert!(sink.told().len() <= 6, "{} messages", sink.told().len());
        assert_eq!(sink.count("the-one: look at this"), 1);
    }
    let open = ractor::call!(alerter, AlerterMsg::Open).unwrap();
    let counted: u64 = open.iter().filter(|i| i.key != "alerts/lost").map(|incident| incident.count).sum();
    assert_eq!(counted + bell.lost(), rung, "every notice is counted in its incident or as lost");
    alerter.stop(None);
}

/// So many seconds of storm; the long form is `HIGHWIRE_STORM=60`.
fn storm_s() -> u64 {
    std::env::var("HIGHWIRE_STORM").map_or(3, |seconds| seconds.parse().unwrap())
}

/// Ten thousand notices a second of five urgent kinds and of a hundred others; in the middle third all channels are
/// down, and in the middle of that the alerter dies with whatever its disk had not taken.
///
/// Fault: D01
/// Fault: D02
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_storm_through_an_outage_and_a_death_tells_each_urgent_incident_once_in_a_few_messages() {
    let (sinks, disk) = (Sinks::start(), MemoryDisk::new());
    let (mut bell, mut alerter) = sinks.alerter(&disk).await;
    let (rounds, mut rung) = (storm_s() * 100, 0u64);
    for round in 0..rounds {
        let began = tokio::time::Instant::now();
        for n in 0..100 {
            if n % 20 == 0 {
                bell.raise(format!("urgent{}", n / 20), Severity::Critical, "look at this");
            } else {
                bell.raise(format!("other{n}"), Severity::Warning, "one of many");
            }
            rung += 1;
        }
        if round == rounds / 3 || round == rounds * 2 / 3 {
            sinks.set_down(round == rounds / 3);
        }
        if round == rounds / 2 {
            alerter.kill();
            disk.restart();
            (bell, alerter) = sinks.alerter(&disk).await;
        }
        tokio::time::sleep_until(began + Duration::from_millis(10)).await;
    }
    // What opens in the storm is told with the first messages, or with the last that the pace has left.
    (0..5).for_each(|n| sinks.all().iter().for_each(|sink| sink.wait_for(&format!("urgent{n}: look at this"))));
    tokio::time::sleep(Duration::from_millis(500)).await;
    for sink in sinks.all() {
        let told: Vec<_> = (0..5).map(|n| sink.count(&format!("urgent{n}: look at this"))).collect();
        assert_eq!(told, [1; 5], "{:?}", sink.told());
        assert!(sink.told().len() <= 6, "{} messages", sink.told().len());
    }
    println!(
        "{rung} notices: {:?} messages, {} others lost in the queue",
        sinks.all().map(|s| s.told().len()),
        bell.lost()
    );
    alerter.stop(None);
}

/// Fault: D01
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_healthy_way_takes_a_moment_and_a_self_test_finds_one_that_is_not() {
    let sinks = Sinks::start();
    let (bell, alerter) = sinks.alerter_with(&MemoryDisk::new(), 10_000, 400_000_000).await;
    let mut took_ms: Vec<u128> = Vec::new();
    for n in 0..storm_s() * 10 {
        let (began, key) = (std::time::Instant::now(), format!("n{n:04}"));
        bell.raise(&key, Severity::Critical, "now");
        sinks.slack.wait_for(&format!("{key}: now"));
        took_ms.push(began.elapsed().as_millis());
    }
    took_ms.sort_unstable();
    let at = |share: usize| took_ms[(took_ms.len() * share / 100).min(took_ms.len() - 1)];
    println!("{} incidents, from notice to delivery: p50 {} ms, p99 {} ms", took_ms.len(), at(50), at(99));
    sinks.all().iter().for_each(|sink| sink.wait_for("this way to you works"));
    sinks.telegram.down.store(true, Ordering::SeqCst);
    sinks.slack.wait_for("alerts/self-test/telegram: it did not take its self-test");
    sinks.telegram.down.store(false, Ordering::SeqCst);
    sinks.slack.wait_for("(over, ");
    alerter.stop(None);
}

/// Fault: D02
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_outage_of_all_channels_and_a_death_in_it_lose_no_alert_and_double_none() {
    let (sinks, disk) = (Sinks::start(), MemoryDisk::new());
    sinks.set_down(true);
    let (bell, first) = sinks.alerter(&disk).await;
    for n in 0..30 {
        bell.raise(format!("c{n:02}"), Severity::Critical, "during the outage");
    }
    tokio::time::sleep(Duration::from_millis(800)).await;
    first.kill();
    disk.restart();
    let (_, second) = sinks.alerter(&disk).await;
    tokio::time::sleep(Duration::from_millis(300)).await;
    assert!(sinks.all().iter().all(|sink| sink.told().is_empty()));
    sinks.set_down(false);
    sinks.all().iter().for_each(|sink| sink.wait_for("c29"));
    second.stop(None);
    for sink in sinks.all() {
        let once = (0..30).all(|n| sink.count(&format!("Critical c{n:02}: during the outage")) == 1);
        assert!(once, "{:?}", sink.told());
    }
}

/// An alerter that dies takes nothing with it that was rung before or meanwhile, and the next one in the same process does
/// not take for over what nobody tells twice.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_rung_while_an_alerter_dies_is_told_once_by_the_next_and_stays_open() {
    let (sinks, disk) = (Sinks::start(), MemoryDisk::new());
    let messages = Pace::default().messages;
    let (bell, first) = sinks.alerter(&disk).await;
    bell.raise("early", Severity::Critical, "long told");
    sinks.all().iter().for_each(|sink| sink.wait_for("early"));
    bell.raise("before", Severity::Critical, "it may have been taken");
    first.kill();
    while first.get_status() != ractor::ActorStatus::Stopped {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    bell.raise("meanwhile", Severity::Critical, "nobody is there");
    let second = sinks.alerter_of(&bell, &disk, messages, 0).await;
    second.cast(AlerterMsg::Settled).unwrap();
    sinks.all().iter().for_each(|sink| ["before", "meanwhile"].iter().for_each(|key| sink.wait_for(key)));
    let open = bell.open(Duration::from_secs(10)).await.unwrap();
    assert_eq!(open.iter().map(|incident| incident.key.as_str()).collect::<Vec<_>>(), ["before", "early", "meanwhile"]);
    second.stop(None);
    for sink in sinks.all() {
        let told = ["early: long told", "before: it may", "meanwhile: nobody"].map(|text| sink.count(text));
        assert_eq!(told, [1; 3], "{:?}", sink.told());
    }
    assert_eq!(bell.lost(), 0);
}

/// Fault: S04
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_error_of_a_channel_repeats_its_secret() {
    let sinks = Sinks::start();
    sinks.set_down(true);
    let gone = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let client = reqwest::Client::new();
    let dead = format!("http://{gone}/{SECRET}");
    let mut channels: Vec<Arc<dyn Channel>> = sinks.routes().into_iter().map(|route| route.channel).collect();
    channels.push(Arc::new(WebhookChannel { http: client.clone(), url: dead.clone().into() }));
    channels.push(Arc::new(SlackChannel { http: client.clone(), url: dead.into() }));
    let (api, token) = (format!("http://{gone}"), SECRET.to_owned().into());
    channels.push(Arc::new(TelegramChannel { http: client, api, token, chat: 1 }));
    let message = incident::Message { channel: 0, number: 1, items: Vec::new() };
    for channel in channels {
        let error = channel.deliver(&message).await.unwrap_err().to_string();
        assert!(!error.is_empty() && !error.contains(SECRET), "{error}");
    }
}
