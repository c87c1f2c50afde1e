//! From an address to a connection that has answered: name, TCP, TLS, upgrade, login, subscriptions and
//! the first word of the venue. What comes out is a socket for a pinned thread. The time budget is the
//! caller's, who drops the attempt when it is spent.

use crate::dial;
use crate::handshake::HandshakeIo;
use crate::subscribe::{Subscribed, Subscription, subscribe};
use crate::talk::{Heard, Talk};
use highwire_supervision::ending::{End, LoginFault, Phase};
use highwire_venues::http::retry_after;
use secrecy::{ExposeSecret, SecretString};
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};
use tokio::net::TcpStream;
use tokio_rustls::rustls::ClientConfig;
use tokio_tungstenite::MaybeTlsStream;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::{self, error::UrlError};

/// What a message said about a login step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LoginAnswer {
    /// The step is done.
    Acked,
    /// It was refused.
    Refused(LoginFault),
    /// It is about something else.
    Other,
}

/// Reads an answer to a login step.
pub type Judge = Box<dyn Fn(&[u8]) -> LoginAnswer + Send + Sync>;

/// One request that must be answered before the next is sent.
pub struct LoginStep {
    /// The request.
    pub frame: SecretString,
    /// Said after it, where only the answer to this shows that it was not refused.
    pub proof: Option<&'static str>,
    /// Reads an answer.
    pub judge: Judge,
}

/// Where to connect and what to say first.
pub struct Target {
    /// `ws://host:port/path?query`, or `wss://`; with `http://` or `https://` there is no upgrade and no
    /// login. It may hold a key: not to be logged.
    pub url: String,
    /// TLS settings for `wss://`.
    pub tls: Arc<ClientConfig>,
    /// Login, step by step, before anything else is sent.
    pub login: Vec<LoginStep>,
    /// What to subscribe to; `None` where the login has done all that there is to say.
    pub subscription: Option<Subscription>,
    /// Seed of the masks.
    pub seed: u64,
}

/// A connection ready to be read.
pub struct Line {
    /// The stream, still tokio's.
    pub stream: MaybeTlsStream<TcpStream>,
    /// Every byte that came since the upgrade.
    pub leftover: Vec<u8>,
    /// What came of the subscriptions.
    pub subscribed: Subscribed,
}

impl std::fmt::Debug for Line {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Line")
            .field("leftover", &self.leftover.len())
            .field("subscribed", &self.subscribed)
            .finish_non_exhaustive()
    }
}

/// Why there is no connection.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{what}")]
pub struct ConnectError {
    /// The class, which decides what follows.
    pub end: End,
    /// Least wait that the venue asked for, seconds; 0 without.
    pub wait_s: u64,
    /// For the operator; never a secret.
    pub what: String,
}

impl ConnectError {
    /// A failure of this class.
    pub fn new(end: End, what: String) -> Self {
        Self { end, wait_s: 0, what }
    }

    /// A failure of a socket that stood.
    pub fn of_socket(error: std::io::Error) -> Self {
        let end = if error.kind() == std::io::ErrorKind::UnexpectedEof { End::Fin } else { End::Reset };
        Self::new(end, format!("socket: {error}"))
    }
}

/// Connects; `reached` is told each phase as it begins.
///
/// # Errors
/// [`ConnectError`].
pub async fn connect(target: &Target, reached: impl Fn(Phase)) -> Result<Line, ConnectError> {
    let bad = |why: String| ConnectError::new(End::Unreachable, why);
    let request = target.url.as_str().into_client_request().map_err(|_| bad("not an address".to_owned()))?;
    let uri = request.uri().clone();
    let host = uri.host().ok_or_else(|| bad(UrlError::NoHostName.to_string()))?.trim_matches(['[', ']']).to_owned();
    let (secure, upgrades) = match uri.scheme_str() {
        Some("wss") => (true, true),
        Some("ws") => (false, true),
        Some("https") => (true, false),
        Some("http") => (false, false),
        _ => return Err(bad("neither ws nor http".to_owned())),
    };
    let stream = dial::tcp(&host, uri.port_u16().unwrap_or(if secure { 443 } else { 80 })).await?;
    let stream = if secure {
        reached(Phase::Tls);
        MaybeTlsStream::Rustls(dial::tls(stream, &host, Arc::clone(&target.tls)).await?)
    } else {
        MaybeTlsStream::Plain(stream)
    };
    if !upgrades {
        return Ok(Line { stream, leftover: Vec::new(), subscribed: Subscribed::default() });
    }
    reached(Phase::Upgrade);
    let upgrade = tokio_tungstenite::client_async(request, HandshakeIo::new(stream)).await;
    let (socket, _response) = upgrade.map_err(|error| refused_upgrade(&error))?;
    let (stream, tail) = socket.into_inner().into_parts();
    let mut talk = Talk::new(stream, tail, target.seed);
    reached(Phase::Login);
    log_in(&mut talk, &target.login).await?;
    reached(Phase::Subscribe);
    let subscribed = match &target.subscription {
        Some(subscription) => subscribe(&mut talk, subscription).await?,
        None => Subscribed::default(),
    };
    let (stream, leftover) = talk.into_parts();
    Ok(Line { stream, leftover, subscribed })
}

async fn log_in(talk: &mut Talk<MaybeTlsStream<TcpStream>>, steps: &[LoginStep]) -> Result<(), ConnectError> {
    for step in steps {
        talk.say(step.frame.expose_secret()).await?;
        if let Some(proof) = step.proof {
            talk.say(proof).await?;
        }
        loop {
            let refused = |fault| ConnectError::new(End::Login(fault), "login refused".to_owned());
            let Heard::Message(message) = talk.hear().await? else { return Err(refused(LoginFault::Other)) };
            match (step.judge)(&message) {
                LoginAnswer::Acked => break,
                LoginAnswer::Refused(fault) => return Err(refused(fault)),
                LoginAnswer::Other => {}
            }
        }
    }
    Ok(())
}

fn refused_upgrade(error: &tungstenite::Error) -> ConnectError {
    let what = |error: &dyn std::fmt::Display| format!("upgrade: {error}");
    match error {
        tungstenite::Error::Http(response) => {
            let status = response.status().as_u16();
            let named = response.headers().get("retry-after").and_then(|value| value.to_str().ok());
            let wait_s = named.map_or(0, |_| wait_s(named));
            ConnectError { end: End::Http(status), wait_s, what: format!("upgrade: HTTP status {status}") }
        }
        tungstenite::Error::Io(error) => ConnectError::new(End::Reset, what(error)),
        tungstenite::Error::ConnectionClosed | tungstenite::Error::AlreadyClosed => {
            ConnectError::new(End::Fin, what(error))
        }
        other => ConnectError::new(End::BadUpgrade, what(other)),
    }
}

/// The wait that a refused upgrade names, whole seconds.
fn wait_s(named: Option<&str>) -> u64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    let now_ns = u64::try_from(now.as_nanos()).unwrap_or(u64::MAX);
    retry_after(named, now_ns, 0).div_ceil(1_000_000_000)
}
