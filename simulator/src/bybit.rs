//! Bybit v5: subscribe and unsubscribe per request, the ping operation, argument limits; the private and order-entry
//! addresses with their authentication, and the same orders over HTTP.
//!
//! Rules: bybit-exchange.github.io v5 (ws/connect, public/orderbook, public/trade).

mod call;
mod encode;
mod entry;
mod holdings;
mod methods;
mod news;
mod proof;
pub(crate) mod rest;
mod session;
mod words;

use serde_json::Value;

use crate::config::Board;
use crate::desk::{Client, Close, Floor, Opening, Protocol, Rules};
use crate::exchange::Exchange;
use crate::exchange::event::Event;
use crate::feed::{Carries, Channel, Feed, Push};
use crate::market::Market;
use crate::market::book::Trade;
use crate::market::listing::Listing;
use crate::members::Member;
use crate::text::excerpt;

const SECOND: u64 = 1_000_000_000;
const MILLI: u64 = 1_000_000;
/// Characters of all arguments on one connection.
const ARG_CHARS_MAX: usize = 21_000;
/// Arguments of one subscribe request on spot.
const SPOT_ARGS_MAX: usize = 10;
const SPOT: u8 = 1;
const LINEAR: u8 = 2;
const PRIVATE: u8 = 3;
const TRADE: u8 = 4;

/// The protocol; the route of a connection tells what it serves.
pub(crate) struct Bybit {
    /// Who may log in.
    pub(crate) members: Vec<Member>,
}

impl Protocol for Bybit {
    fn rules(&self) -> Rules {
        Rules {
            connections: (500, 300 * SECOND),
            inbound: (0, 0),
            ping_every_ns: 0,
            pong_within_ns: 0,
            idle_ns: 600 * SECOND,
            idle_close: Close(1001, "idle"),
            lifetime_ns: 86_400 * SECOND,
            message_bytes_max: 64 << 10,
        }
    }

    fn streams(&self, listing: &Listing) -> Vec<(String, Channel)> {
        let route = if listing.board == Board::BybitSpot { SPOT } else { LINEAR };
        CHANNELS.iter().map(|&c| (key(route, &format!("{}.{}", c.name, listing.symbol)), c)).collect()
    }

    fn open(&self, path: &str, _query: &str) -> Result<Opening, u16> {
        let route = match path {
            "/v5/public/spot" => SPOT,
            "/v5/public/linear" => LINEAR,
            "/v5/private" => PRIVATE,
            "/v5/trade" => TRADE,
            _ => return Err(404),
        };
        Ok(Opening { route, ..Opening::default() })
    }

    fn on_text(&self, text: &str, now_ns: u64, client: &mut Client, floor: &mut Floor<'_>) -> Result<(), Close> {
        let request = serde_json::from_str::<Value>(text).unwrap_or_default();
        match client.route {
            PRIVATE => return session::on_private(&request, now_ns, client, &self.members),
            TRADE => {
                session::on_trade(&request, now_ns, client, floor, &self.members);
                return Ok(());
            }
            _ => {}
        }
        let op = request["op"].as_str().unwrap_or("");
        let outcome = match op {
            "ping" => Ok("pong"),
            "subscribe" => subscribe(&request, client, floor).map(|()| "subscribe"),
            "unsubscribe" => unsubscribe(&request, client, floor).map(|()| "unsubscribe"),
            _ => Err(format!("error:invalid op,op:{}", excerpt(op))),
        };
        let (success, message) = match &outcome {
            Ok(message) => (true, Value::from(*message)),
            Err(message) => (false, Value::from(message.as_str())),
        };
        let (conn, id) = (client.conn_id(), echo(&request));
        let shown = Value::from(excerpt(op));
        client.send(format!(
            r#"{{"success":{success},"ret_msg":{message},"conn_id":"{conn}","req_id":{id},"op":{shown}}}"#
        ));
        if op == "subscribe" && outcome.is_ok() {
            for topic in topics(&request).unwrap_or_default() {
                floor.join(&key(client.route, topic), client); // after the ack, as on the venue
            }
        }
        Ok(())
    }

    fn book(&self, feed: &Feed, listing: &Listing, push: &Push, _form: u8, now_ns: u64) -> String {
        encode::book(feed.channel, listing, push, now_ns)
    }

    fn trade(&self, feed: &Feed, listing: &Listing, trade: &Trade, _form: u8, now_ns: u64) -> String {
        encode::trade(feed.channel, listing, trade, now_ns)
    }

    fn news(&self, event: &Event, client: &mut Client, exchange: &Exchange, market: &Market) -> Vec<String> {
        if client.route != PRIVATE || client.member != Some(event.account) {
            return Vec::new();
        }
        news::told(event, client.topics.iter(), exchange, market)
    }

    fn guards(&self, client: &Client) -> Vec<Board> {
        let held = [("dcp.spot", Board::BybitSpot), ("dcp.future", Board::BybitLinear)];
        let private = client.route == PRIVATE;
        held.into_iter()
            .filter(|(topic, _)| private && client.topics.contains(*topic))
            .map(|(_, board)| board)
            .collect()
    }

    fn farewell(&self, _client: &Client, _now_ns: u64) -> Option<String> {
        None // short restarts are not announced
    }
}

/// Level 1 is snapshots only and is sent again after 3 s of quiet.
const CHANNELS: [Channel; 5] = [
    channel("publicTrade", Carries::Trades, 0, 0, 0),
    channel("orderbook.1", Carries::Whole, 1, 10 * MILLI, 3 * SECOND),
    channel("orderbook.50", Carries::Changes, 50, 20 * MILLI, 0),
    channel("orderbook.200", Carries::Changes, 200, 100 * MILLI, 0),
    channel("orderbook.1000", Carries::Changes, 1_000, 200 * MILLI, 0),
];

const fn channel(name: &'static str, carries: Carries, depth: usize, every_ns: u64, repeat_ns: u64) -> Channel {
    Channel { name, carries, depth, every_ns, repeat_ns, greets: depth > 0 }
}

fn key(route: u8, topic: &str) -> String {
    format!("{}/{topic}", if route == SPOT { "spot" } else { "linear" })
}

fn topics(request: &Value) -> Option<Vec<&str>> {
    request["args"].as_array()?.iter().map(Value::as_str).collect()
}

/// All or nothing: one bad topic refuses the request.
fn subscribe(request: &Value, client: &mut Client, floor: &Floor<'_>) -> Result<(), String> {
    let topics = topics(request).filter(|t| !t.is_empty()).ok_or("error:invalid args")?;
    if client.route == SPOT && topics.len() > SPOT_ARGS_MAX {
        return Err("args size >10".to_owned());
    }
    if let Some(unknown) = topics.iter().find(|topic| !floor.has(&key(client.route, topic))) {
        return Err(format!("error:handler not found,topic:{}", excerpt(unknown)));
    }
    let chars: usize = client.topics.iter().map(String::len).chain(topics.iter().map(|t| t.len())).sum();
    if chars > ARG_CHARS_MAX {
        return Err("error:args length exceeds 21000".to_owned());
    }
    if let Some(again) = topics.iter().find(|&&topic| client.topics.contains(topic)) {
        return Err(format!("error:already subscribed,topic:{again}"));
    }
    client.topics.extend(topics.iter().map(|&topic| topic.to_owned()));
    Ok(())
}

fn unsubscribe(request: &Value, client: &mut Client, floor: &mut Floor<'_>) -> Result<(), String> {
    for topic in topics(request).ok_or("error:invalid args")? {
        client.topics.remove(topic);
        floor.leave(&key(client.route, topic), client.id);
    }
    Ok(())
}

fn echo(request: &Value) -> Value {
    Value::from(excerpt(request["req_id"].as_str().unwrap_or("")))
}
