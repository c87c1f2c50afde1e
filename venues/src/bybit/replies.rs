//! What Bybit's answers about an account say.

use super::answers::standing;
use super::errors::verdict;
use crate::client_id;
use crate::cold::{amount_of, each, integer, json, ppb, text};
use crate::metadata;
use crate::private::{Balance, FeeRates, KeyScope, OrderState, Position, Query, Refusal, Reply, TradeState, Why};
use crate::roster::side;
use crate::venue::Venue;
use highwire_links::fill::{OrderReject, Settlement, trade_key};
use highwire_links::fixed::Amount;
use serde_json::Value;

/// What the answer to a query says.
pub(crate) fn answer(venue: Venue, query: &Query<'_>, status: u16, body: &[u8]) -> Result<Reply, Refusal> {
    let body = json(status, body)?;
    let code = integer(&body, "retCode").ok_or_else(|| Refusal::unreadable(status))?;
    let asks = matches!(query, Query::Order { .. } | Query::OrderOf { .. });
    if code != 0 || !(200..300).contains(&status) {
        return Err(Refusal::new(verdict(status, code, asks).into(), code, &text(&body, "retMsg")));
    }
    let empty = body.pointer("/result/list").and_then(Value::as_array).is_some_and(Vec::is_empty);
    if asks && empty {
        return Err(Refusal::new(Why::NotFound, 0, "no such order"));
    }
    read(venue, query, &body).ok_or_else(|| Refusal::unreadable(status))
}

fn read(venue: Venue, query: &Query<'_>, body: &Value) -> Option<Reply> {
    let result = body.get("result")?;
    let list = result.get("list");
    let next = Some(text(result, "nextPageCursor")).filter(|cursor| !cursor.is_empty());
    Some(match query {
        Query::Time => Reply::Time(integer(body, "time")?),
        Query::Instruments { .. } => {
            let url = format!("category={}", super::metadata::category_of(venue));
            let listing: metadata::Listing = super::metadata::listing(venue, &url, body.clone()).ok()?;
            Reply::Instruments(listing)
        }
        Query::OpenOrders { .. } => Reply::Orders { orders: each(list, order)?, next },
        Query::Order { .. } | Query::OrderOf { .. } => Reply::Orders { orders: each(list, order)?, next: None },
        Query::Fills { .. } => Reply::Fills { fills: fills(list)?, next },
        Query::FillsOfAll { .. } | Query::EndedOrders { .. } => return None,
        Query::Balances => Reply::Balances(each(list?.get(0)?.get("coin"), balance)?),
        Query::Positions => Reply::Positions(each(list, position)?),
        Query::Fees { .. } => Reply::Fees(fees(list?.get(0)?)?),
        Query::KeyScope => Reply::KeyScope(key_scope(venue, result)?),
        Query::Cancel { .. } | Query::CancelAll { .. } | Query::DeadMan { .. } | Query::StreamKey(_) => Reply::Done,
        Query::Depth { .. } => result.get("b").map(|_| Reply::Depth)?,
    })
}

fn order(order: &Value) -> Option<OrderState> {
    let client_text = text(order, "orderLinkId");
    let (qty, filled) = (amount_of(order, "qty")?, amount_of(order, "cumExecQty")?);
    Some(OrderState {
        symbol: order.get("symbol")?.as_str()?.to_owned(),
        id: client_id::parse(client_text.as_bytes()),
        client_text,
        venue_id: text(order, "orderId"),
        side: side(order.get("side")?.as_str()?)?,
        px: amount_of(order, "price")?,
        qty,
        filled,
        status: standing(order.get("orderStatus")?.as_str()?, OrderReject::None).status(filled == qty),
        at_ms: integer(order, "updatedTime")?,
    })
}

/// The trades of a list; funding and settlements stand between them and are left out.
fn fills(list: Option<&Value>) -> Option<Vec<TradeState>> {
    let trades = |entry: &&Value| matches!(text(entry, "execType").as_str(), "Trade" | "AdlTrade" | "BustTrade");
    list?.as_array()?.iter().filter(trades).map(fill).collect()
}

fn fill(fill: &Value) -> Option<TradeState> {
    let trade_text = text(fill, "execId");
    Some(TradeState {
        symbol: fill.get("symbol")?.as_str()?.to_owned(),
        id: client_id::parse(text(fill, "orderLinkId").as_bytes()),
        venue_order: text(fill, "orderId"),
        trade: trade_key(trade_text.as_bytes()),
        trade_text,
        side: side(fill.get("side")?.as_str()?)?,
        px: amount_of(fill, "execPrice")?,
        qty: amount_of(fill, "execQty")?,
        fee: amount_of(fill, "execFee")?,
        fee_asset: text(fill, "feeCurrency"),
        maker: fill.get("isMaker")?.as_bool()?,
        settlement: Settlement::Final,
        at_ms: integer(fill, "execTime")?,
    })
}

/// Spot: what is free is the wallet's balance without what orders bind.
fn balance(coin: &Value) -> Option<Balance> {
    let (wallet, locked) = (amount_of(coin, "walletBalance")?, amount_of(coin, "locked").unwrap_or(Amount::ZERO));
    Some(Balance { asset: coin.get("coin")?.as_str()?.to_owned(), free: wallet.checked_sub(locked)?, locked })
}

/// The side stands beside an unsigned size.
fn position(position: &Value) -> Option<Position> {
    let size = amount_of(position, "size")?;
    let short = text(position, "side") == "Sell";
    Some(Position {
        symbol: position.get("symbol")?.as_str()?.to_owned(),
        qty: if short { Amount::ZERO.checked_sub(size)? } else { size },
        entry: amount_of(position, "avgPrice")?,
    })
}

fn fees(fees: &Value) -> Option<FeeRates> {
    let rate = |key: &str| ppb(fees.get(key)?.as_str()?);
    Some(FeeRates { maker_ppb: rate("makerFeeRate")?, taker_ppb: rate("takerFeeRate")? })
}

/// `permissions` lists rights by group; `Withdraw` stands in `Wallet`.
fn key_scope(venue: Venue, result: &Value) -> Option<KeyScope> {
    let permissions = result.get("permissions")?.as_object()?;
    let has = |group: &str, right: &str| {
        let rights = permissions.get(group).and_then(Value::as_array);
        rights.into_iter().flatten().any(|found| found.as_str() == Some(right))
    };
    let group = if venue == Venue::BybitSpot { ("Spot", "SpotTrade") } else { ("ContractTrade", "Order") };
    let addresses = result.get("ips").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    Some(KeyScope {
        withdraw: permissions.keys().any(|group| has(group, "Withdraw")),
        trade: integer(result, "readOnly").unwrap_or(0) == 0 && has(group.0, group.1),
        address_bound: !addresses.is_empty() && addresses.iter().all(|ip| ip.as_str() != Some("*")),
    })
}
