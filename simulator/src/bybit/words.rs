//! Orders and executions in Bybit's words.

use crate::amount::Amount;
use crate::config::Board;
use crate::exchange::order::{Ending, Fill, Order, SelfTrade, Side, Status, TimeInForce};
use crate::fault::verb::ForcedClose;

/// Decimals of averages and rates.
const AVERAGE_DP: u8 = 12;

/// Venue time in ms.
pub(super) const fn ms(at_ns: u64) -> u64 {
    at_ns / 1_000_000
}

pub(super) const fn category(board: Board) -> &'static str {
    if matches!(board, Board::BybitSpot) { "spot" } else { "linear" }
}

/// What the numbers of linear orders and executions end; they are written as UUIDs.
const UUID: &str = "00000000-0000-4000-8000-";

/// An order's id as text: a number on spot, a UUID else.
pub(super) fn order_id(number: u64, board: Board) -> String {
    if board == Board::BybitSpot { number.to_string() } else { format!("{UUID}{number:012x}") }
}

/// The number of an order's id.
pub(super) fn order_number(id: &str) -> Option<u64> {
    match id.strip_prefix(UUID) {
        Some(digits) => u64::from_str_radix(digits, 16).ok(),
        None => id.parse().ok(),
    }
}

pub(super) const fn side(side: Side) -> &'static str {
    match side {
        Side::Buy => "Buy",
        Side::Sell => "Sell",
    }
}

/// The status of an order; what was filled in part and cancelled has a word of its own on spot.
pub(super) fn status(order: &Order, board: Board) -> &'static str {
    match order.status {
        Status::New => "New",
        Status::Partial => "PartiallyFilled",
        Status::Filled => "Filled",
        Status::Ended(Ending::Refused) => "Rejected",
        Status::Ended(_) if board == Board::BybitSpot && order.filled.is_positive() => "PartiallyFilledCanceled",
        Status::Ended(_) => "Cancelled",
    }
}

/// Why an order ended.
const fn reason(order: &Order) -> &'static str {
    match order.status {
        Status::Ended(Ending::Cancelled | Ending::DeadMan) => "EC_PerCancelRequest",
        Status::Ended(Ending::Immediate) => "EC_NoImmediateQtyToFill",
        Status::Ended(Ending::FillOrKill) => "EC_NoEnoughQtyToFill",
        Status::Ended(Ending::WouldTake) => "EC_PostOnlyWillTakeLiquidity",
        Status::Ended(Ending::SelfTrade) => "EC_SelfMatch",
        Status::Ended(Ending::Refused | Ending::ReduceOnly | Ending::Venue) => "EC_Others",
        Status::New | Status::Partial | Status::Filled => "EC_NoError",
    }
}

const fn cancel_type(order: &Order) -> &'static str {
    match order.status {
        Status::Ended(Ending::Cancelled) => "CancelByUser",
        Status::Ended(Ending::DeadMan) => "CancelByDCP",
        Status::Ended(Ending::SelfTrade) => "CancelBySmp",
        Status::Ended(Ending::ReduceOnly) => "CancelByReduceOnly",
        Status::Ended(Ending::Venue) => "CancelByAdmin",
        _ => "UNKNOWN",
    }
}

const fn self_trade(mode: SelfTrade) -> &'static str {
    match mode {
        SelfTrade::Allow => "None",
        SelfTrade::ExpireTaker => "CancelTaker",
        SelfTrade::ExpireMaker => "CancelMaker",
        SelfTrade::ExpireBoth => "CancelBoth",
    }
}

const fn tif(order: &Order) -> &'static str {
    match order.tif {
        TimeInForce::Gtc => "GTC",
        TimeInForce::Ioc => "IOC",
        TimeInForce::Fok => "FOK",
        TimeInForce::PostOnly => "PostOnly",
    }
}

const fn created_by(order: &Order) -> &'static str {
    match order.forced {
        None => "CreateByUser",
        Some(ForcedClose::Liquidation) => "CreateByLiq",
        Some(ForcedClose::Adl) => "CreateByAdl_PassThrough",
        Some(ForcedClose::Settlement) => "CreateBySettle",
    }
}

/// The type of an order.
fn kind(order: &Order) -> &str {
    if order.word.is_empty() { if order.price.is_some() { "Limit" } else { "Market" } } else { &order.word }
}

/// An average; empty while there is none.
pub(super) fn average(amount: Amount) -> String {
    if amount.is_zero() { String::new() } else { amount.cut(AVERAGE_DP).to_string() }
}

/// What fills cost, by asset.
fn fees(fills: &[&Fill]) -> (Amount, String) {
    let mut assets: Vec<&str> = fills.iter().map(|fill| fill.fee_asset.as_str()).collect();
    assets.dedup();
    let of = |asset: &str| fills.iter().filter(|fill| fill.fee_asset == asset).map(|fill| fill.fee).sum::<Amount>();
    let rows: Vec<_> = assets.iter().map(|asset| format!(r#""{asset}":"{}""#, of(asset))).collect();
    (fills.iter().map(|fill| fill.fee).sum(), rows.join(","))
}

/// An order with what it has traded.
pub(super) fn order(order: &Order, fills: &[&Fill], board: Board) -> String {
    let spot = board == Board::BybitSpot;
    let (fee, detail) = fees(fills);
    let rest = if order.is_open() { order.rest() } else { Amount::ZERO };
    let price = order.price.unwrap_or_default();
    let unit = match (order.quote_qty, order.price) {
        (Some(_), _) => "quoteCoin",
        (None, None) if spot => "baseCoin",
        (None, _) => "",
    };
    // contracts carry members that spot orders do not have
    let more = if spot { "" } else { r#""tpslMode":"","closeOnTrigger":false,"# };
    format!(
        r#"{{"category":"{}","symbol":"{}","orderId":"{}","orderLinkId":"{}","blockTradeId":"","side":"{}","positionIdx":0,"orderStatus":"{}","cancelType":"{}","rejectReason":"{}","timeInForce":"{}","isLeverage":"{}","price":"{price}","qty":"{}","avgPrice":"{}","leavesQty":"{rest}","leavesValue":"{}","cumExecQty":"{}","cumExecValue":"{}","cumExecFee":"{fee}","cumFeeDetail":{{{detail}}},"orderType":"{}","stopOrderType":"","orderIv":"","marketUnit":"{unit}","triggerPrice":"","takeProfit":"","stopLoss":"",{more}"reduceOnly":{},"triggerDirection":0,"smpType":"{}","smpGroup":0,"smpOrderId":"","createType":"{}","rpiMatchedQty":"0","createdTime":"{}","updatedTime":"{}"}}"#,
        category(board),
        order.symbol,
        order_id(order.id, board),
        order.own_id(),
        side(order.side),
        status(order, board),
        cancel_type(order),
        reason(order),
        tif(order),
        if spot { "0" } else { "" },
        order.quote_qty.unwrap_or(order.qty),
        average(order.average(Amount::whole(1))),
        rest * price,
        order.filled,
        order.cost,
        kind(order),
        order.reduce_only,
        self_trade(order.self_trade),
        created_by(order),
        ms(order.created_ns),
        ms(order.changed_ns),
    )
}

/// The kind of an execution.
const fn execution_kind(order: Option<&Order>) -> &'static str {
    match order {
        Some(Order { forced: Some(ForcedClose::Liquidation), .. }) => "BustTrade",
        Some(Order { forced: Some(ForcedClose::Adl), .. }) => "AdlTrade",
        Some(Order { forced: Some(ForcedClose::Settlement), .. }) => "Settle",
        _ => "Trade",
    }
}

/// The coin of a fee; contracts name none but one that is not theirs.
fn fee_coin<'f>(fill: &'f Fill, board: Board, quote: &str) -> &'f str {
    if board != Board::BybitSpot && fill.fee_asset == quote { "" } else { &fill.fee_asset }
}

/// One of an account's executions, with its order as it stood after it.
pub(super) fn execution(fill: &Fill, order: Option<&Order>, board: Board, quote: &str) -> String {
    let (whole, rest, price) = order.map_or((fill.qty, Amount::ZERO, Amount::ZERO), |order| {
        (order.quote_qty.unwrap_or(order.qty), order.rest(), order.price.unwrap_or_default())
    });
    let closed = if fill.profit.is_zero() { Amount::ZERO } else { fill.qty };
    format!(
        r#"{{"category":"{}","symbol":"{}","orderId":"{}","orderLinkId":"{}","side":"{}","orderPrice":"{price}","orderQty":"{whole}","leavesQty":"{rest}","orderType":"{}","stopOrderType":"","createType":"{}","execFee":"{}","feeCurrency":"{}","execId":"{}","execPrice":"{}","execQty":"{}","execType":"{}","execValue":"{}","execTime":"{}","isMaker":{},"feeRate":"{}","markPrice":"","indexPrice":"","closedSize":"{closed}","execPnl":"{}","seq":{},"isLeverage":"0","blockTradeId":""}}"#,
        category(board),
        fill.symbol,
        order_id(fill.order, board),
        fill.own_id(),
        side(fill.side),
        order.map_or("", kind),
        order.map_or("", created_by),
        fill.fee,
        fee_coin(fill, board, quote),
        order_id(fill.number, board),
        fill.price,
        fill.qty,
        execution_kind(order),
        fill.cost,
        ms(fill.at_ns),
        fill.maker,
        average(fill.fee / fill.cost),
        fill.profit,
        fill.trade,
    )
}

/// An execution in few words: without its fee, and without the client's id where the order rested.
pub(super) fn fast(fill: &Fill, board: Board) -> String {
    format!(
        r#"{{"category":"{}","symbol":"{}","execId":"{}","execPrice":"{}","execQty":"{}","orderId":"{}","isMaker":{},"orderLinkId":"{}","side":"{}","execTime":"{}","seq":{}}}"#,
        category(board),
        fill.symbol,
        order_id(fill.number, board),
        fill.price,
        fill.qty,
        order_id(fill.order, board),
        fill.maker,
        if fill.maker { "" } else { fill.own_id() },
        side(fill.side),
        ms(fill.at_ns),
        fill.trade,
    )
}
