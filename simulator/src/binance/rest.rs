//! Binance over HTTP: time, exchangeInfo and depth for everybody, the rest for members; request weight counted per
//! clock minute and enforced.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::{Query, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method as Verb, Uri};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use tokio::time::sleep;

use super::call::{Answer, Call, Params, Problem};
use super::catalogue::catalogue;
use super::methods::{self, Method, Proof};
use super::{encode, proof, weight_limit};
use crate::amount::Amount;
use crate::config::{Board, Venue};
use crate::exchange::meter::Charge;
use crate::exchange::rules::BoardRules;
use crate::fault::Place;
use crate::fault::verb::AnswerFault;
use crate::feed::{Kind, Push};
use crate::market::book::Book;
use crate::market::listing::Listing;
use crate::members::Member;
use crate::rest::json;
use crate::world::World;

type Asked = Query<HashMap<String, String>>;

struct Room {
    usdm: bool,
    world: Arc<World>,
    members: Vec<Member>,
}

/// What a member's request comes to.
struct Outcome {
    answer: Answer,
    /// Names and values of headers.
    counts: Vec<(String, usize)>,
    fate: Option<(AnswerFault, u64)>,
    used: u64,
}

/// The REST room of spot or USD-M.
pub(crate) fn router(usdm: bool, world: Arc<World>, members: Vec<Member>) -> Router {
    let base = if usdm { "/fapi/v1" } else { "/api/v3" };
    Router::new()
        .route(&format!("{base}/time"), get(time))
        .route(&format!("{base}/ping"), get(ping))
        .route(&format!("{base}/exchangeInfo"), get(exchange_info))
        .route(&format!("{base}/depth"), get(depth))
        .fallback(trade)
        .with_state(Arc::new(Room { usdm, world, members }))
}

/// Every request that a member must make.
async fn trade(State(room): State<Arc<Room>>, verb: Verb, uri: Uri, headers: HeaderMap, body: String) -> Response {
    let fits = |method: &&Method| method.verb == verb.as_str() && method.path == uri.path();
    let Some(method) = methods::all(room.usdm).iter().find(|method| !method.path.is_empty() && fits(method)) else {
        return (axum::http::StatusCode::NOT_FOUND, "<html><body><h2>404 Not found</h2></body></html>").into_response();
    };
    let query = uri.query().unwrap_or("");
    let params = proof::http_params(query, &body);
    let weight = method.weight(&params);
    if let Err(refusal) = room.charge(weight) {
        return *refusal;
    }
    let payload = proof::http_payload(query, &body);
    let key = headers.get("X-MBX-APIKEY").and_then(|key| key.to_str().ok());
    let outcome = room.obey(method, key, &params, &payload);
    let late = match outcome.fate {
        Some((AnswerFault::Drop, _)) => std::future::pending().await,
        Some((AnswerFault::Late, late_ns)) => Duration::from_nanos(late_ns),
        _ => Duration::ZERO,
    };
    if !late.is_zero() {
        sleep(late).await;
    }
    let answer = match outcome.fate {
        Some((AnswerFault::Error, _)) => Err(Problem::unknown()),
        _ => outcome.answer,
    };
    let mut response = match answer {
        Ok(body) => json(200, body),
        Err(problem) => json(problem.status, problem.json()),
    };
    let header = |name: String| HeaderName::from_bytes(name.as_bytes()).ok();
    for (window, count) in outcome.counts {
        if let Some(name) = header(format!("x-mbx-order-count-{}", window.to_lowercase())) {
            response.headers_mut().insert(name, HeaderValue::from(count));
        }
    }
    response.headers_mut().insert("X-MBX-USED-WEIGHT-1M", HeaderValue::from(outcome.used));
    response
}

async fn ping(State(room): State<Arc<Room>>) -> Response {
    room.charged(1, || Ok("{}".to_owned()))
}

async fn time(State(room): State<Arc<Room>>) -> Response {
    room.charged(1, || Ok(format!(r#"{{"serverTime":{}}}"#, room.world.venue_now(room.venue()) / 1_000_000)))
}

async fn exchange_info(State(room): State<Arc<Room>>, Query(params): Asked) -> Response {
    room.charged(if room.usdm { 1 } else { 20 }, || {
        let listings = room.listings(params.get("symbol").map(String::as_str));
        if listings.is_empty() {
            return Err((-1121, "Invalid symbol.".to_owned()));
        }
        Ok(catalogue(&listings, &BoardRules::of(room.board()), room.usdm, room.world.venue_now(room.venue())))
    })
}

async fn depth(State(room): State<Arc<Room>>, Query(params): Asked) -> Response {
    let limit = params.get("limit").map_or(if room.usdm { "500" } else { "100" }, String::as_str);
    let (weight, levels) = limit_of(limit, room.usdm);
    room.charged(weight, || {
        let levels = levels.ok_or_else(|| bad_limit(limit, room.usdm))?;
        let symbol = params.get("symbol").filter(|symbol| !symbol.is_empty());
        let mandatory = "Mandatory parameter 'symbol' was not sent, was empty/null, or malformed.";
        let symbol = symbol.ok_or((-1102, mandatory.to_owned()))?;
        let answer = room.world.listed(room.board(), symbol, |market, index| {
            let mut out = String::new();
            let push = view(market.shown(index), levels);
            encode::snapshot(&mut out, market.listing(index), &push, room.usdm, market.now_ns());
            out
        });
        answer.ok_or((-1121, "Invalid symbol.".to_owned()))
    })
}

impl Room {
    const fn venue(&self) -> Venue {
        if self.usdm { Venue::BinanceUsdm } else { Venue::BinanceSpot }
    }

    const fn board(&self) -> Board {
        if self.usdm { Board::BinanceUsdm } else { Board::BinanceSpot }
    }

    /// What is listed, with its smallest notional.
    fn listings(&self, symbol: Option<&str>) -> Vec<(Listing, Amount)> {
        let state = self.world.lock();
        let all = (0..state.market.len()).map(|i| state.market.listing(i));
        let shown = all.filter(|l| l.board == self.board() && !l.gone && symbol.is_none_or(|s| s == l.symbol));
        let usual = BoardRules::of(self.board()).min_notional;
        let least = |listing: &Listing| {
            let place = Place { symbol: &listing.symbol, ..self.place() };
            state.faults.twist(&place).min_notional.unwrap_or(usual)
        };
        shown.map(|listing| (listing.clone(), least(listing))).collect()
    }

    const fn place(&self) -> Place<'static> {
        Place { venue: self.venue(), endpoint: crate::config::Endpoint::A, conn: 0, topic: "", symbol: "" }
    }

    /// Charges a request's weight; an error is the refusal.
    fn charge(&self, weight: u64) -> Result<u64, Box<Response>> {
        let (mut state, now_ns) = (self.world.lock(), self.world.now_ns());
        let Some((exchange, _)) = state.trade(self.venue(), now_ns) else { return Ok(0) };
        match exchange.meter.charge(weight, weight_limit(self.usdm), now_ns) {
            Charge::Fine(used) => Ok(used),
            Charge::Limited { status, retry_s, used } => {
                let body = r#"{"code":-1003,"msg":"Too much request weight used; please use WebSocket Streams for live updates to avoid polling the API."}"#;
                let mut response = json(status, body.to_owned());
                response.headers_mut().insert("Retry-After", HeaderValue::from(retry_s));
                response.headers_mut().insert("X-MBX-USED-WEIGHT-1M", HeaderValue::from(used));
                Err(Box::new(response))
            }
        }
    }

    /// Charges the weight, then answers; a refused request is charged too.
    fn charged(&self, weight: u64, answer: impl FnOnce() -> Result<String, (i32, String)>) -> Response {
        let used = match self.charge(weight) {
            Ok(used) => used,
            Err(refusal) => return *refusal,
        };
        let error = |(code, message): (i32, String)| json(400, Problem::new(code, message).json());
        let mut response = answer().map_or_else(error, |body| json(200, body));
        response.headers_mut().insert("X-MBX-USED-WEIGHT-1M", HeaderValue::from(used));
        response
    }

    /// Finds out who asks and does what is asked.
    fn obey(&self, method: &Method, key: Option<&str>, params: &Params, payload: &str) -> Outcome {
        let (mut state, now_ns) = (self.world.lock(), self.world.now_ns());
        let nothing = |answer, used| Outcome { answer, counts: Vec::new(), fate: None, used };
        let Some((exchange, turn)) = state.trade(self.venue(), now_ns) else {
            return nothing(Err(Problem::unknown()), 0);
        };
        let now_ms = (turn.venue_ns / 1_000_000) as i64;
        let asked = proof::asks(key, &self.members).and_then(|(account, member)| {
            let proved = match method.proof {
                Proof::Signed => proof::proves(member, payload, params, now_ms),
                Proof::Key => Ok(()),
            };
            proved.map(|()| (account, member.withdraws))
        });
        let (account, withdraws) = match asked {
            Ok(known) => known,
            Err(problem) => return nothing(Err(problem), exchange.meter.used()),
        };
        let place = Place { topic: method.path, ..self.place() };
        let (usdm, fate) = (self.usdm, None);
        let mut call = Call { usdm, account, params, exchange, turn, place, withdraws, fate, ordered: false };
        let answer = (method.run)(&mut call);
        let counts = if call.ordered { call.order_headers() } else { Vec::new() };
        let used = match (&answer, method.free) {
            (Ok(_), true) => call.exchange.meter.refund(method.weight(params)),
            _ => call.exchange.meter.used(),
        };
        Outcome { answer, counts, fate: call.fate, used }
    }
}

/// Weight and levels of a depth request; `None` for a limit that the venue refuses.
fn limit_of(text: &str, usdm: bool) -> (u64, Option<usize>) {
    let Ok(limit) = text.parse::<usize>() else { return (1, None) };
    if usdm {
        let weight = [(5, 2), (10, 2), (20, 2), (50, 2), (100, 5), (500, 10), (1_000, 20)];
        return weight.iter().find(|w| w.0 == limit).map_or((1, None), |w| (w.1, Some(limit)));
    }
    match limit {
        0 => (1, None),
        1..=100 => (5, Some(limit)),
        101..=500 => (25, Some(limit)),
        501..=1_000 => (50, Some(limit)),
        _ => (250, Some(limit.min(5_000))),
    }
}

fn bad_limit(text: &str, usdm: bool) -> (i32, String) {
    let shown: String = text.chars().filter(char::is_ascii_alphanumeric).take(16).collect();
    if usdm && shown.parse::<u64>().is_ok() {
        (-4021, format!("'{shown}' is not valid depth limit."))
    } else {
        (-1130, "Data sent for parameter 'limit' is not valid.".to_owned())
    }
}

fn view(book: &Book, levels: usize) -> Push {
    let (id, event_ns) = (book.id(), book.changed_ns());
    let (bids, asks) = (book.bids(levels), book.asks(levels));
    Push { kind: Kind::Snapshot, bids, asks, prev_id: id, id, count: 0, event_ns }
}
