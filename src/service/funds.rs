//! What the accounts hold, asked of the venues before the first order: the wire trades with what is there, not
//! with what a configuration says.

use super::ServiceError;
use super::trading::{Trading, patiently};
use crate::universe::{Universe, is_spot};
use highwire_engine::engine::Funds;
use highwire_links::VenueId;
use highwire_venues::private::Balance;
use highwire_venues::spec::{InstrumentSpec, Kind};
use std::collections::BTreeMap;

/// Every account's balances, by venue.
type Held = BTreeMap<VenueId, Vec<Balance>>;

/// What each instrument can be traded with, in the order of the instruments; at a venue that orders cannot go to there
/// is nothing. What is bound in orders or as margin counts too: whoever trades knows of both.
///
/// # Errors
/// A venue does not tell its balances.
pub async fn read(universe: &Universe, trading: &Trading) -> Result<Vec<Funds>, ServiceError> {
    let mut held = Held::new();
    for (venue, line) in trading.lines() {
        let failed = |why: String| ServiceError::Trading { venue: line.account.venue.name(), why };
        let balances = patiently(&line.account, || line.account.balances(&line.listed)).await;
        held.insert(venue, balances.map_err(|error| failed(format!("it does not tell its balances: {error}")))?);
    }
    Ok(universe.specs.iter().map(|spec| funds(spec, &held)).collect())
}

fn funds(spec: &InstrumentSpec, held: &Held) -> Funds {
    let all = |asset: &str| {
        let balance = held.get(&spec.venue.id())?.iter().find(|balance| balance.asset == asset)?;
        balance.free.checked_add(balance.locked)
    };
    let held = |asset: &str| all(asset).unwrap_or_default();
    if is_spot(spec) {
        let base = if spec.kind == Kind::Outcome { &spec.symbol } else { &spec.base };
        Funds::Spot { base: held(base), quote: held(&spec.quote) }
    } else {
        Funds::Margin { quote: held(&spec.quote) }
    }
}
