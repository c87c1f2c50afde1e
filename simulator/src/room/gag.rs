//! Holds pongs back. The WebSocket library answers pings by itself; a server that does not answer them
//! needs its pong frames taken out of the bytes on their way to the wire.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::sync::watch;

use crate::proxy::Shape;

const PONG: u8 = 0x8A;
/// Longest header of a frame that is not masked.
const HEADER_MAX: usize = 10;

/// A stream without the pongs while the shape says so.
pub(crate) struct Gag<S> {
    stream: S,
    shape: watch::Receiver<Shape>,
    tracker: Tracker,
    /// What is ready to leave and how much of it has left.
    ready: Vec<u8>,
    sent: usize,
}

/// Where in the stream of frames the next byte stands.
#[derive(Default)]
struct Tracker {
    /// Bytes of `\r\n\r\n` seen: 4 once the answer to the upgrade is through.
    head: usize,
    header: Vec<u8>,
    /// Bytes of the payload still to come.
    payload: u64,
    gagged: bool,
}

impl<S> Gag<S> {
    pub(crate) fn new(stream: S, shape: watch::Receiver<Shape>) -> Self {
        Self { stream, shape, tracker: Tracker::default(), ready: Vec::new(), sent: 0 }
    }
}

impl Tracker {
    /// Appends what of `bytes` may leave.
    fn pass(&mut self, bytes: &[u8], no_pong: bool, out: &mut Vec<u8>) {
        let mut rest = bytes;
        while let Some(&byte) = rest.first() {
            if self.head < 4 {
                self.head = if byte == b"\r\n\r\n"[self.head] { self.head + 1 } else { usize::from(byte == b'\r') };
            } else if self.payload > 0 {
                let length = usize::try_from(self.payload).unwrap_or(usize::MAX).min(rest.len());
                if !self.gagged {
                    out.extend_from_slice(&rest[..length]);
                }
                self.payload -= length as u64;
                rest = &rest[length..];
                continue;
            } else {
                self.header(byte, no_pong, out);
                rest = &rest[1..];
                continue;
            }
            out.push(byte);
            rest = &rest[1..];
        }
    }

    fn header(&mut self, byte: u8, no_pong: bool, out: &mut Vec<u8>) {
        self.header.push(byte);
        let wanted = match self.header.get(1).map(|length| length & 0x7F) {
            None => return,
            Some(126) => 4,
            Some(127) => HEADER_MAX,
            Some(_) => 2,
        };
        if self.header.len() < wanted {
            return;
        }
        let extended = self.header[2..].iter().fold(0, |sum, &byte| sum << 8 | u64::from(byte));
        self.payload = if wanted == 2 { u64::from(self.header[1] & 0x7F) } else { extended };
        self.gagged = no_pong && self.header[0] == PONG;
        if !self.gagged {
            out.extend_from_slice(&self.header);
        }
        self.header.clear();
    }
}

impl<S: AsyncWrite + Unpin> Gag<S> {
    fn flush_ready(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        while self.sent < self.ready.len() {
            let written = ready!(Pin::new(&mut self.stream).poll_write(cx, &self.ready[self.sent..]))?;
            if written == 0 {
                return Poll::Ready(Err(io::ErrorKind::WriteZero.into()));
            }
            self.sent += written;
        }
        self.ready.clear();
        self.sent = 0;
        Poll::Ready(Ok(()))
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Gag<S> {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(cx, buf)
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Gag<S> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        ready!(self.flush_ready(cx))?;
        let no_pong = self.shape.borrow().no_pong;
        let Self { tracker, ready, .. } = &mut *self;
        tracker.pass(bytes, no_pong, ready);
        let _ = self.flush_ready(cx)?; // what does not leave now leaves with the next write or flush
        Poll::Ready(Ok(bytes.len()))
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready!(self.flush_ready(cx))?;
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready!(self.flush_ready(cx))?;
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_pongs_are_held_back_however_the_bytes_are_cut() {
        let mut long = vec![0x81, 126, 1, 0];
        long.extend([7; 256]);
        let stream =
            [b"HTTP/1.1 101 x\r\n\r\n".as_slice(), &[0x81, 2, 1, 2, PONG, 3, 9, 9, 9], &long, &[PONG, 0]].concat();
        let wanted = [b"HTTP/1.1 101 x\r\n\r\n".as_slice(), &[0x81, 2, 1, 2], &long].concat();
        for cut in [1, 3, 7, 1_000] {
            let (mut tracker, mut out, mut all) = (Tracker::default(), Vec::new(), Vec::new());
            let mut open = Tracker::default();
            for piece in stream.chunks(cut) {
                tracker.pass(piece, true, &mut out);
                open.pass(piece, false, &mut all);
            }
            assert_eq!((&out, &all), (&wanted, &stream), "cut at {cut}");
        }
    }
}
