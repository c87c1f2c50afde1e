//! What OKX's answers about an account say.

use super::errors::verdict;
use super::private::PAGE_MAX;
use crate::client_id;
use crate::cold::{amount, amount_of, each, integer, json, ppb, text};
use crate::private::{
    Balance, FeeRates, KeyScope, OrderState, OrderStatus, Position, Query, Refusal, Reply, TradeState,
};
use crate::roster::side;
use highwire_links::fill::{Settlement, trade_key};
use highwire_links::fixed::Amount;
use serde_json::Value;

/// What the answer to a query says.
pub(crate) fn answer(query: &Query<'_>, status: u16, body: &[u8]) -> Result<Reply, Refusal> {
    let body = json(status, body)?;
    let code = integer(&body, "code").ok_or_else(|| Refusal::unreadable(status))?;
    if code != 0 || !(200..300).contains(&status) {
        return Err(Refusal::new(verdict(status, code).into(), code, &text(&body, "msg")));
    }
    read(query, &body).ok_or_else(|| Refusal::unreadable(status))
}

fn read(query: &Query<'_>, body: &Value) -> Option<Reply> {
    let data = body.get("data")?;
    let first = data.get(0);
    Some(match query {
        Query::Time => Reply::Time(integer(first?, "ts")?),
        Query::Instruments { .. } => Reply::Instruments(super::metadata::listing(body.clone()).ok()?),
        Query::OpenOrders { .. } | Query::EndedOrders { .. } => {
            let orders = each(Some(data), order)?;
            let next = orders.last().filter(|_| orders.len() >= PAGE_MAX).map(|last| last.venue_id.clone());
            Reply::Orders { orders, next }
        }
        Query::Order { .. } | Query::OrderOf { .. } => Reply::Orders { orders: vec![order(first?)?], next: None },
        Query::Fills { .. } | Query::FillsOfAll { .. } => {
            let fills = each(Some(data), fill)?;
            let last = data.as_array()?.last().map(|last| text(last, "billId"));
            Reply::Fills { next: last.filter(|_| fills.len() >= PAGE_MAX), fills }
        }
        Query::Balances => Reply::Balances(each(first?.get("details"), balance)?),
        Query::Positions => Reply::Positions(each(Some(data), position)?),
        Query::Fees { .. } => Reply::Fees(fees(first?)?),
        Query::KeyScope => Reply::KeyScope(key_scope(first?)?),
        Query::DeadMan { .. } | Query::Cancel { .. } | Query::CancelAll { .. } | Query::StreamKey(_) => Reply::Done,
        Query::Depth { .. } => first?.get("bids").map(|_| Reply::Depth)?,
    })
}

fn order(order: &Value) -> Option<OrderState> {
    let client_text = text(order, "clOrdId");
    Some(OrderState {
        symbol: order.get("instId")?.as_str()?.to_owned(),
        id: client_id::parse(client_text.as_bytes()),
        client_text,
        venue_id: text(order, "ordId"),
        side: side(order.get("side")?.as_str()?)?,
        px: amount_of(order, "px")?,
        qty: amount_of(order, "sz")?,
        filled: amount_of(order, "accFillSz")?,
        status: match order.get("state")?.as_str()? {
            "live" | "partially_filled" => OrderStatus::Open,
            "filled" => OrderStatus::Filled,
            "canceled" | "mmp_canceled" => OrderStatus::Cancelled,
            _ => OrderStatus::Unknown,
        },
        at_ms: integer(order, "uTime")?,
    })
}

/// A charge is a negative number.
fn fill(fill: &Value) -> Option<TradeState> {
    let trade_text = text(fill, "tradeId");
    Some(TradeState {
        symbol: fill.get("instId")?.as_str()?.to_owned(),
        id: client_id::parse(text(fill, "clOrdId").as_bytes()),
        venue_order: text(fill, "ordId"),
        trade: trade_key(trade_text.as_bytes()),
        trade_text,
        side: side(fill.get("side")?.as_str()?)?,
        px: amount_of(fill, "fillPx")?,
        qty: amount_of(fill, "fillSz")?,
        fee: Amount::ZERO.checked_sub(amount_of(fill, "fee")?)?,
        fee_asset: text(fill, "feeCcy"),
        maker: text(fill, "execType") == "M",
        settlement: Settlement::Final,
        at_ms: integer(fill, "ts")?,
    })
}

fn balance(balance: &Value) -> Option<Balance> {
    let asset = balance.get("ccy")?.as_str()?.to_owned();
    Some(Balance { asset, free: amount_of(balance, "availBal")?, locked: amount_of(balance, "frozenBal")? })
}

/// In net mode the size is signed; in long/short mode the side stands beside it.
fn position(position: &Value) -> Option<Position> {
    let size = amount_of(position, "pos")?;
    let short = text(position, "posSide") == "short";
    Some(Position {
        symbol: position.get("instId")?.as_str()?.to_owned(),
        qty: if short { Amount::ZERO.checked_sub(size)? } else { size },
        entry: amount(&text(position, "avgPx"))?,
    })
}

/// Rates are negative for charges. Contracts margined in USDT have fields of their own, which are
/// empty for spot.
fn fees(fees: &Value) -> Option<FeeRates> {
    let rate = |linear: &str, other: &str| {
        let linear = text(fees, linear);
        let rate = if linear.is_empty() { text(fees, other) } else { linear };
        (!rate.is_empty()).then(|| ppb(&rate)).flatten()?.checked_neg()
    };
    Some(FeeRates { maker_ppb: rate("makerU", "maker")?, taker_ppb: rate("takerU", "taker")? })
}

/// `perm` is a list like `read_only,trade,withdraw`.
fn key_scope(config: &Value) -> Option<KeyScope> {
    let perm = config.get("perm")?.as_str()?;
    let has = |right: &str| perm.split(',').any(|found| found.trim() == right);
    Some(KeyScope { withdraw: has("withdraw"), trade: has("trade"), address_bound: !text(config, "ip").is_empty() })
}
