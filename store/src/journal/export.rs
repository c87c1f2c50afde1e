//! The journal as JSON lines, one object a record: enough to rebuild every position from nothing.
//! Prices, quantities and fees are decimal text; an order's instrument is named by venue and symbol.

use super::entry::{Earned, Entry, Listed, Stamped};
use highwire_links::fill::{FeeAsset, Report};
use highwire_links::fixed::{Amount, Px, Qty};
use highwire_links::order::Order;
use highwire_links::{InstrumentId, Side};
use serde_json::{Value, json};
use std::collections::HashMap;

/// Writes records as JSON; remembers what instruments are called.
#[derive(Debug, Default)]
pub struct Exporter {
    listed: HashMap<InstrumentId, Listed>,
}

/// The JSON object of each record, in order.
pub fn export(records: impl IntoIterator<Item = Stamped>) -> impl Iterator<Item = Value> {
    let mut exporter = Exporter::default();
    records.into_iter().map(move |record| exporter.object(record))
}

impl Exporter {
    /// The JSON object of a record.
    pub fn object(&mut self, record: Stamped) -> Value {
        let body = match record.entry {
            Entry::Listed(listed) => {
                let object = listing(&listed);
                self.listed.insert(listed.instrument, listed);
                object
            }
            Entry::Lease(lease) => {
                json!({ "kind": "lease", "epoch": lease.epoch, "from": lease.from, "until": lease.until })
            }
            Entry::Opening(at) => {
                json!({ "kind": "opening", "venue": at.venue, "asset": at.asset, "amount": at.amount.to_string() })
            }
            Entry::Held(held) => with(
                json!({ "kind": "held", "entry": held.entry.to_string() }),
                self.quantities(
                    held.instrument,
                    &[("position", held.position), ("buying", held.buying), ("selling", held.selling)],
                ),
            ),
            Entry::Standing(at) => with(
                self.order("standing", &at.order),
                with(
                    json!({ "proof": format!("{:?}", at.proof).to_lowercase() }),
                    self.quantities(at.order.instrument, &[("booked", at.filled.0)]),
                ),
            ),
            Entry::Earned(earned) => earnings(&earned),
            Entry::Asked(order) => self.order("asked", &order),
            Entry::Resolved(at) => json!({ "kind": "resolved", "id": client_id(at.id), "label": at.label }),
            Entry::Saga(moved) => json!({
                "kind": "saga", "group": moved.group, "pair": moved.pair.0, "exposure_mantissa": moved.exposure,
                "expected_ppb": moved.expected_ppb, "captured_ppb": moved.captured_ppb,
                "from": format!("{:?}", moved.from), "to": format!("{:?}", moved.to), "why": format!("{:?}", moved.why),
            }),
            Entry::Intent(order) => self.order("intent", &order),
            Entry::CancelRequested(order) => self.order("cancel_requested", &order),
            Entry::AmendRequested(order) => self.order("amend_requested", &order),
            Entry::Report(report) => self.report(&report),
            Entry::Mode(moved) => json!({
                "kind": "mode", "venue": moved.venue, "why": moved.why, "latched": moved.is_latched,
                "from": format!("{:?}", moved.from), "to": format!("{:?}", moved.to),
            }),
            Entry::Reconciled(at) => json!({
                "kind": "reconciled", "venue": at.venue, "asset": at.asset, "label": at.label,
                "ours": at.ours.to_string(), "theirs": at.theirs.to_string(),
            }),
            Entry::Told(told) => with(
                json!({ "kind": "told", "id": client_id(told.id), "trade": told.trade, "qty": told.qty.to_string(),
                    "settlement": format!("{:?}", told.settlement) }),
                self.quantities(told.instrument, &[]),
            ),
            Entry::Signed(at) => json!({ "kind": "signed", "venue": at.venue, "by": at.by, "what": at.what }),
            Entry::Looked(at) => {
                json!({ "kind": "looked", "venue": at.venue, "since_ns": at.since_ns, "done": at.is_done })
            }
            Entry::Limit { name, value } => json!({ "kind": "limit", "name": name, "value": value }),
        };
        with(body, json!({ "sequence": record.sequence, "at_ns": record.at_ns }))
    }

    fn order(&self, kind: &str, order: &Order) -> Value {
        let body = json!({
            "kind": kind,
            "id": client_id(order.id),
            "group": order.group,
            "side": if order.side == Side::Buy { "buy" } else { "sell" },
            "tif": format!("{:?}", order.tif),
            "class": format!("{:?}", order.class),
            "action": format!("{:?}", order.action),
            "reduce_only": order.reduce_only,
            "decided_ns": order.decided_ns,
        });
        with(body, self.terms(order.instrument, order.px, order.qty, None))
    }

    fn report(&self, report: &Report) -> Value {
        let fee = Amount::from_mantissa(report.fee.into(), report.fee_dp).unwrap_or_default();
        let body = json!({
            "kind": format!("{:?}", report.kind).to_lowercase(),
            "id": client_id(report.id),
            "reject": report.reject.name(),
            "trade": report.trade,
            "fee": fee.to_string(),
            "fee_in": match report.fee_in {
                FeeAsset::Quote => "quote",
                FeeAsset::Base => "base",
                FeeAsset::Other => "other",
            },
            "settlement": format!("{:?}", report.settlement).to_lowercase(),
            "maker": report.flags & Report::MAKER != 0,
            "sold": report.flags & Report::SOLD != 0,
            "ended": report.flags & Report::ENDED != 0,
            "happened_ns": report.at_ns,
        });
        with(body, self.terms(report.instrument, report.px, report.qty, Some(report.filled)))
    }

    /// Quantities of an instrument by name.
    fn quantities(&self, instrument: InstrumentId, named: &[(&str, i64)]) -> Value {
        let mut body = match self.listed.get(&instrument) {
            Some(listed) => json!({ "venue": listed.venue, "symbol": listed.symbol }),
            None => json!({ "instrument": instrument.0 }),
        };
        let dp = self.listed.get(&instrument).map_or(0, |listed| listed.scale.qty_dp);
        for &(name, mantissa) in named {
            let amount = Amount::from_mantissa(mantissa.into(), dp).unwrap_or_default();
            body = with(body, json!({ name: amount.to_string() }));
        }
        body
    }

    /// What was traded and the numbers in its own decimals; mantissas alone when it was never listed.
    fn terms(&self, instrument: InstrumentId, px: Px, qty: Qty, filled: Option<Qty>) -> Value {
        let Some(listed) = self.listed.get(&instrument) else {
            return json!({
                "instrument": instrument.0, "px_mantissa": px.0, "qty_mantissa": qty.0,
                "filled_mantissa": filled.map(|filled| filled.0),
            });
        };
        let scale = listed.scale;
        let text = |mantissa: i64, dp: u8| Amount::from_mantissa(mantissa.into(), dp).unwrap_or_default().to_string();
        json!({
            "venue": listed.venue, "symbol": listed.symbol,
            "px": text(px.0, scale.px_dp), "qty": text(qty.0, scale.qty_dp),
            "filled": filled.map(|filled| text(filled.0, scale.qty_dp)),
        })
    }
}

fn listing(listed: &Listed) -> Value {
    json!({
        "kind": "listed", "instrument": listed.instrument.0, "venue": listed.venue, "symbol": listed.symbol,
        "base": listed.base, "quote": listed.quote, "pair": listed.pair, "spot": listed.is_spot, "px_dp": listed.scale.px_dp, "qty_dp": listed.scale.qty_dp,
        "contract": format!("{:?}", listed.contract),
    })
}

fn earnings(earned: &Earned) -> Value {
    let base = |mantissa| Amount::from_mantissa(mantissa, 8).unwrap_or_default().to_string();
    json!({
        "kind": "earned", "pair": earned.pair, "day": earned.day, "bought": base(earned.bought),
        "paid": earned.paid.to_string(), "sold": base(earned.sold), "got": earned.got.to_string(),
        "fees": earned.fees.to_string(),
    })
}

/// The text that the order has at every venue.
fn client_id(id: u64) -> String {
    format!("hw{id:016x}")
}

fn with(mut body: Value, more: Value) -> Value {
    if let (Value::Object(body), Value::Object(more)) = (&mut body, more) {
        body.extend(more);
    }
    body
}
