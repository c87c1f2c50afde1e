//! Who is told of incidents: the channels that the configuration names, the log always, and the book of what
//! is still to be told, on disk.

use super::ServiceError;
use crate::config::{AlertSeverity, Config};
use crate::secrets;
use highwire_actors::alerter::{Alerter, AlerterArgs, Bell, Route};
use highwire_actors::beat::Beat;
use highwire_actors::channel::{
    Channel, LogChannel, SlackChannel, SmtpChannel, SmtpSettings, TelegramChannel, WebhookChannel,
};
use highwire_actors::pinger::{Pinger, PingerArgs};
use highwire_actors::supervisor::{ChildSpec, Lives, Start, Strategy, Supervisor, SupervisorArgs, SupervisorMsg};
use highwire_engine::clock::TscClock;
use highwire_store::disk::Folder;
use highwire_supervision::backoff::Backoff;
use highwire_supervision::budget::Budget;
use highwire_supervision::incident::{self, Pace, Severity};
use ractor::{Actor, ActorRef};
use secrecy::SecretString;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;
use tokio::task::JoinHandle;

/// The public bot API.
const TELEGRAM: &str = "https://api.telegram.org";
/// The folder of the book, below the data folder.
const FOLDER: &str = "alerts";
/// Time for what is said at the end of the process.
const LAST_WORDS: Duration = Duration::from_millis(300);

/// The alerter hangs when it has not looked for so long.
const HANGS_NS: u64 = 10_000_000_000;

/// The running alerter, under its supervisor.
pub struct Alerts {
    /// Rings it.
    pub bell: Bell,
    /// How it lives.
    pub lives: Lives,
    /// Starts it anew.
    pub supervisor: ActorRef<SupervisorMsg>,
    handle: JoinHandle<()>,
}

impl Alerts {
    /// Starts it on the book that a former process left below `data`. An outside watcher, if there is one, is told
    /// that all is well while `heart` beats.
    ///
    /// # Errors
    /// A channel's settings cannot be used, or the folder cannot be made.
    pub async fn start(
        config: &Config,
        data: &Path,
        clock: &TscClock,
        http: &reqwest::Client,
        heart: &Beat,
    ) -> Result<Self, ServiceError> {
        let (bell, lives, folder) = (Bell::default(), Lives::default(), data.join(FOLDER));
        let disk = Folder::new(&folder).map_err(|source| ServiceError::Data { path: folder, source })?;
        let mut children = vec![child(config, disk, clock, routes(config, http)?, bell.clone())];
        children.extend(pinger(config, clock, http, heart)?);
        let arguments = SupervisorArgs {
            children,
            strategy: Strategy::OneForOne,
            budget: budget(config),
            clock: Box::new(clock.clone()),
            seed: u64::from(std::process::id()),
            lives: lives.clone(),
            // The supervisor has said so in the log, which is all that is left.
            give_up: Box::new(|_, _| {}),
        };
        let (supervisor, handle) = Actor::spawn(None, Supervisor, arguments).await?;
        Ok(Self { bell, lives, supervisor, handle })
    }

    /// Ends it; what could not be told meanwhile stands on disk.
    pub async fn stop(self) {
        tokio::time::sleep(LAST_WORDS).await;
        // A supervisor that panicked has ended too.
        if self.supervisor.cast(SupervisorMsg::End).is_ok() {
            let _ended = self.handle.await;
        }
    }
}

fn budget(config: &Config) -> Budget {
    Budget {
        restarts: config.supervision.side_restarts,
        period_ns: config.supervision.side_period_s.saturating_mul(1_000_000_000),
        backoff: Backoff { first_ns: 50_000_000, max_ns: 2_000_000_000 },
    }
}

fn child(config: &Config, disk: Folder, clock: &TscClock, routes: Vec<Route>, bell: Bell) -> ChildSpec {
    let (beat, clock, breaker) = (Beat::default(), clock.clone(), crate::universe::breaker(config));
    let pace = Pace {
        messages: config.alerts.messages_max as usize,
        period_ns: config.alerts.period_s.saturating_mul(1_000_000_000),
        ..Pace::default()
    };
    let heart = beat.clone();
    let start: Start = Box::new(move |above| {
        let arguments = AlerterArgs {
            routes: routes.clone(),
            pace,
            breaker,
            disk: Box::new(disk.clone()),
            beat: heart.clone(),
            clock: Box::new(clock.clone()),
        };
        let bell = bell.clone();
        Box::pin(async move { Ok(Alerter::start(Some(above), arguments, &bell).await?.get_cell()) })
    });
    ChildSpec { name: "alerter".to_owned(), start, beat: Some((beat, HANGS_NS)) }
}

/// Tells the outside watcher that the configuration names.
fn pinger(
    config: &Config,
    clock: &TscClock,
    http: &reqwest::Client,
    heart: &Beat,
) -> Result<Option<ChildSpec>, ServiceError> {
    let source = &config.alerts.deadman_url;
    let wrong = |why: String| ServiceError::Alerts { key: "deadman_url", why: format!("{source}: {why}") };
    let Some(url) = secrets::read(source).map_err(wrong)? else { return Ok(None) };
    let every = Duration::from_secs(config.alerts.deadman_every_s);
    let (clock, http, heart) = (clock.clone(), http.clone(), heart.clone());
    let start: Start = Box::new(move |above| {
        let (url, http, heart, clock) = (url.clone(), http.clone(), heart.clone(), Box::new(clock.clone()));
        let arguments = PingerArgs { http, url, every, heart, clock };
        Box::pin(async move { Ok(Actor::spawn_linked(None, Pinger, arguments, above).await?.0.get_cell()) })
    });
    Ok(Some(ChildSpec { name: "pinger".to_owned(), start, beat: None }))
}

fn routes(config: &Config, http: &reqwest::Client) -> Result<Vec<Route>, ServiceError> {
    let settings = &config.alerts;
    let secret = |key: &'static str, source: &str| {
        secrets::read(source).map_err(|why| ServiceError::Alerts { key, why: format!("{source}: {why}") })
    };
    let mut routes = vec![log()];
    let mut add = |name: &str, after_s: u64, channel: Arc<dyn Channel>| {
        let escalation_ns = after_s.saturating_mul(1_000_000_000);
        let severity_min = severity(settings.severity_min);
        let rule = incident::Channel { name: name.to_owned(), severity_min, escalation_ns, unpaced: false };
        routes.push(Route { rule, channel });
    };
    if let Some(url) = secret("slack_url", &settings.slack_url)? {
        add("slack", settings.slack_after_s, Arc::new(SlackChannel { http: http.clone(), url }));
    }
    if let Some(token) = secret("telegram_token", &settings.telegram_token)? {
        if settings.telegram_chat == 0 {
            return Err(ServiceError::Alerts { key: "telegram_chat", why: "a token without a chat".to_owned() });
        }
        let api = if settings.telegram_api.is_empty() { TELEGRAM } else { &settings.telegram_api };
        let api = api.trim_end_matches('/').to_owned();
        let channel = TelegramChannel { http: http.clone(), api, token, chat: settings.telegram_chat };
        add("telegram", settings.telegram_after_s, Arc::new(channel));
    }
    if !settings.smtp_host.is_empty() {
        let password = secret("smtp_password", &settings.smtp_password)?;
        add("smtp", settings.smtp_after_s, Arc::new(smtp(config, password)?));
    }
    if let Some(url) = secret("webhook_url", &settings.webhook_url)? {
        add("webhook", settings.webhook_after_s, Arc::new(WebhookChannel { http: http.clone(), url }));
    }
    Ok(routes)
}

/// Told of everything at once: it wakes nobody.
fn log() -> Route {
    let rule =
        incident::Channel { name: "log".to_owned(), severity_min: Severity::Info, escalation_ns: 0, unpaced: true };
    Route { rule, channel: Arc::new(LogChannel) }
}

fn smtp(config: &Config, password: Option<SecretString>) -> Result<SmtpChannel, ServiceError> {
    let settings = &config.alerts;
    let login = password.map(|password| (settings.smtp_user.clone(), password));
    let channel = SmtpChannel::new(&SmtpSettings {
        host: settings.smtp_host.clone(),
        port: settings.smtp_port,
        tls: settings.smtp_tls,
        login,
        from: settings.smtp_from.clone(),
        to: settings.smtp_to.clone(),
    });
    channel.map_err(|why| ServiceError::Alerts { key: "smtp_*", why })
}

fn severity(least: AlertSeverity) -> Severity {
    match least {
        AlertSeverity::Info => Severity::Info,
        AlertSeverity::Warning => Severity::Warning,
        AlertSeverity::Critical => Severity::Critical,
    }
}
