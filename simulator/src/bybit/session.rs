//! Bybit's private and order-entry addresses: authentication, private topics, order operations, heartbeats.
//!
//! Rules: bybit-exchange.github.io v5 (ws/connect, ws/trade guideline, private topics).

use serde_json::Value;

use super::call::{self, Answer, Call, Problem, SPAN};
use super::methods::{self, Method};
use super::{echo, proof};
use crate::config::Venue;
use crate::desk::{Client, Close, Floor};
use crate::fault::Place;
use crate::fault::verb::AnswerFault;
use crate::members::{Member, member, signed_hex};
use crate::params::Params;
use crate::text::excerpt;

/// Topics of the private stream; `dcp.*` arm the disconnect protection.
const TOPICS: [&str; 14] = [
    "order",
    "order.spot",
    "order.linear",
    "execution",
    "execution.spot",
    "execution.linear",
    "execution.fast",
    "execution.fast.spot",
    "execution.fast.linear",
    "position",
    "position.linear",
    "wallet",
    "dcp.spot",
    "dcp.future",
];

/// Answers one request on the private address.
pub(super) fn on_private(request: &Value, now_ns: u64, client: &mut Client, members: &[Member]) -> Result<(), Close> {
    let op = request["op"].as_str().unwrap_or("");
    let (conn, id) = (client.conn_id(), echo(request));
    if op == "ping" {
        let now_ms = now_ns / 1_000_000;
        client.send(format!(r#"{{"req_id":{id},"op":"pong","args":["{now_ms}"],"conn_id":"{conn}"}}"#));
        return Ok(());
    }
    let outcome = match op {
        "auth" if client.member.is_some() => Err("Repeat auth".to_owned()),
        "auth" => judge(request, now_ns, members)
            .map(|number| {
                (client.member, client.key) = (Some(number), key_of(request));
                ""
            })
            .map_err(|(_, message)| message.to_owned()),
        _ if client.member.is_none() => Err("Request not authorized".to_owned()),
        "subscribe" => subscribe(request, client).map(|()| ""),
        "unsubscribe" => unsubscribe(request, client).map(|()| ""),
        _ => Err(format!("error:invalid op,op:{}", excerpt(op))),
    };
    let refused = op == "auth" && outcome.is_err();
    let (success, message) = (outcome.is_ok(), Value::from(outcome.map_or_else(|why| why, str::to_owned)));
    let op = Value::from(excerpt(op));
    client.send(format!(r#"{{"success":{success},"ret_msg":{message},"op":{op},"req_id":{id},"conn_id":"{conn}"}}"#));
    if refused { Err(Close(1008, "auth failed")) } else { Ok(()) }
}

/// Answers one request on the order-entry address.
pub(super) fn on_trade(request: &Value, now_ns: u64, client: &mut Client, floor: &mut Floor<'_>, members: &[Member]) {
    let op = request["op"].as_str().unwrap_or("");
    let conn = client.conn_id();
    if op == "ping" {
        let now_ms = now_ns / 1_000_000;
        client.send(format!(r#"{{"retCode":0,"retMsg":"OK","op":"pong","data":["{now_ms}"],"connId":"{conn}"}}"#));
        return;
    }
    let method = methods::ALL.iter().find(|method| !method.op.is_empty() && method.op == op);
    let outcome = match (op, client.member, method) {
        ("auth", Some(_), _) => Err(Problem::new(20_001, "Repeat auth")),
        ("auth", None, _) => judge(request, now_ns, members)
            .map(|number| (client.member, client.key) = (Some(number), key_of(request)))
            .map_err(|(code, message)| Problem::new(code, message)),
        (_, None, _) => Err(Problem::new(10_005, "Request not authorized")),
        (_, Some(_), _) if member(members, &client.key).is_none() => Err(Problem::new(10_003, "API key is invalid.")),
        (_, Some(account), Some(method)) => {
            operate(method, request, account, client, floor, members);
            return;
        }
        (_, Some(_), None) => Err(Problem::new(10_404, "op type is not found")),
    };
    let (code, message) = outcome.err().map_or((0, "OK".to_owned()), |problem| (problem.code, problem.message));
    let (id, message, op) = (request_id(request), Value::from(message), Value::from(excerpt(op)));
    client.send(format!(r#"{{"reqId":{id},"retCode":{code},"retMsg":{message},"op":{op},"connId":"{conn}"}}"#));
}

fn request_id(request: &Value) -> Value {
    Value::from(excerpt(request["reqId"].as_str().unwrap_or("")))
}

/// The parameters of an order operation, if it may be done now: its time fits, its id is new, it names one order.
fn read(request: &Value, client: &mut Client, now_ms: u64) -> Result<Params, Problem> {
    let header = |name: &str| {
        let value = &request["header"][name];
        value.as_str().map_or_else(|| value.as_u64().map(|n| n.to_string()).unwrap_or_default(), str::to_owned)
    };
    proof::timely(&header("X-BAPI-TIMESTAMP"), &header("X-BAPI-RECV-WINDOW"), now_ms)?;
    match request["reqId"].as_str() {
        Some(id) if id.len() > 36 => return Err(Problem::wrong("reqId")),
        Some(id) if !id.is_empty() && !client.asks_first(id) => {
            return Err(Problem::new(20_006, "reqId is duplicated"));
        }
        _ => {}
    }
    match request["args"].as_array().map(Vec::as_slice) {
        Some([order]) if order.is_object() => Ok(Params::of_json(order)),
        _ => Err(Problem::new(10_001, "Param error")),
    }
}

/// What an operation comes to: its answer, the limit that was counted for, what faults do.
type Outcome = (Answer, Option<(u32, u32)>, Option<(AnswerFault, u64)>);

/// Does an order operation and answers it.
fn operate(
    method: &Method,
    request: &Value,
    account: usize,
    client: &mut Client,
    floor: &mut Floor<'_>,
    members: &[Member],
) {
    let now_ms = floor.trade().1.venue_ns / 1_000_000;
    let (answer, usage, fate) = match (members.get(account), read(request, client, now_ms)) {
        (Some(member), Ok(params)) => obey(method, &params, (account, member), client, floor),
        (_, Err(problem)) => (Err(problem), None, None),
        (None, _) => (Err(Problem::unknown()), None, None),
    };
    let (answer, late_ns) = match fate {
        Some((AnswerFault::Drop, _)) => return,
        Some((AnswerFault::Error, _)) => (Err(Problem::unknown()), 0),
        Some((AnswerFault::Late, late_ns)) => (answer, late_ns),
        _ => (answer, 0),
    };
    let (code, message, result, beside) = call::parts(&answer);
    let (id, op, conn, header) = (request_id(request), method.op, client.conn_id(), header(usage, now_ms));
    client.send_late(
        format!(
            r#"{{"reqId":{id},"retCode":{code},"retMsg":{message},"op":"{op}","data":{result},"retExtInfo":{beside},"header":{{{header}"Traceid":"simulated","Timenow":"{now_ms}"}},"connId":"{conn}"}}"#
        ),
        late_ns,
    );
}

fn obey(
    method: &Method,
    params: &Params,
    (account, member): (usize, &Member),
    client: &Client,
    floor: &mut Floor<'_>,
) -> Outcome {
    let place = Place { topic: method.op, ..client.place(Venue::Bybit) };
    let (exchange, turn) = floor.trade();
    let (key, withdraws, usage, fate) = (&*member.key, member.withdraws, None, None);
    let mut call = Call { account, params, exchange, turn, place, key, withdraws, usage, fate };
    let answer = method.run(&mut call);
    (answer, call.usage, call.fate)
}

/// What a socket's answer tells of the limit that was counted for.
fn header(usage: Option<(u32, u32)>, now_ms: u64) -> String {
    let Some((limit, left)) = usage else { return String::new() };
    let reset_ms = if left > 0 { now_ms } else { now_ms + SPAN / 1_000_000 };
    format!(r#""X-Bapi-Limit":"{limit}","X-Bapi-Limit-Status":"{left}","X-Bapi-Limit-Reset-Timestamp":"{reset_ms}","#)
}

/// The key that a login names.
fn key_of(request: &Value) -> String {
    request["args"][0].as_str().unwrap_or_default().to_owned()
}

/// Judges `args: [key, expires, signature]`; the number of the member.
fn judge(request: &Value, now_ns: u64, members: &[Member]) -> Result<usize, (u32, &'static str)> {
    let Some([key, expires, signature]) = request["args"].as_array().map(Vec::as_slice) else {
        return Err((10_001, "Param error"));
    };
    let expires_ms = expires.as_u64().or_else(|| expires.as_str().and_then(|text| text.parse().ok()));
    let expires_ms = expires_ms.ok_or((10_001, "Param error"))?;
    let (number, member) = member(members, key.as_str().unwrap_or("")).ok_or((10_003, "Invalid apikey"))?;
    if expires_ms <= now_ns / 1_000_000 {
        return Err((10_002, "Request expired"));
    }
    let fine = signed_hex(member, &format!("GET/realtime{expires_ms}"), signature.as_str().unwrap_or(""));
    if fine { Ok(number) } else { Err((10_004, "Invalid sign")) }
}

fn subscribe(request: &Value, client: &mut Client) -> Result<(), String> {
    let topics = super::topics(request).filter(|t| !t.is_empty()).ok_or("error:invalid args")?;
    if let Some(unknown) = topics.iter().find(|topic| !TOPICS.contains(topic)) {
        return Err(format!("error:handler not found,topic:{}", excerpt(unknown)));
    }
    let held: Vec<&str> = client.topics.iter().map(String::as_str).chain(topics.iter().copied()).collect();
    // `order` together with `order.spot` is refused, `execution` together with `execution.fast` is not
    let within = |all: &str, one: &str| {
        let kind = one.strip_prefix(all).and_then(|rest| rest.strip_prefix('.'));
        kind.is_some_and(|kind| kind == "spot" || kind == "linear")
    };
    if held.iter().any(|all| held.iter().any(|one| within(all, one))) {
        return Err("error:all-in-one and categorised topics exclude each other".to_owned());
    }
    client.topics.extend(topics.iter().map(|&topic| topic.to_owned()));
    Ok(())
}

fn unsubscribe(request: &Value, client: &mut Client) -> Result<(), String> {
    for topic in super::topics(request).ok_or("error:invalid args")? {
        client.topics.remove(topic);
    }
    Ok(())
}
