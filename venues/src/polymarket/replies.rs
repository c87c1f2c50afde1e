//! What Polymarket's answers about an account say.

use super::news::{settlement, trade_of};
use super::{QTY_DP, answers, errors, market};
use crate::cold::{amount, amount_of, each, integer, json, text};
use crate::keys::Keys;
use crate::private::{Balance, FeeRates, KeyScope, OrderState, Position, Query, Refusal, Reply, TradeState, Why};
use crate::roster::side;
use crate::verdict::Verdict;
use highwire_links::Side;
use highwire_links::fixed::Amount;
use highwire_links::order::Action;
use serde_json::Value;

/// Where lists end.
const END: &str = "LTE=";

/// What the answer to a query says. Whose orders and trades they are only `keys` can tell: without them
/// orders have no ids of ours, and trades are not read.
pub(crate) fn answer(keys: Option<&Keys>, query: &Query<'_>, status: u16, body: &[u8]) -> Result<Reply, Refusal> {
    let body = match json(status, body) {
        Err(_) if !(200..300).contains(&status) => Value::Null,
        read => read?,
    };
    if matches!(query, Query::DeadMan { .. }) {
        // Also a refusal names the id that the next heartbeat must have.
        note_heartbeat(keys, &body);
    }
    let error = text(&body, "error");
    let asks = matches!(query, Query::Order { .. } | Query::OrderOf { .. });
    if !(200..300).contains(&status) || !error.is_empty() {
        let action = if asks { Action::Query } else { Action::Cancel };
        return Err(Refusal::new(errors::verdict(status, &error, action).into(), status.into(), &error));
    }
    if asks && body.get("id").is_none() {
        return Err(Refusal::new(Verdict::NotFound.into(), status.into(), "no such order"));
    }
    if let (Query::Cancel { .. } | Query::CancelAll { .. }, Some(left)) =
        (query, body.get("not_canceled").and_then(Value::as_object))
        && !left.is_empty()
    {
        return Err(Refusal::new(Why::Unknown, status.into(), "some orders were not cancelled"));
    }
    read(keys, query, &body).ok_or_else(|| Refusal::unreadable(status))
}

fn read(keys: Option<&Keys>, query: &Query<'_>, body: &Value) -> Option<Reply> {
    Some(match query {
        Query::Time => Reply::Time(body.as_i64()?.checked_mul(1000)?),
        Query::Instruments { .. } => Reply::Instruments(market::listing(body).ok()?),
        Query::Fees { symbol } => Reply::Fees(fees(body, symbol)?),
        Query::OpenOrders { .. } => {
            Reply::Orders { orders: each(list(body), |row| order(keys, row))?, next: next(body) }
        }
        Query::Order { .. } | Query::OrderOf { .. } => Reply::Orders { orders: vec![order(keys, body)?], next: None },
        Query::Fills { .. } => {
            let parts = each(list(body), |row| fills(keys?, row))?;
            Reply::Fills { fills: parts.into_iter().flatten().collect(), next: next(body) }
        }
        Query::Balances => Reply::Balances(vec![balance(body)?]),
        Query::Positions => Reply::Positions(each(Some(body), position)?),
        // An API key can take nothing out; the signing key of a wallet can, wherever it is used.
        Query::KeyScope => Reply::KeyScope(KeyScope {
            withdraw: false,
            trade: !body.get("closed_only")?.as_bool()?,
            address_bound: false,
        }),
        Query::DeadMan { .. } => {
            body.get("heartbeat_id")?.as_str()?;
            Reply::Done
        }
        Query::Cancel { .. } | Query::CancelAll { .. } => body.get("canceled").map(|_| Reply::Done)?,
        Query::Depth { .. } => body.get("bids").map(|_| Reply::Depth)?,
        Query::FillsOfAll { .. } | Query::EndedOrders { .. } | Query::StreamKey(_) => return None,
    })
}

fn note_heartbeat(keys: Option<&Keys>, body: &Value) {
    let last = keys.and_then(|keys| keys.wallet().ok()).and_then(|wallet| wallet.heartbeat.lock().ok());
    if let Some((id, mut last)) = body.get("heartbeat_id").and_then(Value::as_str).zip(last) {
        id.clone_into(&mut last);
    }
}

/// A list, bare or under `data`.
fn list(body: &Value) -> Option<&Value> {
    body.get("data").or(Some(body)).filter(|list| list.is_array())
}

fn next(body: &Value) -> Option<String> {
    let next = body.get("next_cursor")?.as_str()?;
    (!next.is_empty() && next != END).then(|| next.to_owned())
}

fn id_of(keys: Option<&Keys>, hash: &str) -> Option<u64> {
    keys?.wallet().ok()?.id_of(hash)
}

fn order(keys: Option<&Keys>, row: &Value) -> Option<OrderState> {
    let hash = row.get("id")?.as_str()?.to_owned();
    let (qty, filled) = (amount_of(row, "original_size")?, amount(&text(row, "size_matched"))?);
    Some(OrderState {
        symbol: row.get("asset_id")?.as_str()?.to_owned(),
        id: id_of(keys, &hash),
        client_text: String::new(),
        venue_id: hash,
        side: side(row.get("side")?.as_str()?)?,
        px: amount_of(row, "price")?,
        qty,
        filled,
        status: answers::standing(row.get("status")?.as_str()?).status(filled >= qty),
        at_ms: integer(row, "created_at").map_or(0, milliseconds),
    })
}

/// Our parts of a trade, with how far it has settled.
fn fills(keys: &Keys, row: &Value) -> Option<Vec<TradeState>> {
    let (trade_text, status) = (text(row, "id"), text(row, "status"));
    let settlement = settlement(&status)?;
    let (taker, token) = (side(row.get("side")?.as_str()?)?, row.get("asset_id")?.as_str()?);
    let at_ms = integer(row, "match_time").map_or(0, milliseconds);
    let part = |symbol: &str, order: &str, side, px, qty, maker: bool| TradeState {
        symbol: symbol.to_owned(),
        id: id_of(Some(keys), order),
        venue_order: order.to_owned(),
        trade: trade_of(&trade_text, maker.then_some(order)),
        trade_text: trade_text.clone(),
        side,
        px,
        qty,
        fee: Amount::ZERO,
        fee_asset: String::new(),
        maker,
        settlement,
        at_ms,
    };
    let mut parts = Vec::new();
    let order = row.get("taker_order_id")?.as_str()?;
    if text(row, "trader_side") == "TAKER" || id_of(Some(keys), order).is_some() {
        parts.push(part(token, order, taker, amount_of(row, "price")?, amount_of(row, "size")?, false));
    }
    for entry in row.get("maker_orders").and_then(Value::as_array).into_iter().flatten() {
        let order = entry.get("order_id")?.as_str()?;
        let funder = keys.wallet().ok()?.funder();
        let ours = text(entry, "owner") == keys.api_key() || text(entry, "maker_address").eq_ignore_ascii_case(funder);
        if ours || id_of(Some(keys), order).is_some() {
            let own = entry.get("asset_id")?.as_str()?;
            let side = maker_side(entry, taker, own == token);
            parts.push(part(own, order, side, amount_of(entry, "price")?, amount_of(entry, "matched_amount")?, true));
        }
    }
    Some(parts)
}

/// A maker of the same token is on the other side; one of the complement on the same.
fn maker_side(entry: &Value, taker: Side, same: bool) -> Side {
    side(&text(entry, "side")).unwrap_or(if same { taker.opposite() } else { taker })
}

/// Times are written in seconds or in milliseconds.
fn milliseconds(time: i64) -> i64 {
    if time < 100_000_000_000 { time.saturating_mul(1000) } else { time }
}

/// Integers at six decimals; a point is not expected, but not wrong (recorded of an older version).
pub(super) fn balance(body: &Value) -> Option<Balance> {
    let text = body.get("balance")?.as_str()?;
    let free = if text.contains('.') { amount(text)? } else { Amount::from_mantissa(text.parse().ok()?, QTY_DP)? };
    Some(Balance { asset: "PUSD".to_owned(), free, locked: Amount::ZERO })
}

fn position(row: &Value) -> Option<Position> {
    Some(Position {
        symbol: row.get("asset")?.as_str()?.to_owned(),
        qty: amount_of(row, "size")?,
        entry: amount_of(row, "avgPrice")?,
    })
}

/// The highest that the market's formula can come to; [`super::fee::Fee`] gives the fee itself.
fn fees(body: &Value, token: &str) -> Option<FeeRates> {
    let read = market::markets(body.to_string().as_bytes(), 0).ok()?;
    let market = read.markets.into_iter().find(|market| market.outcomes.iter().any(|one| one.token == token))?;
    Some(FeeRates { maker_ppb: 0, taker_ppb: market.fee?.bound_ppb() })
}
