//! Recorded frames as a venue's feed: whoever connects is sent what was received then, at the pace of then,
//! and requests are answered with the recorded answers. Nothing is interpreted, so it serves any venue.
//!
//! A connection gets the frames of the recorded connections to the same path (all, where none was), from
//! their beginning, once it has spoken or has been silent for half a second.

use std::collections::BTreeMap;
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use axum::Router;
use axum::extract::State;
use axum::http::Uri;
use axum::response::Response;
use futures_util::{SinkExt, StreamExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::Instant;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::handshake::server::{ErrorResponse, Request, Response as Upgrade};
use tokio_tungstenite::tungstenite::{Message, Utf8Bytes};

use crate::rest;

/// A client that says nothing is played to all the same.
const SILENCE: Duration = Duration::from_millis(500);
/// A client must have been upgraded by then.
const UPGRADE_MAX: Duration = Duration::from_secs(5);
/// Connections at a time.
const SOCKETS_MAX: usize = 64;

/// One record of a recording, in order of time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Take {
    /// When, in ns of any clock.
    pub at_ns: u64,
    /// The connection's name.
    pub conn: String,
    /// What.
    pub what: Taken,
}

/// What a record holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Taken {
    /// The connection was opened to this address.
    Opened(String),
    /// The venue sent this text.
    Frame(String),
    /// The venue answered a request for this address.
    Answer {
        /// The address.
        url: String,
        /// The body.
        body: String,
    },
}

/// A recording being served; dropping it stops it.
pub struct Playback {
    ws: SocketAddr,
    rest: SocketAddr,
    stop: watch::Sender<bool>,
    tasks: JoinSet<()>,
}

struct Reel {
    takes: Vec<Take>,
    /// The path that each recorded connection was opened to.
    paths: BTreeMap<String, String>,
    /// How many recorded answers were given, by address.
    given: Mutex<BTreeMap<String, usize>>,
}

impl Playback {
    /// Serves `takes` on two ports of 127.0.0.1 (0 = the system chooses).
    ///
    /// # Errors
    /// A port cannot be had.
    pub async fn start(takes: Vec<Take>, ws_port: u16, rest_port: u16) -> io::Result<Self> {
        let opened = takes.iter().filter_map(|take| match &take.what {
            Taken::Opened(url) => Some((take.conn.clone(), path_of(url).0.to_owned())),
            Taken::Frame(_) | Taken::Answer { .. } => None,
        });
        let reel = Arc::new(Reel { paths: opened.collect(), takes, given: Mutex::default() });
        let ws = TcpListener::bind((Ipv4Addr::LOCALHOST, ws_port)).await?;
        let rest = TcpListener::bind((Ipv4Addr::LOCALHOST, rest_port)).await?;
        let (stop, stopped) = watch::channel(false);
        let (ws_at, rest_at) = (ws.local_addr()?, rest.local_addr()?);
        let mut tasks = JoinSet::new();
        tasks.spawn(accept(ws, Arc::clone(&reel), stopped.clone()));
        tasks.spawn(rest::run(rest, Router::new().fallback(answer).with_state(reel), stopped));
        Ok(Self { ws: ws_at, rest: rest_at, stop, tasks })
    }

    /// Base of its WebSocket addresses.
    pub fn ws(&self) -> String {
        format!("ws://{}", self.ws)
    }

    /// Base of its REST addresses.
    pub fn rest(&self) -> String {
        format!("http://{}", self.rest)
    }

    /// Stops it and waits until it has ended.
    pub async fn stop(mut self) {
        self.stop.send_replace(true);
        while self.tasks.join_next().await.is_some() {}
    }
}

impl Reel {
    /// The frames for a connection to `path`, with their time after the first.
    fn frames(&self, path: &str) -> Vec<(Duration, &str)> {
        let known = self.paths.values().any(|recorded| recorded == path);
        let ours = |take: &&Take| !known || self.paths.get(&take.conn).is_some_and(|recorded| recorded == path);
        let frames = self.takes.iter().filter(ours).filter_map(|take| match &take.what {
            Taken::Frame(text) => Some((take.at_ns, text.as_str())),
            Taken::Opened(_) | Taken::Answer { .. } => None,
        });
        let frames: Vec<_> = frames.collect();
        let first_ns = frames.first().map_or(0, |(at_ns, _)| *at_ns);
        frames.into_iter().map(|(at, text)| (Duration::from_nanos(at.saturating_sub(first_ns)), text)).collect()
    }

    /// The next recorded answer to an address: with the same query if there is one, else to the same path;
    /// the last is given again.
    fn answer(&self, path: &str, query: &str) -> Option<&str> {
        let answers = self.takes.iter().filter_map(|take| match &take.what {
            Taken::Answer { url, body } => Some((path_of(url), body.as_str())),
            Taken::Opened(_) | Taken::Frame(_) => None,
        });
        let same: Vec<_> = answers.filter(|((recorded, _), _)| *recorded == path).collect();
        let exact: Vec<_> = same.iter().filter(|((_, recorded), _)| *recorded == query).collect();
        let fitting = if exact.is_empty() { same.iter().collect() } else { exact };
        let mut given = self.given.lock().unwrap_or_else(PoisonError::into_inner);
        let next = given.entry(format!("{path}?{query}")).or_default();
        let found = fitting.get(*next).or(fitting.last()).map(|(_, body)| *body);
        *next += 1;
        found
    }
}

/// Path and query of an address.
fn path_of(url: &str) -> (&str, &str) {
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    let path = rest.find('/').map_or("/", |at| &rest[at..]);
    path.split_once('?').unwrap_or((path, ""))
}

async fn answer(State(reel): State<Arc<Reel>>, uri: Uri) -> Response {
    match reel.answer(uri.path(), uri.query().unwrap_or("")) {
        Some(body) => rest::json(200, body.to_owned()),
        None => rest::json(404, r#"{"error":"the recording has no such answer"}"#.to_owned()),
    }
}

async fn accept(listener: TcpListener, reel: Arc<Reel>, mut stop: watch::Receiver<bool>) {
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            _ = stop.changed() => break,
            Some(_) = connections.join_next() => {}
            accepted = listener.accept(), if connections.len() < SOCKETS_MAX => match accepted {
                Ok((socket, _)) => { connections.spawn(connection(socket, Arc::clone(&reel))); }
                Err(_) => tokio::time::sleep(Duration::from_millis(10)).await, // out of descriptors: breathe
            },
        }
    }
    connections.shutdown().await;
}

async fn connection(socket: TcpStream, reel: Arc<Reel>) {
    let _ = socket.set_nodelay(true); // a matter of latency only
    let mut path = String::new();
    #[allow(clippy::result_large_err)] // the shape of the callback is tungstenite's
    let note = |request: &Request, response: Upgrade| -> Result<Upgrade, ErrorResponse> {
        request.uri().path().clone_into(&mut path);
        Ok(response)
    };
    let upgraded = tokio::time::timeout(UPGRADE_MAX, tokio_tungstenite::accept_hdr_async(socket, note)).await;
    let Ok(Ok(mut socket)) = upgraded else { return };
    let _ = tokio::time::timeout(SILENCE, socket.next()).await; // it speaks or is silent, both begin the show
    play(&mut socket, &reel.frames(&path)).await;
    let _ = tokio::time::timeout(SILENCE, socket.close(None)).await; // the client may be gone
}

/// Sends every frame at its time, answers text heartbeats; ends with the frames or the client.
async fn play(socket: &mut WebSocketStream<TcpStream>, frames: &[(Duration, &str)]) {
    let began = Instant::now();
    let mut left = frames.iter();
    let mut next = left.next();
    while let Some((after, text)) = next {
        let turn = tokio::select! {
            () = tokio::time::sleep_until(began + *after) => {
                next = left.next();
                socket.send(Message::Text(Utf8Bytes::from(*text))).await
            }
            said = socket.next() => match said {
                Some(Ok(Message::Text(text))) if text == "ping" => socket.send(Message::text("pong")).await,
                Some(Ok(Message::Text(text))) if text == "PING" => socket.send(Message::text("PONG")).await,
                Some(Ok(_)) => Ok(()),
                Some(Err(_)) | None => return,
            },
        };
        if turn.is_err() {
            return;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn take(at_ns: u64, conn: &str, what: Taken) -> Take {
        Take { at_ns, conn: conn.to_owned(), what }
    }

    fn reel() -> Vec<Take> {
        let frame = |text: &str| Taken::Frame(text.to_owned());
        let answer = |body: &str| Taken::Answer { url: "https://v/depth?symbol=A".to_owned(), body: body.to_owned() };
        vec![
            take(1, "a", Taken::Opened("wss://v:443/ws/a?x=1".to_owned())),
            take(2, "b", Taken::Opened("wss://v/ws/b".to_owned())),
            take(3, "a", answer("1")),
            take(4, "a", answer("2")),
            take(1_000_000, "a", frame("a1")),
            take(2_000_000, "b", frame("b1")),
            take(61_000_000, "a", frame("a2")),
        ]
    }

    #[tokio::test]
    async fn a_connection_gets_the_frames_of_its_path_at_their_pace() {
        let playback = Playback::start(reel(), 0, 0).await.expect("ports");
        let url = format!("{}/ws/a", playback.ws());
        let (mut socket, _) = tokio_tungstenite::connect_async(url).await.expect("upgraded");
        socket.send(Message::text("subscribe")).await.expect("sent");
        let began = Instant::now();
        let mut texts = Vec::new();
        while let Some(Ok(Message::Text(text))) = socket.next().await {
            texts.push(text.to_string());
        }
        assert_eq!(texts, ["a1", "a2"]);
        assert!(began.elapsed() >= Duration::from_millis(55), "{:?}", began.elapsed());
        playback.stop().await;
    }

    #[test]
    fn answers_come_in_their_order_and_the_last_is_given_again() {
        let reel = Reel { takes: reel(), paths: BTreeMap::new(), given: Mutex::default() };
        let ask = |query| reel.answer("/depth", query);
        assert_eq!([ask("symbol=A"), ask("symbol=A"), ask("symbol=A")], [Some("1"), Some("2"), Some("2")]);
        assert_eq!(ask("symbol=B"), Some("1"), "the path will do");
        assert_eq!(reel.answer("/time", ""), None);
        assert_eq!(reel.frames("/elsewhere").len(), 3, "an unknown path gets all");
    }
}
