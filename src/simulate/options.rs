//! What a simulation was asked to be.

use highwire_simulator::{Injection, Venue};
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::time::Duration;

/// The arguments of a simulation.
#[derive(Clone, Debug)]
pub struct SimulateOptions {
    /// Port of the control port; each venue takes the next four (WebSocket and REST of its two endpoints).
    /// 0 lets the system choose all of them.
    pub base_port: u16,
    /// Seed of the market.
    pub seed: u64,
    /// The venues to open.
    pub venues: Vec<Venue>,
    /// Base coins of the market; without any, its own choice.
    pub assets: Vec<String>,
    /// How often a minute one board is pushed away from the others; `None` is the market's own.
    pub dislocations_per_min: Option<u32>,
    /// Times as many requests and connections as venues bear by their own rules.
    pub patience: u32,
    /// Serve TLS and nothing else.
    pub tls: bool,
    /// The fault script.
    pub script: Vec<Injection>,
    /// Captures to serve beside the venues.
    pub replay: Option<PathBuf>,
    /// How long; `None` is until somebody ends it.
    pub length: Option<Duration>,
    /// Print the listing as JSON.
    pub json: bool,
}

/// Why an address is no place to listen.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum ListenError {
    /// Not an address and port.
    #[error("--listen {0}: expected an address such as 127.0.0.1:9000 (port 0: the system chooses)")]
    Malformed(String),
    /// The simulator's keys are public, so it stays on this machine.
    #[error("--listen {0}: the simulator listens on 127.0.0.1 only: its keys are published dummies")]
    NotLoopback(SocketAddr),
}

/// The first port of `--listen ADDR`.
///
/// # Errors
/// See [`ListenError`].
pub fn base_port(listen: &str) -> Result<u16, ListenError> {
    let address: SocketAddr = listen.parse().map_err(|_| ListenError::Malformed(listen.to_owned()))?;
    if address.ip() == IpAddr::V4(Ipv4Addr::LOCALHOST) {
        Ok(address.port())
    } else {
        Err(ListenError::NotLoopback(address))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_this_machine_is_listened_on() {
        assert_eq!(base_port("127.0.0.1:9000"), Ok(9_000));
        assert!(matches!(base_port("0.0.0.0:9000"), Err(ListenError::NotLoopback(_))));
        assert!(matches!(base_port("9000"), Err(ListenError::Malformed(_))));
    }
}
