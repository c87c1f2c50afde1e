//! Tells systemd how the service is (sd_notify(3)): ready, still alive, stopping. Alive means progress: the
//! governor looks and every pinned thread turns. Without `NOTIFY_SOCKET` nothing is told.

use std::os::linux::net::SocketAddrExt;
use std::os::unix::net::{SocketAddr, UnixDatagram};
use std::time::Duration;

/// A supervisor that wants to know.
#[derive(Debug)]
pub struct Notify {
    socket: UnixDatagram,
    address: SocketAddr,
    watchdog: Option<Duration>,
}

impl Notify {
    /// The one that the environment names.
    pub fn from_env() -> Option<Self> {
        let path = std::env::var("NOTIFY_SOCKET").ok()?;
        let usec = std::env::var("WATCHDOG_USEC").ok().and_then(|usec| usec.parse().ok());
        Self::new(&path, usec.map(Duration::from_micros))
    }

    /// One at this path; `@` begins an abstract name.
    pub fn new(path: &str, watchdog: Option<Duration>) -> Option<Self> {
        let address = match path.strip_prefix('@') {
            Some(name) => SocketAddr::from_abstract_name(name),
            None => SocketAddr::from_pathname(path),
        };
        let socket = UnixDatagram::unbound().ok()?;
        // It must never be waited for.
        socket.set_nonblocking(true).ok()?;
        Some(Self { socket, address: address.ok()?, watchdog })
    }

    /// Tells it; one that does not listen is its own affair.
    pub fn tell(&self, state: &str) {
        if let Err(error) = self.socket.send_to_addr(state.as_bytes(), &self.address) {
            tracing::debug!(%error, "systemd was not told");
        }
    }

    /// How often it wants to hear that all is alive: half of its patience. `None`: never.
    pub fn every(&self) -> Option<Duration> {
        self.watchdog.map(|patience| patience / 2)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_told_arrives() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("notify");
        let listener = UnixDatagram::bind(&path).unwrap();
        let notify = Notify::new(path.to_str().unwrap(), Some(Duration::from_secs(4))).unwrap();
        notify.tell("READY=1");
        let mut heard = [0; 64];
        let len = listener.recv(&mut heard).unwrap();
        assert_eq!((&heard[..len], notify.every()), (b"READY=1".as_slice(), Some(Duration::from_secs(2))));
    }
}
