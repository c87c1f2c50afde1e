//! What OKX says on an order line: answers to requests over WebSocket and REST, and the `orders` channel.
//!
//! A code stands in every element of `data`; the outer one is 0 when all went well, 1 when all failed, 2
//! when a part did, and an error of its own with empty `data` when the request as such was refused.

use super::errors::{ended, verdict};
use super::orders::Codec;
use super::rates;
use crate::broken;
use crate::client_id;
use crate::http::header;
use crate::recent::Recent;
use crate::roster::{Listed, Roster, fee, side};
use crate::tape::{Fields, Value};
use crate::verdict::{self as verdicts, Standing, Verdict};
use highwire_links::codec::{Answer, AnswerKind, LineNotice, ReportSink};
use highwire_links::decode::{Reject, Rejected};
use highwire_links::drift::DriftKind;
use highwire_links::fill::{OrderReject, Report, ReportKind, trade_key};
use highwire_links::order::{Action, Order};
use highwire_links::{Nanos, Px, Side};

struct Reading<'a> {
    roster: &'a Roster,
    recent: &'a Recent,
    now: Nanos,
    sink: &'a mut dyn ReportSink,
}

/// Events that answer a login or a subscription, or tell of the connection.
const EVENTS: [&str; 6] =
    ["login", "subscribe", "unsubscribe", "notice", "channel-conn-count", "channel-conn-count-error"];

/// Channels that tell of no order, or of one what `orders` tells.
const PASSED_OVER: [&str; 6] =
    ["account", "positions", "balance_and_position", "fills", "liquidation-warning", "account-greeks"];

const ENVELOPE: [&str; 6] = ["id", "op", "event", "code", "arg", "data"];

/// Reads one answer.
pub(super) fn decode(
    codec: &mut Codec,
    answer: Answer<'_>,
    now: Nanos,
    sink: &mut dyn ReportSink,
) -> Result<AnswerKind, Rejected> {
    let Codec { roster, recent, parser, .. } = codec;
    let mut reading = Reading { roster, recent, now, sink };
    match answer {
        Answer::Message(frame) if frame.payload() == b"pong" => Ok(AnswerKind::Control),
        Answer::Message(mut frame) => {
            let why = broken::before(frame.payload());
            let read = parser.with(frame.payload_mut(), |root| reading.message(root));
            read.unwrap_or(Err(why)).map_err(Rejected::from)
        }
        Answer::Response { status, head, mut body, order } => {
            rates::headers(status, &|name| header(head, name), now, &mut |notice| reading.sink.on_rate(notice));
            let read = parser.with(body.payload_mut(), |root| {
                let fields = Fields::of(&ENVELOPE, root)?;
                reading.answer(status, &fields, order)
            });
            if !matches!(read, Some(Ok(()))) {
                verdicts::report(Verdict::Unknown, order, now, reading.sink);
            }
            Ok(AnswerKind::Answer)
        }
    }
}

impl Reading<'_> {
    fn message(&mut self, root: Value<'_, '_>) -> Result<AnswerKind, Reject> {
        let fields = Fields::of(&ENVELOPE, root)?;
        match fields.text("event") {
            Some("notice") if fields.text("code") == Some("64008") => {
                self.sink.on_line(LineNotice::Leaving);
                return Ok(AnswerKind::Control);
            }
            // An error event that echoes a request is its refusal; any other concerns no order.
            Some("error") if fields.text("id").is_none() => return Ok(AnswerKind::Control),
            Some("error") | None => {}
            Some(event) => {
                if !EVENTS.contains(&event) {
                    self.sink.on_drift(DriftKind::Event, event);
                }
                return Ok(AnswerKind::Control);
            }
        }
        if let Some(arg) = fields.get("arg") {
            let channel = Fields::of(&["channel"], arg)?.text("channel").unwrap_or_default();
            if channel == "orders" {
                return self.news(fields.need("data")?);
            }
            if !PASSED_OVER.contains(&channel) {
                self.sink.on_drift(DriftKind::Event, channel);
            }
            return Ok(AnswerKind::Control);
        }
        if fields.get("id").is_none() {
            self.sink.on_drift(DriftKind::Event, fields.text("op").unwrap_or_default());
        }
        let request = fields.text("id").unwrap_or_default();
        let Some(order) = self.recent.of(request.as_bytes()).copied() else { return Ok(AnswerKind::Control) };
        if self.answer(200, &fields, &order).is_err() {
            verdicts::report(Verdict::Unknown, &order, self.now, self.sink);
        }
        Ok(AnswerKind::Answer)
    }

    /// An answer to one order's request. An error means that nothing was reported.
    fn answer(&mut self, status: u16, fields: &Fields<'_, '_, 6>, order: &Order) -> Result<(), Reject> {
        let outer = code(fields.text("code").ok_or(Reject::MissingField)?)?;
        let first = fields.get("data").and_then(Value::items).and_then(|mut items| items.next());
        let Some(first) = first else {
            if outer == 0 {
                return Err(Reject::MissingField);
            }
            self.refused(status, outer, order);
            return Ok(());
        };
        if !(200..300).contains(&status) {
            return Err(Reject::Malformed);
        }
        if order.action == Action::Query {
            return self.found(first, order);
        }
        let element = Fields::of(&["sCode", "clOrdId"], first)?;
        let inner = code(element.text("sCode").ok_or(Reject::MissingField)?)?;
        if element.text("clOrdId").and_then(|text| client_id::parse(text.as_bytes())) != Some(order.id) {
            return Err(Reject::Malformed);
        }
        if inner == 0 {
            self.accepted(order);
        } else {
            self.refused(status, inner, order);
        }
        Ok(())
    }

    fn refused(&mut self, status: u16, code: i64, order: &Order) {
        rates::refusal(code, &mut |notice| self.sink.on_rate(notice));
        verdicts::report(verdict(status, code), order, self.now, self.sink);
    }

    /// The venue has taken a request: an order is acknowledged; what becomes of a cancel or an
    /// amendment is told by the `orders` channel.
    fn accepted(&mut self, order: &Order) {
        self.sink.on_report(&Report::about(order.id, order.instrument, ReportKind::Ack, self.now));
    }

    fn found(&mut self, entry: Value<'_, '_>, order: &Order) -> Result<(), Reject> {
        let fields = Fields::of(&ORDER, entry)?;
        let text = |key| fields.text(key).ok_or(Reject::MissingField);
        let listed = self.roster.find(text("instId")?).ok_or(Reject::UnknownInstrument)?;
        if client_id::parse(text("clOrdId")?.as_bytes()) != Some(order.id) {
            return Err(Reject::Malformed);
        }
        let why = ended(fields.text("cancelSource").unwrap_or_default());
        let report = Report {
            filled: listed.qty(text("accFillSz")?)?,
            ..listed.about(order.id, ReportKind::Open, self.time(&fields)?)
        };
        let word = text("state")?;
        verdicts::standing((standing(word, why), word), listed, report, self.sink);
        Ok(())
    }

    fn time(&self, fields: &Fields<'_, '_, 19>) -> Result<Nanos, Reject> {
        let ms = fields.get("uTime").map(Value::digits).transpose()?;
        Ok(ms.map_or(self.now, |ms| ms.saturating_mul(1_000_000)))
    }

    /// Every order of a push is read before the next; one that cannot be read makes the whole message
    /// refused, after what came before it was told.
    fn news(&mut self, data: Value<'_, '_>) -> Result<AnswerKind, Reject> {
        let mut kind = AnswerKind::Control;
        for entry in data.items().ok_or(Reject::Malformed)? {
            if self.order(entry)? {
                kind = AnswerKind::News;
            }
        }
        Ok(kind)
    }

    /// Whether the entry told something of an order.
    fn order(&mut self, entry: Value<'_, '_>) -> Result<bool, Reject> {
        let fields = Fields::of(&ORDER, entry)?;
        let text = |key| fields.text(key).ok_or(Reject::MissingField);
        let Some(listed) = self.roster.find(text("instId")?) else { return Ok(false) };
        let id = fields.text("clOrdId").and_then(|text| client_id::parse(text.as_bytes()));
        let blank = listed.about(id.unwrap_or(0), ReportKind::Ack, self.time(&fields)?);
        let state = text("state")?;
        let why = ended(fields.text("cancelSource").unwrap_or_default());
        if standing(state, why) == Standing::Unknown {
            self.sink.on_drift(DriftKind::Status, state);
        }
        let fill = fill(listed, &fields, blank)?;
        if id.is_none() {
            let Some(fill) = fill else { return Ok(false) };
            let sold = side(text("side")?).ok_or(Reject::Malformed)? == Side::Sell;
            let flags = fill.flags | if sold { Report::SOLD } else { 0 };
            self.sink.on_report(&Report { kind: ReportKind::Foreign, flags, ..fill });
            return Ok(true);
        }
        let rest = rest(listed, &fields, blank, standing(state, why), fill.is_none())?;
        let told = fill.is_some() || rest.is_some();
        for report in fill.into_iter().chain(rest) {
            self.sink.on_report(&report);
        }
        Ok(told)
    }
}

const ORDER: [&str; 19] = [
    "instId",
    "clOrdId",
    "side",
    "px",
    "sz",
    "state",
    "accFillSz",
    "fillPx",
    "fillSz",
    "tradeId",
    "execType",
    "fillFee",
    "fillFeeCcy",
    "cancelSource",
    "amendResult",
    "uTime",
    "fillTime",
    "reqId",
    "instType",
];

/// The fill that an entry tells of: one with a trade id and a size. A charge is a negative number.
fn fill(listed: &Listed, fields: &Fields<'_, '_, 19>, blank: Report) -> Result<Option<Report>, Reject> {
    let text = |key| fields.text(key).ok_or(Reject::MissingField);
    let (trade, size) = (fields.text("tradeId").unwrap_or_default(), fields.text("fillSz").unwrap_or_default());
    if trade.is_empty() || size.is_empty() {
        return Ok(None);
    }
    let (qty, filled) = (listed.qty(size)?, listed.qty(text("accFillSz")?)?);
    if qty.0 == 0 || filled < qty {
        return Err(Reject::Malformed);
    }
    let (paid, fee_dp) = fee(fields.text("fillFee").unwrap_or_default(), -1)?;
    let px: Px = listed.px(text("fillPx")?)?;
    let time = fields.get("fillTime").map(Value::digits).transpose()?;
    Ok(Some(Report {
        kind: ReportKind::Fill,
        px,
        qty,
        filled,
        fee: paid,
        fee_dp,
        fee_in: listed.fee_in(fields.text("fillFeeCcy").unwrap_or_default()),
        trade: trade_key(trade.as_bytes()),
        at_ns: time.map_or(blank.at_ns, |ms| ms.saturating_mul(1_000_000)),
        flags: if fields.text("execType") == Some("M") { Report::MAKER } else { 0 },
        ..blank
    }))
}

/// What an entry says besides its fill: an amendment, the end, or (when there is nothing else) that the
/// order is there.
fn rest(
    listed: &Listed,
    fields: &Fields<'_, '_, 19>,
    blank: Report,
    standing: Standing,
    alone: bool,
) -> Result<Option<Report>, Reject> {
    let text = |key| fields.text(key).ok_or(Reject::MissingField);
    let filled = listed.qty(text("accFillSz")?)?;
    let amended = fields.text("amendResult").unwrap_or_default();
    Ok(match standing {
        Standing::Ended(reject) => Some(Report { kind: ReportKind::Done, reject, filled, ..blank }),
        _ if amended == "-1" => Some(Report { kind: ReportKind::CancelRejected, reject: OrderReject::Other, ..blank }),
        _ if !amended.is_empty() && alone => Some(Report {
            kind: ReportKind::Amended,
            px: listed.px(text("px")?)?,
            qty: listed.qty(text("sz")?)?,
            filled,
            ..blank
        }),
        Standing::Open if alone => Some(blank),
        _ => None,
    })
}

fn standing(state: &str, why: OrderReject) -> Standing {
    match state {
        "live" | "partially_filled" => Standing::Open,
        "filled" => Standing::Ended(OrderReject::None),
        "canceled" | "mmp_canceled" => Standing::Ended(why),
        _ => Standing::Unknown,
    }
}

/// A code, which is written as a string.
fn code(text: &str) -> Result<i64, Reject> {
    text.parse().map_err(|_| Reject::BadNumber)
}
