//! Polymarket's markets: those that the configuration names by slug or by series and those of which something is held, where
//! they are listed, and who keeps them.

use super::brood::Brood;
use super::listing::{ListingError, patiently};
use crate::config::Config;
use crate::state::State;
use crate::universe::Universe;
use highwire_actors::address::Address;
use highwire_actors::allowance::Allowance;
use highwire_actors::pool::PoolMsg;
use highwire_actors::registrar::{Kept, RegistrarArgs};
use highwire_engine::position::Standing;
use highwire_links::InstrumentId;
use highwire_links::instrument::Status;
use highwire_venues::plan::{Channels, plan};
use highwire_venues::polymarket::market::{Market, markets};
use highwire_venues::polymarket::windows::{Window, ahead, end_s, parse_series};
use highwire_venues::spec::InstrumentSpec;
use highwire_venues::venue::Venue;
use std::collections::BTreeSet;
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

/// What is followed at Polymarket from a start on.
#[derive(Debug, Default)]
pub struct Followed {
    /// Both tokens of every market.
    pub specs: Vec<InstrumentSpec>,
    /// Tokens whose market has ended: they are held, and wait to be decided.
    pub over: BTreeSet<String>,
    /// When the last window of a series begins, seconds since 1970: from then on later ones are wanted.
    pub until_s: Option<i64>,
}

/// The windows of a series that are what is expected, each with its market.
type Fitting<'m> = Vec<(Window, &'m Market)>;

/// Every named market, the windows of every named series that are what is expected, and markets by slug of which
/// something is still held.
///
/// # Errors
/// The list cannot be had or read, a named market is not on it, or no window of a series is what is expected.
pub async fn followed(http: &reqwest::Client, config: &Config, held: &[String]) -> Result<Followed, ListingError> {
    let (now_ms, polymarket) = (wall_ms(), &config.polymarket);
    let series = polymarket.series.iter().filter_map(|name| Some((name, parse_series(name)?)));
    let series: Vec<(&String, Vec<Window>)> =
        series.map(|(name, (asset, span))| (name, ahead(asset, span, now_ms / 1_000, polymarket.windows))).collect();
    let patterns = series.iter().flat_map(|(_, windows)| windows).filter_map(Window::slug);
    let slugs: BTreeSet<String> = polymarket.markets.iter().chain(held).cloned().chain(patterns).collect();
    let found = found(http, &urls(config, &Vec::from_iter(slugs)), now_ms).await?;
    let failed = |why: String| ListingError { url: format!("{}/markets", base(config)), why };
    let mut chosen: Vec<&Market> = Vec::new();
    for slug in &polymarket.markets {
        let market = found.iter().find(|market| market.slug == *slug);
        chosen.push(market.ok_or_else(|| failed(format!("it has no market {slug} that can be read")))?);
    }
    let mut until_s = None;
    for (name, windows) in &series {
        let fitting = fitting(windows, &found);
        let last = fitting.last().ok_or_else(|| failed(format!("no window of {name} is what is expected")))?;
        until_s = Some(until_s.unwrap_or(i64::MAX).min(last.0.start_s));
        chosen.extend(fitting.iter().map(|(_, market)| *market));
    }
    chosen.extend(still_held(held, &found));
    let mut seen = BTreeSet::new();
    chosen.retain(|market| seen.insert(&market.condition));
    Ok(Followed { specs: specs(&chosen, now_ms), over: over(&chosen, now_ms), until_s })
}

/// The markets of these windows; one that is not what is expected is left out, and told.
fn fitting<'m>(windows: &[Window], found: &'m [Market]) -> Fitting<'m> {
    let mut fitting = Vec::new();
    for window in windows {
        match window.find(found) {
            Ok(market) => fitting.push((*window, market)),
            Err(why) => tracing::warn!(market = window.slug(), %why, "a window is left out"),
        }
    }
    fitting
}

/// The markets of which something is held; one that is not listed any more is told.
fn still_held<'m>(held: &[String], found: &'m [Market]) -> Vec<&'m Market> {
    let listed = |slug: &String| {
        let market = found.iter().find(|market| market.slug == *slug);
        if market.is_none() {
            tracing::warn!(market = slug, "it is held, and not listed any more: nothing will tell what it pays");
        }
        market
    };
    held.iter().filter_map(listed).collect()
}

fn has_ended(market: &Market, now_ms: i64) -> bool {
    market.closed || end_s(market).is_some_and(|end_s| end_s <= now_ms / 1_000)
}

/// Both tokens of each; of a market that has ended none may be traded.
fn specs(markets: &[&Market], now_ms: i64) -> Vec<InstrumentSpec> {
    let both = |market: &&Market| {
        let mut specs = market.specs(now_ms);
        if has_ended(market, now_ms) {
            specs.iter_mut().for_each(|spec| spec.status = Status::Paused);
        }
        specs
    };
    markets.iter().flat_map(both).collect()
}

fn over(markets: &[&Market], now_ms: i64) -> BTreeSet<String> {
    let ended = markets.iter().filter(|market| has_ended(market, now_ms));
    ended.flat_map(|market| market.outcomes.each_ref().map(|outcome| outcome.token.clone())).collect()
}

/// The slug of the market whose share this asset is; `None` for another asset.
fn slug_of(base: &str) -> Option<&str> {
    base.split_once(':').map(|(slug, _)| slug)
}

/// The markets, by slug, of which a run before this one left shares, or orders whose end is not known.
pub fn held(state: &State) -> Vec<String> {
    let is_busy = |at: usize| state.orders.values().any(|order| order.holding == at);
    let here = state.holdings.iter().enumerate().filter(|(at, holding)| {
        let Standing { position, buying, selling, .. } = holding.standing;
        holding.listed.venue == Venue::Polymarket.name() && ((position, buying, selling) != (0, 0, 0) || is_busy(*at))
    });
    let slugs: BTreeSet<&str> = here.filter_map(|(_, holding)| slug_of(&holding.listed.base)).collect();
    slugs.into_iter().map(str::to_owned).collect()
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
            slug: slug_of(&up.base).unwrap_or(&up.base).to_owned(),
            has_ended: universe.ended.contains(*up_id),
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
