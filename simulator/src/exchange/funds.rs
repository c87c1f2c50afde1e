//! What orders and positions hold of an account's funds, and what a fill moves.

use crate::amount::Amount;
use crate::exchange::account::Position;
use crate::exchange::event::Cause;
use crate::exchange::order::{Ending, Fill, Order, Side, Status};
use crate::exchange::rules::{BoardRules, Grid};
use crate::exchange::twist::Twist;
use crate::exchange::{Exchange, KEPT, Turn};
use crate::fault::Place;
use crate::fault::script::Happening;
use crate::ledger::Deed;
use crate::market::listing::Listing;

/// One side of a trade about to be booked.
#[derive(Clone, Copy, Debug)]
pub(super) struct Share {
    pub(super) trade: u64,
    pub(super) price: Amount,
    pub(super) qty: Amount,
    pub(super) maker: bool,
}

impl Exchange {
    /// The position of an account in a listing.
    pub(crate) fn position(&self, account: usize, listing: usize) -> Position {
        self.accounts.get(account).map(|account| account.position(listing)).unwrap_or_default()
    }

    /// What an account may use of an asset.
    pub(crate) fn available(&self, account: usize, asset: &str) -> Amount {
        self.accounts.get(account).map(|account| account.balance(asset).free()).unwrap_or_default()
    }

    /// The asset that an order holds.
    pub(super) fn held_asset(&self, order: &Order, turn: &Turn<'_>) -> String {
        let Listing { base, quote, board, .. } = turn.market.listing(order.listing);
        let base_held = order.side == Side::Sell && !self.rules(*board).derivative;
        if base_held { base.clone() } else { quote.clone() }
    }

    /// What the rest of an order must hold.
    pub(super) fn needed(&self, order: &Order, rules: &BoardRules, grid: &Grid, turn: &Turn<'_>) -> Amount {
        let rest = order.rest();
        let worth = |qty: Amount| match order.price {
            Some(price) => grid.worth(price, qty),
            None => self.sweep_worth(order, grid.lots(qty), grid, turn),
        };
        if rules.derivative {
            let closing = self.position(order.account, order.listing).closable(order.side);
            let opening = if order.reduce_only { Amount::ZERO } else { (rest - closing).max(Amount::ZERO) };
            return rules.margin(worth(opening));
        }
        match order.side {
            Side::Buy => worth(rest),
            Side::Sell => rest,
        }
    }

    /// Holds more (or with a negative amount less) for an order.
    pub(super) fn hold(&mut self, order: &Order, change: Amount, turn: &Turn<'_>) {
        let asset = self.held_asset(order, turn);
        if let (false, Some(account)) = (change.is_zero(), self.accounts.get_mut(order.account)) {
            account.credit(&asset, Amount::ZERO, change);
        }
    }

    /// Books one side of a trade: order, funds, position, fee, news.
    pub(super) fn settle(&mut self, id: u64, share: Share, twist: &Twist, turn: &mut Turn<'_>) -> Option<Fill> {
        let Share { trade, price, qty, maker } = share;
        let venue_ns = turn.venue_ns;
        let order = self.orders.get_mut(&id)?;
        let listing = turn.market.listing(order.listing).clone();
        let (rules, grid) = (self.rules.get(&listing.board)?.clone(), Grid::of(&listing));
        let cost = grid.worth(price, qty);
        let first = order.filled.is_zero();
        let released = if qty == order.rest() { order.held } else { order.held * qty / order.rest() };
        order.held -= released;
        order.filled += qty;
        order.cost += cost;
        order.changed_ns = venue_ns;
        order.status = if order.rest().is_positive() { Status::Partial } else { Status::Filled };
        let order = order.clone();
        if order.status == Status::Filled {
            self.unrest(&order);
        }
        self.hold(&order, -released, turn);
        let (fee, fee_asset) = fee(&order, share, cost, &rules, &listing, twist);
        let profit = self.exchange_funds(&order, qty, cost, &rules, &listing, venue_ns);
        let holder = self.accounts.get_mut(order.account)?;
        holder.credit(&fee_asset, -fee, Amount::ZERO);
        if rules.unfilled_only && first {
            holder.forget_order();
        }
        self.next_fill += 1;
        let fill = Fill {
            number: self.next_fill,
            trade,
            order: id,
            client_id: order.client_id.clone(),
            account: order.account,
            listing: order.listing,
            board: order.board,
            symbol: order.symbol.clone(),
            side: order.side,
            price,
            qty,
            cost,
            fee,
            fee_asset,
            maker,
            profit,
            at_ns: venue_ns,
        };
        if self.fills.len() == KEPT {
            self.fills.pop_front();
        }
        self.fills.push_back(fill.clone());
        turn.note(self.venue, Deed::Fill(fill.clone()));
        let place = Place { symbol: &order.symbol, ..turn.place(self.venue) };
        turn.faults.happened(Happening::Fill, &place, turn.now_ns);
        self.tell(id, Cause::Fill(fill.clone()), 0, turn);
        self.end_needless(&order, turn);
        Some(fill)
    }

    /// Coins change hands, or the position and its margin change; returns realised profit.
    fn exchange_funds(
        &mut self,
        order: &Order,
        qty: Amount,
        cost: Amount,
        rules: &BoardRules,
        listing: &Listing,
        at_ns: u64,
    ) -> Amount {
        let Some(account) = self.accounts.get_mut(order.account) else { return Amount::ZERO };
        if !rules.derivative {
            account.credit(&listing.base, order.side.signed(qty), Amount::ZERO);
            account.credit(&listing.quote, -order.side.signed(cost), Amount::ZERO);
            return Amount::ZERO;
        }
        let position = account.positions.entry(order.listing).or_default();
        let profit = position.trade(order.side, qty, cost, at_ns);
        let margin = rules.margin(position.cost);
        let change = margin - std::mem::replace(&mut position.margin, margin);
        if !account.touched.1.contains(&order.listing) {
            account.touched.1.push(order.listing);
        }
        account.credit(&listing.quote, profit, change);
        profit
    }

    /// Reduce-only orders go when there is nothing left to reduce.
    fn end_needless(&mut self, order: &Order, turn: &mut Turn<'_>) {
        let position = self.position(order.account, order.listing);
        let needless = |other: &&Order| other.reduce_only && !position.closable(other.side).is_positive();
        let resting = self.resting_of(order.account, Some(order.listing));
        let ids: Vec<u64> = resting.filter(needless).map(|other| other.id).collect();
        ids.into_iter().for_each(|id| self.end(id, Ending::ReduceOnly, None, turn));
    }
}

/// The fee of one side of a trade and its asset: a share of what is received, or for derivatives of the worth.
fn fee(
    order: &Order,
    share: Share,
    cost: Amount,
    rules: &BoardRules,
    listing: &Listing,
    twist: &Twist,
) -> (Amount, String) {
    let received_base = order.side == Side::Buy && !rules.derivative;
    let (asset, base) = if received_base { (&listing.base, share.qty) } else { (&listing.quote, cost) };
    let usual = if share.maker { rules.maker } else { rules.taker };
    match &twist.fee {
        // a fault's own asset is charged the worth's share as if it were worth one quote coin
        Some((other, rate)) if !other.is_empty() && other != asset => ((cost * *rate).cut(rules.fee_dp), other.clone()),
        Some((_, rate)) => ((base * *rate).cut(rules.fee_dp), asset.clone()),
        None => ((base * usual).cut(rules.fee_dp), asset.clone()),
    }
}
