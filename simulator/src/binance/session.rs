//! Binance's WebSocket API: requests with an id, sessions, subscriptions to user data, rate limits in every answer.
//!
//! Rules: binance-spot-api-docs web-socket-api.md; USD-M websocket-api-general-info.

use serde_json::Value;

use super::call::{Answer, Call, Params, Problem};
use super::methods::{self, Method, Proof};
use super::{Binance, proof};
use crate::desk::{Client, Floor};
use crate::exchange::meter::Charge;
use crate::fault::Place;
use crate::fault::verb::AnswerFault;
use crate::members::Member;

/// A session's own affairs, which need no trading core.
enum Affair {
    Logon,
    Status,
    Logout,
    Subscribe,
    SubscribeSigned,
    Unsubscribe,
    Subscriptions,
    Time,
    Ping,
}

impl Affair {
    fn named(name: &str) -> Option<Self> {
        Some(match name {
            "session.logon" => Self::Logon,
            "session.status" => Self::Status,
            "session.logout" => Self::Logout,
            "userDataStream.subscribe" => Self::Subscribe,
            "userDataStream.subscribe.signature" => Self::SubscribeSigned,
            "userDataStream.unsubscribe" => Self::Unsubscribe,
            "session.subscriptions" => Self::Subscriptions,
            "time" => Self::Time,
            "ping" => Self::Ping,
            _ => return None,
        })
    }

    const fn weight(&self) -> u64 {
        match self {
            Self::Logon | Self::Status | Self::Logout | Self::Subscribe | Self::SubscribeSigned => 2,
            Self::Unsubscribe | Self::Subscriptions => 2,
            Self::Time | Self::Ping => 1,
        }
    }
}

/// What an answer is made of.
struct Told {
    answer: Answer,
    limits: Vec<String>,
    used: u64,
    fate: Option<(AnswerFault, u64)>,
}

/// Answers one request.
pub(super) fn on_text(room: &Binance, text: &str, client: &mut Client, floor: &mut Floor<'_>) {
    let request: Value = serde_json::from_str(text).unwrap_or_default();
    let id = &request["id"];
    let fine = id.is_null() || id.is_i64() || id.is_u64() || id.as_str().is_some_and(|id| id.len() <= 36);
    let Some(name) = request["method"].as_str().filter(|_| fine) else {
        let problem = Problem::new(-1130, "Data sent for parameter 'method' is not valid.");
        client.send(format!(r#"{{"id":null,"status":400,"error":{}}}"#, problem.json()));
        return;
    };
    let params = proof::socket_params(&request);
    let told = obey(room, name, &params, client, floor);
    let (answer, late_ns) = match told.fate {
        Some((AnswerFault::Drop, _)) => return,
        Some((AnswerFault::Error, _)) => (Err(Problem::unknown()), 0),
        Some((AnswerFault::Late, late_ns)) => (told.answer, late_ns),
        _ => (told.answer, 0),
    };
    let limits = match params.get("returnRateLimits").map(String::as_str) {
        Some("false") => String::new(),
        _ => rate_limits(room.usdm, &told.limits, told.used),
    };
    let text = match answer {
        Ok(result) => format!(r#"{{"id":{id},"status":200,"result":{result}{limits}}}"#),
        Err(problem) => format!(r#"{{"id":{id},"status":{},"error":{}{limits}}}"#, problem.status, problem.json()),
    };
    client.send_late(text, late_ns);
}

fn rate_limits(usdm: bool, orders: &[String], used: u64) -> String {
    let limit = super::weight_limit(usdm);
    let weight = format!(
        r#"{{"rateLimitType":"REQUEST_WEIGHT","interval":"MINUTE","intervalNum":1,"limit":{limit},"count":{used}}}"#
    );
    let all: Vec<_> = orders.iter().cloned().chain([weight]).collect();
    format!(r#","rateLimits":[{}]"#, all.join(","))
}

fn obey(room: &Binance, name: &str, params: &Params, client: &mut Client, floor: &mut Floor<'_>) -> Told {
    let bare = |answer, used| Told { answer, limits: Vec::new(), used, fate: None };
    let method = methods::all(room.usdm).iter().find(|method| !method.name.is_empty() && method.name == name);
    let affair = Affair::named(name);
    let weight = method.map_or_else(|| affair.as_ref().map_or(1, Affair::weight), |method| method.weight(params));
    let (exchange, turn) = floor.trade();
    let used = match exchange.meter.charge(weight, super::weight_limit(room.usdm), turn.now_ns) {
        Charge::Fine(used) => used,
        Charge::Limited { status, retry_s, used } => return bare(Err(limited(status, retry_s, turn.now_ns)), used),
    };
    match (method, affair) {
        (Some(method), _) => run(room, method, params, client, floor),
        (None, Some(affair)) => bare(attend(room, &affair, params, client, floor), used),
        (None, None) => bare(Err(Problem::new(-1020, "This operation is not supported.")), used),
    }
}

fn limited(status: u16, retry_s: u64, now_ns: u64) -> Problem {
    let now_ms = now_ns / 1_000_000;
    let data = format!(r#"{{"serverTime":{now_ms},"retryAfter":{}}}"#, now_ms + retry_s * 1_000);
    let message = match status {
        418 => "Way too much request weight used; IP banned until the time given.",
        _ => "Too much request weight used; current limit is given in rateLimits.",
    };
    Problem { status, data: Some(data), ..Problem::new(-1003, message) }
}

/// Who asks: the request's own key and signature, or else the session.
fn who<'a>(
    room: &'a Binance,
    params: &Params,
    client: &Client,
    signed: bool,
    now_ms: i64,
) -> Result<(usize, &'a Member), Problem> {
    if client.member.is_some() && !params.contains_key("apiKey") {
        if signed {
            proof::timely(params, now_ms)?;
        }
        return proof::asks(Some(&client.key), &room.members);
    }
    proved(room, params, signed, now_ms)
}

/// Who asks by the request's own key.
fn proved<'a>(room: &'a Binance, params: &Params, signed: bool, now_ms: i64) -> Result<(usize, &'a Member), Problem> {
    let key = params.get("apiKey").ok_or_else(|| Problem::missing("apiKey"))?;
    let (number, member) = proof::asks(Some(key), &room.members)?;
    if signed {
        proof::proves(member, &proof::socket_payload(params), params, now_ms)?;
    }
    Ok((number, member))
}

fn run(room: &Binance, method: &Method, params: &Params, client: &Client, floor: &mut Floor<'_>) -> Told {
    let place = Place { topic: method.name, ..client.place(room.venue()) };
    let (exchange, turn) = floor.trade();
    let now_ms = (turn.venue_ns / 1_000_000) as i64;
    let (account, member) = match who(room, params, client, method.proof == Proof::Signed, now_ms) {
        Ok(known) => known,
        Err(problem) => {
            return Told { answer: Err(problem), limits: Vec::new(), used: exchange.meter.used(), fate: None };
        }
    };
    let (usdm, withdraws) = (room.usdm, member.withdraws);
    let mut call = Call { usdm, account, params, exchange, turn, place, withdraws, fate: None, ordered: false };
    let answer = (method.run)(&mut call);
    let limits = if call.ordered { call.order_limits() } else { Vec::new() };
    let used = match (&answer, method.free) {
        (Ok(_), true) => call.exchange.meter.refund(method.weight(params)),
        _ => call.exchange.meter.used(),
    };
    Told { answer, limits, used, fate: call.fate }
}

fn attend(room: &Binance, affair: &Affair, params: &Params, client: &mut Client, floor: &mut Floor<'_>) -> Answer {
    let now_ms = (floor.trade().1.venue_ns / 1_000_000) as i64;
    match affair {
        Affair::Time => Ok(format!(r#"{{"serverTime":{now_ms}}}"#)),
        Affair::Ping => Ok("{}".to_owned()),
        Affair::Logon => {
            let (number, member) = proved(room, params, true, now_ms)?;
            if member.public_key.is_none() {
                return Err(Problem::new(-4056, "HMAC_SHA256 API key is not supported."));
            }
            (client.member, client.key) = (Some(number), member.key.clone());
            Ok(session(client, now_ms))
        }
        Affair::Status => Ok(session(client, now_ms)),
        Affair::Logout => {
            client.member = None;
            Ok(session(client, now_ms))
        }
        Affair::Subscribe => {
            let number = client.member.ok_or_else(|| Problem::new(-2015, "Session is not authenticated."))?;
            subscribe(client, number)
        }
        Affair::SubscribeSigned => {
            let (number, _) = who(room, params, client, true, now_ms)?;
            subscribe(client, number)
        }
        Affair::Unsubscribe => {
            match params.get("subscriptionId").and_then(|id| id.parse().ok()) {
                Some(id) => drop(client.audience.remove(&id)),
                None => client.audience.clear(),
            }
            Ok("{}".to_owned())
        }
        Affair::Subscriptions => {
            let rows: Vec<_> = client.audience.keys().map(|id| format!(r#"{{"subscriptionId":{id}}}"#)).collect();
            Ok(format!("[{}]", rows.join(",")))
        }
    }
}

fn session(client: &Client, now_ms: i64) -> String {
    let key = Value::from(client.member.map(|_| client.key.as_str()));
    let since = if client.member.is_some() { now_ms.to_string() } else { "null".to_owned() };
    format!(
        r#"{{"apiKey":{key},"authorizedSince":{since},"connectedSince":{now_ms},"returnRateLimits":true,"serverTime":{now_ms},"userDataStream":{}}}"#,
        !client.audience.is_empty()
    )
}

fn subscribe(client: &mut Client, account: usize) -> Answer {
    if client.audience.values().any(|known| *known == account) {
        return Err(Problem::new(-2035, "User Data Stream subscription already active."));
    }
    let id = client.audience.last_key_value().map_or(0, |(id, _)| id + 1);
    client.audience.insert(id, account);
    Ok(format!(r#"{{"subscriptionId":{id}}}"#))
}
