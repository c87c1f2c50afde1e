//! Binance's market data messages, fields in the documented order.

use crate::feed::{Channel, Push};
use crate::market::book::{Level, Trade};
use crate::market::listing::Listing;
use crate::text::{fixed, put};

/// Writes a bookTicker, diff depth or partial depth message.
pub(super) fn book(out: &mut String, channel: Channel, listing: &Listing, push: &Push, usdm: bool, now_ns: u64) {
    match channel.name {
        "bookTicker" => ticker(out, listing, push, usdm, now_ns),
        name if name == "depth" || name.starts_with("depth@") => diff(out, listing, push, usdm, now_ns),
        _ => {
            put!(out, r#"{{"lastUpdateId":{},"#, push.id);
            sides(out, listing, push, usdm, ["bids", "asks"]);
            out.push('}');
        }
    }
}

fn ticker(out: &mut String, listing: &Listing, push: &Push, usdm: bool, now_ns: u64) {
    let symbol = &listing.symbol;
    if usdm {
        let (event, change) = (now_ns / 1_000_000, push.event_ns / 1_000_000);
        put!(out, r#"{{"e":"bookTicker","u":{},"E":{event},"T":{change},"s":"{symbol}""#, push.id);
    } else {
        put!(out, r#"{{"u":{},"s":"{symbol}""#, push.id);
    }
    for (keys, level) in [(["b", "B"], push.bids.first()), (["a", "A"], push.asks.first())] {
        let (px, qty) = level.copied().unwrap_or((0, 0));
        put!(out, r#","{}":""#, keys[0]);
        price(out, listing, px, usdm);
        put!(out, r#"","{}":""#, keys[1]);
        quantity(out, listing, qty, usdm);
        out.push('"');
    }
    out.push('}');
}

fn diff(out: &mut String, listing: &Listing, push: &Push, usdm: bool, now_ns: u64) {
    put!(out, r#"{{"e":"depthUpdate","E":{},"#, now_ns / 1_000_000);
    if usdm {
        put!(out, r#""T":{},"#, push.event_ns / 1_000_000);
    }
    put!(out, r#""s":"{}","U":{},"u":{},"#, listing.symbol, push.prev_id + 1, push.id);
    if usdm {
        put!(out, r#""pu":{},"#, push.prev_id);
    }
    sides(out, listing, push, usdm, ["b", "a"]);
    out.push('}');
}

/// Writes a spot trade or a USD-M aggregate trade.
pub(super) fn trade(out: &mut String, listing: &Listing, trade: &Trade, usdm: bool, now_ns: u64) {
    let (kind, event, at, id) = (if usdm { "aggTrade" } else { "trade" }, now_ns / 1_000_000, trade.at_ns, trade.id);
    put!(out, r#"{{"e":"{kind}","E":{event},"s":"{}","{}":{id},"p":""#, listing.symbol, if usdm { "a" } else { "t" });
    price(out, listing, trade.px, usdm);
    out.push_str(r#"","q":""#);
    quantity(out, listing, trade.qty, usdm);
    if usdm {
        out.push_str(r#"","nq":""#);
        quantity(out, listing, trade.qty, usdm);
        put!(out, r#"","f":{id},"l":{id},"T":{},"m":{}}}"#, at / 1_000_000, !trade.buy);
    } else {
        put!(out, r#"","T":{},"m":{},"M":true}}"#, at / 1_000_000, !trade.buy);
    }
}

/// Writes a REST depth answer of at most `limit` levels a side.
pub(super) fn snapshot(out: &mut String, listing: &Listing, push: &Push, usdm: bool, now_ns: u64) {
    put!(out, r#"{{"lastUpdateId":{},"#, push.id);
    if usdm {
        put!(out, r#""E":{},"T":{},"#, now_ns / 1_000_000, push.event_ns / 1_000_000);
    }
    sides(out, listing, push, usdm, ["bids", "asks"]);
    out.push('}');
}

fn sides(out: &mut String, listing: &Listing, push: &Push, usdm: bool, keys: [&str; 2]) {
    put!(out, r#""{}":"#, keys[0]);
    levels(out, listing, &push.bids, usdm);
    put!(out, r#","{}":"#, keys[1]);
    levels(out, listing, &push.asks, usdm);
}

fn levels(out: &mut String, listing: &Listing, levels: &[Level], usdm: bool) {
    out.push('[');
    for (place, &(px, qty)) in levels.iter().enumerate() {
        out.push_str(if place == 0 { "[\"" } else { ",[\"" });
        price(out, listing, px, usdm);
        out.push_str("\",\"");
        quantity(out, listing, qty, usdm);
        out.push_str("\"]");
    }
    out.push(']');
}

/// Spot writes eight decimals always, USD-M as many as the instrument has.
fn price(out: &mut String, listing: &Listing, px: i64, usdm: bool) {
    fixed(out, px, listing.px_dp, if usdm { listing.px_dp } else { 8 });
}

fn quantity(out: &mut String, listing: &Listing, qty: i64, usdm: bool) {
    fixed(out, qty, listing.qty_dp, if usdm { listing.qty_dp } else { 8 });
}
