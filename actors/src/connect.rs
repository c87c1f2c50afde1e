//! From an address to an upgraded, subscribed connection: DNS, TCP, upgrade, subscription frames, all
//! within one time budget. What comes out is a plain socket for a pinned thread.

use crate::handshake::HandshakeIo;
use futures_util::SinkExt;
use std::time::Duration;
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::{self, Message};

/// Where to connect and what to say first.
#[derive(Clone, Debug)]
pub struct Target {
    /// `ws://host:port/path?query`.
    pub url: String,
    /// Text frames that subscribe, sent in this order.
    pub frames: Vec<String>,
    /// For all phases together.
    pub timeout: Duration,
}

/// A connection ready to be read.
#[derive(Debug)]
pub struct Line {
    /// The socket, no longer known to tokio, non-blocking.
    pub stream: std::net::TcpStream,
    /// Bytes that came with the end of the upgrade.
    pub leftover: Vec<u8>,
}

/// Why there is no connection.
#[derive(Debug, thiserror::Error)]
pub enum ConnectError {
    /// All phases together took too long.
    #[error("not connected and subscribed within {0:?}")]
    Timeout(Duration),
    /// The address cannot be used.
    #[error("bad address {url}: {why}")]
    Address {
        /// The address.
        url: String,
        /// What is wrong with it.
        why: &'static str,
    },
    /// The socket failed.
    #[error("socket: {0}")]
    Io(#[from] std::io::Error),
    /// The upgrade was refused or broken.
    #[error("upgrade: {0}")]
    Upgrade(#[from] Box<tungstenite::Error>),
}

/// Connects, upgrades and subscribes.
///
/// # Errors
/// [`ConnectError`], also when the time budget is spent.
pub async fn connect(target: &Target) -> Result<Line, ConnectError> {
    let timeout = target.timeout;
    tokio::time::timeout(timeout, attempt(target)).await.unwrap_or(Err(ConnectError::Timeout(timeout)))
}

async fn attempt(target: &Target) -> Result<Line, ConnectError> {
    let bad = |why| ConnectError::Address { url: target.url.clone(), why };
    let request = target.url.as_str().into_client_request().map_err(Box::new)?;
    let uri = request.uri();
    if uri.scheme_str() != Some("ws") {
        return Err(bad("only ws:// is spoken"));
    }
    let host = uri.host().ok_or_else(|| bad("it names no host"))?;
    let stream = TcpStream::connect((host.trim_matches(['[', ']']), uri.port_u16().unwrap_or(80))).await?;
    stream.set_nodelay(true)?;
    let upgrade = tokio_tungstenite::client_async(request, HandshakeIo::new(stream));
    let (mut socket, _response) = upgrade.await.map_err(Box::new)?;
    for frame in &target.frames {
        socket.send(Message::text(frame)).await.map_err(Box::new)?;
    }
    let (stream, leftover) = socket.into_inner().into_parts();
    Ok(Line { stream: stream.into_std()?, leftover })
}
