//! A plain client: WebSocket text in and out, HTTP GET by hand, decimals as integers, a book of maps.

use std::collections::BTreeMap;
use std::time::Duration;

use futures_util::{SinkExt, StreamExt};
use highwire_simulator::{AssetSpec, MarketConfig, RuleOverrides, Simulator, SimulatorConfig, digest};
use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpSocket, TcpStream};
use tokio_tungstenite::tungstenite::{Error, Message};
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream};

pub(crate) const PATIENCE: Duration = Duration::from_secs(5);

/// One lively asset, streams ten times as often as documented.
pub(crate) async fn lively(rules: RuleOverrides) -> Simulator {
    let assets = vec![AssetSpec::new("BTC", 65_000 * 100_000_000)];
    let market = MarketConfig { seed: 7, assets, rate_per_s: 300, levels: 60, ..MarketConfig::default() };
    let config = SimulatorConfig { market, cadence_divisor: 10, rules, ..SimulatorConfig::default() };
    Simulator::start(config).await.expect("loopback ports")
}

pub(crate) struct Client(pub(crate) WebSocketStream<MaybeTlsStream<TcpStream>>);

impl Client {
    pub(crate) async fn open(url: &str) -> Result<Self, Error> {
        tokio_tungstenite::connect_async(url).await.map(|(socket, _)| Self(socket))
    }

    /// A client with a tiny receive buffer, so that not reading is felt soon.
    pub(crate) async fn narrow(url: &str) -> Self {
        let host = url.strip_prefix("ws://").and_then(|u| u.split('/').next()).expect("a plain address");
        let socket = TcpSocket::new_v4().expect("a socket");
        socket.set_recv_buffer_size(4_096).expect("a small buffer");
        let stream = socket.connect(host.parse().expect("an address")).await.expect("the room is open");
        let stream = MaybeTlsStream::Plain(stream);
        Self(tokio_tungstenite::client_async(url, stream).await.expect("upgraded").0)
    }

    pub(crate) async fn say(&mut self, text: &str) {
        self.0.send(Message::text(text)).await.expect("the connection stands");
    }

    /// The next message of any kind; `None` when the connection has ended.
    pub(crate) async fn next(&mut self) -> Option<Message> {
        tokio::time::timeout(PATIENCE, self.0.next()).await.expect("something in time")?.ok()
    }

    /// The next text.
    pub(crate) async fn text(&mut self) -> String {
        loop {
            match self.next().await {
                Some(Message::Text(text)) => return text.to_string(),
                Some(Message::Ping(_) | Message::Pong(_)) => {}
                other => panic!("wanted a text, got {other:?}"),
            }
        }
    }

    pub(crate) async fn json(&mut self) -> Value {
        let text = self.text().await;
        serde_json::from_str(&text).unwrap_or_else(|e| panic!("{e}: {text}"))
    }

    /// The next JSON that fits.
    pub(crate) async fn find(&mut self, fits: impl Fn(&Value) -> bool) -> Value {
        let mut last = Value::Null;
        for _ in 0..2_000 {
            last = self.json().await;
            if fits(&last) {
                return last;
            }
        }
        panic!("nothing that fits in 2000 messages, the last: {last}");
    }

    /// Reads to the end; the close code if there was a close frame.
    pub(crate) async fn end(&mut self) -> Option<u16> {
        loop {
            match self.next().await {
                Some(Message::Close(frame)) => return frame.map(|f| f.code.into()),
                Some(_) => {}
                None => return None,
            }
        }
    }
}

/// Status, head and JSON body of a GET.
pub(crate) async fn get(base: &str, path: &str) -> (u16, String, Value) {
    let host = base.strip_prefix("http://").expect("a plain base");
    let mut socket = TcpStream::connect(host).await.expect("the room is open");
    let request = format!("GET {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n");
    socket.write_all(request.as_bytes()).await.expect("written");
    let mut answer = String::new();
    socket.read_to_string(&mut answer).await.expect("read");
    let (head, body) = answer.split_once("\r\n\r\n").expect("a head and a body");
    let status = head.split(' ').nth(1).and_then(|s| s.parse().ok()).expect("a status");
    (status, head.to_lowercase(), serde_json::from_str(body).unwrap_or_else(|e| panic!("{e}: {body}")))
}

/// The decimals of a tick or lot size.
pub(crate) fn decimals(unit: &Value) -> usize {
    unit.as_str().expect("a string").split_once('.').map_or(0, |(_, f)| f.trim_end_matches('0').len())
}

fn mantissa(text: &Value, dp: usize) -> i64 {
    let text = text.as_str().expect("a number as a string");
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    let fraction = fraction.trim_end_matches('0');
    assert!(fraction.len() <= dp, "{text} has more than {dp} decimals");
    format!("{whole}{fraction:0<dp$}").parse().expect("digits")
}

/// A book as any client would keep it.
#[derive(Default)]
pub(crate) struct Book {
    pub(crate) bids: BTreeMap<i64, i64>,
    pub(crate) asks: BTreeMap<i64, i64>,
    pub(crate) dp: (usize, usize),
}

impl Book {
    pub(crate) fn clear(&mut self) {
        self.bids.clear();
        self.asks.clear();
    }

    pub(crate) fn apply(&mut self, bids: &Value, asks: &Value) {
        for (side, levels) in [(&mut self.bids, bids), (&mut self.asks, asks)] {
            for level in levels.as_array().expect("levels") {
                let (px, qty) = (mantissa(&level[0], self.dp.0), mantissa(&level[1], self.dp.1));
                if qty == 0 {
                    side.remove(&px)
                } else {
                    side.insert(px, qty)
                };
            }
        }
    }

    pub(crate) fn digest(&self) -> u64 {
        let bids: Vec<_> = self.bids.iter().rev().map(|(&p, &q)| (p, q)).collect();
        let asks: Vec<_> = self.asks.iter().map(|(&p, &q)| (p, q)).collect();
        digest(&bids, &asks)
    }

    pub(crate) fn crossed(&self) -> bool {
        self.bids.last_key_value().map(|(p, _)| p) >= self.asks.first_key_value().map(|(p, _)| p)
    }
}

/// A simulator as [`lively`], changed by `with`.
pub(crate) async fn lively_with(with: impl FnOnce(&mut SimulatorConfig)) -> Simulator {
    let assets = vec![AssetSpec::new("BTC", 65_000 * 100_000_000)];
    let market = MarketConfig { seed: 7, assets, rate_per_s: 300, levels: 60, ..MarketConfig::default() };
    let mut config = SimulatorConfig { market, cadence_divisor: 10, ..SimulatorConfig::default() };
    with(&mut config);
    Simulator::start(config).await.expect("loopback ports")
}

/// Everything that comes back from a REST address for a request with this first line and body, as it stands on
/// the wire, up to the end of the connection.
pub(crate) async fn raw(base: &str, method: &str, path: &str, body: &str) -> Vec<u8> {
    let host = base.strip_prefix("http://").expect("a plain base");
    let mut socket = TcpStream::connect(host).await.expect("the room is open");
    let length = body.len();
    let request = format!(
        "{method} {path} HTTP/1.1\r\nHost: {host}\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n{body}"
    );
    socket.write_all(request.as_bytes()).await.expect("written");
    let mut answer = Vec::new();
    let _ = socket.read_to_end(&mut answer).await; // a rude end is an end
    answer
}
