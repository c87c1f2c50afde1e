//! A stream for the WebSocket upgrade that gives the parser nothing past the blank line. tungstenite
//! drops what it read beyond the 101 response, and venues send their first frames right behind it.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// Wraps a stream for one upgrade.
#[derive(Debug)]
pub struct HandshakeIo<S> {
    inner: S,
    tail: Vec<u8>,
    /// How many bytes of `\r\n\r\n` were just seen.
    seen: u8,
}

impl<S> HandshakeIo<S> {
    /// A stream before its upgrade.
    pub fn new(inner: S) -> Self {
        Self { inner, tail: Vec::new(), seen: 0 }
    }

    /// The stream, and the bytes that came behind the response.
    pub fn into_parts(self) -> (S, Vec<u8>) {
        (self.inner, self.tail)
    }

    /// Where the response ends within `bytes`, if it ends there.
    fn end_of_response(&mut self, bytes: &[u8]) -> Option<usize> {
        for (i, &byte) in bytes.iter().enumerate() {
            self.seen = match (self.seen, byte) {
                (0 | 2, b'\r') | (1 | 3, b'\n') => self.seen + 1,
                (_, b'\r') => 1,
                _ => 0,
            };
            if self.seen == 4 {
                return Some(i + 1);
            }
        }
        None
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for HandshakeIo<S> {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, out: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let start = out.filled().len();
        ready!(Pin::new(&mut self.inner).poll_read(cx, out))?;
        if let Some(end) = self.end_of_response(&out.filled()[start..]) {
            let end = start + end;
            self.tail.extend_from_slice(&out.filled()[end..]);
            out.set_filled(end);
        }
        Poll::Ready(Ok(()))
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for HandshakeIo<S> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.inner).poll_write(cx, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_shutdown(cx)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::io::{AsyncReadExt, AsyncWriteExt};

    const RESPONSE: &[u8] = b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n\r\n";

    #[tokio::test]
    async fn bytes_glued_to_the_response_are_never_lost_however_the_stream_is_cut() {
        let mut wire = RESPONSE.to_vec();
        wire.extend(b"frames\r\n\r\nmore");
        for cut in 0..wire.len() {
            let (mut near, far) = tokio::io::duplex(1 << 10);
            near.write_all(&wire[..cut]).await.unwrap();
            let mut stream = HandshakeIo::new(far);
            let mut got = Vec::with_capacity(cut);
            while got.len() < cut.min(RESPONSE.len()) {
                stream.read_buf(&mut got).await.unwrap();
            }
            near.write_all(&wire[cut..]).await.unwrap();
            drop(near);
            while got.len() < RESPONSE.len() {
                stream.read_buf(&mut got).await.unwrap();
            }
            let (mut rest, mut tail) = stream.into_parts();
            rest.read_to_end(&mut tail).await.unwrap();
            assert_eq!((got.as_slice(), tail.as_slice()), wire.split_at(RESPONSE.len()), "cut at {cut}");
        }
    }
}
