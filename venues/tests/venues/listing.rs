//! Instrument lists as the venues answer them, cut down to one entry each.

use highwire_links::fixed::Scale;
use highwire_links::instrument::{Contract, Status};
use highwire_venues::metadata::{MetadataError, listing, parse};
use highwire_venues::{InstrumentSpec, Kind, Venue};

fn one(venue: Venue, body: &str) -> InstrumentSpec {
    let mut specs = parse(venue, "", body.as_bytes()).unwrap();
    assert_eq!(specs.len(), 1, "{body}");
    specs.remove(0)
}

#[test]
fn binance_spot_keeps_the_eight_decimals_that_it_states() {
    let spec = one(
        Venue::BinanceSpot,
        r#"{"symbols":[{"symbol":"ETHBTC","status":"TRADING","baseAsset":"ETH","baseAssetPrecision":8,"quoteAsset":"BTC","quotePrecision":8,"filters":[{"filterType":"PRICE_FILTER","tickSize":"0.00000100"},{"filterType":"LOT_SIZE","minQty":"0.00010000","stepSize":"0.00010000"},{"filterType":"NOTIONAL","minNotional":"0.00010000"}]}]}"#,
    );
    assert_eq!((spec.scale, spec.tick, spec.lot, spec.qty_min), (Scale { px_dp: 8, qty_dp: 8 }, 100, 10_000, 10_000));
    assert_eq!((spec.kind, spec.contract, spec.status), (Kind::Spot, Contract::Base, Status::Trading));
    assert_eq!(spec.notional_min.to_string(), "0.0001");
}

#[test]
fn binance_futures_take_the_finer_of_tick_and_stated_precision() {
    let usdm = one(
        Venue::BinanceUsdm,
        r#"{"symbols":[{"symbol":"BTCUSDT","status":"TRADING","contractType":"PERPETUAL","baseAsset":"BTC","quoteAsset":"USDT","pricePrecision":2,"quantityPrecision":3,"filters":[{"filterType":"PRICE_FILTER","tickSize":"0.10"},{"filterType":"LOT_SIZE","minQty":"0.001","stepSize":"0.001"},{"filterType":"MIN_NOTIONAL","notional":"5"}]}]}"#,
    );
    assert_eq!((usdm.scale, usdm.tick, usdm.lot), (Scale { px_dp: 2, qty_dp: 3 }, 10, 1));
    assert_eq!((usdm.kind, usdm.notional_min.to_string().as_str()), (Kind::Perpetual, "5"));
    let coinm = one(
        Venue::BinanceCoinm,
        r#"{"symbols":[{"symbol":"BTCUSD_210625","contractStatus":"TRADING","contractType":"CURRENT_QUARTER","contractSize":100,"baseAsset":"BTC","quoteAsset":"USD","pricePrecision":1,"quantityPrecision":0,"filters":[{"filterType":"PRICE_FILTER","tickSize":"0.1"},{"filterType":"LOT_SIZE","minQty":"1","stepSize":"1"}]}]}"#,
    );
    assert_eq!((coinm.kind, coinm.contract), (Kind::Future, Contract::Inverse { value: 100, dp: 0 }));
}

#[test]
fn okx_contracts_are_worth_value_times_multiplier() {
    let swap = |extra: &str| {
        one(
            Venue::Okx,
            &format!(
                r#"{{"code":"0","data":[{{"instId":"BTC-USDT-SWAP","instType":"SWAP","baseCcy":"","quoteCcy":"","tickSz":"0.1","lotSz":"0.1","minSz":"0.1","state":"live",{extra}}}]}}"#
            ),
        )
    };
    let linear = swap(r#""ctVal":"0.01","ctMult":"1","ctType":"linear","ctValCcy":"BTC""#);
    assert_eq!(
        (linear.contract, linear.base.as_str(), linear.quote.as_str()),
        (Contract::Linear { value: 1, dp: 2 }, "BTC", "USDT")
    );
    assert_eq!((linear.scale, linear.lot), (Scale { px_dp: 1, qty_dp: 1 }, 1));
    let inverse = swap(r#""ctVal":"100","ctMult":"1","ctType":"inverse","ctValCcy":"USD""#);
    assert_eq!(inverse.contract, Contract::Inverse { value: 100, dp: 0 });
    let option = swap(r#""ctVal":"1","ctMult":"0.1","ctType":"","ctValCcy":"BTC""#);
    assert_eq!(option.contract, Contract::Linear { value: 1, dp: 1 });
}

#[test]
fn bybit_reads_both_lot_filters_and_refuses_another_category() {
    let linear = r#"{"retCode":0,"result":{"category":"linear","list":[{"symbol":"0GUSDT","contractType":"LinearPerpetual","status":"Trading","baseCoin":"0G","quoteCoin":"USDT","priceScale":"4","priceFilter":{"tickSize":"0.0001"},"lotSizeFilter":{"minOrderQty":"0.1","qtyStep":"0.1","minNotionalValue":"5"}}]}}"#;
    let spec = one(Venue::BybitLinear, linear);
    assert_eq!(
        (spec.scale, spec.kind, spec.contract),
        (Scale { px_dp: 4, qty_dp: 1 }, Kind::Perpetual, Contract::Base)
    );
    let found = parse(Venue::BybitSpot, "", linear.as_bytes()).unwrap_err();
    assert!(matches!(found, MetadataError::OtherMarket { .. }), "{found}");
    let spot = one(
        Venue::BybitSpot,
        r#"{"retCode":0,"result":{"category":"spot","list":[{"symbol":"BTCUSDT","status":"Trading","baseCoin":"BTC","quoteCoin":"USDT","priceFilter":{"tickSize":"0.1"},"lotSizeFilter":{"basePrecision":"0.000001","quotePrecision":"0.0000001","minOrderQty":"0.000001","minOrderAmt":"5"}}]}}"#,
    );
    assert_eq!(
        (spot.scale, spot.tick, spot.notional_min.to_string().as_str()),
        (Scale { px_dp: 7, qty_dp: 6 }, 1_000_000, "5")
    );
}

#[test]
fn a_bad_entry_is_skipped_and_counted_and_a_missing_list_is_an_error() {
    let body = r#"{"code":"0","data":[{"instId":"A-B","instType":"SPOT","tickSz":"","lotSz":"1","minSz":"1","state":"live"},{"nonsense":1},{"instId":"C-D","instType":"SPOT","tickSz":"0.1","lotSz":"1","minSz":"1","state":"suspend"}]}"#;
    let read = listing(Venue::Okx, "", body.as_bytes()).unwrap();
    assert_eq!((read.specs.len(), read.skipped, read.specs[0].status), (1, 2, Status::Paused));
    assert!(matches!(parse(Venue::Okx, "", b"{}"), Err(MetadataError::NoList(_))));
    assert!(matches!(parse(Venue::Okx, "", b"<html>"), Err(MetadataError::Json(_))));
}
