//! Frames of the market and user channels, members in the documented order. Numbers are strings without
//! trailing zeros, times strings of milliseconds.

use serde_json::{Value, json};
use sha1::{Digest, Sha1};

use super::account::{Account, written};
use super::book::{Level, Outcome};
use super::fee::{price, text};
use super::house::{Order, Status};
use super::settle::{Part, Trade};
use super::updown::{SIZE_MIN, UpDown, mirrored};
use super::word::hex;
use crate::text::put;

/// The whole book of a token, worst level first on both sides, as the channel sends it.
pub(super) fn book(market: &UpDown, outcome: Outcome) -> String {
    let body = body(market, outcome, &hash(market, outcome));
    let mut out = body.replacen('{', r#"{"event_type":"book","#, 1);
    out.push('}');
    out
}

/// The whole book of a token as REST answers it.
pub(super) fn summary(market: &UpDown, outcome: Outcome) -> String {
    let mut out = body(market, outcome, &hash(market, outcome));
    out.push_str(&rest_of(market, outcome));
    out
}

/// SHA-1 of the compact summary with an empty hash, in hexadecimal.
fn hash(market: &UpDown, outcome: Outcome) -> String {
    let text = body(market, outcome, "") + &rest_of(market, outcome);
    hex(&Sha1::digest(text.as_bytes())).split_off(2)
}

fn body(market: &UpDown, outcome: Outcome, hash: &str) -> String {
    let (condition, token, at) = (&market.condition, market.token(outcome), market.changed_ms);
    let mut out = format!(r#"{{"market":"{condition}","asset_id":"{token}","timestamp":"{at}","hash":"{hash}","#);
    for (name, bids) in [("bids", true), ("asks", false)] {
        put!(&mut out, r#"{}"{name}":["#, if bids { "" } else { "," });
        for (place, (px, qty)) in market.view(outcome, bids).into_iter().rev().enumerate() {
            let comma = if place == 0 { "" } else { "," };
            put!(&mut out, r#"{comma}{{"price":"{}","size":"{}"}}"#, price(px), text(qty));
        }
        out.push(']');
    }
    out
}

fn rest_of(market: &UpDown, outcome: Outcome) -> String {
    let last = market.last_px.map(|px| price(outcome.own(px))).unwrap_or_default();
    let (least, tick) = (text(SIZE_MIN), price(market.tick));
    let negative = market.negative_risk();
    format!(r#","min_order_size":"{least}","tick_size":"{tick}","neg_risk":{negative},"last_trade_price":"{last}"}}"#)
}

/// Changed levels (bids and asks of Up) for the tokens that show them: each change and its mirror image.
pub(super) fn price_change(market: &UpDown, shows: &[Outcome], changes: &[Vec<Level>; 2], now_ms: u64) -> String {
    let mut out = format!(r#"{{"event_type":"price_change","market":"{}","price_changes":["#, market.condition);
    let hashes = Outcome::BOTH.map(|outcome| hash(market, outcome));
    let mut first = true;
    for (bids, levels) in [(true, &changes[0]), (false, &changes[1])] {
        for &level in levels {
            for &outcome in shows {
                let (px, qty) = mirrored(vec![level], outcome)[0];
                let side = if outcome.bids(true) == bids { "BUY" } else { "SELL" };
                let (token, comma) = (market.token(outcome), if first { "" } else { "," });
                let (bid, ask) = (top(market, outcome, true), top(market, outcome, false));
                let (px, qty, hash) = (price(px), text(qty), &hashes[outcome as usize]);
                put!(&mut out, r#"{comma}{{"asset_id":"{token}","price":"{px}","size":"{qty}","side":"{side}","#);
                put!(&mut out, r#""hash":"{hash}","best_bid":"{bid}","best_ask":"{ask}"}}"#);
                first = false;
            }
        }
    }
    put!(&mut out, r#"],"timestamp":"{now_ms}"}}"#);
    out
}

/// Best price of a side; an empty side reads 0 or 1.
fn top(market: &UpDown, outcome: Outcome, bids: bool) -> String {
    market.best(outcome, bids).map_or_else(|| if bids { "0" } else { "1" }.to_owned(), price)
}

/// The best prices of a token.
pub(super) fn best(market: &UpDown, outcome: Outcome, now_ms: u64) -> String {
    let (bid, ask) = (market.best(outcome, true), market.best(outcome, false));
    let spread = price(ask.unwrap_or(super::PX_ONE) - bid.unwrap_or(0));
    let (condition, token) = (&market.condition, market.token(outcome));
    let (bid, ask) = (top(market, outcome, true), top(market, outcome, false));
    format!(
        r#"{{"event_type":"best_bid_ask","market":"{condition}","asset_id":"{token}","best_bid":"{bid}","best_ask":"{ask}","spread":"{spread}","timestamp":"{now_ms}"}}"#
    )
}

/// A trade in the taker's token.
pub(super) fn last_trade(market: &UpDown, taker: &Part, now_ms: u64) -> String {
    let (condition, token, side) = (&market.condition, market.token(taker.outcome), side(taker.buy));
    let (px, qty) = (price(taker.px), text(taker.qty));
    format!(
        r#"{{"event_type":"last_trade_price","market":"{condition}","asset_id":"{token}","price":"{px}","side":"{side}","size":"{qty}","fee_rate_bps":"0","timestamp":"{now_ms}"}}"#
    )
}

/// A token's tick became finer.
pub(super) fn tick_change(market: &UpDown, outcome: Outcome, before: i64, now_ms: u64) -> String {
    let (condition, token) = (&market.condition, market.token(outcome));
    let (old, new) = (price(before), price(market.tick));
    format!(
        r#"{{"event_type":"tick_size_change","market":"{condition}","asset_id":"{token}","old_tick_size":"{old}","new_tick_size":"{new}","timestamp":"{now_ms}"}}"#
    )
}

/// A market came into being.
pub(super) fn new_market(market: &UpDown, now_ms: u64) -> String {
    json!({
        "event_type": "new_market", "id": market.slug, "market": market.condition, "slug": market.slug,
        "assets_ids": market.tokens, "outcomes": ["Up", "Down"], "timestamp": now_ms.to_string(),
    })
    .to_string()
}

/// A market was decided.
pub(super) fn resolved(market: &UpDown, winner: Outcome, now_ms: u64) -> String {
    json!({
        "event_type": "market_resolved", "id": market.slug, "market": market.condition, "slug": market.slug,
        "assets_ids": market.tokens, "winning_asset_id": market.token(winner), "winning_outcome": winner.name(),
        "timestamp": now_ms.to_string(),
    })
    .to_string()
}

/// What the user channel says of an order. `created_at` is in seconds: the unified SDK 0.14.0 drops events
/// whose `created_at` is in milliseconds.
pub(super) fn order_event(order: &Order, holder: &Account, kind: &str, now_ms: u64) -> String {
    let key = &holder.credentials.key;
    json!({
        "event_type": "order", "type": kind, "id": hex(&order.id), "market": order.condition,
        "asset_id": order.token, "side": side(order.terms.buy), "price": price(order.terms.px),
        "original_size": text(order.terms.size), "size_matched": text(order.matched), "status": status(order),
        "order_type": order.kind.name(), "outcome": order.outcome.name(), "owner": key, "order_owner": key,
        "maker_address": written(order.maker), "associate_trades": trades(order),
        "created_at": (order.created_ms / 1_000).to_string(), "expiration": order.expiration_s.to_string(),
        "timestamp": now_ms.to_string(),
    })
    .to_string()
}

fn trades(order: &Order) -> Value {
    if order.trades.is_empty() { Value::Null } else { json!(order.trades) }
}

/// The order as `/data/orders` lists it.
pub(super) fn order_row(order: &Order, holder: &Account) -> Value {
    json!({
        "id": hex(&order.id), "status": status(order), "owner": holder.credentials.key,
        "maker_address": written(order.maker), "market": order.condition, "asset_id": order.token,
        "side": side(order.terms.buy), "original_size": text(order.terms.size),
        "size_matched": text(order.matched), "price": price(order.terms.px), "outcome": order.outcome.name(),
        "expiration": order.expiration_s.to_string(), "order_type": order.kind.name(),
        "associate_trades": order.trades, "created_at": order.created_ms / 1_000,
    })
}

/// A trade as an account's user channel gets it.
pub(super) fn trade_event(trade: &Trade, account: usize, accounts: &[Account], now_ms: u64) -> String {
    let mut event = trade_row(trade, account, accounts);
    event["event_type"] = json!("trade");
    event["type"] = json!("TRADE");
    event["timestamp"] = json!(now_ms.to_string());
    event.to_string()
}

/// A trade as `/data/trades` lists it.
pub(super) fn trade_row(trade: &Trade, account: usize, accounts: &[Account]) -> Value {
    let key = |part: &Part| match part.account.and_then(|a| accounts.get(a)) {
        Some(holder) => holder.credentials.key.clone(),
        None => "ffffffff-0000-0000-0000-000000000000".to_owned(),
    };
    let (taker, taking) = (&trade.taker, trade.taker.account == Some(account));
    let makers: Vec<Value> = trade.makers.iter().map(|part| maker_row(part, &key(part), trade)).collect();
    let mine = if taking { Some(taker) } else { trade.makers.iter().find(|part| part.account == Some(account)) };
    json!({
        "id": trade.id, "taker_order_id": hex(&taker.order), "market": trade.condition,
        "asset_id": token(trade, taker.outcome), "side": side(taker.buy), "size": text(taker.qty),
        "price": price(taker.px), "status": trade.stage.name(), "fee_rate_bps": "0",
        "match_time": (trade.matched_ms / 1_000).to_string(),
        "last_update": (trade.updated_ms / 1_000).to_string(), "outcome": taker.outcome.name(),
        "bucket_index": 0, "owner": mine.map(&key), "trade_owner": key(taker),
        "maker_address": mine.map(|part| written(part.maker)),
        "transaction_hash": trade.transaction.clone().unwrap_or_default(),
        "trader_side": if taking { "TAKER" } else { "MAKER" }, "maker_orders": makers,
    })
}

fn maker_row(part: &Part, owner: &str, trade: &Trade) -> Value {
    json!({
        "order_id": hex(&part.order), "owner": owner, "maker_address": written(part.maker),
        "matched_amount": text(part.qty), "price": price(part.px), "fee_rate_bps": "0",
        "asset_id": token(trade, part.outcome), "outcome": part.outcome.name(), "side": side(part.buy),
    })
}

fn token(trade: &Trade, outcome: Outcome) -> &str {
    &trade.tokens[outcome as usize]
}

fn status(order: &Order) -> &str {
    match &order.status {
        Status::Delayed(_) => "DELAYED",
        Status::Live => "LIVE",
        Status::Matched => "MATCHED",
        Status::Canceled(said) => said,
    }
}

/// The name of a side.
pub(super) const fn side(buy: bool) -> &'static str {
    if buy { "BUY" } else { "SELL" }
}
