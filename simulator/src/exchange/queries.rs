//! What may be asked about orders, fills and holdings.

use crate::amount::Amount;
use crate::config::Venue;
use crate::exchange::account::Account;
use crate::exchange::order::{Fill, Order};
use crate::exchange::rules::Grid;
use crate::exchange::{Exchange, Turn};
use crate::fault::Place;
use crate::market::Market;

impl Exchange {
    /// An order of an account by its number; one younger than `lag_ns` is not yet shown.
    pub(crate) fn order(&self, account: usize, id: u64, lag_ns: u64, turn: &Turn<'_>) -> Option<&Order> {
        let shown = |order: &&Order| order.account == account && order.created_ns + lag_ns <= turn.venue_ns;
        self.orders.get(&id).filter(shown)
    }

    /// The latest order of a client id.
    pub(crate) fn by_client(&self, account: usize, client_id: &str, lag_ns: u64, turn: &Turn<'_>) -> Option<&Order> {
        let id = self.by_client.get(&(account, client_id.to_owned()))?;
        self.order(account, *id, lag_ns, turn)
    }

    /// An account's open orders on a listing, or everywhere, oldest first.
    pub(crate) fn open(&self, account: usize, listing: Option<usize>, lag_ns: u64, turn: &Turn<'_>) -> Vec<&Order> {
        let shown = |order: &&Order| order.created_ns + lag_ns <= turn.venue_ns;
        let mut open: Vec<_> = self.resting_of(account, listing).filter(shown).collect();
        open.sort_by_key(|order| order.id);
        open
    }

    /// An account's orders on a listing, ended ones too, oldest first.
    pub(crate) fn all(&self, account: usize, listing: Option<usize>, lag_ns: u64, turn: &Turn<'_>) -> Vec<&Order> {
        let fits = |order: &&Order| {
            order.account == account
                && listing.is_none_or(|listing| listing == order.listing)
                && order.created_ns + lag_ns <= turn.venue_ns
        };
        self.orders.values().filter(fits).collect()
    }

    /// An account's fills on a listing, or everywhere, oldest first.
    pub(crate) fn fills(&self, account: usize, listing: Option<usize>, lag_ns: u64, turn: &Turn<'_>) -> Vec<&Fill> {
        let fits = |fill: &&Fill| {
            fill.account == account
                && listing.is_none_or(|listing| listing == fill.listing)
                && fill.at_ns + lag_ns <= turn.venue_ns
        };
        self.fills.iter().filter(fits).collect()
    }

    /// The fills of an order as it stood when it had filled no more than it says, oldest first.
    pub(crate) fn fills_of(&self, order: &Order) -> Vec<&Fill> {
        if order.filled.is_zero() {
            return Vec::new();
        }
        let recent = self.fills.iter().rev().take_while(|fill| fill.at_ns >= order.created_ns);
        let mut fills: Vec<_> = recent.filter(|fill| fill.order == order.id).collect();
        fills.reverse();
        let mut filled = Amount::ZERO;
        fills.retain(|fill| {
            filled += fill.qty;
            filled <= order.filled
        });
        fills
    }

    /// One account.
    pub(crate) fn account(&self, account: usize) -> Option<&Account> {
        self.accounts.get(account)
    }

    /// Resting orders of an account on a listing, or everywhere.
    pub(crate) fn resting_of(&self, account: usize, listing: Option<usize>) -> impl Iterator<Item = &Order> {
        let listings = self.resting.iter().filter(move |(of, _)| listing.is_none_or(|listing| listing == **of));
        let orders = listings.flat_map(|(_, ids)| ids).filter_map(|id| self.orders.get(id));
        orders.filter(move |order| order.account == account)
    }
}

/// Price at which a position is valued: the middle of the book.
pub(crate) fn mark(market: &Market, listing: usize) -> Amount {
    let (book, grid) = (market.book(listing), Grid::of(market.listing(listing)));
    let (bid, ask) = (book.bid().map_or(0, |level| level.0), book.ask().map_or(0, |level| level.0));
    grid.price(if bid > 0 && ask > 0 { (bid + ask) / 2 } else { bid.max(ask) })
}

impl Turn<'_> {
    /// The venue, without a connection.
    pub(crate) fn place(&self, venue: Venue) -> Place<'static> {
        Place { venue, endpoint: Default::default(), conn: 0, topic: "", symbol: "" }
    }

    /// How much later queries show what happened, by the faults in force.
    pub(crate) fn query_lag_ns(&self, venue: Venue, symbol: &str) -> u64 {
        self.faults.query_lag_ns(&Place { symbol, ..self.place(venue) })
    }
}
