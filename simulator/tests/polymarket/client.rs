//! A plain client: HTTP by hand with signed headers, WebSocket text in and out.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE;
use futures_util::{SinkExt, StreamExt};
use highwire_simulator::{Holder, Ports, Simulator, SimulatorConfig, Venue};
use hmac::{Hmac, KeyInit, Mac};
use serde_json::Value;
use sha2::Sha256;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream};

pub(crate) async fn simulator() -> Simulator {
    let venues = vec![(Venue::Polymarket, Ports::default())];
    let mut config = SimulatorConfig { venues, ..SimulatorConfig::default() };
    config.polymarket.rate_per_s = 100;
    Simulator::start(config).await.unwrap()
}

/// Status, head in lower case, and JSON body (null where it is none).
pub(crate) async fn ask(
    simulator: &Simulator,
    method: &str,
    path: &str,
    head: &str,
    body: &str,
) -> (u16, String, Value) {
    let host = simulator.address(Venue::Polymarket).unwrap().rest.strip_prefix("http://").unwrap().to_owned();
    let mut socket = TcpStream::connect(&host).await.unwrap();
    let length = body.len();
    let request = format!(
        "{method} {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\nContent-Length: {length}\r\n{head}\r\n{body}"
    );
    socket.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    socket.read_to_string(&mut answer).await.unwrap();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    let status = head.split(' ').nth(1).unwrap().parse().unwrap();
    (status, head.to_lowercase(), serde_json::from_str(body).unwrap_or_default())
}

pub(crate) async fn get(simulator: &Simulator, path: &str) -> (u16, Value) {
    let (status, _, body) = ask(simulator, "GET", path, "", "").await;
    (status, body)
}

/// The headers of a request signed by the first account, its clock `skew_s` ahead.
pub(crate) fn signed(method: &str, path: &str, body: &str, skew_s: i64) -> String {
    let holder = Holder::dummies().remove(0);
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs() as i64 + skew_s;
    let path = path.split('?').next().unwrap();
    let mut mac = Hmac::<Sha256>::new_from_slice(&URL_SAFE.decode(&holder.credentials.secret).unwrap()).unwrap();
    mac.update(format!("{now}{method}{path}{body}").as_bytes());
    let signature = URL_SAFE.encode(mac.finalize().into_bytes());
    let (key, passphrase) = (&holder.credentials.key, &holder.credentials.passphrase);
    format!(
        "POLY_ADDRESS: 0x{}\r\nPOLY_SIGNATURE: {signature}\r\nPOLY_TIMESTAMP: {now}\r\nPOLY_API_KEY: {key}\r\nPOLY_PASSPHRASE: {passphrase}\r\n",
        holder.owner
    )
}

/// A signed request: status, head, body.
pub(crate) async fn private(simulator: &Simulator, method: &str, path: &str, body: &str) -> (u16, String, Value) {
    ask(simulator, method, path, &signed(method, path, body, 0), body).await
}

/// The tokens of BTC's next 15-minute market, once somebody quotes it.
pub(crate) async fn tokens(simulator: &Simulator) -> [String; 2] {
    for _ in 0..100 {
        let (_, events) = get(simulator, "/gamma/events?series_id=10192&closed=false").await;
        let market = &events[1]["markets"][0];
        if let (Some(text), true) = (market["clobTokenIds"].as_str(), market["bestBid"].is_number()) {
            return serde_json::from_str(text).unwrap();
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    panic!("no market was opened and quoted");
}

pub(crate) struct Channel(WebSocketStream<MaybeTlsStream<TcpStream>>);

impl Channel {
    pub(crate) async fn open(simulator: &Simulator, path: &str) -> Self {
        let url = format!("{}{path}", simulator.address(Venue::Polymarket).unwrap().ws);
        Self(tokio_tungstenite::connect_async(url).await.unwrap().0)
    }

    pub(crate) async fn say(&mut self, text: &str) {
        self.0.send(Message::text(text)).await.unwrap();
    }

    /// The next text; `None` when the connection has ended.
    pub(crate) async fn text(&mut self) -> Option<String> {
        loop {
            match tokio::time::timeout(Duration::from_secs(5), self.0.next()).await.unwrap() {
                Some(Ok(Message::Text(text))) => return Some(text.to_string()),
                Some(Ok(Message::Ping(_) | Message::Pong(_))) => {}
                _ => return None,
            }
        }
    }

    /// Closes; whether the other side answers with a close frame.
    pub(crate) async fn part(&mut self) -> bool {
        self.0.send(Message::Close(None)).await.unwrap();
        loop {
            match tokio::time::timeout(Duration::from_secs(5), self.0.next()).await.unwrap() {
                Some(Ok(Message::Close(_))) => return true,
                Some(Ok(_)) => {}
                Some(Err(_)) | None => return false,
            }
        }
    }

    /// The next events: a frame holds one or several.
    pub(crate) async fn events(&mut self) -> Vec<Value> {
        let text = self.text().await.unwrap();
        match serde_json::from_str(&text).unwrap_or_else(|error| panic!("{error}: {text}")) {
            Value::Array(events) => events,
            event => vec![event],
        }
    }
}
