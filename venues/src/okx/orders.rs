//! Orders of OKX: WebSocket operations on the private socket and REST. The socket names an instrument
//! by its `instIdCode`; REST by its symbol. An order carries `expTime`, so that one which is held up on
//! the way cannot trade later.

use super::rates;
use super::sign;
use crate::client_id;
use crate::keys::{KeyError, Keys};
use crate::orders::{Listed, LoginAck, LoginStep, OrderPlan, PlanError, Transport};
use crate::proof::{self, Words};
use crate::recent::{Recent, request_id};
use crate::roster::{Place, Roster};
use crate::sign::Signer;
use crate::spec::Kind;
use crate::tape::Parser;
use crate::text;
use highwire_links::codec::{Answer, AnswerKind, Field, OrderCodec, ReportSink};
use highwire_links::decode::Rejected;
use highwire_links::fill::OrderReject;
use highwire_links::order::{Action, Order, TimeInForce};
use highwire_links::rate::{Cost, Scope};
use highwire_links::{Nanos, Side};

/// The venue drops an order or an amendment that reaches it later than this after its time.
const EXPIRY_MS: i64 = 2_000;
/// Text ping interval: well under the 30 s after which a silent line is closed.
const HEARTBEAT_NS: Nanos = 20_000_000_000;

/// How it names the parts of an order, and of an amendment.
const PLACED: Words =
    Words { symbol: "instId", side: Some(["buy", "sell"]), px: Some("px"), qty: "sz", ids: &["clOrdId"] };
const AMENDED: Words = Words { side: None, px: Some("newPx"), qty: "newSz", ..PLACED };

/// Speaks for one line.
pub(crate) struct Codec {
    transport: Transport,
    pub(super) roster: Roster,
    pub(super) recent: Recent,
    pub(super) parser: Parser,
    keys: Keys,
    signer: Signer,
    host: String,
    /// Body of the request under way.
    body: Vec<u8>,
    /// Path and query of the request under way.
    path: Vec<u8>,
}

impl std::fmt::Debug for Codec {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "okx::Codec({:?})", self.transport)
    }
}

impl Codec {
    fn new(keys: &Keys, listed: &[Listed], transport: Transport, host: &str) -> Result<Self, KeyError> {
        keys.passphrase()?;
        Ok(Self {
            transport,
            roster: Roster::new(listed),
            recent: Recent::new(),
            parser: Parser::default(),
            signer: sign::signer(keys)?,
            keys: keys.clone(),
            host: host.to_owned(),
            body: Vec::with_capacity(512),
            path: Vec::with_capacity(128),
        })
    }

    fn write_message(&self, order: &Order, place: &Place, wall_ms: i64, out: &mut Vec<u8>) -> Result<(), OrderReject> {
        let op: &[u8] = match order.action {
            Action::Place => b"order",
            Action::Cancel => b"cancel-order",
            Action::Amend => b"amend-order",
            Action::CancelAll | Action::Query => return Err(OrderReject::Encoding),
        };
        let code = place.listed.code.ok_or(OrderReject::Encoding)?;
        out.extend_from_slice(b"{\"id\":\"");
        request_id(order, out);
        for part in [b"\",\"op\":\"", op, b"\","] {
            out.extend_from_slice(part);
        }
        if order.action != Action::Cancel {
            out.extend_from_slice(b"\"expTime\":\"");
            text::millis(wall_ms.saturating_add(EXPIRY_MS), out);
            out.extend_from_slice(b"\",");
        }
        out.extend_from_slice(b"\"args\":[{\"instIdCode\":");
        text::number(code, out);
        write_fields(order, place, out)?;
        out.extend_from_slice(b"}]}");
        Ok(())
    }

    fn write_request(&mut self, order: &Order, wall_ms: i64, out: &mut Vec<u8>) -> Result<(), OrderReject> {
        let place = self.roster.place(order.instrument).ok_or(OrderReject::Encoding)?;
        let (method, path) = endpoint(order.action).ok_or(OrderReject::Encoding)?;
        self.path.clear();
        self.body.clear();
        self.path.extend_from_slice(path.as_bytes());
        if order.action == Action::Query {
            self.path.extend_from_slice(b"?instId=");
            self.path.extend_from_slice(&place.escaped);
            self.path.extend_from_slice(b"&clOrdId=");
            client_id::write(order.id, &mut self.path);
        } else {
            self.body.extend_from_slice(b"{\"instId\":\"");
            self.body.extend_from_slice(place.listed.symbol.as_bytes());
            self.body.push(b'"');
            write_fields(order, place, &mut self.body)?;
            self.body.push(b'}');
        }
        for part in [method.as_bytes(), b" ", &self.path, b" HTTP/1.1\r\nHost: ", self.host.as_bytes(), b"\r\n"] {
            out.extend_from_slice(part);
        }
        let request = (method, &self.path[..], &self.body[..]);
        sign::write_headers(&mut self.signer, &self.keys, request, wall_ms, out).map_err(|_| OrderReject::Encoding)?;
        if matches!(order.action, Action::Place | Action::Amend) {
            out.extend_from_slice(b"expTime: ");
            text::millis(wall_ms.saturating_add(EXPIRY_MS), out);
            out.extend_from_slice(b"\r\n");
        }
        if method == "POST" {
            out.extend_from_slice(b"Content-Length: ");
            text::number(self.body.len() as u64, out);
            out.extend_from_slice(b"\r\n");
        }
        out.extend_from_slice(b"\r\n");
        out.extend_from_slice(&self.body);
        Ok(())
    }
}

impl OrderCodec for Codec {
    fn encode(&mut self, order: &Order, wall_ms: i64, out: &mut Vec<u8>) -> Result<(), OrderReject> {
        let written = match self.transport {
            Transport::Socket => {
                let place = self.roster.place(order.instrument).ok_or(OrderReject::Encoding)?;
                self.write_message(order, place, wall_ms, out)
            }
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

    /// Cancels have a budget of their own at the venue.
    fn cost(&self, order: &Order) -> Cost {
        match order.action {
            Action::Place | Action::Amend => Cost::default().with(Scope::Orders, 1).with(Scope::OrdersLong, 1),
            Action::Cancel | Action::CancelAll => Cost::default(),
            Action::Query => Cost::default().with(Scope::Questions, 1),
        }
    }

    fn decode(&mut self, answer: Answer<'_>, now: Nanos, sink: &mut dyn ReportSink) -> Result<AnswerKind, Rejected> {
        super::answers::decode(self, answer, now, sink)
    }

    /// Mass cancels are for options only, and the socket answers no queries.
    fn carries(&self, action: Action) -> bool {
        match self.transport {
            Transport::Socket => matches!(action, Action::Place | Action::Cancel | Action::Amend),
            Transport::Http => action != Action::CancelAll,
        }
    }
}

const fn endpoint(action: Action) -> Option<(&'static str, &'static str)> {
    match action {
        Action::Place => Some(("POST", "/api/v5/trade/order")),
        Action::Cancel => Some(("POST", "/api/v5/trade/cancel-order")),
        Action::Amend => Some(("POST", "/api/v5/trade/amend-order")),
        Action::Query => Some(("GET", "/api/v5/trade/order")),
        Action::CancelAll => None,
    }
}

/// The fields after the instrument. Spot trades in cash, everything else on cross margin and in net
/// position mode. A size is in contracts where the instrument has them.
fn write_fields(order: &Order, place: &Place, out: &mut Vec<u8>) -> Result<(), OrderReject> {
    let scale = place.listed.entry.scale;
    match order.action {
        Action::Place => {
            let mode: &[u8] = if place.listed.kind == Kind::Spot { b"cash" } else { b"cross" };
            let side: &[u8] = if order.side == Side::Buy { b"buy" } else { b"sell" };
            let parts = [b",\"tdMode\":\"", mode, b"\",\"side\":\"", side, b"\",\"ordType\":\"", order_type(order.tif)];
            parts.into_iter().for_each(|part| out.extend_from_slice(part));
            out.extend_from_slice(b"\",\"sz\":\"");
            text::decimal(order.qty.0, scale.qty_dp, out).ok_or(OrderReject::Encoding)?;
            out.extend_from_slice(b"\",\"px\":\"");
            text::decimal(order.px.0, scale.px_dp, out).ok_or(OrderReject::Encoding)?;
            let reduce = order.reduce_only && place.listed.kind != Kind::Spot;
            out.extend_from_slice(if reduce { b"\",\"reduceOnly\":\"true\"" } else { b"\"" });
        }
        Action::Amend => {
            out.extend_from_slice(b",\"newSz\":\"");
            text::decimal(order.qty.0, scale.qty_dp, out).ok_or(OrderReject::Encoding)?;
            out.extend_from_slice(b"\",\"newPx\":\"");
            text::decimal(order.px.0, scale.px_dp, out).ok_or(OrderReject::Encoding)?;
            out.push(b'"');
        }
        Action::Cancel | Action::CancelAll | Action::Query => {}
    }
    out.extend_from_slice(b",\"clOrdId\":\"");
    client_id::write(order.id, out);
    out.push(b'"');
    Ok(())
}

const fn order_type(tif: TimeInForce) -> &'static [u8] {
    match tif {
        TimeInForce::Ioc => b"ioc",
        TimeInForce::Fok => b"fok",
        TimeInForce::Gtc => b"limit",
        TimeInForce::PostOnly => b"post_only",
    }
}

const SOCKET: &[&str] = &["wss://ws.okx.com:8443", "wss://wsaws.okx.com:8443"];
const REST: &[&str] = &["https://openapi.okx.com", "https://www.okx.com"];
const HEARTBEAT: Option<(Nanos, &str)> = Some((HEARTBEAT_NS, "ping"));

/// The line that carries orders.
pub(crate) fn order_line(
    keys: &Keys,
    listed: &[Listed],
    transport: Transport,
    host: &str,
    wall_ms: i64,
) -> Result<OrderPlan, PlanError> {
    let codec = Box::new(Codec::new(keys, listed, transport, host)?);
    let rates = rates::rules();
    Ok(match transport {
        Transport::Http => OrderPlan::http(REST, codec, rates),
        Transport::Socket => {
            let login = vec![LoginStep::new(sign::login(keys, wall_ms)?, login_ack)];
            OrderPlan { hosts: SOCKET, path: "/ws/v5/private".to_owned(), login, heartbeat: HEARTBEAT, codec, rates }
        }
    })
}

/// The line that tells of our orders.
pub(crate) fn private_line(keys: &Keys, listed: &[Listed], wall_ms: i64) -> Result<OrderPlan, PlanError> {
    let mut plan = order_line(keys, listed, Transport::Socket, "", wall_ms)?;
    let subscribe = r#"{"op":"subscribe","args":[{"channel":"orders","instType":"ANY"}]}"#;
    plan.login.push(LoginStep::new(subscribe.to_owned(), subscribe_ack));
    Ok(plan)
}

/// `{"event":"login","code":"0",...}` or `{"event":"error","code":"60009",...}`.
fn login_ack(frame: &[u8]) -> LoginAck {
    ack(frame, "login")
}

/// `{"event":"subscribe","arg":{"channel":"orders",...}}`.
fn subscribe_ack(frame: &[u8]) -> LoginAck {
    ack(frame, "subscribe")
}

fn ack(frame: &[u8], event: &str) -> LoginAck {
    let Ok(message) = serde_json::from_slice::<serde_json::Value>(frame) else { return LoginAck::Other };
    let word = |key: &str| message.get(key).and_then(serde_json::Value::as_str).unwrap_or_default();
    match word("event") {
        "error" => LoginAck::Refused(format!("{} {}", word("code"), word("msg"))),
        found if found == event && matches!(word("code"), "" | "0") => LoginAck::Accepted,
        found if found == event => LoginAck::Refused(format!("{} {}", word("code"), word("msg"))),
        _ => LoginAck::Other,
    }
}
