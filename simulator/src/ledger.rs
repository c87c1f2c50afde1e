//! The ground truth of the simulated exchanges: every connection, request, answer, order, fill, ending and change
//! of funds, in the order in which it happened, never changed afterwards. Secrets and signatures stay out.

use std::collections::VecDeque;

use serde::Serialize;
use serde_json::Value;

use crate::amount::Amount;
use crate::config::{Board, Venue};
use crate::exchange::order::{Ending, Fill, Order, Side, TimeInForce};
use crate::exchange::refusal::Refusal;

/// Records kept; a run that writes more forgets its oldest.
const KEPT: usize = 1_000_000;

/// One record.
#[derive(Clone, Debug, Serialize)]
pub struct Record {
    /// Its number, from 0.
    pub number: u64,
    /// Time in ns since the Unix epoch, by the simulator's clock.
    pub at_ns: u64,
    /// Where.
    #[serde(serialize_with = "name")]
    pub venue: Venue,
    /// What happened.
    #[serde(flatten)]
    pub deed: Deed,
}

fn name<S: serde::Serializer>(venue: &Venue, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(venue.name())
}

/// What happened. Amounts are exact decimals, accounts are numbered as the members are.
#[derive(Clone, Debug, Serialize)]
#[serde(tag = "deed", rename_all = "snake_case")]
#[expect(missing_docs, reason = "the members say what they are")]
pub enum Deed {
    /// A connection was taken.
    Connected { conn: u64, endpoint: &'static str, transport: &'static str },
    /// A connection ended.
    Disconnected { conn: u64 },
    /// A request arrived over HTTP; what it says without signature.
    Request { endpoint: &'static str, method: String, path: String, query: String },
    /// A request, by its record's number, was answered.
    Answer { request: u64, status: u16 },
    /// A message arrived on a socket; without signatures.
    Message { conn: u64, text: String },
    /// An order was taken in.
    Order {
        order: u64,
        account: usize,
        board: Board,
        symbol: String,
        client_id: String,
        side: Side,
        tif: TimeInForce,
        price: Option<Amount>,
        qty: Amount,
        reduce_only: bool,
    },
    /// An order request was refused.
    Refused { account: usize, board: Board, symbol: String, client_id: String, why: Refused },
    /// A side of a trade.
    Fill(Fill),
    /// An order was changed.
    Amended { order: u64, client_id: String, price: Option<Amount>, qty: Amount },
    /// An order ended with a rest.
    Ended { order: u64, account: usize, board: Board, symbol: String, client_id: String, filled: Amount, why: Ending },
    /// A balance after a change.
    Balance { account: usize, asset: String, total: Amount, held: Amount },
    /// A position after a change.
    Position { account: usize, board: Board, symbol: String, qty: Amount, cost: Amount },
    /// A dead-man switch was set (0 = taken off) or fired.
    DeadMan { account: usize, after_ms: u64, fired: bool },
}

/// Why a request was refused.
#[derive(Clone, Debug, Serialize)]
pub struct Refused(pub(crate) Refusal);

impl Deed {
    /// An order as it was taken in.
    pub(crate) fn order(order: &Order) -> Self {
        Self::Order {
            order: order.id,
            account: order.account,
            board: order.board,
            symbol: order.symbol.clone(),
            client_id: order.client_id.clone(),
            side: order.side,
            tif: order.tif,
            price: order.price,
            qty: order.qty,
            reduce_only: order.reduce_only,
        }
    }

    /// An order that ended.
    pub(crate) fn ended(order: &Order, why: Ending) -> Self {
        Self::Ended {
            order: order.id,
            account: order.account,
            board: order.board,
            symbol: order.symbol.clone(),
            client_id: order.client_id.clone(),
            filled: order.filled,
            why,
        }
    }

    /// What a client said on a socket.
    pub(crate) fn message(conn: u64, text: &str) -> Self {
        let text = match serde_json::from_str::<Value>(text) {
            Ok(mut value) => {
                strip(&mut value);
                value.to_string()
            }
            Err(_) => text.chars().take(200).collect(),
        };
        Self::Message { conn, text }
    }
}

/// Whether a member proves who asks.
fn secret(key: &str) -> bool {
    ["signature", "sign", "apiKey", "passphrase", "secret", "auth", "listenKey"].contains(&key)
}

fn strip(value: &mut Value) {
    match value {
        Value::Object(map) => {
            map.retain(|key, _| !secret(key));
            map.values_mut().for_each(strip);
        }
        Value::Array(list) => list.iter_mut().for_each(strip),
        _ => {}
    }
}

/// A query without what proves who asks.
pub(crate) fn public(query: &str) -> String {
    let fits = |part: &&str| !secret(part.split('=').next().unwrap_or(""));
    query.split('&').filter(fits).collect::<Vec<_>>().join("&")
}

/// The records.
#[derive(Debug, Default)]
pub(crate) struct Ledger {
    records: VecDeque<Record>,
    next: u64,
}

impl Ledger {
    /// Writes a deed down; returns its number.
    pub(crate) fn note(&mut self, venue: Venue, at_ns: u64, deed: Deed) -> u64 {
        if self.records.len() == KEPT {
            self.records.pop_front();
        }
        let number = self.next;
        self.records.push_back(Record { number, at_ns, venue, deed });
        self.next += 1;
        number
    }

    /// Records from number `from` on.
    pub(crate) fn since(&self, from: u64) -> Vec<Record> {
        let first = self.records.front().map_or(0, |record| record.number);
        self.records.iter().skip(from.saturating_sub(first) as usize).cloned().collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_proves_who_asks_is_not_written_down() {
        let text = r#"{"op":"login","args":[{"apiKey":"k","sign":"s","passphrase":"p","timestamp":"1"}]}"#;
        let Deed::Message { text, .. } = Deed::message(1, text) else { panic!("a message") };
        assert_eq!(text, r#"{"args":[{"timestamp":"1"}],"op":"login"}"#);
        assert_eq!(public("symbol=BTCUSDT&signature=ab&timestamp=1"), "symbol=BTCUSDT&timestamp=1");
    }

    #[test]
    fn no_member_of_a_record_is_written_twice() {
        let fill = Fill {
            number: 9,
            trade: 5,
            order: 7,
            client_id: "a".to_owned(),
            account: 0,
            listing: 0,
            board: Board::OkxSpot,
            symbol: "BTC-USDT".to_owned(),
            side: Side::Buy,
            price: Amount::whole(2),
            qty: Amount::whole(3),
            cost: Amount::whole(6),
            fee: Amount::ZERO,
            fee_asset: "BTC".to_owned(),
            maker: false,
            profit: Amount::ZERO,
            at_ns: 8,
        };
        let record = Record { number: 4, at_ns: 8, venue: Venue::Okx, deed: Deed::Fill(fill) };
        let line = serde_json::to_string(&record).expect("plain data");
        for member in [r#""number":"#, r#""fill":9"#, r#""at_ns":"#, r#""venue_ns":"#] {
            assert_eq!(line.matches(member).count(), 1, "{member} in {line}");
        }
    }

    #[test]
    fn records_are_read_from_any_number_on() {
        let mut ledger = Ledger::default();
        for conn in 0..5 {
            ledger.note(Venue::Okx, 7, Deed::Disconnected { conn });
        }
        let numbers = |from| ledger.since(from).iter().map(|r| r.number).collect::<Vec<_>>();
        assert_eq!((numbers(3), numbers(9)), (vec![3, 4], vec![]));
        let line = serde_json::to_string(&ledger.since(4)[0]).expect("plain data");
        assert_eq!(line, r#"{"number":4,"at_ns":7,"venue":"okx","deed":"disconnected","conn":4}"#);
    }
}
