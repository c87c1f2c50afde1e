//! A connection without a socket: two lanes of bytes with a latency, and the ways in which connections fail. The
//! near end is what the pinned thread reads and writes, the far end is the venue's.

use crate::clock::Time;
use highwire_engine::clock::Clock;
use highwire_engine::stream::Bytes;
use highwire_links::Nanos;
use std::collections::VecDeque;
use std::fs::File;
use std::io::{self, ErrorKind, Read, Write};
use std::os::fd::{AsFd, BorrowedFd};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Bytes that wait unread beyond which a write blocks: a socket's buffer.
const LANE_BYTES_MAX: usize = 1 << 20;

/// One direction: bytes in order, each part with the time when it arrives.
#[derive(Debug, Default)]
struct Lane {
    bytes: VecDeque<u8>,
    /// Ends of parts, in bytes since the beginning, with their times.
    parts: VecDeque<(Nanos, u64)>,
    taken: u64,
    arrived: u64,
}

impl Lane {
    fn push(&mut self, bytes: &[u8], due_ns: Nanos) {
        let due_ns = self.parts.back().map_or(due_ns, |&(last, _)| last.max(due_ns));
        self.bytes.extend(bytes);
        self.parts.push_back((due_ns, self.taken + self.bytes.len() as u64));
    }

    fn ready(&mut self, now: Nanos) -> usize {
        while let Some(&(due_ns, end)) = self.parts.front() {
            if due_ns > now {
                break;
            }
            self.arrived = end;
            self.parts.pop_front();
        }
        (self.arrived - self.taken) as usize
    }

    fn read(&mut self, into: &mut [u8], now: Nanos) -> usize {
        let n = self.ready(now).min(into.len());
        let (front, back) = self.bytes.as_slices();
        let first = n.min(front.len());
        into[..first].copy_from_slice(&front[..first]);
        into[first..n].copy_from_slice(&back[..n - first]);
        self.bytes.drain(..n);
        self.taken += n as u64;
        n
    }
}

/// How a connection stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stand {
    Open,
    /// The venue closed it; what is under way still arrives.
    Closed,
    /// Reset: what was under way is gone.
    Reset,
}

#[derive(Debug)]
struct Pipe {
    down: Lane,
    up: Lane,
    stand: Stand,
    /// Nothing arrives from the venue any more, and nobody is told.
    deaf: bool,
    /// Nothing arrives at the venue any more, and nobody is told.
    mute: bool,
    /// Nothing arrives anywhere until it is let go; nothing is lost.
    is_held: bool,
    /// Bytes that one read brings at most.
    chunk: usize,
    /// How long bytes take to the venue.
    latency_ns: Nanos,
}

/// Counts the writes of a process, and ends it in one of them.
#[derive(Clone, Debug, Default)]
pub struct Fuse(Arc<Mutex<FuseState>>);

#[derive(Debug, Default)]
struct FuseState {
    writes: u64,
    at: Option<u64>,
    blown: bool,
    /// Blows between two requests of one turn to different lines.
    between: bool,
    /// The last request: its line, and when.
    request: Option<(u16, Nanos)>,
    /// The lines that it has blown between.
    legs: Option<(u16, u16)>,
}

/// A write of so many bytes is a request: heartbeats are shorter.
const REQUEST_BYTES: usize = 32;

impl Fuse {
    /// Blows in the `at`-th write, counted from 0.
    pub fn set(&self, at: Option<u64>) {
        let mut state = lock(&self.0);
        state.at = at;
    }

    /// Blows between two requests that leave for different lines in one turn: the first leaves, the second never does.
    pub fn set_between_legs(&self) {
        let mut state = lock(&self.0);
        (state.between, state.request, state.legs) = (true, None, None);
    }

    /// The places on the thread of the two lines that it has blown between.
    pub fn legs(&self) -> Option<(u16, u16)> {
        lock(&self.0).legs
    }

    /// Whether the process is dead.
    pub fn is_blown(&self) -> bool {
        lock(&self.0).blown
    }

    /// A new process: writes are counted on.
    pub fn renew(&self) {
        let mut state = lock(&self.0);
        (state.blown, state.at, state.between) = (false, None, false);
    }

    /// Writes so far.
    pub fn writes(&self) -> u64 {
        lock(&self.0).writes
    }

    /// How much of a write of so many bytes is done: all, or half of it when the process ends in it, or none after.
    fn burn(&self, bytes: usize, line: u16, now: Nanos) -> usize {
        let mut state = lock(&self.0);
        if state.blown {
            return 0;
        }
        if bytes >= REQUEST_BYTES {
            let before = state.request.replace((line, now));
            if let Some((first, _)) = before.filter(|&(first, at_ns)| state.between && first != line && at_ns == now) {
                (state.blown, state.legs) = (true, Some((first, line)));
                return 0;
            }
        }
        let number = state.writes;
        state.writes += 1;
        if state.at == Some(number) {
            state.blown = true;
            // Every third one is cut, every third is whole, every third never began.
            return [bytes, bytes / 2, 0][(number % 3) as usize];
        }
        bytes
    }
}

/// The service's end.
#[derive(Debug)]
pub struct Near {
    pipe: Arc<Mutex<Pipe>>,
    time: Time,
    fuse: Fuse,
    /// The line's place on the thread.
    slot: u16,
    twice: bool,
    nothing: Arc<File>,
}

/// The venue's end.
#[derive(Clone, Debug)]
pub struct Far {
    pipe: Arc<Mutex<Pipe>>,
}

/// Makes connections of one world.
#[derive(Clone, Debug)]
pub struct Wires {
    time: Time,
    twice: bool,
    nothing: Arc<File>,
}

impl Wires {
    /// Connections in this time; with `twice` whatever is written arrives twice, which is wrong on purpose.
    ///
    /// # Errors
    /// The system has no `/dev/null`, or no file descriptor left.
    pub fn new(time: Time, twice: bool) -> io::Result<Self> {
        Ok(Self { time, twice, nothing: Arc::new(File::open("/dev/null")?) })
    }

    /// A connection with this latency to the venue, of a process with this fuse, for the line in this place.
    pub fn connect(&self, latency_ns: Nanos, fuse: &Fuse, slot: u16) -> (Near, Far) {
        let pipe = Pipe {
            down: Lane::default(),
            up: Lane::default(),
            stand: Stand::Open,
            deaf: false,
            mute: false,
            is_held: false,
            chunk: usize::MAX,
            latency_ns,
        };
        let pipe = Arc::new(Mutex::new(pipe));
        let near = Near {
            pipe: Arc::clone(&pipe),
            time: self.time.clone(),
            fuse: fuse.clone(),
            slot,
            twice: self.twice,
            nothing: Arc::clone(&self.nothing),
        };
        (near, Far { pipe })
    }
}

fn lock<T>(of: &Mutex<T>) -> MutexGuard<'_, T> {
    of.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Read for Near {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let mut pipe = lock(&self.pipe);
        if pipe.stand == Stand::Reset {
            return Err(ErrorKind::ConnectionReset.into());
        }
        let most = if pipe.is_held { 0 } else { into.len().min(pipe.chunk) };
        let n = pipe.down.read(&mut into[..most], self.time.now());
        if n > 0 {
            return Ok(n);
        }
        let is_over = pipe.stand == Stand::Closed && pipe.down.bytes.is_empty();
        if is_over { Ok(0) } else { Err(ErrorKind::WouldBlock.into()) }
    }
}

impl Write for Near {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let now = self.time.now();
        let mut pipe = lock(&self.pipe);
        if pipe.stand != Stand::Open {
            return Err(ErrorKind::BrokenPipe.into());
        }
        if pipe.up.bytes.len() + bytes.len() > LANE_BYTES_MAX {
            return Err(ErrorKind::WouldBlock.into());
        }
        let done = self.fuse.burn(bytes.len(), self.slot, now);
        let due_ns = now + pipe.latency_ns;
        if done > 0 && !pipe.mute {
            pipe.up.push(&bytes[..done], due_ns);
            if self.twice {
                pipe.up.push(&bytes[..done], due_ns);
            }
        }
        if self.fuse.is_blown() { Err(ErrorKind::BrokenPipe.into()) } else { Ok(bytes.len()) }
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Bytes for Near {
    fn watched(&self) -> BorrowedFd<'_> {
        self.nothing.as_fd()
    }
}

impl Drop for Near {
    fn drop(&mut self) {
        lock(&self.pipe).stand = Stand::Reset;
    }
}

impl Far {
    /// Sends a WebSocket frame (RFC 6455 §5.2) that arrives then, unless something before it arrives later; false when
    /// it never does.
    pub fn send(&self, opcode: u8, payload: &[u8], due_ns: Nanos) -> bool {
        let mut pipe = lock(&self.pipe);
        if pipe.stand != Stand::Open || pipe.deaf || pipe.down.bytes.len() + payload.len() > LANE_BYTES_MAX {
            return false;
        }
        let mut head = [0x80 | opcode, 0, 0, 0];
        let head_len = if payload.len() < 126 {
            head[1] = payload.len() as u8;
            2
        } else {
            head[1] = 126;
            head[2..].copy_from_slice(&(payload.len() as u16).to_be_bytes());
            4
        };
        pipe.down.push(&head[..head_len], due_ns);
        pipe.down.push(payload, due_ns);
        true
    }

    /// Bytes sent since the beginning.
    pub fn sent(&self) -> u64 {
        let pipe = lock(&self.pipe);
        pipe.down.taken + pipe.down.bytes.len() as u64
    }

    /// Whether the service has read all of the first so many bytes.
    pub fn has_read(&self, end: u64) -> bool {
        lock(&self.pipe).down.taken >= end
    }

    /// Takes what has arrived.
    pub fn take(&self, now: Nanos, into: &mut Vec<u8>) {
        let mut pipe = lock(&self.pipe);
        let n = if pipe.is_held { 0 } else { pipe.up.ready(now) };
        let begin = into.len();
        into.resize(begin + n, 0);
        pipe.up.read(&mut into[begin..], now);
    }

    /// Whether the service gave it up, and everything that it sent was taken.
    pub fn is_over(&self) -> bool {
        let pipe = lock(&self.pipe);
        pipe.stand == Stand::Reset && pipe.up.bytes.is_empty()
    }

    /// Closes it in order.
    pub fn close(&self) {
        let mut pipe = lock(&self.pipe);
        if pipe.stand == Stand::Open {
            pipe.stand = Stand::Closed;
        }
    }

    /// Resets it.
    pub fn reset(&self) {
        lock(&self.pipe).stand = Stand::Reset;
    }

    /// Holds it, or lets it go, and cuts what arrives into pieces of so many bytes.
    pub fn shape(&self, is_held: bool, chunk: usize) {
        let mut pipe = lock(&self.pipe);
        (pipe.is_held, pipe.chunk) = (is_held, chunk);
    }

    /// From here on nothing arrives in these directions, and nobody is told: a half-open connection.
    pub fn cut(&self, down: bool, up: bool) {
        let mut pipe = lock(&self.pipe);
        (pipe.deaf, pipe.mute) = (pipe.deaf || down, pipe.mute || up);
    }
}

/// Cuts client frames out of a stream and takes their masks off.
#[derive(Debug, Default)]
pub struct Unframer {
    bytes: Vec<u8>,
}

impl Unframer {
    /// Where received bytes go.
    pub fn buffer(&mut self) -> &mut Vec<u8> {
        &mut self.bytes
    }

    /// The next whole frame: its opcode, and its payload in `into`.
    pub fn next(&mut self, into: &mut Vec<u8>) -> Option<u8> {
        let &[first, second, ref rest @ ..] = self.bytes.as_slice() else { return None };
        let (head, len) = match (second & 0x7f, rest) {
            (126, &[a, b, ..]) => (8, usize::from(u16::from_be_bytes([a, b]))),
            (126 | 127, _) => return None,
            (short, _) => (6, usize::from(short)),
        };
        let whole = self.bytes.get(..head + len)?;
        let (mask, body) = whole[head - 4..].split_first_chunk::<4>()?;
        into.clear();
        into.extend(body.iter().zip(mask.iter().cycle()).map(|(byte, mask)| byte ^ mask));
        self.bytes.drain(..head + len);
        Some(first & 0x0f)
    }
}
