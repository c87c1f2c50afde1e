//! What Bybit's private topics tell: orders, executions, the wallet and positions.

use super::holdings::Holdings;
use super::words::{self, category};
use crate::config::Board;
use crate::exchange::Exchange;
use crate::exchange::event::{Cause, Event, News};
use crate::exchange::order::{Fill, Order};
use crate::market::Market;

/// What the topics of a client are told of an event.
pub(super) fn told<'t>(
    event: &Event,
    topics: impl Iterator<Item = &'t String>,
    exchange: &Exchange,
    market: &Market,
) -> Vec<String> {
    let holdings = Holdings { exchange, market, account: event.account };
    let message = |topic: &String| {
        let data = data(event, topic, holdings)?;
        let (number, at) = (event.number, words::ms(event.at_ns));
        Some(format!(r#"{{"id":"{number}","topic":"{topic}","creationTime":{at},"data":[{data}]}}"#))
    };
    topics.filter_map(message).collect()
}

fn data(event: &Event, topic: &str, holdings: Holdings<'_>) -> Option<String> {
    let (kind, rest) = match topic.strip_prefix("execution.fast") {
        Some(rest) => ("execution.fast", rest.trim_start_matches('.')),
        None => topic.split_once('.').unwrap_or((topic, "")),
    };
    match &event.news {
        News::Order { order, cause } => {
            let board = holdings.market.listing(order.listing).board;
            let fits = rest.is_empty() || rest == category(board);
            about(kind, order, cause, board, holdings).filter(|_| fits)
        }
        News::Holdings { balances, positions, .. } => match kind {
            "wallet" if !balances.is_empty() => {
                Some(holdings.wallet(|asset| balances.iter().any(|(known, _)| known == asset)))
            }
            "position" if !positions.is_empty() => {
                let rows = positions.iter().map(|(listing, position)| holdings.position(*listing, *position));
                Some(rows.collect::<Vec<_>>().join(","))
            }
            _ => None,
        },
        News::Transfer { .. } | News::Ended(_) => None,
    }
}

/// An order's news on a topic of that kind.
fn about(kind: &str, order: &Order, cause: &Cause, board: Board, holdings: Holdings<'_>) -> Option<String> {
    let quote = &holdings.market.listing(order.listing).quote;
    let fill: Option<&Fill> = if let Cause::Fill(fill) = cause { Some(fill) } else { None };
    match kind {
        "order" => Some(words::order(order, &holdings.exchange.fills_of(order), board)),
        "execution" => fill.map(|fill| words::execution(fill, Some(order), board, quote)),
        "execution.fast" => fill.filter(|_| order.forced.is_none()).map(|fill| words::fast(fill, board)),
        _ => None,
    }
}
