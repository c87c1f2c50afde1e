//! Orders of Bybit spot and linear: the trade socket (`order.create`, …) and REST. Both carry the same
//! body; the socket is logged in once, REST is signed by the request. Their answers only say that the
//! gateway took the request: the outcome comes on the private stream.

use super::metadata::category_of;
use super::rates;
use super::sign;
use crate::client_id;
use crate::keys::{KeyError, Keys};
use crate::orders::{Listed, LoginAck, LoginStep, OrderPlan, PlanError, Transport};
use crate::proof::{self, Words};
use crate::recent::{Recent, request_id};
use crate::roster::{Place, Roster};
use crate::sign::Signer;
use crate::tape::Parser;
use crate::text;
use crate::venue::Venue;
use highwire_links::codec::{Answer, AnswerKind, Field, OrderCodec, ReportSink};
use highwire_links::decode::Rejected;
use highwire_links::fill::OrderReject;
use highwire_links::order::{Action, Order, TimeInForce};
use highwire_links::rate::{Cost, Scope};
use highwire_links::{Nanos, Side};

/// A request that arrives later than this after its time is refused by the venue, milliseconds.
pub(super) const RECV_WINDOW: &str = "2000";
/// Ping interval that the documentation asks for.
const HEARTBEAT: Option<(Nanos, &str)> = Some((20_000_000_000, r#"{"op":"ping"}"#));

/// How it names the parts of an order, and of an amendment.
const PLACED: Words =
    Words { symbol: "symbol", side: Some(["Buy", "Sell"]), px: Some("price"), qty: "qty", ids: &["orderLinkId"] };
const AMENDED: Words = Words { side: None, ..PLACED };

/// Speaks for one line.
pub(crate) struct Codec {
    pub(super) venue: Venue,
    transport: Transport,
    pub(super) roster: Roster,
    pub(super) recent: Recent,
    pub(super) parser: Parser,
    keys: Keys,
    signer: Signer,
    host: String,
    /// Messages written, modulo 100: tells those of one millisecond apart.
    written: u8,
    /// Body or query of the request under way.
    payload: Vec<u8>,
}

impl std::fmt::Debug for Codec {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "bybit::Codec({:?}, {:?})", self.venue, self.transport)
    }
}

impl Codec {
    fn new(venue: Venue, keys: &Keys, listed: &[Listed], transport: Transport, host: &str) -> Result<Self, KeyError> {
        Ok(Self {
            venue,
            transport,
            roster: Roster::new(listed),
            recent: Recent::new(),
            parser: Parser::default(),
            signer: sign::signer(keys)?,
            keys: keys.clone(),
            host: host.to_owned(),
            written: 0,
            payload: Vec::with_capacity(512),
        })
    }

    fn write_message(&mut self, order: &Order, wall_ms: i64, out: &mut Vec<u8>) -> Result<(), OrderReject> {
        let op: &[u8] = match order.action {
            Action::Place => b"order.create",
            Action::Cancel => b"order.cancel",
            Action::Amend => b"order.amend",
            Action::CancelAll | Action::Query => return Err(OrderReject::Encoding),
        };
        self.written = (self.written + 1) % 100;
        let place = self.roster.place(order.instrument).ok_or(OrderReject::Encoding)?;
        out.extend_from_slice(b"{\"reqId\":\"");
        request_id(order, out);
        // the venue takes each request id once, and an order may be cancelled or amended again
        out.push(b'-');
        text::millis(wall_ms, out);
        out.extend_from_slice(&[b'0' + self.written / 10, b'0' + self.written % 10]);
        out.extend_from_slice(b"\",\"header\":{\"X-BAPI-TIMESTAMP\":\"");
        text::millis(wall_ms, out);
        for part in [b"\",\"X-BAPI-RECV-WINDOW\":\"", RECV_WINDOW.as_bytes(), b"\"},\"op\":\"", op, b"\",\"args\":["] {
            out.extend_from_slice(part);
        }
        write_body(self.venue, order, place, out)?;
        out.extend_from_slice(b"]}");
        Ok(())
    }

    fn write_request(&mut self, order: &Order, wall_ms: i64, out: &mut Vec<u8>) -> Result<(), OrderReject> {
        let place = self.roster.place(order.instrument).ok_or(OrderReject::Encoding)?;
        let (method, path) = endpoint(order.action);
        self.payload.clear();
        if order.action == Action::Query {
            write_query(self.venue, order, place, &mut self.payload);
        } else {
            write_body(self.venue, order, place, &mut self.payload)?;
        }
        out.extend_from_slice(method.as_bytes());
        out.push(b' ');
        out.extend_from_slice(path.as_bytes());
        if order.action == Action::Query {
            out.push(b'?');
            out.extend_from_slice(&self.payload);
        }
        for part in [" HTTP/1.1\r\nHost: ", &self.host, "\r\n"] {
            out.extend_from_slice(part.as_bytes());
        }
        sign::write_headers(&mut self.signer, &self.keys, &self.payload, RECV_WINDOW, wall_ms, out)
            .map_err(|_| OrderReject::Encoding)?;
        if order.action != Action::Query {
            out.extend_from_slice(b"Content-Length: ");
            text::number(self.payload.len() as u64, out);
            out.extend_from_slice(b"\r\n\r\n");
            out.extend_from_slice(&self.payload);
        } else {
            out.extend_from_slice(b"\r\n");
        }
        Ok(())
    }
}

impl OrderCodec for Codec {
    fn encode(&mut self, order: &Order, wall_ms: i64, out: &mut Vec<u8>) -> Result<(), OrderReject> {
        let written = match self.transport {
            Transport::Socket => self.write_message(order, wall_ms, out),
            Transport::Http => self.write_request(order, wall_ms, out),
        };
        if written.is_ok() {
            self.recent.note(order);
        }
        written
    }

    fn differs(&self, order: &Order, request: &[u8]) -> Option<Field> {
        let words = proof::words(order.action, &PLACED, &AMENDED)?;
        proof::differs(request, words, order, self.roster.place(order.instrument))
    }

    /// Creates, amends and cancels share a quota of the account; what goes over HTTP counts for the address too.
    fn cost(&self, order: &Order) -> Cost {
        let orders = u32::from(order.action != Action::Query);
        let requests = u32::from(self.transport == Transport::Http);
        Cost::default().with(Scope::Orders, orders).with(Scope::Weight, requests)
    }

    fn decode(&mut self, answer: Answer<'_>, now: Nanos, sink: &mut dyn ReportSink) -> Result<AnswerKind, Rejected> {
        super::answers::decode(self, answer, now, sink)
    }

    /// The socket has neither a cancel-all nor queries.
    fn carries(&self, action: Action) -> bool {
        self.transport == Transport::Http || matches!(action, Action::Place | Action::Cancel | Action::Amend)
    }
}

const fn endpoint(action: Action) -> (&'static str, &'static str) {
    match action {
        Action::Place => ("POST", "/v5/order/create"),
        Action::Cancel => ("POST", "/v5/order/cancel"),
        Action::CancelAll => ("POST", "/v5/order/cancel-all"),
        Action::Amend => ("POST", "/v5/order/amend"),
        Action::Query => ("GET", "/v5/order/realtime"),
    }
}

fn write_query(venue: Venue, order: &Order, place: &Place, out: &mut Vec<u8>) {
    let parts = [b"category=", category_of(venue).as_bytes(), b"&symbol=", &place.escaped, b"&orderLinkId="];
    parts.into_iter().for_each(|part| out.extend_from_slice(part));
    client_id::write(order.id, out);
}

/// The body of a request: limit orders in one-way position mode.
fn write_body(venue: Venue, order: &Order, place: &Place, out: &mut Vec<u8>) -> Result<(), OrderReject> {
    let scale = place.listed.entry.scale;
    let symbol = place.listed.symbol.as_bytes();
    let parts = [b"{\"category\":\"", category_of(venue).as_bytes(), b"\",\"symbol\":\"", symbol, b"\""];
    parts.into_iter().for_each(|part| out.extend_from_slice(part));
    if order.action == Action::Place {
        let side: &[u8] = if order.side == Side::Buy { b"Buy" } else { b"Sell" };
        let kind = b"\",\"orderType\":\"Limit\",\"timeInForce\":\"";
        let parts = [b",\"side\":\"", side, kind, time_in_force(order.tif), b"\""];
        parts.into_iter().for_each(|part| out.extend_from_slice(part));
        if venue == Venue::BybitLinear {
            out.extend_from_slice(b",\"positionIdx\":0,\"reduceOnly\":");
            out.extend_from_slice(if order.reduce_only { b"true" } else { b"false" });
        }
    }
    if matches!(order.action, Action::Place | Action::Amend) {
        out.extend_from_slice(b",\"qty\":\"");
        text::decimal(order.qty.0, scale.qty_dp, out).ok_or(OrderReject::Encoding)?;
        out.extend_from_slice(b"\",\"price\":\"");
        text::decimal(order.px.0, scale.px_dp, out).ok_or(OrderReject::Encoding)?;
        out.push(b'"');
    }
    if order.action != Action::CancelAll {
        out.extend_from_slice(b",\"orderLinkId\":\"");
        client_id::write(order.id, out);
        out.push(b'"');
    }
    out.push(b'}');
    Ok(())
}

const fn time_in_force(tif: TimeInForce) -> &'static [u8] {
    match tif {
        TimeInForce::Ioc => b"IOC",
        TimeInForce::Fok => b"FOK",
        TimeInForce::Gtc => b"GTC",
        TimeInForce::PostOnly => b"PostOnly",
    }
}

const SOCKET: &[&str] = &["wss://stream.bybit.com", "wss://stream.bytick.com"];
const REST: &[&str] = &["https://api.bybit.com", "https://api.bytick.com"];

/// The line that carries orders.
pub(crate) fn order_line(
    venue: Venue,
    keys: &Keys,
    listed: &[Listed],
    transport: Transport,
    host: &str,
    wall_ms: i64,
) -> Result<OrderPlan, PlanError> {
    let codec = Box::new(Codec::new(venue, keys, listed, transport, host)?);
    let rates = rates::rules(venue);
    Ok(match transport {
        Transport::Http => OrderPlan::http(REST, codec, rates),
        Transport::Socket => {
            let login = vec![LoginStep::new(sign::auth(keys, wall_ms)?, auth_ack)];
            OrderPlan { hosts: SOCKET, path: "/v5/trade".to_owned(), login, heartbeat: HEARTBEAT, codec, rates }
        }
    })
}

/// The line that tells of our orders, and holds the dead-man switch: it triggers when all sockets with
/// its topic are gone.
pub(crate) fn private_line(venue: Venue, keys: &Keys, listed: &[Listed], wall_ms: i64) -> Result<OrderPlan, PlanError> {
    let mut plan = order_line(venue, keys, listed, Transport::Socket, "", wall_ms)?;
    let (category, dcp) = if venue == Venue::BybitSpot { ("spot", "spot") } else { ("linear", "future") };
    let topics = format!(r#"["order.{category}","execution.{category}","dcp.{dcp}"]"#);
    let subscribe = format!(r#"{{"op":"subscribe","req_id":"private","args":{topics}}}"#);
    plan.login.push(LoginStep::new(subscribe, subscribe_ack));
    "/v5/private".clone_into(&mut plan.path);
    Ok(plan)
}

/// Private: `{"success":true,"op":"auth",...}`; trade: `{"retCode":0,"op":"auth",...}`.
fn auth_ack(frame: &[u8]) -> LoginAck {
    ack(frame, "auth")
}

/// `{"success":true,"op":"subscribe",...}`.
fn subscribe_ack(frame: &[u8]) -> LoginAck {
    ack(frame, "subscribe")
}

fn ack(frame: &[u8], op: &str) -> LoginAck {
    let Ok(message) = serde_json::from_slice::<serde_json::Value>(frame) else { return LoginAck::Other };
    let word = |key: &str| message.get(key).and_then(serde_json::Value::as_str);
    if word("op") != Some(op) {
        return LoginAck::Other;
    }
    let code = message.get("retCode").and_then(serde_json::Value::as_i64);
    if code == Some(0) || message.get("success").and_then(serde_json::Value::as_bool) == Some(true) {
        return LoginAck::Accepted;
    }
    let why = word("ret_msg").or(word("retMsg")).unwrap_or_default();
    LoginAck::Refused(format!("{} {why}", code.unwrap_or_default()))
}
