//! Bybit's signed REST requests: who asks is proved by four headers; the limits per member are told in headers.
//!
//! Rules: bybit-exchange.github.io v5 (guide: authentication, rate limit; user/apikey-info, account/fee-rate).

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use axum::Router;
use axum::extract::{Query, State};
use axum::http::{HeaderMap, HeaderValue, Uri};
use axum::response::Response;
use axum::routing::get;

use super::rest::category;
use crate::config::{Board, Venue};
use crate::members::{Member, member, signed_hex};
use crate::rest::json;
use crate::window::Window;
use crate::world::World;

/// Requests of one member to one endpoint in [`SPAN`].
const LIMIT: u32 = 10;
/// The span of the limits in ns.
const SPAN: u64 = 1_000_000_000;

struct Room {
    world: Arc<World>,
    members: Vec<Member>,
    /// Requests by member and path.
    used: Mutex<HashMap<(usize, String), Window>>,
}

/// Code and message of a refusal.
type Refusal = (u32, String);

/// The signed part of the REST room.
pub(super) fn router(world: Arc<World>, members: Vec<Member>) -> Router {
    Router::new()
        .route("/v5/user/query-api", get(key_info))
        .route("/v5/account/fee-rate", get(fee_rate))
        .with_state(Arc::new(Room { world, members, used: Mutex::default() }))
}

async fn key_info(State(room): State<Arc<Room>>, uri: Uri, headers: HeaderMap) -> Response {
    room.answered(&uri, &headers, uri.query().unwrap_or(""), |member| {
        let wallet = if member.withdraws { r#"["AccountTransfer","Withdraw"]"# } else { r#"["AccountTransfer"]"# };
        Ok(format!(
            r#"{{"id":"1","note":"simulated","apiKey":"{}","readOnly":0,"secret":"","permissions":{{"ContractTrade":["Order","Position"],"Spot":["SpotTrade"],"Wallet":{wallet},"Options":[],"Derivatives":["DerivativesTrade"],"Exchange":[]}},"ips":["*"],"type":1,"deadlineDay":90,"uta":1,"userID":24600000,"vipLevel":"No VIP"}}"#,
            member.key
        ))
    })
}

async fn fee_rate(
    State(room): State<Arc<Room>>,
    uri: Uri,
    headers: HeaderMap,
    Query(params): Query<HashMap<String, String>>,
) -> Response {
    room.answered(&uri, &headers, uri.query().unwrap_or(""), |_| {
        let (name, board) = category(&params).map_err(|why| (10_001, why.to_owned()))?;
        let (maker, taker) = if board == Board::BybitSpot { ("0.001", "0.001") } else { ("0.0002", "0.00055") };
        let state = room.world.lock();
        let all = (0..state.market.len()).map(|i| state.market.listing(i));
        let wanted = params.get("symbol");
        let listed = all.filter(|l| l.board == board && !l.gone && wanted.is_none_or(|symbol| *symbol == l.symbol));
        let row = |symbol: &str| {
            format!(r#"{{"symbol":"{symbol}","baseCoin":"","takerFeeRate":"{taker}","makerFeeRate":"{maker}"}}"#)
        };
        let rows: Vec<_> = listed.map(|listing| row(&listing.symbol)).collect();
        Ok(format!(r#"{{"category":"{name}","list":[{}]}}"#, rows.join(",")))
    })
}

impl Room {
    /// Answers a request of `payload` (query or body) if it proves who asks and the member's limit for the path allows it.
    fn answered(
        &self,
        uri: &Uri,
        headers: &HeaderMap,
        payload: &str,
        answer: impl FnOnce(&Member) -> Result<String, Refusal>,
    ) -> Response {
        let now_ms = self.world.venue_now(Venue::Bybit) / 1_000_000;
        let number = match judge(&self.members, headers, payload, now_ms) {
            Ok(number) => number,
            Err(refusal) => return body(Err(refusal), now_ms),
        };
        let (allowed, left) = {
            let mut used = self.used.lock().unwrap_or_else(PoisonError::into_inner);
            let window = used.entry((number, uri.path().to_owned())).or_insert_with(|| Window::new(LIMIT, SPAN));
            (window.allow(self.world.now_ns()), u64::from(LIMIT).saturating_sub(window.len() as u64))
        };
        let outcome =
            if allowed { answer(&self.members[number]) } else { Err((10_006, "Too many visits!".to_owned())) };
        let mut response = body(outcome, now_ms);
        let reset = if allowed { now_ms } else { now_ms + SPAN / 1_000_000 };
        for (name, value) in
            [("X-Bapi-Limit", u64::from(LIMIT)), ("X-Bapi-Limit-Status", left), ("X-Bapi-Limit-Reset-Timestamp", reset)]
        {
            response.headers_mut().insert(name, HeaderValue::from(value));
        }
        response
    }
}

fn body(outcome: Result<String, Refusal>, now_ms: u64) -> Response {
    let (code, message, result) = match outcome {
        Ok(result) => (0, "OK".to_owned(), result),
        Err((code, message)) => (code, message, "{}".to_owned()),
    };
    json(
        200,
        format!(r#"{{"retCode":{code},"retMsg":"{message}","result":{result},"retExtInfo":{{}},"time":{now_ms}}}"#),
    )
}

/// The member who signed.
fn judge(members: &[Member], headers: &HeaderMap, payload: &str, now_ms: u64) -> Result<usize, Refusal> {
    let header = |name: &str| headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or("");
    let (key, time) = (header("X-BAPI-API-KEY"), header("X-BAPI-TIMESTAMP"));
    let window = match header("X-BAPI-RECV-WINDOW") {
        "" => "5000",
        window => window,
    };
    let (number, member) = member(members, key).ok_or((10_003, "API key is invalid.".to_owned()))?;
    let wrong = || (10_001, "params error: timestamp or recv_window".to_owned());
    let (at_ms, window_ms): (u64, u64) = (time.parse().map_err(|_| wrong())?, window.parse().map_err(|_| wrong())?);
    if at_ms.saturating_add(window_ms) < now_ms || at_ms >= now_ms + 1_000 {
        let why = "invalid request, please check your server timestamp or recv_window param.";
        let told = format!("{why} req_timestamp[{at_ms}],server_timestamp[{now_ms}],recv_window[{window_ms}]");
        return Err((10_002, told));
    }
    let fine = signed_hex(member, &format!("{time}{key}{window}{payload}"), header("X-BAPI-SIGN"));
    if fine {
        Ok(number)
    } else {
        Err((10_004, "error sign! please check your signature generation algorithm.".to_owned()))
    }
}
