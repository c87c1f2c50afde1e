//! The wire between a client's socket and a room: a relay per connection that can lose, delay, slow down,
//! cut up and corrupt bytes, and end the connection the rude ways. Without faults it only passes bytes on.

use std::collections::VecDeque;
use std::io;
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, DuplexStream, split};
use tokio::net::TcpStream;
use tokio::sync::watch;
use tokio::time::{Instant, sleep, sleep_until, timeout};

use crate::fault::verb::chance;
use crate::rng::Rng;

/// Bytes that may wait between the socket and the room, each way.
const PIPE_BYTES: usize = 64 << 10;
/// Bytes taken from a socket at once.
const PIECE_BYTES: usize = 16 << 10;
/// Pieces that may be on their way when bytes are delayed.
const PIECES_MAX: usize = 1_024;
/// How long a piece may wait to be joined by the next.
const JOIN_MAX: Duration = Duration::from_millis(200);
/// How long a client may take to end its side after ours has ended; a close with unread bytes would be a reset.
const DRAIN_MAX: Duration = Duration::from_millis(200);

/// How a connection ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum End {
    Reset,
    Fin,
    /// FIN before the last byte of the next piece: its half may be the end of a frame.
    MidFrame,
}

/// What the wire does to bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Shape {
    /// Bytes of the client vanish.
    pub(crate) hole_up: bool,
    /// Bytes to the client vanish.
    pub(crate) hole_down: bool,
    pub(crate) delay_ns: u64,
    pub(crate) jitter_ns: u64,
    /// Speed to the client; 0 = as fast as it goes.
    pub(crate) bytes_s: u64,
    /// Size of the pieces to the client; 0 = as they come.
    pub(crate) chunk: usize,
    pub(crate) corrupt_p: f64,
    /// The first two pieces leave together.
    pub(crate) join: bool,
    pub(crate) end: Option<End>,
    /// For the room: age at which the connection is closed, 0 = none of its own.
    pub(crate) max_age_ns: u64,
    /// For the room: time in which a write must be taken, 0 = for ever.
    pub(crate) slow_ns: u64,
    /// For the room: pings are not answered.
    pub(crate) no_pong: bool,
    /// For the room: frames per message, 0 = one.
    pub(crate) fragments: usize,
}

/// The room's end of a connection's wire, with the relay running behind it; `registered` is dropped when the relay ends.
///
/// # Errors
/// The socket is gone.
pub(crate) fn wire(
    socket: TcpStream,
    shape: watch::Receiver<Shape>,
    seed: u64,
    registered: impl Send + 'static,
) -> io::Result<DuplexStream> {
    socket.set_nodelay(true)?;
    let (room, relay) = tokio::io::duplex(PIPE_BYTES);
    tokio::spawn(async move {
        run(socket, relay, shape, seed).await;
        drop(registered);
    });
    Ok(room)
}

async fn run(mut socket: TcpStream, relay: DuplexStream, shape: watch::Receiver<Shape>, seed: u64) {
    let end = {
        let (from, mut to) = socket.split();
        let (room_out, room_in) = split(relay);
        let up = pump(from, room_in, shape.clone(), false, Rng::new(seed, 1));
        let down = pump(room_out, &mut to, shape.clone(), true, Rng::new(seed, 2));
        let up = async {
            let _ = up.await; // the client has ended: the room hears of it and ends the other way
            std::future::pending::<()>().await;
        };
        tokio::select! {
            end = told(shape.clone()) => end,
            () = up => None,
            _ = down => None,
        }
    };
    match end {
        Some(End::Reset) => {
            let _ = socket.set_zero_linger(); // a dead socket needs no reset
        }
        _ => {
            let _ = socket.shutdown().await; // FIN; it may be gone already
            let _ = timeout(DRAIN_MAX, tokio::io::copy(&mut socket, &mut tokio::io::sink())).await;
        }
    }
}

/// Resolves when the control wants the connection gone, or the simulator has ended.
async fn told(mut shape: watch::Receiver<Shape>) -> Option<End> {
    let rude = |shape: &Shape| matches!(shape.end, Some(End::Reset | End::Fin));
    shape.wait_for(rude).await.ok().and_then(|shape| shape.end)
}

/// Passes bytes on until the source ends. While the way is a black hole even the end is not passed on.
async fn pump(
    mut from: impl AsyncRead + Unpin,
    mut to: impl AsyncWrite + Unpin,
    mut shape: watch::Receiver<Shape>,
    down: bool,
    mut rng: Rng,
) -> io::Result<()> {
    let mut buffer = vec![0; PIECE_BYTES];
    let mut queue: VecDeque<(Instant, Vec<u8>)> = VecDeque::new();
    let (mut ended, mut first) = (false, down);
    while !(ended && queue.is_empty()) {
        let due = queue.front().map_or_else(Instant::now, |(due, _)| *due);
        tokio::select! {
            biased;
            () = sleep_until(due), if !queue.is_empty() => {
                if let Some((_, piece)) = queue.pop_front() {
                    deliver(&mut to, piece, &shape, down, &mut rng).await?;
                }
            }
            read = from.read(&mut buffer), if !ended && queue.len() < PIECES_MAX => {
                let mut length = read?;
                ended = length == 0;
                if std::mem::take(&mut first) && shape.borrow().join {
                    let more = timeout(JOIN_MAX, from.read(&mut buffer[length..])).await;
                    length += more.ok().and_then(Result::ok).unwrap_or(0);
                }
                let late = lateness(*shape.borrow(), &mut rng);
                let due = (Instant::now() + late).max(queue.back().map_or_else(Instant::now, |(due, _)| *due));
                if queue.is_empty() && late.is_zero() {
                    deliver(&mut to, buffer[..length].to_vec(), &shape, down, &mut rng).await?;
                } else {
                    queue.push_back((due, buffer[..length].to_vec()));
                }
            }
        }
    }
    let hole = |shape: &Shape| if down { shape.hole_down } else { shape.hole_up };
    let _ = shape.wait_for(|shape| !hole(shape)).await; // an error: the simulator has ended
    to.shutdown().await
}

fn lateness(shape: Shape, rng: &mut Rng) -> Duration {
    Duration::from_nanos(shape.delay_ns + rng.below(shape.jitter_ns.saturating_add(1)))
}

async fn deliver(
    to: &mut (impl AsyncWrite + Unpin),
    mut piece: Vec<u8>,
    shape: &watch::Receiver<Shape>,
    down: bool,
    rng: &mut Rng,
) -> io::Result<()> {
    let now = *shape.borrow();
    if piece.is_empty() || (if down { now.hole_down } else { now.hole_up }) {
        return Ok(());
    }
    if !down {
        return to.write_all(&piece).await;
    }
    if now.end == Some(End::MidFrame) {
        to.write_all(&piece[..piece.len() - 1]).await?;
        return Err(io::ErrorKind::BrokenPipe.into());
    }
    if now.corrupt_p > 0.0 {
        for byte in &mut piece {
            *byte ^= if chance(rng, now.corrupt_p) { 1 << rng.below(8) } else { 0 };
        }
    }
    if now.chunk == 0 && now.bytes_s == 0 {
        return to.write_all(&piece).await;
    }
    // a tenth of a second's worth at a time, so that slow really is slow and not a long pause
    let slow = usize::try_from(now.bytes_s.div_ceil(10)).unwrap_or(usize::MAX);
    let size = [now.chunk, slow].into_iter().filter(|&size| size > 0).min().unwrap_or(PIECE_BYTES);
    for part in piece.chunks(size) {
        to.write_all(part).await?;
        let pause = (part.len() as u64 * 1_000_000_000).checked_div(now.bytes_s).unwrap_or(50_000);
        sleep(Duration::from_nanos(pause)).await; // lets the part leave as a segment of its own
    }
    Ok(())
}
