//! Price-time matching: orders that come take from the crowd and from resting orders of accounts; resting orders
//! are hit by the crowd's own takers and by prices that move through them.
//!
//! A resting order stands behind the crowd that was at its price before it; what trades or goes away there brings
//! it forward. What is taken from the crowd is gone from its book, so published depth shows it once and once only.

use crate::amount::Amount;
use crate::exchange::funds::Share;
use crate::exchange::order::{Ending, Fill, Order, SelfTrade, Side, Ticket};
use crate::exchange::rules::Grid;
use crate::exchange::twist::Twist;
use crate::exchange::{Exchange, Turn};
use crate::market::book::{Level, Trade};

/// The best that stands against an order.
enum Offer {
    Crowd { px: i64, lots: i64 },
    Rival(u64),
}

impl Exchange {
    /// Matches an order until it is done or nothing fits; an ending when it must not rest.
    pub(super) fn execute(&mut self, id: u64, twist: &Twist, turn: &mut Turn<'_>) -> (Vec<Fill>, Option<Ending>) {
        let mut fills = Vec::new();
        let Some(order) = self.orders.get(&id) else { return (fills, None) };
        let grid = Grid::of(turn.market.listing(order.listing));
        let parts = i64::from(twist.parts.max(1));
        let most = (grid.lots(order.rest()).saturating_add(parts - 1) / parts).max(1);
        while let Some(order) = self.orders.get(&id).filter(|order| order.is_open()).cloned() {
            let lots = grid.lots(self.tradable(&order));
            if lots <= 0 {
                let nothing_left = order.reduce_only.then_some(Ending::ReduceOnly);
                return (fills, nothing_left);
            }
            let Some((offer, price)) = self.offer(&order, &grid, turn) else { break };
            if !accepts(order.side, order.price, price) {
                break;
            }
            match offer {
                Offer::Crowd { px, lots: standing } => {
                    let lots = lots.min(standing).min(most);
                    fills.extend(self.take_crowd(&order, px, lots, &grid, twist, turn));
                }
                Offer::Rival(rival) => {
                    let Some(rival) = self.orders.get(&rival).cloned() else { break };
                    if let Some(mode) = self.prevents(&order, &rival) {
                        if mode != SelfTrade::ExpireTaker {
                            self.end(rival.id, Ending::SelfTrade, None, turn);
                        }
                        if mode != SelfTrade::ExpireMaker {
                            return (fills, Some(Ending::SelfTrade));
                        }
                        continue;
                    }
                    let lots = lots.min(grid.lots(self.tradable(&rival))).min(most);
                    if lots <= 0 {
                        self.end(rival.id, Ending::ReduceOnly, None, turn);
                        continue;
                    }
                    fills.extend(self.take_rival(&order, &rival, lots, &grid, twist, turn));
                }
            }
        }
        (fills, None)
    }

    /// The lots that an amount of quote coins buys or brings now.
    pub(super) fn sweep_quote(&self, ticket: &Ticket, quote: Amount, grid: &Grid, turn: &Turn<'_>) -> i64 {
        let (mut purse, mut swept) = (quote, 0i64);
        for (px, standing) in self.against(ticket.account, ticket.listing, ticket.side, grid, turn) {
            let price = grid.price(px);
            let lots = standing.min(grid.lots(purse / (price * grid.contract)));
            purse -= grid.worth(price, grid.qty(lots));
            swept = swept.saturating_add(lots);
            if lots < standing {
                break;
            }
        }
        swept
    }

    /// Lots that stand within a limit.
    pub(super) fn sweep_lots(
        &self,
        account: usize,
        listing: usize,
        side: Side,
        limit: Option<Amount>,
        grid: &Grid,
        turn: &Turn<'_>,
    ) -> i64 {
        let levels = self.against(account, listing, side, grid, turn);
        let within = levels.into_iter().take_while(|(px, _)| accepts(side, limit, grid.price(*px)));
        within.map(|(_, lots)| lots).fold(0, i64::saturating_add)
    }

    /// What so many lots would cost a market order now.
    pub(super) fn sweep_worth(&self, order: &Order, lots: i64, grid: &Grid, turn: &Turn<'_>) -> Amount {
        let (mut left, mut worth) = (lots, Amount::ZERO);
        for (px, standing) in self.against(order.account, order.listing, order.side, grid, turn) {
            let lots = standing.min(left);
            worth += grid.worth(grid.price(px), grid.qty(lots));
            left -= lots;
        }
        worth
    }

    /// After the crowd has moved: its takers reach resting orders, its quotes run into them, its cancels bring
    /// them forward.
    pub(super) fn flow(&mut self, listing: usize, turn: &mut Turn<'_>) {
        let grid = Grid::of(turn.market.listing(listing));
        let trades: Vec<Trade> = turn.market.book(listing).trades().iter().filter(|t| !t.outside).copied().collect();
        for trade in trades {
            self.hit_by(listing, trade, &grid, turn);
        }
        for side in [Side::Buy, Side::Sell] {
            for id in self.queue(listing, side) {
                self.run_into(id, &grid, turn);
                let Some(order) = self.orders.get_mut(&id) else { continue };
                let px = order.price.unwrap_or_default().units(grid.px_dp);
                let standing = turn.market.book(listing).standing(side == Side::Buy, px);
                order.ahead = order.ahead.min(standing);
            }
        }
    }

    /// Fills what an order has left at its own price, whoever is there.
    pub(super) fn fill_by_force(&mut self, id: u64, turn: &mut Turn<'_>) {
        let Some(order) = self.orders.get(&id).cloned() else { return };
        let grid = Grid::of(turn.market.listing(order.listing));
        let (price, lots) = (order.price.unwrap_or_default(), grid.lots(order.rest()));
        self.fill_resting(&order, price, lots, &grid, turn);
    }

    /// Resting orders of a side in the order in which they trade.
    fn queue(&self, listing: usize, side: Side) -> Vec<u64> {
        let ids = self.resting.get(&listing).into_iter().flatten();
        let mut queue: Vec<_> = ids.filter_map(|id| self.orders.get(id)).filter(|order| order.side == side).collect();
        queue.sort_by_key(|order| {
            let price = order.price.unwrap_or_default();
            (if side == Side::Buy { -price } else { price }, order.rank)
        });
        queue.into_iter().map(|order| order.id).collect()
    }

    /// Every level against a side, best first: the crowd's and those of accounts, without what self-trade
    /// prevention keeps apart.
    fn against(&self, account: usize, listing: usize, side: Side, grid: &Grid, turn: &Turn<'_>) -> Vec<Level> {
        let book = turn.market.book(listing);
        let mut levels = if side == Side::Buy { book.asks(usize::MAX) } else { book.bids(usize::MAX) };
        let rivals = self.queue(listing, side.opposite()).into_iter().filter_map(|id| self.orders.get(&id));
        for rival in rivals.filter(|rival| rival.account != account) {
            levels.push((rival.price.unwrap_or_default().units(grid.px_dp), grid.lots(rival.rest())));
        }
        levels.sort_by_key(|(px, _)| if side == Side::Buy { *px } else { -*px });
        levels
    }

    /// What an order may trade: its rest, and no more than the position where it only reduces.
    fn tradable(&self, order: &Order) -> Amount {
        let position = self.position(order.account, order.listing);
        if order.reduce_only { order.rest().min(position.closable(order.side)) } else { order.rest() }
    }

    /// The best offer against an order and its price.
    fn offer(&self, order: &Order, grid: &Grid, turn: &Turn<'_>) -> Option<(Offer, Amount)> {
        let book = turn.market.book(order.listing);
        let crowd = if order.side == Side::Buy { book.ask() } else { book.bid() };
        let rival = self.queue(order.listing, order.side.opposite()).into_iter().find(|id| *id != order.id);
        let rival = rival.and_then(|id| self.orders.get(&id));
        let Some((px, lots)) = crowd else {
            return rival.map(|rival| (Offer::Rival(rival.id), rival.price.unwrap_or_default()));
        };
        let price = grid.price(px);
        let Some(rival) = rival else { return Some((Offer::Crowd { px, lots }, price)) };
        let theirs = rival.price.unwrap_or_default();
        let better = if order.side == Side::Buy { theirs < price } else { theirs > price };
        if better || (theirs == price && rival.ahead <= 0) {
            return Some((Offer::Rival(rival.id), theirs));
        }
        let lots = if theirs == price { lots.min(rival.ahead) } else { lots };
        Some((Offer::Crowd { px, lots }, price))
    }

    fn take_crowd(
        &mut self,
        order: &Order,
        px: i64,
        lots: i64,
        grid: &Grid,
        twist: &Twist,
        turn: &mut Turn<'_>,
    ) -> Option<Fill> {
        let buy = order.side == Side::Buy;
        let trade = turn.market.book_mut(order.listing).hit(!buy, px, lots, px, buy, turn.venue_ns);
        for id in self.queue(order.listing, order.side.opposite()) {
            if let Some(rival) = self.orders.get_mut(&id).filter(|rival| rival.price == Some(grid.price(px))) {
                rival.ahead = (rival.ahead - lots).max(0);
            }
        }
        let share = Share { trade, price: grid.price(px), qty: grid.qty(lots), maker: false };
        self.settle(order.id, share, twist, turn)
    }

    fn take_rival(
        &mut self,
        order: &Order,
        rival: &Order,
        lots: i64,
        grid: &Grid,
        twist: &Twist,
        turn: &mut Turn<'_>,
    ) -> Option<Fill> {
        let (price, buy) = (rival.price.unwrap_or_default(), order.side == Side::Buy);
        let px = price.units(grid.px_dp);
        let trade = turn.market.book_mut(order.listing).trade_outside(px, lots, buy, turn.venue_ns);
        let share = Share { trade, price, qty: grid.qty(lots), maker: true };
        self.settle(rival.id, share, twist, turn);
        self.settle(order.id, Share { maker: false, ..share }, twist, turn)
    }

    /// One of the crowd's takers has traded: what it had left after the crowd before them goes to resting orders.
    fn hit_by(&mut self, listing: usize, trade: Trade, grid: &Grid, turn: &mut Turn<'_>) {
        let side = if trade.buy { Side::Sell } else { Side::Buy };
        let (mut left, mut passed) = (trade.qty, 0);
        for id in self.queue(listing, side) {
            let Some(order) = self.orders.get_mut(&id) else { continue };
            let price = order.price.unwrap_or_default();
            let px = price.units(grid.px_dp);
            let reached = if trade.buy { px <= trade.px } else { px >= trade.px };
            if !reached || left <= 0 {
                return;
            }
            if px == trade.px {
                let before = (order.ahead - passed).clamp(0, left);
                (left, passed) = (left - before, passed + before);
                order.ahead = (order.ahead - passed).max(0);
            }
            let order = order.clone();
            let lots = left.min(grid.lots(self.tradable(&order)));
            left -= lots;
            self.fill_resting(&order, price, lots, grid, turn);
        }
    }

    /// The crowd's quotes stand at or beyond a resting order's price: they trade with it.
    fn run_into(&mut self, id: u64, grid: &Grid, turn: &mut Turn<'_>) {
        while let Some(order) = self.orders.get(&id).filter(|order| order.is_open()).cloned() {
            let price = order.price.unwrap_or_default();
            let book = turn.market.book(order.listing);
            let best = if order.side == Side::Buy { book.ask() } else { book.bid() };
            let Some((px, standing)) = best.filter(|(px, _)| accepts(order.side, order.price, grid.price(*px))) else {
                return;
            };
            let lots = standing.min(grid.lots(self.tradable(&order)));
            if lots <= 0 {
                return;
            }
            let (at_px, bid) = (price.units(grid.px_dp), order.side == Side::Sell);
            let buys = order.side == Side::Sell; // the crowd takes, the order rested
            let trade = turn.market.book_mut(order.listing).hit(bid, px, lots, at_px, buys, turn.venue_ns);
            let share = Share { trade, price, qty: grid.qty(lots), maker: true };
            let twist = self.standing_twist(&order, turn);
            self.settle(id, share, &twist, turn);
        }
    }

    fn fill_resting(&mut self, order: &Order, price: Amount, lots: i64, grid: &Grid, turn: &mut Turn<'_>) {
        if lots <= 0 {
            return;
        }
        let (px, buys) = (price.units(grid.px_dp), order.side == Side::Sell);
        let trade = turn.market.book_mut(order.listing).trade_outside(px, lots, buys, turn.venue_ns);
        let twist = self.standing_twist(order, turn);
        let share = Share { trade, price, qty: grid.qty(lots), maker: true };
        self.settle(order.id, share, &twist, turn);
    }

    /// What faults say about an order that rests: only fees matter then.
    fn standing_twist(&self, order: &Order, turn: &Turn<'_>) -> Twist {
        let place = crate::fault::Place { symbol: &order.symbol, ..turn.place(self.venue) };
        turn.faults.twist(&place)
    }
}

/// Whether a limit lets an order trade at a price.
fn accepts(side: Side, limit: Option<Amount>, price: Amount) -> bool {
    limit.is_none_or(|limit| if side == Side::Buy { price <= limit } else { price >= limit })
}
