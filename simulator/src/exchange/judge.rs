//! What an order must satisfy before it is taken in: the venue's filters in the order in which they are told.

use crate::amount::Amount;
use crate::exchange::order::{Ending, Order, SelfTrade, Side, Size, Status, Ticket, TimeInForce, given_id};
use crate::exchange::refusal::Refusal;
use crate::exchange::rules::{BoardRules, Grid};
use crate::exchange::twist::Twist;
use crate::exchange::{Exchange, Turn, quote_of};
use crate::fault::verb::{IdRule, PostOnlyFault};

impl Exchange {
    /// The order that a ticket becomes, with what it holds of the account's funds.
    pub(super) fn judge(&mut self, ticket: &Ticket, twist: &Twist, turn: &mut Turn<'_>) -> Result<Order, Refusal> {
        let listing = turn.market.listing(ticket.listing).clone();
        let (rules, grid) = (self.rules(listing.board), Grid::of(&listing));
        if twist.is_refused() {
            return Err(Refusal::Scripted);
        }
        if ticket.forced.is_none() && (listing.gone || listing.status.is_some()) {
            return Err(Refusal::Closed);
        }
        self.judge_client_id(ticket, twist.id_rule.unwrap_or(rules.id_rule))?;
        if let Some(price) = ticket.price {
            judge_price(price, &rules, &grid)?;
        }
        let qty = match ticket.size {
            Size::Quantity(qty) => qty,
            Size::Quote(quote) => grid.qty(self.sweep_quote(ticket, quote, &grid, turn)),
        };
        if ticket.forced.is_none() {
            judge_quantity(qty, &rules, &grid)?;
        }
        let side = ticket.side;
        let best = match side {
            Side::Buy => turn.market.book(ticket.listing).ask(),
            Side::Sell => turn.market.book(ticket.listing).bid(),
        };
        let market = best.map(|(px, _)| grid.price(px));
        let price = ticket.price.or(market);
        if !ticket.reduce_only {
            let least = twist.min_notional.unwrap_or(rules.min_notional);
            if grid.worth(price.unwrap_or_default(), qty) < least {
                return Err(Refusal::Notional(least));
            }
        }
        if let (Some(price), Some(market)) = (ticket.price, market)
            && (price < market * rules.band.0 || price > market * rules.band.1)
        {
            return Err(Refusal::Band);
        }
        self.judge_counts(ticket, twist, &rules, turn)?;
        let mut order = self.draft(ticket, qty, twist, &rules, turn);
        if order.reduce_only && !self.position(order.account, order.listing).closable(side).is_positive() {
            return Err(Refusal::ReduceOnly);
        }
        match self.unfit(&order, twist, turn) {
            Some(Ending::WouldTake) if rules.refuses_taking => return Err(Refusal::WouldTake),
            Some(Ending::FillOrKill) if rules.refuses_unfilled => return Err(Refusal::FillOrKill),
            _ => {}
        }
        order.held = self.needed(&order, &rules, &grid, turn);
        let asset = self.held_asset(&order, turn);
        if ticket.forced.is_none() && self.available(order.account, &asset) < order.held {
            return Err(Refusal::Balance);
        }
        self.next_order += 1;
        self.next_rank += 1;
        Ok(order)
    }

    /// Whether an amended order may stand; sets what it holds.
    pub(super) fn judge_change(
        &mut self,
        old: &Order,
        new: &mut Order,
        twist: &Twist,
        turn: &mut Turn<'_>,
    ) -> Result<(), Refusal> {
        let listing = turn.market.listing(new.listing).clone();
        let (rules, grid) = (self.rules(listing.board), Grid::of(&listing));
        if twist.is_refused() {
            return Err(Refusal::Scripted);
        }
        if listing.gone || listing.status.is_some() {
            return Err(Refusal::Closed);
        }
        let price = new.price.ok_or(Refusal::Amendment)?;
        judge_price(price, &rules, &grid)?;
        judge_quantity(new.qty, &rules, &grid)?;
        let least = twist.min_notional.unwrap_or(rules.min_notional);
        if !new.reduce_only && grid.worth(price, new.qty) < least {
            return Err(Refusal::Notional(least));
        }
        if rules.refuses_taking && self.unfit(new, twist, turn) == Some(Ending::WouldTake) {
            return Err(Refusal::WouldTake);
        }
        new.held = self.needed(new, &rules, &grid, turn);
        let asset = self.held_asset(new, turn);
        if self.available(new.account, &asset) < new.held - old.held { Err(Refusal::Balance) } else { Ok(()) }
    }

    /// Why an order must end before it is matched, if it must.
    pub(super) fn unfit(&self, order: &Order, twist: &Twist, turn: &Turn<'_>) -> Option<Ending> {
        let grid = Grid::of(turn.market.listing(order.listing));
        let within = || self.sweep_lots(order.account, order.listing, order.side, order.price, &grid, turn);
        match order.tif {
            TimeInForce::PostOnly => match twist.post_only {
                Some(PostOnlyFault::Refuse) => Some(Ending::WouldTake),
                Some(PostOnlyFault::Take) => None,
                _ => (within() > 0).then_some(Ending::WouldTake),
            },
            TimeInForce::Fok => (within() < grid.lots(order.rest())).then_some(Ending::FillOrKill),
            _ => None,
        }
    }

    fn judge_client_id(&self, ticket: &Ticket, rule: IdRule) -> Result<(), Refusal> {
        let key = (ticket.account, ticket.client_id.clone());
        let Some(known) = self.by_client.get(&key).and_then(|id| self.orders.get(id)) else { return Ok(()) };
        let taken = match rule {
            IdRule::OpenOnly => known.is_open(),
            IdRule::Ever => true,
            IdRule::None => false,
        };
        if taken { Err(Refusal::DuplicateId) } else { Ok(()) }
    }

    fn judge_counts(
        &mut self,
        ticket: &Ticket,
        twist: &Twist,
        rules: &BoardRules,
        turn: &Turn<'_>,
    ) -> Result<(), Refusal> {
        if ticket.forced.is_some() {
            return Ok(());
        }
        if self.resting_of(ticket.account, Some(ticket.listing)).count() >= rules.open_max {
            return Err(Refusal::OpenOrders);
        }
        let Some(account) = self.accounts.get_mut(ticket.account) else { return Ok(()) };
        // a fault's limit stands in the place of the first
        let first = twist.order_limit.unwrap_or(rules.windows[0]);
        for (window, (most, span_ns)) in [first, rules.windows[1]].into_iter().enumerate() {
            let longest = span_ns.max(rules.windows[window].1);
            let count = account.count(window, longest, turn.now_ns);
            let recent = account.counted[window].iter().filter(|&&at| at + span_ns > turn.now_ns).count();
            if recent.min(count) >= most as usize {
                return Err(Refusal::Rate(most, span_ns / 1_000_000_000));
            }
        }
        Ok(())
    }

    fn draft(&self, ticket: &Ticket, qty: Amount, twist: &Twist, rules: &BoardRules, turn: &Turn<'_>) -> Order {
        let listing = turn.market.listing(ticket.listing);
        let id = self.next_order;
        let client_id = if ticket.client_id.is_empty() { given_id(id) } else { ticket.client_id.clone() };
        Order {
            id,
            account: ticket.account,
            listing: ticket.listing,
            board: listing.board,
            symbol: listing.symbol.clone(),
            client_id,
            side: ticket.side,
            price: ticket.price,
            qty,
            quote_qty: quote_of(ticket.size),
            tif: ticket.tif,
            reduce_only: ticket.reduce_only,
            self_trade: twist.self_trade.or(ticket.self_trade).unwrap_or(rules.self_trade),
            word: ticket.word.clone(),
            forced: ticket.forced,
            status: Status::New,
            filled: Amount::ZERO,
            cost: Amount::ZERO,
            created_ns: turn.venue_ns,
            changed_ns: turn.venue_ns,
            held: Amount::ZERO,
            rank: self.next_rank,
            ahead: 0,
        }
    }

    /// The mode that stops an order from trading with a resting one of its own account, if it does.
    pub(super) fn prevents(&self, taker: &Order, maker: &Order) -> Option<SelfTrade> {
        let same = taker.account == maker.account && taker.self_trade != SelfTrade::Allow;
        same.then_some(taker.self_trade)
    }
}

fn judge_price(price: Amount, rules: &BoardRules, grid: &Grid) -> Result<(), Refusal> {
    if !price.is_positive() || price > rules.max_price {
        return Err(Refusal::Price);
    }
    if price.is_multiple_of(grid.tick) { Ok(()) } else { Err(Refusal::Tick) }
}

fn judge_quantity(qty: Amount, rules: &BoardRules, grid: &Grid) -> Result<(), Refusal> {
    if !qty.is_multiple_of(grid.lot) {
        return Err(Refusal::Lot);
    }
    if qty < grid.lot || qty > rules.max_qty { Err(Refusal::Quantity) } else { Ok(()) }
}
