//! What OKX's private channels tell: orders, balances and positions, each under the argument of its subscription.

use super::holdings::Holdings;
use super::words::{self, ms};
use crate::amount::Amount;
use crate::exchange::Exchange;
use crate::exchange::account::{Balance, Position};
use crate::exchange::event::{Cause, Event, News};
use crate::exchange::order::Order;
use crate::exchange::rules::Grid;
use crate::market::Market;

/// A subscription of a private channel, as it is kept in the list of a client's topics.
pub(super) struct Topic<'a> {
    pub(super) channel: &'a str,
    kind: &'a str,
    symbol: &'a str,
}

impl<'a> Topic<'a> {
    pub(super) fn new(channel: &'a str, kind: &'a str, symbol: &'a str) -> Self {
        Self { channel, kind, symbol }
    }

    /// The topic that was kept as `key`.
    fn of(key: &'a str) -> Option<Self> {
        let mut parts = key.split(':');
        Some(Self { channel: parts.next()?, kind: parts.next()?, symbol: parts.next()? })
    }

    pub(super) fn key(&self) -> String {
        format!("{}:{}:{}", self.channel, self.kind, self.symbol)
    }

    fn fits(&self, market: &Market, listing: usize) -> bool {
        let listed = market.listing(listing);
        ["", "ANY", words::kind(listed)].contains(&self.kind) && ["", &*listed.symbol].contains(&self.symbol)
    }

    /// A message of this topic.
    fn message(&self, account: usize, data: &[String], more: &str) -> String {
        let member = |name: &str, value: &str| match value {
            "" => String::new(),
            _ => format!(r#""{name}":"{value}","#),
        };
        let (kind, symbol) = (member("instType", self.kind), member("instId", self.symbol));
        let (uid, data) = (words::uid(account), data.join(","));
        format!(r#"{{"arg":{{"channel":"{}",{kind}{symbol}"uid":"{uid}"}},{more}"data":[{data}]}}"#, self.channel)
    }
}

/// What the topics of a client are told of an event.
pub(super) fn told<'t>(
    event: &Event,
    topics: impl Iterator<Item = &'t String>,
    exchange: &Exchange,
    market: &Market,
) -> Vec<String> {
    let holdings = Holdings { exchange, market, account: event.account, at_ns: event.at_ns };
    topics.filter_map(|key| Topic::of(key)).filter_map(|topic| push(event, &topic, holdings)).collect()
}

fn push(event: &Event, topic: &Topic<'_>, holdings: Holdings<'_>) -> Option<String> {
    match (topic.channel, &event.news) {
        ("orders", News::Order { order, cause }) if topic.fits(holdings.market, order.listing) => {
            Some(topic.message(event.account, &[row(order, cause, holdings)], ""))
        }
        ("account", News::Holdings { balances, .. }) if !balances.is_empty() => {
            let changed = |asset: &str| balances.iter().any(|(known, _)| known == asset);
            Some(topic.message(event.account, &[holdings.balances(changed)], r#""eventType":"event_update","#))
        }
        ("positions", News::Holdings { positions, .. }) => {
            let fits = positions.iter().filter(|(listing, _)| topic.fits(holdings.market, *listing));
            let rows: Vec<_> = fits.map(|(listing, position)| holdings.position(*listing, *position)).collect();
            let update = r#""eventType":"event_update","#;
            (!rows.is_empty()).then(|| topic.message(event.account, &rows, update))
        }
        ("balance_and_position", News::Holdings { balances, positions, cause }) => {
            let why = if *cause == "ORDER" { "filled" } else { "transferred" };
            Some(topic.message(event.account, &[both(why, balances, positions, holdings)], ""))
        }
        _ => None,
    }
}

/// What a subscriber gets at once: nothing of orders, everything of balances and positions.
pub(super) fn greeting(topic: &Topic<'_>, holdings: Holdings<'_>) -> Option<String> {
    let open = || holdings.open().into_iter().filter(|(listing, _)| topic.fits(holdings.market, *listing));
    let data = match topic.channel {
        "account" => vec![holdings.balances(|_| true)],
        "positions" => open().map(|(listing, position)| holdings.position(listing, position)).collect(),
        "balance_and_position" => {
            let held = holdings.exchange.account(holdings.account).map(|account| &account.balances);
            let all: Vec<_> = held.into_iter().flatten().map(|(asset, balance)| (asset.clone(), *balance)).collect();
            vec![both("snapshot", &all, &open().collect::<Vec<_>>(), holdings)]
        }
        _ => return None,
    };
    let more = if topic.channel == "balance_and_position" {
        ""
    } else {
        r#""eventType":"snapshot","curPage":1,"lastPage":true,"#
    };
    Some(topic.message(holdings.account, &data, more))
}

/// An order as it stands after `cause`.
fn row(order: &Order, cause: &Cause, holdings: Holdings<'_>) -> String {
    let (fills, listing) = (holdings.exchange.fills_of(order), holdings.market.listing(order.listing));
    let last = if let Cause::Fill(fill) = cause { Some(fill) } else { None };
    let members = words::members(order, &fills, last, listing);
    format!("{{{members},{}}}", words::told(last, matches!(cause, Cause::Amended)))
}

/// Balances and positions in few words.
fn both(why: &str, balances: &[(String, Balance)], positions: &[(usize, Position)], holdings: Holdings<'_>) -> String {
    let at = ms(holdings.at_ns);
    let balance = |(asset, balance): &(String, Balance)| {
        format!(r#"{{"ccy":"{asset}","cashBal":"{}","uTime":"{at}"}}"#, balance.total)
    };
    let position = |(listing, position): &(usize, Position)| {
        let listed = holdings.market.listing(*listing);
        let entry: Amount = position.entry(Grid::of(listed).contract);
        format!(
            r#"{{"instType":"SWAP","instId":"{}","mgnMode":"cross","posId":"{}","posSide":"net","pos":"{}","avgPx":"{}","ccy":"{}","posCcy":"","tradeId":"","uTime":"{at}"}}"#,
            listed.symbol,
            900_000 + holdings.account * 1_000 + listing,
            position.qty,
            words::average(entry),
            listed.quote,
        )
    };
    let balances: Vec<_> = balances.iter().map(balance).collect();
    let positions: Vec<_> = positions.iter().map(position).collect();
    format!(
        r#"{{"pTime":"{at}","eventType":"{why}","balData":[{}],"posData":[{}],"trades":[]}}"#,
        balances.join(","),
        positions.join(",")
    )
}
