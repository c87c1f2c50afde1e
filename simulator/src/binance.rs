//! Binance spot and USD-M futures: addresses, SUBSCRIBE requests, acks and the connection rules; the WebSocket API
//! and private streams beside them.
//!
//! Rules: binance-spot-api-docs web-socket-streams.md; USD-M websocket-market-streams (routes `/public`, `/market`,
//! `/private`).

mod batch;
mod call;
mod catalogue;
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

use crate::config::Venue;
use crate::desk::{Client, Close, Floor, Opening, Protocol, Rules};
use crate::exchange::Exchange;
use crate::exchange::event::{Event, News};
use crate::feed::{Carries, Channel, Feed, Push};
use crate::market::Market;
use crate::market::book::Trade;
use crate::market::listing::Listing;
use crate::members::Member;
use crate::text::excerpt;

const SECOND: u64 = 1_000_000_000;
/// Streams per connection.
const STREAMS_MAX: usize = 1_024;
/// Form of a connection opened with `/stream`: messages carry their stream's name.
const COMBINED: u8 = 1;
const PUBLIC: u8 = 1;
const MARKET: u8 = 2;
/// The WebSocket API.
const API: u8 = 3;
/// Futures user data.
const PRIVATE: u8 = 4;
/// What the topic of a private stream begins with; its key follows.
const KEYED: &str = "user:";

/// Request weight per minute and address.
const fn weight_limit(usdm: bool) -> u64 {
    if usdm { 2_400 } else { 6_000 }
}

/// The protocol of one of the two.
pub(crate) struct Binance {
    /// USD-M futures; else spot.
    pub(crate) usdm: bool,
    /// Who may trade.
    pub(crate) members: Vec<Member>,
}

impl Protocol for Binance {
    fn rules(&self) -> Rules {
        let (inbound, ping_s, pong_s) = if self.usdm { (10, 180, 600) } else { (5, 20, 60) };
        Rules {
            connections: (300, 300 * SECOND),
            inbound: (inbound, SECOND),
            ping_every_ns: ping_s * SECOND,
            pong_within_ns: pong_s * SECOND,
            idle_ns: 0,
            idle_close: Close(1008, "idle"),
            lifetime_ns: 86_400 * SECOND,
            message_bytes_max: 64 << 10,
        }
    }

    fn streams(&self, listing: &Listing) -> Vec<(String, Channel)> {
        let name = listing.symbol.to_lowercase();
        channels(self.usdm).map(|channel| (format!("{name}@{}", channel.name), channel)).collect()
    }

    fn open(&self, path: &str, query: &str) -> Result<Opening, u16> {
        if path == if self.usdm { "/ws-fapi/v1" } else { "/ws-api/v3" } {
            return Ok(Opening { route: API, by_weight: true, ..Opening::default() });
        }
        let (route, rest) = self.route(path);
        if route == PRIVATE {
            return private(rest, query).ok_or(404);
        }
        let route = if route == 0 || self.usdm { route } else { return Err(404) };
        let (form, names) = match rest {
            "/stream" => (COMBINED, query.split('&').find_map(|part| part.strip_prefix("streams=")).unwrap_or("")),
            "/ws" => (0, ""),
            _ => (0, rest.strip_prefix("/ws/").ok_or(404u16)?),
        };
        let topics: Vec<_> = names.split('/').filter(|name| !name.is_empty()).map(str::to_owned).collect();
        // a name without a channel is no stream and no error: clients open `/ws/anything` and subscribe later
        let fine = topics.len() <= STREAMS_MAX && topics.iter().all(|name| well_formed(name) || !name.contains('@'));
        if fine { Ok(Opening { form, route, topics: self.routed(route, topics), by_weight: false }) } else { Err(400) }
    }

    fn on_text(&self, text: &str, _now_ns: u64, client: &mut Client, floor: &mut Floor<'_>) -> Result<(), Close> {
        if client.route == API {
            session::on_text(self, text, client, floor);
            return Ok(());
        }
        let Ok(request) = serde_json::from_str::<Value>(text) else {
            client.send(self.error(3, "Invalid JSON: expected value at line 1 column 1", &Value::Null));
            return Ok(());
        };
        let id = &request["id"];
        if !(id.is_i64() || id.is_u64() || id.is_null() || id.as_str().is_some_and(|id| id.len() <= 36)) {
            client.send(self.error(2, "Invalid request: id must be an integer, a short string or null", &Value::Null));
            return Ok(());
        }
        let answer = match self.obey(&request, client, floor) {
            Ok(result) => format!(r#"{{"result":{result},"id":{id}}}"#),
            Err(reason) => self.error(2, &format!("Invalid request: {reason}"), id),
        };
        client.send(answer);
        if client.topics.len() > STREAMS_MAX { Err(Close(1008, "Too many streams")) } else { Ok(()) }
    }

    fn book(&self, feed: &Feed, listing: &Listing, push: &Push, form: u8, now_ns: u64) -> String {
        wrap(feed, form, |out| encode::book(out, feed.channel, listing, push, self.usdm, now_ns))
    }

    fn trade(&self, feed: &Feed, listing: &Listing, trade: &Trade, form: u8, now_ns: u64) -> String {
        wrap(feed, form, |out| encode::trade(out, listing, trade, self.usdm, now_ns))
    }

    fn news(&self, event: &Event, client: &mut Client, exchange: &Exchange, market: &Market) -> Vec<String> {
        match client.route {
            API if !self.usdm => told(event, client),
            PRIVATE => {
                let Some(key) = client.topics.iter().find_map(|topic| topic.strip_prefix(KEYED)) else {
                    return Vec::new();
                };
                let meant = match &event.news {
                    News::Ended(Some(ended)) => ended == key,
                    // the key has gone with its stream, so nobody knows any more whose it was
                    News::Ended(None) => event.account == 0,
                    _ => exchange.stream_of(key) == Some(event.account),
                };
                if meant { news::usdm(event, key, market) } else { Vec::new() }
            }
            _ => Vec::new(),
        }
    }

    fn farewell(&self, client: &Client, now_ns: u64) -> Option<String> {
        let event = format!(r#"{{"e":"serverShutdown","E":{}}}"#, now_ns / 1_000_000);
        let combined = client.form == COMBINED;
        Some(if combined { format!(r#"{{"stream":"!serverShutdown","data":{event}}}"#) } else { event })
    }
}

impl Binance {
    fn route<'a>(&self, path: &'a str) -> (u8, &'a str) {
        let stripped = |prefix, route| path.strip_prefix(prefix).map(|rest| (route, rest));
        let routes = [("/public", PUBLIC), ("/market", MARKET), ("/private", PRIVATE)];
        routes.into_iter().find_map(|(prefix, route)| stripped(prefix, route)).unwrap_or((0, path))
    }

    const fn venue(&self) -> Venue {
        if self.usdm { Venue::BinanceUsdm } else { Venue::BinanceSpot }
    }

    /// USD-M serves book data on `/public` (and on the retired addresses without a route) and trades on
    /// `/market`; a stream asked for on the wrong route is accepted and stays silent.
    fn routed(&self, route: u8, names: Vec<String>) -> Vec<String> {
        if !self.usdm {
            return names;
        }
        let silent = |name: &str| name.contains("@aggTrade") != (route == MARKET);
        names.into_iter().map(|name| if silent(&name) { format!("{name}#silent") } else { name }).collect()
    }

    fn obey(&self, request: &Value, client: &mut Client, floor: &mut Floor<'_>) -> Result<String, String> {
        match request["method"].as_str() {
            Some("SUBSCRIBE") => {
                for name in self.names(request, client.route)? {
                    client.topics.insert(name.clone());
                    floor.join(&name, client);
                }
                Ok("null".to_owned())
            }
            Some("UNSUBSCRIBE") => {
                for name in self.names(request, client.route)? {
                    client.topics.remove(&name);
                    floor.leave(&name, client.id);
                }
                Ok("null".to_owned())
            }
            Some("LIST_SUBSCRIPTIONS") => {
                let names: Vec<_> = client.topics.iter().map(|name| name.trim_end_matches("#silent")).collect();
                serde_json::to_string(&names).map_err(|e| e.to_string())
            }
            Some(other) => Err(format!("unknown variant `{}`", excerpt(other))),
            None => Err("missing field `method`".to_owned()),
        }
    }

    fn names(&self, request: &Value, route: u8) -> Result<Vec<String>, String> {
        let params = request["params"].as_array().ok_or("params must be an array of streams")?;
        let names: Option<Vec<_>> = params.iter().map(|name| name.as_str().map(str::to_owned)).collect();
        let names = names.filter(|names| names.iter().all(|name| well_formed(name))).ok_or("invalid stream")?;
        Ok(self.routed(route, names))
    }

    fn error(&self, code: i32, message: &str, id: &Value) -> String {
        let message = Value::from(message);
        if self.usdm {
            format!(r#"{{"code":{code},"msg":{message},"id":{id}}}"#)
        } else {
            format!(r#"{{"error":{{"code":{code},"msg":{message}}},"id":{id}}}"#)
        }
    }
}

/// The private stream that an address asks for: `/ws/<key>`, or the key in the query.
fn private(rest: &str, query: &str) -> Option<Opening> {
    let (form, path_key) = match rest.split_once('/')?.1.split_once('/') {
        Some(("ws", key)) => (0, Some(key)),
        _ if rest == "/ws" => (0, None),
        _ if rest == "/stream" => (COMBINED, None),
        _ => return None,
    };
    let named = |name: &str| query.split('&').find_map(|pair| pair.strip_prefix(name));
    let key = path_key.or_else(|| named("listenKey=")).or_else(|| named("streams="))?;
    let topics = vec![format!("{KEYED}{key}")];
    Some(Opening { form, route: PRIVATE, topics, by_weight: false })
}

/// What a spot socket is told: every subscription gets the news of its account, and ends with its stream.
fn told(event: &Event, client: &mut Client) -> Vec<String> {
    let ids: Vec<u64> =
        client.audience.iter().filter(|(_, account)| **account == event.account).map(|(id, _)| *id).collect();
    let ended = matches!(event.news, News::Ended(_));
    let mut texts = Vec::new();
    for id in ids {
        let envelope = |text: String| format!(r#"{{"subscriptionId":{id},"event":{text}}}"#);
        texts.extend(news::spot(event).into_iter().map(envelope));
        if ended {
            client.audience.remove(&id);
        }
    }
    texts
}

fn well_formed(name: &str) -> bool {
    let (symbol, channel) = name.split_once('@').unwrap_or((name, ""));
    !channel.is_empty() && symbol.len() <= 64 && channel.len() <= 64 && !symbol.chars().any(char::is_uppercase)
}

fn wrap(feed: &Feed, form: u8, write: impl FnOnce(&mut String)) -> String {
    let mut out = String::with_capacity(512);
    if form != COMBINED {
        write(&mut out);
        return out;
    }
    out.extend([r#"{"stream":""#, &feed.key, r#"","data":"#]);
    write(&mut out);
    out.push('}');
    out
}

fn channels(usdm: bool) -> impl Iterator<Item = Channel> {
    let spot: &[(&str, Carries, usize, u64)] = &[
        ("trade", Carries::Trades, 0, 0),
        ("bookTicker", Carries::Whole, 1, 0),
        ("depth@100ms", Carries::Changes, usize::MAX, 100),
        ("depth", Carries::Changes, usize::MAX, 1_000),
        ("depth5@100ms", Carries::Whole, 5, 100),
        ("depth10@100ms", Carries::Whole, 10, 100),
        ("depth20@100ms", Carries::Whole, 20, 100),
        ("depth5", Carries::Whole, 5, 1_000),
        ("depth10", Carries::Whole, 10, 1_000),
        ("depth20", Carries::Whole, 20, 1_000),
    ];
    let futures: &[(&str, Carries, usize, u64)] = &[
        ("aggTrade", Carries::Trades, 0, 0),
        ("bookTicker", Carries::Whole, 1, 0),
        ("depth@100ms", Carries::Changes, usize::MAX, 100),
        ("depth", Carries::Changes, usize::MAX, 250),
        ("depth@500ms", Carries::Changes, usize::MAX, 500),
    ];
    let table = if usdm { futures } else { spot };
    table.iter().map(|&(name, carries, depth, every_ms)| Channel {
        name,
        carries,
        depth,
        every_ns: every_ms * 1_000_000,
        repeat_ns: 0,
        greets: false,
    })
}
