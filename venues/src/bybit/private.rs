//! Requests about an account at Bybit.

use super::metadata::category_of;
use super::orders::RECV_WINDOW;
use super::sign;
use crate::client_id;
use crate::keys::Keys;
use crate::private::{HttpRequest, Query, QueryError};
use crate::text::escape;
use crate::venue::Venue;

const HOST: &str = "https://api.bybit.com";

/// The request for a query. Positions and, without a symbol, open orders of linear contracts are asked
/// for by settlement currency: those in USDT.
pub(crate) fn request(venue: Venue, keys: &Keys, query: &Query<'_>, wall_ms: i64) -> Result<HttpRequest, QueryError> {
    let category = format!("category={}", category_of(venue));
    let (path, params) = match *query {
        Query::Time => ("/v5/market/time", String::new()),
        Query::Instruments { .. } => ("/v5/market/instruments-info", format!("{category}&limit=1000")),
        Query::Depth { symbol } => ("/v5/market/orderbook", format!("{category}&symbol={}&limit=200", escape(symbol))),
        Query::OpenOrders { symbol, page } => {
            let of = of(venue, symbol);
            ("/v5/order/realtime", format!("{category}&openOnly=0&limit=50{of}{}", cursor(page)))
        }
        Query::Order { symbol, id } => {
            let id = client_id::text(id);
            ("/v5/order/realtime", format!("{category}&symbol={}&orderLinkId={id}", escape(symbol)))
        }
        Query::OrderOf { symbol, venue_id } => {
            let (of, id) = (escape(symbol), escape(venue_id));
            ("/v5/order/realtime", format!("{category}&symbol={of}&orderId={id}"))
        }
        Query::Fills { symbol, since_ms, page } => {
            let of = escape(symbol);
            ("/v5/execution/list", format!("{category}&symbol={of}&startTime={since_ms}&limit=100{}", cursor(page)))
        }
        Query::Balances => ("/v5/account/wallet-balance", "accountType=UNIFIED".to_owned()),
        Query::Positions if venue == Venue::BybitLinear => {
            ("/v5/position/list", format!("{category}&settleCoin=USDT&limit=200"))
        }
        Query::Fees { symbol } => ("/v5/account/fee-rate", format!("{category}&symbol={}", escape(symbol))),
        Query::KeyScope => ("/v5/user/query-api", String::new()),
        Query::Cancel { symbol, venue_id } => return cancel(venue, symbol, venue_id, keys, wall_ms),
        Query::CancelAll { symbol } => return cancel_all(venue, symbol, keys, wall_ms),
        Query::DeadMan { after_ms, .. } => return dead_man(venue, after_ms, keys, wall_ms),
        Query::Positions | Query::FillsOfAll { .. } | Query::EndedOrders { .. } | Query::StreamKey(_) => {
            return Err(QueryError::Unsupported(venue.name()));
        }
    };
    let whole = if params.is_empty() { path.to_owned() } else { format!("{path}?{params}") };
    let request = HttpRequest::new("GET", HOST, whole);
    match query {
        Query::Time | Query::Instruments { .. } | Query::Depth { .. } => Ok(request),
        _ => signed(request, &params, keys, wall_ms),
    }
}

fn of(venue: Venue, symbol: Option<&str>) -> String {
    match symbol {
        Some(symbol) => format!("&symbol={}", escape(symbol)),
        None if venue == Venue::BybitLinear => "&settleCoin=USDT".to_owned(),
        None => String::new(),
    }
}

fn cursor(page: Option<&str>) -> String {
    page.map(|page| format!("&cursor={}", escape(page))).unwrap_or_default()
}

fn cancel(venue: Venue, symbol: &str, venue_id: &str, keys: &Keys, wall_ms: i64) -> Result<HttpRequest, QueryError> {
    let body = serde_json::json!({ "category": category_of(venue), "symbol": symbol, "orderId": venue_id });
    posted("/v5/order/cancel", body.to_string(), keys, wall_ms)
}

fn cancel_all(venue: Venue, symbol: &str, keys: &Keys, wall_ms: i64) -> Result<HttpRequest, QueryError> {
    let body = serde_json::json!({ "category": category_of(venue), "symbol": symbol });
    posted("/v5/order/cancel-all", body.to_string(), keys, wall_ms)
}

/// Ten to 300 seconds. The switch cannot be disarmed but by its longest time.
fn dead_man(venue: Venue, after_ms: u64, keys: &Keys, wall_ms: i64) -> Result<HttpRequest, QueryError> {
    let product = if venue == Venue::BybitSpot { "SPOT" } else { "DERIVATIVES" };
    let seconds = if after_ms == 0 { 300 } else { after_ms.div_ceil(1_000).clamp(10, 300) };
    let body = format!(r#"{{"product":"{product}","timeWindow":{seconds}}}"#);
    posted("/v5/order/disconnected-cancel-all", body, keys, wall_ms)
}

fn posted(path: &str, body: String, keys: &Keys, wall_ms: i64) -> Result<HttpRequest, QueryError> {
    let mut request = HttpRequest::new("POST", HOST, path.to_owned());
    request.body = body.clone();
    signed(request, &body, keys, wall_ms)
}

fn signed(request: HttpRequest, payload: &str, keys: &Keys, wall_ms: i64) -> Result<HttpRequest, QueryError> {
    let mut lines = Vec::new();
    let mut signer = sign::signer(keys)?;
    sign::write_headers(&mut signer, keys, payload.as_bytes(), RECV_WINDOW, wall_ms, &mut lines)?;
    Ok(request.with_lines(&lines))
}
