//! Lines: what is sent to log in, and how its answers are read.

use crate::support::{VENUES, WALL_MS, ed25519_keys, keys, line, listed, order, private};
use highwire_links::fill::OrderReject;
use highwire_links::order::Action;
use highwire_venues::Venue;
use highwire_venues::keys::{KeyError, KeyMaterial, Keys};
use highwire_venues::orders::{LoginAck, PlanError, Transport, order_line, private_line};

fn accepted(venue: Venue, step: usize, frame: &str) -> LoginAck {
    (private(venue).login[step].expect)(frame.as_bytes())
}

#[test]
fn private_lines_log_in_and_ask_for_our_orders() {
    let spot = private(Venue::BinanceSpot);
    assert_eq!(spot.path, "/ws-api/v3");
    assert!(spot.login[0].frame().contains(r#""method":"userDataStream.subscribe.signature""#));
    let usdm = private(Venue::BinanceUsdm);
    assert_eq!((usdm.path.as_str(), usdm.login.len()), ("/private/ws/listen-key", 0));
    assert!(!format!("{usdm:?}").contains("listen-key"));
    let okx = private(Venue::Okx);
    assert!(okx.login[0].frame().starts_with(r#"{"op":"login","args":[{"apiKey":"dummy-key""#));
    assert_eq!(okx.login[1].frame(), r#"{"op":"subscribe","args":[{"channel":"orders","instType":"ANY"}]}"#);
    assert_eq!(okx.heartbeat.unwrap().1, "ping");
    let bybit = private(Venue::BybitLinear);
    assert_eq!(bybit.path, "/v5/private");
    assert!(bybit.login[0].frame().starts_with(r#"{"op":"auth","args":["dummy-key",1790000010123,""#));
    assert!(bybit.login[1].frame().contains(r#""args":["order.linear","execution.linear","dcp.future"]"#));
    assert_eq!(line(Venue::BybitSpot, Transport::Socket).path, "/v5/trade");
}

#[test]
fn a_private_line_carries_nothing() {
    for venue in VENUES {
        let mut codec = private(venue).codec;
        for action in [Action::Place, Action::Cancel, Action::CancelAll, Action::Amend, Action::Query] {
            assert!(!codec.carries(action));
            assert_eq!(codec.encode(&order(action), WALL_MS, &mut Vec::new()), Err(OrderReject::Encoding));
        }
    }
}

#[test]
fn answers_to_a_login_are_told_apart() {
    let refused = |ack| matches!(ack, LoginAck::Refused(_));
    for (venue, step, yes, no) in [
        (
            Venue::BinanceSpot,
            0,
            r#"{"id":"login","status":200,"result":{"subscriptionId":0}}"#,
            r#"{"id":"login","status":401,"error":{"code":-2015,"msg":"Invalid API-key"}}"#,
        ),
        (
            Venue::Okx,
            0,
            r#"{"event":"login","code":"0","msg":"","connId":".."}"#,
            r#"{"event":"error","code":"60009","msg":"Login failed.","connId":"a"}"#,
        ),
        (
            Venue::Okx,
            1,
            r#"{"event":"subscribe","arg":{"channel":"orders","instType":"ANY"},"connId":"a"}"#,
            r#"{"event":"error","code":"60011","msg":"Please log in"}"#,
        ),
        (
            Venue::BybitSpot,
            0,
            r#"{"success":true,"ret_msg":"","op":"auth","conn_id":".."}"#,
            r#"{"success":false,"ret_msg":"error","op":"auth","conn_id":".."}"#,
        ),
        (
            Venue::BybitSpot,
            0,
            r#"{"retCode":0,"retMsg":"OK","op":"auth","connId":".."}"#,
            r#"{"retCode":10004,"retMsg":"error sign","op":"auth","connId":".."}"#,
        ),
        (
            Venue::BybitSpot,
            1,
            r#"{"success":true,"ret_msg":"subscribe","op":"subscribe"}"#,
            r#"{"success":false,"ret_msg":"denied","op":"subscribe"}"#,
        ),
    ] {
        assert_eq!(accepted(venue, step, yes), LoginAck::Accepted, "{yes}");
        assert!(refused(accepted(venue, step, no)), "{no}");
        for other in ["pong", "", r#"{"op":"pong","args":["1672916271846"]}"#, r#"{"event":"channel-conn-count"}"#] {
            assert_eq!(accepted(venue, step, other), LoginAck::Other, "{other}");
        }
    }
}

#[test]
fn a_line_that_cannot_be_is_said_why() {
    let bare = Keys::new("k".into(), KeyMaterial::Hmac("s".into())).unwrap();
    let okx = order_line(Venue::Okx, &bare, &[], Transport::Socket, "", WALL_MS);
    assert_eq!(okx.unwrap_err(), PlanError::Key(KeyError::Missing("passphrase")));
    let usdm = private_line(Venue::BinanceUsdm, &keys(), &listed(Venue::BinanceUsdm), None, WALL_MS);
    assert_eq!(usdm.unwrap_err(), PlanError::StreamKey);
    for venue in [Venue::Okx, Venue::BybitSpot] {
        let keys = ed25519_keys().with_passphrase("p".into()).unwrap();
        let refused = order_line(venue, &keys, &[], Transport::Http, "", WALL_MS).unwrap_err();
        assert_eq!(refused, PlanError::Key(KeyError::Kind), "{venue:?} has no Ed25519 keys");
    }
    let coinm = order_line(Venue::BinanceCoinm, &keys(), &[], Transport::Http, "", WALL_MS);
    assert_eq!(coinm.unwrap_err(), PlanError::Venue("binance_coinm"));
}

#[test]
fn every_line_names_hosts_of_its_carrier_and_budgets() {
    for venue in VENUES {
        for (transport, scheme) in [(Transport::Socket, "wss://"), (Transport::Http, "https://")] {
            let plan = line(venue, transport);
            assert!(!plan.hosts.is_empty() && plan.hosts.iter().all(|host| host.starts_with(scheme)));
            assert!(!plan.rates.is_empty() && plan.rates.iter().all(|rule| rule.limit > 0 && rule.span_ns > 0));
        }
    }
}
