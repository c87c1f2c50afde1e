//! What orders need, venue by venue: credentials that may trade and not withdraw, the lines that carry
//! orders and private news, and the venues' rate budgets.

use super::breakers::Breakers;
use super::lines::VenueAddress;
use super::{ServiceError, clocks, wallet};
use crate::config::{Config, OrderTransport};
use crate::secrets;
use crate::universe::Universe;
use highwire_actors::account::{Account, AskError};
use highwire_actors::keyring::KeyRing;
use highwire_actors::stream_key::KeyCell;
use highwire_actors::trading_line::TradingLine;
use highwire_engine::clock::TscClock;
use highwire_links::VenueId;
use highwire_links::order::Action;
use highwire_links::rate::{RateBudget, RateRule};
use highwire_venues::orders::{self, Listed, OrderPlan, Transport};
use highwire_venues::private::{Query, Reply};
use highwire_venues::venue::Venue;
use rustls::ClientConfig;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

/// Both legs of a trade go to this venue, one request at a time on a line, and a third must hedge while both wait.
const POLYMARKET_ORDER_LINES: u16 = 3;
/// Part of a venue's rate budgets that reconciling may take.
const RECONCILING_PERCENT: u32 = 40;

/// One venue's trading side.
#[derive(Clone)]
pub struct VenueTrading {
    /// Makes its lines.
    pub line: TradingLine,
    /// Where orders go, one address or more.
    pub order_bases: Vec<String>,
    /// Lines for orders: a second one where the first cannot carry every request.
    pub order_lines: u16,
    /// Where private news come from, one address or more; none where they share the order line's host.
    pub private_bases: Vec<String>,
    rates: Vec<RateRule>,
}

impl VenueTrading {
    /// What reconciling may take of the venue's budgets: the rest is there for trading whatever it asks.
    pub fn reconciling_budget(&self) -> RateBudget {
        let part = |rule: &RateRule| RateRule { limit: (rule.limit * RECONCILING_PERCENT / 100).max(1), ..*rule };
        RateBudget::new(&self.rates.iter().map(part).collect::<Vec<_>>())
    }
}

/// Every venue that orders can go to.
#[derive(Clone, Default)]
pub struct Trading {
    venues: BTreeMap<VenueId, VenueTrading>,
}

impl Trading {
    /// Reads credentials and asks each venue what they may do.
    ///
    /// # Errors
    /// See [`ServiceError`]: unreadable credentials, a key that may withdraw or may not trade, a venue
    /// that does not say.
    pub async fn prepare(
        universe: &Universe,
        config: &Config,
        addresses: &[VenueAddress],
        (clock, breakers): (&TscClock, &Breakers),
        tls: &Arc<ClientConfig>,
    ) -> Result<Self, ServiceError> {
        let mut trading = Self::default();
        for address in addresses {
            let venue = address.venue;
            let Some(settings) = config.venues.get(venue.name()) else { continue };
            let http = super::net::http(config, tls)?;
            // Polymarket's own hosts are several: an address stands for all of them only where one is configured.
            let base = if venue == Venue::Polymarket { &settings.rest_url } else { &address.rest };
            let keys = match venue {
                Venue::Polymarket => wallet::keys((config, settings), (&http, base, clock)).await?,
                _ => secrets::keys(venue.name(), settings)?,
            };
            let Some(keys) = keys else { continue };
            let account = Account {
                venue,
                keys: KeyRing::new(keys),
                http,
                base: base.clone(),
                timeout: Duration::from_millis(config.lines.connect_ms),
                clock: clock.clone(),
                offset_ns: Arc::default(),
                allowance: breakers.allowance(venue, &address.rest),
            };
            clocks::take_over(&account, &address.rest).await;
            may_trade(&account).await?;
            let transport = match settings.order_transport {
                OrderTransport::Socket => Transport::Socket,
                OrderTransport::Http => Transport::Http,
            };
            let listed = listed(universe, venue);
            let line = TradingLine { account, listed, transport, tls: Arc::clone(tls), stream_key: KeyCell::default() };
            trading.venues.insert(venue.id(), venue_trading(line, &settings.order_url, &settings.private_url)?);
        }
        Ok(trading)
    }

    /// A venue's trading side; `None` when no orders go there.
    pub fn of(&self, venue: VenueId) -> Option<&VenueTrading> {
        self.venues.get(&venue)
    }

    /// The lines of every venue, each with its account and what it may trade.
    pub fn lines(&self) -> impl Iterator<Item = (VenueId, &TradingLine)> {
        self.venues.iter().map(|(venue, trading)| (*venue, &trading.line))
    }

    /// The venues' documented rate budgets.
    pub fn rates(&self) -> Vec<(VenueId, Vec<RateRule>)> {
        self.venues.iter().map(|(venue, trading)| (*venue, trading.rates.clone())).collect()
    }
}

fn listed(universe: &Universe, venue: Venue) -> Arc<[Listed]> {
    let all = universe.specs.iter().zip(&universe.instruments);
    all.filter(|(spec, _)| spec.venue == venue).map(|(spec, instrument)| Listed::of(spec, instrument.id)).collect()
}

fn venue_trading(line: TradingLine, order_url: &str, private_url: &str) -> Result<VenueTrading, ServiceError> {
    let TradingLine { account, listed, transport, .. } = &line;
    let failed = |why: String| ServiceError::Trading { venue: account.venue.name(), why };
    let bases = |plan: &OrderPlan, url: &str| {
        let own = || plan.hosts.iter().map(|host| (*host).to_owned()).collect();
        if url.is_empty() { own() } else { vec![url.to_owned()] }
    };
    let orders = orders::order_line(account.venue, &account.keys.get(), listed, *transport, "", 0);
    let orders = orders.map_err(|error| failed(error.to_string()))?;
    // A plan needs a listen key only to be made, not to say where it leads.
    let private = orders::private_line(account.venue, &account.keys.get(), listed, Some("none"), 0);
    let private = private.map_err(|error| failed(error.to_string()))?;
    let mut order_bases = bases(&orders, order_url);
    if !orders.codec.carries(Action::Query) {
        // Its socket answers no questions: a line of HTTP beside it does.
        let asked = orders::order_line(account.venue, &account.keys.get(), listed, Transport::Http, "", 0);
        let asked = asked.map_err(|error| failed(error.to_string()))?;
        order_bases.truncate(1);
        order_bases.extend(bases(&asked, &account.base).into_iter().take(1));
    }
    Ok(VenueTrading {
        order_lines: match account.venue {
            Venue::Polymarket => POLYMARKET_ORDER_LINES,
            _ if orders.codec.carries(Action::Query) => 1,
            _ => 2,
        },
        order_bases,
        private_bases: bases(&private, private_url),
        rates: orders.rates,
        line,
    })
}

/// Asks for what a start needs, however long the venue wants to be left alone first: a start that gave up would be
/// followed by another, which asks again.
///
/// # Errors
/// Why there is no answer.
pub(super) async fn patiently<T, A>(account: &Account, ask: impl Fn() -> A) -> Result<T, AskError>
where
    A: Future<Output = Result<T, AskError>>,
{
    loop {
        let answer = ask().await;
        let Some(rest) = account.allowance.rest().filter(|_| answer.is_err()) else { return answer };
        let wait_s = rest.left.as_secs() + 1;
        tracing::warn!(venue = account.venue.name(), wait_s, "it wants to be left alone: the start waits");
        tokio::time::sleep(rest.left).await;
    }
}

/// A key that may withdraw is more than we need and all that a thief wants.
pub(super) async fn may_trade(account: &Account) -> Result<(), ServiceError> {
    let failed = |why: String| ServiceError::Trading { venue: account.venue.name(), why };
    match patiently(account, || account.ask(&Query::KeyScope)).await {
        Ok(Reply::KeyScope(scope)) if scope.withdraw => {
            Err(failed("its key may withdraw; use one that may only trade".to_owned()))
        }
        Ok(Reply::KeyScope(scope)) if !scope.trade => Err(failed("its key may not trade".to_owned())),
        Ok(Reply::KeyScope(scope)) => {
            if !scope.address_bound {
                tracing::warn!(venue = account.venue.name(), "the key works from any address");
            }
            Ok(())
        }
        Ok(_) => Err(failed("it does not say what the key may do".to_owned())),
        Err(error) => Err(failed(format!("it does not say what the key may do: {error}"))),
    }
}
