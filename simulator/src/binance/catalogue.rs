//! What Binance lists: exchangeInfo with its rate limits and filters.

use super::holdings::interval;
use super::weight_limit;
use crate::amount::Amount;
use crate::exchange::rules::BoardRules;
use crate::market::listing::Listing;
use crate::text::{put, unit};

/// The answer to a question for what is listed: each listing with its smallest notional.
pub(super) fn catalogue(listings: &[(Listing, Amount)], rules: &BoardRules, usdm: bool, now_ns: u64) -> String {
    let mut out = format!(
        r#"{{"timezone":"UTC","serverTime":{},"rateLimits":[{{"rateLimitType":"REQUEST_WEIGHT","interval":"MINUTE","intervalNum":1,"limit":{}}}"#,
        now_ns / 1_000_000,
        weight_limit(usdm)
    );
    for (limit, span_ns) in rules.windows {
        let (interval, number) = interval(span_ns);
        put!(
            &mut out,
            r#",{{"rateLimitType":"ORDERS","interval":"{interval}","intervalNum":{number},"limit":{limit}}}"#
        );
    }
    if !usdm {
        out.push_str(r#",{"rateLimitType":"RAW_REQUESTS","interval":"MINUTE","intervalNum":5,"limit":300000}"#);
    }
    out.push_str(r#"],"exchangeFilters":[],"symbols":["#);
    for (place, (listing, least)) in listings.iter().enumerate() {
        if place > 0 {
            out.push(',');
        }
        if usdm { perpetual(&mut out, listing, rules, *least) } else { pair(&mut out, listing, rules, *least) }
    }
    out.push_str("]}");
    out
}

fn pair(out: &mut String, listing: &Listing, rules: &BoardRules, least: Amount) {
    let Listing { symbol, base, quote, .. } = listing;
    let status = listing.status_or("TRADING");
    put!(out, r#"{{"symbol":"{symbol}","status":"{status}","baseAsset":"{base}","baseAssetPrecision":8,"#);
    put!(out, r#""quoteAsset":"{quote}","quotePrecision":8,"quoteAssetPrecision":8,"baseCommissionPrecision":8,"#);
    out.push_str(
        r#""quoteCommissionPrecision":8,"orderTypes":["LIMIT","LIMIT_MAKER","MARKET"],"icebergAllowed":false,"#,
    );
    out.push_str(
        r#""ocoAllowed":false,"otoAllowed":false,"quoteOrderQtyMarketAllowed":true,"allowTrailingStop":false,"#,
    );
    out.push_str(r#""cancelReplaceAllowed":true,"amendAllowed":true,"isSpotTradingAllowed":true,"#);
    out.push_str(r#""isMarginTradingAllowed":false,"filters":["#);
    filters(out, listing, rules);
    let (down, up) = rules.band;
    put!(
        out,
        r#",{{"filterType":"PERCENT_PRICE_BY_SIDE","bidMultiplierUp":"{up}","bidMultiplierDown":"{down}","askMultiplierUp":"{up}","askMultiplierDown":"{down}","avgPriceMins":5}}"#
    );
    put!(out, r#",{{"filterType":"MAX_NUM_ORDERS","maxNumOrders":{}}}"#, rules.open_max);
    put!(
        out,
        r#",{{"filterType":"NOTIONAL","minNotional":"{}","applyMinToMarket":true,"maxNotional":"9000000.00000000","applyMaxToMarket":false,"avgPriceMins":5}}],"#,
        least.fixed(8)
    );
    out.push_str(r#""permissions":[],"permissionSets":[["SPOT"]],"defaultSelfTradePreventionMode":"EXPIRE_MAKER","#);
    out.push_str(r#""allowedSelfTradePreventionModes":["NONE","EXPIRE_TAKER","EXPIRE_MAKER","EXPIRE_BOTH"]}"#);
}

fn perpetual(out: &mut String, listing: &Listing, rules: &BoardRules, least: Amount) {
    let Listing { symbol, base, quote, px_dp, qty_dp, .. } = listing;
    put!(out, r#"{{"symbol":"{symbol}","pair":"{symbol}","contractType":"PERPETUAL","deliveryDate":4133404800000,"#);
    put!(out, r#""status":"{}","baseAsset":"{base}","#, listing.status_or("TRADING"));
    put!(out, r#""quoteAsset":"{quote}","marginAsset":"{quote}","#);
    put!(out, r#""pricePrecision":{px_dp},"quantityPrecision":{qty_dp},"underlyingType":"COIN","filters":["#);
    filters(out, listing, rules);
    let (down, up) = rules.band;
    put!(
        out,
        r#",{{"filterType":"PERCENT_PRICE","multiplierUp":"{up}","multiplierDown":"{down}","multiplierDecimal":"4"}}"#
    );
    put!(out, r#",{{"filterType":"MAX_NUM_ORDERS","limit":{}}}"#, rules.open_max);
    put!(out, r#",{{"filterType":"MIN_NOTIONAL","notional":"{least}"}}],"#);
    out.push_str(r#""orderTypes":["LIMIT","MARKET"],"timeInForce":["GTC","IOC","FOK","GTX"]}"#);
}

fn filters(out: &mut String, listing: &Listing, rules: &BoardRules) {
    let (tick, lot) = (unit(listing.px_dp), unit(listing.qty_dp));
    let (dearest, largest) = (rules.max_price, rules.max_qty);
    put!(out, r#"{{"filterType":"PRICE_FILTER","minPrice":"{tick}","maxPrice":"{dearest}","tickSize":"{tick}"}},"#);
    put!(out, r#"{{"filterType":"LOT_SIZE","minQty":"{lot}","maxQty":"{largest}","stepSize":"{lot}"}},"#);
    put!(out, r#"{{"filterType":"MARKET_LOT_SIZE","minQty":"{lot}","maxQty":"{largest}","stepSize":"{lot}"}}"#);
}
