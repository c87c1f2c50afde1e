//! What comes by request: depth snapshots and instrument lists, told apart by their URLs.

use crate::tape::{Parser, Value};
use crate::venue::Venue;
use crate::{binance, broken, bybit, lanes, okx, polymarket, sniff};
use highwire_links::decode::Reject;
use highwire_links::directory::Entry;
use highwire_links::rate::{Cost, RateRule, Scope};
use highwire_links::update::{DepthHead, Level, Sink, Trade};

/// A depth snapshot as the venue answered it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DepthSnapshot {
    /// Whose book, and where it stands.
    pub head: DepthHead,
    /// Bids, in the venue's order (best first).
    pub bids: Vec<Level>,
    /// Asks, in the venue's order (best first).
    pub asks: Vec<Level>,
}

/// The snapshot in the body of a depth request, or in a bare `{"lastUpdateId":...}` line of a capture.
///
/// # Errors
/// As a decoder's: why the body was not taken.
pub fn parse_depth(venue: Venue, entry: Entry, body: &[u8]) -> Result<DepthSnapshot, Reject> {
    let mut json = body.to_vec();
    let mut taken = Taken(None);
    let read = Parser::default().with(&mut json, |root| give(venue, entry, root, &mut taken));
    read.unwrap_or_else(|| Err(broken::reason(body)))?;
    taken.0.ok_or(Reject::Malformed)
}

fn give(venue: Venue, entry: Entry, root: Value<'_, '_>, sink: &mut dyn Sink) -> Result<(), Reject> {
    let (mut bids, mut asks) = (Vec::new(), Vec::new());
    let read = match venue {
        Venue::BinanceSpot | Venue::BinanceUs | Venue::BinanceTr | Venue::BinanceUsdm | Venue::BinanceCoinm => {
            binance::snapshot
        }
        Venue::Okx => okx::rest,
        Venue::BybitSpot | Venue::BybitLinear | Venue::BybitInverse => bybit::rest,
        Venue::Polymarket => polymarket::rest,
    };
    let depth = read(root, entry, &mut bids, &mut asks)?;
    lanes::give_depth(entry, depth, &mut bids, &mut asks, sink).map(drop)
}

struct Taken(Option<DepthSnapshot>);

impl Sink for Taken {
    fn on_depth(&mut self, head: &DepthHead, bids: &[Level], asks: &[Level]) {
        self.0 = Some(DepthSnapshot { head: *head, bids: bids.to_vec(), asks: asks.to_vec() });
    }

    fn on_trade(&mut self, _: &Trade) {}

    fn on_control(&mut self, _: highwire_links::update::Control) {}
}

/// Path of the smallest depth request for a symbol, where the venue has one.
pub fn probe_path(venue: Venue) -> Option<fn(&str) -> String> {
    match venue {
        Venue::BinanceSpot | Venue::BinanceUs | Venue::BinanceTr => {
            Some(|s| format!("/api/v3/depth?symbol={s}&limit=5"))
        }
        Venue::BinanceUsdm => Some(|s| format!("/fapi/v1/depth?symbol={s}&limit=5")),
        Venue::BinanceCoinm => Some(|s| format!("/dapi/v1/depth?symbol={s}&limit=5")),
        Venue::Okx => Some(|s| format!("/api/v5/market/books?instId={s}&sz=5")),
        Venue::BybitSpot => Some(|s| format!("/v5/market/orderbook?category=spot&symbol={s}&limit=5")),
        Venue::BybitLinear => Some(|s| format!("/v5/market/orderbook?category=linear&symbol={s}&limit=5")),
        Venue::BybitInverse => Some(|s| format!("/v5/market/orderbook?category=inverse&symbol={s}&limit=5")),
        Venue::Polymarket => Some(|s| format!("/book?token_id={s}")),
    }
}

/// What our address may ask of a venue beside the wire: all that it permits where its answers say what is used, else a
/// half. Its spans slide, since the venue's clock may begin its minute elsewhere.
pub fn address_rules(venue: Venue) -> Vec<RateRule> {
    let (rules, share) = match venue {
        Venue::BinanceSpot | Venue::BinanceUs | Venue::BinanceTr => (binance::rates::rules(binance::Market::Spot), 1),
        Venue::BinanceUsdm | Venue::BinanceCoinm => (binance::rates::rules(binance::Market::Futures), 1),
        Venue::Okx => (okx::rates::rules(), 2),
        Venue::BybitSpot | Venue::BybitLinear | Venue::BybitInverse => (bybit::rates::rules(venue), 2),
        Venue::Polymarket => (polymarket::rates::rules(), 2),
    };
    let of_address = rules.into_iter().filter(|rule| matches!(rule.scope, Scope::Weight | Scope::Questions));
    of_address.map(|rule| RateRule { limit: rule.limit / share, aligned: false, ..rule }).collect()
}

/// What a public request uses of that.
pub fn cost(venue: Venue, url: &str) -> Cost {
    let limit = url.split_once("limit=").and_then(|(_, tail)| tail.split('&').next()?.parse::<u32>().ok());
    let weight = match (venue, limit) {
        (Venue::BinanceSpot | Venue::BinanceUs | Venue::BinanceTr, None) if url.contains("/exchangeInfo") => 20,
        (Venue::BinanceSpot | Venue::BinanceUs | Venue::BinanceTr, Some(limit)) => match limit {
            0..=100 => 5,
            101..=500 => 25,
            501..=1_000 => 50,
            _ => 250,
        },
        (Venue::BinanceUsdm | Venue::BinanceCoinm, Some(limit)) => match limit {
            0..=50 => 2,
            51..=100 => 5,
            101..=500 => 10,
            _ => 20,
        },
        _ => 1,
    };
    Cost::default().with(Scope::Weight, weight)
}

/// Path of the request for the venue's time.
pub fn time_path(venue: Venue) -> &'static str {
    match venue {
        Venue::BinanceSpot | Venue::BinanceUs | Venue::BinanceTr => "/api/v3/time",
        Venue::BinanceUsdm => "/fapi/v1/time",
        Venue::BinanceCoinm => "/dapi/v1/time",
        Venue::Okx => "/api/v5/public/time",
        Venue::BybitSpot | Venue::BybitLinear | Venue::BybitInverse => "/v5/market/time",
        Venue::Polymarket => "/time",
    }
}

/// How coarsely a venue tells its time, milliseconds: Polymarket in whole seconds, cut.
pub fn time_grain_ms(venue: Venue) -> u64 {
    if venue == Venue::Polymarket { 1_000 } else { 1 }
}

/// The venue's time in the body of its answer, milliseconds since the Unix epoch.
pub fn parse_time(venue: Venue, body: &[u8]) -> Option<i64> {
    let body: serde_json::Value = serde_json::from_slice(body).ok()?;
    if venue == Venue::Polymarket {
        return body.as_i64()?.checked_mul(1_000);
    }
    let time = match venue {
        Venue::Okx => body.pointer("/data/0/ts"),
        Venue::BybitSpot | Venue::BybitLinear | Venue::BybitInverse => body.get("time"),
        _ => body.get("serverTime"),
    }?;
    time.as_i64().or_else(|| time.as_str()?.parse().ok())
}

/// Paths of depth requests, by what their URL contains.
const DEPTH_PATHS: [&str; 4] = ["/depth?", "/market/books?", "/market/orderbook?", "polymarket.com/book?"];

/// Paths of instrument lists.
const METADATA_PATHS: [&str; 4] =
    ["/exchangeInfo", "/public/instruments", "/market/instruments-info", "gamma-api.polymarket.com/markets"];

/// The symbol whose depth a URL asks for; `None` for any other URL.
pub fn depth_symbol(url: &str) -> Option<String> {
    if !DEPTH_PATHS.iter().any(|path| url.contains(path)) {
        return None;
    }
    let (_, query) = url.split_once('?')?;
    let names = ["symbol=", "instId=", "token_id="];
    let symbol = query.split('&').find_map(|part| names.iter().find_map(|name| part.strip_prefix(name)))?;
    (!symbol.is_empty()).then(|| symbol.to_owned())
}

/// The venue whose instrument list a URL asks for; `None` for any other URL.
pub fn is_metadata_url(url: &str) -> Option<Venue> {
    METADATA_PATHS.iter().any(|path| url.contains(path)).then(|| sniff::venue_of_url(url))?
}

#[cfg(test)]
mod tests {
    use super::*;
    use highwire_links::InstrumentId;
    use highwire_links::fixed::Scale;
    use highwire_links::update::DepthKind;

    const ENTRY: Entry = Entry { id: InstrumentId(3), scale: Scale { px_dp: 2, qty_dp: 3 } };

    #[test]
    fn a_snapshot_line_with_spaces_and_more_fields_is_read() {
        let body = br#"{"lastUpdateId": 7, "E": 9, "T": 8, "symbol": "X", "bids": [["1.5", "2"]], "asks": [["2.50", "0.125"]]}"#;
        let read = parse_depth(Venue::BinanceUsdm, ENTRY, body).unwrap();
        assert_eq!(
            (read.head.kind, read.head.sequence.last, read.head.event_ns),
            (DepthKind::Snapshot, Some(7), 8_000_000)
        );
        assert_eq!((read.bids[0].px, read.bids[0].qty), (150, 2000));
        assert_eq!((read.asks[0].px, read.asks[0].qty), (250, 125));
    }

    #[test]
    fn answers_of_okx_and_bybit_are_read() {
        let okx = br#"{"code":"0","msg":"","data":[{"asks":[["2","1","0","1"]],"bids":[["1","3","0","2"]],"ts":"5"}]}"#;
        assert_eq!(parse_depth(Venue::Okx, ENTRY, okx).unwrap().head.event_ns, 5_000_000);
        let bybit = br#"{"retCode":0,"result":{"s":"X","b":[["1","3"]],"a":[],"ts":6,"u":9,"seq":11,"cts":4}}"#;
        let read = parse_depth(Venue::BybitLinear, ENTRY, bybit).unwrap();
        assert_eq!((read.head.sequence.last, read.head.sequence.cross), (Some(9), Some(11)));
    }

    #[test]
    fn the_time_is_read_as_each_venue_tells_it() {
        let time = |venue, body: &str| parse_time(venue, body.as_bytes());
        assert_eq!(time(Venue::BinanceUsdm, r#"{"serverTime":1499827319559}"#), Some(1_499_827_319_559));
        assert_eq!(time(Venue::Okx, r#"{"code":"0","data":[{"ts":"1597026383085"}]}"#), Some(1_597_026_383_085));
        assert_eq!(
            time(Venue::BybitSpot, r#"{"retCode":0,"result":{},"time":1688639403423}"#),
            Some(1_688_639_403_423)
        );
        assert_eq!(time(Venue::Polymarket, "1790000000"), Some(1_790_000_000_000));
        assert_eq!(time(Venue::Okx, "<html>"), None);
    }

    #[test]
    fn requests_cost_what_the_venues_say() {
        let weight = |venue, url: &str| cost(venue, url).0[Scope::Weight as usize];
        for (limit, spot, futures) in [(5, 5, 2), (100, 5, 5), (500, 25, 10), (1_000, 50, 20), (5_000, 250, 20)] {
            let url = format!("http://x/api/v3/depth?symbol=X&limit={limit}");
            assert_eq!([Venue::BinanceSpot, Venue::BinanceUsdm].map(|venue| weight(venue, &url)), [spot, futures]);
        }
        assert_eq!(weight(Venue::BinanceSpot, "http://x/api/v3/exchangeInfo"), 20);
        assert_eq!(weight(Venue::BybitSpot, "/v5/market/orderbook?category=spot&symbol=X&limit=5"), 1);
        assert_eq!(address_rules(Venue::BinanceSpot)[0].limit, 6_000);
        assert!(Venue::ALL.iter().all(|&venue| !address_rules(venue).is_empty()));
    }

    #[test]
    fn a_bad_body_says_why() {
        let why = |body: &str| parse_depth(Venue::BinanceSpot, ENTRY, body.as_bytes()).unwrap_err();
        assert_eq!(why(r#"{"lastUpdateId":7,"bids":["#), Reject::Truncated);
        assert_eq!(why(r#"{"bids":[],"asks":[]}"#), Reject::MissingField);
        assert_eq!(why(r#"{"lastUpdateId":7,"bids":[["1.555","1"]],"asks":[]}"#), Reject::Precision);
        assert_eq!(why(r#"{"lastUpdateId":7,"lastUpdateId":8,"bids":[],"asks":[]}"#), Reject::DuplicateKey);
    }

    #[test]
    fn urls_say_what_they_ask_for() {
        let depth = |url| depth_symbol(url);
        assert_eq!(depth("https://api.binance.com/api/v3/depth?symbol=NKNUSDT&limit=1000").unwrap(), "NKNUSDT");
        assert_eq!(depth("https://www.okx.com/api/v5/market/books?instId=BTC-USDT&sz=400").unwrap(), "BTC-USDT");
        assert_eq!(depth("https://api.binance.com/api/v3/ticker?symbol=NKNUSDT"), None);
        assert_eq!(is_metadata_url("https://fapi.binance.com/fapi/v1/exchangeInfo"), Some(Venue::BinanceUsdm));
        assert_eq!(is_metadata_url("https://fapi.binance.com/fapi/v1/time"), None);
    }
}
