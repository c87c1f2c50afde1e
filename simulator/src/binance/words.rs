//! Orders, fills and holdings in Binance's words, as requests are answered with.

use crate::amount::Amount;
use crate::exchange::Placed;
use crate::exchange::order::{Ending, Fill, Order, SelfTrade, Side, Status, TimeInForce};

/// Venue time in ms.
pub(super) const fn ms(at_ns: u64) -> u64 {
    at_ns / 1_000_000
}

pub(super) const fn side(side: Side) -> &'static str {
    match side {
        Side::Buy => "BUY",
        Side::Sell => "SELL",
    }
}

/// The status of an order; the exchanges word an immediate end in the same way.
pub(super) const fn status(order: &Order) -> &'static str {
    match order.status {
        Status::New => "NEW",
        Status::Partial => "PARTIALLY_FILLED",
        Status::Filled => "FILLED",
        Status::Ended(Ending::Cancelled | Ending::DeadMan) => "CANCELED",
        Status::Ended(Ending::SelfTrade) => "EXPIRED_IN_MATCH",
        Status::Ended(Ending::Refused) => "REJECTED",
        Status::Ended(_) => "EXPIRED",
    }
}

/// Why an order ended by itself, in spot's words; empty when it did not.
pub(super) const fn expiry(order: &Order) -> &'static str {
    match order.status {
        Status::Ended(Ending::Immediate) if order.price.is_none() => "INSUFFICIENT_LIQUIDITY",
        Status::Ended(Ending::Immediate) => "UNFILLED_IOC_QUANTITY_EXPIRED",
        Status::Ended(Ending::FillOrKill) => "UNFILLED_FOK_ORDER_EXPIRED",
        Status::Ended(Ending::Venue) => "EXCHANGE_CANCELED",
        _ => "",
    }
}

pub(super) const fn self_trade(mode: SelfTrade) -> &'static str {
    match mode {
        SelfTrade::Allow => "NONE",
        SelfTrade::ExpireTaker => "EXPIRE_TAKER",
        SelfTrade::ExpireMaker => "EXPIRE_MAKER",
        SelfTrade::ExpireBoth => "EXPIRE_BOTH",
    }
}

pub(super) const fn tif(order: &Order, usdm: bool) -> &'static str {
    match order.tif {
        TimeInForce::PostOnly if usdm => "GTX",
        TimeInForce::Gtc | TimeInForce::PostOnly => "GTC",
        TimeInForce::Ioc if order.price.is_none() => "GTC",
        TimeInForce::Ioc => "IOC",
        TimeInForce::Fok => "FOK",
    }
}

/// The type of an order.
pub(super) fn kind(order: &Order) -> &str {
    match (&*order.word, order.price) {
        ("", Some(_)) => "LIMIT",
        ("", None) => "MARKET",
        (word, _) => word,
    }
}

/// Spot writes eight decimals.
pub(super) fn eight(amount: Amount) -> String {
    amount.fixed(8)
}

/// How much an answer to a new order tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Detail {
    Ack,
    Result,
    Full,
}

/// The members that every answer about a spot order has after its ids.
fn spot_members(order: &Order) -> String {
    let (price, quote) = (eight(order.price.unwrap_or_default()), eight(order.quote_qty.unwrap_or_default()));
    format!(
        r#""price":"{price}","origQty":"{}","executedQty":"{}","origQuoteOrderQty":"{quote}","cummulativeQuoteQty":"{}","status":"{}","timeInForce":"{}","type":"{}","side":"{}""#,
        eight(order.qty),
        eight(order.filled),
        eight(order.cost),
        status(order),
        tif(order, false),
        kind(order),
        side(order.side),
    )
}

/// The answer to a new spot order.
pub(super) fn spot_placed(placed: &Placed, detail: Detail) -> String {
    let Placed { order, fills } = placed;
    let (symbol, id, client_id, at) = (&order.symbol, order.id, &order.client_id, ms(order.created_ns));
    let ids = format!(
        r#"{{"symbol":"{symbol}","orderId":{id},"orderListId":-1,"clientOrderId":"{client_id}","transactTime":{at}"#
    );
    if detail == Detail::Ack {
        return ids + "}";
    }
    let fill = |fill: &Fill| {
        let (price, qty, fee) = (eight(fill.price), eight(fill.qty), eight(fill.fee));
        let (asset, trade) = (&fill.fee_asset, fill.trade);
        format!(
            r#"{{"price":"{price}","qty":"{qty}","commission":"{fee}","commissionAsset":"{asset}","tradeId":{trade}}}"#
        )
    };
    let fills = match detail {
        Detail::Full => format!(r#","fills":[{}]"#, fills.iter().map(fill).collect::<Vec<_>>().join(",")),
        _ => String::new(),
    };
    let reason = match expiry(order) {
        "" => String::new(),
        reason => format!(r#","expiryReason":"{reason}""#),
    };
    let mode = self_trade(order.self_trade);
    format!(r#"{ids},{},"workingTime":{at}{fills}{reason},"selfTradePreventionMode":"{mode}"}}"#, spot_members(order))
}

/// The answer to a cancelled spot order; `request` is the cancel's own client id.
pub(super) fn spot_cancelled(order: &Order, request: &str) -> String {
    let (symbol, id, client_id) = (&order.symbol, order.id, &order.client_id);
    let (at, mode) = (ms(order.changed_ns), self_trade(order.self_trade));
    format!(
        r#"{{"symbol":"{symbol}","origClientOrderId":"{client_id}","orderId":{id},"orderListId":-1,"clientOrderId":"{request}","transactTime":{at},{},"selfTradePreventionMode":"{mode}"}}"#,
        spot_members(order)
    )
}

/// The answer to a question for a spot order.
pub(super) fn spot_order(order: &Order) -> String {
    let (symbol, id, client_id) = (&order.symbol, order.id, &order.client_id);
    let (created, changed, mode) = (ms(order.created_ns), ms(order.changed_ns), self_trade(order.self_trade));
    format!(
        r#"{{"symbol":"{symbol}","orderId":{id},"orderListId":-1,"clientOrderId":"{client_id}",{},"stopPrice":"0.00000000","icebergQty":"0.00000000","time":{created},"updateTime":{changed},"isWorking":true,"workingTime":{created},"selfTradePreventionMode":"{mode}"}}"#,
        spot_members(order)
    )
}

/// One of an account's spot trades.
pub(super) fn spot_trade(fill: &Fill) -> String {
    format!(
        r#"{{"symbol":"{}","id":{},"orderId":{},"orderListId":-1,"price":"{}","qty":"{}","quoteQty":"{}","commission":"{}","commissionAsset":"{}","time":{},"isBuyer":{},"isMaker":{},"isBestMatch":true}}"#,
        fill.symbol,
        fill.trade,
        fill.order,
        eight(fill.price),
        eight(fill.qty),
        eight(fill.cost),
        eight(fill.fee),
        fill.fee_asset,
        ms(fill.at_ns),
        fill.side == Side::Buy,
        fill.maker,
    )
}

/// A futures order, whatever the question. An order that was only acknowledged shows nothing traded.
pub(super) fn usdm_order(order: &Order, acked: bool) -> String {
    let (filled, cost) = if acked { (Amount::ZERO, Amount::ZERO) } else { (order.filled, order.cost) };
    let average = if acked { Amount::ZERO } else { order.average(Amount::whole(1)) };
    format!(
        r#"{{"orderId":{},"symbol":"{}","status":"{}","clientOrderId":"{}","price":"{}","avgPrice":"{}","origQty":"{}","executedQty":"{filled}","cumQty":"{filled}","cumQuote":"{}","timeInForce":"{}","type":"{}","reduceOnly":{},"closePosition":false,"side":"{}","positionSide":"BOTH","stopPrice":"0","workingType":"CONTRACT_PRICE","priceMatch":"NONE","selfTradePreventionMode":"{}","goodTillDate":0,"priceProtect":false,"origType":"{}","time":{},"updateTime":{}}}"#,
        order.id,
        order.symbol,
        if acked { "NEW" } else { status(order) },
        order.client_id,
        order.price.unwrap_or_default(),
        average.fixed(5),
        order.qty,
        cost,
        tif(order, true),
        kind(order),
        order.reduce_only,
        side(order.side),
        self_trade(order.self_trade),
        kind(order),
        ms(order.created_ns),
        ms(order.changed_ns),
    )
}

/// One of an account's futures trades.
pub(super) fn usdm_trade(fill: &Fill) -> String {
    format!(
        r#"{{"symbol":"{}","id":{},"orderId":{},"side":"{}","price":"{}","qty":"{}","realizedPnl":"{}","quoteQty":"{}","commission":"{}","commissionAsset":"{}","time":{},"positionSide":"BOTH","buyer":{},"maker":{}}}"#,
        fill.symbol,
        fill.trade,
        fill.order,
        side(fill.side),
        fill.price,
        fill.qty,
        fill.profit,
        fill.cost,
        fill.fee,
        fill.fee_asset,
        ms(fill.at_ns),
        fill.side == Side::Buy,
        fill.maker,
    )
}
