//! The transport that all venues' rooms share: accept, upgrade, read, write, ping, time out, cut off.
//! It knows no venue; what is said comes from the desk's protocol, what is enforced from its rules.

mod gag;

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use futures_util::{SinkExt, StreamExt};
use tokio::sync::{mpsc, watch};
use tokio::task::JoinSet;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::handshake::server::{ErrorResponse, Request, Response};
use tokio_tungstenite::tungstenite::http::HeaderValue;
use tokio_tungstenite::tungstenite::protocol::frame::Frame;
use tokio_tungstenite::tungstenite::protocol::frame::coding::{Data, OpCode};
use tokio_tungstenite::tungstenite::protocol::{CloseFrame, WebSocketConfig};
use tokio_tungstenite::tungstenite::{Bytes, Error, Message};

use self::gag::Gag;
use crate::config::{Endpoint, Venue};
use crate::desk::{Around, Close, Farewell, Opening, Out, Rules, Seat};
use crate::door::{Guest, Stream};
use crate::fault::script::Happening;
use crate::fault::{Greeting, Place};
use crate::proxy::Shape;
use crate::window::Window;
use crate::world::{State, World};

/// A client that has not finished its upgrade by then is cut off.
const UPGRADE_MAX: Duration = Duration::from_secs(5);
/// Longer than any run.
const FOREVER: Duration = Duration::from_secs(86_400 * 365);
/// How long a close frame may take to leave.
const CLOSE_MAX: Duration = Duration::from_millis(500);

/// Serves the door's guests until `stop` changes, then ends them all.
pub(crate) async fn run(
    mut guests: mpsc::Receiver<Guest>,
    venue: Venue,
    world: Arc<World>,
    mut stop: watch::Receiver<bool>,
) {
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            _ = stop.changed() => break,
            Some(_) = connections.join_next() => {}
            Some(guest) = guests.recv() => { connections.spawn(connection(guest, venue, Arc::clone(&world))); }
        }
    }
    connections.shutdown().await;
}

async fn connection(guest: Guest, venue: Venue, world: Arc<World>) {
    let Guest { stream, conn, endpoint, greeting, shape } = guest;
    let shown = shape.clone();
    let stream: Box<dyn Stream> = Box::new(Gag::new(stream, shown));
    let Some((rules, opening, mut socket)) = upgrade(stream, venue, endpoint, &greeting, &world).await else { return };
    let rules = if opening.by_weight { Rules { inbound: (0, 0), ..rules } } else { rules };
    let seat = {
        let (mut state, now_ns) = (world.lock(), world.now_ns());
        let place = Place { venue, endpoint, conn, topic: "", symbol: "" };
        state.faults.happened(Happening::Connect, &place, now_ns);
        let State { market, desks, faults, ledger, .. } = &mut *state;
        let desk = desks.iter_mut().find(|d| d.venue == venue);
        desk.map(|desk| desk.seat(opening, (conn, endpoint), Around { market, faults, ledger, now_ns }))
    };
    let Some(seat) = seat else { return };
    let mut line = Line::new(venue, seat, rules, shape, &world);
    if greeting.piggyback {
        let _ = socket.send(Message::Ping("first".into())).await; // a dead client shows soon enough
    }
    let close = line.serve(&mut socket).await;
    if let Some((_, desk)) = world.lock().desk(venue) {
        desk.unseat(line.id);
    }
    tracing::debug!(?venue, id = line.id, ?close, "connection ended");
    if let Some(Farewell(code, reason)) = close {
        let frame = CloseFrame { code: code.into(), reason: reason.into() };
        let _ = tokio::time::timeout(CLOSE_MAX, socket.close(Some(frame))).await; // a deaf client gets none
    } else {
        // a client's close has been answered in the buffer (RFC 6455 §5.5.1); a broken connection refuses at once
        let _ = tokio::time::timeout(CLOSE_MAX, socket.flush()).await;
    }
}

/// A room's socket.
type Socket = WebSocketStream<Box<dyn Stream>>;

async fn upgrade(
    stream: Box<dyn Stream>,
    venue: Venue,
    endpoint: Endpoint,
    greeting: &Greeting,
    world: &World,
) -> Option<(Rules, Opening, Socket)> {
    let rules = world.lock().desk(venue).map(|(_, desk)| desk.rules)?;
    let bytes = Some(rules.message_bytes_max);
    let config = WebSocketConfig::default().max_message_size(bytes).max_frame_size(bytes);
    let mut admitted = None;
    #[allow(clippy::result_large_err)] // the shape of the callback is tungstenite's
    let judge = |request: &Request, mut response: Response| -> Result<Response, ErrorResponse> {
        if let Some(location) = &greeting.redirect {
            return Err(redirect(location));
        }
        let (path, query) = (request.uri().path(), request.uri().query().unwrap_or(""));
        let judged = world.lock().desk(venue).map(|(_, desk)| desk.admit(path, query, world.now_ns()));
        match judged.unwrap_or(Err(503)) {
            Ok(opening) => admitted = Some(opening),
            Err(status) => return Err(refusal(status)),
        }
        if greeting.wrong_key {
            let key = HeaderValue::from_static("AAAAAAAAAAAAAAAAAAAAAAAAAAA=");
            response.headers_mut().insert("Sec-WebSocket-Accept", key);
        }
        Ok(response)
    };
    let accepted = tokio_tungstenite::accept_hdr_async_with_config(stream, judge, Some(config));
    // a drip takes its time: the client's patience decides, not ours
    let most = if greeting.drips { UPGRADE_MAX * 120 } else { UPGRADE_MAX };
    let socket = tokio::time::timeout(most, accepted).await.ok()?;
    let socket = socket.inspect_err(|error| tracing::debug!(?venue, ?endpoint, %error, "no upgrade")).ok()?;
    Some((rules, admitted?, socket))
}

fn redirect(location: &str) -> ErrorResponse {
    let mut response = refusal(302);
    if let Ok(location) = HeaderValue::from_str(location) {
        response.headers_mut().insert("Location", location);
    }
    response
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
    unanswered: VecDeque<(Bytes, u64)>,
    /// What faults ask of this line.
    shape: watch::Receiver<Shape>,
}

impl<'a> Line<'a> {
    fn new(venue: Venue, seat: Seat, rules: Rules, shape: watch::Receiver<Shape>, world: &'a World) -> Self {
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
            shape,
        }
    }

    /// Serves until someone ends it; `None` is an abrupt end.
    async fn serve(&mut self, socket: &mut Socket) -> Option<Farewell> {
        let mut bent = self.shape.clone();
        loop {
            let timer = Duration::from_nanos(self.next_timer_ns().saturating_sub(self.world.now_ns()));
            let turn = tokio::select! {
                biased;
                close = &mut self.seat.end => return close.ok(),
                message = socket.next() => self.on_message(message),
                frame = self.seat.frames.recv() => Ok(frame),
                Ok(()) = bent.changed() => Ok(None),
                () = tokio::time::sleep(timer) => self.on_timer(),
            };
            match turn {
                Ok(Some(out)) => {
                    self.note(&out);
                    let Shape { fragments, slow_ns, .. } = *self.shape.borrow();
                    let patience = if slow_ns > 0 { Duration::from_nanos(slow_ns) } else { FOREVER };
                    // a reader too slow to take this ends here: its queue fills and the desk drops `end`
                    tokio::select! {
                        close = &mut self.seat.end => return close.ok(),
                        sent = write(socket, out, &mut self.seat.frames, fragments) => sent.ok()?,
                        () = tokio::time::sleep(patience) => return None,
                    }
                    self.active_ns = self.world.now_ns();
                }
                Ok(None) => {}
                Err(close) => {
                    // what was said before the close is heard before it
                    if let (Some(_), Ok(out)) = (&close, self.seat.frames.try_recv()) {
                        let last = write(socket, out, &mut self.seat.frames, 0);
                        let _ = tokio::time::timeout(CLOSE_MAX, last).await; // a deaf client hears nothing
                    }
                    return close.map(Farewell::from);
                }
            }
        }
    }

    /// Remembers a ping that must be answered.
    fn note(&mut self, out: &Out) {
        if let Out::Ping(payload) = out
            && self.rules.pong_within_ns > 0
        {
            self.unanswered.push_back((payload.clone(), self.world.now_ns()));
        }
    }

    fn on_message(&mut self, message: Option<Result<Message, Error>>) -> Result<Option<Out>, Option<Close>> {
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

    fn on_text(&mut self, text: &str, now_ns: u64) -> Result<Option<Out>, Option<Close>> {
        let mut state = self.world.lock();
        let State { market, desks, faults, ledger, .. } = &mut *state;
        match desks.iter_mut().find(|desk| desk.venue == self.venue) {
            Some(desk) => {
                let around = Around { market, faults, ledger, now_ns };
                desk.on_text(self.id, text, around).map(|()| None).map_err(Some)
            }
            None => Err(None),
        }
    }

    /// Only a pong with the payload of one of our pings counts; it also answers the older ones.
    fn on_pong(&mut self, payload: &[u8]) {
        if let Some(place) = self.unanswered.iter().position(|(sent, _)| *sent == payload) {
            self.unanswered.drain(..=place);
        }
    }

    fn on_timer(&mut self) -> Result<Option<Out>, Option<Close>> {
        let now_ns = self.world.now_ns();
        let Rules { ping_every_ns, pong_within_ns, idle_ns, idle_close, .. } = self.rules;
        let lifetime_ns = self.lifetime_ns();
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
            return Ok(Some(Out::Ping((now_ns / 1_000_000).to_string().into())));
        }
        Ok(None)
    }

    /// The venue's limit or the one that a fault sets.
    fn lifetime_ns(&self) -> u64 {
        match self.shape.borrow().max_age_ns {
            0 => self.rules.lifetime_ns,
            age_ns => age_ns,
        }
    }

    fn next_timer_ns(&self) -> u64 {
        let Rules { ping_every_ns, pong_within_ns, idle_ns, .. } = self.rules;
        let lifetime_ns = self.lifetime_ns();
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
async fn write(socket: &mut Socket, out: Out, queued: &mut mpsc::Receiver<Out>, fragments: usize) -> Result<(), Error> {
    feed(socket, out, fragments).await?;
    while let Ok(out) = queued.try_recv() {
        feed(socket, out, fragments).await?;
    }
    socket.flush().await
}

async fn feed(socket: &mut Socket, out: Out, fragments: usize) -> Result<(), Error> {
    let text = match out {
        Out::Ping(payload) => return socket.feed(Message::Ping(payload)).await,
        Out::Text(text) if fragments < 2 => return socket.feed(Message::Text(text)).await,
        Out::Text(text) => text,
    };
    let bytes = Bytes::from(text);
    let size = bytes.len().div_ceil(fragments).max(1);
    let mut at = 0;
    while at < bytes.len().max(1) {
        let end = (at + size).min(bytes.len());
        let code = OpCode::Data(if at == 0 { Data::Text } else { Data::Continue });
        let frame = Frame::message(bytes.slice(at..end), code, end == bytes.len());
        socket.feed(Message::Frame(frame)).await?;
        at = end.max(1);
    }
    Ok(())
}
