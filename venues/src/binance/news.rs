//! Binance's private events: spot's on the WebSocket API, USD-M's on the listen key's stream. Events and
//! values that are not known are normal, count as control, and are told as drift.

use super::answers::{Reading, ended, number_key, standing};
use crate::client_id;
use crate::roster::{Listed, fee, side};
use crate::tape::{Fields, Value};
use crate::verdict::Standing;
use highwire_links::Side;
use highwire_links::codec::{AnswerKind, LineNotice};
use highwire_links::decode::Reject;
use highwire_links::drift::DriftKind;
use highwire_links::fill::{OrderReject, Report, ReportKind};

const EVENT: [&str; 2] = ["e", "o"];
const CAUSE: [&str; 1] = ["m"];

/// The account that a futures account event tells of.
fn fields_of<'t, 'i>(event: Value<'t, 'i>) -> Result<Value<'t, 'i>, Reject> {
    Fields::of(&["a"], event)?.need("a")
}

/// Events that concern no order, or tell of one what another event tells with its fee: TRADE_LITE comes first, but a
/// trade is booked once, and the full event is waited for.
const PASSED_OVER: [&str; 11] = [
    "outboundAccountPosition",
    "listStatus",
    "externalLockUpdate",
    "TRADE_LITE",
    "ACCOUNT_UPDATE",
    "ACCOUNT_CONFIG_UPDATE",
    "MARGIN_CALL",
    "STRATEGY_UPDATE",
    "GRID_UPDATE",
    "CONDITIONAL_ORDER_TRIGGER_REJECT",
    "ALGO_UPDATE",
];

/// Kinds of change of an order.
const CHANGES: [&str; 10] = [
    "NEW",
    "TRADE",
    "CALCULATED",
    "CANCELED",
    "EXPIRED",
    "REJECTED",
    "REPLACED",
    "AMENDMENT",
    "TRADE_PREVENTION",
    "PENDING_CANCEL",
];

/// Reads one event. Spot's execution reports have a field `o` too, a word; USD-M's is the order.
pub(super) fn event(reading: &mut Reading<'_>, event: Value<'_, '_>) -> Result<AnswerKind, Reject> {
    let fields = Fields::of(&EVENT, event)?;
    match fields.text("e") {
        Some("executionReport") => execution(reading, event, None),
        Some("ORDER_TRADE_UPDATE") => execution(reading, fields.need("o")?, Fields::of(&["E"], event)?.unsigned("E")?),
        Some("eventStreamTerminated" | "listenKeyExpired") => Ok(reading.line(LineNotice::LoggedOut)),
        // Coins came, went or were corrected; a trade's own changes are told with the trade.
        Some("balanceUpdate") => Ok(reading.line(LineNotice::FundsMoved)),
        Some("ACCOUNT_UPDATE") if Fields::of(&CAUSE, fields_of(event)?)?.text("m") != Some("ORDER") => {
            Ok(reading.line(LineNotice::FundsMoved))
        }
        Some("serverShutdown") => Ok(reading.line(LineNotice::Leaving)),
        Some(name) if PASSED_OVER.contains(&name) => Ok(AnswerKind::Control),
        name => {
            reading.sink.on_drift(DriftKind::Event, name.unwrap_or_default());
            Ok(AnswerKind::Control)
        }
    }
}

const ORDER: [&str; 20] =
    ["s", "c", "C", "S", "q", "p", "x", "X", "r", "eR", "er", "l", "L", "z", "n", "N", "T", "t", "m", "E"];

struct Execution<'r, 't, 'i> {
    listed: &'r Listed,
    fields: Fields<'t, 'i, 20>,
    id: Option<u64>,
    /// Named, timed, and of no kind yet.
    blank: Report,
}

/// What happened to an order. On a cancel of spot `c` is the request's own id and `C` the order's.
fn execution(reading: &mut Reading<'_>, order: Value<'_, '_>, sent_ms: Option<u64>) -> Result<AnswerKind, Reject> {
    let fields = Fields::of(&ORDER, order)?;
    let kind = fields.text("x").ok_or(Reject::MissingField)?;
    let ours = |key| fields.text(key).and_then(|text| client_id::parse(text.as_bytes()));
    let Some(listed) = reading.roster.find(fields.text("s").ok_or(Reject::MissingField)?) else {
        return Ok(AnswerKind::Control);
    };
    let state = fields.text("X").unwrap_or_default();
    if standing(state) == Standing::Unknown {
        reading.sink.on_drift(DriftKind::Status, state);
    } else if !CHANGES.contains(&kind) {
        reading.sink.on_drift(DriftKind::Event, kind);
    }
    let id = ours("C").or_else(|| ours("c"));
    let at_ms = fields.unsigned("T")?.or(fields.unsigned("E")?).or(sent_ms);
    let at_ns = at_ms.map_or(reading.now, |ms| ms.saturating_mul(1_000_000));
    let blank = listed.about(id.unwrap_or(0), ReportKind::Ack, at_ns);
    let execution = Execution { listed, fields, id, blank };
    let Some((report, end)) = execution.read(kind)? else { return Ok(AnswerKind::Control) };
    reading.sink.on_report(&report);
    if let Some(end) = end {
        reading.sink.on_report(&end);
    }
    Ok(AnswerKind::News)
}

impl Execution<'_, '_, '_> {
    fn text(&self, key: &str) -> Result<&str, Reject> {
        self.fields.text(key).ok_or(Reject::MissingField)
    }

    /// The report of this execution, and the order's end when it is that too.
    fn read(&self, kind: &str) -> Result<Option<(Report, Option<Report>)>, Reject> {
        let trades = matches!(kind, "TRADE" | "CALCULATED");
        if self.id.is_none() {
            return if trades { self.foreign().map(|report| Some((report, None))) } else { Ok(None) };
        }
        let filled = self.listed.qty(self.text("z")?)?;
        let done = Report { kind: ReportKind::Done, filled, ..self.blank };
        let why = self.why()?;
        let report = match kind {
            "NEW" => self.blank,
            "TRADE" | "CALCULATED" => {
                let over = matches!(standing(self.text("X")?), Standing::Ended(_));
                return Ok(Some((self.fill()?, over.then_some(done))));
            }
            "CANCELED" | "EXPIRED" => Report { reject: why, ..done },
            "REJECTED" => {
                let reject = if why == OrderReject::None { OrderReject::Other } else { why };
                Report { kind: ReportKind::Rejected, reject, ..self.blank }
            }
            "REPLACED" | "AMENDMENT" => Report {
                kind: ReportKind::Amended,
                px: self.listed.px(self.text("p")?)?,
                qty: self.listed.qty(self.text("q")?)?,
                filled,
                ..self.blank
            },
            // A new word for an end (TRADE_PREVENTION among them) still is an end when the state says so.
            _ if matches!(standing(self.text("X")?), Standing::Ended(_)) => Report { reject: why, ..done },
            _ => return Ok(None),
        };
        Ok(Some((report, None)))
    }

    /// Why it ended: by its reason, or by its state, where that says more than that it did.
    fn why(&self) -> Result<OrderReject, Reject> {
        let by_state = match standing(self.text("X")?) {
            Standing::Ended(reject) => reject,
            _ => OrderReject::None,
        };
        let by_reason = ended(&["eR", "r", "er"].map(|key| self.fields.text(key).unwrap_or_default()));
        Ok(if by_reason == OrderReject::None { by_state } else { by_reason })
    }

    fn fill(&self) -> Result<Report, Reject> {
        let (paid, fee_dp) = fee(self.fields.text("n").unwrap_or_default(), 1)?;
        let qty = self.listed.qty(self.text("l")?)?;
        let filled = self.listed.qty(self.text("z")?)?;
        let trade = self.fields.unsigned("t")?.ok_or(Reject::MissingField)?;
        let maker = self.fields.need("m")?.flag()?;
        if qty.0 == 0 || filled < qty {
            return Err(Reject::Malformed);
        }
        Ok(Report {
            kind: ReportKind::Fill,
            px: self.listed.px(self.text("L")?)?,
            qty,
            filled,
            fee: paid,
            fee_dp,
            fee_in: self.listed.fee_in(self.fields.text("N").unwrap_or_default()),
            trade: number_key(trade),
            flags: if maker { Report::MAKER } else { 0 },
            ..self.blank
        })
    }

    /// A trade of an order that is not ours: by hand, a liquidation, a deleveraging, a delisting.
    fn foreign(&self) -> Result<Report, Reject> {
        let sold = side(self.text("S")?).ok_or(Reject::Malformed)? == Side::Sell;
        let fill = self.fill()?;
        Ok(Report { kind: ReportKind::Foreign, flags: fill.flags | if sold { Report::SOLD } else { 0 }, ..fill })
    }
}
