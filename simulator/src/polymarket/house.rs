//! The exchange itself: markets, orders, accounts, trades and what is owed to subscribers. Stepped by time
//! from outside; holds no socket and no clock.

use std::collections::{BTreeMap, VecDeque};

use super::account::Account;
use super::book::Outcome;
use super::config::PolymarketConfig;
use super::ledger::{Fact, Ledger};
use super::limits::Phase;
use super::order::{Kind, Terms};
use super::settle::Trade;
use super::updown::UpDown;
use super::word::{Address, Word, hex, keccak};

/// Orders and trades remembered; older ones that are over are forgotten.
const MEMORY: usize = 20_000;

/// Where an order stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Status {
    /// Waiting out the taker delay until this time in ns.
    Delayed(u64),
    /// In the book.
    Live,
    /// Filled, all of it.
    Matched,
    /// Over; with what is said of it.
    Canceled(String),
}

/// An order that was accepted.
#[derive(Clone, Debug)]
pub(super) struct Order {
    pub(super) id: Word,
    pub(super) account: usize,
    /// Whose purse pays.
    pub(super) maker: Address,
    pub(super) condition: String,
    pub(super) token: String,
    pub(super) outcome: Outcome,
    pub(super) terms: Terms,
    pub(super) kind: Kind,
    /// Unix seconds; 0 = none.
    pub(super) expiration_s: i64,
    /// Shares traded, in millionths.
    pub(super) matched: i64,
    /// Micro-dollars traded.
    pub(super) dollars: i64,
    /// Held of the purse for it, in millionths.
    pub(super) held: i64,
    pub(super) status: Status,
    pub(super) created_ms: u64,
    pub(super) trades: Vec<String>,
}

impl Order {
    /// Shares not yet traded.
    pub(super) const fn left(&self) -> i64 {
        self.terms.size - self.matched
    }

    /// Whether it stands in the book's bids.
    pub(super) const fn bids(&self) -> bool {
        self.outcome.bids(self.terms.buy)
    }

    /// Its limit as a price of Up.
    pub(super) const fn up_px(&self) -> i64 {
        self.outcome.own(self.terms.px)
    }

    /// Whether it may still trade.
    pub(super) const fn open(&self) -> bool {
        matches!(self.status, Status::Live | Status::Delayed(_))
    }
}

/// Whom a frame is for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Audience {
    /// An account's user streams that follow the condition.
    User { account: usize, condition: String },
    /// Followers of a token.
    Token(String),
    /// Followers of any of a market's tokens; one copy each.
    Tokens([String; 2]),
    /// Followers of a token with the custom features on.
    Custom(String),
    /// Everybody with the custom features on.
    All,
}

/// A frame on its way out.
#[derive(Clone, Debug)]
pub(super) struct Outgoing {
    pub(super) to: Audience,
    pub(super) text: String,
}

/// The exchange.
pub(super) struct House {
    pub(super) config: PolymarketConfig,
    pub(super) accounts: Vec<Account>,
    /// By condition.
    pub(super) markets: BTreeMap<String, UpDown>,
    /// Condition of every token.
    pub(super) tokens: BTreeMap<String, String>,
    pub(super) orders: BTreeMap<Word, Order>,
    /// Ids of orders by arrival.
    pub(super) arrivals: VecDeque<Word>,
    pub(super) trades: VecDeque<Trade>,
    pub(super) outbox: Vec<Outgoing>,
    pub(super) phase: Phase,
    pub(super) ledger: Ledger,
    /// Share of trades that fail (in a million) and time of a settlement's step in ns, where a fault sets them.
    pub(super) settlement: Option<(u32, u64)>,
    pub(super) now_ns: u64,
    /// The prices last given, by coin, times 10^8.
    pub(super) prices: BTreeMap<String, i64>,
    /// The prices that the crowd has not seen yet, and when they were given, in ns; the first it has.
    pub(super) unseen: VecDeque<(u64, BTreeMap<String, i64>)>,
    pub(super) crowd_ns: u64,
    pub(super) swept_ns: u64,
    counter: u64,
}

impl House {
    /// An exchange with its accounts and no market yet; [`House::step`] opens them.
    pub(super) fn new(config: PolymarketConfig, now_ns: u64) -> Self {
        Self {
            accounts: config.holders.iter().filter_map(Account::open).collect(),
            config,
            markets: BTreeMap::new(),
            tokens: BTreeMap::new(),
            orders: BTreeMap::new(),
            arrivals: VecDeque::new(),
            trades: VecDeque::new(),
            outbox: Vec::new(),
            phase: Phase::Open,
            ledger: Ledger::default(),
            settlement: None,
            now_ns,
            prices: BTreeMap::new(),
            unseen: VecDeque::new(),
            crowd_ns: now_ns,
            swept_ns: now_ns,
            counter: 0,
        }
    }

    /// Moves to `now_ns`: windows open and end, delayed orders trade, trades settle, the crowd acts, and
    /// switches fire. `prices` are the coins' prices times 10^8.
    pub(super) fn step(&mut self, now_ns: u64, prices: &[(String, i64)]) {
        self.now_ns = self.now_ns.max(now_ns);
        self.prices.extend(prices.iter().cloned());
        self.unseen.push_back((self.now_ns, self.prices.clone()));
        self.roll();
        self.release_delayed();
        self.settle();
        self.crowd();
        self.sweep();
        self.show_changes();
        self.forget();
    }

    /// The market of a token, and which of its outcomes the token is.
    pub(super) fn of_token(&self, token: &str) -> Option<(&UpDown, Outcome)> {
        let market = self.markets.get(self.tokens.get(token)?)?;
        Some((market, market.outcome(token)?))
    }

    /// Simulated wall time in ms.
    pub(super) const fn now_ms(&self) -> u64 {
        self.now_ns / 1_000_000
    }

    /// Simulated wall time in seconds.
    pub(super) const fn now_s(&self) -> i64 {
        (self.now_ns / 1_000_000_000) as i64
    }

    /// Writes a fact into the ledger.
    pub(super) fn note(&mut self, fact: Fact) {
        self.ledger.note(self.now_ns, fact);
    }

    /// A word that occurs once per run and is the same in every run with the same seed.
    pub(super) fn fresh(&mut self, what: &str) -> Word {
        self.counter += 1;
        keccak(&[what.as_bytes(), &self.config.seed.to_be_bytes(), &self.counter.to_be_bytes()])
    }

    /// A fresh UUID.
    pub(super) fn uuid(&mut self) -> String {
        let digits = hex(&self.fresh("uuid"));
        let part = |from: usize, to: usize| digits.get(2 + from..2 + to).unwrap_or_default().to_owned();
        format!("{}-{}-4{}-8{}-{}", part(0, 8), part(8, 12), part(12, 15), part(15, 18), part(18, 30))
    }

    /// Adds to what an order's purse holds so that the order's part is `wanted`.
    pub(super) fn hold(&mut self, id: &Word, wanted: i64) {
        let Some(order) = self.orders.get_mut(id) else { return };
        let Some(purse) = self.accounts.get_mut(order.account).and_then(|a| a.purses.get_mut(&order.maker)) else {
            return;
        };
        purse.drawn(order.terms.buy, &order.condition, order.outcome).held += wanted - order.held;
        order.held = wanted;
    }

    fn forget(&mut self) {
        while self.trades.len() > MEMORY {
            self.trades.pop_front();
        }
        while self.arrivals.len() > MEMORY
            && let Some(oldest) = self.arrivals.front()
            && self.orders.get(oldest).is_none_or(|order| !order.open())
        {
            let oldest = self.arrivals.pop_front();
            oldest.and_then(|id| self.orders.remove(&id));
        }
    }
}
