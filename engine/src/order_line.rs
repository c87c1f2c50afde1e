//! One connection that carries orders or private news: a WebSocket or an HTTP/1.1 line, with its venue's
//! protocol. It writes requests, reads answers, and knows which requests are still unanswered.

use crate::context::Context;
use crate::framer::{Framer, Item};
use crate::http::HttpFramer;
use crate::outbox::{self, Outbox};
use crate::stream::Stream;
use highwire_links::codec::{Answer, AnswerKind, Field, OrderCodec, ReportSink};
use highwire_links::decode::Rejected;
use highwire_links::fill::OrderReject;
use highwire_links::lifecycle::Ending;
use highwire_links::limits::{FRAME_BYTES_MAX, IN_FLIGHT_MAX};
use highwire_links::order::{Action, Order};
use highwire_links::{Nanos, VenueId};
use std::io::{self, ErrorKind, Read};
use std::os::fd::{AsFd, BorrowedFd};

/// Room for requests that wait for the socket.
const OUTBOX_BYTES: usize = 256 << 10;
/// Room that a codec's first requests find; it grows to the longest and stays.
const REQUEST_BYTES: usize = 4 << 10;

/// What the requests travel in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Carrier {
    /// WebSocket messages; many requests at a time.
    Socket,
    /// HTTP/1.1 requests; one at a time.
    Http,
}

/// How a line is kept alive and when it is given up.
#[derive(Clone, Copy, Debug)]
pub struct LineUpkeep {
    /// Interval in nanoseconds and text of the venue's own ping; a WebSocket line without one is pinged by frame.
    pub heartbeat: Option<(Nanos, &'static str)>,
    /// Without a byte for this long, the line has ended. 0: never (an idle HTTP line).
    pub silent_ns: Nanos,
}

/// What a line is made of.
#[derive(Debug)]
pub struct LineParts {
    /// Its place on the thread: from [`highwire_links::limits::CONNECTIONS_MAX`] on.
    pub slot: u16,
    /// Whose it is.
    pub venue: VenueId,
    /// Its bytes.
    pub stream: Stream,
    /// Bytes that came with the end of the upgrade.
    pub leftover: Vec<u8>,
    /// What requests travel in.
    pub carrier: Carrier,
    /// Its venue's protocol.
    pub codec: Box<dyn OrderCodec>,
    /// How it is kept alive.
    pub upkeep: LineUpkeep,
}

/// A request on its way or unanswered.
#[derive(Clone, Copy, Debug)]
pub struct Waiting {
    /// What was asked.
    pub order: Order,
    /// When it was handed to the line.
    pub asked_ns: Nanos,
    /// Its bytes have left.
    pub sent: bool,
}

#[derive(Debug)]
enum Reader {
    Socket(Framer),
    Http(HttpFramer),
}

/// The parcel of `Verb::Attach` for a gateway.
#[derive(Debug)]
pub struct OrderLine {
    slot: u16,
    venue: VenueId,
    stream: Stream,
    reader: Reader,
    outbox: Outbox,
    codec: Box<dyn OrderCodec>,
    upkeep: LineUpkeep,
    waiting: Vec<Waiting>,
    request: Vec<u8>,
    heard_ns: Nanos,
    heartbeat_ns: Nanos,
    /// The peer said that it closes after its last answer.
    closes: bool,
}

impl OrderLine {
    /// A line past its login.
    ///
    /// # Errors
    /// The leftover is larger than the receive buffer.
    pub fn new(parts: LineParts, now: Nanos) -> io::Result<Self> {
        let LineParts { slot, venue, stream, leftover, carrier, codec, upkeep } = parts;
        let mut reader = match carrier {
            Carrier::Socket => Reader::Socket(Framer::new(FRAME_BYTES_MAX)),
            Carrier::Http => Reader::Http(HttpFramer::new()),
        };
        let taken = match &mut reader {
            Reader::Socket(framer) => framer.preload(&leftover),
            Reader::Http(framer) => framer.preload(&leftover),
        };
        if taken < leftover.len() {
            return Err(io::Error::other("more bytes came with the upgrade than fit the receive buffer"));
        }
        Ok(Self {
            slot,
            venue,
            stream,
            reader,
            outbox: Outbox::new(now, OUTBOX_BYTES),
            codec,
            upkeep,
            waiting: Vec::with_capacity(IN_FLIGHT_MAX),
            request: Vec::with_capacity(REQUEST_BYTES),
            heard_ns: now,
            heartbeat_ns: now,
            closes: false,
        })
    }

    /// Its place on the thread.
    pub fn slot(&self) -> u16 {
        self.slot
    }

    /// Whose it is.
    pub fn venue(&self) -> VenueId {
        self.venue
    }

    /// Its venue's protocol.
    pub fn codec(&self) -> &dyn OrderCodec {
        &*self.codec
    }

    /// Whether it brings news and takes no orders.
    pub fn is_private(&self) -> bool {
        !self.codec.carries(Action::Place)
    }

    /// Whether answers tell by their order alone what they answer: behind one that does not come, none can be believed.
    pub fn answers_in_turn(&self) -> bool {
        matches!(self.reader, Reader::Http(_))
    }

    /// Requests on their way or unanswered.
    pub fn waiting(&self) -> &[Waiting] {
        &self.waiting
    }

    /// Whether it can take a request of this kind now.
    pub fn can_carry(&self, action: Action) -> bool {
        let free = match self.reader {
            Reader::Socket(_) => self.waiting.len() < IN_FLIGHT_MAX,
            Reader::Http(_) => self.waiting.is_empty() && !self.closes,
        };
        free && self.codec.carries(action)
    }

    /// Whether nothing waits for the socket: what is sent now leaves now, and no stop can come in between.
    pub fn is_clear(&self) -> bool {
        self.outbox.is_empty() && !self.stream.is_backed_up()
    }

    /// Writes a request into its own buffer.
    ///
    /// # Errors
    /// Why it cannot be written; nothing leaves.
    pub fn encode(&mut self, order: &Order, wall_ms: i64) -> Result<(), OrderReject> {
        self.request.clear();
        self.codec.encode(order, wall_ms, &mut self.request)
    }

    /// What of the order the written request says otherwise.
    pub fn differs(&self, order: &Order) -> Option<Field> {
        self.codec.differs(order, &self.request)
    }

    /// Sends what [`Self::encode`] wrote. False when there is no room for it: nothing left.
    pub fn send(&mut self, order: &Order, now: Nanos) -> bool {
        let pushed = match self.reader {
            Reader::Socket(_) => self.outbox.push(outbox::TEXT, &self.request),
            Reader::Http(_) => self.outbox.push_bytes(&self.request),
        };
        if pushed {
            self.waiting.push(Waiting { order: *order, asked_ns: now, sent: false });
        }
        pushed
    }

    /// Forgets the requests for which `over` holds, handing each to it first.
    pub fn forget(&mut self, over: impl FnMut(&Waiting) -> bool) {
        let mut over = over;
        self.waiting.retain(|waiting| !over(waiting));
    }

    /// Marks what has left as sent, and shows each once.
    pub fn mark_sent(&mut self, mut show: impl FnMut(&Order)) {
        for waiting in self.waiting.iter_mut().filter(|waiting| !waiting.sent) {
            waiting.sent = true;
            show(&waiting.order);
        }
    }

    /// Writes what the socket takes; true when everything has left.
    ///
    /// # Errors
    /// The socket's.
    pub fn flush(&mut self) -> io::Result<bool> {
        Ok(self.outbox.flush(&mut self.stream)? & self.stream.push_out()?)
    }

    /// One read of the socket; false when nothing is there.
    ///
    /// # Errors
    /// Why the line is over.
    pub fn read(&mut self, now: Nanos) -> Result<bool, Ending> {
        let space = match &mut self.reader {
            Reader::Socket(framer) => framer.space(),
            Reader::Http(framer) => framer.space(),
        };
        match self.stream.read(space) {
            Ok(0) => Err(Ending::Closed),
            Ok(n) => {
                self.heard_ns = now;
                match &mut self.reader {
                    Reader::Socket(framer) => framer.filled(n),
                    Reader::Http(framer) => framer.filled(n),
                }
                Ok(true)
            }
            Err(e) if matches!(e.kind(), ErrorKind::WouldBlock | ErrorKind::Interrupted) => Ok(false),
            Err(_) => Err(Ending::Failed),
        }
    }

    /// Decodes the next answer into `sink`; `None` when there is no whole one.
    ///
    /// # Errors
    /// Why the line is over.
    pub fn next_answer(&mut self, now: Nanos, sink: &mut dyn ReportSink) -> Result<Option<Taken>, Ending> {
        match &mut self.reader {
            Reader::Socket(framer) => match framer.pull() {
                Ok(None) => Ok(None),
                Ok(Some(Item::Message(mut frame))) => {
                    let read = self.codec.decode(Answer::Message(frame.reborrow()), now, sink);
                    sink.on_read(frame.payload(), read.err().map(|rejected| rejected.reason));
                    Ok(Some(Taken::Answer(read)))
                }
                Ok(Some(Item::Ping(payload))) => {
                    self.outbox.push(outbox::PONG, payload);
                    Ok(Some(Taken::Frame))
                }
                Ok(Some(Item::Pong | Item::TooLarge)) => Ok(Some(Taken::Frame)),
                Ok(Some(Item::Close(_))) => Err(Ending::Closed),
                Err(_) => Err(Ending::Protocol),
            },
            Reader::Http(framer) => {
                let Some(response) = framer.pull().map_err(|_| Ending::Protocol)? else { return Ok(None) };
                // An answer to nothing that was asked: the line is out of step.
                let Some(asked) = self.waiting.first().copied() else { return Err(Ending::Protocol) };
                self.closes = response.closes;
                let (status, head, mut body) = (response.status, response.head, response.body);
                let answer = Answer::Response { status, head, body: body.reborrow(), order: &asked.order };
                let read = self.codec.decode(answer, now, sink);
                sink.on_read(body.payload(), read.err().map(|rejected| rejected.reason));
                Ok(Some(Taken::Reply(asked.order, read)))
            }
        }
    }

    /// Keeps the line alive, and says when it is over.
    pub fn keep_up(&mut self, cx: &Context<'_>) -> Option<Ending> {
        let is_socket = matches!(self.reader, Reader::Socket(_));
        let due = |interval: Nanos| cx.now.saturating_sub(self.heartbeat_ns) >= interval;
        match self.upkeep.heartbeat {
            Some((interval, text)) if due(interval) => {
                self.heartbeat_ns = cx.now;
                self.outbox.push(outbox::TEXT, text.as_bytes());
            }
            None if is_socket && self.upkeep.silent_ns > 0 && due(self.upkeep.silent_ns / 3) => {
                self.heartbeat_ns = cx.now;
                self.outbox.push(outbox::PING, b"");
            }
            _ => {}
        }
        let silent = self.upkeep.silent_ns > 0 && cx.now.saturating_sub(self.heard_ns) > self.upkeep.silent_ns;
        let done = self.closes && self.waiting.is_empty();
        if silent { Some(Ending::Silent) } else { done.then_some(Ending::Closed) }
    }
}

/// What was taken off a line.
#[derive(Debug)]
pub enum Taken {
    /// A WebSocket message.
    Answer(Result<AnswerKind, Rejected>),
    /// The HTTP answer to this request.
    Reply(Order, Result<AnswerKind, Rejected>),
    /// A control frame.
    Frame,
}

impl AsFd for OrderLine {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.stream.as_fd()
    }
}
