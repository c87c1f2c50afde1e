//! Our own orders of every type, verified by the venues' recipes with another HMAC than ours: from the
//! written bytes alone.

use crate::support::{ID, SECRET, TEXT, VENUES, WALL_MS, ed25519_keys, encoded, keys, line, listed, order};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use highwire_links::fill::OrderReject;
use highwire_links::order::{Action, Order, TimeInForce};
use highwire_links::{InstrumentId, Px, Qty, Side};
use highwire_venues::Venue;
use highwire_venues::keys::{KeyMaterial, Keys};
use highwire_venues::orders::{Transport, order_line};
use ring::hmac;
use ring::signature::{ED25519, RSA_PKCS1_2048_8192_SHA256, UnparsedPublicKey};
use serde_json::Value;

const ACTIONS: [Action; 5] = [Action::Place, Action::Cancel, Action::CancelAll, Action::Amend, Action::Query];
const LIVES: [TimeInForce; 4] = [TimeInForce::Ioc, TimeInForce::Fok, TimeInForce::Gtc, TimeInForce::PostOnly];

fn mac(message: &str) -> Vec<u8> {
    hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, SECRET.as_bytes()), message.as_bytes()).as_ref().to_vec()
}

fn hex(message: &str) -> String {
    mac(message).iter().map(|byte| format!("{byte:02x}")).collect()
}

/// A request taken apart: method, path, query, headers and body.
struct Http<'a> {
    method: &'a str,
    target: &'a str,
    headers: Vec<(&'a str, &'a str)>,
    body: &'a str,
}

impl<'a> Http<'a> {
    fn of(text: &'a str) -> Self {
        let (head, body) = text.split_once("\r\n\r\n").unwrap();
        let mut lines = head.split("\r\n");
        let mut words = lines.next().unwrap().split(' ');
        let (method, target) = (words.next().unwrap(), words.next().unwrap());
        assert_eq!((words.next(), words.next()), (Some("HTTP/1.1"), None));
        let headers: Vec<_> = lines.map(|line| line.split_once(": ").unwrap()).collect();
        let http = Self { method, target, headers, body };
        assert_eq!(http.header("Host"), "127.0.0.1:8080");
        if method == "POST" || method == "PUT" {
            assert_eq!(http.header("Content-Length"), body.len().to_string());
        }
        http
    }

    fn header(&self, name: &str) -> &'a str {
        let found: Vec<_> = self.headers.iter().filter(|(key, _)| *key == name).collect();
        assert_eq!(found.len(), 1, "{name}");
        found[0].1
    }

    fn query(&self) -> &'a str {
        self.target.split_once('?').map_or("", |(_, query)| query)
    }
}

fn verify_http(venue: Venue, text: &str) {
    let http = Http::of(text);
    match venue {
        Venue::BinanceSpot | Venue::BinanceUsdm => {
            let (signed, signature) = http.query().rsplit_once("&signature=").unwrap();
            assert_eq!(signature, hex(signed));
            assert_eq!(http.header("X-MBX-APIKEY"), "dummy-key");
            assert!(signed.contains(&format!("timestamp={WALL_MS}")) && signed.contains("recvWindow="));
        }
        Venue::Okx => {
            let time = http.header("OK-ACCESS-TIMESTAMP");
            assert_eq!(time, "2026-09-21T14:13:20.123Z");
            let signed = format!("{time}{}{}{}", http.method, http.target, http.body);
            assert_eq!(http.header("OK-ACCESS-SIGN"), STANDARD.encode(mac(&signed)));
            assert_eq!(http.header("OK-ACCESS-KEY"), "dummy-key");
            assert_eq!(http.header("OK-ACCESS-PASSPHRASE"), "dummyPass!1");
        }
        _ => {
            let payload = if http.method == "GET" { http.query() } else { http.body };
            let window = http.header("X-BAPI-RECV-WINDOW");
            let signed =
                format!("{}{}{window}{payload}", http.header("X-BAPI-TIMESTAMP"), http.header("X-BAPI-API-KEY"));
            assert_eq!(http.header("X-BAPI-TIMESTAMP"), WALL_MS.to_string());
            assert_eq!(http.header("X-BAPI-SIGN"), hex(&signed));
        }
    }
}

/// What the WebSocket API of Binance signs, from the message alone.
fn binance_payload(message: &Value) -> String {
    let params = message["params"].as_object().unwrap();
    let mut pairs: Vec<String> = params
        .iter()
        .filter(|(name, _)| *name != "signature")
        .map(|(name, value)| format!("{name}={}", value.as_str().map_or_else(|| value.to_string(), str::to_owned)))
        .collect();
    pairs.sort();
    pairs.join("&")
}

fn verify_message(venue: Venue, text: &str) {
    let message: Value = serde_json::from_str(text).unwrap();
    match venue {
        Venue::BinanceSpot | Venue::BinanceUsdm => {
            assert_eq!(message["params"]["signature"], hex(&binance_payload(&message)));
            assert_eq!(message["params"]["timestamp"], WALL_MS);
        }
        // The session was logged in: a message has a time, but no signature.
        Venue::Okx => assert!(message["args"][0]["instIdCode"].is_u64()),
        _ => assert_eq!(message["header"]["X-BAPI-TIMESTAMP"], WALL_MS.to_string()),
    }
}

/// Conformance: binance_spot orders; binance_usdm orders; okx orders; bybit_spot orders; bybit_linear orders
#[test]
fn every_order_of_every_venue_and_transport_verifies_from_its_bytes() {
    let mut seen = 0;
    for venue in VENUES {
        for transport in [Transport::Socket, Transport::Http] {
            let mut codec = line(venue, transport).codec;
            for action in ACTIONS.into_iter().filter(|action| codec.carries(*action)).collect::<Vec<_>>() {
                for (tif, side) in LIVES.into_iter().flat_map(|tif| [(tif, Side::Buy), (tif, Side::Sell)]) {
                    for reduce_only in [false, true] {
                        let text = encoded(&mut *codec, &Order { tif, side, reduce_only, ..order(action) });
                        match transport {
                            Transport::Http => verify_http(venue, &text),
                            Transport::Socket => verify_message(venue, &text),
                        }
                        assert_eq!(text.contains(TEXT), action != Action::CancelAll, "{text}");
                        seen += 1;
                    }
                }
            }
        }
    }
    // 16 of each action: 5 and 5 at Binance spot, 4 and 5 at USD-M, 3 and 4 at OKX, 3 and 5 at Bybit twice.
    assert_eq!(seen, 16 * (10 + 9 + 7 + 8 + 8));
}

fn fields(venue: Venue, order: &Order) -> Value {
    let mut codec = line(venue, Transport::Socket).codec;
    let message: Value = serde_json::from_str(&encoded(&mut *codec, order)).unwrap();
    if message["params"].is_object() { message["params"].clone() } else { message["args"][0].clone() }
}

#[test]
fn binance_orders_say_what_was_asked() {
    let spot = fields(Venue::BinanceSpot, &order(Action::Place));
    for (name, value) in [
        ("symbol", "BTCUSDT"),
        ("side", "BUY"),
        ("type", "LIMIT"),
        ("timeInForce", "IOC"),
        ("price", "65000.12"),
        ("quantity", "0.01"),
        ("newClientOrderId", TEXT),
    ] {
        assert_eq!(spot[name], value);
    }
    let maker =
        fields(Venue::BinanceSpot, &Order { tif: TimeInForce::PostOnly, reduce_only: true, ..order(Action::Place) });
    assert_eq!(
        (&maker["type"], maker.get("timeInForce"), maker.get("reduceOnly")),
        (&"LIMIT_MAKER".into(), None, None)
    );
    let maker =
        fields(Venue::BinanceUsdm, &Order { tif: TimeInForce::PostOnly, reduce_only: true, ..order(Action::Place) });
    assert_eq!(
        (&maker["type"], &maker["timeInForce"], &maker["reduceOnly"]),
        (&"LIMIT".into(), &"GTX".into(), &"true".into())
    );
    let modified = fields(Venue::BinanceUsdm, &order(Action::Amend));
    assert_eq!(
        (&modified["price"], &modified["quantity"], &modified["side"]),
        (&"65000.12".into(), &"0.01".into(), &"BUY".into())
    );
}

#[test]
fn a_spot_order_is_amended_down_at_its_own_price_only() {
    let mut codec = line(Venue::BinanceSpot, Transport::Socket).codec;
    let mut out = Vec::new();
    assert_eq!(
        codec.encode(&order(Action::Amend), WALL_MS, &mut out),
        Err(OrderReject::Encoding),
        "its price is not known"
    );
    encoded(&mut *codec, &order(Action::Place));
    let text = encoded(&mut *codec, &Order { qty: Qty(500), ..order(Action::Amend) });
    let message: Value = serde_json::from_str(&text).unwrap();
    assert_eq!(message["method"], "order.amend.keepPriority");
    assert_eq!((&message["params"]["newQty"], &message["params"]["newClientOrderId"]), (&"0.005".into(), &TEXT.into()));
    let dearer = Order { px: Px(6_500_013), ..order(Action::Amend) };
    assert_eq!(codec.encode(&dearer, WALL_MS, &mut out), Err(OrderReject::Encoding));
}

#[test]
fn okx_orders_say_what_was_asked() {
    let spot = fields(Venue::Okx, &order(Action::Place));
    for (name, value) in
        [("tdMode", "cash"), ("side", "buy"), ("ordType", "ioc"), ("sz", "0.01"), ("px", "65000.12"), ("clOrdId", TEXT)]
    {
        assert_eq!(spot[name], value);
    }
    assert_eq!((&spot["instIdCode"], spot.get("instId"), spot.get("reduceOnly")), (&1_000_000_000.into(), None, None));
    let swap =
        Order { instrument: InstrumentId(4), tif: TimeInForce::PostOnly, reduce_only: true, ..order(Action::Place) };
    let swap = fields(Venue::Okx, &swap);
    assert_eq!(
        (&swap["tdMode"], &swap["ordType"], &swap["reduceOnly"]),
        (&"cross".into(), &"post_only".into(), &"true".into())
    );
    let text = encoded(&mut *line(Venue::Okx, Transport::Socket).codec, &order(Action::Place));
    assert!(
        text.starts_with(r#"{"id":"p000100000000002a","op":"order","expTime":"1790000002123","args":[{"#),
        "{text}"
    );
    let text = encoded(&mut *line(Venue::Okx, Transport::Http).codec, &order(Action::Place));
    assert!(text.contains("expTime: 1790000002123\r\n") && text.contains(r#"{"instId":"BTC-USDT","#), "{text}");
}

#[test]
fn bybit_orders_say_what_was_asked() {
    let spot = fields(Venue::BybitSpot, &order(Action::Place));
    for (name, value) in [
        ("category", "spot"),
        ("symbol", "BTCUSDT"),
        ("side", "Buy"),
        ("orderType", "Limit"),
        ("timeInForce", "IOC"),
        ("qty", "0.01"),
        ("price", "65000.12"),
        ("orderLinkId", TEXT),
    ] {
        assert_eq!(spot[name], value);
    }
    assert_eq!(spot.get("reduceOnly"), None);
    let linear = fields(Venue::BybitLinear, &Order { reduce_only: true, ..order(Action::Place) });
    assert_eq!(
        (&linear["category"], &linear["reduceOnly"], &linear["positionIdx"]),
        (&"linear".into(), &true.into(), &0.into())
    );
    let text = encoded(&mut *line(Venue::BybitLinear, Transport::Http).codec, &order(Action::CancelAll));
    assert!(
        text.starts_with("POST /v5/order/cancel-all HTTP/1.1\r\n")
            && text.ends_with(r#"{"category":"linear","symbol":"BTCUSDT"}"#)
    );
}

#[test]
fn a_session_that_was_logged_on_signs_its_messages_no_more() {
    let plan =
        order_line(Venue::BinanceSpot, &ed25519_keys(), &listed(Venue::BinanceSpot), Transport::Socket, "", WALL_MS);
    let mut plan = plan.unwrap();
    assert!(plan.login[0].frame().contains(r#""method":"session.logon""#));
    let message: Value = serde_json::from_str(&encoded(&mut *plan.codec, &order(Action::Place))).unwrap();
    let params = message["params"].as_object().unwrap();
    assert!(!params.contains_key("apiKey") && !params.contains_key("signature") && params.contains_key("timestamp"));
    assert!(line(Venue::BinanceSpot, Transport::Socket).login.is_empty(), "an HMAC key cannot log on");
}

#[test]
fn an_ed25519_request_verifies_with_the_public_key_and_is_escaped() {
    let plan = order_line(
        Venue::BinanceSpot,
        &ed25519_keys(),
        &listed(Venue::BinanceSpot),
        Transport::Http,
        "127.0.0.1:8080",
        WALL_MS,
    );
    let text = encoded(&mut *plan.unwrap().codec, &order(Action::Place));
    let (signed, signature) = Http::of(&text).query().rsplit_once("&signature=").unwrap();
    assert!(!signature.contains(['+', '/', '=']));
    let signature = signature.replace("%2B", "+").replace("%2F", "/").replace("%3D", "=");
    let public = STANDARD.decode("MCowBQYDK2VwAyEAA6EHv/POEL4dcN0Y50vAmWfk1jCbpQ1fHdyGZBJVMbg=").unwrap();
    let key = UnparsedPublicKey::new(&ED25519, &public[12..]);
    key.verify(signed.as_bytes(), &STANDARD.decode(signature).unwrap()).unwrap();
}

#[test]
fn what_cannot_be_written_is_refused_and_not_sent() {
    let mut out = Vec::new();
    for venue in VENUES {
        for transport in [Transport::Socket, Transport::Http] {
            let mut codec = line(venue, transport).codec;
            for bad in [
                Order { instrument: InstrumentId(9), ..order(Action::Place) },
                Order { px: Px(-1), ..order(Action::Place) },
                Order { qty: Qty(-1), ..order(Action::Place) },
            ] {
                out.clear();
                assert_eq!(codec.encode(&bad, WALL_MS, &mut out), Err(OrderReject::Encoding));
            }
            for action in ACTIONS.into_iter().filter(|action| !codec.carries(*action)).collect::<Vec<_>>() {
                out.clear();
                assert_eq!(codec.encode(&order(action), WALL_MS, &mut out), Err(OrderReject::Encoding));
            }
        }
    }
    let mut unnamed = listed(Venue::Okx);
    unnamed[0].code = None;
    let mut plan = order_line(Venue::Okx, &keys(), &unnamed, Transport::Socket, "", WALL_MS).unwrap();
    out.clear();
    assert_eq!(plan.codec.encode(&order(Action::Place), WALL_MS, &mut out), Err(OrderReject::Encoding));
}

#[test]
fn no_key_is_printed_with_a_line() {
    for venue in VENUES {
        let plan = line(venue, Transport::Socket);
        let text = format!("{plan:?} {:?} {:?}", plan.codec, plan.login);
        assert!(!text.contains(SECRET) && !text.contains("dummy-key") && !text.contains("dummyPass"), "{text}");
    }
    assert_eq!(ID, 0x0001_0000_0000_002a);
}

#[test]
fn an_rsa_request_verifies_with_the_public_key_from_either_form_of_pem() {
    let public = include_str!("keys/dummy_rsa_public.pem");
    let body: String = public.lines().filter(|line| !line.starts_with("-----")).collect();
    let public = STANDARD.decode(body).unwrap();
    let key = UnparsedPublicKey::new(&RSA_PKCS1_2048_8192_SHA256, &public);
    for pem in [include_str!("keys/dummy_rsa.pem"), include_str!("keys/dummy_rsa_pkcs1.pem")] {
        let keys = Keys::new("dummy-key".into(), KeyMaterial::Rsa(pem.into())).unwrap();
        let listed = listed(Venue::BinanceSpot);
        let plan = order_line(Venue::BinanceSpot, &keys, &listed, Transport::Http, "127.0.0.1:8080", WALL_MS);
        let text = encoded(&mut *plan.unwrap().codec, &order(Action::Place));
        let (signed, signature) = Http::of(&text).query().rsplit_once("&signature=").unwrap();
        let signature = signature.replace("%2B", "+").replace("%2F", "/").replace("%3D", "=");
        key.verify(signed.as_bytes(), &STANDARD.decode(signature).unwrap()).unwrap();
    }
}
