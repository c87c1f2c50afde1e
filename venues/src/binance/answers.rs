//! Answers of Binance to our requests, over the WebSocket API and REST alike.

use super::Market;
use super::errors::{self, verdict};
use super::news;
use super::orders::Codec;
use super::rates;
use crate::broken;
use crate::client_id;
use crate::http::header;
use crate::recent::Recent;
use crate::roster::{Listed, Roster, fee};
use crate::tape::{Fields, Value};
use crate::verdict::{self as verdicts, Standing, Verdict};
use highwire_links::codec::{Answer, AnswerKind, LineNotice, ReportSink};
use highwire_links::decode::{Reject, Rejected};
use highwire_links::drift::DriftKind;
use highwire_links::fill::{OrderReject, Report, ReportKind, trade_key};
use highwire_links::order::{Action, Order};
use highwire_links::{Nanos, Px, Qty};

/// What the readers of one message share.
pub(super) struct Reading<'a> {
    pub market: Market,
    pub roster: &'a Roster,
    pub recent: &'a Recent,
    pub limits: &'a mut [u32; 3],
    pub now: Nanos,
    pub sink: &'a mut dyn ReportSink,
}

const ENVELOPE: [&str; 9] = ["id", "status", "result", "error", "rateLimits", "event", "e", "data", "o"];
const ERROR: [&str; 3] = ["code", "msg", "data"];

/// Reads one answer.
pub(super) fn decode(
    codec: &mut Codec,
    answer: Answer<'_>,
    now: Nanos,
    sink: &mut dyn ReportSink,
) -> Result<AnswerKind, Rejected> {
    let Codec { market, roster, recent, parser, limits, .. } = codec;
    let mut reading = Reading { market: *market, roster, recent, limits, now, sink };
    match answer {
        Answer::Message(mut frame) => {
            let why = broken::before(frame.payload());
            let read = parser.with(frame.payload_mut(), |root| reading.message(root));
            read.unwrap_or(Err(why)).map_err(Rejected::from)
        }
        Answer::Response { status, head, mut body, order } => {
            let mut give = |notice| reading.sink.on_rate(notice);
            rates::headers(status, &|name| header(head, name), now, &mut give);
            let read = parser.with(body.payload_mut(), |root| reading.response(status, root, order));
            if !matches!(read, Some(Ok(()))) {
                verdicts::report(Verdict::Unknown, order, now, reading.sink);
            }
            Ok(AnswerKind::Answer)
        }
    }
}

impl<'a> Reading<'a> {
    fn message(&mut self, root: Value<'_, '_>) -> Result<AnswerKind, Reject> {
        let fields = Fields::of(&ENVELOPE, root)?;
        if let Some(event) = fields.get("event") {
            return news::event(self, event);
        }
        if let Some(wrapped) = fields.get("data") {
            return news::event(self, wrapped);
        }
        if fields.get("e").is_some() {
            return news::event(self, root);
        }
        if let Some(list) = fields.get("rateLimits") {
            let sink = &mut *self.sink;
            rates::limits(list, self.limits, &mut |notice| sink.on_rate(notice));
        }
        let request = fields.text("id").unwrap_or_default();
        let order = self.recent.of(request.as_bytes()).copied();
        let status = fields.unsigned("status")?.and_then(|status| u16::try_from(status).ok());
        let Some(status) = status else { return Ok(AnswerKind::Control) };
        if let Some(error) = fields.get("error") {
            self.refusal(status, error, order.as_ref())?;
            return Ok(if order.is_some() { AnswerKind::Answer } else { AnswerKind::Control });
        }
        let Some(order) = order else { return Ok(AnswerKind::Control) };
        let result = fields.get("result").map(|result| self.success(result, &order));
        if !matches!(result, Some(Ok(()))) {
            verdicts::report(Verdict::Unknown, &order, self.now, self.sink);
        }
        Ok(AnswerKind::Answer)
    }

    fn response(&mut self, status: u16, root: Value<'_, '_>, order: &Order) -> Result<(), Reject> {
        if (200..300).contains(&status) {
            return self.success(root, order);
        }
        let code = Fields::of(&ERROR, root)?.get("code").ok_or(Reject::MissingField)?.signed()?;
        let message = Fields::of(&ERROR, root)?.text("msg").unwrap_or_default();
        self.refused(status, code, message, None, order);
        Ok(())
    }

    fn refusal(&mut self, status: u16, error: Value<'_, '_>, order: Option<&Order>) -> Result<(), Reject> {
        let fields = Fields::of(&ERROR, error)?;
        let code = fields.need("code")?.signed()?;
        let data = fields.get("data").map(|data| Fields::of(&["retryAfter"], data)).transpose()?;
        let until = data.and_then(|data| data.unsigned("retryAfter").ok().flatten());
        match order {
            Some(order) => self.refused(status, code, fields.text("msg").unwrap_or_default(), until, order),
            None => rates::refusal(status, code, until, self.now, &mut |notice| self.sink.on_rate(notice)),
        }
        Ok(())
    }

    fn refused(&mut self, status: u16, code: i64, message: &str, until_ms: Option<u64>, order: &Order) {
        // An HTTP answer has told of its wait in its headers; -1015 and -1008 are only in the code.
        if until_ms.is_some() || matches!(code, -1015 | -1008 | -1003) {
            rates::refusal(status, code, until_ms, self.now, &mut |notice| self.sink.on_rate(notice));
        }
        verdicts::report(verdict(status, code, message), order, self.now, self.sink);
    }

    /// Reads a result. An error means that nothing was reported.
    fn success(&mut self, result: Value<'_, '_>, order: &Order) -> Result<(), Reject> {
        match order.action {
            Action::Place => self.placed(result, order),
            Action::Cancel => self.found(result, order),
            Action::Query => self.found(result, order),
            Action::Amend => self.amended(result, order),
            Action::CancelAll => self.all_cancelled(result, order),
        }
    }

    /// The order that a result tells of.
    fn state<'i>(&self, result: Value<'_, 'i>) -> Result<State<'a, 'i>, Reject> {
        let fields = Fields::of(&ORDER, result)?;
        let listed = self.listed(&fields)?;
        let id = fields.text("origClientOrderId").or(fields.text("clientOrderId")).ok_or(Reject::MissingField)?;
        Ok(State {
            listed,
            id: client_id::parse(id.as_bytes()),
            word: fields.text("status"),
            at_ns: self.time(&fields)?,
        })
    }

    fn listed(&self, fields: &Fields<'_, '_, 12>) -> Result<&'a Listed, Reject> {
        let symbol = fields.text("symbol").ok_or(Reject::MissingField)?;
        self.roster.find(symbol).ok_or(Reject::UnknownInstrument)
    }

    fn time(&self, fields: &Fields<'_, '_, 12>) -> Result<Nanos, Reject> {
        let ms = fields.unsigned("transactTime")?.or(fields.unsigned("updateTime")?);
        Ok(ms.map_or(self.now, |ms| ms.saturating_mul(1_000_000)))
    }

    /// A new order: its acknowledgement, the fills that it made at once, and its end if it has one. All
    /// of it is read before the first report goes out.
    fn placed(&mut self, result: Value<'_, '_>, order: &Order) -> Result<(), Reject> {
        let State { listed, id, word, at_ns } = self.state(result)?;
        if id != Some(order.id) {
            return Err(Reject::Malformed);
        }
        let fields = Fields::of(&ORDER, result)?;
        let ack = listed.about(order.id, ReportKind::Ack, at_ns);
        let Some(word) = word else {
            self.sink.on_report(&ack);
            return Ok(());
        };
        let filled = listed.qty(fields.text("executedQty").ok_or(Reject::MissingField)?)?;
        let fills = fields.get("fills").filter(|_| self.market == Market::Spot);
        if let Some(list) = fills {
            let mut sum = 0;
            for fill in list.items().ok_or(Reject::Malformed)? {
                sum = read_fill(listed, fill, ack, sum)?.filled.0;
            }
            if sum != filled.0 {
                return Err(Reject::Malformed);
            }
        }
        match standing(word) {
            Standing::Unknown => {
                self.sink.on_drift(DriftKind::Status, word);
                return Err(Reject::Malformed);
            }
            Standing::Refused => {
                let reject = OrderReject::Other;
                self.sink.on_report(&Report { kind: ReportKind::Rejected, reject, ..ack });
                return Ok(());
            }
            Standing::Open | Standing::Ended(_) => self.sink.on_report(&ack),
        }
        let mut sum = 0;
        for fill in fills.and_then(Value::items).into_iter().flatten() {
            let report = read_fill(listed, fill, ack, sum)?;
            sum = report.filled.0;
            self.sink.on_report(&report);
        }
        if let Standing::Ended(reject) = standing(word) {
            self.sink.on_report(&Report { kind: ReportKind::Done, filled, reject, ..ack });
        }
        Ok(())
    }

    /// The state of an order, as a query or a cancel gives it.
    fn found(&mut self, result: Value<'_, '_>, order: &Order) -> Result<(), Reject> {
        let State { listed, id, word, at_ns } = self.state(result)?;
        let fields = Fields::of(&ORDER, result)?;
        if id != Some(order.id) {
            return Err(Reject::Malformed);
        }
        let report = Report {
            px: listed.px(fields.text("price").unwrap_or("0"))?,
            filled: listed.qty(fields.text("executedQty").ok_or(Reject::MissingField)?)?,
            ..listed.about(order.id, ReportKind::Open, at_ns)
        };
        let word = word.ok_or(Reject::MissingField)?;
        verdicts::standing((standing(word), word), listed, report, self.sink);
        Ok(())
    }

    fn amended(&mut self, result: Value<'_, '_>, order: &Order) -> Result<(), Reject> {
        let outer = Fields::of(&ORDER, result)?;
        let result = outer.get("amendedOrder").unwrap_or(result);
        let fields = Fields::of(&ORDER, result)?;
        let listed = self.listed(&fields)?;
        let qty = fields.text("origQty").or(fields.text("qty")).ok_or(Reject::MissingField)?;
        let report = Report {
            px: listed.px(fields.text("price").ok_or(Reject::MissingField)?)?,
            qty: listed.qty(qty)?,
            filled: listed.qty(fields.text("executedQty").ok_or(Reject::MissingField)?)?,
            ..listed.about(order.id, ReportKind::Amended, self.time(&outer)?)
        };
        self.sink.on_report(&report);
        Ok(())
    }

    /// Every order that was withdrawn, then the request itself. Foreign ones on the list are not ours
    /// to report. USD-M only says that it is done: `{"code":200,"msg":".."}`.
    fn all_cancelled(&mut self, result: Value<'_, '_>, order: &Order) -> Result<(), Reject> {
        let listed = result.items().is_some() || Fields::of(&ERROR, result)?.need("code")?.signed()? == 200;
        if !listed {
            return Err(Reject::Malformed);
        }
        for entry in result.items().into_iter().flatten() {
            let State { listed, id, at_ns, .. } = self.state(entry)?;
            let fields = Fields::of(&ORDER, entry)?;
            let Some(id) = id else { continue };
            let filled = listed.qty(fields.text("executedQty").ok_or(Reject::MissingField)?)?;
            let report = Report { filled, ..listed.about(id, ReportKind::Done, at_ns) };
            self.sink.on_report(&report);
        }
        self.sink.on_report(&Report::about(order.id, order.instrument, ReportKind::Ack, self.now));
        Ok(())
    }

    /// The line says something about itself.
    pub(super) fn line(&mut self, notice: LineNotice) -> AnswerKind {
        self.sink.on_line(notice);
        AnswerKind::Control
    }
}

const ORDER: [&str; 12] = [
    "symbol",
    "clientOrderId",
    "origClientOrderId",
    "status",
    "price",
    "origQty",
    "qty",
    "executedQty",
    "transactTime",
    "updateTime",
    "fills",
    "amendedOrder",
];

struct State<'r, 'i> {
    listed: &'r Listed,
    id: Option<u64>,
    word: Option<&'i str>,
    at_ns: Nanos,
}

const FILL: [&str; 5] = ["price", "qty", "commission", "commissionAsset", "tradeId"];

/// One of the fills that a new order made at once: we were the taker.
fn read_fill(listed: &Listed, fill: Value<'_, '_>, ack: Report, sum: i64) -> Result<Report, Reject> {
    let fields = Fields::of(&FILL, fill)?;
    let text = |key| fields.text(key).ok_or(Reject::MissingField);
    let (px, qty): (Px, Qty) = (listed.px(text("price")?)?, listed.qty(text("qty")?)?);
    let (paid, fee_dp) = fee(text("commission")?, 1)?;
    let trade = fields.unsigned("tradeId")?.ok_or(Reject::MissingField)?;
    Ok(Report {
        kind: ReportKind::Fill,
        px,
        qty,
        filled: Qty(sum.checked_add(qty.0).ok_or(Reject::Overflow)?),
        fee: paid,
        fee_dp,
        fee_in: listed.fee_in(text("commissionAsset")?),
        trade: number_key(trade),
        ..ack
    })
}

/// The key of a trade id that came as a number.
pub(super) fn number_key(trade: u64) -> u64 {
    let mut digits = [0; 20];
    let mut at = digits.len();
    let mut rest = trade;
    loop {
        at -= 1;
        digits[at] = b'0' + (rest % 10) as u8;
        rest /= 10;
        if rest == 0 {
            return trade_key(&digits[at..]);
        }
    }
}

/// Where an order stands by its status.
pub(super) fn standing(status: &str) -> Standing {
    match status {
        "NEW" | "PENDING_NEW" | "PARTIALLY_FILLED" | "PENDING_CANCEL" => Standing::Open,
        "FILLED" | "CANCELED" | "EXPIRED" => Standing::Ended(OrderReject::None),
        "EXPIRED_IN_MATCH" => Standing::Ended(OrderReject::SelfTrade),
        "REJECTED" => Standing::Refused,
        _ => Standing::Unknown,
    }
}

/// Why an order ended, by its event's words.
pub(super) fn ended(reasons: &[&str]) -> OrderReject {
    reasons
        .iter()
        .map(|reason| errors::ended(reason))
        .find(|reject| *reject != OrderReject::None)
        .unwrap_or(OrderReject::None)
}
