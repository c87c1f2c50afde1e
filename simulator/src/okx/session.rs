//! OKX's private address: login, private channels, order operations; who asks before the login is not heard.
//!
//! Rules: www.okx.com/docs-v5 (login, private channels, error codes of WebSocket, connection count).

use serde_json::Value;

use super::call::{self, Answer, Call, Problem};
use super::holdings::Holdings;
use super::methods::{self, Method};
use super::news::{self, Topic};
use super::{echo, refuse};
use crate::config::Venue;
use crate::desk::{Client, Close, Floor};
use crate::fault::Place;
use crate::fault::verb::AnswerFault;
use crate::members::{Member, member, signed_base64};
use crate::params::Params;
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
        Some(op) if methods::ALL.iter().any(|method| method.op == op && !op.is_empty()) => {
            operate(request, args, client, floor, members);
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
            client.key = args[0]["apiKey"].as_str().unwrap_or_default().to_owned();
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

fn channel(op: &str, arg: &Value, request: &Value, client: &mut Client, floor: &mut Floor<'_>) {
    let text = |name: &str| arg[name].as_str().unwrap_or("").to_owned();
    let (name, kind, symbol) = (text("channel"), text("instType"), text("instId"));
    if !CHANNELS.contains(&name.as_str()) {
        let message = format!(
            "Wrong URL or channel:{} doesn't exist. Please use the correct URL, channel and parameters referring to API document.",
            excerpt(&name)
        );
        refuse(client, request, "60018", &message);
        return;
    }
    let (id, conn) = (echo(request), client.conn_id());
    client.send(format!(r#"{{{id}"event":"{op}","arg":{},"connId":"{conn}"}}"#, excerpt(&arg.to_string())));
    // names with a colon or a quote are nobody's
    let plain = |text: &str| if text.contains([':', '"', '\\']) { "-".to_owned() } else { excerpt(text) };
    let (kind, symbol) = (plain(&kind), plain(&symbol));
    let topic = Topic::new(&name, &kind, &symbol);
    if op == "unsubscribe" {
        client.topics.remove(&topic.key());
        return;
    }
    client.topics.insert(topic.key());
    let count = 1 + floor.listeners(&name);
    client.send(format!(
        r#"{{"event":"channel-conn-count","channel":"{name}","connCount":"{count}","connId":"{conn}"}}"#
    ));
    if let Some(account) = client.member {
        let (exchange, turn) = floor.trade();
        let holdings = Holdings { exchange, market: turn.market, account, at_ns: turn.venue_ns };
        let greeting = news::greeting(&topic, holdings);
        greeting.into_iter().for_each(|text| client.send(text));
    }
}

/// Does an order operation and answers it.
fn operate(request: &Value, args: &[Value], client: &mut Client, floor: &mut Floor<'_>, members: &[Member]) {
    let op = request["op"].as_str().unwrap_or("");
    let Some(method) = methods::ALL.iter().find(|method| method.op == op) else { return };
    let in_us = floor.trade().1.venue_ns / 1_000;
    let (answer, fate) = obey(method, request, args, client, floor, members);
    let (answer, late_ns) = match fate {
        Some((AnswerFault::Drop, _)) => return,
        Some((AnswerFault::Error, _)) => (Err(Problem::unknown()), 0),
        Some((AnswerFault::Late, late_ns)) => (answer, late_ns),
        _ => (answer, 0),
    };
    let (id, written) = (echo(request), call::written(&answer));
    let out_us = in_us + late_ns / 1_000;
    client.send_late(format!(r#"{{{id}"op":"{op}",{written},"inTime":"{in_us}","outTime":"{out_us}"}}"#), late_ns);
}

fn obey(
    method: &Method,
    request: &Value,
    args: &[Value],
    client: &Client,
    floor: &mut Floor<'_>,
    members: &[Member],
) -> (Answer, Option<(AnswerFault, u64)>) {
    let Some(account) = client.member else { return (Err(Problem::unknown()), None) };
    if member(members, &client.key).is_none() {
        return (Err(Problem::new("50111", "Invalid OK-ACCESS-KEY")), None);
    }
    if args.is_empty() || !args.iter().all(Value::is_object) {
        return (Err(Problem::new("60013", "Invalid args")), None);
    }
    let args: Vec<Params> = args.iter().map(Params::of_json).collect();
    let withdraws = members.get(account).is_some_and(|member| member.withdraws);
    let place = Place { topic: method.op, ..client.place(Venue::Okx) };
    let deadline = &request["expTime"];
    let deadline_ms = deadline.as_u64().or_else(|| deadline.as_str()?.parse().ok());
    let (exchange, turn) = floor.trade();
    let (args, by_code, fate) = (&args[..], true, None);
    let mut call = Call { account, args, exchange, turn, place, by_code, deadline_ms, withdraws, fate };
    let answer = method.run(&mut call);
    (answer, call.fate)
}
