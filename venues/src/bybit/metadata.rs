//! Bybit `/v5/market/instruments-info`, of spot, linear and inverse.
//!
//! Derivatives state `priceScale`, spot states `quotePrecision` and `basePrecision`; both may be
//! finer than the tick.

use crate::metadata::{Facts, Listing, MetadataError, read_each};
use crate::spec::{self, InstrumentSpec, Kind};
use crate::venue::Venue;
use highwire_links::instrument::{Contract, Status};
use serde::Deserialize;
use serde_json::Value;

/// Most price decimals taken from a spot symbol's `quotePrecision`, which is of amounts of quote
/// currency and so as fine as a price can be, or finer.
const SPOT_PX_DP_STATED_MAX: u8 = 8;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Entry {
    symbol: String,
    status: String,
    base_coin: String,
    quote_coin: String,
    contract_type: Option<String>,
    price_scale: Option<String>,
    price_filter: PriceFilter,
    lot_size_filter: LotSizeFilter,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct PriceFilter {
    tick_size: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct LotSizeFilter {
    base_precision: Option<String>,
    quote_precision: Option<String>,
    qty_step: Option<String>,
    min_order_qty: Option<String>,
    min_order_amt: Option<String>,
    min_notional_value: Option<String>,
}

/// Reads `result.list` of an instrument list; the answer, else the URL, says of which category it is.
pub(crate) fn listing(venue: Venue, url: &str, mut body: Value) -> Result<Listing, MetadataError> {
    // A refusal may have an empty list, which does not say that nothing is listed.
    if body.get("retCode").is_some_and(|code| code != 0) {
        return Err(MetadataError::NoList("bybit"));
    }
    let category = body.pointer("/result/category").and_then(Value::as_str).or_else(|| category_of_url(url));
    let expected = category_of(venue);
    if let Some(found) = category.filter(|found| *found != expected) {
        return Err(MetadataError::OtherMarket { venue: venue.name(), found: found.to_owned() });
    }
    match body.pointer_mut("/result/list").map(Value::take) {
        Some(Value::Array(entries)) => Ok(read_each(entries, |entry| read(venue, entry))),
        _ => Err(MetadataError::NoList(venue.name())),
    }
}

/// The category of a venue in Bybit's words.
pub(crate) fn category_of(venue: Venue) -> &'static str {
    match venue {
        Venue::BybitSpot => "spot",
        Venue::BybitInverse => "inverse",
        _ => "linear",
    }
}

fn category_of_url(url: &str) -> Option<&str> {
    let (_, rest) = url.split_once("category=")?;
    rest.split('&').next()
}

fn read(venue: Venue, entry: &Entry) -> Option<InstrumentSpec> {
    let lots = &entry.lot_size_filter;
    let lot = lots.qty_step.as_deref().or(lots.base_precision.as_deref())?;
    let px_stated = match &entry.price_scale {
        Some(scale) => scale.parse().ok()?,
        None => spec::decimals(lots.quote_precision.as_deref()?)?.min(SPOT_PX_DP_STATED_MAX),
    };
    Facts {
        venue,
        symbol: &entry.symbol,
        base: &entry.base_coin,
        quote: &entry.quote_coin,
        kind: kind(entry.contract_type.as_deref()),
        tick: &entry.price_filter.tick_size,
        px_stated,
        lot,
        qty_stated: 0,
        qty_min: lots.min_order_qty.as_deref().unwrap_or(lot),
        notional_min: lots.min_order_amt.as_deref().or(lots.min_notional_value.as_deref()),
        contract: if venue == Venue::BybitInverse { Contract::Inverse { value: 1, dp: 0 } } else { Contract::Base },
        status: status(&entry.status),
    }
    .spec()
}

fn kind(contract_type: Option<&str>) -> Kind {
    match contract_type {
        None => Kind::Spot,
        Some(name) if name.ends_with("Perpetual") => Kind::Perpetual,
        Some(_) => Kind::Future,
    }
}

fn status(name: &str) -> Status {
    match name {
        "Trading" => Status::Trading,
        "Closed" => Status::Delisted,
        _ => Status::Paused,
    }
}
