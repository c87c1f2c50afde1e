//! Bybit over HTTP, behind the limit of 600 requests per 5 s: time, instruments-info and orderbook for everybody, the
//! rest for members, whose limits are told in headers.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use axum::Router;
use axum::extract::{Query, State};
use axum::http::{HeaderMap, HeaderValue, Method as Verb, Uri};
use axum::response::Response;
use axum::routing::get;
use serde_json::Value;

use super::call::{self, Answer, Call, Problem, SPAN};
use super::methods::{self, Method};
use super::{encode, proof};
use crate::config::{Board, Endpoint, Venue};
use crate::fault::Place;
use crate::fault::verb::AnswerFault;
use crate::feed::{Kind, Push};
use crate::market::listing::Listing;
use crate::members::Member;
use crate::params::Params;
use crate::rest::{answered, json};
use crate::text::{put, unit};
use crate::window::Window;
use crate::world::World;

type Asked = Query<HashMap<String, String>>;

struct Room {
    world: Arc<World>,
    members: Vec<Member>,
    requests: Mutex<Window>,
}

/// What a member's request comes to.
struct Outcome {
    answer: Answer,
    /// A limit, and what is left of it.
    usage: Option<(u32, u32)>,
    fate: Option<(AnswerFault, u64)>,
}

/// The REST room.
pub(crate) fn router(world: Arc<World>, members: Vec<Member>) -> Router {
    let requests = Mutex::new(Window::new(600, 5_000_000_000));
    Router::new()
        .route("/v5/market/time", get(time))
        .route("/v5/market/instruments-info", get(instruments_info))
        .route("/v5/market/orderbook", get(orderbook))
        .fallback(trade)
        .with_state(Arc::new(Room { world, members, requests }))
}

/// Every request that a member must make.
async fn trade(State(room): State<Arc<Room>>, verb: Verb, uri: Uri, headers: HeaderMap, body: String) -> Response {
    let fits = |method: &&Method| method.verb == verb.as_str() && method.path == uri.path();
    let Some(method) = methods::ALL.iter().find(fits) else {
        return json(404, "404 page not found".to_owned());
    };
    if let Err(refusal) = room.admitted() {
        return *refusal;
    }
    let payload = if method.verb == "GET" { uri.query().unwrap_or("") } else { &body };
    let Outcome { answer, usage, fate } = room.obey(method, &headers, payload);
    let now_ms = room.world.venue_now(Venue::Bybit) / 1_000_000;
    let mut response = answered(fate, answer, Problem::unknown(), |answer| written(answer, now_ms)).await;
    for (name, value) in usage.into_iter().flat_map(|(limit, left)| told(limit, left, now_ms)) {
        response.headers_mut().insert(name, HeaderValue::from(value));
    }
    response
}

fn written(answer: &Answer, now_ms: u64) -> Response {
    let (code, message, result, beside) = call::parts(answer);
    json(
        200,
        format!(r#"{{"retCode":{code},"retMsg":{message},"result":{result},"retExtInfo":{beside},"time":{now_ms}}}"#),
    )
}

/// The headers of a limit.
fn told(limit: u32, left: u32, now_ms: u64) -> [(&'static str, u64); 3] {
    let reset_ms = if left > 0 { now_ms } else { now_ms + SPAN / 1_000_000 };
    [("X-Bapi-Limit", limit.into()), ("X-Bapi-Limit-Status", left.into()), ("X-Bapi-Limit-Reset-Timestamp", reset_ms)]
}

async fn time(State(room): State<Arc<Room>>) -> Response {
    let now_ns = room.world.venue_now(Venue::Bybit);
    room.limited(|| Ok(format!(r#"{{"timeSecond":"{}","timeNano":"{now_ns}"}}"#, now_ns / 1_000_000_000)))
}

async fn instruments_info(State(room): State<Arc<Room>>, Query(params): Asked) -> Response {
    room.limited(|| {
        let (category, board) = category(&params)?;
        let state = room.world.lock();
        let wanted = params.get("symbol");
        let all = (0..state.market.len()).map(|i| state.market.listing(i));
        let rows: Vec<_> = all
            .filter(|l| l.board == board && !l.gone && wanted.is_none_or(|w| *w == l.symbol))
            .map(instrument)
            .collect();
        let list = rows.join(",");
        Ok(format!(r#"{{"category":"{category}","list":[{list}],"nextPageCursor":""}}"#))
    })
}

async fn orderbook(State(room): State<Arc<Room>>, Query(params): Asked) -> Response {
    room.limited(|| {
        let (_, board) = category(&params)?;
        let symbol = params.get("symbol").ok_or("Missing some parameters that must be filled in, symbol")?;
        let default = if board == Board::BybitSpot { 1 } else { 25 };
        let depth =
            params.get("limit").map_or(Ok(default), |limit| limit.parse()).map_err(|_| "params error: limit")?;
        let answer = room.world.listed(board, symbol, |market, index| {
            let (book, listing) = (market.shown(index), market.listing(index));
            let (id, depth) = (book.id(), usize::clamp(depth, 1, 1_000));
            let (bids, asks, event_ns) = (book.bids(depth), book.asks(depth), book.changed_ns());
            let push = Push { kind: Kind::Snapshot, bids, asks, prev_id: id, id, count: 0, event_ns };
            let mut out = format!(r#"{{"s":"{}","#, listing.symbol);
            encode::sides(&mut out, listing, &push);
            let (ts, cts) = (market.now_ns() / 1_000_000, event_ns / 1_000_000);
            put!(&mut out, r#","ts":{ts},"u":{id},"seq":{id},"cts":{cts}}}"#);
            out
        });
        answer.ok_or("Not supported symbols")
    })
}

impl Room {
    /// Counts a request of the address; an error is the refusal.
    fn admitted(&self) -> Result<(), Box<Response>> {
        let allowed = self.requests.lock().unwrap_or_else(PoisonError::into_inner).allow(self.world.now_ns());
        let refusal = || json(403, r#"{"retCode":10006,"retMsg":"access too frequent"}"#.to_owned());
        if allowed { Ok(()) } else { Err(Box::new(refusal())) }
    }

    /// Finds out who asks and does what is asked.
    fn obey(&self, method: &Method, headers: &HeaderMap, payload: &str) -> Outcome {
        let (mut state, now_ns) = (self.world.lock(), self.world.now_ns());
        let refused = |problem| Outcome { answer: Err(problem), usage: None, fate: None };
        let Some((exchange, turn)) = state.trade(Venue::Bybit, now_ns) else { return refused(Problem::unknown()) };
        let proved = proof::judge(&self.members, headers, payload, turn.venue_ns / 1_000_000);
        let read = proved.and_then(|account| Ok((account, params(method.verb, payload)?)));
        let (account, params) = match read {
            Ok(read) => read,
            Err(problem) => return refused(problem),
        };
        let Some(Member { key, withdraws, .. }) = self.members.get(account) else { return refused(Problem::unknown()) };
        let place = Place { venue: Venue::Bybit, endpoint: Endpoint::A, conn: 0, topic: method.path, symbol: "" };
        let (params, withdraws, usage, fate) = (&params, *withdraws, None, None);
        let mut call = Call { account, params, exchange, turn, place, key, withdraws, usage, fate };
        let answer = method.run(&mut call);
        Outcome { answer, usage: call.usage, fate: call.fate }
    }

    fn limited(&self, answer: impl FnOnce() -> Result<String, &'static str>) -> Response {
        if let Err(refusal) = self.admitted() {
            return *refusal;
        }
        let (code, message, result) = match answer() {
            Ok(result) => (0, "OK", result),
            Err(message) => (10_001, message, "{}".to_owned()),
        };
        let time = self.world.venue_now(Venue::Bybit) / 1_000_000;
        let body =
            format!(r#"{{"retCode":{code},"retMsg":"{message}","result":{result},"retExtInfo":{{}},"time":{time}}}"#);
        json(200, body)
    }
}

/// The parameters of a request: those of the query, or those of the object that is its body.
fn params(verb: &str, payload: &str) -> Result<Params, Problem> {
    if verb == "GET" {
        return Ok(Params::of_query(payload));
    }
    let body: Value = serde_json::from_str(payload).map_err(|_| Problem::new(10_001, "Request parameter error."))?;
    Ok(Params::of_json(&body))
}

fn category(params: &HashMap<String, String>) -> Result<(&'static str, Board), &'static str> {
    match params.get("category").map(String::as_str) {
        Some("spot") => Ok(("spot", Board::BybitSpot)),
        Some("linear") => Ok(("linear", Board::BybitLinear)),
        _ => Err("params error: Category is invalid"),
    }
}

fn instrument(listing: &Listing) -> String {
    let Listing { symbol, base, quote, .. } = listing;
    let (tick, lot) = (unit(listing.px_dp), unit(listing.qty_dp));
    let status = listing.status_or("Trading");
    if listing.board == Board::BybitSpot {
        return format!(
            r#"{{"symbol":"{symbol}","baseCoin":"{base}","quoteCoin":"{quote}","innovation":"0","status":"{status}","marginTrading":"utaOnly","lotSizeFilter":{{"basePrecision":"{lot}","quotePrecision":"0.0000001","minOrderQty":"{lot}","minOrderAmt":"5","maxLimitOrderQty":"9000","maxMarketOrderQty":"4500"}},"priceFilter":{{"tickSize":"{tick}"}}}}"#
        );
    }
    format!(
        r#"{{"symbol":"{symbol}","contractType":"LinearPerpetual","status":"{status}","baseCoin":"{base}","quoteCoin":"{quote}","settleCoin":"{quote}","priceScale":"{}","priceFilter":{{"minPrice":"{tick}","maxPrice":"1999999","tickSize":"{tick}"}},"lotSizeFilter":{{"maxOrderQty":"9000","minOrderQty":"{lot}","qtyStep":"{lot}","postOnlyMaxOrderQty":"9000","maxMktOrderQty":"4500","minNotionalValue":"5"}},"isPreListing":false}}"#,
        listing.px_dp
    )
}
