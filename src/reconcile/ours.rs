//! Our side of the comparison, drawn from the state after the journal's last record.

use crate::state::{Booked, State};
use highwire_actors::survey::Question;
use highwire_links::fill::Settlement;
use highwire_links::fixed::{Amount, Qty};
use highwire_links::order::Order;
use highwire_links::{InstrumentId, Nanos};
use highwire_store::journal::Proof;
use highwire_supervision::reconcile::{Doubt, Ours};
use highwire_venues::orders::Listed;
use highwire_venues::spec::Kind;
use highwire_venues::venue::Venue;
use std::collections::BTreeMap;
use std::sync::Arc;

/// How long after it was sent a venue may still not show an order.
pub fn lag_ns(venue: Venue) -> Nanos {
    venue.profile().visibility_lag_ns
}

/// What we have at a venue. `is_followed` says of which orders somebody still takes care.
pub fn ours(state: &State, venue: Venue, listed: &[Listed], is_followed: impl Fn(&Order) -> bool) -> Ours {
    let doubts = doubts(state, venue).into_iter().map(|(order, booked, proof)| Doubt {
        id: order.id,
        instrument: order.instrument,
        booked,
        is_taken: proof == Proof::Acked,
        decided_ns: order.decided_ns,
        is_followed: is_followed(&order),
    });
    let told = state.booked.iter().filter(|old| old.trade != 0);
    let named = |old: &Booked| Some((state.number_of(old.holding)?, old.trade));
    Ours {
        doubts: doubts.collect(),
        settling: told.clone().filter(|old| old.settlement == Settlement::Pending).filter_map(named).collect(),
        told: told.filter_map(named).collect(),
        counted: state.counted(),
        balances: balances(state, venue, listed),
        positions: positions(state, venue, listed),
    }
}

/// What to ask a venue about.
pub fn question(state: &State, venue: Venue, listed: &Arc<[Listed]>, ours: &Ours) -> Question {
    let is_open = |order: &Order| ours.doubts.iter().any(|doubt| doubt.id == order.id && !doubt.is_followed);
    let doubts = doubts(state, venue).into_iter().map(|(order, ..)| order).filter(is_open).collect();
    let since_ns = state.unseen_since(venue.name());
    Question { listed: Arc::clone(listed), doubts, since_ns, told: ours.told.clone() }
}

/// Orders whose end is not known, under the instrument numbers of this run; how much of each is booked.
fn doubts(state: &State, venue: Venue) -> Vec<(Order, Amount, Proof)> {
    let here = state.orders.values().filter(|open| state.holdings[open.holding].listed.venue == venue.name());
    let doubt = |open: &crate::state::OpenOrder| {
        // One that is not traded any more has no number, and nobody can be asked about it.
        let instrument = state.number_of(open.holding).unwrap_or(InstrumentId(u16::MAX));
        let booked = amount(open.filled, state.holdings[open.holding].listed.scale.qty_dp);
        (Order { instrument, ..open.order }, booked, open.proof)
    };
    here.map(doubt).collect()
}

fn balances(state: &State, venue: Venue, listed: &[Listed]) -> BTreeMap<String, Amount> {
    let is_traded = |asset: &String| {
        let trades = |of: &Listed| *asset == of.quote || (*asset == of.base && of.kind == Kind::Spot);
        listed.iter().any(trades) && !is_token(venue, asset, listed)
    };
    let here = state.wallets.iter().filter(|wallet| wallet.venue == venue.name() && is_traded(&wallet.asset));
    here.filter_map(|wallet| Some((wallet.asset.clone(), wallet.balance?))).collect()
}

/// Outcome tokens are held as positions of an account that is told late: nothing is concluded from that.
fn is_token(venue: Venue, asset: &str, listed: &[Listed]) -> bool {
    venue == Venue::Polymarket && listed.iter().all(|of| of.quote != asset)
}

fn positions(state: &State, venue: Venue, listed: &[Listed]) -> BTreeMap<InstrumentId, Amount> {
    let derivative = |of: &&Listed| of.kind != Kind::Spot && venue != Venue::Polymarket;
    let position = |of: &Listed| {
        let holding = state.holdings.get(state.numbered(of.entry.id)?)?;
        Some((of.entry.id, amount(Qty(holding.standing.position), holding.listed.scale.qty_dp)))
    };
    listed.iter().filter(derivative).filter_map(position).collect()
}

fn amount(qty: Qty, dp: u8) -> Amount {
    Amount::from_mantissa(qty.0.into(), dp).unwrap_or_default()
}
