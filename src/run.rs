//! `highwire run`: the service on the venues and pairs of the configuration, until Ctrl-C.

use crate::boot::{Boot, BootError, Recovered};
use crate::config::Config;
use crate::service::{self, ListingError, Orders, Service, ServiceError, VenueAddress, listing};
use crate::universe::{Pairing, PairingError, Universe, UniverseError};
use highwire_engine::clock::{Clock, TscClock};
use highwire_links::Mode;
use highwire_venues::plan::{Channels, plan, ws_hosts};
use highwire_venues::venue::Venue;
use opentelemetry_sdk::trace::SdkTracer;
use std::sync::Arc;

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
    /// What the last run left cannot be gone on with.
    #[error(transparent)]
    Boot(#[from] BootError),
    /// The service could not start.
    #[error(transparent)]
    Service(#[from] ServiceError),
}

/// The command line's switches.
#[derive(Clone, Copy, Debug, Default)]
pub struct Switches {
    /// Orders go to the venues.
    pub live: bool,
    /// The operator takes back what an earlier run latched.
    pub resume: bool,
}

/// Runs until Ctrl-C.
///
/// # Errors
/// See [`RunError`].
pub fn run(config: &Config, switches: Switches, tracer: Option<SdkTracer>) -> Result<(), RunError> {
    let orders = orders(config.service.live, switches.live)?;
    crate::tls::choose_provider();
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    runtime.block_on(session(config, orders, switches.resume, tracer))
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

async fn session(config: &Config, orders: Orders, resume: bool, tracer: Option<SdkTracer>) -> Result<(), RunError> {
    let now = TscClock::start().now();
    let recovered = Recovered::open(&config.store, orders)?;
    let members = || config.pairs.list.iter().flat_map(|pair| &pair.members);
    let addresses: Vec<VenueAddress> = Venue::ALL
        .into_iter()
        .filter(|venue| members().any(|member| member.venue == venue.name()))
        .filter_map(|venue| address(config, venue))
        .collect();
    let http = service::client(config)?;
    let mut specs = Vec::new();
    for address in &addresses {
        let named = |symbol: &str| members().any(|m| m.venue == address.venue.name() && m.symbol == symbol);
        specs.extend(listing(&http, address).await?.into_iter().filter(|spec| named(&spec.symbol)));
    }
    if specs.is_empty() {
        return Err(RunError::NoPairs);
    }
    let universe = Arc::new(Universe::new(specs, &Pairing::new(config, &[])?, config)?);
    let boot = recovered.map(|recovered| recovered.begin(&universe, config, (orders, resume), now)).transpose()?;
    let (mode, held_by) = boot.as_ref().map_or((Mode::Full, Vec::new()), Boot::mode_max);
    let service = Service::start(universe, config, &addresses, orders, boot, tracer).await?;
    for why in held_by {
        tracing::error!(?mode, "CRITICAL: held by an earlier run: {why}; `--resume` takes latches back");
    }
    service.set_mode(mode);
    let interrupted = tokio::signal::ctrl_c().await;
    service.stop().await;
    Ok(interrupted?)
}

/// Where an enabled venue is: the configured addresses, or its public ones.
fn address(config: &Config, venue: Venue) -> Option<VenueAddress> {
    let settings = config.venues.get(venue.name()).filter(|settings| settings.enabled)?;
    let configured: Vec<String> =
        [&settings.ws_url, &settings.ws_url_b].into_iter().filter(|url| !url.is_empty()).cloned().collect();
    let public = || ws_hosts(venue).iter().map(|host| (*host).to_owned()).collect();
    let ws = if configured.is_empty() { public() } else { configured };
    let rest_host = plan(venue, &["BTCUSDT"], Channels { depth: true, ..Channels::default() }).rest_host;
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
