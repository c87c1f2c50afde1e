//! The venue's ends: sockets that are written and spun on, with or without TLS.

use rustls::ServerConnection;
use std::io::{ErrorKind, Read, Write};
use std::net::{TcpListener, TcpStream};

/// One end of a connection, at the venue.
pub struct Far {
    socket: TcpStream,
    session: Option<ServerConnection>,
}

impl Far {
    /// A plain end.
    pub fn plain(socket: TcpStream) -> Self {
        Self::over(socket, None)
    }

    /// An end with TLS.
    pub fn tls(socket: TcpStream, session: ServerConnection) -> Self {
        Self::over(socket, Some(session))
    }

    fn over(socket: TcpStream, session: Option<ServerConnection>) -> Self {
        socket.set_nonblocking(true).expect("a socket");
        Self { socket, session }
    }

    /// Sends bytes whole.
    pub fn send(&mut self, bytes: &[u8]) {
        let Some(session) = &mut self.session else { return self.socket.write_all(bytes).expect("loopback") };
        session.writer().write_all(bytes).expect("a session");
        while session.wants_write() {
            session.write_tls(&mut self.socket).expect("loopback");
        }
    }

    /// What is there, 0 for nothing.
    pub fn receive(&mut self, into: &mut [u8]) -> usize {
        let read = match &mut self.session {
            None => self.socket.read(into),
            Some(session) => match session.read_tls(&mut self.socket) {
                Ok(_) => {
                    session.process_new_packets().expect("a session");
                    session.reader().read(into)
                }
                Err(error) => Err(error),
            },
        };
        match read {
            Ok(n) => n,
            Err(error) if error.kind() == ErrorKind::WouldBlock => 0,
            Err(error) => panic!("loopback: {error}"),
        }
    }
}

/// A connected pair: near, far.
pub fn pair() -> (TcpStream, TcpStream) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("loopback");
    let near = TcpStream::connect(listener.local_addr().expect("bound")).expect("loopback");
    let (far, _) = listener.accept().expect("loopback");
    near.set_nodelay(true).expect("a socket");
    far.set_nodelay(true).expect("a socket");
    (near, far)
}
