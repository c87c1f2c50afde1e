//! User data events: what Binance tells on a spot subscription and on a futures private stream.
//!
//! Shapes: binance-spot-api-docs user-data-stream.md; USD-M event-order-update, event-balance-and-position-update.

use super::words::{eight, expiry, kind, ms, self_trade, side, status, tif};
use crate::amount::Amount;
use crate::exchange::account::{Balance, Position};
use crate::exchange::event::{Cause, Event, News};
use crate::exchange::order::{Ending, Order, Status};
use crate::exchange::rules::Grid;
use crate::fault::verb::ForcedClose;
use crate::market::Market;

/// A spot event, without the envelope of its subscription.
pub(super) fn spot(event: &Event) -> Vec<String> {
    let at = ms(event.at_ns);
    match &event.news {
        News::Order { order, cause } => vec![execution(event, order, cause)],
        News::Holdings { balances, .. } => vec![position(at, balances)],
        News::Transfer { asset, change } => {
            vec![format!(r#"{{"e":"balanceUpdate","E":{at},"a":"{asset}","d":"{}","T":{at}}}"#, eight(*change))]
        }
        News::Ended(_) => vec![format!(r#"{{"e":"eventStreamTerminated","E":{at}}}"#)],
    }
}

fn position(at: u64, balances: &[(String, Balance)]) -> String {
    let rows: Vec<_> = balances
        .iter()
        .map(|(asset, balance)| {
            format!(r#"{{"a":"{asset}","f":"{}","l":"{}"}}"#, eight(balance.free()), eight(balance.held))
        })
        .collect();
    format!(r#"{{"e":"outboundAccountPosition","E":{at},"u":{at},"B":[{}]}}"#, rows.join(","))
}

/// The kind of a spot execution.
const fn execution_kind(order: &Order, cause: &Cause) -> &'static str {
    match (cause, order.status) {
        (Cause::New, _) => "NEW",
        (Cause::Fill(_), _) => "TRADE",
        (Cause::Amended, _) => "REPLACED",
        (Cause::Ended(_), Status::Ended(Ending::Refused)) => "REJECTED",
        (Cause::Ended(_), Status::Ended(Ending::SelfTrade)) => "TRADE_PREVENTION",
        (Cause::Ended(_), Status::Ended(Ending::Cancelled | Ending::DeadMan)) => "CANCELED",
        (Cause::Ended(_), _) => "EXPIRED",
    }
}

fn execution(event: &Event, order: &Order, cause: &Cause) -> String {
    let (at, number, id) = (ms(event.at_ns), event.number, order.id);
    // a cancel has a client id of its own, and then the order's stands in `C`
    let (client_id, original) = match cause {
        Cause::Ended(Some(request)) => (request.as_str(), order.client_id.as_str()),
        _ => (order.client_id.as_str(), ""),
    };
    let (last, price, cost, fee, asset, trade, maker) = match cause {
        Cause::Fill(fill) => (
            fill.qty,
            fill.price,
            fill.cost,
            eight(fill.fee),
            format!("\"{}\"", fill.fee_asset),
            fill.trade.to_string(),
            fill.maker,
        ),
        _ => {
            let zero = Amount::ZERO;
            (zero, zero, zero, "0".to_owned(), "null".to_owned(), "-1".to_owned(), false)
        }
    };
    let reason = if matches!(order.status, Status::Ended(Ending::Refused)) { "ACCOUNT_CANNOT_SETTLE" } else { "NONE" };
    // an order that was reported before it had traded is told as it stood then
    let (state, filled, spent) = match cause {
        Cause::New => ("NEW", Amount::ZERO, Amount::ZERO),
        _ => (status(order), order.filled, order.cost),
    };
    let expired = match expiry(order) {
        "" => String::new(),
        word => format!(r#","eR":"{word}""#),
    };
    let (working, created) = (order.is_open(), ms(order.created_ns));
    format!(
        r#"{{"e":"executionReport","E":{at},"s":"{}","c":"{client_id}","S":"{}","o":"{}","f":"{}","q":"{}","p":"{}","P":"0.00000000","F":"0.00000000","g":-1,"C":"{original}","x":"{}","X":"{state}","r":"{reason}","i":{id},"l":"{}","z":"{}","L":"{}","n":"{fee}","N":{asset},"T":{at},"t":{trade},"I":{number},"w":{working},"m":{maker},"M":false,"O":{created},"Z":"{}","Y":"{}","Q":"{}","W":{created},"V":"{}"{expired}}}"#,
        order.symbol,
        side(order.side),
        kind(order),
        tif(order, false),
        eight(order.qty),
        eight(order.price.unwrap_or_default()),
        execution_kind(order, cause),
        eight(last),
        eight(filled),
        eight(price),
        eight(spent),
        eight(cost),
        eight(order.quote_qty.unwrap_or_default()),
        self_trade(order.self_trade),
    )
}

/// A futures event on the stream that `key` opened.
pub(super) fn usdm(event: &Event, key: &str, market: &Market) -> Vec<String> {
    let at = ms(event.at_ns);
    match &event.news {
        News::Order { order, cause } => {
            let trade = trade_update(event, order, cause);
            match cause {
                Cause::Fill(fill) => vec![
                    format!(
                        r#"{{"e":"TRADE_LITE","E":{at},"T":{at},"s":"{}","q":"{}","p":"{}","m":{},"c":"{}","S":"{}","L":"{}","l":"{}","t":{},"i":{}}}"#,
                        order.symbol,
                        order.qty,
                        order.price.unwrap_or_default(),
                        fill.maker,
                        order.client_id,
                        side(order.side),
                        fill.price,
                        fill.qty,
                        fill.trade,
                        order.id,
                    ),
                    trade,
                ],
                _ => vec![trade],
            }
        }
        News::Holdings { balances, positions, cause } => account_update(at, balances, positions, cause, market),
        News::Transfer { .. } => Vec::new(),
        News::Ended(_) => vec![format!(r#"{{"e":"listenKeyExpired","E":{at},"listenKey":"{key}"}}"#)],
    }
}

/// Why a futures order ended, as a number.
const fn expiry_number(order: &Order) -> u8 {
    match (order.status, order.forced) {
        (_, Some(ForcedClose::Liquidation | ForcedClose::Adl)) => 5,
        (_, Some(ForcedClose::Settlement)) => 7,
        (Status::Ended(Ending::SelfTrade), _) => 1,
        (Status::Ended(Ending::Immediate), _) if order.price.is_none() => 9,
        (Status::Ended(Ending::Immediate), _) => 2,
        (Status::Ended(Ending::ReduceOnly), _) => 4,
        _ => 0,
    }
}

fn trade_update(event: &Event, order: &Order, cause: &Cause) -> String {
    let at = ms(event.at_ns);
    let execution = match (cause, order.status) {
        (Cause::Fill(_), _) if order.forced.is_some() => "CALCULATED",
        (Cause::Fill(_), _) => "TRADE",
        (Cause::New, _) => "NEW",
        (Cause::Amended, _) => "AMENDMENT",
        (Cause::Ended(_), Status::Ended(Ending::Cancelled | Ending::DeadMan)) => "CANCELED",
        (Cause::Ended(_), _) => "EXPIRED",
    };
    let (last, price, profit, fee, trade, maker) = match cause {
        Cause::Fill(fill) => {
            let fee = format!(r#""N":"{}","n":"{}","#, fill.fee_asset, fill.fee);
            (fill.qty, fill.price, fill.profit, fee, fill.trade, fill.maker)
        }
        _ => (Amount::ZERO, Amount::ZERO, Amount::ZERO, String::new(), 0, false),
    };
    let fresh = matches!(cause, Cause::New);
    let filled = if fresh { Amount::ZERO } else { order.filled };
    let average = if fresh { Amount::ZERO } else { order.average(Amount::whole(1)).cut(8) };
    // the futures exchange has no refusal after an ack: such an order expires
    let state = match status(order) {
        _ if fresh => "NEW",
        "REJECTED" => "EXPIRED",
        state => state,
    };
    format!(
        r#"{{"e":"ORDER_TRADE_UPDATE","E":{at},"T":{at},"o":{{"s":"{}","c":"{}","S":"{}","o":"{}","f":"{}","q":"{}","p":"{}","ap":"{average}","sp":"0","x":"{execution}","X":"{state}","i":{},"l":"{last}","z":"{filled}","L":"{price}",{fee}"T":{at},"t":{trade},"b":"0","a":"0","m":{maker},"R":{},"wt":"CONTRACT_PRICE","ot":"{}","ps":"BOTH","cp":false,"rp":"{profit}","pP":false,"si":0,"ss":0,"V":"{}","pm":"NONE","gtd":0,"er":"{}"}}}}"#,
        order.symbol,
        order.client_id,
        side(order.side),
        if order.forced.is_some() { "LIQUIDATION" } else { kind(order) },
        tif(order, true),
        order.qty,
        order.price.unwrap_or_default(),
        order.id,
        order.reduce_only,
        kind(order),
        self_trade(order.self_trade),
        expiry_number(order),
    )
}

/// Only what changed the wallet or a position is told; margin that orders hold is not.
fn account_update(
    at: u64,
    balances: &[(String, Balance)],
    positions: &[(usize, Position)],
    cause: &str,
    market: &Market,
) -> Vec<String> {
    if positions.is_empty() && cause == "ORDER" {
        return Vec::new();
    }
    let balances: Vec<_> = balances
        .iter()
        .map(|(asset, balance)| {
            let total = eight(balance.total);
            format!(r#"{{"a":"{asset}","wb":"{total}","cw":"{total}","bc":"0"}}"#)
        })
        .collect();
    let positions: Vec<_> = positions
        .iter()
        .map(|(listing, position)| {
            let (listing, mark) = (market.listing(*listing), market.book(*listing).bid());
            let grid = Grid::of(listing);
            let open = position.open_profit(grid.price(mark.map_or(0, |level| level.0)), grid.contract);
            format!(
                r#"{{"s":"{}","pa":"{}","ep":"{}","cr":"{}","up":"{}","mt":"cross","iw":"0","ps":"BOTH","ma":"{}","bep":"{}"}}"#,
                listing.symbol,
                position.qty,
                position.entry(grid.contract).cut(8),
                eight(position.profit),
                eight(open),
                listing.quote,
                position.entry(grid.contract).cut(8),
            )
        })
        .collect();
    vec![format!(
        r#"{{"e":"ACCOUNT_UPDATE","E":{at},"T":{at},"a":{{"m":"{cause}","B":[{}],"P":[{}]}}}}"#,
        balances.join(","),
        positions.join(",")
    )]
}
