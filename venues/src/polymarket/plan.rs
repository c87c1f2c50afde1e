//! Polymarket's public line: one socket, the tokens named in the first frame and in later ones.
//!
//! The venue answers the text `PING` with `PONG` and wants one every 10 s. Metadata comes from Gamma,
//! the discovery service, by token; it has no list of everything.

use crate::plan::{Channels, Plan};

/// Tokens per frame: 80 bytes each.
const TOKENS_PER_FRAME: usize = 200;
/// Tokens per metadata request: their answers are clamped to 100 silently.
const TOKENS_PER_LIST: usize = 50;
/// Ping interval, as documented.
pub(crate) const HEARTBEAT_NS: u64 = 10_000_000_000;
/// Host of both sockets.
pub(crate) const WS_HOST: &str = "wss://ws-subscriptions-clob.polymarket.com";
/// Host of market discovery.
pub(crate) const GAMMA_HOST: &str = "https://gamma-api.polymarket.com";

/// The plan for `symbols`, which are token ids. `custom_feature_enabled` asks for `best_bid_ask`, and
/// for news of every market there is, so it is asked for only when tops are wanted.
pub(crate) fn plan(symbols: &[&str], channels: Channels) -> Plan {
    let mut lists = symbols.chunks(TOKENS_PER_LIST).map(list);
    Plan {
        ws_host: WS_HOST,
        ws_path: "/ws/market".to_owned(),
        frames: frames(symbols, channels.top),
        heartbeat: Some((HEARTBEAT_NS, "PING")),
        rest_host: GAMMA_HOST,
        snapshot_path: None,
        lean_snapshot_path: None,
        metadata_path: lists.next().unwrap_or_else(|| list(&[])),
        metadata_more: lists.collect(),
        also: Vec::new(),
    }
}

fn frames(symbols: &[&str], custom: bool) -> Vec<String> {
    let chunks = symbols.chunks(TOKENS_PER_FRAME).enumerate();
    chunks
        .map(|(at, tokens)| {
            frame(if at == 0 { r#""type":"market""# } else { r#""operation":"subscribe""# }, tokens, custom)
        })
        .collect()
}

fn frame(what: &str, tokens: &[&str], custom: bool) -> String {
    let ids: Vec<String> = tokens.iter().map(|token| format!(r#""{token}""#)).collect();
    format!(r#"{{{what},"assets_ids":[{}],"custom_feature_enabled":{custom}}}"#, ids.join(","))
}

fn list(tokens: &[&str]) -> String {
    let ids: String = tokens.iter().map(|token| format!("&clob_token_ids={token}")).collect();
    format!("/markets?limit=100{ids}")
}
