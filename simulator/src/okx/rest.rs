//! OKX's public REST: time, instruments, books, with the limits per endpoint.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use axum::Router;
use axum::extract::{Query, State};
use axum::response::Response;
use axum::routing::get;

use super::{encode, signed};
use crate::config::{Board, Venue};
use crate::feed::{Kind, Push};
use crate::market::listing::Listing;
use crate::members::Member;
use crate::rest::json;
use crate::text::{plain, put, unit};
use crate::window::Window;
use crate::world::World;

/// The span of the limits in ns.
const SPAN: u64 = 2_000_000_000;

type Params = Query<HashMap<String, String>>;

struct Room {
    world: Arc<World>,
    times: Mutex<Window>,
    instruments: Mutex<Window>,
    books: Mutex<Window>,
}

/// The REST room.
pub(crate) fn router(world: Arc<World>, members: Vec<Member>) -> Router {
    let signed = signed::router(Arc::clone(&world), members);
    let window = |limit| Mutex::new(Window::new(limit, SPAN));
    let public = Router::new()
        .route("/api/v5/public/time", get(time))
        .route("/api/v5/public/instruments", get(instruments))
        .route("/api/v5/market/books", get(books))
        .with_state(Arc::new(Room { world, times: window(10), instruments: window(20), books: window(40) }));
    public.merge(signed)
}

async fn time(State(room): State<Arc<Room>>) -> Response {
    let now_ms = room.world.venue_now(Venue::Okx) / 1_000_000;
    room.limited(&room.times, || Ok(format!(r#"{{"ts":"{now_ms}"}}"#)))
}

async fn instruments(State(room): State<Arc<Room>>, Query(params): Params) -> Response {
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

async fn books(State(room): State<Arc<Room>>, Query(params): Params) -> Response {
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

fn instrument(listing: &Listing) -> String {
    let Listing { symbol, base, quote, .. } = listing;
    let (tick, lot) = (unit(listing.px_dp), unit(listing.qty_dp));
    let code = 10_000 + listing.asset * 10 + usize::from(listing.board == Board::OkxSwap);
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
