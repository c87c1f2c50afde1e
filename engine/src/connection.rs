//! One live market-data connection on a pinned thread: made by an actor (connect, TLS, upgrade, subscribe),
//! read here, and sent home when it ends. The heartbeat is the venue's text ping.

use crate::context::Context;
use crate::feed::{Codec, Feed};
use crate::framer::{Framer, Item};
use crate::outbox::{self, Outbox};
use crate::probe::{Probe, Verdict};
use crate::stream::Stream;
use highwire_links::Nanos;
use highwire_links::decode::{FrameKind, Reject};
use highwire_links::lifecycle::Ending;
use highwire_links::limits::FRAME_BYTES_MAX;
use std::io::{self, ErrorKind, Read};
use std::os::fd::{AsFd, BorrowedFd};

/// Reads of one turn, so that one busy connection cannot starve the others.
const READS_PER_TURN: usize = 8;

/// Room for pongs and heartbeats that wait for the socket.
const OUTBOX_BYTES: usize = 1024;

/// How a line is kept alive and when it is given up.
#[derive(Clone, Copy, Debug)]
pub struct Upkeep {
    /// Interval in nanoseconds and text of the venue's own ping; `None` where it has none.
    pub heartbeat: Option<(Nanos, &'static str)>,
    /// Without data (pings and pongs prove nothing) for this long, the line has ended.
    pub silent_ns: Nanos,
}

/// The parcel of `Verb::Attach`.
#[derive(Debug)]
pub struct Connection {
    stream: Stream,
    framer: Framer,
    codec: Codec,
    outbox: Outbox,
    upkeep: Upkeep,
    probe: Probe,
    data_ns: Nanos,
    heartbeat_ns: Nanos,
    closed: Option<Option<u16>>,
}

/// What one turn brought.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Turn {
    /// Messages handed to the feed.
    pub messages: usize,
    /// Set when the connection is over.
    pub ending: Option<Ending>,
}

impl Connection {
    /// A connection past its upgrade. `leftover` are bytes that came with the end of the upgrade.
    ///
    /// # Errors
    /// The leftover is larger than the receive buffer.
    pub fn new(stream: Stream, leftover: &[u8], codec: Codec, upkeep: Upkeep, now: Nanos) -> io::Result<Self> {
        let mut framer = Framer::new(FRAME_BYTES_MAX);
        if framer.preload(leftover) < leftover.len() {
            return Err(io::Error::other("more bytes came with the upgrade than fit the receive buffer"));
        }
        let outbox = Outbox::new(now, OUTBOX_BYTES);
        let probe = Probe::new(now);
        Ok(Self { stream, framer, codec, outbox, upkeep, probe, data_ns: now, heartbeat_ns: now, closed: None })
    }

    /// Its place on the thread.
    pub fn slot(&self) -> u16 {
        self.codec.slot
    }

    /// What it decodes with.
    pub fn codec(&self) -> &Codec {
        &self.codec
    }

    /// The close frame that ended it, with its code if it had one; `None` when none came.
    pub fn closed(&self) -> Option<Option<u16>> {
        self.closed
    }

    /// When data last came.
    pub fn data_ns(&self) -> Nanos {
        self.data_ns
    }

    /// Reads until the socket has no more (bounded), hands messages to the feed, answers pings,
    /// keeps the heartbeat.
    pub fn poll(&mut self, cx: &mut Context<'_>, feed: &mut Feed) -> Turn {
        let (mut turn, mut drained) = (Turn::default(), false);
        for _ in 0..READS_PER_TURN {
            self.take_messages(cx, feed, &mut turn);
            if turn.ending.is_some() || drained {
                break;
            }
            let space = self.framer.space();
            let room = space.len();
            match self.stream.read(space) {
                Ok(0) => turn.ending = Some(Ending::Closed),
                Ok(n) => {
                    self.probe.on_bytes(cx.now);
                    self.framer.filled(n);
                    drained = self.stream.is_drained_by(n, room);
                }
                Err(e) if e.kind() == ErrorKind::WouldBlock => break,
                Err(e) if e.kind() == ErrorKind::Interrupted => {}
                Err(_) => turn.ending = Some(Ending::Failed),
            }
        }
        self.keep_up(cx.now, &mut turn);
        turn
    }

    fn take_messages(&mut self, cx: &mut Context<'_>, feed: &mut Feed, turn: &mut Turn) {
        let stamp = cx.clock.stamp();
        loop {
            match self.framer.pull() {
                Ok(Some(Item::Message(frame))) => {
                    turn.messages += 1;
                    // A refusal is counted by the feed, which distrusts the book it concerns.
                    match feed.on_frame(cx, &mut self.codec, frame, cx.now, stamp) {
                        Ok(FrameKind::Control) | Err(_) => {}
                        Ok(_) => self.data_ns = cx.now,
                    }
                }
                Ok(Some(Item::Ping(payload))) => _ = self.outbox.push(outbox::PONG, payload),
                Ok(Some(Item::Pong)) => self.probe.on_pong(),
                Ok(Some(Item::TooLarge)) => {
                    feed.on_refused(cx, Reject::TooLarge, &self.codec.instruments, self.codec.slot);
                }
                Ok(Some(Item::Close(code))) => {
                    self.closed = Some(code);
                    let code = code.map(u16::to_be_bytes);
                    self.outbox.push(outbox::CLOSE, code.as_ref().map_or(&[], |code| code.as_slice()));
                    turn.ending = Some(Ending::Closed);
                    return;
                }
                Ok(None) => return,
                Err(_) => {
                    turn.ending = Some(Ending::Protocol);
                    return;
                }
            }
        }
    }

    fn keep_up(&mut self, now: Nanos, turn: &mut Turn) {
        if let Some((interval_ns, text)) = self.upkeep.heartbeat
            && now.saturating_sub(self.heartbeat_ns) >= interval_ns
        {
            self.heartbeat_ns = now;
            self.outbox.push(outbox::TEXT, text.as_bytes());
        }
        let verdict = self.probe.on_time(now);
        if verdict == Verdict::Ask {
            self.outbox.push(outbox::PING, b"");
        }
        let flushed = self.outbox.flush(&mut self.stream).and_then(|_| self.stream.push_out());
        let silent = verdict == Verdict::Dead || now.saturating_sub(self.data_ns) > self.upkeep.silent_ns;
        let found = match flushed {
            Err(_) => Some(Ending::Failed),
            Ok(_) => silent.then_some(Ending::Silent),
        };
        turn.ending = turn.ending.or(found);
    }
}

impl AsFd for Connection {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.stream.as_fd()
    }
}
