//! Orders in: what is checked, what is held, what trades and what rests; and orders out again.

use super::account::Account;
use super::book::{Appetite, Match};
use super::config::ns;
use super::eip712::Exchange;
use super::encode;
use super::fee::{price, taker, text, value};
use super::house::{Audience, House, Order, Outgoing, Status};
use super::ledger::Fact;
use super::order::{Kind, Submission, Terms};
use super::updown::SIZE_MIN;
use super::word::{Word, hex};

/// A refused order: the HTTP status and the venue's words.
pub(super) type Refusal = (u16, String);

const FOK_KILLED: &str = "order couldn't be fully filled. FOK orders are fully filled or killed.";
const FAK_KILLED: &str =
    "no orders found to match with FAK order. FAK orders are partially filled or killed if no match is found.";

impl House {
    /// Takes one order in for an authenticated account; its id.
    ///
    /// # Errors
    /// Status and text of the venue's answer; nothing was taken.
    pub(super) fn submit(&mut self, account: usize, order: &Submission) -> Result<Word, Refusal> {
        let refused = |why: &str| (400, why.to_owned());
        let (market, outcome) = self.of_token(&order.token).ok_or_else(|| refused("the orderbook does not exist"))?;
        if !market.open() {
            return Err(refused("the market is not yet ready to process new orders"));
        }
        let exchange = market.exchange;
        let id = order.contents.id(exchange);
        let named = |why: &str| (400, format!("order {} is invalid. {why}", hex(&id)));
        if self.orders.contains_key(&id) {
            return Err(named("Duplicated."));
        }
        let holder = self.accounts.get(account).ok_or_else(|| refused("invalid signature"))?;
        if order.owner != holder.credentials.key {
            return Err(refused("the order owner has to be the owner of the API KEY"));
        }
        if !signed(holder, order, exchange) {
            return Err(refused("invalid signature"));
        }
        let terms = order.terms(market.tick).map_err(|why| named(&why))?;
        let crosses = market.book(outcome).crosses(outcome.bids(terms.buy), outcome.own(terms.px));
        self.sizes(order, terms, crosses).map_err(|why| named(&why))?;
        let accepted = Order {
            id,
            account,
            maker: order.contents.maker,
            condition: market.condition.clone(),
            token: order.token.clone(),
            outcome,
            terms,
            kind: order.kind,
            expiration_s: order.expiration_s,
            matched: 0,
            dollars: 0,
            held: 0,
            status: Status::Live,
            created_ms: self.now_ms(),
            trades: Vec::new(),
        };
        self.fits(&accepted, crosses).map_err(|why| (400, why))?;
        self.enter(accepted, crosses);
        Ok(id)
    }

    fn sizes(&self, order: &Submission, terms: Terms, crosses: bool) -> Result<(), String> {
        if order.kind.rests() && terms.size < SIZE_MIN {
            let (size, least) = (text(terms.size), text(SIZE_MIN));
            return Err(format!("Size ({size}) lower than the minimum: {least}"));
        }
        let spent = terms.dollars.unwrap_or_else(|| value(terms.size, terms.px));
        if crosses && terms.buy && spent < super::MICRO {
            return Err(format!("invalid amount for a marketable BUY order (${}), min size: $1", text(spent)));
        }
        if order.post_only && crosses {
            return Err("invalid post-only order: order crosses book".to_owned());
        }
        let limit_s = self.now_s() + 60;
        let dated = if order.kind == Kind::Gtd { order.expiration_s > limit_s } else { order.expiration_s == 0 };
        if dated { Ok(()) } else { Err("invalid expiration".to_owned()) }
    }

    /// Whether the book fills what must be filled and the purse covers the order.
    fn fits(&self, order: &Order, crosses: bool) -> Result<(), String> {
        if !order.kind.rests() {
            let plan = self.plan(order);
            if plan.is_empty() {
                return Err(if order.kind == Kind::Fok { FOK_KILLED } else { FAK_KILLED }.to_owned());
            }
            if order.kind == Kind::Fok && !fills(order, &plan) {
                return Err(FOK_KILLED.to_owned());
            }
        }
        let purse = self.accounts.get(order.account).and_then(|a| a.purses.get(&order.maker));
        let free = purse.map_or(0, |purse| match order.terms.buy {
            true => purse.collateral.free(),
            false => purse.shares.get(&(order.condition.clone(), order.outcome)).map_or(0, |funds| funds.free()),
        });
        let needed = needed(order, crosses);
        if free < needed {
            return Err(format!(
                "not enough balance / allowance: the balance is not enough -> balance: {free}, order amount: {needed}"
            ));
        }
        Ok(())
    }

    fn plan(&self, order: &Order) -> Vec<Match> {
        let Some(market) = self.markets.get(&order.condition) else { return Vec::new() };
        let appetite = match order.terms.dollars {
            Some(dollars) => Appetite::Dollars(dollars, order.outcome),
            None => Appetite::Shares(order.left()),
        };
        market.book(order.outcome).plan(order.bids(), order.up_px(), appetite)
    }

    fn enter(&mut self, mut order: Order, crosses: bool) {
        let (id, delay_ns) = (order.id, ns(self.config.taker_delay));
        let wanted = needed(&order, crosses);
        let delayed = crosses && delay_ns > 0;
        if delayed {
            order.status = Status::Delayed(self.now_ns + delay_ns);
        }
        self.orders.insert(id, order);
        self.arrivals.push_back(id);
        self.hold(&id, wanted);
        self.note_accepted(&id);
        if !delayed {
            self.execute(&id);
        }
    }

    /// Lets orders trade whose taker delay is over.
    pub(super) fn release_delayed(&mut self) {
        let due = |o: &&Order| matches!(o.status, Status::Delayed(at) if at <= self.now_ns);
        let mut due: Vec<_> = self.orders.values().filter(due).map(|o| (o.created_ms, o.id)).collect();
        due.sort_unstable();
        for (_, id) in due {
            self.execute(&id);
        }
    }

    /// Trades what the book gives, then rests or ends.
    fn execute(&mut self, id: &Word) {
        let Some(order) = self.orders.get_mut(id) else { return };
        order.status = Status::Live;
        let order = order.clone();
        let plan = self.plan(&order);
        if order.kind == Kind::Fok && !fills(&order, &plan) {
            self.end_order(id, &format!("CANCELED_{FOK_KILLED}"));
            return;
        }
        if order.kind.rests() && plan.iter().map(|m| m.qty).sum::<i64>() < order.left() {
            self.tell_order(id, "PLACEMENT");
        }
        if !plan.is_empty() {
            self.take(&order, &plan);
        }
        let Some(order) = self.orders.get(id).cloned() else { return };
        let left = order.left();
        if left <= 0 || (order.terms.dollars.is_some() && fills(&order, &plan)) {
            self.finish(id);
        } else if order.kind.rests() {
            self.hold(id, needed(&order, false));
            if let Some(market) = self.markets.get_mut(&order.condition) {
                market.stand(order.outcome).book.add(order.bids(), order.up_px(), *id, left);
            }
        } else {
            self.end_order(
                id,
                if plan.is_empty() { "CANCELED_no orders found to match with FAK order" } else { "CANCELED" },
            );
        }
    }

    /// Marks an order as filled.
    pub(super) fn finish(&mut self, id: &Word) {
        self.hold(id, 0);
        if let Some(order) = self.orders.get_mut(id) {
            order.status = Status::Matched;
        }
    }

    /// Ends an open order, with what is said of it; whether it was open.
    pub(super) fn end_order(&mut self, id: &Word, status: &str) -> bool {
        let Some(order) = self.orders.get_mut(id).filter(|o| o.open()) else { return false };
        order.status = Status::Canceled(status.to_owned());
        let owner = order.account;
        let (bid, px, outcome) = (order.bids(), order.up_px(), order.outcome);
        let condition = order.condition.clone();
        if let Some(market) = self.markets.get_mut(&condition) {
            market.stand(outcome).book.remove(bid, px, id);
        }
        self.hold(id, 0);
        self.note(Fact::Canceled { order: hex(id), account: owner, why: status.to_owned() });
        self.tell_order(id, "CANCELLATION");
        true
    }

    /// Cancels one order of an account.
    ///
    /// # Errors
    /// Why it was not cancelled.
    pub(super) fn cancel(&mut self, account: usize, id: &Word) -> Result<(), &'static str> {
        let order = self
            .orders
            .get(id)
            .filter(|o| o.account == account)
            .ok_or("order can't be found - already canceled or matched")?;
        match order.status {
            Status::Delayed(_) => Err("order is delayed and can't be canceled"),
            Status::Live => {
                self.end_order(id, "CANCELED");
                Ok(())
            }
            Status::Matched | Status::Canceled(_) => Err("order can't be found - already canceled or matched"),
        }
    }

    /// Cancels an account's resting orders that fit; their ids.
    pub(super) fn cancel_where(&mut self, account: usize, fits: impl Fn(&Order) -> bool) -> Vec<Word> {
        let mine = |o: &&Order| o.account == account && o.status == Status::Live && fits(o);
        let ids: Vec<Word> = self.orders.values().filter(mine).map(|o| o.id).collect();
        for id in &ids {
            self.end_order(id, "CANCELED");
        }
        ids
    }

    fn note_accepted(&mut self, id: &Word) {
        let Some(order) = self.orders.get(id) else { return };
        let fact = Fact::Accepted {
            order: hex(id),
            account: order.account,
            token: order.token.clone(),
            side: encode::side(order.terms.buy),
            price: price(order.terms.px),
            size: text(order.terms.size),
            kind: order.kind.name(),
        };
        self.note(fact);
    }

    /// Tells the user streams of an order.
    pub(super) fn tell_order(&mut self, id: &Word, kind: &str) {
        let Some(order) = self.orders.get(id) else { return };
        let Some(holder) = self.accounts.get(order.account) else { return };
        let text = encode::order_event(order, holder, kind, self.now_ms());
        let to = Audience::User { account: order.account, condition: order.condition.clone() };
        self.outbox.push(Outgoing { to, text });
    }
}

/// Whether the order's addresses belong to the account and its key signed it.
fn signed(holder: &Account, order: &Submission, exchange: Exchange) -> bool {
    let contents = &order.contents;
    let wallet = holder.funder(contents.signature_type);
    let signer = if contents.signature_type == 3 { wallet } else { holder.owner };
    contents.maker == wallet
        && contents.signer == signer
        && contents.signed_by(exchange, &order.signature) == Some(holder.owner)
}

/// Whether a plan fills the order: all shares, or all dollars but less than a cent.
fn fills(order: &Order, plan: &[Match]) -> bool {
    match order.terms.dollars {
        Some(dollars) => plan.iter().map(|m| value(m.qty, order.outcome.own(m.px))).sum::<i64>() + 10_000 > dollars,
        None => plan.iter().map(|m| m.qty).sum::<i64>() >= order.left() || order.left() <= 0,
    }
}

/// What an order needs held: shares to sell, or dollars to pay with the fee where it takes.
fn needed(order: &Order, crosses: bool) -> i64 {
    if !order.terms.buy {
        return order.left();
    }
    let cost = order.terms.dollars.unwrap_or_else(|| value(order.left(), order.terms.px));
    cost + if crosses { taker(order.left(), order.terms.px) } else { 0 }
}
