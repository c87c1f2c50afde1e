//! What venues list: asked over HTTP, read by their own words.

use super::lines::VenueAddress;
use highwire_actors::allowance::{Allowance, Need};
use highwire_actors::web::{self, Claim};
use highwire_links::rate::Priority;
use highwire_venues::plan::{Channels, plan};
use highwire_venues::spec::InstrumentSpec;
use highwire_venues::venue::Venue;
use highwire_venues::{metadata, rest};
use std::time::Duration;

/// A list of a few megabytes takes no longer than this.
const ANSWER_WITHIN: Duration = Duration::from_secs(20);

/// A venue did not list its instruments.
#[derive(Debug, thiserror::Error)]
#[error("{url}: {why}")]
pub struct ListingError {
    /// What was asked.
    pub url: String,
    /// What went wrong.
    pub why: String,
}

/// Where a venue's lists are.
pub fn urls(address: &VenueAddress) -> Vec<String> {
    // OKX has a list per instrument type; a swap's symbol asks for the swaps.
    let symbols: &[&str] = if address.venue == Venue::Okx { &["BTC-USDT", "BTC-USDT-SWAP"] } else { &["BTCUSDT"] };
    let plan = plan(address.venue, symbols, Channels { depth: true, ..Channels::default() });
    let paths = std::iter::once(plan.metadata_path).chain(plan.metadata_more);
    paths.map(|path| format!("{}{path}", address.rest)).collect()
}

/// The instruments that these venues list; Polymarket has no list of everything.
///
/// # Errors
/// A venue does not answer, or not in its own words.
pub async fn listings(http: &reqwest::Client, addresses: &[VenueAddress]) -> Result<Vec<InstrumentSpec>, ListingError> {
    let mut specs = Vec::new();
    for address in addresses.iter().filter(|address| address.venue != Venue::Polymarket) {
        specs.extend(listing(http, address).await?);
    }
    Ok(specs)
}

/// The instruments that a venue lists.
///
/// # Errors
/// The venue does not answer, or not in its own words.
async fn listing(http: &reqwest::Client, address: &VenueAddress) -> Result<Vec<InstrumentSpec>, ListingError> {
    let (allowance, mut specs) = (Allowance::of(address.venue), Vec::new());
    for url in urls(address) {
        let failed = |why: String| ListingError { url: url.clone(), why };
        let body = patiently(http, &url, (address.venue, &allowance)).await.map_err(failed)?;
        specs.extend(metadata::parse(address.venue, &url, &body).map_err(|error| failed(error.to_string()))?);
    }
    Ok(specs)
}

/// A list, however long the venue wants to be left alone first: a start that gave up would be followed by another.
pub(super) async fn patiently(
    http: &reqwest::Client,
    url: &str,
    (venue, allowance): (Venue, &Allowance),
) -> Result<Vec<u8>, String> {
    loop {
        let claim = Claim { allowance, need: Need::Now, priority: Priority::Open, cost: rest::cost(venue, url) };
        let answer = web::send(http.get(url), ANSWER_WITHIN, claim).await?;
        let Some(wait_s) = answer.wait_s else { return answer.good() };
        tracing::warn!(venue = venue.name(), wait_s, status = answer.status, "it was asked too much: the start waits");
        tokio::time::sleep(Duration::from_secs(wait_s)).await;
    }
}
