//! Which venue and symbol a piece of a recording belongs to: by its URL, by the folder or exchange
//! name that recorders use, or by the frame itself.

use crate::broken::string_after;
use crate::venue::Venue;

/// Hosts, the more telling first.
const HOSTS: [(&str, Venue); 14] = [
    ("fstream.binance", Venue::BinanceUsdm),
    ("fapi.binance", Venue::BinanceUsdm),
    ("dstream.binance", Venue::BinanceCoinm),
    ("dapi.binance", Venue::BinanceCoinm),
    ("trbinance.com", Venue::BinanceTr),
    ("binance.me", Venue::BinanceTr),
    ("binance.us", Venue::BinanceUs),
    ("binance.com", Venue::BinanceSpot),
    ("binance.vision", Venue::BinanceSpot),
    ("okx.com", Venue::Okx),
    ("bybit", Venue::BybitLinear),
    ("bytick.com", Venue::BybitLinear),
    ("okex.com", Venue::Okx),
    ("polymarket.com", Venue::Polymarket),
];

/// The venue of a WebSocket or request URL; Bybit's categories are told by path or query, and a
/// Bybit URL that names none is of the linear ones.
pub fn venue_of_url(url: &str) -> Option<Venue> {
    let (_, venue) = HOSTS.iter().find(|(host, _)| host_of(url).contains(host))?;
    if *venue != Venue::BybitLinear {
        return Some(*venue);
    }
    let says = |category: &str| {
        url.contains(&format!("/v5/public/{category}")) || url.contains(&format!("category={category}"))
    };
    Some(match () {
        () if says("spot") => Venue::BybitSpot,
        () if says("inverse") => Venue::BybitInverse,
        () if says("option") => return None,
        () => Venue::BybitLinear,
    })
}

fn host_of(url: &str) -> &str {
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    rest.split(['/', '?']).next().unwrap_or_default()
}

/// The venue of an exchange name as recorders write it (cryptofeed and hftbacktest folders).
pub fn venue_of_exchange_name(name: &str) -> Option<Venue> {
    Some(match name {
        "BINANCE" => Venue::BinanceSpot,
        "BINANCE_US" => Venue::BinanceUs,
        "BINANCE_TR" => Venue::BinanceTr,
        "BINANCE_FUTURES" => Venue::BinanceUsdm,
        "BINANCE_DELIVERY" => Venue::BinanceCoinm,
        "OKX" => Venue::Okx,
        "BYBIT" => Venue::BybitLinear,
        _ => return Venue::parse(name),
    })
}

/// The venue and symbol of a market-data frame. Where a frame does not tell the markets of an
/// exchange apart the likeliest is named: Bybit frames are taken for linear ones, Binance trades
/// without more for spot ones.
pub fn venue_of_stream_frame(frame: &[u8]) -> Option<(Venue, String)> {
    if let Some(topic) = string_after(frame, br#""topic":""#) {
        let (_, symbol) = crate::bybit::topic(topic);
        return text(symbol).map(|symbol| (Venue::BybitLinear, symbol));
    }
    if frame.windows(6).any(|window| window == br#""arg":"#) {
        return string_after(frame, br#""instId":""#).and_then(text).map(|symbol| (Venue::Okx, symbol));
    }
    let symbol = string_after(frame, br#""s":""#).and_then(text).or_else(|| {
        let stream = text(string_after(frame, br#""stream":""#)?)?;
        stream.split_once('@').map(|(symbol, _)| symbol.to_ascii_uppercase())
    })?;
    Some((binance_market(frame), symbol))
}

fn binance_market(frame: &[u8]) -> Venue {
    let has = |key: &[u8]| frame.windows(key.len()).any(|window| window == key);
    if has(br#""ps":"#) || string_after(frame, br#""s":""#).is_some_and(|symbol| symbol.contains(&b'_')) {
        Venue::BinanceCoinm
    } else if has(br#""pu":"#) || has(br#""e":"bookTicker""#) || has(br#""e":"markPriceUpdate""#) || has(br#""X":"#) {
        Venue::BinanceUsdm
    } else {
        Venue::BinanceSpot
    }
}

/// Whether a line of a capture is a bare depth snapshot (`{"lastUpdateId":...`), and what it says of
/// whose: COIN-M names the symbol, the others leave it to the capture. Give it to
/// [`crate::rest::parse_depth`].
pub fn depth_snapshot_line(frame: &[u8]) -> Option<(Venue, Option<String>)> {
    let body = frame.trim_ascii_start().strip_prefix(b"{")?.trim_ascii_start();
    body.strip_prefix(br#""lastUpdateId""#)?;
    let head = &body[..body.len().min(200)];
    let symbol = ["\"symbol\":\"", "\"symbol\": \""].iter().find_map(|key| string_after(head, key.as_bytes()));
    let timed = head.windows(4).any(|window| window == br#""E":"#);
    let venue = match (symbol, timed) {
        (Some(_), _) => Venue::BinanceCoinm,
        (None, true) => Venue::BinanceUsdm,
        (None, false) => Venue::BinanceSpot,
    };
    Some((venue, symbol.and_then(text)))
}

fn text(bytes: &[u8]) -> Option<String> {
    std::str::from_utf8(bytes).ok().filter(|text| !text.is_empty()).map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn urls_name_their_venue() {
        let of = venue_of_url;
        assert_eq!(of("wss://stream.binance.com:9443/stream?streams=a@depth"), Some(Venue::BinanceSpot));
        assert_eq!(of("wss://fstream.binance.com/public/stream?streams=a@depth"), Some(Venue::BinanceUsdm));
        assert_eq!(of("https://dapi.binance.com/dapi/v1/exchangeInfo"), Some(Venue::BinanceCoinm));
        assert_eq!(of("wss://stream-cloud.trbinance.com/stream"), Some(Venue::BinanceTr));
        assert_eq!(of("https://api.binance.us/api/v3/depth?symbol=X"), Some(Venue::BinanceUs));
        assert_eq!(of("wss://ws.okx.com:8443/ws/v5/public"), Some(Venue::Okx));
        assert_eq!(of("wss://stream.bybit.com/v5/public/spot"), Some(Venue::BybitSpot));
        assert_eq!(of("https://api.bybit.com/v5/market/instruments-info?category=inverse"), Some(Venue::BybitInverse));
        assert_eq!(of("wss://example.org/?next=binance.com"), None);
        assert_eq!(venue_of_exchange_name("BINANCE_FUTURES"), Some(Venue::BinanceUsdm));
        assert_eq!(venue_of_exchange_name("okx"), Some(Venue::Okx));
        assert_eq!(venue_of_exchange_name("KRAKEN"), None);
    }

    #[test]
    fn frames_name_their_symbol() {
        let of = |frame: &str| venue_of_stream_frame(frame.as_bytes()).map(|(venue, symbol)| (venue.name(), symbol));
        let some = |venue, symbol: &str| Some((venue, symbol.to_owned()));
        assert_eq!(
            of(r#"{"stream":"btcusdt@bookTicker","data":{"u":1,"s":"BTCUSDT"}}"#),
            some("binance_spot", "BTCUSDT")
        );
        assert_eq!(
            of(r#"{"stream":"btcusdt@markPrice@1s","data":{"e":"markPriceUpdate"}}"#),
            some("binance_usdm", "BTCUSDT")
        );
        assert_eq!(of(r#"{"e":"depthUpdate","s":"BTCUSD_PERP","ps":"BTCUSD"}"#), some("binance_coinm", "BTCUSD_PERP"));
        assert_eq!(of(r#"{"arg":{"channel":"books","instId":"BTC-USDT"},"data":[]}"#), some("okx", "BTC-USDT"));
        assert_eq!(of(r#"{"topic":"orderbook.50.BTCUSDT"}"#), some("bybit_linear", "BTCUSDT"));
        assert_eq!(of(r#"{"lastUpdateId":7,"bids":[]}"#), None);
    }

    #[test]
    fn a_bare_snapshot_line_is_recognised() {
        let of = |frame: &str| depth_snapshot_line(frame.as_bytes());
        assert_eq!(of(r#"{"lastUpdateId":7,"bids":[]}"#), Some((Venue::BinanceSpot, None)));
        assert_eq!(of(r#"{"lastUpdateId": 7, "E": 1, "T": 2, "bids": []}"#), Some((Venue::BinanceUsdm, None)));
        let coin = r#"{"lastUpdateId":7,"E":1,"T":2,"symbol":"BTCUSD_PERP","pair":"BTCUSD","bids":[]}"#;
        assert_eq!(of(coin), Some((Venue::BinanceCoinm, Some("BTCUSD_PERP".to_owned()))));
        assert_eq!(of(r#"{"stream":"btcusdt@depth"}"#), None);
    }
}
