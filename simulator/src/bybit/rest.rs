//! Bybit's public REST: time, instruments-info, orderbook, behind the limit of 600 requests per 5 s.

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
use crate::text::{put, unit};
use crate::window::Window;
use crate::world::World;

type Params = Query<HashMap<String, String>>;

struct Room {
    world: Arc<World>,
    requests: Mutex<Window>,
}

/// The REST room.
pub(crate) fn router(world: Arc<World>, members: Vec<Member>) -> Router {
    let signed = signed::router(Arc::clone(&world), members);
    let requests = Mutex::new(Window::new(600, 5_000_000_000));
    let public = Router::new()
        .route("/v5/market/time", get(time))
        .route("/v5/market/instruments-info", get(instruments_info))
        .route("/v5/market/orderbook", get(orderbook))
        .with_state(Arc::new(Room { world, requests }));
    public.merge(signed)
}

async fn time(State(room): State<Arc<Room>>) -> Response {
    let now_ns = room.world.venue_now(Venue::Bybit);
    room.limited(|| Ok(format!(r#"{{"timeSecond":"{}","timeNano":"{now_ns}"}}"#, now_ns / 1_000_000_000)))
}

async fn instruments_info(State(room): State<Arc<Room>>, Query(params): Params) -> Response {
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

async fn orderbook(State(room): State<Arc<Room>>, Query(params): Params) -> Response {
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
    fn limited(&self, answer: impl FnOnce() -> Result<String, &'static str>) -> Response {
        let now_ns = self.world.now_ns();
        if !self.requests.lock().unwrap_or_else(PoisonError::into_inner).allow(now_ns) {
            return json(403, r#"{"retCode":10006,"retMsg":"access too frequent"}"#.to_owned());
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

pub(super) fn category(params: &HashMap<String, String>) -> Result<(&'static str, Board), &'static str> {
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
