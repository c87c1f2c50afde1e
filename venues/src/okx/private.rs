//! Requests about an account at OKX.

use super::{rates, sign};
use crate::client_id;
use crate::keys::Keys;
use crate::private::{HttpRequest, Query, QueryError};
use crate::spec::{InstrumentSpec, Kind};
use crate::text::escape;
use crate::venue::Venue;

const HOST: &str = "https://openapi.okx.com";

/// Entries of a page: the most that the venue gives.
pub(super) const PAGE_MAX: usize = 100;

/// The request for a query.
pub(crate) fn request(keys: &Keys, query: &Query<'_>, wall_ms: i64) -> Result<HttpRequest, QueryError> {
    let path = match *query {
        Query::Time => "/api/v5/public/time".to_owned(),
        Query::Instruments { symbol } => format!("/api/v5/public/instruments?instType={}", kind(symbol)),
        Query::Depth { symbol } => format!("/api/v5/market/books?instId={}&sz=400", escape(symbol)),
        Query::OpenOrders { symbol, page } => paged("/api/v5/trade/orders-pending", symbol, page, ""),
        Query::Order { symbol, id } => {
            format!("/api/v5/trade/order?instId={}&clOrdId={}", escape(symbol), client_id::text(id))
        }
        Query::OrderOf { symbol, venue_id } => {
            format!("/api/v5/trade/order?instId={}&ordId={}", escape(symbol), escape(venue_id))
        }
        Query::Fills { symbol, since_ms, page } => {
            paged("/api/v5/trade/fills", Some(symbol), page, &format!("&begin={since_ms}"))
        }
        Query::EndedOrders { symbol, since_ms, page } => {
            let of = format!("&instType={}&begin={since_ms}", kind(symbol));
            paged("/api/v5/trade/orders-history", None, page, &of)
        }
        Query::FillsOfAll { since_ms, page } => paged("/api/v5/trade/fills", None, page, &format!("&begin={since_ms}")),
        Query::Balances => "/api/v5/account/balance".to_owned(),
        Query::Positions => "/api/v5/account/positions".to_owned(),
        Query::Fees { symbol } => fee_path(symbol),
        Query::KeyScope => "/api/v5/account/config".to_owned(),
        Query::DeadMan { after_ms, .. } => return dead_man(keys, after_ms, wall_ms),
        Query::Cancel { symbol, venue_id } => return cancel(keys, symbol, venue_id, wall_ms),
        Query::CancelAll { .. } | Query::StreamKey(_) => return Err(QueryError::Unsupported("okx")),
    };
    let request = HttpRequest::new("GET", HOST, path).with_cost(rates::cost(query));
    match query {
        Query::Time | Query::Instruments { .. } | Query::Depth { .. } => Ok(request),
        _ => signed(request, keys, wall_ms),
    }
}

fn signed(request: HttpRequest, keys: &Keys, wall_ms: i64) -> Result<HttpRequest, QueryError> {
    let mut lines = Vec::new();
    let what = (request.method, request.path_and_query.as_bytes(), request.body.as_bytes());
    sign::write_headers(&mut sign::signer(keys)?, keys, what, wall_ms, &mut lines)?;
    Ok(request.with_lines(&lines))
}

/// Ten to 120 seconds; 0 disarms.
fn dead_man(keys: &Keys, after_ms: u64, wall_ms: i64) -> Result<HttpRequest, QueryError> {
    let seconds = if after_ms == 0 { 0 } else { after_ms.div_ceil(1_000).clamp(10, 120) };
    posted("/api/v5/trade/cancel-all-after", format!(r#"{{"timeOut":"{seconds}"}}"#), keys, wall_ms)
}

fn cancel(keys: &Keys, symbol: &str, venue_id: &str, wall_ms: i64) -> Result<HttpRequest, QueryError> {
    let body = serde_json::json!({ "instId": symbol, "ordId": venue_id });
    posted("/api/v5/trade/cancel-order", body.to_string(), keys, wall_ms)
}

fn posted(path: &str, body: String, keys: &Keys, wall_ms: i64) -> Result<HttpRequest, QueryError> {
    let mut request = HttpRequest::new("POST", HOST, path.to_owned());
    request.body = body;
    signed(request, keys, wall_ms)
}

/// A page begins after the last entry of the one before.
fn paged(path: &str, symbol: Option<&str>, page: Option<&str>, more: &str) -> String {
    let of = symbol.map(|of| format!("&instType={}&instId={}", kind(of), escape(of))).unwrap_or_default();
    let after = page.map(|page| format!("&after={}", escape(page))).unwrap_or_default();
    format!("{path}?limit={PAGE_MAX}{of}{more}{after}")
}

/// Fees of derivatives are asked for by family (`BTC-USDT`), those of spot by instrument.
fn fee_path(symbol: &str) -> String {
    let kind = kind(symbol);
    let spec = InstrumentSpec::assumed(Venue::Okx, symbol);
    match spec.kind {
        Kind::Spot => format!("/api/v5/account/trade-fee?instType={kind}&instId={}", escape(symbol)),
        _ => format!(
            "/api/v5/account/trade-fee?instType={kind}&instFamily={}-{}",
            escape(&spec.base),
            escape(&spec.quote)
        ),
    }
}

fn kind(symbol: &str) -> &'static str {
    match InstrumentSpec::assumed(Venue::Okx, symbol).kind {
        Kind::Spot | Kind::Outcome => "SPOT",
        Kind::Perpetual => "SWAP",
        Kind::Future => "FUTURES",
        Kind::Option => "OPTION",
    }
}
