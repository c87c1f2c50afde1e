//! What an account's private streams are told, before each venue puts it in its own words.

use crate::amount::Amount;

use super::account::{Balance, Position};
use super::order::{Fill, Order};

/// What happened to an order.
#[derive(Clone, Debug)]
pub(crate) enum Cause {
    /// It was taken in.
    New,
    /// It traded.
    Fill(Fill),
    /// It ended with a rest; the request's own client id where a cancel has one.
    Ended(Option<String>),
    /// It was changed.
    Amended,
}

/// What is told.
#[derive(Clone, Debug)]
pub(crate) enum News {
    /// An order as it stands after `cause`.
    Order { order: Box<Order>, cause: Cause },
    /// Balances and positions after trades or orders.
    Holdings { balances: Vec<(String, Balance)>, positions: Vec<(usize, Position)>, cause: &'static str },
    /// Funds came or went by another way than trading.
    Transfer { asset: String, change: Amount },
    /// Private streams end: the one with that key, or all.
    Ended(Option<String>),
}

/// One piece of news for an account.
#[derive(Clone, Debug)]
pub(crate) struct Event {
    /// Dense within the venue, from 1.
    pub(crate) number: u64,
    pub(crate) account: usize,
    /// Venue time in ns.
    pub(crate) at_ns: u64,
    /// Told so much later than now.
    pub(crate) late_ns: u64,
    pub(crate) news: News,
}

impl Event {
    /// The instrument that it is about; empty when it is about none in particular.
    pub(crate) fn symbol(&self) -> &str {
        match &self.news {
            News::Order { order, .. } => &order.symbol,
            _ => "",
        }
    }
}
