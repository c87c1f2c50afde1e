//! The door of a port: accepts connections, lays the wire that faults bend, speaks TLS, and hands the guest
//! to its room. All the ways in which a connection can go wrong before a room sees it happen here.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::sync::{mpsc, watch};
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};

use crate::config::{Endpoint, Venue};
use crate::fault::{Greeting, Place, TlsFault};
use crate::ledger::Deed;
use crate::proxy::{self, Shape};
use crate::tls::Certificates;
use crate::world::World;

/// A client that has not finished its handshake by then is cut off.
const HANDSHAKE_MAX: Duration = Duration::from_secs(5);
/// Sockets of one port at a time; more wait in the backlog.
const SOCKETS_MAX: usize = 1_024;
/// Kernel buffer of one connection in bytes: small enough that a reader who stops is noticed soon.
const SEND_BUFFER: u32 = 128 << 10;

/// A byte stream of any make.
pub(crate) trait Stream: AsyncRead + AsyncWrite + Unpin + Send {}
impl<T: AsyncRead + AsyncWrite + Unpin + Send> Stream for T {}

/// A connection that came through the door.
pub(crate) struct Guest {
    pub(crate) stream: Box<dyn Stream>,
    pub(crate) conn: u64,
    pub(crate) endpoint: Endpoint,
    pub(crate) greeting: Greeting,
    pub(crate) shape: watch::Receiver<Shape>,
}

/// One port of one venue.
pub(crate) struct Door {
    pub(crate) venue: Venue,
    pub(crate) endpoint: Endpoint,
    /// WebSocket; else REST.
    pub(crate) socket: bool,
    pub(crate) world: Arc<World>,
    pub(crate) certificates: Option<Arc<Certificates>>,
}

/// Takes a wire off the table when its relay ends.
struct Registered {
    world: Arc<World>,
    venue: Venue,
    conn: u64,
}

impl Drop for Registered {
    fn drop(&mut self) {
        let (mut state, now_ns) = (self.world.lock(), self.world.now_ns());
        state.faults.unlink(self.conn);
        state.ledger.note(self.venue, now_ns, Deed::Disconnected { conn: self.conn });
    }
}

/// Binds a port on 127.0.0.1; 0 lets the system choose.
///
/// # Errors
/// The port cannot be had.
pub(crate) fn bind(at: SocketAddr) -> io::Result<TcpListener> {
    let socket = TcpSocket::new_v4()?;
    socket.set_reuseaddr(true)?;
    socket.set_send_buffer_size(SEND_BUFFER)?; // accepted sockets inherit it
    socket.bind(at)?;
    socket.listen(1_024)
}

impl Door {
    /// Accepts until `stop` changes. A port that refuses has no listener, so that the kernel does the refusing.
    pub(crate) async fn run(self, listener: TcpListener, guests: mpsc::Sender<Guest>, mut stop: watch::Receiver<bool>) {
        let Ok(at) = listener.local_addr() else { return };
        let door = Arc::new(self);
        let mut changes = door.world.lock().faults.version.subscribe();
        let (mut open, mut pending) = (Some(listener), JoinSet::new());
        loop {
            changes.mark_unchanged();
            if door.refuses() {
                open = None;
            } else if open.is_none() {
                open = bind(at).ok(); // another program may have taken it meanwhile: try at the next change
            }
            tokio::select! {
                _ = stop.changed() => break,
                Ok(()) = changes.changed() => {}
                Some(_) = pending.join_next() => {}
                accepted = accept(open.as_ref()), if pending.len() < SOCKETS_MAX => match accepted {
                    Ok((socket, _)) => { pending.spawn(Arc::clone(&door).admit(socket, guests.clone())); }
                    // out of descriptors or a client gone before its turn: breathe, go on
                    Err(_) => sleep(Duration::from_millis(10)).await,
                },
            }
        }
        pending.shutdown().await;
    }

    fn place(&self, conn: u64) -> Place<'static> {
        Place { venue: self.venue, endpoint: self.endpoint, conn, topic: "", symbol: "" }
    }

    fn refuses(&self) -> bool {
        self.world.lock().faults.refuses(&self.place(0))
    }

    async fn admit(self: Arc<Self>, socket: TcpStream, guests: mpsc::Sender<Guest>) {
        let now_ns = self.world.now_ns();
        let (conn, greeting, shape) = {
            let mut state = self.world.lock();
            let conn = state.faults.link(self.venue, self.endpoint, self.socket, now_ns);
            let greeting = state.faults.greeting(&self.place(conn));
            let (endpoint, transport) = (self.endpoint.name(), if self.socket { "ws" } else { "rest" });
            state.ledger.note(self.venue, now_ns, Deed::Connected { conn, endpoint, transport });
            (conn, greeting, state.faults.shape(conn))
        };
        let Some(shape) = shape else { return };
        let registered = Registered { world: Arc::clone(&self.world), venue: self.venue, conn };
        let Ok(mut wire) = proxy::wire(socket, shape.clone(), conn, registered) else { return };
        if greeting.no_reply {
            let _ = tokio::io::copy(&mut wire, &mut tokio::io::sink()).await; // until the client gives up
            return;
        }
        let Some(stream) = self.secure(Box::new(wire), &greeting).await else { return };
        let guest = Guest { stream, conn, endpoint: self.endpoint, greeting, shape };
        let _ = guests.send(guest).await; // the room may have closed
    }

    async fn secure(&self, mut stream: Box<dyn Stream>, greeting: &Greeting) -> Option<Box<dyn Stream>> {
        let Some(certificates) = &self.certificates else { return Some(stream) };
        let fault = match greeting.tls {
            Some(TlsFault::Alert(code)) => return answer(&mut stream, &[21, 3, 3, 0, 2, 2, code]).await,
            Some(TlsFault::Plaintext) => return answer(&mut stream, b"220 garbage on a TLS port\r\n").await,
            Some(TlsFault::Cert(fault)) => Some(fault),
            None => None,
        };
        let accepted = certificates.acceptor(fault).accept(stream);
        let stream = timeout(HANDSHAKE_MAX, accepted).await.ok()?.ok()?;
        Some(Box::new(stream))
    }
}

/// Reads the hello, says something else than a hello back, and ends: there is no guest.
async fn answer(stream: &mut Box<dyn Stream>, bytes: &[u8]) -> Option<Box<dyn Stream>> {
    let mut hello = [0; 4_096];
    let _length = stream.read(&mut hello).await.ok()?; // what it says does not matter
    stream.write_all(bytes).await.ok()?;
    let _ = stream.shutdown().await; // the client may be gone
    None
}

async fn accept(listener: Option<&TcpListener>) -> io::Result<(TcpStream, SocketAddr)> {
    match listener {
        Some(listener) => listener.accept().await,
        None => std::future::pending().await,
    }
}
