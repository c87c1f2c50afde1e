//! Damage: whatever happens to a message, nothing panics, and nothing that was not there is told as a fill.

use crate::support::{Heard, TEXT, VENUES, encoded, line, order, response, try_message};
use highwire_links::codec::OrderCodec;
use highwire_links::fill::{Report, ReportKind};
use highwire_links::order::Action;
use highwire_venues::Venue;
use highwire_venues::orders::Transport;
use proptest::prelude::*;

const ACTIONS: [Action; 5] = [Action::Place, Action::Cancel, Action::CancelAll, Action::Amend, Action::Query];

/// Messages with a fill in them, one for each venue.
fn fills(venue: Venue) -> String {
    match venue {
        Venue::BinanceSpot => format!(
            r#"{{"event":{{"e":"executionReport","E":1,"s":"BTCUSDT","c":"{TEXT}","S":"BUY","q":"1.0","p":"65000.12","C":"","x":"TRADE","X":"PARTIALLY_FILLED","r":"NONE","l":"0.25","z":"0.75","L":"65000.11","n":"0.00025","N":"BTC","T":1499405658657,"t":77,"m":true}}}}"#
        ),
        Venue::BinanceUsdm => format!(
            r#"{{"e":"ORDER_TRADE_UPDATE","E":1,"T":1,"o":{{"s":"BTCUSDT","c":"{TEXT}","S":"SELL","q":"0.010","p":"65000.1","x":"TRADE","X":"PARTIALLY_FILLED","l":"0.010","z":"0.010","L":"65000.5","N":"USDT","n":"0.26","T":1568879465650,"t":123,"m":false}}}}"#
        ),
        Venue::Okx => format!(
            r#"{{"arg":{{"channel":"orders","instType":"ANY"}},"data":[{{"instId":"BTC-USDT","clOrdId":"{TEXT}","side":"sell","px":"31527.1","sz":"0.001","state":"partially_filled","accFillSz":"0.001","fillPx":"31527.1","fillSz":"0.001","fillTime":"1654084353263","tradeId":"242589207","execType":"M","fillFee":"-0.02522168","fillFeeCcy":"USDT","uTime":"1654084353264"}}]}}"#
        ),
        _ => format!(
            r#"{{"topic":"execution","data":[{{"symbol":"BTCUSDT","orderLinkId":"{TEXT}","side":"Sell","orderQty":"0.5","leavesQty":"0.1","execId":"0ab1bdf7","execPrice":"95900.1","execQty":"0.4","execFee":"26.3725275","feeCurrency":"","execType":"Trade","isMaker":false,"execTime":"1746270400353"}}]}}"#
        ),
    }
}

fn fills_of(heard: &Heard) -> Vec<Report> {
    heard
        .reports
        .iter()
        .filter(|report| matches!(report.kind, ReportKind::Fill | ReportKind::Foreign))
        .copied()
        .collect()
}

fn codec(venue: Venue) -> Box<dyn OrderCodec> {
    let mut codec = line(venue, Transport::Socket).codec;
    for action in ACTIONS.into_iter().filter(|action| codec.carries(*action)).collect::<Vec<_>>() {
        encoded(&mut *codec, &order(action));
    }
    codec
}

#[test]
fn a_cut_message_is_refused_at_every_byte() {
    for venue in VENUES {
        let text = fills(venue);
        let mut codec = codec(venue);
        assert_eq!(fills_of(&try_message(&mut *codec, text.as_bytes()).1).len(), 1, "{venue:?}");
        for end in 0..text.len() {
            let (kind, heard) = try_message(&mut *codec, &text.as_bytes()[..end]);
            assert!(kind.is_err() && heard == Heard::default(), "{venue:?} cut at {end}");
        }
    }
}

#[test]
fn a_missing_field_never_makes_a_fill_of_other_numbers() {
    for venue in VENUES {
        let text = fills(venue);
        let mut codec = codec(venue);
        let whole = fills_of(&try_message(&mut *codec, text.as_bytes()).1);
        let names: Vec<&str> = text.split('"').collect();
        for name in names.iter().filter(|name| !name.is_empty() && name.chars().all(char::is_alphanumeric)) {
            // Renaming a field removes it and leaves the rest valid.
            let renamed = text.replace(&format!(r#""{name}":"#), r#""_":"#);
            for fill in fills_of(&try_message(&mut *codec, renamed.as_bytes()).1) {
                assert_eq!((fill.px, fill.qty, fill.trade), (whole[0].px, whole[0].qty, whole[0].trade), "{name}");
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    /// A changed byte may change a digit of a valid message, and no reader can know; but one that breaks
    /// the JSON must never be told as a fill.
    #[test]
    fn a_broken_message_is_never_a_fill(venue in 0usize..5, at: usize, byte: u8, insert: bool) {
        let venue = VENUES[venue];
        let mut bytes = fills(venue).into_bytes();
        let at = at % bytes.len();
        if insert { bytes.insert(at, byte) } else { bytes[at] = byte }
        let valid = serde_json::from_slice::<serde_json::Value>(&bytes).is_ok();
        let (kind, heard) = try_message(&mut *codec(venue), &bytes);
        if !valid {
            prop_assert!(fills_of(&heard).is_empty(), "{}", String::from_utf8_lossy(&bytes));
            prop_assert!(kind.is_err());
        }
    }

    #[test]
    fn no_bytes_make_a_decoder_panic_or_a_fill(venue in 0usize..5, action in 0usize..5, status in 100u16..600, body in proptest::collection::vec(any::<u8>(), 0..200)) {
        let (venue, action) = (VENUES[venue], ACTIONS[action]);
        let (_, heard) = try_message(&mut *codec(venue), &body);
        prop_assert!(heard.reports.is_empty());
        let heard = response(&mut *line(venue, Transport::Http).codec, action, status, "Retry-After: \u{1}\r\n:\r\n", &body);
        let told = if action == Action::Query { vec![] } else { vec![ReportKind::Unknown] };
        prop_assert_eq!(heard.kinds(), told);
    }
}
