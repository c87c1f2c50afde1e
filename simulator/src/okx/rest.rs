//! OKX over HTTP: time, instruments and books for everybody, with the limits per endpoint; the rest for members.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use axum::Router;
use axum::extract::{Query, State};
use axum::http::{HeaderMap, Method as Verb, Uri};
use axum::response::Response;
use axum::routing::get;
use serde_json::Value;

use super::call::{self, Answer, Call, Problem, SPAN};
use super::methods::{self, Method};
use super::words::code;
use super::{encode, proof};
use crate::config::{Board, Endpoint, Venue};
use crate::fault::Place;
use crate::fault::verb::AnswerFault;
use crate::feed::{Kind, Push};
use crate::market::listing::Listing;
use crate::members::Member;
use crate::params::Params;
use crate::rest::{answered, json};
use crate::text::{plain, put, unit};
use crate::window::Window;
use crate::world::World;

type Asked = Query<HashMap<String, String>>;

struct Room {
    world: Arc<World>,
    members: Vec<Member>,
    times: Mutex<Window>,
    instruments: Mutex<Window>,
    books: Mutex<Window>,
}

/// The REST room.
pub(crate) fn router(world: Arc<World>, members: Vec<Member>) -> Router {
    let window = |limit| Mutex::new(Window::new(limit, SPAN));
    let (times, instruments_read, books_read) = (window(10), window(20), window(40));
    let room = Room { world, members, times, instruments: instruments_read, books: books_read };
    Router::new()
        .route("/api/v5/public/time", get(time))
        .route("/api/v5/public/instruments", get(instruments))
        .route("/api/v5/market/books", get(books))
        .fallback(trade)
        .with_state(Arc::new(room))
}

/// Every request that a member must make.
async fn trade(State(room): State<Arc<Room>>, verb: Verb, uri: Uri, headers: HeaderMap, body: String) -> Response {
    let fits = |method: &&Method| method.verb == verb.as_str() && method.path == uri.path();
    let Some(method) = methods::ALL.iter().find(fits) else {
        return json(404, r#"{"msg":"The requested URL does not exist.","code":"50404","data":[]}"#.to_owned());
    };
    let (answer, fate) = room.obey(method, &uri, &headers, &body);
    answered(fate, answer, Problem::unknown(), |answer| {
        let status = answer.as_ref().map_or_else(|problem| problem.status, |_| 200);
        json(status, format!("{{{}}}", call::written(answer)))
    })
    .await
}

async fn time(State(room): State<Arc<Room>>) -> Response {
    let now_ms = room.world.venue_now(Venue::Okx) / 1_000_000;
    room.limited(&room.times, || Ok(format!(r#"{{"ts":"{now_ms}"}}"#)))
}

async fn instruments(State(room): State<Arc<Room>>, Query(params): Asked) -> Response {
    room.limited(&room.instruments, || {
        let board = match params.get("instType").map(String::as_str) {
            Some("SPOT") => Board::OkxSpot,
            Some("SWAP") => Board::OkxSwap,
            Some("FUTURES" | "EVENTS") => return Ok(String::new()),
            Some("") | None => return Err(("50014", "Parameter instType can not be empty.")),
            Some(_) => return Err(("51000", "Parameter instType error")),
        };
        let state = room.world.lock();
        let wanted = params.get("instId");
        let all = (0..state.market.len()).map(|i| state.market.listing(i));
        let rows: Vec<_> = all
            .filter(|l| l.board == board && !l.gone && wanted.is_none_or(|w| *w == l.symbol))
            .map(instrument)
            .collect();
        if rows.is_empty() && wanted.is_some() {
            return Err(("51001", "Instrument ID doesn't exist."));
        }
        Ok(rows.join(","))
    })
}

async fn books(State(room): State<Arc<Room>>, Query(params): Asked) -> Response {
    room.limited(&room.books, || {
        let symbol = params.get("instId").ok_or(("50014", "Parameter instId can not be empty."))?;
        let depth =
            params.get("sz").map_or("1", String::as_str).parse().map_err(|_| ("51000", "Parameter sz error"))?;
        let board = if symbol.ends_with("-SWAP") { Board::OkxSwap } else { Board::OkxSpot };
        let answer = room.world.listed(board, symbol, |market, index| {
            let (book, mut out) = (market.shown(index), String::from("{"));
            let (id, depth) = (book.id(), usize::min(depth, 400));
            let (bids, asks, event_ns) = (book.bids(depth), book.asks(depth), book.changed_ns());
            let push = Push { kind: Kind::Snapshot, bids, asks, prev_id: id, id, count: 0, event_ns };
            encode::sides(&mut out, market.listing(index), &push);
            put!(&mut out, r#","ts":"{}","seqId":{id}}}"#, event_ns / 1_000_000);
            out
        });
        answer.ok_or(("51001", "Instrument ID doesn't exist."))
    })
}

impl Room {
    /// Finds out who asks and does what is asked.
    fn obey(
        &self,
        method: &Method,
        uri: &Uri,
        headers: &HeaderMap,
        body: &str,
    ) -> (Answer, Option<(AnswerFault, u64)>) {
        let (mut state, now_ns) = (self.world.lock(), self.world.now_ns());
        let Some((exchange, turn)) = state.trade(Venue::Okx, now_ns) else { return (Err(Problem::unknown()), None) };
        let asked = uri.path_and_query().map_or("", |whole| whole.as_str());
        let proved = proof::judge(&self.members, method.verb, asked, headers, body, turn.venue_ns / 1_000_000);
        let read = proved.and_then(|account| Ok((account, args(method.verb, uri, body)?)));
        let (account, args) = match read {
            Ok(read) => read,
            Err(problem) => return (Err(problem), None),
        };
        let withdraws = self.members.get(account).is_some_and(|member| member.withdraws);
        let place = Place { venue: Venue::Okx, endpoint: Endpoint::A, conn: 0, topic: method.path, symbol: "" };
        let deadline = headers.get("expTime").and_then(|value| value.to_str().ok());
        let deadline_ms = deadline.and_then(|text| text.parse().ok());
        let (args, by_code, fate) = (&args[..], false, None);
        let mut call = Call { account, args, exchange, turn, place, by_code, deadline_ms, withdraws, fate };
        let answer = method.run(&mut call);
        (answer, call.fate)
    }

    fn limited(
        &self,
        window: &Mutex<Window>,
        answer: impl FnOnce() -> Result<String, (&'static str, &'static str)>,
    ) -> Response {
        if !window.lock().unwrap_or_else(PoisonError::into_inner).allow(self.world.now_ns()) {
            return json(429, r#"{"msg":"Too Many Requests","code":"50011"}"#.to_owned());
        }
        match answer() {
            Ok(data) => json(200, format!(r#"{{"code":"0","data":[{data}],"msg":""}}"#)),
            Err((code, message)) => json(400, format!(r#"{{"code":"{code}","data":[],"msg":"{message}"}}"#)),
        }
    }
}

/// The parameters of a request: those of the query, or those of the one object or the list that is its body.
fn args(verb: &str, uri: &Uri, body: &str) -> Result<Vec<Params>, Problem> {
    if verb == "GET" {
        return Ok(vec![Params::of_query(uri.query().unwrap_or(""))]);
    }
    let body: Value = serde_json::from_str(body).map_err(|_| Problem::new("50002", "JSON syntax error"))?;
    Ok(match &body {
        Value::Array(list) => list.iter().map(Params::of_json).collect(),
        object => vec![Params::of_json(object)],
    })
}

fn instrument(listing: &Listing) -> String {
    let Listing { symbol, base, quote, .. } = listing;
    let (tick, lot) = (unit(listing.px_dp), unit(listing.qty_dp));
    let code = code(listing);
    let common = format!(
        r#""instIdCode":{code},"tickSz":"{tick}","lotSz":"{lot}","minSz":"{lot}","state":"{}","listTime":"1600000000000","expTime":"""#,
        listing.status_or("live")
    );
    if listing.board == Board::OkxSwap {
        let size = plain(listing.contract_e8, 8);
        format!(
            r#"{{"instType":"SWAP","instId":"{symbol}","uly":"{base}-{quote}","instFamily":"{base}-{quote}","baseCcy":"","quoteCcy":"","settleCcy":"{quote}","ctVal":"{size}","ctMult":"1","ctValCcy":"{base}","ctType":"linear",{common}}}"#
        )
    } else {
        format!(
            r#"{{"instType":"SPOT","instId":"{symbol}","uly":"","instFamily":"","baseCcy":"{base}","quoteCcy":"{quote}","settleCcy":"","ctVal":"","ctMult":"","ctValCcy":"","ctType":"",{common}}}"#
        )
    }
}
