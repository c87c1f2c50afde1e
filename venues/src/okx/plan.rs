//! OKX: one public socket; channels are asked for in frames. It closes a line that is silent for
//! 30 s, so a text `ping` goes out more often than that.

use crate::plan::{Channels, Plan};
use crate::spec::{InstrumentSpec, Kind};
use crate::venue::Venue;

/// Arguments per frame: a request may have 64 KiB, an argument is under 100 bytes.
const ARGS_PER_FRAME: usize = 100;

/// Text ping interval: well under the 30 s after which OKX closes a silent line.
const HEARTBEAT_NS: u64 = 20_000_000_000;

/// The plan for `symbols`.
pub(crate) fn plan(symbols: &[&str], channels: Channels) -> Plan {
    let args: Vec<String> = symbols.iter().flat_map(|symbol| args(symbol, channels)).collect();
    let frames = args.chunks(ARGS_PER_FRAME).map(|args| format!(r#"{{"op":"subscribe","args":[{}]}}"#, args.join(",")));
    let mut lists = lists(symbols).into_iter();
    Plan {
        ws_host: "wss://ws.okx.com:8443",
        ws_path: "/ws/v5/public".to_owned(),
        frames: frames.collect(),
        heartbeat: Some((HEARTBEAT_NS, "ping")),
        rest_host: "https://openapi.okx.com",
        snapshot_path: None,
        lean_snapshot_path: None,
        metadata_path: lists.next().unwrap_or_else(|| list("SPOT")),
        metadata_more: lists.collect(),
        also: Vec::new(),
    }
}

fn args(symbol: &str, channels: Channels) -> Vec<String> {
    let wanted = [(channels.depth, "books"), (channels.top, "bbo-tbt"), (channels.trades, "trades")];
    let on = wanted.into_iter().filter(|(on, _)| *on);
    on.map(|(_, channel)| format!(r#"{{"channel":"{channel}","instId":"{symbol}"}}"#)).collect()
}

/// The instrument lists that the symbols are in, each once. Options are listed per underlying.
fn lists(symbols: &[&str]) -> Vec<String> {
    let mut lists: Vec<String> = Vec::new();
    for symbol in symbols {
        let spec = InstrumentSpec::assumed(Venue::Okx, symbol);
        let path = match spec.kind {
            Kind::Spot | Kind::Outcome => list("SPOT"),
            Kind::Perpetual => list("SWAP"),
            Kind::Future => list("FUTURES"),
            Kind::Option => format!("{}&uly={}-{}", list("OPTION"), spec.base, spec.quote),
        };
        if !lists.contains(&path) {
            lists.push(path);
        }
    }
    lists
}

fn list(inst_type: &str) -> String {
    format!("/api/v5/public/instruments?instType={inst_type}")
}
