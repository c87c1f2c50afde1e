//! Requests about an account at Binance.

use super::Market;
use super::orders::RECV_WINDOW;
use super::sign::{self, KEY_HEADER};
use crate::client_id;
use crate::keys::Keys;
use crate::private::{HttpRequest, Query, QueryError, StreamKey};
use crate::sign::Encoding;
use crate::text::escape;

const SPOT: &str = "https://api.binance.com";
const USDM: &str = "https://fapi.binance.com";

/// Trades asked for at a time: the most that the venue gives.
pub(super) const FILLS_MAX: usize = 1_000;

/// One endpoint: method, path, parameters, weight, and whether it is signed.
struct Endpoint(&'static str, &'static str, String, u32, Signed);

#[derive(PartialEq, Eq)]
enum Signed {
    /// Time and signature are added.
    Yes,
    /// Only the key is named.
    KeyOnly,
    /// Anyone may ask.
    No,
}

/// The request for a query.
pub(crate) fn request(market: Market, keys: &Keys, query: &Query<'_>, wall_ms: i64) -> Result<HttpRequest, QueryError> {
    let endpoint = match market {
        Market::Spot => spot(query)?,
        Market::Futures => usdm(query)?,
    };
    let Endpoint(method, path, params, weight, signed) = endpoint;
    // What a key may do is asked of the spot host, for futures keys too.
    let host = if market == Market::Spot || *query == Query::KeyScope { SPOT } else { USDM };
    let query = match signed {
        Signed::Yes => signed_query(keys, &params, wall_ms)?,
        Signed::KeyOnly | Signed::No => params,
    };
    let path = if query.is_empty() { path.to_owned() } else { format!("{path}?{query}") };
    let request = HttpRequest::new(method, host, path).with_weight(weight);
    Ok(if signed == Signed::No { request } else { request.with_header(KEY_HEADER, keys.api_key()) })
}

fn signed_query(keys: &Keys, params: &str, wall_ms: i64) -> Result<String, QueryError> {
    let join = if params.is_empty() { "" } else { "&" };
    let window = String::from_utf8_lossy(RECV_WINDOW);
    let unsigned = format!("{params}{join}recvWindow={window}&timestamp={wall_ms}");
    let mut out = Vec::new();
    sign::sign_query(&mut keys.signer(Encoding::Hex)?, unsigned.as_bytes(), b"", &mut out)?;
    Ok(String::from_utf8_lossy(&out).into_owned())
}

fn symbol(symbol: &str) -> String {
    format!("symbol={}", escape(symbol))
}

fn fills(of: &str, since_ms: i64, page: Option<&str>) -> String {
    let from = page.map_or_else(|| format!("startTime={since_ms}"), |id| format!("fromId={}", escape(id)));
    format!("{}&limit={FILLS_MAX}&{from}", symbol(of))
}

fn spot(query: &Query<'_>) -> Result<Endpoint, QueryError> {
    use Signed::{No, Yes};
    Ok(match *query {
        Query::Time => Endpoint("GET", "/api/v3/time", String::new(), 1, No),
        Query::Instruments { .. } => Endpoint("GET", "/api/v3/exchangeInfo", String::new(), 20, No),
        Query::OpenOrders { symbol: Some(of), .. } => Endpoint("GET", "/api/v3/openOrders", symbol(of), 6, Yes),
        Query::OpenOrders { symbol: None, .. } => Endpoint("GET", "/api/v3/openOrders", String::new(), 80, Yes),
        Query::Order { symbol: of, id } => Endpoint("GET", "/api/v3/order", order(of, id), 4, Yes),
        Query::OrderOf { symbol: of, venue_id } => Endpoint("GET", "/api/v3/order", order_of(of, venue_id), 4, Yes),
        Query::Cancel { symbol: of, venue_id } => Endpoint("DELETE", "/api/v3/order", order_of(of, venue_id), 1, Yes),
        Query::Fills { symbol, since_ms, page } => {
            Endpoint("GET", "/api/v3/myTrades", fills(symbol, since_ms, page), 20, Yes)
        }
        Query::Balances => Endpoint("GET", "/api/v3/account", "omitZeroBalances=true".to_owned(), 20, Yes),
        Query::Fees { symbol: of } => Endpoint("GET", "/api/v3/account/commission", symbol(of), 20, Yes),
        Query::KeyScope => key_scope(),
        Query::CancelAll { symbol: of } => Endpoint("DELETE", "/api/v3/openOrders", symbol(of), 1, Yes),
        Query::Depth { symbol: of } => Endpoint("GET", "/api/v3/depth", format!("{}&limit=5000", symbol(of)), 250, No),
        Query::Positions
        | Query::FillsOfAll { .. }
        | Query::EndedOrders { .. }
        | Query::DeadMan { .. }
        | Query::StreamKey(_) => {
            return Err(QueryError::Unsupported("binance_spot"));
        }
    })
}

fn usdm(query: &Query<'_>) -> Result<Endpoint, QueryError> {
    use Signed::{KeyOnly, No, Yes};
    Ok(match *query {
        Query::Time => Endpoint("GET", "/fapi/v1/time", String::new(), 1, No),
        Query::Instruments { .. } => Endpoint("GET", "/fapi/v1/exchangeInfo", String::new(), 1, No),
        Query::OpenOrders { symbol: Some(of), .. } => Endpoint("GET", "/fapi/v1/openOrders", symbol(of), 1, Yes),
        Query::OpenOrders { symbol: None, .. } => Endpoint("GET", "/fapi/v1/openOrders", String::new(), 40, Yes),
        Query::Order { symbol: of, id } => Endpoint("GET", "/fapi/v1/order", order(of, id), 1, Yes),
        Query::OrderOf { symbol: of, venue_id } => Endpoint("GET", "/fapi/v1/order", order_of(of, venue_id), 1, Yes),
        Query::Cancel { symbol: of, venue_id } => Endpoint("DELETE", "/fapi/v1/order", order_of(of, venue_id), 1, Yes),
        Query::Fills { symbol, since_ms, page } => {
            Endpoint("GET", "/fapi/v1/userTrades", fills(symbol, since_ms, page), 5, Yes)
        }
        Query::Balances => Endpoint("GET", "/fapi/v3/balance", String::new(), 5, Yes),
        Query::Positions => Endpoint("GET", "/fapi/v3/positionRisk", String::new(), 5, Yes),
        Query::Fees { symbol: of } => Endpoint("GET", "/fapi/v1/commissionRate", symbol(of), 20, Yes),
        Query::KeyScope => key_scope(),
        Query::CancelAll { symbol: of } => Endpoint("DELETE", "/fapi/v1/allOpenOrders", symbol(of), 1, Yes),
        Query::DeadMan { symbol: Some(of), after_ms } => {
            let params = format!("{}&countdownTime={after_ms}", symbol(of));
            Endpoint("POST", "/fapi/v1/countdownCancelAll", params, 10, Yes)
        }
        Query::DeadMan { symbol: None, .. } => return Err(QueryError::Unsupported("binance_usdm without a symbol")),
        Query::FillsOfAll { .. } | Query::EndedOrders { .. } => return Err(QueryError::Unsupported("binance_usdm")),
        Query::StreamKey(StreamKey::Create) => Endpoint("POST", "/fapi/v1/listenKey", String::new(), 1, KeyOnly),
        Query::StreamKey(StreamKey::Renew) => Endpoint("PUT", "/fapi/v1/listenKey", String::new(), 1, KeyOnly),
        Query::Depth { symbol: of } => Endpoint("GET", "/fapi/v1/depth", format!("{}&limit=1000", symbol(of)), 20, No),
    })
}

fn order(of: &str, id: u64) -> String {
    format!("{}&origClientOrderId={}", symbol(of), client_id::text(id))
}

fn order_of(of: &str, venue_id: &str) -> String {
    format!("{}&orderId={}", symbol(of), escape(venue_id))
}

fn key_scope() -> Endpoint {
    Endpoint("GET", "/sapi/v1/account/apiRestrictions", String::new(), 1, Signed::Yes)
}
