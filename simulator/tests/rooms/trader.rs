//! A member of Binance with a key of its own: signed requests over HTTP and on sockets, from the documents alone.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use highwire_simulator::{AssetSpec, MarketConfig, Member, RuleOverrides, Simulator, SimulatorConfig, Venue};
use hmac::{Hmac, KeyInit, Mac};
use serde_json::{Value, json};
use sha2::Sha256;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::client::Client;

pub(crate) fn wall_ms() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_millis() as u64
}

/// A market that stands still: what happens to orders is theirs alone.
pub(crate) async fn calm(members: Vec<Member>) -> Simulator {
    let assets = vec![AssetSpec::new("BTC", 65_000 * 100_000_000)];
    let market = MarketConfig { seed: 7, assets, rate_per_s: 0, dislocations_per_min: 0, ..MarketConfig::default() };
    let config = SimulatorConfig { market, members, rules: RuleOverrides::default(), ..SimulatorConfig::default() };
    Simulator::start(config).await.expect("loopback ports")
}

/// An answer.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) head: String,
    pub(crate) body: Value,
}

impl Answer {
    pub(crate) fn code(&self) -> (u16, i64) {
        (self.status, self.body["code"].as_i64().unwrap_or(0))
    }

    pub(crate) fn header(&self, name: &str) -> Option<u64> {
        let line = self.head.lines().find_map(|line| line.strip_prefix(&format!("{name}: ")))?;
        line.trim().parse().ok()
    }
}

/// A member at one venue.
pub(crate) struct Trader {
    pub(crate) member: Member,
    pub(crate) rest: String,
    pub(crate) ws: String,
}

impl Trader {
    pub(crate) fn at(simulator: &Simulator, venue: Venue) -> Self {
        let address = simulator.address(venue).unwrap();
        Self { member: Member::dummies().remove(0), rest: address.rest.clone(), ws: address.ws.clone() }
    }

    pub(crate) fn sign(&self, text: &str) -> String {
        let mut mac = Hmac::<Sha256>::new_from_slice(self.member.secret.as_bytes()).unwrap();
        mac.update(text.as_bytes());
        mac.finalize().into_bytes().iter().map(|byte| format!("{byte:02x}")).collect()
    }

    /// A signed request.
    pub(crate) async fn ask(&self, verb: &str, path: &str, query: &str) -> Answer {
        let joint = if query.is_empty() { "" } else { "&" };
        let query = format!("{query}{joint}timestamp={}", wall_ms());
        let signature = self.sign(&query);
        self.send(verb, &format!("{path}?{query}&signature={signature}"), Some(&self.member.key)).await
    }

    /// A request as it is.
    pub(crate) async fn send(&self, verb: &str, target: &str, key: Option<&str>) -> Answer {
        let sent = tokio::time::timeout(Duration::from_secs(5), self.try_send(verb, target, key));
        sent.await.expect("an answer in time")
    }

    pub(crate) async fn try_send(&self, verb: &str, target: &str, key: Option<&str>) -> Answer {
        let host = self.rest.strip_prefix("http://").unwrap();
        let key = key.map(|key| format!("X-MBX-APIKEY: {key}\r\n")).unwrap_or_default();
        let mut socket = TcpStream::connect(host).await.unwrap();
        let request =
            format!("{verb} {target} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\nContent-Length: 0\r\n{key}\r\n");
        socket.write_all(request.as_bytes()).await.unwrap();
        let mut text = String::new();
        socket.read_to_string(&mut text).await.unwrap();
        let (head, body) = text.split_once("\r\n\r\n").unwrap();
        let status = head.split(' ').nth(1).and_then(|status| status.parse().ok()).unwrap();
        Answer { status, head: head.to_lowercase(), body: serde_json::from_str(body).unwrap_or_default() }
    }

    /// A request on a socket, signed.
    pub(crate) fn message(&self, id: &str, method: &str, params: &[(&str, &str)]) -> String {
        let now = wall_ms().to_string();
        let mut all = params.to_vec();
        all.extend([("apiKey", self.member.key.as_str()), ("timestamp", &now)]);
        all.sort_unstable();
        let text: Vec<_> = all.iter().map(|(name, value)| format!("{name}={value}")).collect();
        let signature = self.sign(&text.join("&"));
        let mut params: serde_json::Map<String, Value> =
            all.iter().map(|(name, value)| ((*name).to_owned(), Value::from(*value))).collect();
        params.insert("signature".to_owned(), signature.into());
        json!({ "id": id, "method": method, "params": params }).to_string()
    }

    /// A socket that is told about the account: spot by subscription, futures by listen key.
    pub(crate) async fn listen(&self, venue: Venue) -> Client {
        if venue == Venue::BinanceUsdm {
            let key = self.send("POST", "/fapi/v1/listenKey", Some(&self.member.key)).await.body;
            let url = format!("{}/private/ws/{}", self.ws, key["listenKey"].as_str().unwrap());
            return Client::open(&url).await.unwrap();
        }
        let mut client = Client::open(&format!("{}/ws-api/v3", self.ws)).await.unwrap();
        client.say(&self.message("sub", "userDataStream.subscribe.signature", &[])).await;
        let answer = client.find(|m| m["id"] == "sub").await;
        assert_eq!(answer["result"]["subscriptionId"], 0, "{answer}");
        client
    }

    /// The best prices of BTCUSDT.
    pub(crate) async fn top(&self, base: &str) -> (f64, f64) {
        let book = self.send("GET", &format!("{base}/depth?symbol=BTCUSDT&limit=5"), None).await.body;
        let px = |side: &str| book[side][0][0].as_str().unwrap().parse().unwrap();
        (px("bids"), px("asks"))
    }
}
