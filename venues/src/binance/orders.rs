//! Orders of Binance spot and USD-M: the WebSocket API (`order.place`, …) and REST. One list of
//! parameters, sorted by name, serves both: it is what the WebSocket API signs, and REST does not mind.
//!
//! On a session that was logged on with an Ed25519 key, messages are not signed one by one.

use super::Market;
use super::rates;
use super::sign::{self, KEY_HEADER};
use crate::client_id;
use crate::keys::{KeyError, Keys};
use crate::orders::{Listed, LoginAck, LoginStep, OrderPlan, PlanError, Transport};
use crate::proof::{self, Words};
use crate::recent::{Recent, request_id};
use crate::roster::{Place, Roster};
use crate::sign::{Encoding, Signer};
use crate::tape::Parser;
use crate::text;
use highwire_links::codec::{Answer, AnswerKind, Field, OrderCodec, ReportSink};
use highwire_links::decode::Rejected;
use highwire_links::fill::OrderReject;
use highwire_links::order::{Action, Order, TimeInForce};
use highwire_links::rate::{Cost, Scope};
use highwire_links::{Nanos, Side};

/// A request that arrives later than this after its time is refused by the venue, milliseconds.
pub(crate) const RECV_WINDOW: &[u8] = b"2000";

/// How it names the parts of an order, and of an amendment: spot's keeps side and price, and would draw a new id.
const PLACED: Words = Words {
    symbol: "symbol",
    side: Some(["BUY", "SELL"]),
    px: Some("price"),
    qty: "quantity",
    ids: &["newClientOrderId"],
};
const MODIFIED: Words = Words { ids: &["origClientOrderId"], ..PLACED };
const AMENDED: Words =
    Words { side: None, px: None, qty: "newQty", ids: &["origClientOrderId", "newClientOrderId"], ..PLACED };

/// Speaks for one line.
pub(crate) struct Codec {
    pub(super) market: Market,
    transport: Transport,
    pub(super) roster: Roster,
    pub(super) recent: Recent,
    pub(super) parser: Parser,
    /// Limits of each budget as last told.
    pub(super) limits: [u32; 3],
    keys: Keys,
    signer: Signer,
    /// The session is logged on: messages carry neither key nor signature.
    logged_on: bool,
    host: String,
    params: Vec<u8>,
}

impl std::fmt::Debug for Codec {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "binance::Codec({:?}, {:?})", self.market, self.transport)
    }
}

impl Codec {
    fn new(market: Market, keys: &Keys, listed: &[Listed], transport: Transport, host: &str) -> Result<Self, KeyError> {
        let signer = keys.signer(Encoding::Hex)?;
        Ok(Self {
            market,
            transport,
            roster: Roster::new(listed),
            recent: Recent::new(),
            parser: Parser::default(),
            limits: [0; 3],
            logged_on: transport == Transport::Socket && signer.is_ed25519(),
            keys: keys.clone(),
            signer,
            host: host.to_owned(),
            params: Vec::with_capacity(512),
        })
    }

    /// Writes the parameters of a request, sorted by name.
    fn write_params(&mut self, order: &Order, wall_ms: i64) -> Result<(), OrderReject> {
        let place = self.roster.place(order.instrument).ok_or(OrderReject::Encoding)?;
        let socket = self.transport == Transport::Socket;
        let params = &mut Params::start(&mut self.params);
        if socket && !self.logged_on {
            params.text("apiKey", self.keys.api_key().as_bytes());
        }
        let symbol = if socket { place.listed.symbol.as_bytes() } else { &place.escaped[..] };
        match order.action {
            Action::Place => place_params(self.market, order, place, params)?,
            Action::Amend => self.recent.amend_params(self.market, order, place, params)?,
            Action::Cancel | Action::Query => params.id("origClientOrderId", order.id),
            Action::CancelAll => {}
        }
        tail(self.market, order, symbol, wall_ms, params);
        Ok(())
    }

    fn write_message(&mut self, order: &Order, out: &mut Vec<u8>) -> Result<(), OrderReject> {
        out.extend_from_slice(b"{\"id\":\"");
        request_id(order, out);
        out.extend_from_slice(b"\",\"method\":\"");
        out.extend_from_slice(method(self.market, order.action).as_bytes());
        out.extend_from_slice(b"\",\"params\":{");
        write_json(&self.params, out);
        if !self.logged_on {
            out.extend_from_slice(b",\"signature\":\"");
            self.signer.sign(&[&self.params], out).map_err(|_| OrderReject::Encoding)?;
            out.push(b'"');
        }
        out.extend_from_slice(b"}}");
        Ok(())
    }

    fn write_request(&mut self, order: &Order, out: &mut Vec<u8>) -> Result<(), OrderReject> {
        let (verb, path) = endpoint(self.market, order.action);
        for part in [verb, " ", path, "?"] {
            out.extend_from_slice(part.as_bytes());
        }
        sign::sign_query(&mut self.signer, &self.params, b"", out).map_err(|_| OrderReject::Encoding)?;
        for part in [" HTTP/1.1\r\nHost: ", &self.host, "\r\n", KEY_HEADER, ": ", self.keys.api_key()] {
            out.extend_from_slice(part.as_bytes());
        }
        let end: &[u8] = if matches!(verb, "POST" | "PUT") { b"\r\nContent-Length: 0\r\n\r\n" } else { b"\r\n\r\n" };
        out.extend_from_slice(end);
        Ok(())
    }
}

impl OrderCodec for Codec {
    fn encode(&mut self, order: &Order, wall_ms: i64, out: &mut Vec<u8>) -> Result<(), OrderReject> {
        if !self.carries(order.action) {
            return Err(OrderReject::Encoding);
        }
        self.write_params(order, wall_ms)?;
        let written = match self.transport {
            Transport::Socket => self.write_message(order, out),
            Transport::Http => self.write_request(order, out),
        };
        if written.is_ok() {
            self.recent.note(order);
        }
        written
    }

    fn differs(&self, order: &Order, request: &[u8]) -> Option<Field> {
        let amended = if self.market == Market::Spot { &AMENDED } else { &MODIFIED };
        let words = proof::words(order.action, &PLACED, amended)?;
        proof::differs(request, words, order, self.roster.place(order.instrument))
    }

    /// Since April 2026 what succeeds of place, cancel and amend weighs nothing, but what fails does:
    /// the weight is reserved.
    fn cost(&self, order: &Order) -> Cost {
        let query = if self.market == Market::Spot { 4 } else { 1 };
        match order.action {
            Action::Place => Cost::default().with(Scope::Weight, 1).with(Scope::Orders, 1).with(Scope::OrdersLong, 1),
            Action::Amend if self.market == Market::Futures => {
                Cost::default().with(Scope::Weight, 1).with(Scope::Orders, 1).with(Scope::OrdersLong, 1)
            }
            Action::Amend => Cost::default().with(Scope::Weight, 4),
            Action::Cancel | Action::CancelAll => Cost::default().with(Scope::Weight, 1),
            Action::Query => Cost::default().with(Scope::Weight, query),
        }
    }

    fn decode(&mut self, answer: Answer<'_>, now: Nanos, sink: &mut dyn ReportSink) -> Result<AnswerKind, Rejected> {
        super::answers::decode(self, answer, now, sink)
    }

    /// USD-M has no cancel-all on its WebSocket API.
    fn carries(&self, action: Action) -> bool {
        !(action == Action::CancelAll && self.market == Market::Futures && self.transport == Transport::Socket)
    }
}

/// `k=v` pairs joined with `&`.
struct Params<'a>(&'a mut Vec<u8>);

impl<'a> Params<'a> {
    fn start(out: &'a mut Vec<u8>) -> Self {
        out.clear();
        Self(out)
    }

    fn key(&mut self, key: &str) {
        if !self.0.is_empty() {
            self.0.push(b'&');
        }
        self.0.extend_from_slice(key.as_bytes());
        self.0.push(b'=');
    }

    fn text(&mut self, key: &str, value: &[u8]) {
        self.key(key);
        self.0.extend_from_slice(value);
    }

    fn id(&mut self, key: &str, id: u64) {
        self.key(key);
        client_id::write(id, self.0);
    }

    fn decimal(&mut self, key: &str, mantissa: i64, dp: u8) -> Result<(), OrderReject> {
        self.key(key);
        text::decimal(mantissa, dp, self.0).ok_or(OrderReject::Encoding)
    }
}

/// Parameters of a new order up to `recvWindow`. Spot answers with its fills at once (`FULL`).
fn place_params(market: Market, order: &Order, place: &Place, params: &mut Params<'_>) -> Result<(), OrderReject> {
    let scale = place.listed.entry.scale;
    params.id("newClientOrderId", order.id);
    params.text("newOrderRespType", if market == Market::Spot { b"FULL" } else { b"RESULT" });
    params.decimal("price", order.px.0, scale.px_dp)?;
    params.decimal("quantity", order.qty.0, scale.qty_dp)
}

impl Recent {
    /// Parameters of an amendment up to `recvWindow`. Spot can only lower the quantity, so an order
    /// whose price is to change, or whose price this line does not know, cannot be written. The id is
    /// given again, since the venue would draw another.
    fn amend_params(
        &self,
        market: Market,
        order: &Order,
        place: &Place,
        params: &mut Params<'_>,
    ) -> Result<(), OrderReject> {
        let scale = place.listed.entry.scale;
        if market == Market::Futures {
            params.id("origClientOrderId", order.id);
            params.decimal("price", order.px.0, scale.px_dp)?;
            return params.decimal("quantity", order.qty.0, scale.qty_dp);
        }
        let placed = self.find(Action::Place, order.id).ok_or(OrderReject::Encoding)?;
        if placed.px != order.px {
            return Err(OrderReject::Encoding);
        }
        params.id("newClientOrderId", order.id);
        params.decimal("newQty", order.qty.0, scale.qty_dp)?;
        params.id("origClientOrderId", order.id);
        Ok(())
    }
}

/// The parameters from `recvWindow` on. Spot has no positions, so `reduce_only` has no parameter there:
/// the balance is the limit.
fn tail(market: Market, order: &Order, symbol: &[u8], wall_ms: i64, params: &mut Params<'_>) {
    let placing = order.action == Action::Place;
    params.text("recvWindow", RECV_WINDOW);
    if placing && market == Market::Futures && order.reduce_only {
        params.text("reduceOnly", b"true");
    }
    if placing || (market == Market::Futures && order.action == Action::Amend) {
        params.text("side", if order.side == Side::Buy { b"BUY" } else { b"SELL" });
    }
    params.text("symbol", symbol);
    let tif = time_in_force(market, order.tif);
    if let (true, Some(tif)) = (placing, tif) {
        params.text("timeInForce", tif);
    }
    params.key("timestamp");
    text::millis(wall_ms, params.0);
    if placing {
        params.text("type", if tif.is_some() { b"LIMIT" } else { b"LIMIT_MAKER" });
    }
}

/// `None`: spot's post-only is an order type of its own, without a time in force.
const fn time_in_force(market: Market, tif: TimeInForce) -> Option<&'static [u8]> {
    match (tif, market) {
        (TimeInForce::Ioc, _) => Some(b"IOC"),
        (TimeInForce::Fok, _) => Some(b"FOK"),
        (TimeInForce::Gtc, _) => Some(b"GTC"),
        (TimeInForce::PostOnly, Market::Futures) => Some(b"GTX"),
        (TimeInForce::PostOnly, Market::Spot) => None,
    }
}

/// Parameters as members of a JSON object; times stay numbers.
fn write_json(params: &[u8], out: &mut Vec<u8>) {
    for (at, pair) in params.split(|&byte| byte == b'&').enumerate() {
        let (key, value) = pair.split_at(pair.iter().position(|&byte| byte == b'=').unwrap_or(pair.len()));
        let value = value.get(1..).unwrap_or_default();
        let quote: &[u8] = if matches!(key, b"timestamp" | b"recvWindow") { b"" } else { b"\"" };
        for part in [if at > 0 { b",\"" } else { &b"\""[..] }, key, b"\":", quote, value, quote] {
            out.extend_from_slice(part);
        }
    }
}

const fn method(market: Market, action: Action) -> &'static str {
    match (action, market) {
        (Action::Place, _) => "order.place",
        (Action::Cancel, _) => "order.cancel",
        (Action::CancelAll, _) => "openOrders.cancelAll",
        (Action::Amend, Market::Spot) => "order.amend.keepPriority",
        (Action::Amend, Market::Futures) => "order.modify",
        (Action::Query, _) => "order.status",
    }
}

const fn endpoint(market: Market, action: Action) -> (&'static str, &'static str) {
    match (market, action) {
        (Market::Spot, Action::Place) => ("POST", "/api/v3/order"),
        (Market::Spot, Action::Cancel) => ("DELETE", "/api/v3/order"),
        (Market::Spot, Action::CancelAll) => ("DELETE", "/api/v3/openOrders"),
        (Market::Spot, Action::Amend) => ("PUT", "/api/v3/order/amend/keepPriority"),
        (Market::Spot, Action::Query) => ("GET", "/api/v3/order"),
        (Market::Futures, Action::Place) => ("POST", "/fapi/v1/order"),
        (Market::Futures, Action::Cancel) => ("DELETE", "/fapi/v1/order"),
        (Market::Futures, Action::CancelAll) => ("DELETE", "/fapi/v1/allOpenOrders"),
        (Market::Futures, Action::Amend) => ("PUT", "/fapi/v1/order"),
        (Market::Futures, Action::Query) => ("GET", "/fapi/v1/order"),
    }
}

const SPOT_API: &[&str] = &["wss://ws-api.binance.com:443", "wss://ws-api.binance.com:9443"];
const USDM_API: &[&str] = &["wss://ws-fapi.binance.com"];
const USDM_STREAM: &[&str] = &["wss://fstream.binance.com"];
const SPOT_REST: &[&str] = &[
    "https://api.binance.com",
    "https://api-gcp.binance.com",
    "https://api1.binance.com",
    "https://api2.binance.com",
    "https://api3.binance.com",
    "https://api4.binance.com",
];
const USDM_REST: &[&str] = &["https://fapi.binance.com"];

/// Only an Ed25519 key can log a session on; with another every message is signed.
pub(crate) fn order_line(
    market: Market,
    keys: &Keys,
    listed: &[Listed],
    transport: Transport,
    host: &str,
    wall_ms: i64,
) -> Result<OrderPlan, PlanError> {
    let codec = Codec::new(market, keys, listed, transport, host)?;
    let login = match codec.logged_on {
        true => vec![LoginStep::new(sign::credentials("session.logon", "login", keys, wall_ms)?, login_ack)],
        false => Vec::new(),
    };
    let (hosts, path) = match (transport, market) {
        (Transport::Socket, Market::Spot) => (SPOT_API, "/ws-api/v3"),
        (Transport::Socket, Market::Futures) => (USDM_API, "/ws-fapi/v1"),
        (Transport::Http, Market::Spot) => (SPOT_REST, ""),
        (Transport::Http, Market::Futures) => (USDM_REST, ""),
    };
    Ok(OrderPlan {
        hosts,
        path: path.to_owned(),
        login,
        heartbeat: None,
        codec: Box::new(codec),
        rates: rates::rules(market),
    })
}

/// Spot tells of our orders on the WebSocket API; the subscription is signed and needs no session.
pub(crate) fn spot_private_line(keys: &Keys, listed: &[Listed], wall_ms: i64) -> Result<OrderPlan, PlanError> {
    let frame = sign::credentials("userDataStream.subscribe.signature", "login", keys, wall_ms)?;
    let plan = order_line(Market::Spot, keys, listed, Transport::Socket, "", wall_ms)?;
    Ok(OrderPlan { login: vec![LoginStep::new(frame, login_ack)], ..plan })
}

/// USD-M tells of our orders on a stream that the listen key names.
pub(crate) fn usdm_private_line(
    keys: &Keys,
    listed: &[Listed],
    stream_key: Option<&str>,
) -> Result<OrderPlan, PlanError> {
    let key = stream_key.filter(|key| !key.is_empty()).ok_or(PlanError::StreamKey)?;
    let codec = Codec::new(Market::Futures, keys, listed, Transport::Socket, "")?;
    Ok(OrderPlan {
        hosts: USDM_STREAM,
        path: format!("/private/ws/{}", text::escape(key)),
        login: Vec::new(),
        heartbeat: None,
        codec: Box::new(codec),
        rates: rates::rules(Market::Futures),
    })
}

/// `{"id":"login","status":200,...}`, or an error with code and message.
fn login_ack(frame: &[u8]) -> LoginAck {
    let Ok(message) = serde_json::from_slice::<serde_json::Value>(frame) else { return LoginAck::Other };
    if message.get("id").and_then(serde_json::Value::as_str) != Some("login") {
        return LoginAck::Other;
    }
    match message.get("status").and_then(serde_json::Value::as_u64) {
        Some(200) => LoginAck::Accepted,
        _ => LoginAck::Refused(message.get("error").map(ToString::to_string).unwrap_or_default()),
    }
}
