//! Binance: streams are named in the URL. USD-M has moved book data to `/public` and the rest to
//! `/market` (2026-04-23; the bare `/stream` before that still carries book data at most).

use crate::plan::{Channels, Plan};
use crate::venue::Venue;

/// The plan for `symbols`.
pub(crate) fn plan(venue: Venue, symbols: &[&str], channels: Channels) -> Plan {
    if venue != Venue::BinanceUsdm {
        return connection(venue, "/stream", symbols, channels);
    }
    let books = Channels { trades: false, ..channels };
    let trades = Channels { trades: channels.trades, ..Channels::default() };
    if books == Channels::default() && channels.trades {
        return connection(venue, "/market/stream", symbols, trades);
    }
    let mut plan = connection(venue, "/public/stream", symbols, books);
    if channels.trades {
        plan.also.push(connection(venue, "/market/stream", symbols, trades));
    }
    plan
}

fn connection(venue: Venue, path: &str, symbols: &[&str], channels: Channels) -> Plan {
    let (ws_host, rest_host) = hosts(venue);
    let names: Vec<String> = symbols.iter().flat_map(|symbol| streams(venue, symbol, channels)).collect();
    Plan {
        ws_host,
        ws_path: format!("{path}?streams={}", names.join("/")),
        frames: Vec::new(),
        heartbeat: None,
        rest_host,
        snapshot_path: Some(snapshot_path(venue)),
        lean_snapshot_path: lean_snapshot_path(venue),
        metadata_path: metadata_path(venue).to_owned(),
        metadata_more: Vec::new(),
        also: Vec::new(),
    }
}

fn streams(venue: Venue, symbol: &str, channels: Channels) -> Vec<String> {
    let lower = symbol.to_ascii_lowercase();
    let trades = if venue == Venue::BinanceUsdm { "aggTrade" } else { "trade" };
    let wanted = [(channels.depth, "depth@100ms"), (channels.top, "bookTicker"), (channels.trades, trades)];
    wanted.into_iter().filter(|(on, _)| *on).map(|(_, name)| format!("{lower}@{name}")).collect()
}

fn hosts(venue: Venue) -> (&'static str, &'static str) {
    match venue {
        Venue::BinanceUs => ("wss://stream.binance.us:9443", "https://api.binance.us"),
        Venue::BinanceTr => ("wss://stream-cloud.trbinance.com", "https://api.binance.me"),
        Venue::BinanceUsdm => ("wss://fstream.binance.com", "https://fapi.binance.com"),
        Venue::BinanceCoinm => ("wss://dstream.binance.com", "https://dapi.binance.com"),
        _ => ("wss://stream.binance.com:9443", "https://api.binance.com"),
    }
}

fn snapshot_path(venue: Venue) -> fn(&str) -> String {
    match venue {
        Venue::BinanceUsdm => |symbol| format!("/fapi/v1/depth?symbol={symbol}&limit=1000"),
        Venue::BinanceCoinm => |symbol| format!("/dapi/v1/depth?symbol={symbol}&limit=1000"),
        _ => |symbol| format!("/api/v3/depth?symbol={symbol}&limit=5000"),
    }
}

/// A fifth of the weight for a fifth of the levels; futures give no more than these anyway.
fn lean_snapshot_path(venue: Venue) -> Option<fn(&str) -> String> {
    let is_spot = !matches!(venue, Venue::BinanceUsdm | Venue::BinanceCoinm);
    is_spot.then_some(|symbol| format!("/api/v3/depth?symbol={symbol}&limit=1000"))
}

fn metadata_path(venue: Venue) -> &'static str {
    match venue {
        Venue::BinanceUsdm => "/fapi/v1/exchangeInfo",
        Venue::BinanceCoinm => "/dapi/v1/exchangeInfo",
        _ => "/api/v3/exchangeInfo",
    }
}
