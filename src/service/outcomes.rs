//! Polymarket's markets: those that the configuration names by slug or by series, where they are listed, and who keeps them.

use super::brood::Brood;
use super::listing::{ListingError, patiently};
use crate::config::Config;
use crate::universe::Universe;
use highwire_actors::address::Address;
use highwire_actors::allowance::Allowance;
use highwire_actors::pool::PoolMsg;
use highwire_actors::registrar::{Kept, RegistrarArgs};
use highwire_links::InstrumentId;
use highwire_venues::plan::{Channels, plan};
use highwire_venues::polymarket::market::{Market, markets};
use highwire_venues::polymarket::windows::{Window, ahead, parse_series};
use highwire_venues::spec::InstrumentSpec;
use highwire_venues::venue::Venue;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// Markets asked for at once; a page is cut at a hundred without a word.
const PER_PAGE: usize = 50;

/// Where these markets are listed.
fn urls(config: &Config, slugs: &[String]) -> Vec<String> {
    let page = |slugs: &[String]| {
        let names: String = slugs.iter().map(|slug| format!("&slug={slug}")).collect();
        format!("{}/markets?limit=100{names}", base(config))
    };
    slugs.chunks(PER_PAGE).map(page).collect()
}

/// Where markets are listed.
fn base(config: &Config) -> String {
    let rest_url = config.venues.get(Venue::Polymarket.name()).map(|settings| settings.rest_url.clone());
    let public = || plan(Venue::Polymarket, &[], Channels::default()).rest_host.to_owned();
    let configured = [config.polymarket.gamma_url.clone(), rest_url.unwrap_or_default()];
    configured.into_iter().find(|url| !url.is_empty()).unwrap_or_else(public)
}

/// Both tokens of every named market, and of the windows of every named series that are what is expected.
///
/// # Errors
/// The list cannot be had or read, a named market is not on it, or no window of a series is what is expected.
pub async fn tokens(http: &reqwest::Client, config: &Config) -> Result<Vec<InstrumentSpec>, ListingError> {
    let (now_ms, polymarket) = (wall_ms(), &config.polymarket);
    let series = polymarket.series.iter().filter_map(|name| Some((name, parse_series(name)?)));
    let series: Vec<(&String, Vec<Window>)> =
        series.map(|(name, (asset, span))| (name, ahead(asset, span, now_ms / 1_000, polymarket.windows))).collect();
    let patterns = series.iter().flat_map(|(_, windows)| windows).filter_map(Window::slug);
    let slugs: Vec<String> = polymarket.markets.iter().cloned().chain(patterns).collect();
    let found = found(http, &urls(config, &slugs), now_ms).await?;
    let failed = |why: String| ListingError { url: format!("{}/markets", base(config)), why };
    let mut chosen: Vec<&Market> = Vec::new();
    for slug in &polymarket.markets {
        let market = found.iter().find(|market| market.slug == *slug);
        chosen.push(market.ok_or_else(|| failed(format!("it has no market {slug} that can be read")))?);
    }
    for (name, windows) in &series {
        let fitting = fitting(windows, &found);
        if fitting.is_empty() {
            return Err(failed(format!("no window of {name} is what is expected")));
        }
        chosen.extend(fitting);
    }
    chosen.dedup_by(|one, other| one.condition == other.condition);
    Ok(chosen.into_iter().flat_map(|market| market.specs(now_ms)).collect())
}

/// The markets of these windows; one that is not what is expected is left out, and told.
fn fitting<'m>(windows: &[Window], found: &'m [Market]) -> Vec<&'m Market> {
    let mut fitting = Vec::new();
    for window in windows {
        match window.find(found) {
            Ok(market) => fitting.push(market),
            Err(why) => tracing::warn!(market = window.slug(), %why, "a window is left out"),
        }
    }
    fitting
}

async fn found(http: &reqwest::Client, urls: &[String], now_ms: i64) -> Result<Vec<Market>, ListingError> {
    let (allowance, mut found) = (Allowance::of(Venue::Polymarket), Vec::new());
    for url in urls {
        let failed = |why: String| ListingError { url: url.clone(), why };
        let body = patiently(http, url, (Venue::Polymarket, &allowance)).await.map_err(failed)?;
        let read = markets(&body, now_ms).map_err(|error| failed(error.to_string()))?;
        found.extend(read.markets);
    }
    Ok(found)
}

/// Who keeps the markets.
pub(super) fn registrar(brood: &Brood, pool: Address<PoolMsg>) -> RegistrarArgs {
    let Brood { universe, config, circle, allowance, .. } = brood;
    let kept = kept(universe);
    let slugs: Vec<String> = kept.iter().map(|kept| kept.slug.clone()).collect();
    let ended = universe.ended.clone();
    RegistrarArgs {
        pool,
        clock: Box::new(circle.clock.clone()),
        http: circle.http.clone(),
        allowance: allowance.clone(),
        urls: urls(config, &slugs),
        kept,
        every: Duration::from_secs(config.lines.listing_every_s),
        close_before: Duration::from_secs(config.polymarket.close_before_s),
        fee_age: Duration::from_secs(config.polymarket.fee_age_s),
        on_end: Box::new(move |id| ended.insert(id)),
    }
}

/// The markets whose tokens are traded. Tokens of one market stand side by side.
fn kept(universe: &Universe) -> Vec<Kept> {
    let of_venue = universe.specs.iter().zip(&universe.instruments).filter(|(spec, _)| spec.venue == Venue::Polymarket);
    let tokens: Vec<(&InstrumentSpec, InstrumentId)> =
        of_venue.map(|(spec, instrument)| (spec, instrument.id)).collect();
    let market = |pair: &[(&InstrumentSpec, InstrumentId)]| match pair {
        [(up, up_id), (down, down_id)] => Some(Kept {
            slug: up.base.split(':').next().unwrap_or_default().to_owned(),
            ids: [*up_id, *down_id],
            specs: [(*up).clone(), (*down).clone()],
        }),
        _ => None,
    };
    tokens.chunks(2).filter_map(market).collect()
}

fn wall_ms() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
}
