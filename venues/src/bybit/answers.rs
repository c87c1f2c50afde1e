//! What Bybit says on an order line: answers to requests over the trade socket and REST.

use super::errors::{ended, verdict};
use super::news;
use super::orders::Codec;
use super::rates;
use crate::broken;
use crate::client_id;
use crate::http::header;
use crate::recent::Recent;
use crate::roster::Roster;
use crate::tape::{Fields, Value};
use crate::venue::Venue;
use crate::verdict::{self as verdicts, Standing, Verdict};
use highwire_links::Nanos;
use highwire_links::codec::{Answer, AnswerKind, LineNotice, ReportSink};
use highwire_links::decode::{Reject, Rejected};
use highwire_links::drift::DriftKind;
use highwire_links::fill::{OrderReject, Report, ReportKind};
use highwire_links::order::{Action, Order};

/// What the readers of one message share.
pub(super) struct Reading<'a> {
    pub venue: Venue,
    pub roster: &'a Roster,
    pub recent: &'a Recent,
    pub now: Nanos,
    pub sink: &'a mut dyn ReportSink,
}

const ENVELOPE: [&str; 8] = ["reqId", "retCode", "op", "topic", "data", "result", "header", "retMsg"];

/// Reads one answer.
pub(super) fn decode(
    codec: &mut Codec,
    answer: Answer<'_>,
    now: Nanos,
    sink: &mut dyn ReportSink,
) -> Result<AnswerKind, Rejected> {
    let Codec { venue, roster, recent, parser, .. } = codec;
    let mut reading = Reading { venue: *venue, roster, recent, now, sink };
    match answer {
        Answer::Message(mut frame) => {
            let why = broken::before(frame.payload());
            let read = parser.with(frame.payload_mut(), |root| reading.message(root));
            read.unwrap_or(Err(why)).map_err(Rejected::from)
        }
        Answer::Response { status, head, mut body, order } => {
            rates::headers(status, &|name| header(head, name), now, &mut |notice| reading.sink.on_rate(notice));
            let reset = header(head, "x-bapi-limit-reset-timestamp").and_then(|value| value.parse().ok());
            let read = parser.with(body.payload_mut(), |root| {
                let fields = Fields::of(&ENVELOPE, root)?;
                reading.answer(status, &fields, fields.get("result"), reset, order)
            });
            if !matches!(read, Some(Ok(()))) {
                verdicts::report(Verdict::Unknown, order, now, reading.sink);
            }
            Ok(AnswerKind::Answer)
        }
    }
}

const HEADER: [&str; 3] = ["X-Bapi-Limit", "X-Bapi-Limit-Status", "X-Bapi-Limit-Reset-Timestamp"];

impl Reading<'_> {
    fn message(&mut self, root: Value<'_, '_>) -> Result<AnswerKind, Reject> {
        let fields = Fields::of(&ENVELOPE, root)?;
        if let Some(topic) = fields.text("topic") {
            return news::push(self, topic, fields.need("data")?);
        }
        if fields.get("retCode").is_none() {
            let op = fields.text("op").unwrap_or_default();
            if !matches!(op, "auth" | "subscribe" | "unsubscribe" | "ping" | "pong") {
                self.sink.on_drift(DriftKind::Event, op);
            }
            return Ok(AnswerKind::Control);
        }
        let header = fields.get("header").map(|header| Fields::of(&HEADER, header)).transpose()?;
        let number = |key| header.as_ref().and_then(|header| header.text(key)).and_then(|text| text.parse().ok());
        rates::used(number(HEADER[0]), number(HEADER[1]), &mut |notice| self.sink.on_rate(notice));
        let code = fields.need("retCode")?.signed()?;
        if code == 10_019 {
            self.sink.on_line(LineNotice::Leaving);
        }
        let request = fields.text("reqId").unwrap_or_default();
        let Some(order) = self.recent.of(request.as_bytes()).copied() else { return Ok(AnswerKind::Control) };
        if self.answer(200, &fields, fields.get("data"), number(HEADER[2]), &order).is_err() {
            verdicts::report(Verdict::Unknown, &order, self.now, self.sink);
        }
        Ok(AnswerKind::Answer)
    }

    /// An answer to one order's request. An error means that nothing was reported.
    fn answer(
        &mut self,
        status: u16,
        fields: &Fields<'_, '_, 8>,
        result: Option<Value<'_, '_>>,
        reset_ms: Option<u64>,
        order: &Order,
    ) -> Result<(), Reject> {
        let code = fields.need("retCode")?.signed()?;
        if code != 0 {
            rates::refusal(code, reset_ms, self.now, &mut |notice| self.sink.on_rate(notice));
            let query = order.action == Action::Query;
            verdicts::report(verdict(status, code, query), order, self.now, self.sink);
            return Ok(());
        }
        if !(200..300).contains(&status) {
            return Err(Reject::Malformed);
        }
        match order.action {
            Action::Query => self.found(result.ok_or(Reject::MissingField)?, order),
            Action::CancelAll => self.accepted(order),
            Action::Place | Action::Cancel | Action::Amend => {
                let echoed = Fields::of(&["orderLinkId"], result.ok_or(Reject::MissingField)?)?;
                let id = echoed.text("orderLinkId").and_then(|text| client_id::parse(text.as_bytes()));
                if id != Some(order.id) {
                    return Err(Reject::Malformed);
                }
                self.accepted(order)
            }
        }
    }

    /// The gateway has taken a request. What becomes of it is told by the private stream.
    fn accepted(&mut self, order: &Order) -> Result<(), Reject> {
        self.sink.on_report(&Report::about(order.id, order.instrument, ReportKind::Ack, self.now));
        Ok(())
    }

    /// `realtime` answers a list; an empty one means that there is no such order.
    fn found(&mut self, result: Value<'_, '_>, order: &Order) -> Result<(), Reject> {
        let list = Fields::of(&["list"], result)?.need("list")?.items().ok_or(Reject::Malformed)?.next();
        let Some(entry) = list else {
            verdicts::report(Verdict::NotFound, order, self.now, self.sink);
            return Ok(());
        };
        let fields = Fields::of(&news::ORDER, entry)?;
        let text = |key| fields.text(key).ok_or(Reject::MissingField);
        let listed = self.roster.find(text("symbol")?).ok_or(Reject::UnknownInstrument)?;
        if client_id::parse(text("orderLinkId")?.as_bytes()) != Some(order.id) {
            return Err(Reject::Malformed);
        }
        let why = ended(fields.text("rejectReason").unwrap_or_default());
        let blank = listed.about(order.id, ReportKind::Open, news::time(&fields, "updatedTime", self.now)?);
        let found = Report { filled: listed.qty(text("cumExecQty")?)?, ..blank };
        let word = text("orderStatus")?;
        verdicts::standing((standing(word, why), word), listed, found, self.sink);
        Ok(())
    }
}

/// Where an order stands by its status.
pub(super) fn standing(status: &str, why: OrderReject) -> Standing {
    match status {
        "New" | "PartiallyFilled" | "Untriggered" | "Triggered" => Standing::Open,
        "Filled" => Standing::Ended(OrderReject::None),
        "Cancelled" | "PartiallyFilledCanceled" | "Deactivated" => Standing::Ended(why),
        "Rejected" => Standing::Refused,
        _ => Standing::Unknown,
    }
}
