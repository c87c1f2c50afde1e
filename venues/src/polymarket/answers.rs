//! What the venue answers to an order, a cancel or a query.
//!
//! An accepted order is one whose answer names the hash that we computed; success without it stays
//! unknown. A cancel that is accepted reports nothing yet: only the venue's own event (or a query) says
//! how much had traded.

use super::eip712::{self, Word};
use super::{QTY_DP, errors};
use crate::roster::Listed;
use crate::tape::{Fields, Value};
use crate::verdict::{self, Standing, Verdict};
use highwire_links::Nanos;
use highwire_links::codec::ReportSink;
use highwire_links::decode::Reject;
use highwire_links::fill::{OrderReject, Report, ReportKind};
use highwire_links::fixed::parse;
use highwire_links::order::{Action, Order, TimeInForce};
use highwire_links::{Px, Qty, Side};

/// What was asked, and what came back around the body.
pub(super) struct Asked<'a> {
    pub status: u16,
    pub order: &'a Order,
    pub listed: &'a Listed,
    /// The order's hash.
    pub hash: Option<Word>,
    pub now: Nanos,
}

const ERRORS: [&str; 4] = ["error", "errorMsg", "code", "success"];
const PLACED: [&str; 6] = ["success", "orderID", "status", "makingAmount", "takingAmount", "errorMsg"];
const CANCELLED: [&str; 2] = ["canceled", "not_canceled"];
const STATE: [&str; 5] = ["id", "status", "size_matched", "original_size", "price"];

/// Reads an answer that is JSON.
pub(super) fn read(root: Value<'_, '_>, asked: &Asked<'_>, sink: &mut dyn ReportSink) -> Result<(), Reject> {
    if let Some(refused) = refusal(root, asked) {
        verdict::report(refused, asked.order, asked.now, sink);
        return Ok(());
    }
    match asked.order.action {
        Action::Place => placed(root, asked, sink),
        Action::Cancel => cancelled(root, asked, sink),
        Action::Query => found(root, asked, sink),
        Action::CancelAll | Action::Amend => Ok(()),
    }
}

/// A refusal: a status that is no success, or an error text.
fn refusal(root: Value<'_, '_>, asked: &Asked<'_>) -> Option<Verdict> {
    let fields = Fields::of(&ERRORS, root);
    let text = |key| fields.as_ref().ok().and_then(|fields| fields.text(key)).filter(|text| !text.is_empty());
    let text = text("error").or_else(|| text("errorMsg")).or_else(|| text("code"));
    if !(200..300).contains(&asked.status) {
        return Some(errors::verdict(asked.status, text.unwrap_or_default(), asked.order.action));
    }
    text.map(|text| errors::verdict(200, text, asked.order.action))
}

fn placed(root: Value<'_, '_>, asked: &Asked<'_>, sink: &mut dyn ReportSink) -> Result<(), Reject> {
    let fields = Fields::of(&PLACED, root)?;
    let ours = asked.hash.is_some() && fields.text("orderID").and_then(|id| eip712::bytes(id.as_bytes())) == asked.hash;
    if !ours || !fields.need("success")?.flag()? {
        verdict::report(Verdict::Unknown, asked.order, asked.now, sink);
        return Ok(());
    }
    let order = asked.order;
    // Read before anything is reported: an answer is told whole or not at all.
    let matched = fields.text("status") == Some("matched") && matches!(order.tif, TimeInForce::Ioc | TimeInForce::Fok);
    let amount = if order.side == Side::Buy { "takingAmount" } else { "makingAmount" };
    let filled = fields.text(amount).filter(|text| !text.is_empty() && matched).map(size).transpose()?;
    sink.on_report(&asked.listed.about(order.id, ReportKind::Ack, asked.now));
    if let Some(filled) = filled {
        sink.on_report(&Report { filled, ..asked.listed.about(order.id, ReportKind::Done, asked.now) });
    }
    Ok(())
}

fn cancelled(root: Value<'_, '_>, asked: &Asked<'_>, sink: &mut dyn ReportSink) -> Result<(), Reject> {
    let fields = Fields::of(&CANCELLED, root)?;
    let is_ours = |text: &str| asked.hash.is_some() && eip712::bytes(text.as_bytes()) == asked.hash;
    let done = fields.get("canceled").and_then(Value::items);
    if done.is_some_and(|mut ids| ids.any(|id| id.text().is_ok_and(is_ours))) {
        return Ok(());
    }
    let kept = fields.get("not_canceled").and_then(Value::fields);
    let reason = kept.and_then(|mut ids| ids.find(|(id, _)| is_ours(id)));
    let verdict = reason
        .map_or(Verdict::Unknown, |(_, why)| Verdict::Refused(errors::not_cancelled(why.text().unwrap_or_default())));
    verdict::report(verdict, asked.order, asked.now, sink);
    Ok(())
}

/// The order itself, or nothing where the venue knows none.
fn found(root: Value<'_, '_>, asked: &Asked<'_>, sink: &mut dyn ReportSink) -> Result<(), Reject> {
    let fields = match Fields::of(&STATE, root) {
        Ok(fields) if fields.get("id").is_some() => fields,
        _ => {
            verdict::report(Verdict::NotFound, asked.order, asked.now, sink);
            return Ok(());
        }
    };
    let about = asked.listed.about(asked.order.id, ReportKind::Open, asked.now);
    let report = Report {
        px: Px(asked.listed.px(fields.need("price")?.text()?)?.0),
        qty: size(fields.need("original_size")?.text()?)?,
        filled: size(fields.text("size_matched").unwrap_or_default())?,
        ..about
    };
    let word = fields.need("status")?.text()?;
    verdict::standing((standing(word), word), asked.listed, report, sink);
    Ok(())
}

/// Where an order stands: `LIVE`, `ORDER_STATUS_LIVE`, `MATCHED`, `CANCELED`, `CANCELED_why`, `INVALID`,
/// `DELAYED`, `UNMATCHED`. An invalid one was withdrawn by the venue, perhaps after part of it traded.
pub(super) fn standing(status: &str) -> Standing {
    match status.strip_prefix("ORDER_STATUS_").unwrap_or(status) {
        "LIVE" | "DELAYED" | "UNMATCHED" => Standing::Open,
        "MATCHED" | "INVALID" => Standing::Ended(OrderReject::None),
        word if word.starts_with("CANCEL") => Standing::Ended(OrderReject::None),
        _ => Standing::Unknown,
    }
}

/// A size, which is empty where it is nothing.
pub(super) fn size(text: &str) -> Result<Qty, Reject> {
    if text.is_empty() { Ok(Qty(0)) } else { Ok(Qty(parse(text.as_bytes(), QTY_DP)?.mantissa)) }
}
