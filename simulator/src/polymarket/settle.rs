//! Trades and their way to the chain: matched at once, mined and confirmed later, or retried and failed,
//! in which case everything that moved moves back.

use super::book::{Match, Outcome};
use super::config::ns;
use super::encode;
use super::fee::{price, taker, text, value};
use super::house::{Audience, House, Order, Outgoing};
use super::ledger::Fact;
use super::updown::{TICKS, UpDown};
use super::word::{Address, Word, hex};
use crate::rng::Rng;

/// A maker's part of a trade, in the maker's own outcome and price.
#[derive(Clone, Debug)]
pub(super) struct Part {
    pub(super) order: Word,
    /// Empty for the crowd.
    pub(super) account: Option<usize>,
    pub(super) maker: Address,
    pub(super) outcome: Outcome,
    pub(super) buy: bool,
    pub(super) px: i64,
    pub(super) qty: i64,
}

/// How far a trade has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stage {
    Matched,
    Mined,
    Confirmed,
    Retrying,
    Failed,
}

impl Stage {
    /// The name in messages.
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Matched => "MATCHED",
            Self::Mined => "MINED",
            Self::Confirmed => "CONFIRMED",
            Self::Retrying => "RETRYING",
            Self::Failed => "FAILED",
        }
    }
}

/// One taker meeting one price.
#[derive(Clone, Debug)]
pub(super) struct Trade {
    pub(super) id: String,
    pub(super) condition: String,
    /// Token ids of Up and Down.
    pub(super) tokens: [String; 2],
    /// The taker's part.
    pub(super) taker: Part,
    pub(super) makers: Vec<Part>,
    /// Micro-dollars that the taker pays on top.
    pub(super) fee: i64,
    pub(super) stage: Stage,
    pub(super) matched_ms: u64,
    pub(super) updated_ms: u64,
    /// The transaction's hash once it is mined.
    pub(super) transaction: Option<String>,
    /// When the next stage is due, in ns.
    due_ns: u64,
    fails: bool,
}

impl House {
    /// Trades an order of an account against planned matches.
    pub(super) fn take(&mut self, order: &Order, plan: &[Match]) {
        if let Some(market) = self.markets.get_mut(&order.condition) {
            market.stand(order.outcome).book.take(order.bids(), plan);
        }
        for level in plan.chunk_by(|a, b| a.px == b.px) {
            let qty = level.iter().map(|m| m.qty).sum();
            let (outcome, buy) = (order.outcome, order.terms.buy);
            let px = outcome.own(level[0].px);
            let part =
                Part { order: order.id, account: Some(order.account), maker: order.maker, outcome, buy, px, qty };
            self.trade(&order.condition, part, level);
        }
    }

    /// Trades the crowd against planned matches; only what it takes from accounts is a recorded trade.
    pub(super) fn crowd_takes(&mut self, condition: &str, of: Outcome, buys_up: bool, plan: &[Match]) {
        if let Some(market) = self.markets.get_mut(condition) {
            market.stand(of).book.take(buys_up, plan);
        }
        for level in plan.chunk_by(|a, b| a.px == b.px) {
            let order = self.fresh("crowd");
            let outcome = self.strangers_outcome(condition, of, &order);
            let buy = outcome.bids(true) == buys_up;
            let qty = level.iter().map(|m| m.qty).sum();
            let part =
                Part { order, account: None, maker: stranger(&order), outcome, buy, px: outcome.own(level[0].px), qty };
            self.trade(condition, part, level);
        }
    }

    fn trade(&mut self, condition: &str, taker_part: Part, level: &[Match]) {
        let makers: Vec<Part> = level.iter().map(|found| self.maker(condition, found, &taker_part)).collect();
        let up_px = taker_part.outcome.own(taker_part.px);
        self.print(condition, &taker_part, up_px);
        if taker_part.account.is_none() && makers.iter().all(|part| part.account.is_none()) {
            return;
        }
        let fee = taker_part.account.map_or(0, |_| taker(taker_part.qty, taker_part.px));
        let (id, dice) = (self.uuid(), self.fresh("settlement"));
        let draw =
            Rng::new(u64::from_be_bytes([dice[0], dice[1], dice[2], dice[3], dice[4], dice[5], dice[6], dice[7]]), 0)
                .below(1_000_000);
        let trade = Trade {
            id,
            condition: condition.to_owned(),
            tokens: self.markets.get(condition).map(|market| market.tokens.clone()).unwrap_or_default(),
            taker: taker_part,
            makers,
            fee,
            stage: Stage::Matched,
            matched_ms: self.now_ms(),
            updated_ms: self.now_ms(),
            transaction: None,
            due_ns: self.now_ns + self.settlement.map_or(ns(self.config.mined_after), |(_, step_ns)| step_ns),
            fails: draw < u64::from(self.settlement.map_or(self.config.failures_ppm, |(ppm, _)| ppm)),
        };
        self.book_trade(&trade);
        self.tell_trade(&trade);
        self.trades.push_back(trade);
    }

    /// What somebody of the crowd trades: either outcome where complements match.
    fn strangers_outcome(&self, condition: &str, of: Outcome, order: &Word) -> Outcome {
        let either = self.markets.get(condition).is_none_or(UpDown::complements_match);
        if either { Outcome::BOTH[usize::from(order[0] & 1)] } else { of }
    }

    fn maker(&mut self, condition: &str, found: &Match, taker: &Part) -> Part {
        let known = found.order.and_then(|id| self.orders.get(&id));
        if let Some(order) = known {
            let (outcome, buy) = (order.outcome, order.terms.buy);
            let px = outcome.own(found.px);
            return Part {
                order: order.id,
                account: Some(order.account),
                maker: order.maker,
                outcome,
                buy,
                px,
                qty: found.qty,
            };
        }
        let order = self.fresh("crowd");
        let outcome = self.strangers_outcome(condition, taker.outcome, &order);
        let taker_bids = taker.outcome.bids(taker.buy);
        let buy = outcome.bids(true) != taker_bids;
        Part { order, account: None, maker: stranger(&order), outcome, buy, px: outcome.own(found.px), qty: found.qty }
    }

    fn print(&mut self, condition: &str, taker: &Part, up_px: i64) {
        let now_ms = self.now_ms();
        let Some(market) = self.markets.get_mut(condition) else { return };
        market.last_px = Some(up_px);
        market.stand(taker.outcome).traded = true;
        let token = market.token(taker.outcome).to_owned();
        let text = encode::last_trade(market, taker, now_ms);
        self.outbox.push(Outgoing { to: Audience::Token(token), text });
        if market.refine(up_px) {
            show_tick(market, now_ms, &mut self.outbox);
        }
    }

    /// Every market takes the finer tick, whatever its price, and says so.
    pub(super) fn refine_all(&mut self) {
        let now_ms = self.now_ms();
        for market in self.markets.values_mut() {
            if market.take_finer_tick() {
                show_tick(market, now_ms, &mut self.outbox);
            }
        }
    }

    /// Moves money and shares, and what the orders have traded.
    fn book_trade(&mut self, trade: &Trade) {
        self.note_fill(trade, &trade.taker, false);
        for part in &trade.makers {
            self.note_fill(trade, part, true);
        }
        self.move_part(&trade.condition, &trade.taker, trade.fee, 1);
        for part in &trade.makers {
            self.move_part(&trade.condition, part, 0, 1);
        }
        for part in std::iter::once(&trade.taker).chain(&trade.makers) {
            let Some(order) = self.orders.get_mut(&part.order) else { continue };
            order.matched += part.qty;
            order.dollars += value(part.qty, part.px);
            order.trades.push(trade.id.clone());
        }
        for part in trade.makers.iter().filter(|part| part.account.is_some()) {
            self.maker_traded(&part.order);
        }
        if trade.taker.account.is_some() {
            self.tell_order(&trade.taker.order, "UPDATE");
        }
    }

    fn note_fill(&mut self, trade: &Trade, part: &Part, maker: bool) {
        let Some(account) = part.account else { return };
        let fact = Fact::Fill {
            trade: trade.id.clone(),
            order: hex(&part.order),
            account,
            token: trade.tokens[part.outcome as usize].clone(),
            maker,
            side: encode::side(part.buy),
            price: price(part.px),
            size: text(part.qty),
            fee: text(if maker { 0 } else { trade.fee }),
        };
        self.note(fact);
    }

    fn maker_traded(&mut self, id: &Word) {
        let Some(order) = self.orders.get(id) else { return };
        if order.left() <= 0 {
            self.finish(id);
        } else {
            let holds = if order.terms.buy { value(order.left(), order.terms.px) } else { order.left() };
            self.hold(id, holds);
        }
        self.tell_order(id, "UPDATE");
    }

    /// Moves a part's dollars and shares forth (`sign` 1) or back (−1).
    fn move_part(&mut self, condition: &str, part: &Part, fee: i64, sign: i64) {
        let purse = part.account.and_then(|a| self.accounts.get_mut(a)).and_then(|a| a.purses.get_mut(&part.maker));
        let Some(purse) = purse else { return };
        let (usd, flow) = (value(part.qty, part.px), if part.buy { 1 } else { -1 });
        purse.collateral.total -= sign * (flow * usd + fee);
        let shares = purse.shares.entry((condition.to_owned(), part.outcome)).or_default();
        shares.total += sign * flow * part.qty;
        let (collateral, shares) = (text(purse.collateral.total), text(shares.total));
        let (account, address) = (part.account.unwrap_or_default(), hex(&part.maker));
        let token = self.markets.get(condition).map(|m| m.token(part.outcome).to_owned()).unwrap_or_default();
        self.note(Fact::Collateral { account, address: address.clone(), total: collateral });
        self.note(Fact::Shares { account, address, token, total: shares });
    }

    /// Takes trades to their next stage.
    pub(super) fn settle(&mut self) {
        for index in 0..self.trades.len() {
            let over = |t: &Trade| matches!(t.stage, Stage::Confirmed | Stage::Failed) || t.due_ns > self.now_ns;
            if self.trades.get(index).is_none_or(over) {
                continue;
            }
            let (hash, now_ms) = (hex(&self.fresh("transaction")), self.now_ms());
            let due_ns = self.now_ns + self.settlement.map_or(ns(self.config.confirmed_after), |(_, step_ns)| step_ns);
            let Some(trade) = self.trades.get_mut(index) else { continue };
            trade.stage = match (trade.stage, trade.fails) {
                (Stage::Matched, false) => Stage::Mined,
                (Stage::Matched, true) => Stage::Retrying,
                (_, false) => Stage::Confirmed,
                (_, true) => Stage::Failed,
            };
            if trade.stage == Stage::Mined {
                trade.transaction = Some(hash);
            }
            (trade.due_ns, trade.updated_ms) = (due_ns, now_ms);
            let trade = trade.clone();
            if trade.stage == Stage::Failed {
                self.move_part(&trade.condition, &trade.taker, trade.fee, -1);
                for part in &trade.makers {
                    self.move_part(&trade.condition, part, 0, -1);
                }
            }
            self.note(Fact::Settlement { trade: trade.id.clone(), stage: trade.stage.name() });
            self.tell_trade(&trade);
        }
    }

    /// Tells a trade to everybody who is part of it, each in its own role.
    fn tell_trade(&mut self, trade: &Trade) {
        let now_ms = self.now_ms();
        let mut told: Vec<usize> = Vec::new();
        for part in std::iter::once(&trade.taker).chain(&trade.makers) {
            let Some(account) = part.account.filter(|account| !told.contains(account)) else { continue };
            told.push(account);
            let text = encode::trade_event(trade, account, &self.accounts, now_ms);
            let to = Audience::User { account, condition: trade.condition.clone() };
            self.outbox.push(Outgoing { to, text });
        }
    }
}

/// Tells the followers of both tokens that their market has the finer tick.
fn show_tick(market: &UpDown, now_ms: u64, outbox: &mut Vec<Outgoing>) {
    for outcome in Outcome::BOTH {
        let text = encode::tick_change(market, outcome, TICKS.0, now_ms);
        outbox.push(Outgoing { to: Audience::Token(market.token(outcome).to_owned()), text });
    }
}

/// The address of somebody in the crowd.
fn stranger(order: &Word) -> Address {
    let mut address = [0; 20];
    address.copy_from_slice(&order[12..]);
    address
}
