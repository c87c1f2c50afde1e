//! OKX `/api/v5/public/instruments`, all instrument types.
//!
//! Prices and sizes are written without trailing zeros at the tick and lot; nothing else is stated.

use crate::metadata::{Facts, Listing, MetadataError, read_each};
use crate::spec::{self, InstrumentSpec, Kind};
use crate::venue::Venue;
use highwire_links::instrument::{Contract, Status};
use serde::Deserialize;
use serde_json::Value;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Entry {
    inst_id: String,
    inst_type: String,
    #[serde(default)]
    base_ccy: String,
    #[serde(default)]
    quote_ccy: String,
    tick_sz: String,
    lot_sz: String,
    min_sz: String,
    #[serde(default)]
    ct_val: String,
    #[serde(default)]
    ct_mult: String,
    #[serde(default)]
    ct_type: String,
    #[serde(default)]
    ct_val_ccy: String,
    state: String,
    inst_id_code: Option<Value>,
}

/// Reads `data` of an instrument list. A refusal has an empty one, which does not say that nothing is listed.
pub(crate) fn listing(mut body: Value) -> Result<Listing, MetadataError> {
    if body.get("code").is_some_and(|code| code != "0") {
        return Err(MetadataError::NoList("okx"));
    }
    match body.get_mut("data").map(Value::take) {
        Some(Value::Array(entries)) => Ok(read_each(entries, read)),
        _ => Err(MetadataError::NoList("okx")),
    }
}

fn read(entry: &Entry) -> Option<InstrumentSpec> {
    let kind = kind(&entry.inst_type)?;
    let mut parts = entry.inst_id.split('-');
    let (base, quote) = (parts.next()?, parts.next()?);
    let facts = Facts {
        venue: Venue::Okx,
        symbol: &entry.inst_id,
        base: if entry.base_ccy.is_empty() { base } else { &entry.base_ccy },
        quote: if entry.quote_ccy.is_empty() { quote } else { &entry.quote_ccy },
        kind,
        tick: &entry.tick_sz,
        px_stated: 0,
        lot: &entry.lot_sz,
        qty_stated: 0,
        qty_min: &entry.min_sz,
        notional_min: None,
        contract: contract(entry, kind, base)?,
        status: status(&entry.state),
    };
    facts.spec().map(|spec| InstrumentSpec { code: entry.inst_id_code.as_ref().and_then(code), ..spec })
}

/// The documents write the code as a number, and all other numbers as strings: both are read.
fn code(value: &Value) -> Option<u64> {
    value.as_u64().or_else(|| value.as_str()?.parse().ok())
}

fn kind(inst_type: &str) -> Option<Kind> {
    match inst_type {
        "SPOT" | "MARGIN" => Some(Kind::Spot),
        "SWAP" => Some(Kind::Perpetual),
        "FUTURES" => Some(Kind::Future),
        "OPTION" => Some(Kind::Option),
        _ => None,
    }
}

/// One contract is `ctVal × ctMult` of `ctValCcy`: of the quote for inverse contracts, of the base
/// for linear ones and options. Another currency than those two cannot be valued here.
fn contract(entry: &Entry, kind: Kind, base: &str) -> Option<Contract> {
    if kind == Kind::Spot {
        return Some(Contract::Base);
    }
    let multiplier = if entry.ct_mult.is_empty() { (1, 0) } else { spec::value(&entry.ct_mult)? };
    let (value, dp) = spec::times(spec::value(&entry.ct_val)?, multiplier)?;
    match entry.ct_type.as_str() {
        "inverse" => Some(Contract::Inverse { value, dp }),
        _ if entry.ct_val_ccy == base => Some(Contract::Linear { value, dp }),
        _ => None,
    }
}

fn status(state: &str) -> Status {
    match state {
        "live" => Status::Trading,
        "expired" => Status::Delisted,
        _ => Status::Paused,
    }
}
