//! Private messages in words of a later version: what can be read of them is told, nothing ends an order, and the word that
//! is not known is told as drift.

use super::support::{NOW, TEXT, message, private};
use highwire_links::drift::DriftKind::{self, Event, Status};
use highwire_links::fill::ReportKind;
use highwire_venues::venue::Venue;

fn spot(change: &str, state: &str) -> String {
    format!(
        r#"{{"event":{{"e":"executionReport","E":1,"s":"BTCUSDT","c":"{TEXT}","S":"BUY","q":"1","p":"65000","C":"","x":"{change}","X":"{state}","r":"NONE","l":"0.5","z":"0.5","L":"64999","n":"0","N":null,"T":2,"t":7,"m":false}}}}"#
    )
}

fn usdm(change: &str, state: &str) -> String {
    let order = format!(
        r#"{{"s":"BTCUSDT","c":"{TEXT}","S":"SELL","q":"0.010","p":"65000.1","x":"{change}","X":"{state}","l":"0.010","z":"0.010","L":"65000.5","N":"USDT","n":"0.26","T":1,"t":123,"m":false,"er":"0"}}"#
    );
    format!(r#"{{"e":"ORDER_TRADE_UPDATE","E":1,"T":1,"o":{order}}}"#)
}

fn okx(state: &str) -> String {
    let entry = format!(
        r#"{{"instId":"BTC-USDT","clOrdId":"{TEXT}","side":"sell","px":"31527.1","sz":"0.001","state":"{state}","accFillSz":"0.001","fillPx":"31527.1","fillSz":"0.001","tradeId":"7","execType":"T","fillFee":"-0.02","fillFeeCcy":"USDT","uTime":"1"}}"#
    );
    format!(r#"{{"arg":{{"channel":"orders","instType":"ANY","uid":"614488474791936"}},"data":[{entry}]}}"#)
}

fn bybit(state: &str) -> String {
    format!(
        r#"{{"topic":"order","data":[{{"category":"spot","symbol":"BTCUSDT","orderLinkId":"{TEXT}","side":"Buy","price":"65000","qty":"0.01","orderStatus":"{state}","leavesQty":"0","cumExecQty":"0.01","createdTime":"1","updatedTime":"2","rejectReason":"EC_NoError"}}]}}"#
    )
}

fn execution(kind: &str) -> String {
    format!(
        r#"{{"topic":"execution","data":[{{"category":"linear","symbol":"BTCUSDT","orderLinkId":"{TEXT}","side":"Sell","orderQty":"0.5","leavesQty":"0","execId":"0ab1","execPrice":"95900.1","execQty":"0.5","execFee":"26.37","feeCurrency":"","execType":"{kind}","isMaker":false,"execTime":"1"}}]}}"#
    )
}

/// Venue, message, the word that is not known, and what is told of the order all the same.
type Case = (Venue, String, Option<(DriftKind, &'static str)>, &'static [ReportKind]);

fn cases() -> Vec<Case> {
    use ReportKind::{Done, Fill};
    use Venue::{BinanceSpot, BinanceUsdm, BybitLinear, BybitSpot, Okx};
    let text = str::to_owned;
    vec![
        (BinanceSpot, spot("TRADE", "FILLED_BY_AUCTION"), Some((Status, "FILLED_BY_AUCTION")), &[Fill]),
        (BinanceSpot, spot("TRADE", "PARTIALLY_FILLED"), None, &[Fill]),
        (BinanceSpot, spot("AUCTION", "NEW"), Some((Event, "AUCTION")), &[]),
        (BinanceSpot, spot("TRADE_PREVENTION", "EXPIRED_IN_MATCH"), None, &[Done]),
        (BinanceSpot, text(r#"{"event":{"e":"outboundAccountPosition","B":[]}}"#), None, &[]),
        (BinanceSpot, text(r#"{"event":{"e":"orderAuction","X":"FILLED"}}"#), Some((Event, "orderAuction")), &[]),
        (BinanceUsdm, usdm("TRADE", "HALF_FILLED"), Some((Status, "HALF_FILLED")), &[Fill]),
        (BinanceUsdm, text(r#"{"e":"TRADE_LITE","s":"BTCUSDT"}"#), None, &[]),
        (BinanceUsdm, text(r#"{"e":"ORDER_AUCTION_UPDATE","o":{}}"#), Some((Event, "ORDER_AUCTION_UPDATE")), &[]),
        (Okx, okx("filled_by_auction"), Some((Status, "filled_by_auction")), &[Fill]),
        (Okx, okx("partially_filled"), None, &[Fill]),
        (Okx, text(r#"{"arg":{"channel":"orders-auction"},"data":[]}"#), Some((Event, "orders-auction")), &[]),
        (Okx, text(r#"{"event":"auction-start"}"#), Some((Event, "auction-start")), &[]),
        (Okx, text(r#"{"event":"channel-conn-count","channel":"orders","connCount":"2"}"#), None, &[]),
        (BybitSpot, bybit("FilledByAuction"), Some((Status, "FilledByAuction")), &[]),
        (BybitSpot, bybit("Filled"), None, &[Done]),
        (BybitLinear, execution("Auction"), Some((Event, "Auction")), &[]),
        (BybitLinear, execution("Trade"), None, &[Fill]),
        (BybitSpot, text(r#"{"topic":"order.auction","data":[]}"#), Some((Event, "order.auction")), &[]),
        (BybitSpot, text(r#"{"topic":"dcp.spot","data":[]}"#), None, &[]),
        (BybitSpot, text(r#"{"op":"auction"}"#), Some((Event, "auction")), &[]),
        (BybitSpot, text(r#"{"success":true,"op":"subscribe","conn_id":"x"}"#), None, &[]),
    ]
}

#[test]
fn a_word_of_a_later_version_is_told_and_ends_no_order() {
    for (venue, text, drift, reports) in cases() {
        let (_, heard) = message(&mut *private(venue).codec, &text);
        let wanted: Vec<_> = drift.iter().map(|&(kind, word)| (kind, word.to_owned())).collect();
        assert_eq!((&heard.drifts, heard.kinds().as_slice()), (&wanted, reports), "{venue:?}: {text}");
        assert!(heard.reports.iter().all(|report| report.at_ns <= NOW), "{venue:?}: {text}");
    }
}
