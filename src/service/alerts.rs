//! Who is told of incidents: the channels that the configuration names, the log always, and the book of what
//! is still to be told, on disk.

use super::ServiceError;
use crate::config::{AlertSeverity, Config};
use crate::control::{Control, Question};
use crate::secrets;
use crate::topology::TELLING;
use highwire_actors::alerter::{Alerter, AlerterArgs, Bell, Route};
use highwire_actors::beat::Beat;
use highwire_actors::channel::{
    Channel, LogChannel, SlackChannel, SmtpChannel, SmtpSettings, TelegramChannel, WebhookChannel,
};
use highwire_actors::ear::{Ear, EarArgs, Wish};
use highwire_actors::pinger::{Pinger, PingerArgs};
use highwire_actors::supervisor::{ChildSpec, GiveUp, Lives, Start, Supervisor, SupervisorMsg};
use highwire_actors::tended;
use highwire_engine::clock::{Clock, TscClock};
use highwire_store::disk::Folder;
use highwire_supervision::incident::{self, Pace, Severity};
use ractor::{Actor, ActorRef};
use secrecy::SecretString;
use std::path::Path;
use std::sync::{Arc, OnceLock};
use std::time::Duration;
use tokio::task::JoinHandle;

/// The public bot API.
const TELEGRAM: &str = "https://api.telegram.org";
/// The folder of the book, below the data folder.
const FOLDER: &str = "alerts";
/// Time for what is said at the end of the process.
const LAST_WORDS: Duration = Duration::from_millis(300);

/// The running alerter, under its supervisor.
pub struct Alerts {
    /// Rings it.
    pub bell: Bell,
    /// How it lives.
    pub lives: Lives,
    /// Starts it anew.
    pub supervisor: ActorRef<SupervisorMsg>,
    handle: JoinHandle<()>,
    operator: Operator,
}

/// Who does what is asked for in a chat, once the service can.
type Operator = Arc<OnceLock<Arc<Control>>>;

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
        let operator = Operator::default();
        children.extend(ear(config, clock, http, &bell, &operator)?);
        // The supervisor has said so in the log, which is all that is left.
        let ends: (Lives, GiveUp) = (lives.clone(), Box::new(|_, _| {}));
        let arguments = TELLING.supervise(config, clock, children, ends);
        let (supervisor, handle) = Actor::spawn(None, Supervisor, arguments).await?;
        Ok(Self { bell, lives, supervisor, handle, operator })
    }

    /// From now on commands in the chat are answered by this.
    pub fn hear(&self, control: &Arc<Control>) {
        // It is told once, by whoever starts the service.
        let _told = self.operator.set(Arc::clone(control));
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

fn child(config: &Config, disk: Folder, clock: &TscClock, routes: Vec<Route>, bell: Bell) -> ChildSpec {
    let (beat, clock, breaker) = (Beat::default(), clock.clone(), crate::universe::breaker(config));
    let pace = Pace {
        messages: config.alerts.messages_max as usize,
        period_ns: config.alerts.period_s.saturating_mul(1_000_000_000),
        ..Pace::default()
    };
    let self_test_ns = config.alerts.self_test_every_s.saturating_mul(1_000_000_000);
    let heart = beat.clone();
    let start: Start = Box::new(move |above| {
        let arguments = AlerterArgs {
            routes: routes.clone(),
            pace,
            breaker,
            self_test_ns,
            disk: Box::new(disk.clone()),
            beat: heart.clone(),
            clock: Box::new(clock.clone()),
        };
        let bell = bell.clone();
        Box::pin(async move { Ok(Alerter::start(Some(above), arguments, &bell).await?.get_cell()) })
    });
    ChildSpec { name: "alerter".to_owned(), start, beat: Some((beat, TELLING.hangs_ns("alerter"))) }
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
    let beat = Beat::tended();
    let tending = beat.clone();
    let start: Start = Box::new(move |above| {
        let beat = tending.clone();
        let (url, http, heart, clock) = (url.clone(), http.clone(), heart.clone(), Box::new(clock.clone()));
        let arguments = PingerArgs { http, url, every, heart, clock };
        Box::pin(async move { Ok(tended::spawn(Pinger, arguments, above, &beat).await?.get_cell()) })
    });
    Ok(Some(ChildSpec { name: "pinger".to_owned(), start, beat: Some((beat, TELLING.hangs_ns("pinger"))) }))
}

/// Hears commands in the chat, if it is to.
fn ear(
    config: &Config,
    clock: &TscClock,
    http: &reqwest::Client,
    bell: &Bell,
    operator: &Operator,
) -> Result<Option<ChildSpec>, ServiceError> {
    let settings = &config.alerts;
    let wrong = |why: String| ServiceError::Alerts { key: "telegram_token", why };
    let token = secrets::read(&settings.telegram_token).map_err(wrong)?.filter(|_| settings.telegram_commands);
    let Some(token) = token else { return Ok(None) };
    let (api, chat) = (telegram_api(config), settings.telegram_chat);
    let (clock, http, bell, operator) = (clock.clone(), http.clone(), bell.clone(), Arc::clone(operator));
    let beat = Beat::tended();
    let tending = beat.clone();
    let start: Start = Box::new(move |above| {
        let (beat, operator) = (tending.clone(), Arc::clone(&operator));
        let arguments = EarArgs {
            http: http.clone(),
            api: api.clone(),
            token: token.clone(),
            chat,
            fulfil: Arc::new(move |wish| Box::pin(fulfil(Arc::clone(&operator), wish))),
            alerts: bell.clone(),
            clock: Box::new(clock.clone()),
            seed: clock.now(),
        };
        Box::pin(async move { Ok(tended::spawn(Ear, arguments, above, &beat).await?.get_cell()) })
    });
    Ok(Some(ChildSpec { name: "ear".to_owned(), start, beat: Some((beat, TELLING.hangs_ns("ear"))) }))
}

async fn fulfil(operator: Operator, wish: Wish) -> String {
    let Some(control) = operator.get() else { return "the service is starting".to_owned() };
    let question = match wish {
        Wish::Status => Question::Status,
        Wish::Halt(why) => Question::Halt { now: false, why },
        Wish::Resume(why) => Question::Resume { dry: false, why },
    };
    control.answer(question).await.to_string()
}

fn telegram_api(config: &Config) -> String {
    let api = &config.alerts.telegram_api;
    let api = if api.is_empty() { TELEGRAM } else { api };
    api.trim_end_matches('/').to_owned()
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
        let api = telegram_api(config);
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
