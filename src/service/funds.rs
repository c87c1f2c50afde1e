//! What the accounts hold, asked of the venues before the first order: the wire trades with what is there, not
//! with what a configuration says.

use super::ServiceError;
use super::trading::Trading;
use crate::universe::Universe;
use highwire_engine::engine::Funds;
use highwire_links::VenueId;
use highwire_links::fixed::Amount;
use highwire_links::instrument::Contract;
use highwire_venues::private::{Balance, Query, Reply};
use highwire_venues::spec::{InstrumentSpec, Kind};
use std::collections::BTreeMap;

/// Every account's balances, by venue.
type Held = BTreeMap<VenueId, Vec<Balance>>;

/// What each instrument can be traded with, in the order of the instruments. Only what is free counts; at a venue
/// that orders cannot go to there is nothing.
///
/// # Errors
/// A venue does not tell its balances.
pub async fn read(universe: &Universe, trading: &Trading) -> Result<Vec<Funds>, ServiceError> {
    let mut held = Held::new();
    for (venue, account) in trading.accounts() {
        let failed = |why: String| ServiceError::Trading { venue: account.venue.name(), why };
        let balances = match account.ask(&Query::Balances).await {
            Ok(Reply::Balances(balances)) => balances,
            Ok(_) => return Err(failed("it does not tell its balances".to_owned())),
            Err(error) => return Err(failed(format!("it does not tell its balances: {error}"))),
        };
        held.insert(venue, balances);
    }
    Ok(universe.specs.iter().map(|spec| funds(spec, &held)).collect())
}

fn funds(spec: &InstrumentSpec, held: &Held) -> Funds {
    let free = |asset: &str| {
        let balances = held.get(&spec.venue.id());
        balances.and_then(|all| all.iter().find(|b| b.asset == asset)).map_or(Amount::ZERO, |balance| balance.free)
    };
    if spec.kind == Kind::Spot && spec.contract == Contract::Base {
        Funds::Spot { base: free(&spec.base), quote: free(&spec.quote) }
    } else {
        Funds::Margin { quote: free(&spec.quote) }
    }
}
