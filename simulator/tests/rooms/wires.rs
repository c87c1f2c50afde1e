//! Faults of the network: half-open, reset, cut, slow, split, corrupted and refused connections, as the
//! client's socket feels them, on one endpoint or connection and not on the other.

use std::io::ErrorKind;
use std::time::{Duration, Instant};

use highwire_simulator::fault::verb::Direction;
use highwire_simulator::{Endpoint, Injection, RuleOverrides, Simulator, Venue, Verb};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::{Error, Message};

use crate::client::{Client, get, lively, raw};

const VENUE: Venue = Venue::BinanceSpot;
const QUIET: Duration = Duration::from_millis(150);

fn url(simulator: &Simulator, endpoint: Endpoint) -> String {
    format!("{}/ws/btcusdt@bookTicker", simulator.endpoint(VENUE, endpoint).unwrap().ws)
}

async fn pair() -> (Simulator, Client, Client) {
    let simulator = lively(RuleOverrides::default()).await;
    let mut a = Client::open(&url(&simulator, Endpoint::A)).await.unwrap();
    let mut b = Client::open(&url(&simulator, Endpoint::B)).await.unwrap();
    a.json().await;
    b.json().await;
    (simulator, a, b)
}

fn on_a(simulator: &Simulator, verb: Verb) -> usize {
    simulator.control().apply(Injection::new(VENUE, verb).on(Endpoint::A)).unwrap()
}

/// Whether the stream falls silent, once what was on its way has arrived.
async fn silent(client: &mut Client) -> bool {
    for _ in 0..500 {
        match tokio::time::timeout(QUIET, client.next()).await {
            Err(_) => return true,
            Ok(Some(_)) => {}
            Ok(None) => return false,
        }
    }
    false
}

#[tokio::test]
async fn a_half_open_connection_is_silent_without_an_end_while_the_other_endpoint_lives() {
    let (simulator, mut a, mut b) = pair().await;
    assert_eq!(on_a(&simulator, Verb::Blackhole { dir: Direction::Both }), 1);
    assert!(silent(&mut a).await);
    b.json().await;
    // our bytes are still taken, and even a room that gives up does not show
    a.say(r#"{"method":"LIST_SUBSCRIPTIONS","id":1}"#).await;
    on_a(&simulator, Verb::Close { code: 1001, reason: String::new() });
    assert!(tokio::time::timeout(QUIET, a.next()).await.is_err(), "no frame, no FIN, no RST");
    simulator.stop().await;
}

#[tokio::test]
async fn one_way_holes_let_the_other_way_through() {
    let (simulator, mut a, _b) = pair().await;
    on_a(&simulator, Verb::Blackhole { dir: Direction::Up });
    a.say(r#"{"method":"LIST_SUBSCRIPTIONS","id":9}"#).await;
    for _ in 0..20 {
        assert!(a.json().await.get("id").is_none(), "the request never arrived");
    }
    simulator.control().take_back(|_, _| true);
    a.say(r#"{"method":"LIST_SUBSCRIPTIONS","id":10}"#).await;
    a.find(|m| m["id"] == 10).await;
    simulator.stop().await;
}

#[tokio::test]
async fn a_reset_is_a_reset_and_a_fin_is_a_fin() {
    let (simulator, mut a, mut b) = pair().await;
    assert_eq!(on_a(&simulator, Verb::Reset {}), 1);
    let end = loop {
        match futures_util::StreamExt::next(&mut a.0).await {
            Some(Ok(_)) => {}
            other => break other,
        }
    };
    assert!(matches!(&end, Some(Err(Error::Io(e))) if e.kind() == ErrorKind::ConnectionReset), "{end:?}");
    simulator.control().apply(Injection::new(VENUE, Verb::Fin { mid_frame: false }).on(Endpoint::B)).unwrap();
    let end = loop {
        match futures_util::StreamExt::next(&mut b.0).await {
            Some(Ok(_)) => {}
            other => break other,
        }
    };
    let fin = |e: &Error| !matches!(e, Error::Io(e) if e.kind() == ErrorKind::ConnectionReset);
    assert!(end.is_none() || matches!(&end, Some(Err(e)) if fin(e)), "{end:?}");
    simulator.stop().await;
}

#[tokio::test]
async fn a_connection_ends_in_the_middle_of_a_frame() {
    let simulator = lively(RuleOverrides::default()).await;
    let host = simulator.address(VENUE).unwrap().ws.strip_prefix("ws://").unwrap().to_owned();
    let mut socket = TcpStream::connect(&host).await.unwrap();
    let head = format!(
        "GET /ws/btcusdt@bookTicker HTTP/1.1\r\nHost: {host}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"
    );
    socket.write_all(head.as_bytes()).await.unwrap();
    socket.read_u8().await.unwrap();
    on_a(&simulator, Verb::Fin { mid_frame: true });
    let mut bytes = Vec::new();
    socket.read_to_end(&mut bytes).await.expect("a FIN");
    let end = bytes.windows(4).position(|w| w == b"\r\n\r\n").unwrap() + 4;
    let mut rest = &bytes[end..];
    while rest.len() >= 2 && rest.len() >= 2 + usize::from(rest[1]) && rest[1] < 126 {
        rest = &rest[2 + usize::from(rest[1])..];
    }
    assert!(!rest.is_empty(), "the last frame is not whole");
    simulator.stop().await;
}

#[tokio::test]
async fn delay_and_throttle_slow_a_connection_down() {
    let (simulator, mut a, _b) = pair().await;
    let ask = async |client: &mut Client, id: i64| {
        let asked = Instant::now();
        client.say(&format!(r#"{{"method":"LIST_SUBSCRIPTIONS","id":{id}}}"#)).await;
        client.find(|m| m["id"] == id).await;
        asked.elapsed()
    };
    on_a(&simulator, Verb::Delay { ms: 100, jitter_ms: 20 });
    assert!(ask(&mut a, 1).await >= Duration::from_millis(190), "both ways");
    simulator.control().take_back(|_, _| true);
    let mut quickest = Duration::MAX;
    for id in 2..4 {
        // The venue takes five messages a second.
        tokio::time::sleep(QUIET).await;
        quickest = quickest.min(ask(&mut a, id).await);
    }
    assert!(quickest < Duration::from_millis(190), "delayed no more");
    on_a(&simulator, Verb::Throttle { bytes_s: 1_000 });
    simulator.control().pause();
    tokio::time::sleep(QUIET).await;
    on_a(&simulator, Verb::Huge { bytes: 300 });
    let asked = Instant::now();
    a.find(|m| m.get("pad").is_some()).await;
    assert!(asked.elapsed() >= Duration::from_millis(200), "300 bytes at 1000 a second");
    simulator.stop().await;
}

#[tokio::test]
async fn chunks_arrive_whole_and_corruption_does_not() {
    let (simulator, mut a, _b) = pair().await;
    on_a(&simulator, Verb::Chunk { n: 3 });
    for _ in 0..5 {
        assert!(a.json().await["u"].is_u64());
    }
    simulator.control().take_back(|_, _| true);
    on_a(&simulator, Verb::Corrupt { p: 0.2 });
    let mut wrong = 0;
    for _ in 0..40 {
        match futures_util::StreamExt::next(&mut a.0).await {
            Some(Ok(Message::Text(text))) => {
                wrong += u32::from(serde_json::from_str::<serde_json::Value>(&text).is_err());
            }
            Some(Ok(_)) => {}
            Some(Err(_)) | None => wrong += 1,
        }
    }
    assert!(wrong > 0);
    simulator.stop().await;
}

#[tokio::test]
async fn a_refusing_port_refuses_and_opens_again_at_the_same_address() {
    let (simulator, _a, mut b) = pair().await;
    let (control, address) = (simulator.control(), simulator.address(VENUE).unwrap().ws.clone());
    control.apply(Injection::new(VENUE, Verb::Refuse {}).on(Endpoint::A).lasting_ms(300)).unwrap();
    let host = address.strip_prefix("ws://").unwrap();
    let mut refused = false;
    for _ in 0..50 {
        refused |= TcpStream::connect(host).await.is_err_and(|e| e.kind() == ErrorKind::ConnectionRefused);
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    assert!(refused);
    b.json().await;
    tokio::time::sleep(Duration::from_millis(300)).await;
    Client::open(&url(&simulator, Endpoint::A)).await.expect("open again");
    simulator.stop().await;
}

#[tokio::test]
async fn handshakes_stall_drip_mislead_and_are_redirected() {
    let simulator = lively(RuleOverrides::default()).await;
    let control = simulator.control();
    let open = async || attempt(&url(&simulator, Endpoint::A)).await;
    for (verb, wanted) in [
        (Verb::AcceptNoReply {}, "stall"),
        (Verb::Drip { bytes_s: 20 }, "stall"),
        (Verb::WrongAcceptKey {}, "SecWebSocketAcceptKeyMismatch"),
        (Verb::Redirect { location: "ws://127.0.0.1:1/".to_owned() }, "302"),
    ] {
        control.apply(Injection::new(VENUE, verb.clone())).unwrap();
        assert!(open().await.contains(wanted), "{verb:?}");
        control.take_back(|_, _| true);
    }
    assert_eq!(open().await, "open");
    simulator.stop().await;
}

/// How an attempt to connect went, in words.
async fn attempt(url: &str) -> String {
    match tokio::time::timeout(Duration::from_millis(300), Client::open(url)).await {
        Err(_) => "stall".to_owned(),
        Ok(Ok(_)) => "open".to_owned(),
        Ok(Err(error)) => format!("{error:?}"),
    }
}

#[tokio::test]
async fn the_first_frame_comes_in_one_segment_with_the_101() {
    let simulator = lively(RuleOverrides::default()).await;
    simulator.control().apply(Injection::new(Venue::Okx, Verb::Piggyback {})).unwrap();
    let host = simulator.address(Venue::Okx).unwrap().ws.strip_prefix("ws://").unwrap().to_owned();
    let mut socket = TcpStream::connect(&host).await.unwrap();
    let head = format!(
        "GET /ws/v5/public HTTP/1.1\r\nHost: {host}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"
    );
    socket.write_all(head.as_bytes()).await.unwrap();
    let mut bytes = [0; 4_096];
    let length = socket.read(&mut bytes).await.unwrap();
    let text = &bytes[..length];
    assert!(text.ends_with(&[0x89, 5, b'f', b'i', b'r', b's', b't']), "{:?}", String::from_utf8_lossy(text));
    simulator.stop().await;
}

#[tokio::test]
async fn rest_connections_are_bent_too_and_single_connections_singled_out() {
    let (simulator, mut a, mut b) = pair().await;
    let rest = simulator.address(VENUE).unwrap().rest.clone();
    on_a(&simulator, Verb::Fin { mid_frame: false });
    simulator.control().apply(Injection::new(VENUE, Verb::Delay { ms: 80, jitter_ms: 0 }).on(Endpoint::A)).unwrap();
    let asked = Instant::now();
    assert_eq!(get(&rest, "/api/v3/time").await.0, 200);
    assert!(asked.elapsed() >= Duration::from_millis(150));
    assert_eq!(a.end().await, None);
    // the first connection was number 1, the second 2
    assert_eq!(simulator.control().apply(Injection::new(VENUE, Verb::Reset {}).conn(2)).unwrap(), 1);
    assert_eq!(b.end().await, None);
    assert!(raw(&rest, "GET", "/api/v3/time", "").await.starts_with(b"HTTP/1.1 200"));
    simulator.stop().await;
}
