//! Bybit's private and order-entry addresses: authentication, private topics, heartbeats.
//!
//! Rules: bybit-exchange.github.io v5 (ws/connect, ws/trade guideline, private topics).

use serde_json::Value;

use super::echo;
use crate::desk::{Client, Close};
use crate::members::{Member, member, signed_hex};
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
                client.member = Some(number);
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
pub(super) fn on_trade(request: &Value, now_ns: u64, client: &mut Client, members: &[Member]) -> Result<(), Close> {
    let op = request["op"].as_str().unwrap_or("");
    let conn = client.conn_id();
    if op == "ping" {
        let now_ms = now_ns / 1_000_000;
        client.send(format!(r#"{{"retCode":0,"retMsg":"OK","op":"pong","data":["{now_ms}"],"connId":"{conn}"}}"#));
        return Ok(());
    }
    let outcome = match op {
        "auth" if client.member.is_some() => Err((20_001, "Repeat auth")),
        "auth" => judge(request, now_ns, members).map(|number| client.member = Some(number)),
        _ if client.member.is_none() => Err((10_005, "Request not authorized")),
        _ => Err((10_404, "op type is not found")),
    };
    let (code, message) = outcome.err().unwrap_or((0, "OK"));
    let id = Value::from(excerpt(request["reqId"].as_str().unwrap_or("")));
    let op = Value::from(excerpt(op));
    client.send(format!(r#"{{"reqId":{id},"retCode":{code},"retMsg":"{message}","op":{op},"connId":"{conn}"}}"#));
    Ok(())
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
