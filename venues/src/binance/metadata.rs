//! Binance `exchangeInfo`, of spot, USD-M and COIN-M.
//!
//! Spot writes eight decimals whatever the tick and states `quotePrecision` and `baseAssetPrecision`
//! of 8, which is also what its own 64-bit mantissa holds, so no value can overflow. Futures write
//! `pricePrecision` and `quantityPrecision` decimals, which may be finer than the tick.

use crate::metadata::{Facts, Listing, MetadataError, read_each};
use crate::spec::{InstrumentSpec, Kind};
use crate::venue::Venue;
use highwire_links::instrument::{Contract, Status};
use serde::Deserialize;
use serde_json::Value;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Symbol {
    symbol: String,
    #[serde(alias = "contractStatus")]
    status: String,
    base_asset: String,
    quote_asset: String,
    contract_type: Option<String>,
    contract_size: Option<i64>,
    /// Spot.
    base_asset_precision: Option<u8>,
    quote_precision: Option<u8>,
    /// Futures.
    price_precision: Option<u8>,
    quantity_precision: Option<u8>,
    filters: Vec<Filter>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Filter {
    filter_type: String,
    tick_size: Option<String>,
    step_size: Option<String>,
    min_qty: Option<String>,
    min_notional: Option<String>,
    notional: Option<String>,
}

/// Reads `symbols` of an `exchangeInfo`.
pub(crate) fn listing(venue: Venue, mut body: Value) -> Result<Listing, MetadataError> {
    match body.get_mut("symbols").map(Value::take) {
        Some(Value::Array(symbols)) => Ok(read_each(symbols, |symbol| read(venue, symbol))),
        _ => Err(MetadataError::NoList(venue.name())),
    }
}

fn read(venue: Venue, symbol: &Symbol) -> Option<InstrumentSpec> {
    let filter = |kind: &str| symbol.filters.iter().find(|filter| filter.filter_type == kind);
    let lot = filter("LOT_SIZE")?;
    let notional = filter("NOTIONAL").or_else(|| filter("MIN_NOTIONAL"));
    let futures = matches!(venue, Venue::BinanceUsdm | Venue::BinanceCoinm);
    let (px_stated, qty_stated) = if futures {
        (symbol.price_precision?, symbol.quantity_precision?)
    } else {
        (symbol.quote_precision?, symbol.base_asset_precision?)
    };
    Facts {
        venue,
        symbol: &symbol.symbol,
        base: &symbol.base_asset,
        quote: &symbol.quote_asset,
        kind: kind(symbol.contract_type.as_deref()),
        tick: filter("PRICE_FILTER")?.tick_size.as_deref()?,
        px_stated,
        lot: lot.step_size.as_deref()?,
        qty_stated,
        qty_min: lot.min_qty.as_deref()?,
        notional_min: notional.and_then(|filter| filter.min_notional.as_deref().or(filter.notional.as_deref())),
        contract: contract(venue, symbol)?,
        status: status(&symbol.status),
    }
    .spec()
}

fn kind(contract_type: Option<&str>) -> Kind {
    match contract_type {
        None => Kind::Spot,
        Some(name) if name.contains("PERPETUAL") => Kind::Perpetual,
        Some(_) => Kind::Future,
    }
}

/// COIN-M counts contracts of `contractSize` quote currency; the others count the base asset.
fn contract(venue: Venue, symbol: &Symbol) -> Option<Contract> {
    match (venue, symbol.contract_size) {
        (Venue::BinanceCoinm, Some(value)) if value > 0 => Some(Contract::Inverse { value, dp: 0 }),
        (Venue::BinanceCoinm, _) => None,
        _ => Some(Contract::Base),
    }
}

fn status(name: &str) -> Status {
    match name {
        "TRADING" => Status::Trading,
        "CLOSE" | "SETTLING" | "DELIVERED" => Status::Delisted,
        _ => Status::Paused,
    }
}
