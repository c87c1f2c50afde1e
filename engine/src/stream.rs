//! The bytes of a live connection: a plain socket, or one with its TLS session. Made by an actor, which did
//! the handshake on its runtime; from then on one pinned thread owns both, since a session cannot be read on
//! one thread and written on another. What the session had already decrypted stays in it.
//!
//! rustls allocates once per record in each direction; nothing else here does.

use rustls::ClientConnection;
use std::io::{self, ErrorKind, Read, Write};
use std::net::TcpStream;
use std::os::fd::{AsFd, BorrowedFd};

/// Bytes that may wait inside a TLS session for the socket.
const TLS_BUFFER_BYTES: usize = 256 << 10;

/// A byte stream of another make than a socket: the seam through which simulated venues are reached without one.
/// It never blocks: `WouldBlock` when nothing is there, `Ok(0)` when the peer has closed.
pub trait Bytes: Read + Write + Send + std::fmt::Debug {
    /// What a sleeping thread watches in its place; it need not ever become ready.
    fn watched(&self) -> BorrowedFd<'_>;
}

/// A connected, non-blocking byte stream.
#[derive(Debug)]
pub enum Stream {
    /// Without TLS.
    Plain(TcpStream),
    /// With TLS.
    Tls(Box<Tls>),
    /// No socket at all.
    Other(Box<dyn Bytes>),
}

/// A socket and its session.
#[derive(Debug)]
pub struct Tls {
    socket: TcpStream,
    session: ClientConnection,
}

impl Stream {
    /// A plain socket.
    ///
    /// # Errors
    /// It cannot be made non-blocking.
    pub fn plain(socket: TcpStream) -> io::Result<Self> {
        socket.set_nonblocking(true)?;
        Ok(Self::Plain(socket))
    }

    /// A socket past its TLS handshake.
    ///
    /// cold: once per connection, by the actor that made it
    ///
    /// # Errors
    /// It cannot be made non-blocking.
    pub fn tls(socket: TcpStream, mut session: ClientConnection) -> io::Result<Self> {
        socket.set_nonblocking(true)?;
        session.set_buffer_limit(Some(TLS_BUFFER_BYTES));
        Ok(Self::Tls(Box::new(Tls { socket, session })))
    }

    /// Whether a read of `n` bytes into room for `room` has taken all that was there: a socket that fills less than
    /// it may is empty, and asking it again costs a system call before anything is done with what came. A TLS session
    /// reads in pieces of its own and does not show that.
    pub fn is_drained_by(&self, n: usize, room: usize) -> bool {
        matches!(self, Self::Plain(_)) && n < room
    }

    /// Whether written bytes still wait in a TLS session.
    pub fn is_backed_up(&self) -> bool {
        match self {
            Self::Plain(_) | Self::Other(_) => false,
            Self::Tls(tls) => tls.session.wants_write(),
        }
    }

    /// Writes what still waits in a TLS session; true when nothing is left.
    ///
    /// # Errors
    /// The socket's, other than that it would block.
    pub fn push_out(&mut self) -> io::Result<bool> {
        match self {
            Self::Plain(_) | Self::Other(_) => Ok(true),
            Self::Tls(tls) => tls.push_out(),
        }
    }
}

impl Read for Stream {
    /// Received bytes; `Ok(0)` when the peer has closed, `WouldBlock` when nothing is there.
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        match self {
            Self::Plain(socket) => socket.read(into),
            Self::Tls(tls) => tls.read(into),
            Self::Other(bytes) => bytes.read(into),
        }
    }
}

impl Write for Stream {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Self::Plain(socket) => socket.write(bytes),
            Self::Tls(tls) => tls.write(bytes),
            Self::Other(other) => other.write(bytes),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl AsFd for Stream {
    fn as_fd(&self) -> BorrowedFd<'_> {
        match self {
            Self::Plain(socket) => socket.as_fd(),
            Self::Tls(tls) => tls.socket.as_fd(),
            Self::Other(bytes) => bytes.watched(),
        }
    }
}

impl Tls {
    /// Decrypted bytes first; then one read of the socket. A socket that ends is closed at once: after its
    /// end the session's reader would allocate at every look.
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        loop {
            match self.session.reader().read(into) {
                Err(error) if error.kind() == ErrorKind::WouldBlock => {}
                read => return read,
            }
            if self.session.read_tls(&mut self.socket)? == 0 {
                return Ok(0);
            }
            self.session.process_new_packets().map_err(|error| io::Error::new(ErrorKind::InvalidData, error))?;
        }
    }

    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let taken = self.session.writer().write(bytes)?;
        self.push_out()?;
        // A full session takes nothing until the socket does.
        if taken == 0 && !bytes.is_empty() { Err(ErrorKind::WouldBlock.into()) } else { Ok(taken) }
    }

    fn push_out(&mut self) -> io::Result<bool> {
        while self.session.wants_write() {
            match self.session.write_tls(&mut self.socket) {
                Ok(0) => return Err(ErrorKind::WriteZero.into()),
                Ok(_) => {}
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(false),
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(true)
    }
}
