//! OKX's private address: login, private channels, and the heartbeat; who asked what before whom is not heard.
//!
//! Rules: www.okx.com/docs-v5 (login, private channels, error codes of WebSocket, connection count).

use serde_json::Value;

use super::{echo, key, refuse};
use crate::desk::{Client, Close, Floor};
use crate::members::{Member, member, signed_base64};
use crate::text::excerpt;

/// How old or new a login's time may be, in seconds.
const TOLERANCE_S: u64 = 30;
/// Private channels that every member may have.
const CHANNELS: [&str; 4] = ["orders", "account", "positions", "balance_and_position"];
/// What a login's time is signed with.
const SIGNED: &str = "GET/users/self/verify";

/// Answers one request on the private address; an error closes the connection.
pub(super) fn on_request(
    request: &Value,
    now_ns: u64,
    client: &mut Client,
    floor: &mut Floor<'_>,
    members: &[Member],
) -> Result<(), Close> {
    let args = request["args"].as_array().map_or(&[][..], Vec::as_slice);
    match request["op"].as_str() {
        Some("login") => return login(request, args, now_ns, client, members),
        Some(_) if client.member.is_none() => refuse(client, request, "60011", "Please log in"),
        Some(op @ ("subscribe" | "unsubscribe")) if !args.is_empty() => {
            for arg in args {
                channel(op, arg, request, client, floor);
            }
        }
        _ => refuse(client, request, "60012", &format!("Invalid request: {}", excerpt(&request.to_string()))),
    }
    Ok(())
}

fn login(request: &Value, args: &[Value], now_ns: u64, client: &mut Client, members: &[Member]) -> Result<(), Close> {
    if client.member.is_some() {
        refuse(client, request, "60031", "The WebSocket endpoint does not allow multiple or repeated logins.");
        return Ok(());
    }
    match judge(args, now_ns, members) {
        Ok(number) => {
            client.member = Some(number);
            let (id, conn) = (echo(request), client.conn_id());
            client.send(format!(r#"{{{id}"event":"login","code":"0","msg":"","connId":"{conn}"}}"#));
            Ok(())
        }
        Err((code, message)) => {
            refuse(client, request, code, message);
            Err(Close(4001, "Login failed"))
        }
    }
}

fn judge(args: &[Value], now_ns: u64, members: &[Member]) -> Result<usize, (&'static str, &'static str)> {
    let [arg] = args else { return Err(("60009", "Login failed.")) };
    let text = |name: &str| arg[name].as_str().unwrap_or("");
    let (number, member) = member(members, text("apiKey")).ok_or(("60005", "Invalid apiKey"))?;
    // a text by the documents, a number by the official Python client; both are taken
    let timestamp = arg["timestamp"].as_u64().map_or_else(|| text("timestamp").to_owned(), |n| n.to_string());
    let seconds: u64 = timestamp.parse().map_err(|_| ("60004", "Invalid timestamp"))?;
    if seconds.abs_diff(now_ns / 1_000_000_000) > TOLERANCE_S {
        return Err(("60006", "Timestamp request expired"));
    }
    if text("passphrase") != member.passphrase {
        return Err(("60024", "Wrong passphrase"));
    }
    let signed = signed_base64(member, &format!("{timestamp}{SIGNED}"), text("sign"));
    if signed { Ok(number) } else { Err(("60007", "Invalid sign")) }
}

fn channel(op: &str, arg: &Value, request: &Value, client: &mut Client, floor: &Floor<'_>) {
    let name = arg["channel"].as_str().unwrap_or("");
    if !CHANNELS.contains(&name) {
        let message = format!(
            "Wrong URL or channel:{} doesn't exist. Please use the correct URL, channel and parameters referring to API document.",
            excerpt(name)
        );
        refuse(client, request, "60018", &message);
        return;
    }
    let (id, conn) = (echo(request), client.conn_id());
    client.send(format!(r#"{{{id}"event":"{op}","arg":{},"connId":"{conn}"}}"#, excerpt(&arg.to_string())));
    let topic = key(name, arg["instId"].as_str().or(arg["instType"].as_str()).unwrap_or(""));
    if op == "subscribe" {
        client.topics.insert(topic);
        let count = 1 + floor.listeners(name);
        client.send(format!(
            r#"{{"event":"channel-conn-count","channel":"{name}","connCount":"{count}","connId":"{conn}"}}"#
        ));
    } else {
        client.topics.remove(&topic);
    }
}
