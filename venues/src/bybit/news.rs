//! Bybit's private stream: `execution` tells of trades, `order` of everything else. The two come in any
//! order. `execution.fast` tells no fee, so it is not asked for and not booked from.

use super::answers::{Reading, standing};
use super::errors::ended;
use crate::client_id;
use crate::roster::{Listed, fee, side};
use crate::spec::Kind;
use crate::tape::{Fields, Value};
use crate::venue::Venue;
use crate::verdict::Standing;
use highwire_links::codec::AnswerKind;
use highwire_links::decode::Reject;
use highwire_links::drift::DriftKind;
use highwire_links::fill::{FeeAsset, OrderReject, Report, ReportKind, trade_key};
use highwire_links::{Nanos, Side};

/// Topics that tell of no order, or of one what another tells with its fee.
const PASSED_OVER: [&str; 5] = ["wallet", "position", "greeks", "dcp", "execution.fast"];

/// Entries of `execution` that are no trades of orders.
const NO_TRADES: [&str; 8] = [
    "Funding",
    "Delivery",
    "Settle",
    "BlockTrade",
    "MovePosition",
    "CorporateAction",
    "SessionSettlePnL",
    "FutureSpread",
];

/// Reads one push.
pub(super) fn push(reading: &mut Reading<'_>, topic: &str, data: Value<'_, '_>) -> Result<AnswerKind, Reject> {
    let read = match topic {
        "order" | "order.spot" | "order.linear" => order,
        "execution" | "execution.spot" | "execution.linear" => execution,
        _ => {
            let of = |known: &&str| topic.strip_prefix(*known).is_some_and(|of| of.is_empty() || of.starts_with('.'));
            if !PASSED_OVER.iter().any(of) {
                reading.sink.on_drift(DriftKind::Event, topic);
            }
            return Ok(AnswerKind::Control);
        }
    };
    let mut kind = AnswerKind::Control;
    for entry in data.items().ok_or(Reject::Malformed)? {
        if let Some(report) = read(reading, entry)? {
            reading.sink.on_report(&report);
            kind = AnswerKind::News;
        }
    }
    Ok(kind)
}

/// The instrument of an entry, unless it is of another category: spot and linear share their symbols.
fn listed<'r>(reading: &Reading<'r>, category: Option<&str>, symbol: &str) -> Option<&'r Listed> {
    let ours = if reading.venue == Venue::BybitSpot { "spot" } else { "linear" };
    if category.is_some_and(|category| category != ours) {
        return None;
    }
    reading.roster.find(symbol)
}

pub(super) const ORDER: [&str; 13] = [
    "category",
    "symbol",
    "orderLinkId",
    "orderStatus",
    "price",
    "qty",
    "cumExecQty",
    "rejectReason",
    "cancelType",
    "createdTime",
    "updatedTime",
    "side",
    "leavesQty",
];

/// What an order entry says. Its trades are told by `execution`.
fn order(reading: &mut Reading<'_>, entry: Value<'_, '_>) -> Result<Option<Report>, Reject> {
    let fields = Fields::of(&ORDER, entry)?;
    let text = |key| fields.text(key).ok_or(Reject::MissingField);
    let Some(listed) = listed(reading, fields.text("category"), text("symbol")?) else { return Ok(None) };
    let Some(id) = client_id::parse(text("orderLinkId")?.as_bytes()) else { return Ok(None) };
    let reason = fields.text("rejectReason").unwrap_or_default();
    // A cancel that lost to the fill repeats the end under this reason.
    if reason == "EC_OrigClOrdIDDoesNotExist" {
        return Ok(None);
    }
    let (status, filled) = (text("orderStatus")?, listed.qty(text("cumExecQty")?)?);
    let blank = listed.about(id, ReportKind::Ack, time(&fields, "updatedTime", reading.now)?);
    let changed = fields.text("updatedTime") != fields.text("createdTime");
    Ok(match standing(status, ended(reason)) {
        Standing::Open if status == "New" && changed => Some(Report {
            kind: ReportKind::Amended,
            px: listed.px(text("price")?)?,
            qty: listed.qty(text("qty")?)?,
            filled,
            ..blank
        }),
        Standing::Open if status == "New" => Some(blank),
        Standing::Open => None,
        Standing::Unknown => {
            reading.sink.on_drift(DriftKind::Status, status);
            None
        }
        Standing::Ended(reject) => Some(Report { kind: ReportKind::Done, reject, filled, ..blank }),
        Standing::Refused => {
            let why = ended(reason);
            let reject = if why == OrderReject::None { OrderReject::Other } else { why };
            Some(Report { kind: ReportKind::Rejected, reject, ..blank })
        }
    })
}

/// A time in milliseconds, as nanoseconds; `now` where there is none.
pub(super) fn time<const N: usize>(fields: &Fields<'_, '_, N>, key: &str, now: Nanos) -> Result<Nanos, Reject> {
    let ms = fields.get(key).map(Value::digits).transpose()?;
    Ok(ms.map_or(now, |ms| ms.saturating_mul(1_000_000)))
}

const EXECUTION: [&str; 15] = [
    "category",
    "symbol",
    "orderLinkId",
    "side",
    "orderQty",
    "leavesQty",
    "execId",
    "execPrice",
    "execQty",
    "execFee",
    "feeCurrency",
    "execType",
    "isMaker",
    "execTime",
    "closedSize",
];

/// A trade. Liquidations and deleveraging are the venue's own, whatever id they bear; funding,
/// settlement and the like are no trades of orders.
fn execution(reading: &mut Reading<'_>, entry: Value<'_, '_>) -> Result<Option<Report>, Reject> {
    let fields = Fields::of(&EXECUTION, entry)?;
    let text = |key| fields.text(key).ok_or(Reject::MissingField);
    let Some(listed) = listed(reading, fields.text("category"), text("symbol")?) else { return Ok(None) };
    let forced = match text("execType")? {
        "Trade" => false,
        "AdlTrade" | "BustTrade" => true,
        other => {
            if !NO_TRADES.contains(&other) {
                reading.sink.on_drift(DriftKind::Event, other);
            }
            return Ok(None);
        }
    };
    let id = client_id::parse(text("orderLinkId")?.as_bytes()).filter(|_| !forced);
    let side = side(text("side")?).ok_or(Reject::Malformed)?;
    let qty = listed.qty(text("execQty")?)?;
    let trade = text("execId")?;
    if qty.0 == 0 || trade.is_empty() {
        return Err(Reject::Malformed);
    }
    let (paid, fee_dp) = fee(text("execFee")?, 1)?;
    let maker = if fields.need("isMaker")?.flag()? { Report::MAKER } else { 0 };
    let sold = if side == Side::Sell && id.is_none() { Report::SOLD } else { 0 };
    let kind = if id.is_some() { ReportKind::Fill } else { ReportKind::Foreign };
    Ok(Some(Report {
        px: listed.px(text("execPrice")?)?,
        qty,
        filled: filled(listed, fields.text("orderQty"), fields.text("leavesQty"))?,
        fee: paid,
        fee_dp,
        fee_in: fee_in(listed, side, fields.text("feeCurrency").unwrap_or_default()),
        trade: trade_key(trade.as_bytes()),
        flags: maker | sold,
        ..listed.about(id.unwrap_or(0), kind, time(&fields, "execTime", reading.now)?)
    }))
}

/// What of an order has traded: all of it but what is left. 0, which means "not said", where the message
/// does not hold both or the order has been shortened since.
fn filled(listed: &Listed, all: Option<&str>, left: Option<&str>) -> Result<highwire_links::Qty, Reject> {
    let (Some(all), Some(left)) = (all, left) else { return Ok(highwire_links::Qty(0)) };
    let (all, left) = (listed.qty(all)?, listed.qty(left)?);
    Ok(highwire_links::Qty((all.0 - left.0).max(0)))
}

/// In which asset a fee was taken: linear contracts name none, for it is their settlement currency; a
/// spot fee that names none is in what was received.
fn fee_in(listed: &Listed, side: Side, currency: &str) -> FeeAsset {
    match (currency, listed.kind, side) {
        ("", Kind::Spot, Side::Buy) => FeeAsset::Base,
        ("", ..) => FeeAsset::Quote,
        _ => listed.fee_in(currency),
    }
}
