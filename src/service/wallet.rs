//! What trades at Polymarket: a wallet that signs, and the API key that goes with it, configured or asked for.

use super::ServiceError;
use crate::config::{Config, VenueSettings};
use crate::secrets;
use highwire_actors::allowance::{Allowance, Need};
use highwire_actors::web::{self, Claim};
use highwire_engine::clock::{Clock, TscClock};
use highwire_links::rate::Priority;
use highwire_venues::keys::Keys;
use highwire_venues::polymarket::Wallet;
use highwire_venues::polymarket::private::{api_keys, keys_of, version, version_of};
use highwire_venues::venue::Venue;
use std::time::Duration;

/// The credentials; `None` when the configuration names no wallet. `base` is the venue's address, empty for its own.
///
/// # Errors
/// What cannot be read, or the venue gives no key.
pub async fn keys(
    (config, settings): (&Config, &VenueSettings),
    (http, base, clock): (&reqwest::Client, &str, &TscClock),
) -> Result<Option<Keys>, ServiceError> {
    let Some(wallet) = secrets::wallet(&config.polymarket)? else { return Ok(None) };
    takes_our_orders((http, base), Duration::from_millis(config.lines.connect_ms)).await?;
    if let Some(keys) = secrets::keys(Venue::Polymarket.name(), settings)? {
        return Ok(Some(keys.with_wallet(wallet)));
    }
    let failed = |why: String| ServiceError::Trading { venue: Venue::Polymarket.name(), why };
    let within = Duration::from_millis(config.lines.connect_ms);
    let mut given = Err(String::new());
    // A wallet that traded before has a key; a new one gets it.
    for create in [false, true] {
        given = ask(&wallet, create, (http, base, within), i64::try_from(clock.now() / 1_000_000).unwrap_or(0)).await;
        if given.is_ok() {
            break;
        }
    }
    let given = given.map_err(|why| failed(format!("it gives no API key: {why}")))?;
    keys_of(&given, wallet).map(Some).map_err(|why| failed(format!("the API key that it gives: {why}")))
}

/// The venue tells which version of orders it takes: one that we do not sign is not traded with.
async fn takes_our_orders((http, base): (&reqwest::Client, &str), within: Duration) -> Result<(), ServiceError> {
    let failed = |why: String| ServiceError::Trading { venue: Venue::Polymarket.name(), why };
    let request = version();
    let base = if base.is_empty() { request.host } else { base };
    let allowance = Allowance::of(Venue::Polymarket);
    let claim = Claim { allowance: &allowance, need: Need::Later, priority: Priority::Reconcile, cost: request.cost };
    let sent = http.get(format!("{base}{}", request.path_and_query));
    let body = web::send(sent, within, claim).await.and_then(web::Answer::good);
    let told = body.map_err(|why| failed(format!("it does not say which orders it takes: {why}")))?;
    match version_of(&told) {
        Some(2 | 3) => Ok(()),
        other => Err(failed(format!("it takes orders of version {other:?}, and 2 and 3 are signed here"))),
    }
}

async fn ask(
    wallet: &Wallet,
    create: bool,
    (http, base, within): (&reqwest::Client, &str, Duration),
    wall_ms: i64,
) -> Result<Vec<u8>, String> {
    let request = api_keys(wallet, create, wall_ms).map_err(|error| error.to_string())?;
    let base = if base.is_empty() { request.host } else { base };
    let method = reqwest::Method::from_bytes(request.method.as_bytes()).map_err(|error| error.to_string())?;
    let mut sent = http.request(method, format!("{base}{}", request.path_and_query));
    for (name, value) in request.headers() {
        sent = sent.header(name, value);
    }
    let allowance = Allowance::of(Venue::Polymarket);
    let claim = Claim { allowance: &allowance, need: Need::Later, priority: Priority::Reconcile, cost: request.cost };
    web::send(sent, within, claim).await.and_then(web::Answer::good)
}
