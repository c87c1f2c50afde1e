//! `highwire run`: the service on the venues and pairs of the configuration, until Ctrl-C or SIGTERM; both come to
//! rest first, within their time. SIGUSR1 halts, SIGHUP reads the configuration again.

use crate::boot::{BootError, Recovered};
use crate::config::{Config, Loaded};
use crate::notify::Notify;
use crate::service::{self, ListingError, Orders, Service, ServiceError, VenueAddress, listings, tokens};
use crate::telemetry::Tracing;
use crate::universe::{Pairing, PairingError, Universe, UniverseError};
use highwire_engine::clock::{Clock, TscClock};
use highwire_supervision::halting::Stand;
use highwire_venues::plan::{Channels, plan, ws_hosts};
use highwire_venues::polymarket::private::CLOB_HOST;
use highwire_venues::venue::Venue;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;
use tokio::signal::unix::{SignalKind, signal};

/// Between two looks whether all is alive, when nobody asked for another time.
const ALIVE_EVERY: Duration = Duration::from_secs(1);

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

/// Runs until Ctrl-C or SIGTERM. `live` is the command line's switch; `file` is what a reload reads again.
///
/// # Errors
/// See [`RunError`].
pub fn run(loaded: &Loaded, file: Option<&Path>, live: bool, tracing: Option<Tracing>) -> Result<(), RunError> {
    let config = &loaded.config;
    let orders = orders(config.service.live, live)?;
    crate::tls::choose_provider();
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    runtime.block_on(session((loaded, file), orders, tracing))
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

async fn session(
    (loaded, file): (&Loaded, Option<&Path>),
    orders: Orders,
    tracing: Option<Tracing>,
) -> Result<(), RunError> {
    let config = &loaded.config;
    let now = TscClock::start().now();
    let read = tracing::info_span!(parent: None, "recovery", scope = "journal");
    let recovered = read.in_scope(|| Recovered::open(config, orders))?;
    drop(read);
    let members = || config.pairs.list.iter().flat_map(|pair| &pair.members);
    let addresses: Vec<VenueAddress> = Venue::ALL
        .into_iter()
        .filter(|venue| is_wanted(config, *venue))
        .filter_map(|venue| address(config, venue))
        .collect();
    let http = service::client(config)?;
    let mut specs = listings(&http, &addresses).await?;
    specs.retain(|spec| members().any(|m| m.venue == spec.venue.name() && m.symbol == spec.symbol));
    if addresses.iter().any(|address| address.venue == Venue::Polymarket) {
        specs.extend(tokens(&http, config).await?);
    }
    if specs.is_empty() {
        return Err(RunError::NoPairs);
    }
    let universe = Arc::new(Universe::new(specs, &Pairing::new(config, &[])?, config)?);
    let boot = recovered.map(|recovered| recovered.begin(&universe, config, orders, now)).transpose()?;
    let service = Service::start(universe, config, &addresses, orders, boot, tracing).await?;
    service.reloading().follow(file.map(Path::to_owned), loaded.clone());
    let notify = Notify::from_env();
    tell(notify.as_ref(), "READY=1");
    let ended = attend(&service, notify.as_ref()).await;
    tell(notify.as_ref(), "STOPPING=1");
    let end = service.halt("the process ends", false).await;
    service.stop().await;
    ended?;
    if end.is_clean { Ok(()) } else { Err(RunError::NotAtRest(end.stand)) }
}

/// Waits for the end: an interrupt or a termination. SIGUSR1 halts, SIGHUP reloads.
async fn attend(service: &Service, notify: Option<&Notify>) -> std::io::Result<()> {
    let (mut ends, mut halts) = (signal(SignalKind::terminate())?, signal(SignalKind::user_defined1())?);
    let mut reloads = signal(SignalKind::hangup())?;
    let mut interrupt = std::pin::pin!(tokio::signal::ctrl_c());
    let mut alive = tokio::time::interval(notify.and_then(Notify::every).unwrap_or(ALIVE_EVERY));
    loop {
        tokio::select! {
            interrupted = &mut interrupt => return interrupted,
            _ = ends.recv() => return Ok(()),
            _ = halts.recv() => service.begin_halt("signal SIGUSR1"),
            // What is refused is told as an incident.
            _ = reloads.recv() => drop(service.reloading().reload(false, "signal SIGHUP")),
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

/// Whether the configuration names anything there.
fn is_wanted(config: &Config, venue: Venue) -> bool {
    let named = config.pairs.list.iter().flat_map(|pair| &pair.members).any(|member| member.venue == venue.name());
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
