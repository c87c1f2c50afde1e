//! What Binance's answers about an account say.

use super::Market;
use super::answers::{number_key, standing};
use super::errors::verdict;
use super::private::FILLS_MAX;
use crate::client_id;
use crate::cold::{amount_of, each, integer, json, ppb, text};
use crate::metadata;
use crate::private::{
    Balance, FeeRates, KeyScope, OrderState, Position, Query, Refusal, Reply, SecretText, TradeState,
};
use crate::roster::side;
use crate::venue::Venue;
use highwire_links::Side;
use highwire_links::fill::Settlement;
use highwire_links::fixed::Amount;
use serde_json::Value;

/// What the answer to a query says.
pub(crate) fn answer(market: Market, query: &Query<'_>, status: u16, body: &[u8]) -> Result<Reply, Refusal> {
    let body = json(status, body)?;
    if !(200..300).contains(&status) {
        let code = integer(&body, "code").ok_or_else(|| Refusal::unreadable(status))?;
        let message = text(&body, "msg");
        return Err(Refusal::new(verdict(status, code, &message).into(), code, &message));
    }
    read(market, query, body).ok_or_else(|| Refusal::unreadable(status))
}

fn read(market: Market, query: &Query<'_>, body: Value) -> Option<Reply> {
    Some(match query {
        Query::Time => Reply::Time(integer(&body, "serverTime")?),
        Query::Instruments { .. } => Reply::Instruments(instruments(market, &body)?),
        Query::OpenOrders { .. } => Reply::Orders { orders: each(Some(&body), order)?, next: None },
        Query::Order { .. } | Query::OrderOf { .. } => Reply::Orders { orders: vec![order(&body)?], next: None },
        Query::Fills { .. } => {
            let fills = each(Some(&body), fill)?;
            Reply::Fills { next: next(&fills), fills }
        }
        Query::Balances if market == Market::Spot => Reply::Balances(each(body.get("balances"), balance)?),
        Query::Balances => Reply::Balances(each(Some(&body), margin)?),
        Query::Positions => Reply::Positions(each(Some(&body), position)?),
        Query::Fees { .. } => Reply::Fees(if market == Market::Spot { commission(&body)? } else { rate(&body)? }),
        Query::KeyScope => Reply::KeyScope(key_scope(market, &body)?),
        Query::Cancel { .. } | Query::CancelAll { .. } | Query::DeadMan { .. } => Reply::Done,
        Query::StreamKey(_) if body.get("listenKey").is_some() => {
            Reply::StreamKey(SecretText::new(body.get("listenKey")?.as_str().filter(|key| !key.is_empty())?))
        }
        Query::FillsOfAll { .. } | Query::EndedOrders { .. } => return None,
        Query::StreamKey(_) => Reply::Done,
        Query::Depth { .. } => body.get("lastUpdateId").map(|_| Reply::Depth)?,
    })
}

fn instruments(market: Market, body: &Value) -> Option<metadata::Listing> {
    let venue = if market == Market::Spot { Venue::BinanceSpot } else { Venue::BinanceUsdm };
    super::metadata::listing(venue, body.clone()).ok()
}

/// A full page goes on after its newest trade.
fn next(fills: &[TradeState]) -> Option<String> {
    let newest = fills.iter().filter_map(|fill| fill.trade_text.parse::<u64>().ok()).max()?;
    (fills.len() >= FILLS_MAX).then(|| (newest + 1).to_string())
}

fn order(order: &Value) -> Option<OrderState> {
    let client_text = text(order, "clientOrderId");
    let (qty, filled) = (amount_of(order, "origQty")?, amount_of(order, "executedQty")?);
    Some(OrderState {
        symbol: order.get("symbol")?.as_str()?.to_owned(),
        id: client_id::parse(client_text.as_bytes()),
        client_text,
        venue_id: text(order, "orderId"),
        side: side(order.get("side")?.as_str()?)?,
        px: amount_of(order, "price")?,
        qty,
        filled,
        status: standing(order.get("status")?.as_str()?).status(filled == qty),
        at_ms: integer(order, "updateTime").or_else(|| integer(order, "time"))?,
    })
}

/// Trades name no client id; the venue's own order id ties them to an order.
fn fill(fill: &Value) -> Option<TradeState> {
    let trade = fill.get("id")?.as_u64()?;
    let buys = fill.get("isBuyer").or_else(|| fill.get("buyer"))?.as_bool()?;
    Some(TradeState {
        symbol: fill.get("symbol")?.as_str()?.to_owned(),
        id: None,
        venue_order: text(fill, "orderId"),
        trade_text: trade.to_string(),
        trade: number_key(trade),
        side: if buys { Side::Buy } else { Side::Sell },
        px: amount_of(fill, "price")?,
        qty: amount_of(fill, "qty")?,
        fee: amount_of(fill, "commission")?,
        fee_asset: text(fill, "commissionAsset"),
        maker: fill.get("isMaker").or_else(|| fill.get("maker"))?.as_bool()?,
        settlement: Settlement::Final,
        at_ms: integer(fill, "time")?,
    })
}

fn balance(balance: &Value) -> Option<Balance> {
    let asset = balance.get("asset")?.as_str()?.to_owned();
    Some(Balance { asset, free: amount_of(balance, "free")?, locked: amount_of(balance, "locked")? })
}

/// Futures: what is not available of the balance is bound as margin.
fn margin(balance: &Value) -> Option<Balance> {
    let asset = balance.get("asset")?.as_str()?.to_owned();
    let (all, free) = (amount_of(balance, "balance")?, amount_of(balance, "availableBalance")?);
    Some(Balance { asset, free, locked: Amount::checked_sub(all, free)? })
}

fn position(position: &Value) -> Option<Position> {
    Some(Position {
        symbol: position.get("symbol")?.as_str()?.to_owned(),
        qty: amount_of(position, "positionAmt")?,
        entry: amount_of(position, "entryPrice")?,
    })
}

/// Standard, special and tax commissions add up; the discount in BNB depends on what is held and is
/// left out, so that a fee is never told too low.
fn commission(body: &Value) -> Option<FeeRates> {
    let sum = |side: &str| {
        ["standardCommission", "specialCommission", "taxCommission"].into_iter().try_fold(0i64, |sum, block| {
            let rate = body.get(block).map_or(Some(0), |block| ppb(block.get(side)?.as_str()?))?;
            sum.checked_add(rate)
        })
    };
    body.get("standardCommission")?;
    Some(FeeRates { maker_ppb: sum("maker")?, taker_ppb: sum("taker")? })
}

fn rate(body: &Value) -> Option<FeeRates> {
    let rate = |key: &str| ppb(body.get(key)?.as_str()?);
    Some(FeeRates { maker_ppb: rate("makerCommissionRate")?, taker_ppb: rate("takerCommissionRate")? })
}

/// `enableWithdrawals` is what matters; a right that is not named is taken as given.
fn key_scope(market: Market, body: &Value) -> Option<KeyScope> {
    let has = |key: &str| body.get(key).and_then(Value::as_bool);
    let trades = if market == Market::Spot { "enableSpotAndMarginTrading" } else { "enableFutures" };
    Some(KeyScope {
        withdraw: has("enableWithdrawals")?,
        trade: has(trades)?,
        address_bound: has("ipRestrict").unwrap_or(false),
    })
}
