//! Requests about an account at Polymarket, over three hosts: the CLOB, Gamma and the data API.

use super::account::{Account, wallet_headers};
use super::eip712;
use super::plan::GAMMA_HOST;
use super::wallet::{Exchange, Wallet};
use crate::keys::{KeyError, KeyMaterial, Keys};
use crate::private::{HttpRequest, Query, QueryError};
use crate::roster::Listed;
use crate::text::escape;
use highwire_links::fixed::Amount;
use secrecy::SecretString;

/// Host of orders, books and what an account holds.
pub const CLOB_HOST: &str = "https://clob.polymarket.com";
const DATA_HOST: &str = "https://data-api.polymarket.com";

/// The request for a query. An order is asked for by its hash, so it must have been placed or recalled
/// with these keys. Positions are tokens held, as the data API lists them; it lags by seconds.
pub(crate) fn request(keys: &Keys, query: &Query<'_>, wall_ms: i64) -> Result<HttpRequest, QueryError> {
    let clob = |path: String| signed(keys, "GET", path, String::new(), wall_ms);
    match *query {
        Query::Time => Ok(HttpRequest::new("GET", CLOB_HOST, "/time".to_owned())),
        Query::Instruments { symbol } | Query::Fees { symbol } => {
            Ok(HttpRequest::new("GET", GAMMA_HOST, format!("/markets?limit=100&clob_token_ids={}", escape(symbol))))
        }
        Query::Depth { symbol } => Ok(HttpRequest::new("GET", CLOB_HOST, format!("/book?token_id={}", escape(symbol)))),
        Query::OpenOrders { symbol, page } => {
            let of = symbol.map(|symbol| format!("asset_id={}&", escape(symbol))).unwrap_or_default();
            clob(format!("/data/orders?{of}next_cursor={}", cursor(page)))
        }
        Query::Order { id, .. } => {
            let hash = keys.wallet()?.hash_of(id);
            let hash = hash.ok_or(QueryError::Unsupported("polymarket, of an order that it was not told of,"))?;
            let mut path = b"/data/order/".to_vec();
            eip712::hex(&hash, &mut path);
            clob(String::from_utf8_lossy(&path).into_owned())
        }
        Query::OrderOf { venue_id, .. } => clob(format!("/data/order/{}", escape(venue_id))),
        Query::Fills { symbol, since_ms, page } => {
            let (of, after) = (escape(symbol), since_ms.div_euclid(1000) - 1);
            clob(format!("/data/trades?asset_id={of}&after={after}&next_cursor={}", cursor(page)))
        }
        Query::Balances => {
            let kind = keys.wallet()?.kind() as u8;
            clob(format!("/balance-allowance?signature_type={kind}&asset_type=COLLATERAL"))
        }
        Query::Positions => {
            let path = format!("/positions?user={}&sizeThreshold=0&limit=500", keys.wallet()?.funder());
            Ok(HttpRequest::new("GET", DATA_HOST, path))
        }
        Query::KeyScope => clob("/auth/ban-status/closed-only".to_owned()),
        Query::Cancel { venue_id, .. } => {
            let body = format!(r#"{{"orderID":"{}"}}"#, escape(venue_id));
            signed(keys, "DELETE", "/order".to_owned(), body, wall_ms)
        }
        Query::CancelAll { symbol } => {
            let body = format!(r#"{{"market":"","asset_id":"{}"}}"#, escape(symbol));
            signed(keys, "DELETE", "/cancel-market-orders".to_owned(), body, wall_ms)
        }
        Query::DeadMan { .. } => {
            let last = keys.wallet()?.heartbeat.lock().map(|id| id.clone()).unwrap_or_default();
            let body = format!(r#"{{"heartbeat_id":"{}"}}"#, escape(&last));
            signed(keys, "POST", "/v1/heartbeats".to_owned(), body, wall_ms)
        }
        Query::FillsOfAll { .. } | Query::EndedOrders { .. } | Query::StreamKey(_) => {
            Err(QueryError::Unsupported("polymarket"))
        }
    }
}

/// What of an outcome token is held, at the CLOB, which knows it sooner than the data API.
///
/// # Errors
/// [`QueryError`].
pub fn token_balance(keys: &Keys, listed: &Listed, wall_ms: i64) -> Result<HttpRequest, QueryError> {
    let (kind, token) = (keys.wallet()?.kind() as u8, escape(&listed.symbol));
    let is_position = listed.outcome.is_some_and(|terms| terms.exchange == Exchange::Ledger);
    let asset = if is_position { "CONDITIONAL-V2" } else { "CONDITIONAL" };
    let path = format!("/balance-allowance?signature_type={kind}&asset_type={asset}&token_id={token}");
    signed(keys, "GET", path, String::new(), wall_ms)
}

/// What the answer to [`token_balance`] says; `None` when it is no number.
pub fn balance_of(body: &[u8]) -> Option<Amount> {
    super::replies::balance(&serde_json::from_slice(body).ok()?).map(|balance| balance.free)
}

/// Which version of orders the venue takes; [`version_of`] reads the answer.
pub fn version() -> HttpRequest {
    HttpRequest::new("GET", CLOB_HOST, "/version".to_owned())
}

/// The version of orders that the venue takes, `None` when the answer does not say. Orders here are of
/// versions 2 and 3; at any other nothing may be placed.
pub fn version_of(body: &[u8]) -> Option<u64> {
    serde_json::from_slice::<serde_json::Value>(body).ok()?.get("version")?.as_u64()
}

/// The request that creates (or else recovers) the API keys of a wallet.
///
/// # Errors
/// [`QueryError::Key`] when the key cannot sign.
pub fn api_keys(wallet: &Wallet, create: bool, wall_ms: i64) -> Result<HttpRequest, QueryError> {
    let (method, path) = if create { ("POST", "/auth/api-key") } else { ("GET", "/auth/derive-api-key") };
    let mut lines = Vec::new();
    wallet_headers(wallet, 0, wall_ms, &mut lines).ok_or(KeyError::Kind)?;
    Ok(HttpRequest::new(method, CLOB_HOST, path.to_owned()).with_lines(&lines))
}

/// The credentials that the answer to [`api_keys`] gives a wallet.
///
/// # Errors
/// [`KeyError`]: a part of the key is missing, or cannot be used.
pub fn keys_of(body: &[u8], wallet: Wallet) -> Result<Keys, KeyError> {
    let body: serde_json::Value = serde_json::from_slice(body).map_err(|_| KeyError::Missing("apiKey"))?;
    let part = |name: &'static str| -> Result<SecretString, KeyError> {
        body.get(name).and_then(serde_json::Value::as_str).map(SecretString::from).ok_or(KeyError::Missing(name))
    };
    let keys = Keys::new(part("apiKey")?, KeyMaterial::Hmac(part("secret")?))?;
    Ok(keys.with_passphrase(part("passphrase")?)?.with_wallet(wallet))
}

fn cursor(page: Option<&str>) -> String {
    escape(page.unwrap_or("MA=="))
}

/// Appends the header lines that authorise a request at L2.
///
/// # Errors
/// [`KeyError`] when the keys are not Polymarket's.
pub fn sign(
    keys: &Keys,
    method: &str,
    path: &str,
    body: &str,
    wall_ms: i64,
    out: &mut Vec<u8>,
) -> Result<(), KeyError> {
    Account::of(keys)?.headers(method, path, body.as_bytes(), wall_ms, out);
    Ok(())
}

fn signed(
    keys: &Keys,
    method: &'static str,
    path: String,
    body: String,
    wall_ms: i64,
) -> Result<HttpRequest, QueryError> {
    let mut lines = Vec::new();
    sign(keys, method, &path, &body, wall_ms, &mut lines)?;
    let request = HttpRequest::new(method, CLOB_HOST, path).with_lines(&lines);
    if body.is_empty() {
        return Ok(request);
    }
    let mut request = request.with_header("Content-Type", "application/json");
    request.body = body;
    Ok(request)
}
