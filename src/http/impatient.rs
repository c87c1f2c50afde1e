//! A socket that waits for no reader: what is to be written and is not taken for a while ends the connection. Otherwise a
//! client that asks again and again and reads nothing would keep its place for minutes.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::time::{Instant, Sleep};

/// A socket with a time for its reader.
pub(super) struct Impatient {
    socket: TcpStream,
    within: Duration,
    /// When patience is over; `None` while everything is taken.
    until: Option<Pin<Box<Sleep>>>,
}

impl Impatient {
    /// Whoever takes nothing for so long is cut off.
    pub(super) const fn new(socket: TcpStream, within: Duration) -> Self {
        Self { socket, within, until: None }
    }

    /// What a write came to, or the end of patience.
    fn judge<T>(&mut self, cx: &mut Context<'_>, written: Poll<io::Result<T>>) -> Poll<io::Result<T>> {
        if written.is_ready() {
            self.until = None;
            return written;
        }
        let within = self.within;
        let until = self.until.get_or_insert_with(|| Box::pin(tokio::time::sleep_until(Instant::now() + within)));
        until.as_mut().poll(cx).map(|()| Err(io::ErrorKind::TimedOut.into()))
    }
}

impl AsyncRead for Impatient {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, into: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.socket).poll_read(cx, into)
    }
}

impl AsyncWrite for Impatient {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.socket).poll_write(cx, bytes);
        self.judge(cx, written)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        parts: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.socket).poll_write_vectored(cx, parts);
        self.judge(cx, written)
    }

    fn is_write_vectored(&self) -> bool {
        self.socket.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.socket).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.socket).poll_shutdown(cx)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::io::AsyncWriteExt;

    #[tokio::test]
    async fn whoever_takes_nothing_is_cut_off_and_whoever_reads_is_not() {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let (mut far, near) =
            tokio::join!(async { TcpStream::connect(listener.local_addr().unwrap()).await.unwrap() }, async {
                listener.accept().await.unwrap().0
            });
        let mut near = Impatient::new(near, Duration::from_millis(200));
        let full = loop {
            if let Err(error) = near.write_all(&[7; 65_536]).await {
                break error;
            }
        };
        assert_eq!(full.kind(), io::ErrorKind::TimedOut);
        let reader = tokio::spawn(async move {
            let mut sink = [0; 65_536];
            while tokio::io::AsyncReadExt::read(&mut far, &mut sink).await.is_ok_and(|read| read > 0) {}
        });
        for _ in 0..100 {
            near.write_all(&[7; 65_536]).await.unwrap();
        }
        drop(near);
        reader.await.unwrap();
    }
}
