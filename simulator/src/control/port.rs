//! The control port: faults in, ground truth out, for programs that are not in this process.
//!
//! `POST /faults` takes a script, `DELETE /faults?verb=&venue=` takes faults back (all without a filter),
//! `GET /state` shows addresses, connections and faults, `GET /books/<venue>/<symbol>` a book, `GET /ledger` what happened,
//! `GET /ledger/polymarket` what happened there, `GET /ca.pem`
//! the authority of the certificates.

use std::collections::HashMap;
use std::sync::Arc;

use axum::Router;
use axum::extract::{Path, Query, State};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use serde_json::{Value, json};

use crate::config::Venue;
use crate::control::Control;
use crate::fault::script::{self, Injection, Target};
use crate::fault::verb::Verb;
use crate::market::book::Level;
use crate::rest;
use crate::simulator::Address;
use crate::text::plain;

/// What the port needs to answer.
pub(crate) struct Port {
    pub(crate) control: Control,
    pub(crate) addresses: Vec<Address>,
    pub(crate) ca_pem: Option<String>,
}

/// The control port's router.
pub(crate) fn router(port: Port) -> Router {
    Router::new()
        .route("/faults", post(inject).delete(take_back).get(faults))
        .route("/state", get(state))
        .route("/books/{venue}/{symbol}", get(book))
        .route("/ledger", get(ledger))
        .route("/ledger/polymarket", get(polymarket_ledger))
        .route("/ca.pem", get(authority))
        .with_state(Arc::new(port))
}

/// All or nothing in what is understood; an entry that misses is named with what came before it in force.
async fn inject(State(port): State<Arc<Port>>, body: String) -> Response {
    let entries = match script::parse(&body) {
        Ok(entries) => entries,
        Err(why) => return refused(&why),
    };
    let mut touched = Vec::new();
    for (place, entry) in entries.into_iter().enumerate() {
        match port.control.apply(entry) {
            Ok(count) => touched.push(count),
            Err(why) => return refused(&format!("entry {place}: {why}")),
        }
    }
    rest::json(200, json!({ "touched": touched }).to_string())
}

fn refused(why: &str) -> Response {
    rest::json(400, json!({ "error": why }).to_string())
}

async fn take_back(State(port): State<Arc<Port>>, Query(query): Query<HashMap<String, String>>) -> Response {
    if let Some(key) = query.keys().find(|key| !["verb", "venue"].contains(&key.as_str())) {
        return refused(&format!("unknown key `{key}`"));
    }
    let venue = match query.get("venue").map(|name| Venue::named(name).ok_or(name)) {
        Some(Err(name)) => return refused(&format!("unknown venue `{name}`")),
        Some(Ok(venue)) => Some(venue),
        None => None,
    };
    let fits = |verb: &Verb, target: &Target| {
        venue.is_none_or(|venue| target.venue == Some(venue))
            && query.get("verb").is_none_or(|name| verb.name() == *name)
    };
    rest::json(200, json!({ "taken_back": port.control.take_back(fits) }).to_string())
}

async fn faults(State(port): State<Arc<Port>>) -> Response {
    let state = port.control.world.lock();
    let armed = state.faults.armed.iter().map(|a| shown(a.id, &a.verb, &a.target, a.until_ns));
    rest::json(200, Value::from_iter(armed).to_string())
}

async fn state(State(port): State<Arc<Port>>) -> Response {
    let world = &port.control.world;
    let now_ns = world.now_ns();
    let state = world.lock();
    let addresses = port
        .addresses
        .iter()
        .map(|a| json!({ "venue": a.venue.name(), "endpoint": a.endpoint.name(), "ws": a.ws, "rest": a.rest }));
    let links = state.faults.links.iter().map(|(conn, link)| {
        let client = state.desks.iter().find(|d| d.venue == link.venue).and_then(|d| d.clients.get(conn));
        json!({
            "conn": conn, "venue": link.venue.name(), "endpoint": link.endpoint.name(),
            "transport": if link.socket { "ws" } else { "rest" },
            "age_ms": now_ns.saturating_sub(link.opened_ns) / 1_000_000,
            "topics": client.map(|client| &client.topics),
        })
    });
    let clocks =
        Venue::ALL.map(|venue| (venue.name().to_owned(), Value::from(state.faults.skew_ns(venue, now_ns) / 1_000_000)));
    let body = json!({
        "now_ms": now_ns / 1_000_000,
        "paused": state.paused,
        "addresses": Value::from_iter(addresses),
        "connections": Value::from_iter(links),
        "clocks_ahead_ms": Value::from_iter(clocks),
        "faults": Value::from_iter(state.faults.armed.iter().map(|a| shown(a.id, &a.verb, &a.target, a.until_ns))),
        "waiting": Value::from_iter(state.faults.waiting().map(|i: &Injection| shown(0, &i.verb, &i.target, None))),
    });
    rest::json(200, body.to_string())
}

fn shown(id: u64, verb: &Verb, target: &Target, until_ns: Option<u64>) -> Value {
    json!({
        "id": id, "verb": verb.name(), "parameters": serde_json::to_value(verb).unwrap_or_default()[verb.name()],
        "venue": target.venue.map(Venue::name), "endpoint": target.endpoint.map(crate::config::Endpoint::name),
        "conn": target.conn, "topic": target.topic, "symbol": target.symbol,
        "until_ms": until_ns.map(|ns| ns / 1_000_000),
    })
}

async fn book(State(port): State<Arc<Port>>, Path((venue, symbol)): Path<(String, String)>) -> Response {
    let Some(venue) = Venue::named(&venue) else { return refused(&format!("unknown venue `{venue}`")) };
    let state = port.control.world.lock();
    let found = venue.boards().iter().filter_map(|&board| state.market.find(board, &symbol));
    let books = found.map(|index| {
        let (book, listing) = (state.market.book(index), state.market.listing(index));
        let side = |levels: Vec<Level>| -> Value {
            let texts = levels
                .into_iter()
                .map(|(px, qty)| [plain(px, listing.px_dp).to_string(), plain(qty, listing.qty_dp).to_string()]);
            texts.map(|level| json!(level)).collect()
        };
        let (bids, asks) = (side(book.bids(usize::MAX)), side(book.asks(usize::MAX)));
        json!({
            "board": format!("{:?}", listing.board), "symbol": listing.symbol, "id": book.id(),
            "changed_ms": book.changed_ns() / 1_000_000, "bids": bids, "asks": asks,
        })
    });
    match Value::from_iter(books) {
        Value::Array(books) if books.is_empty() => refused(&format!("no instrument `{symbol}` there")),
        books => rest::json(200, books.to_string()),
    }
}

/// What happened at every venue, one record a line, from `?from=` on.
async fn ledger(State(port): State<Arc<Port>>, Query(query): Query<HashMap<String, String>>) -> Response {
    let from = query.get("from").map_or(Ok(0), |text| text.parse());
    let Ok(from) = from else { return refused("`from` is not a whole number from 0") };
    let records = port.control.world.lock().ledger.since(from);
    let lines = records.iter().filter_map(|record| serde_json::to_string(record).ok());
    lines.map(|line| line + "\n").collect::<String>().into_response()
}

/// One entry a line, from `?from=` on.
async fn polymarket_ledger(State(port): State<Arc<Port>>, Query(query): Query<HashMap<String, String>>) -> Response {
    let from = query.get("from").map_or(Ok(0), |text| text.parse());
    let Ok(from) = from else { return refused("`from` is not a whole number from 0") };
    let entries = port.control.world.house.ledger(from);
    let lines = entries.iter().filter_map(|entry| serde_json::to_string(entry).ok());
    lines.map(|line| line + "\n").collect::<String>().into_response()
}

async fn authority(State(port): State<Arc<Port>>) -> Response {
    match &port.ca_pem {
        Some(pem) => pem.clone().into_response(),
        None => rest::json(404, json!({ "error": "this simulator serves no TLS" }).to_string()),
    }
}
