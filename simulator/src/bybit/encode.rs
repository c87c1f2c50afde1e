//! Bybit's market data messages. Spot (all depths) and level 1 write `ts` before `type`; linear books
//! write `type` first, as the venue does since 2026.

use crate::config::Board;
use crate::feed::{Carries, Channel, Kind, Push};
use crate::market::book::{Level, Trade};
use crate::market::listing::Listing;
use crate::text::{fixed, plain, put};

/// Writes an orderbook message.
pub(super) fn book(channel: Channel, listing: &Listing, push: &Push, now_ns: u64) -> String {
    let mut out = String::with_capacity(512);
    let symbol = &listing.symbol;
    let whole = push.kind == Kind::Snapshot || channel.carries == Carries::Whole;
    let (kind, ts) = (if whole { "snapshot" } else { "delta" }, now_ns / 1_000_000);
    put!(&mut out, r#"{{"topic":"{}.{symbol}","#, channel.name);
    if listing.board == Board::BybitSpot || channel.depth == 1 {
        put!(&mut out, r#""ts":{ts},"type":"{kind}","#);
    } else {
        put!(&mut out, r#""type":"{kind}","ts":{ts},"#);
    }
    put!(&mut out, r#""data":{{"s":"{symbol}","#);
    sides(&mut out, listing, push);
    put!(&mut out, r#","u":{},"seq":{}}},"cts":{}}}"#, push.count, push.id, push.event_ns / 1_000_000);
    out
}

/// Writes a publicTrade message.
pub(super) fn trade(channel: Channel, listing: &Listing, trade: &Trade, now_ns: u64) -> String {
    let mut out = String::with_capacity(256);
    let (symbol, side) = (&listing.symbol, if trade.buy { "Buy" } else { "Sell" });
    let (at, ts) = (trade.at_ns / 1_000_000, now_ns / 1_000_000);
    put!(&mut out, r#"{{"topic":"{}.{symbol}","type":"snapshot","ts":{ts},"data":[{{"#, channel.name);
    put!(&mut out, r#""T":{at},"s":"{symbol}","S":"{side}","v":"{}","p":""#, plain(trade.qty, listing.qty_dp));
    fixed(&mut out, trade.px, listing.px_dp, listing.px_dp);
    let (high, low) = (trade.id >> 48, trade.id & 0xFFFF_FFFF_FFFF);
    put!(&mut out, r#"","L":"PlusTick","i":"00000000-0000-5000-{high:04x}-{low:012x}","#);
    put!(&mut out, r#""BT":false,"seq":{}}}]}}"#, trade.book_id);
    out
}

/// Writes the members `b` and `a`.
pub(super) fn sides(out: &mut String, listing: &Listing, push: &Push) {
    out.push_str(r#""b":"#);
    levels(out, listing, &push.bids);
    out.push_str(r#","a":"#);
    levels(out, listing, &push.asks);
}

fn levels(out: &mut String, listing: &Listing, levels: &[Level]) {
    out.push('[');
    for (place, &(px, qty)) in levels.iter().enumerate() {
        out.push_str(if place == 0 { "[\"" } else { ",[\"" });
        fixed(out, px, listing.px_dp, listing.px_dp);
        put!(out, r#"","{}"]"#, plain(qty, listing.qty_dp));
    }
    out.push(']');
}
