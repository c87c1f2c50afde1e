//! OKX's market data messages, fields in the documented order. Times are strings of milliseconds, the
//! checksum is fixed at 0 as on the venue since 2026, sizes of swaps are contracts.

use crate::feed::{Channel, Kind, Push};
use crate::market::book::{Level, Trade};
use crate::market::listing::Listing;
use crate::text::{plain, put};

/// Writes a books, books5 or bbo-tbt message.
pub(super) fn book(channel: Channel, listing: &Listing, push: &Push) -> String {
    let mut out = String::with_capacity(512);
    put!(&mut out, r#"{{"arg":{{"channel":"{}","instId":"{}"}},"#, channel.name, listing.symbol);
    if channel.name == "books" {
        let action = if push.kind == Kind::Snapshot { "snapshot" } else { "update" };
        put!(&mut out, r#""action":"{action}","#);
    }
    out.push_str(r#""data":[{"#);
    sides(&mut out, listing, push);
    put!(&mut out, r#","ts":"{}","#, push.event_ns / 1_000_000);
    match channel.name {
        "books" if push.kind == Kind::Snapshot => put!(&mut out, r#""checksum":0,"prevSeqId":-1,"#),
        "books" => put!(&mut out, r#""checksum":0,"prevSeqId":{},"#, push.prev_id),
        "books5" => put!(&mut out, r#""instId":"{}","#, listing.symbol),
        _ => {}
    }
    put!(&mut out, r#""seqId":{}}}]}}"#, push.id);
    out
}

/// Writes a trades message.
pub(super) fn trade(channel: Channel, listing: &Listing, trade: &Trade) -> String {
    let (symbol, side) = (&listing.symbol, if trade.buy { "buy" } else { "sell" });
    let (px, sz) = (plain(trade.px, listing.px_dp), plain(trade.qty, listing.qty_dp));
    let (id, ts, seq) = (trade.id, trade.at_ns / 1_000_000, trade.book_id);
    let data = format!(
        r#"{{"instId":"{symbol}","tradeId":"{id}","px":"{px}","sz":"{sz}","side":"{side}","ts":"{ts}","count":"1","source":"0","seqId":{seq}}}"#
    );
    format!(r#"{{"arg":{{"channel":"{}","instId":"{symbol}"}},"data":[{data}]}}"#, channel.name)
}

/// Writes the members `asks` and `bids`.
pub(super) fn sides(out: &mut String, listing: &Listing, push: &Push) {
    out.push_str(r#""asks":"#);
    levels(out, listing, &push.asks);
    out.push_str(r#","bids":"#);
    levels(out, listing, &push.bids);
}

fn levels(out: &mut String, listing: &Listing, levels: &[Level]) {
    out.push('[');
    for (place, &(px, qty)) in levels.iter().enumerate() {
        let comma = if place == 0 { "" } else { "," };
        let (price, size) = (plain(px, listing.px_dp), plain(qty, listing.qty_dp));
        let orders = if qty == 0 { 0 } else { 1 + qty % 7 };
        put!(out, r#"{comma}["{price}","{size}","0","{orders}"]"#);
    }
    out.push(']');
}
