//! Where to connect and what to ask for, so that the instruments of a venue arrive.

use crate::venue::Venue;
use crate::{binance, bybit, okx, polymarket};

/// Which channels are wanted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Channels {
    /// The order book.
    pub depth: bool,
    /// The venue's own best bid and ask.
    pub top: bool,
    /// Public trades.
    pub trades: bool,
}

/// One connection and the requests around it.
#[derive(Clone, Debug)]
pub struct Plan {
    /// Default WebSocket host, with scheme and port.
    pub ws_host: &'static str,
    /// Path and query of the WebSocket.
    pub ws_path: String,
    /// Text frames to send once connected.
    pub frames: Vec<String>,
    /// How often to send which text so that the venue keeps the line, in nanoseconds.
    pub heartbeat: Option<(u64, &'static str)>,
    /// Default host of requests, with scheme.
    pub rest_host: &'static str,
    /// Path and query of a symbol's depth snapshot, where the venue has it come by request.
    pub snapshot_path: Option<fn(&str) -> String>,
    /// The same with fewer levels, where that costs the venue's budget less.
    pub lean_snapshot_path: Option<fn(&str) -> String>,
    /// Path and query of the instrument list.
    pub metadata_path: String,
    /// Lists to read besides, where the symbols are of several instrument types (OKX).
    pub metadata_more: Vec<String>,
    /// Further connections for the same symbols, where one cannot carry all channels (USD-M trades).
    pub also: Vec<Plan>,
}

/// The plan for `symbols` (as the venue's frames write them) of one venue.
pub fn plan(venue: Venue, symbols: &[&str], channels: Channels) -> Plan {
    match venue {
        Venue::BinanceSpot | Venue::BinanceUs | Venue::BinanceTr | Venue::BinanceUsdm | Venue::BinanceCoinm => {
            binance::plan::plan(venue, symbols, channels)
        }
        Venue::Okx => okx::plan::plan(symbols, channels),
        Venue::BybitSpot | Venue::BybitLinear | Venue::BybitInverse => bybit::plan::plan(venue, symbols, channels),
        Venue::Polymarket => polymarket::plan::plan(symbols, channels),
    }
}

/// Hosts of a venue's public WebSocket, the best first: lines of one feed belong on different ones
/// where there are several.
pub fn ws_hosts(venue: Venue) -> &'static [&'static str] {
    match venue {
        Venue::BinanceSpot => &["wss://stream.binance.com:9443", "wss://data-stream.binance.vision"],
        Venue::BinanceUs => &["wss://stream.binance.us:9443"],
        Venue::BinanceTr => &["wss://stream-cloud.trbinance.com"],
        Venue::BinanceUsdm => &["wss://fstream.binance.com"],
        Venue::BinanceCoinm => &["wss://dstream.binance.com"],
        Venue::Okx => &["wss://ws.okx.com:8443", "wss://wsaws.okx.com:8443"],
        Venue::BybitSpot | Venue::BybitLinear | Venue::BybitInverse => {
            &["wss://stream.bybit.com", "wss://stream.bytick.com"]
        }
        Venue::Polymarket => &[polymarket::plan::WS_HOST],
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ALL: Channels = Channels { depth: true, top: true, trades: true };

    #[test]
    fn binance_names_its_streams_in_the_url() {
        let spot = plan(Venue::BinanceSpot, &["BTCUSDT"], ALL);
        assert_eq!(spot.ws_path, "/stream?streams=btcusdt@depth@100ms/btcusdt@bookTicker/btcusdt@trade");
        assert_eq!(spot.snapshot_path.unwrap()("BTCUSDT"), "/api/v3/depth?symbol=BTCUSDT&limit=5000");
        assert_eq!(spot.lean_snapshot_path.unwrap()("BTCUSDT"), "/api/v3/depth?symbol=BTCUSDT&limit=1000");
        assert!(spot.frames.is_empty() && spot.also.is_empty());
        let coin = plan(Venue::BinanceCoinm, &["BTCUSD_PERP"], Channels { depth: true, ..Channels::default() });
        assert_eq!(coin.ws_path, "/stream?streams=btcusd_perp@depth@100ms");
        assert_eq!(coin.snapshot_path.unwrap()("BTCUSD_PERP"), "/dapi/v1/depth?symbol=BTCUSD_PERP&limit=1000");
    }

    #[test]
    fn the_first_host_of_a_venue_is_its_plan_s() {
        for venue in Venue::ALL {
            assert_eq!(ws_hosts(venue)[0], plan(venue, &["BTCUSDT"], ALL).ws_host);
        }
    }

    #[test]
    fn usd_m_trades_come_on_a_connection_of_their_own() {
        let both = plan(Venue::BinanceUsdm, &["BTCUSDT"], ALL);
        assert_eq!(both.ws_path, "/public/stream?streams=btcusdt@depth@100ms/btcusdt@bookTicker");
        assert_eq!(both.also[0].ws_path, "/market/stream?streams=btcusdt@aggTrade");
        let trades = plan(Venue::BinanceUsdm, &["BTCUSDT"], Channels { trades: true, ..Channels::default() });
        assert_eq!(trades.ws_path, "/market/stream?streams=btcusdt@aggTrade");
        assert!(trades.also.is_empty());
    }

    #[test]
    fn okx_asks_in_frames_and_lists_each_instrument_type() {
        let okx = plan(Venue::Okx, &["BTC-USDT", "BTC-USDT-SWAP"], ALL);
        assert_eq!(okx.ws_path, "/ws/v5/public");
        assert!(okx.frames[0].starts_with(
            r#"{"op":"subscribe","args":[{"channel":"books","instId":"BTC-USDT"},{"channel":"bbo-tbt","instId":"BTC-USDT"},"#
        ));
        assert_eq!(okx.metadata_path, "/api/v5/public/instruments?instType=SPOT");
        assert_eq!(okx.metadata_more, ["/api/v5/public/instruments?instType=SWAP"]);
        assert_eq!(okx.heartbeat.unwrap().1, "ping");
    }

    #[test]
    fn polymarket_names_its_tokens_in_frames() {
        let many: Vec<String> = (0..201).map(|n| format!("7269{n}")).collect();
        let symbols: Vec<&str> = many.iter().map(String::as_str).collect();
        let plan = plan(Venue::Polymarket, &symbols, Channels { depth: true, ..Channels::default() });
        assert!(plan.frames[0].starts_with(r#"{"type":"market","assets_ids":["72690","72691","#));
        assert_eq!(
            plan.frames[1],
            r#"{"operation":"subscribe","assets_ids":["7269200"],"custom_feature_enabled":false}"#
        );
        assert_eq!((plan.ws_path.as_str(), plan.heartbeat), ("/ws/market", Some((10_000_000_000, "PING"))));
        assert_eq!(plan.metadata_more.len(), 4);
        assert!(plan.metadata_path.starts_with("/markets?limit=100&clob_token_ids=72690&clob_token_ids=72691&"));
    }

    #[test]
    fn bybit_spot_asks_for_at_most_ten_topics_at_a_time() {
        let symbols = ["AUSDT", "BUSDT", "CUSDT", "DUSDT"];
        let spot = plan(Venue::BybitSpot, &symbols, ALL);
        assert_eq!(spot.ws_path, "/v5/public/spot");
        assert_eq!(spot.frames.len(), 2);
        assert_eq!(spot.frames[0].matches("USDT").count(), 10);
        assert!(
            spot.frames[0]
                .starts_with(r#"{"op":"subscribe","req_id":"s0","args":["orderbook.50.AUSDT","orderbook.1.AUSDT","#)
        );
        assert_eq!(spot.heartbeat, Some((20_000_000_000, r#"{"op":"ping"}"#)));
    }
}
