//! Keys that change while it runs: a reload reads their sources again, asks the venue what a new one may do, and only then
//! takes it in; lines that have logged in are replaced by successors that log in with it. All of them, or none.

use super::trading::{Trading, may_trade};
use crate::config::Config;
use crate::secrets;
use highwire_actors::account::Account;
use highwire_actors::address::Address;
use highwire_actors::keyring::KeyRing;
use highwire_actors::pool::PoolMsg;
use highwire_actors::trading_line::TradingLine;
use highwire_links::VenueId;
use highwire_links::breaker::Settings;
use highwire_venues::venue::Venue;

/// Whoever signs at the venues, and whose lines have logged in there.
#[derive(Clone, Default)]
pub struct Rotating {
    trading: Trading,
    pools: Vec<(VenueId, Address<PoolMsg>)>,
}

/// Keys that venues take and that are not in force yet.
pub struct Turned(Vec<(TradingLine, KeyRing, Option<Address<PoolMsg>>)>);

impl Rotating {
    /// Of these venues; none on paper.
    pub fn new(trading: Option<Trading>, pools: Vec<(VenueId, Address<PoolMsg>)>) -> Self {
        Self { trading: trading.unwrap_or_default(), pools }
    }

    /// Reads the keys that the configuration names, and asks each venue with another one than before what it may do.
    /// Polymarket's follow from a wallet, which stays for as long as the process lives.
    ///
    /// # Errors
    /// A key that cannot be read, that its venue refuses, that may withdraw or not trade; never its value.
    pub async fn look(&self, config: &Config) -> Result<Turned, String> {
        let mut turned = Vec::new();
        for (id, line) in self.trading.lines() {
            let (account, venue) = (&line.account, line.account.venue);
            let settings = config.venues.get(venue.name()).filter(|_| venue != Venue::Polymarket);
            let Some(settings) = settings else { continue };
            let keys = secrets::keys(venue.name(), settings).map_err(|error| error.to_string())?;
            let keys = keys.ok_or_else(|| format!("venues.{}: its key is gone", venue.name()))?;
            if keys.is_same(&account.keys.get()) {
                continue;
            }
            let allowance = account.allowance.beside(Settings::default());
            let probe = Account { keys: KeyRing::new(keys), allowance, ..account.clone() };
            may_trade(&probe).await.map_err(|error| error.to_string())?;
            let pool = self.pools.iter().find(|(known, _)| *known == id).map(|(_, pool)| pool.clone());
            turned.push((line.clone(), probe.keys, pool));
        }
        Ok(Turned(turned))
    }
}

impl Turned {
    /// They are in force from now on; the names of their venues.
    pub fn take_effect(self) -> Vec<&'static str> {
        let mut names = Vec::new();
        for (line, keys, pool) in self.0 {
            line.account.keys.put(keys.get());
            line.account.allowance.take_another_key();
            line.stream_key.doubt();
            // Without a pool there are no lines; the next one's log in with the new key.
            let _gone = pool.map(|pool| pool.cast(PoolMsg::Renew));
            names.push(line.account.venue.name());
        }
        names
    }
}
