//! `highwire run`: the service on the venues and pairs of the configuration, until Ctrl-C or SIGTERM; both come to
//! rest first, within their time. SIGUSR1 halts, SIGHUP reads the configuration again.

use crate::boot::{BootError, Recovered};
use crate::config::{Config, Loaded, Member};
use crate::notify::Notify;
use crate::renewal::Renewal;
use crate::service::{self, Followed, ListingError, Orders, Service, ServiceError, VenueAddress, followed, listings};
use crate::telemetry::Tracing;
use crate::universe::{Pairing, PairingError, Universe, UniverseError};
use highwire_engine::clock::{Clock, TscClock};
use highwire_supervision::halting::Stand;
use highwire_venues::plan::{Channels, plan, ws_hosts};
use highwire_venues::polymarket::private::CLOB_HOST;
use highwire_venues::venue::Venue;
use rustix::process::{getppid, set_parent_process_death_signal};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;
use tokio::signal::unix::{Signal, SignalKind, signal};

/// Between two looks whether all is alive, when nobody asked for another time.
const ALIVE_EVERY: Duration = Duration::from_secs(1);
/// Between two tries to start again, while a venue does not list its instruments.
const AGAIN_AFTER: Duration = Duration::from_secs(2);

/// Why the service does not run.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    /// The runtime, or a signal, was not to be had.
    #[error(transparent)]
    Io(#[from] std::io::Error),
    /// Only one of the two switches for live orders is on.
    #[error("orders go to venues only with `service.live = true` and with `--live`; {0} is missing")]
    OneSwitch(&'static str),
    /// Nothing is named to trade.
    #[error("pairs.list names no instrument of an enabled venue")]
    NoPairs,
    /// A venue did not list its instruments.
    #[error(transparent)]
    Listing(#[from] ListingError),
    /// No pair could be formed.
    #[error(transparent)]
    Pairing(#[from] PairingError),
    /// Too many instruments.
    #[error(transparent)]
    Universe(#[from] UniverseError),
    /// Who started it has ended.
    #[error("the process that started it has ended")]
    Alone,
    /// It ended, and orders or exposure may be left.
    #[error("ended, but not all is at rest: {0:?}")]
    NotAtRest(Option<Stand>),
    /// What the last run left cannot be gone on with.
    #[error(transparent)]
    Boot(#[from] BootError),
    /// The service could not start.
    #[error(transparent)]
    Service(#[from] ServiceError),
}

/// Ends this process with the one that started it, however that ends: a demo's service has nobody else.
///
/// # Errors
/// The system does not do that, or it has ended already.
pub fn end_with(starter: u32) -> Result<(), RunError> {
    set_parent_process_death_signal(Some(rustix::process::Signal::KILL)).map_err(std::io::Error::from)?;
    let is_there = getppid().is_some_and(|parent| u32::try_from(parent.as_raw_pid()).is_ok_and(|pid| pid == starter));
    if is_there { Ok(()) } else { Err(RunError::Alone) }
}

/// Runs until Ctrl-C or SIGTERM. `live` is the command line's switch; `file` is what a reload reads again.
///
/// # Errors
/// See [`RunError`].
pub fn run(loaded: &Loaded, file: Option<&Path>, live: bool, tracing: Tracing) -> Result<(), RunError> {
    let config = &loaded.config;
    let orders = orders(config.service.live, live)?;
    crate::tls::choose_provider();
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    let settings = Settings { loaded: loaded.clone(), file, tuned: Vec::new() };
    runtime.block_on(session(settings, orders, tracing))
}

/// Both switches, or neither: one alone is a mistake that must not pass for paper or for live.
fn orders(configured: bool, given: bool) -> Result<Orders, RunError> {
    match (configured, given) {
        (true, true) => Ok(Orders::Live),
        (false, false) => Ok(Orders::Paper),
        (true, false) => Err(RunError::OneSwitch("--live")),
        (false, true) => Err(RunError::OneSwitch("service.live")),
    }
}

/// What ends a term: a start and what runs until the next.
enum End {
    Asked,
    /// Later windows are to be followed.
    Renewal,
}

/// Signals, heard from the first start to the last end: one that comes between two starts is not lost.
struct Signals {
    interrupt: Signal,
    terminate: Signal,
    halt: Signal,
    reload: Signal,
}

impl Signals {
    fn listen() -> std::io::Result<Self> {
        Ok(Self {
            interrupt: signal(SignalKind::interrupt())?,
            terminate: signal(SignalKind::terminate())?,
            halt: signal(SignalKind::user_defined1())?,
            reload: signal(SignalKind::hangup())?,
        })
    }

    /// Whether an end is asked for within this time.
    async fn end_within(&mut self, time: Duration) -> bool {
        tokio::select! {
            _ = self.interrupt.recv() => true,
            _ = self.terminate.recv() => true,
            () = tokio::time::sleep(time) => false,
        }
    }
}

/// What a start goes by: the next one goes on with what was changed while it ran.
struct Settings<'a> {
    loaded: Loaded,
    /// What a reload reads again.
    file: Option<&'a Path>,
    /// Changes of what the strategies look for.
    tuned: Vec<String>,
}

impl Settings<'_> {
    fn hold_at(&self, service: &Service) {
        service.reloading().follow(self.file.map(Path::to_owned), self.loaded.clone());
        if let Err(why) = service.tuning().tune(&self.tuned, "as before this start") {
            tracing::error!(why, "what strategies look for is as configured");
        }
    }

    fn take_from(&mut self, service: &Service) {
        self.tuned = service.tuning().changes();
        self.loaded = service.reloading().loaded().unwrap_or_else(|| self.loaded.clone());
    }
}

async fn session(mut settings: Settings<'_>, orders: Orders, tracing: Tracing) -> Result<(), RunError> {
    let mut signals = Signals::listen()?;
    let http = service::client(&settings.loaded.config)?;
    let (notify, mut again) = (Notify::from_env(), false);
    loop {
        let ended = term(&mut settings, orders, tracing.clone(), (&http, &mut signals, notify.as_ref())).await;
        match ended {
            Ok(End::Asked) => return Ok(()),
            Ok(End::Renewal) => tracing::info!("it starts again with the windows that are listed now"),
            Err(RunError::Listing(error)) if again => {
                tracing::error!(%error, "it cannot start again yet");
                if signals.end_within(AGAIN_AFTER).await {
                    return Ok(());
                }
            }
            Err(error) => return Err(error),
        }
        again = true;
    }
}

/// From a start, which is a recovery, until everything has come to rest.
async fn term(
    settings: &mut Settings<'_>,
    orders: Orders,
    tracing: Tracing,
    (http, signals, notify): (&reqwest::Client, &mut Signals, Option<&Notify>),
) -> Result<End, RunError> {
    let config = &settings.loaded.config.clone();
    let now = TscClock::start().now();
    let read = tracing::info_span!(parent: None, "recovery", scope = "journal");
    let recovered = read.in_scope(|| Recovered::open(config, orders))?;
    drop(read);
    let venues = Venue::ALL.into_iter().filter(|venue| is_wanted(config, *venue));
    let addresses: Vec<VenueAddress> = venues.filter_map(|venue| address(config, venue)).collect();
    let held = recovered.as_ref().map(|recovered| service::held(&recovered.found.state)).unwrap_or_default();
    let (universe, until_s) = universe(http, config, &addresses, &held).await?;
    let boot = recovered.map(|recovered| recovered.begin(&universe, config, orders, now)).transpose()?;
    let service = Service::start(universe, config, &addresses, orders, boot, Some(tracing)).await?;
    settings.hold_at(&service);
    tell(notify, "READY=1");
    let renewal = Renewal { http, config, until_s };
    let ended = tokio::select! {
        () = attend(&service, notify, signals) => End::Asked,
        () = renewal.due() => End::Renewal,
    };
    settings.take_from(&service);
    let why = match ended {
        End::Renewal => "later windows are to be followed",
        End::Asked => {
            tell(notify, "STOPPING=1");
            "the process ends"
        }
    };
    let end = service.halt(why, false).await;
    service.stop().await;
    match ended {
        // What is left in doubt is asked about by the next start.
        End::Renewal => Ok(End::Renewal),
        End::Asked if end.is_clean => Ok(End::Asked),
        End::Asked => Err(RunError::NotAtRest(end.stand)),
    }
}

/// What is traded, and when the last window of a series begins.
async fn universe(
    http: &reqwest::Client,
    config: &Config,
    addresses: &[VenueAddress],
    held: &[String],
) -> Result<(Arc<Universe>, Option<i64>), RunError> {
    let mut specs = listings(http, addresses).await?;
    specs.retain(|spec| named(config).any(|m| m.venue == spec.venue.name() && m.symbol == spec.symbol));
    let mut outcomes = Followed::default();
    if addresses.iter().any(|address| address.venue == Venue::Polymarket) {
        outcomes = followed(http, config, held).await?;
        specs.append(&mut outcomes.specs);
    }
    if specs.is_empty() {
        return Err(RunError::NoPairs);
    }
    let universe = Universe::new(specs, &Pairing::new(config, &[])?, config)?;
    let tokens = universe.specs.iter().zip(&universe.instruments);
    let over = tokens.filter(|(spec, _)| spec.venue == Venue::Polymarket && outcomes.over.contains(&spec.symbol));
    over.for_each(|(_, instrument)| universe.ended.insert(instrument.id));
    Ok((Arc::new(universe), outcomes.until_s))
}

/// Waits for the end: an interrupt or a termination. SIGUSR1 halts, SIGHUP reloads.
async fn attend(service: &Service, notify: Option<&Notify>, signals: &mut Signals) {
    let mut alive = tokio::time::interval(notify.and_then(Notify::every).unwrap_or(ALIVE_EVERY));
    loop {
        tokio::select! {
            _ = signals.interrupt.recv() => return,
            _ = signals.terminate.recv() => return,
            _ = signals.halt.recv() => service.begin_halt("signal SIGUSR1"),
            // What is refused is told as an incident.
            _ = signals.reload.recv() => drop(service.reloading().reload(false, "signal SIGHUP").await),
            _ = alive.tick() => {
                if service.watch().is_alive() {
                    tell(notify, "WATCHDOG=1");
                }
            }
        }
    }
}

fn tell(notify: Option<&Notify>, state: &str) {
    notify.into_iter().for_each(|notify| notify.tell(state));
}

/// The instruments that the configuration names: members of pairs, and what binary markets follow.
fn named(config: &Config) -> impl Iterator<Item = &Member> {
    let members = config.pairs.list.iter().flat_map(|pair| &pair.members);
    members.chain(config.lag.follow.iter().map(|follow| &follow.reference))
}

/// Whether the configuration names anything there.
fn is_wanted(config: &Config, venue: Venue) -> bool {
    let named = named(config).any(|member| member.venue == venue.name());
    let polymarket = &config.polymarket;
    let is_followed = !polymarket.markets.is_empty() || !polymarket.series.is_empty();
    named || venue == Venue::Polymarket && is_followed
}

/// Where an enabled venue is: the configured addresses, or its public ones.
fn address(config: &Config, venue: Venue) -> Option<VenueAddress> {
    let settings = config.venues.get(venue.name()).filter(|settings| settings.enabled)?;
    let configured: Vec<String> =
        [&settings.ws_url, &settings.ws_url_b].into_iter().filter(|url| !url.is_empty()).cloned().collect();
    let public = || ws_hosts(venue).iter().map(|host| (*host).to_owned()).collect();
    let ws = if configured.is_empty() { public() } else { configured };
    let rest_host = match venue {
        Venue::Polymarket => CLOB_HOST,
        _ => plan(venue, &["BTCUSDT"], Channels { depth: true, ..Channels::default() }).rest_host,
    };
    let rest = if settings.rest_url.is_empty() { rest_host.to_owned() } else { settings.rest_url.clone() };
    Some(VenueAddress { venue, ws, rest })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_switch_alone_starts_nothing() {
        assert_eq!(orders(true, true).unwrap(), Orders::Live);
        assert_eq!(orders(false, false).unwrap(), Orders::Paper);
        assert!(orders(true, false).is_err() && orders(false, true).is_err());
    }

    #[test]
    fn a_venue_without_configured_addresses_has_its_public_ones() {
        let config = crate::config::load_from(None, std::iter::empty()).unwrap().config;
        let spot = address(&config, Venue::BinanceSpot).unwrap();
        assert_eq!((spot.ws.len(), spot.rest.starts_with("https://")), (2, true));
        assert!(address(&config, Venue::BinanceUs).is_none(), "not enabled");
    }
}
