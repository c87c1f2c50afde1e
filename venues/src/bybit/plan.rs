//! Bybit: one public socket per category; topics are asked for in frames.

use super::metadata::category_of;
use crate::plan::{Channels, Plan};
use crate::venue::Venue;

/// Topics per frame: spot refuses more than ten; the others do not mind.
const TOPICS_PER_FRAME: usize = 10;

/// Ping interval that the documentation asks for.
const HEARTBEAT_NS: u64 = 20_000_000_000;

/// The plan for `symbols`.
pub(crate) fn plan(venue: Venue, symbols: &[&str], channels: Channels) -> Plan {
    let topics: Vec<String> = symbols.iter().flat_map(|symbol| topics(symbol, channels)).collect();
    let frames = topics
        .chunks(TOPICS_PER_FRAME)
        .enumerate()
        .map(|(at, topics)| format!(r#"{{"op":"subscribe","req_id":"s{at}","args":[{}]}}"#, topics.join(",")));
    let category = category_of(venue);
    Plan {
        ws_host: "wss://stream.bybit.com",
        ws_path: format!("/v5/public/{category}"),
        frames: frames.collect(),
        heartbeat: Some((HEARTBEAT_NS, r#"{"op":"ping"}"#)),
        rest_host: "https://api.bybit.com",
        snapshot_path: None,
        lean_snapshot_path: None,
        metadata_path: format!("/v5/market/instruments-info?category={category}&limit=1000"),
        metadata_more: Vec::new(),
        also: Vec::new(),
    }
}

fn topics(symbol: &str, channels: Channels) -> Vec<String> {
    let wanted = [(channels.depth, "orderbook.50"), (channels.top, "orderbook.1"), (channels.trades, "publicTrade")];
    let on = wanted.into_iter().filter(|(on, _)| *on);
    on.map(|(_, topic)| format!(r#""{topic}.{symbol}""#)).collect()
}
