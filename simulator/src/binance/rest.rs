//! Binance's public REST: time, exchangeInfo, depth; request weight counted per clock minute and enforced.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use axum::Router;
use axum::extract::{Query, State};
use axum::http::HeaderValue;
use axum::response::Response;
use axum::routing::get;

use super::encode;
use crate::config::{Board, Venue};
use crate::feed::{Kind, Push};
use crate::market::book::Book;
use crate::market::listing::Listing;
use crate::rest::json;
use crate::text::{put, unit};
use crate::world::World;

const MINUTE: u64 = 60_000_000_000;
/// Refused requests after which the address is banned.
const REFUSALS_MAX: u32 = 20;
/// The first ban, in ns (venue: 2 minutes, escalating).
const BAN_NS: u64 = 120_000_000_000;

type Params = Query<HashMap<String, String>>;

struct Room {
    usdm: bool,
    world: Arc<World>,
    meter: Mutex<Meter>,
}

/// The weight used in this clock minute, and the ban.
#[derive(Default)]
struct Meter {
    minute: u64,
    used: u64,
    refusals: u32,
    banned_until_ns: u64,
}

enum Charge {
    Fine(u64),
    Limited { status: u16, retry_s: u64, used: u64 },
}

/// The REST room of spot or USD-M.
pub(crate) fn router(usdm: bool, world: Arc<World>) -> Router {
    let base = if usdm { "/fapi/v1" } else { "/api/v3" };
    Router::new()
        .route(&format!("{base}/time"), get(time))
        .route(&format!("{base}/ping"), get(ping))
        .route(&format!("{base}/exchangeInfo"), get(exchange_info))
        .route(&format!("{base}/depth"), get(depth))
        .with_state(Arc::new(Room { usdm, world, meter: Mutex::default() }))
}

async fn ping(State(room): State<Arc<Room>>) -> Response {
    room.charged(1, || Ok("{}".to_owned()))
}

async fn time(State(room): State<Arc<Room>>) -> Response {
    room.charged(1, || Ok(format!(r#"{{"serverTime":{}}}"#, room.world.venue_now(room.venue()) / 1_000_000)))
}

async fn exchange_info(State(room): State<Arc<Room>>, Query(params): Params) -> Response {
    room.charged(if room.usdm { 1 } else { 20 }, || {
        let listings = room.listings(params.get("symbol").map(String::as_str));
        if listings.is_empty() {
            return Err((-1121, "Invalid symbol.".to_owned()));
        }
        Ok(catalogue(&listings, room.usdm, room.world.venue_now(room.venue())))
    })
}

async fn depth(State(room): State<Arc<Room>>, Query(params): Params) -> Response {
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

    fn listings(&self, symbol: Option<&str>) -> Vec<Listing> {
        let state = self.world.lock();
        let all = (0..state.market.len()).map(|i| state.market.listing(i));
        all.filter(|l| l.board == self.board() && !l.gone && symbol.is_none_or(|s| s == l.symbol)).cloned().collect()
    }

    /// Charges the weight, then answers; a refused request is charged too.
    fn charged(&self, weight: u64, answer: impl FnOnce() -> Result<String, (i32, String)>) -> Response {
        let limit = if self.usdm { 2_400 } else { 6_000 };
        let charge =
            self.meter.lock().unwrap_or_else(PoisonError::into_inner).charge(weight, limit, self.world.now_ns());
        let (mut response, used) = match charge {
            Charge::Fine(used) => {
                let error =
                    |(code, message): (i32, String)| json(400, format!(r#"{{"code":{code},"msg":"{message}"}}"#));
                (answer().map_or_else(error, |body| json(200, body)), used)
            }
            Charge::Limited { status, retry_s, used } => {
                let body = r#"{"code":-1003,"msg":"Too much request weight used; please use WebSocket Streams for live updates to avoid polling the API."}"#;
                let mut response = json(status, body.to_owned());
                response.headers_mut().insert("Retry-After", HeaderValue::from(retry_s));
                (response, used)
            }
        };
        response.headers_mut().insert("X-MBX-USED-WEIGHT-1M", HeaderValue::from(used));
        response
    }
}

impl Meter {
    fn charge(&mut self, weight: u64, limit: u64, now_ns: u64) -> Charge {
        if self.minute != now_ns / MINUTE {
            (self.minute, self.used) = (now_ns / MINUTE, 0);
        }
        self.used += weight;
        let used = self.used;
        if now_ns < self.banned_until_ns {
            return Charge::Limited { status: 418, retry_s: (self.banned_until_ns - now_ns) / 1_000_000_000 + 1, used };
        }
        if used <= limit {
            self.refusals = 0;
            return Charge::Fine(used);
        }
        self.refusals += 1;
        if self.refusals > REFUSALS_MAX {
            self.banned_until_ns = now_ns + BAN_NS;
        }
        Charge::Limited { status: 429, retry_s: (MINUTE - now_ns % MINUTE) / 1_000_000_000 + 1, used }
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

fn catalogue(listings: &[Listing], usdm: bool, now_ns: u64) -> String {
    let limit = if usdm { 2_400 } else { 6_000 };
    let mut out = format!(
        r#"{{"timezone":"UTC","serverTime":{},"rateLimits":[{{"rateLimitType":"REQUEST_WEIGHT","interval":"MINUTE","intervalNum":1,"limit":{limit}}}],"exchangeFilters":[],"symbols":["#,
        now_ns / 1_000_000
    );
    for (place, listing) in listings.iter().enumerate() {
        if place > 0 {
            out.push(',');
        }
        if usdm { perpetual(&mut out, listing) } else { pair(&mut out, listing) }
    }
    out.push_str("]}");
    out
}

fn pair(out: &mut String, listing: &Listing) {
    let Listing { symbol, base, quote, .. } = listing;
    put!(
        out,
        r#"{{"symbol":"{symbol}","status":"{}","baseAsset":"{base}","baseAssetPrecision":8,"#,
        listing.status_or("TRADING")
    );
    put!(out, r#""quoteAsset":"{quote}","quotePrecision":8,"quoteAssetPrecision":8,"#);
    out.push_str(r#""orderTypes":["LIMIT","LIMIT_MAKER","MARKET"],"isSpotTradingAllowed":true,"filters":["#);
    filters(out, listing);
    out.push_str(r#",{"filterType":"NOTIONAL","minNotional":"5.00000000","applyMinToMarket":true,"maxNotional":"9000000.00000000","applyMaxToMarket":false,"avgPriceMins":5}],"permissions":[],"defaultSelfTradePreventionMode":"EXPIRE_MAKER"}"#);
}

fn perpetual(out: &mut String, listing: &Listing) {
    let Listing { symbol, base, quote, px_dp, qty_dp, .. } = listing;
    put!(out, r#"{{"symbol":"{symbol}","pair":"{symbol}","contractType":"PERPETUAL","deliveryDate":4133404800000,"#);
    put!(out, r#""status":"{}","baseAsset":"{base}","#, listing.status_or("TRADING"));
    put!(out, r#""quoteAsset":"{quote}","marginAsset":"{quote}","#);
    put!(out, r#""pricePrecision":{px_dp},"quantityPrecision":{qty_dp},"underlyingType":"COIN","filters":["#);
    filters(out, listing);
    out.push_str(r#",{"filterType":"MIN_NOTIONAL","notional":"5"}],"orderTypes":["LIMIT","MARKET"],"timeInForce":["GTC","IOC","FOK","GTX","GTD"]}"#);
}

fn filters(out: &mut String, listing: &Listing) {
    let (tick, lot) = (unit(listing.px_dp), unit(listing.qty_dp));
    put!(out, r#"{{"filterType":"PRICE_FILTER","minPrice":"{tick}","maxPrice":"1000000","tickSize":"{tick}"}},"#);
    put!(out, r#"{{"filterType":"LOT_SIZE","minQty":"{lot}","maxQty":"9000","stepSize":"{lot}"}}"#);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn weight_is_per_clock_minute_and_stubbornness_is_banned() {
        let mut meter = Meter::default();
        assert!(matches!(meter.charge(6_000, 6_000, MINUTE), Charge::Fine(6_000)));
        assert!(matches!(meter.charge(1, 6_000, MINUTE + 1), Charge::Limited { status: 429, retry_s: 60, .. }));
        assert!(matches!(meter.charge(1, 6_000, 2 * MINUTE), Charge::Fine(1)));
        for _ in 0..=REFUSALS_MAX {
            meter.charge(6_001, 6_000, 2 * MINUTE);
        }
        assert!(matches!(meter.charge(1, 6_000, 3 * MINUTE), Charge::Limited { status: 418, .. }));
        assert!(matches!(meter.charge(1, 6_000, 5 * MINUTE), Charge::Fine(1)));
    }
}
