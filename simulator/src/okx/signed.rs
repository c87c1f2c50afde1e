//! OKX's signed REST requests: who asks is proved by four headers, and every member has limits of its own.
//!
//! Rules: www.okx.com/docs-v5 (REST authentication, error codes 501xx, rate limits per endpoint and user).

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use axum::Router;
use axum::extract::{Query, State};
use axum::http::{HeaderMap, Uri};
use axum::response::Response;
use axum::routing::get;

use crate::config::Venue;
use crate::members::{Member, member, signed_base64};
use crate::rest::json;
use crate::window::Window;
use crate::world::World;

/// How old or new a request's time may be, in ms.
const TOLERANCE_MS: u64 = 30_000;
/// Requests of one member to one endpoint in [`SPAN`].
const LIMIT: u32 = 5;
/// The span of the limits in ns.
const SPAN: u64 = 2_000_000_000;

struct Room {
    world: Arc<World>,
    members: Vec<Member>,
    /// Requests by member and path.
    used: Mutex<HashMap<(usize, String), Window>>,
}

/// HTTP status, code and message of a refusal.
type Refusal = (u16, &'static str, &'static str);

/// The signed part of the REST room.
pub(super) fn router(world: Arc<World>, members: Vec<Member>) -> Router {
    Router::new()
        .route("/api/v5/account/config", get(config))
        .route("/api/v5/account/trade-fee", get(fee))
        .with_state(Arc::new(Room { world, members, used: Mutex::default() }))
}

async fn config(State(room): State<Arc<Room>>, uri: Uri, headers: HeaderMap) -> Response {
    answered(room.asked("GET", &uri, &headers, "").map(|number| {
        let perm = if room.members[number].withdraws { "read_only,withdraw,trade" } else { "read_only,trade" };
        format!(
            r#"{{"uid":"{}","mainUid":"{}","acctLv":"2","posMode":"net_mode","acctStpMode":"cancel_maker","autoLoan":false,"perm":"{perm}","ip":"","label":"simulated","roleType":"0","level":"Lv1"}}"#,
            uid(number),
            uid(number)
        )
    }))
}

/// The regular tier; negative numbers are charges.
async fn fee(
    State(room): State<Arc<Room>>,
    uri: Uri,
    headers: HeaderMap,
    Query(params): Query<HashMap<String, String>>,
) -> Response {
    answered(room.asked("GET", &uri, &headers, "").and_then(|_| {
        let now_ms = room.world.venue_now(Venue::Okx) / 1_000_000;
        let kind = params.get("instType").map(String::as_str).unwrap_or("");
        let (maker, taker, maker_u, taker_u) = match kind {
            "SPOT" => ("-0.0008", "-0.001", "", ""),
            "SWAP" => ("-0.0002", "-0.0005", "-0.0002", "-0.0005"),
            "" => return Err((400, "50014", "Parameter instType can not be empty.")),
            _ => return Err((400, "51000", "Parameter instType error")),
        };
        Ok(format!(
            r#"{{"category":"1","level":"Lv1","instType":"{kind}","maker":"{maker}","taker":"{taker}","makerU":"{maker_u}","takerU":"{taker_u}","ts":"{now_ms}"}}"#
        ))
    }))
}

fn uid(number: usize) -> u64 {
    614_488_474_791_936 + number as u64
}

fn answered(answer: Result<String, Refusal>) -> Response {
    match answer {
        Ok(data) => json(200, format!(r#"{{"code":"0","data":[{data}],"msg":""}}"#)),
        Err((status, code, message)) => json(status, format!(r#"{{"msg":"{message}","code":"{code}","data":[]}}"#)),
    }
}

impl Room {
    /// Who asks, if the request proves it and the member's limit for the path allows it.
    fn asked(&self, method: &str, uri: &Uri, headers: &HeaderMap, body: &str) -> Result<usize, Refusal> {
        let now_ns = self.world.venue_now(Venue::Okx);
        let asked = uri.path_and_query().map_or("", |whole| whole.as_str());
        let number = judge(&self.members, method, asked, headers, body, now_ns / 1_000_000)?;
        let mut used = self.used.lock().unwrap_or_else(PoisonError::into_inner);
        let window = used.entry((number, uri.path().to_owned())).or_insert_with(|| Window::new(LIMIT, SPAN));
        let allowed = window.allow(self.world.now_ns());
        if allowed { Ok(number) } else { Err((429, "50011", "Too Many Requests")) }
    }
}

/// The member who signed; checks in the venue's order.
fn judge(
    members: &[Member],
    method: &str,
    asked: &str,
    headers: &HeaderMap,
    body: &str,
    now_ms: u64,
) -> Result<usize, Refusal> {
    let header = |name: &str| headers.get(name).and_then(|value| value.to_str().ok()).filter(|text| !text.is_empty());
    let key = header("OK-ACCESS-KEY").ok_or((401, "50103", "Request header OK-ACCESS-KEY can not be empty."))?;
    let phrase = header("OK-ACCESS-PASSPHRASE").ok_or((
        401,
        "50104",
        "Request header OK-ACCESS-PASSPHRASE can not be empty.",
    ))?;
    let sign = header("OK-ACCESS-SIGN").ok_or((401, "50106", "Request header OK-ACCESS-SIGN can not be empty."))?;
    let time =
        header("OK-ACCESS-TIMESTAMP").ok_or((401, "50107", "Request header OK-ACCESS-TIMESTAMP can not be empty."))?;
    let at_ms = iso_ms(time).ok_or((401, "50112", "Invalid OK-ACCESS-TIMESTAMP"))?;
    if at_ms.abs_diff(now_ms) > TOLERANCE_MS {
        return Err((401, "50102", "Timestamp request expired"));
    }
    let (number, member) = member(members, key).ok_or((401, "50111", "Invalid OK-ACCESS-KEY"))?;
    if phrase != member.passphrase {
        return Err((401, "50105", "Request header OK-ACCESS-PASSPHRASE incorrect."));
    }
    let fine = signed_base64(member, &format!("{time}{method}{asked}{body}"), sign);
    if fine { Ok(number) } else { Err((401, "50113", "Invalid Sign")) }
}

/// Milliseconds since 1970 of `2026-09-21T14:13:20.123Z`.
fn iso_ms(text: &str) -> Option<u64> {
    let (date, time) = text.strip_suffix('Z')?.split_once('T')?;
    let mut parts = date.split('-').chain(time.split([':', '.'])).map(|part| part.parse::<u64>().ok());
    let [year, month, day, hour, minute, second, ms] = std::array::from_fn(|_| parts.next().flatten());
    let (year, month, day) = (year?, month?, day?);
    if !(1970..10_000).contains(&year) || !(1..=12).contains(&month) || parts.next().is_some() {
        return None;
    }
    // days from the civil date, after H. Hinnant, "chrono-Compatible Low-Level Date Algorithms"
    let (y, m) = if month <= 2 { (year - 1, month + 9) } else { (year, month - 3) };
    let days = 365 * y + y / 4 - y / 100 + y / 400 + (153 * m + 2) / 5 + day.checked_sub(1)? - 719_468;
    Some((((days * 24 + hour?) * 60 + minute?) * 60 + second?) * 1_000 + ms?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn iso_times_are_read_and_nonsense_is_not() {
        assert_eq!(iso_ms("2026-09-21T14:13:20.123Z"), Some(1_790_000_000_123));
        assert_eq!(iso_ms("1970-01-01T00:00:00.000Z"), Some(0));
        assert_eq!(iso_ms("2024-02-29T23:59:59.999Z"), Some(1_709_251_199_999));
        for nonsense in
            ["", "1790000000.123", "2026-13-01T00:00:00.000Z", "2026-09-21 14:13:20.123Z", "2026-09-21T14:13:20Z"]
        {
            assert_eq!(iso_ms(nonsense), None, "{nonsense}");
        }
    }
}
