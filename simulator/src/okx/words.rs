//! Orders and fills in OKX's words.

use super::entry::cancel_source;
use crate::amount::Amount;
use crate::config::Board;
use crate::exchange::order::{Fill, Order, SelfTrade, Side, Status};
use crate::exchange::rules::Grid;
use crate::fault::verb::ForcedClose;
use crate::market::listing::Listing;

/// Decimals of averages.
const AVERAGE_DP: u8 = 12;

/// Venue time in ms.
pub(super) const fn ms(at_ns: u64) -> u64 {
    at_ns / 1_000_000
}

/// Whether a listing stands at this venue.
pub(super) const fn is_ours(listing: &Listing) -> bool {
    matches!(listing.board, Board::OkxSpot | Board::OkxSwap)
}

/// The number by which sockets name an instrument.
pub(super) fn code(listing: &Listing) -> u64 {
    10_000 + listing.asset as u64 * 10 + u64::from(listing.board == Board::OkxSwap)
}

/// An account's number.
pub(super) const fn uid(account: usize) -> u64 {
    614_488_474_791_936 + account as u64
}

pub(super) const fn kind(listing: &Listing) -> &'static str {
    if matches!(listing.board, Board::OkxSpot) { "SPOT" } else { "SWAP" }
}

pub(super) const fn side(side: Side) -> &'static str {
    match side {
        Side::Buy => "buy",
        Side::Sell => "sell",
    }
}

pub(super) const fn state(order: &Order) -> &'static str {
    match order.status {
        Status::New => "live",
        Status::Partial => "partially_filled",
        Status::Filled => "filled",
        Status::Ended(_) => "canceled",
    }
}

const fn category(order: &Order) -> &'static str {
    match order.forced {
        None => "normal",
        Some(ForcedClose::Liquidation) => "full_liquidation",
        Some(ForcedClose::Adl) => "adl",
        Some(ForcedClose::Settlement) => "delivery",
    }
}

const fn self_trade(mode: SelfTrade) -> &'static str {
    match mode {
        SelfTrade::Allow => "",
        SelfTrade::ExpireTaker => "cancel_taker",
        SelfTrade::ExpireMaker => "cancel_maker",
        SelfTrade::ExpireBoth => "cancel_both",
    }
}

/// An average; empty while there is none.
pub(super) fn average(amount: Amount) -> String {
    if amount.is_zero() { String::new() } else { amount.cut(AVERAGE_DP).to_string() }
}

/// Charges are negative numbers.
fn charge(fee: Amount) -> Amount {
    -fee
}

/// An order with what it has traded; the last trade stands beside it.
pub(super) fn order(order: &Order, fills: &[&Fill], listing: &Listing) -> String {
    format!("{{{}}}", members(order, fills, fills.last().copied(), listing))
}

/// The members that an order has everywhere; `last` is the trade that is told with it.
pub(super) fn members(order: &Order, fills: &[&Fill], last: Option<&Fill>, listing: &Listing) -> String {
    let spot = listing.board == Board::OkxSpot;
    let fee: Amount = fills.iter().map(|fill| charge(fill.fee)).sum();
    let received = if spot && order.side == Side::Buy { &listing.base } else { &listing.quote };
    let fee_asset = fills.last().map_or(received, |fill| &fill.fee_asset);
    let profit: Amount = fills.iter().map(|fill| fill.profit).sum();
    let (size, unit) = match (order.quote_qty, order.price) {
        (Some(quote), _) => (quote, "quote_ccy"),
        (None, None) if spot => (order.qty, "base_ccy"),
        (None, _) => (order.qty, ""),
    };
    let word = if order.word.is_empty() { "market" } else { &order.word };
    format!(
        r#""accFillSz":"{}","algoClOrdId":"","algoId":"","avgPx":"{}","cTime":"{}","cancelSource":"{}","category":"{}","ccy":"","clOrdId":"{}","fee":"{fee}","feeCcy":"{fee_asset}",{},"instId":"{}","instIdCode":{},"instType":"{}","lever":"{}","ordId":"{}","ordType":"{word}","pnl":"{profit}","posSide":"{}","px":"{}","rebate":"0","rebateCcy":"{}","reduceOnly":"{}","side":"{}","source":"","state":"{}","stpMode":"{}","sz":"{size}","tag":"","tdMode":"{}","tgtCcy":"{unit}","uTime":"{}""#,
        order.filled,
        average(order.average(Grid::of(listing).contract)),
        ms(order.created_ns),
        cancel_source(order),
        category(order),
        order.own_id(),
        traded(last),
        order.symbol,
        code(listing),
        kind(listing),
        if spot { "" } else { "20" },
        order.id,
        if spot { "" } else { "net" },
        order.price.map(|price| price.to_string()).unwrap_or_default(),
        if order.side == Side::Buy { &listing.quote } else { &listing.base },
        order.reduce_only,
        side(order.side),
        state(order),
        self_trade(order.self_trade),
        if spot { "cash" } else { "cross" },
        ms(order.changed_ns),
    )
}

/// The members of the trade that is told with an order.
fn traded(last: Option<&Fill>) -> String {
    match last {
        None => r#""fillPx":"","fillSz":"0","fillTime":"","tradeId":"""#.to_owned(),
        Some(fill) => format!(
            r#""fillPx":"{}","fillSz":"{}","fillTime":"{}","tradeId":"{}""#,
            fill.price,
            fill.qty,
            ms(fill.at_ns),
            fill.trade
        ),
    }
}

/// What the `orders` channel adds to an order.
pub(super) fn told(fill: Option<&Fill>, amended: bool) -> String {
    let result = if amended { "0" } else { "" };
    let (fee, asset, kind, profit, worth) = match fill {
        Some(fill) => (
            charge(fill.fee).to_string(),
            fill.fee_asset.as_str(),
            execution(fill),
            fill.profit.to_string(),
            fill.cost.to_string(),
        ),
        None => ("0".to_owned(), "", "", "0".to_owned(), String::new()),
    };
    format!(
        r#""amendResult":"{result}","amendSource":"","code":"0","execType":"{kind}","fillFee":"{fee}","fillFeeCcy":"{asset}","fillNotionalUsd":"{worth}","fillPnl":"{profit}","msg":"","reqId":"""#
    )
}

const fn execution(fill: &Fill) -> &'static str {
    if fill.maker { "M" } else { "T" }
}

/// One of an account's trades.
pub(super) fn fill(fill: &Fill, listing: &Listing) -> String {
    format!(
        r#"{{"instType":"{}","instId":"{}","tradeId":"{}","ordId":"{}","clOrdId":"{}","billId":"{}","subType":"{}","tag":"","fillPx":"{}","fillSz":"{}","fillPnl":"{}","fillTime":"{}","side":"{}","posSide":"{}","execType":"{}","feeCcy":"{}","fee":"{}","ts":"{}"}}"#,
        kind(listing),
        fill.symbol,
        fill.trade,
        fill.order,
        fill.own_id(),
        fill.number,
        if fill.side == Side::Buy { "1" } else { "2" },
        fill.price,
        fill.qty,
        fill.profit,
        ms(fill.at_ns),
        side(fill.side),
        if listing.board == Board::OkxSpot { "" } else { "net" },
        execution(fill),
        fill.fee_asset,
        charge(fill.fee),
        ms(fill.at_ns),
    )
}
