//! The transport that all venues' rooms share: accept, upgrade, read, write, ping, time out, cut off.
//! It knows no venue; what is said comes from the desk's protocol, what is enforced from its rules.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use futures_util::{SinkExt, StreamExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{mpsc, watch};
use tokio::task::JoinSet;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::handshake::server::{ErrorResponse, Request, Response};
use tokio_tungstenite::tungstenite::protocol::{CloseFrame, WebSocketConfig};
use tokio_tungstenite::tungstenite::{Error, Message, Utf8Bytes};

use crate::config::Venue;
use crate::desk::{Close, Opening, Rules, Seat};
use crate::window::Window;
use crate::world::World;

/// A client that has not finished its upgrade by then is cut off.
const UPGRADE_MAX: Duration = Duration::from_secs(5);
/// How long a close frame may take to leave.
const CLOSE_MAX: Duration = Duration::from_millis(500);
/// Sockets of one room at a time; more wait in the backlog.
const SOCKETS_MAX: usize = 1_024;

/// Accepts connections until `stop` changes, then ends them all.
pub(crate) async fn run(listener: TcpListener, venue: Venue, world: Arc<World>, mut stop: watch::Receiver<bool>) {
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            _ = stop.changed() => break,
            Some(_) = connections.join_next() => {}
            accepted = listener.accept(), if connections.len() < SOCKETS_MAX => match accepted {
                Ok((socket, _)) => { connections.spawn(connection(socket, venue, Arc::clone(&world))); }
                // out of descriptors or a client gone before its turn: breathe, go on
                Err(_) => tokio::time::sleep(Duration::from_millis(10)).await,
            },
        }
    }
    connections.shutdown().await;
}

async fn connection(socket: TcpStream, venue: Venue, world: Arc<World>) {
    let _ = socket.set_nodelay(true); // a matter of latency only
    let Some((rules, opening, mut socket)) = upgrade(socket, venue, &world).await else { return };
    let Some(seat) = world.lock().desk(venue).map(|(market, desk)| desk.seat(opening, market, world.now_ns())) else {
        return;
    };
    let mut line = Line::new(venue, seat, rules, &world);
    let close = line.serve(&mut socket).await;
    if let Some((_, desk)) = world.lock().desk(venue) {
        desk.unseat(line.id);
    }
    tracing::debug!(?venue, id = line.id, ?close, "connection ended");
    if let Some(Close(code, reason)) = close {
        let frame = CloseFrame { code: code.into(), reason: reason.into() };
        let _ = tokio::time::timeout(CLOSE_MAX, socket.close(Some(frame))).await; // a deaf client gets none
    }
}

async fn upgrade(
    socket: TcpStream,
    venue: Venue,
    world: &World,
) -> Option<(Rules, Opening, WebSocketStream<TcpStream>)> {
    let rules = world.lock().desk(venue).map(|(_, desk)| desk.rules)?;
    let bytes = Some(rules.message_bytes_max);
    let config = WebSocketConfig::default().max_message_size(bytes).max_frame_size(bytes);
    let mut admitted = None;
    #[allow(clippy::result_large_err)] // the shape of the callback is tungstenite's
    let judge = |request: &Request, response: Response| -> Result<Response, ErrorResponse> {
        let (path, query) = (request.uri().path(), request.uri().query().unwrap_or(""));
        let judged = world.lock().desk(venue).map(|(_, desk)| desk.admit(path, query, world.now_ns()));
        match judged.unwrap_or(Err(503)) {
            Ok(opening) => admitted = Some(opening),
            Err(status) => return Err(refusal(status)),
        }
        Ok(response)
    };
    let accepted = tokio_tungstenite::accept_hdr_async_with_config(socket, judge, Some(config));
    let socket = tokio::time::timeout(UPGRADE_MAX, accepted).await.ok()?.ok()?;
    Some((rules, admitted?, socket))
}

fn refusal(status: u16) -> ErrorResponse {
    let mut response = ErrorResponse::new(None);
    if let Ok(status) = status.try_into() {
        *response.status_mut() = status;
    }
    response
}

/// One live connection and its timers.
struct Line<'a> {
    venue: Venue,
    id: u64,
    seat: Seat,
    rules: Rules,
    world: &'a World,
    inbound: Window,
    opened_ns: u64,
    active_ns: u64,
    pinged_ns: u64,
    /// Payload and time of the pings not yet answered, oldest first.
    unanswered: VecDeque<(String, u64)>,
}

impl<'a> Line<'a> {
    fn new(venue: Venue, seat: Seat, rules: Rules, world: &'a World) -> Self {
        let now_ns = world.now_ns();
        let inbound = Window::new(rules.inbound.0, rules.inbound.1);
        Self {
            venue,
            id: seat.id,
            seat,
            rules,
            world,
            inbound,
            opened_ns: now_ns,
            active_ns: now_ns,
            pinged_ns: now_ns,
            unanswered: VecDeque::new(),
        }
    }

    /// Serves until someone ends it; `None` is an abrupt end.
    async fn serve(&mut self, socket: &mut WebSocketStream<TcpStream>) -> Option<Close> {
        loop {
            let timer = Duration::from_nanos(self.next_timer_ns().saturating_sub(self.world.now_ns()));
            let turn = tokio::select! {
                biased;
                close = &mut self.seat.end => return close.ok(),
                message = socket.next() => self.on_message(message),
                frame = self.seat.frames.recv() => Ok(frame.map(Message::Text)),
                () = tokio::time::sleep(timer) => self.on_timer(),
            };
            match turn {
                Ok(Some(message)) => {
                    // a reader too slow to take this ends here: its queue fills and the desk drops `end`
                    tokio::select! {
                        close = &mut self.seat.end => return close.ok(),
                        sent = write(socket, message, &mut self.seat.frames) => sent.ok()?,
                    }
                    self.active_ns = self.world.now_ns();
                }
                Ok(None) => {}
                Err(close) => return close,
            }
        }
    }

    fn on_message(&mut self, message: Option<Result<Message, Error>>) -> Result<Option<Message>, Option<Close>> {
        let now_ns = self.world.now_ns();
        let message = match message {
            Some(Ok(message)) => message,
            Some(Err(Error::Capacity(_))) => return Err(Some(Close(1009, "message too big"))),
            Some(Err(Error::Utf8(_))) => return Err(Some(Close(1007, "not UTF-8"))),
            Some(Err(_)) | None => return Err(None),
        };
        if self.rules.inbound.0 > 0 && !self.inbound.allow(now_ns) {
            return Err(Some(Close(1008, "Too many requests")));
        }
        self.active_ns = now_ns;
        match message {
            Message::Text(text) => self.on_text(&text, now_ns),
            Message::Pong(payload) => {
                self.on_pong(&payload);
                Ok(None)
            }
            Message::Close(_) => Err(None),
            Message::Binary(_) => Err(Some(Close(1003, "text only"))),
            Message::Ping(_) | Message::Frame(_) => Ok(None), // the transport answers pings
        }
    }

    fn on_text(&mut self, text: &str, now_ns: u64) -> Result<Option<Message>, Option<Close>> {
        match self.world.lock().desk(self.venue) {
            Some((market, desk)) => desk.on_text(self.id, text, market, now_ns).map(|()| None).map_err(Some),
            None => Err(None),
        }
    }

    /// Only a pong with the payload of one of our pings counts; it also answers the older ones.
    fn on_pong(&mut self, payload: &[u8]) {
        if let Some(place) = self.unanswered.iter().position(|(sent, _)| sent.as_bytes() == payload) {
            self.unanswered.drain(..=place);
        }
    }

    fn on_timer(&mut self) -> Result<Option<Message>, Option<Close>> {
        let now_ns = self.world.now_ns();
        let Rules { ping_every_ns, pong_within_ns, idle_ns, idle_close, lifetime_ns, .. } = self.rules;
        if lifetime_ns > 0 && now_ns >= self.opened_ns + lifetime_ns {
            return Err(Some(Close(1001, "connection lifetime reached")));
        }
        if idle_ns > 0 && now_ns >= self.active_ns + idle_ns {
            return Err(Some(idle_close));
        }
        if self.unanswered.front().is_some_and(|(_, at)| now_ns >= at + pong_within_ns) {
            return Err(Some(Close(1008, "Pong timeout")));
        }
        if ping_every_ns > 0 && now_ns >= self.pinged_ns + ping_every_ns {
            self.pinged_ns = now_ns;
            let payload = (now_ns / 1_000_000).to_string();
            self.unanswered.push_back((payload.clone(), now_ns));
            return Ok(Some(Message::Ping(payload.into())));
        }
        Ok(None)
    }

    fn next_timer_ns(&self) -> u64 {
        let Rules { ping_every_ns, pong_within_ns, idle_ns, lifetime_ns, .. } = self.rules;
        let after = |span: u64, since: u64| (span > 0).then(|| since + span);
        let pong = self.unanswered.front().map(|(_, at)| at + pong_within_ns);
        let timers = [
            after(ping_every_ns, self.pinged_ns),
            after(idle_ns, self.active_ns),
            after(lifetime_ns, self.opened_ns),
            pong,
            after(3_600_000_000_000, self.world.now_ns()), // nothing to wait for: look again in an hour
        ];
        timers.into_iter().flatten().min().unwrap_or(u64::MAX)
    }
}

/// Writes a message and whatever else is queued, then flushes once.
async fn write(
    socket: &mut WebSocketStream<TcpStream>,
    message: Message,
    queued: &mut mpsc::Receiver<Utf8Bytes>,
) -> Result<(), Error> {
    socket.feed(message).await?;
    while let Ok(text) = queued.try_recv() {
        socket.feed(Message::Text(text)).await?;
    }
    socket.flush().await
}
