//! OKX v5: subscribe and unsubscribe with an ack per argument, errors, text heartbeat; the private address with its
//! login and order operations, and the same over HTTP.
//!
//! Rules: www.okx.com/docs-v5 (connect, subscribe, order book channel, error codes of WebSocket).

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

/// Route of the private address.
const PRIVATE: u8 = 1;

/// The protocol.
pub(crate) struct Okx {
    /// Who may log in.
    pub(crate) members: Vec<Member>,
}

impl Protocol for Okx {
    fn rules(&self) -> Rules {
        Rules {
            connections: (3, SECOND),
            inbound: (0, 0),
            ping_every_ns: 0,
            pong_within_ns: 0,
            idle_ns: 30 * SECOND,
            idle_close: Close(4004, "No data received in 30s."),
            lifetime_ns: 86_400 * SECOND,
            message_bytes_max: 64 << 10,
        }
    }

    fn streams(&self, listing: &Listing) -> Vec<(String, Channel)> {
        CHANNELS.iter().map(|&channel| (key(channel.name, &listing.symbol), channel)).collect()
    }

    fn open(&self, path: &str, _query: &str) -> Result<Opening, u16> {
        match path {
            "/ws/v5/public" => Ok(Opening::default()),
            "/ws/v5/private" => Ok(Opening { route: PRIVATE, ..Opening::default() }),
            _ => Err(404),
        }
    }

    fn on_text(&self, text: &str, now_ns: u64, client: &mut Client, floor: &mut Floor<'_>) -> Result<(), Close> {
        if text == "ping" {
            client.send("pong");
            return Ok(());
        }
        let request = serde_json::from_str::<Value>(text).unwrap_or_default();
        if client.route == PRIVATE {
            if ["login", "subscribe", "unsubscribe"].map(Some).contains(&request["op"].as_str())
                && !client.requests.allow(now_ns)
            {
                refuse(client, &request, "60014", "Requests too frequent.");
                return Ok(());
            }
            return session::on_request(&request, now_ns, client, floor, &self.members);
        }
        let op = request["op"].as_str();
        let (Some(op @ ("subscribe" | "unsubscribe")), Some(args)) = (op, request["args"].as_array()) else {
            refuse(client, &request, "60012", &format!("Invalid request: {}", excerpt(text)));
            return Ok(());
        };
        if !client.requests.allow(now_ns) {
            refuse(client, &request, "60014", "Requests too frequent.");
            return Ok(());
        }
        for arg in args {
            obey(op, arg, &request, client, floor);
        }
        Ok(())
    }

    fn book(&self, feed: &Feed, listing: &Listing, push: &Push, _form: u8, _now_ns: u64) -> String {
        encode::book(feed.channel, listing, push)
    }

    fn trade(&self, feed: &Feed, listing: &Listing, trade: &Trade, _form: u8, _now_ns: u64) -> String {
        encode::trade(feed.channel, listing, trade)
    }

    fn news(&self, event: &Event, client: &mut Client, exchange: &Exchange, market: &Market) -> Vec<String> {
        if client.route != PRIVATE || client.member != Some(event.account) {
            return Vec::new();
        }
        news::told(event, client.topics.iter(), exchange, market)
    }

    fn farewell(&self, client: &Client, _now_ns: u64) -> Option<String> {
        let (message, id) =
            ("The connection will soon be closed for a service upgrade. Please reconnect.", client.conn_id());
        Some(format!(r#"{{"event":"notice","code":"64008","msg":"{message}","connId":"{id}"}}"#))
    }
}

/// In the order in which one connection gets them.
const CHANNELS: [Channel; 4] = [
    channel("trades", Carries::Trades, 0, 0, 0),
    channel("bbo-tbt", Carries::Whole, 1, 10 * MILLI, 0),
    channel("books", Carries::Changes, 400, 100 * MILLI, 60 * SECOND),
    channel("books5", Carries::Whole, 5, 100 * MILLI, 0),
];

const fn channel(name: &'static str, carries: Carries, depth: usize, every_ns: u64, repeat_ns: u64) -> Channel {
    Channel { name, carries, depth, every_ns, repeat_ns, greets: depth > 0 }
}

fn key(channel: &str, symbol: &str) -> String {
    format!("{channel}:{symbol}")
}

fn obey(op: &str, arg: &Value, request: &Value, client: &mut Client, floor: &mut Floor<'_>) {
    let (Some(channel), Some(symbol)) = (arg["channel"].as_str(), arg["instId"].as_str()) else {
        refuse(client, request, "60012", &format!("Invalid request: {}", excerpt(&arg.to_string())));
        return;
    };
    let topic = key(channel, symbol);
    if !floor.has(&topic) {
        let reason = "Please use the correct URL, channel and parameters referring to API document.";
        let (channel, symbol) = (excerpt(channel), excerpt(symbol));
        let message = format!("Wrong URL or channel:{channel},instId:{symbol} doesn't exist. {reason}");
        refuse(client, request, "60018", &message);
        return;
    }
    let arg = format!(r#"{{"channel":"{channel}","instId":"{symbol}"}}"#);
    let (id, conn) = (echo(request), client.conn_id());
    client.send(format!(r#"{{{id}"event":"{op}","arg":{arg},"connId":"{conn}"}}"#));
    if op == "subscribe" {
        client.topics.insert(topic.clone());
        floor.join(&topic, client);
    } else {
        client.topics.remove(&topic);
        floor.leave(&topic, client.id);
    }
}

fn refuse(client: &mut Client, request: &Value, code: &str, message: &str) {
    let (id, message, conn) = (echo(request), Value::from(message), client.conn_id());
    client.send(format!(r#"{{{id}"event":"error","code":"{code}","msg":{message},"connId":"{conn}"}}"#));
}

/// The request's id (up to 32 letters and digits) as the answer's first member, or nothing.
fn echo(request: &Value) -> String {
    let id = request["id"].as_str().filter(|id| id.len() <= 32 && id.bytes().all(|b| b.is_ascii_alphanumeric()));
    id.map(|id| format!(r#""id":"{id}","#)).unwrap_or_default()
}
