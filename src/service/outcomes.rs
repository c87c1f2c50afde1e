//! Polymarket's markets: where those that the configuration names are listed, and their tokens.

use super::listing::{ListingError, patiently};
use crate::config::Config;
use highwire_actors::allowance::Allowance;
use highwire_venues::plan::{Channels, plan};
use highwire_venues::polymarket::market::markets;
use highwire_venues::spec::InstrumentSpec;
use highwire_venues::venue::Venue;
use std::time::{SystemTime, UNIX_EPOCH};

/// Where the named markets are listed: one page, none when none is named.
pub fn urls(config: &Config) -> Vec<String> {
    let slugs: String = config.polymarket.markets.iter().map(|slug| format!("&slug={slug}")).collect();
    let page = (!slugs.is_empty()).then(|| format!("{}/markets?limit=100{slugs}", base(config)));
    page.into_iter().collect()
}

/// Where markets are listed.
fn base(config: &Config) -> String {
    let rest_url = config.venues.get(Venue::Polymarket.name()).map(|settings| settings.rest_url.clone());
    let public = || plan(Venue::Polymarket, &[], Channels::default()).rest_host.to_owned();
    let configured = [config.polymarket.gamma_url.clone(), rest_url.unwrap_or_default()];
    configured.into_iter().find(|url| !url.is_empty()).unwrap_or_else(public)
}

/// Both tokens of every named market.
///
/// # Errors
/// The list cannot be had or read, or one of the markets is not on it.
pub async fn tokens(http: &reqwest::Client, config: &Config) -> Result<Vec<InstrumentSpec>, ListingError> {
    let (allowance, mut specs) = (Allowance::of(Venue::Polymarket), Vec::new());
    for url in urls(config) {
        let failed = |why: String| ListingError { url: url.clone(), why };
        let body = patiently(http, &url, (Venue::Polymarket, &allowance)).await.map_err(failed)?;
        let now_ms = wall_ms();
        let found = markets(&body, now_ms).map_err(|error| failed(error.to_string()))?.markets;
        for slug in &config.polymarket.markets {
            let market = found.iter().find(|market| market.slug == *slug);
            let market = market.ok_or_else(|| failed(format!("it has no market {slug} that can be read")))?;
            specs.extend(market.specs(now_ms));
        }
    }
    Ok(specs)
}

fn wall_ms() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
}
