//! Order lines and private lines: where to connect, how to log in, what keeps the line alive, and the
//! codec that speaks on it. Pure plans; whoever connects builds a fresh one for every try, since a
//! login is signed for its moment.

use crate::keys::{KeyError, Keys};
use crate::listen::Listener;
pub use crate::roster::Listed;
use crate::venue::Venue;
use crate::{binance, bybit, okx, polymarket};
use highwire_links::Nanos;
use highwire_links::codec::OrderCodec;
use highwire_links::rate::RateRule;
use secrecy::{ExposeSecret, SecretString};

/// What carries orders.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Transport {
    /// The venue's order-entry WebSocket.
    Socket,
    /// HTTP/1.1 requests on a kept connection.
    Http,
}

/// What an answer says about a login step.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LoginAck {
    /// The step is done.
    Accepted,
    /// The venue refused it, with its reason. Trying again with the same keys is of no use.
    Refused(String),
    /// Something else; keep waiting.
    Other,
}

/// One message of a login and what to wait for before the next.
#[derive(Debug)]
pub struct LoginStep {
    frame: SecretString,
    /// Reads an answer.
    pub expect: fn(&[u8]) -> LoginAck,
    /// Said right after it where the venue does not answer the step itself: what `expect` reads is the answer to this,
    /// and a refused step closes the line before it comes.
    pub proof: Option<&'static str>,
}

impl LoginStep {
    pub(crate) fn new(frame: String, expect: fn(&[u8]) -> LoginAck) -> Self {
        Self { frame: frame.into(), expect, proof: None }
    }

    /// A step that the venue does not answer (Polymarket), and what is said after it.
    pub(crate) fn unanswered(frame: String, proof: &'static str, expect: fn(&[u8]) -> LoginAck) -> Self {
        Self { frame: frame.into(), expect, proof: Some(proof) }
    }

    /// The text to send. It holds a signature, and at OKX the passphrase: not to be logged.
    pub fn frame(&self) -> &str {
        self.frame.expose_secret()
    }
}

/// One line to a venue's trading side.
pub struct OrderPlan {
    /// Default hosts with scheme and, where it is not the scheme's own, port; the best first.
    pub hosts: &'static [&'static str],
    /// Path and query of the WebSocket; empty on an HTTP line. It may hold a listen key: not to be logged.
    pub path: String,
    /// What to send once connected, each after the one before was accepted.
    pub login: Vec<LoginStep>,
    /// How often to send which text so that the venue keeps the line, in nanoseconds.
    pub heartbeat: Option<(Nanos, &'static str)>,
    /// Speaks the venue's protocol on it.
    pub codec: Box<dyn OrderCodec>,
    /// Rate budgets until the venue names its own.
    pub rates: Vec<RateRule>,
}

impl OrderPlan {
    /// An HTTP line: every request carries its own credentials, and nothing keeps it alive but its use.
    pub(crate) fn http(hosts: &'static [&'static str], codec: Box<dyn OrderCodec>, rates: Vec<RateRule>) -> Self {
        Self { hosts, path: String::new(), login: Vec::new(), heartbeat: None, codec, rates }
    }
}

impl std::fmt::Debug for OrderPlan {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("OrderPlan").field("hosts", &self.hosts).field("codec", &self.codec).finish_non_exhaustive()
    }
}

/// Why there is no such line.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PlanError {
    /// The keys cannot be used.
    #[error(transparent)]
    Key(#[from] KeyError),
    /// Orders at this venue are not implemented.
    #[error("orders at {0} are not supported")]
    Venue(&'static str),
    /// The private stream of this venue needs a listen key first.
    #[error("the private stream needs a listen key")]
    StreamKey,
}

/// The line that carries orders of `listed`. `host` stands in the `Host` header of an HTTP line
/// (`api.binance.com`, `127.0.0.1:8080`); `wall_ms` is the venue's time.
///
/// # Errors
/// [`PlanError`].
pub fn order_line(
    venue: Venue,
    keys: &Keys,
    listed: &[Listed],
    transport: Transport,
    host: &str,
    wall_ms: i64,
) -> Result<OrderPlan, PlanError> {
    match venue {
        Venue::BinanceSpot => {
            binance::orders::order_line(binance::Market::Spot, keys, listed, transport, host, wall_ms)
        }
        Venue::BinanceUsdm => {
            binance::orders::order_line(binance::Market::Futures, keys, listed, transport, host, wall_ms)
        }
        Venue::Okx => okx::orders::order_line(keys, listed, transport, host, wall_ms),
        Venue::BybitSpot | Venue::BybitLinear => {
            bybit::orders::order_line(venue, keys, listed, transport, host, wall_ms)
        }
        Venue::Polymarket => polymarket::lines::order_line(keys, listed, transport, host),
        _ => Err(PlanError::Venue(venue.name())),
    }
}

/// The line on which the venue tells of our orders unasked. `stream_key` is the listen key that USD-M
/// needs; its codec only decodes.
///
/// # Errors
/// [`PlanError`].
pub fn private_line(
    venue: Venue,
    keys: &Keys,
    listed: &[Listed],
    stream_key: Option<&str>,
    wall_ms: i64,
) -> Result<OrderPlan, PlanError> {
    let plan = match venue {
        Venue::BinanceSpot => binance::orders::spot_private_line(keys, listed, wall_ms),
        Venue::BinanceUsdm => binance::orders::usdm_private_line(keys, listed, stream_key),
        Venue::Okx => okx::orders::private_line(keys, listed, wall_ms),
        Venue::BybitSpot | Venue::BybitLinear => bybit::orders::private_line(venue, keys, listed, wall_ms),
        Venue::Polymarket => polymarket::lines::private_line(keys, listed),
        _ => Err(PlanError::Venue(venue.name())),
    }?;
    Ok(OrderPlan { codec: Box::new(Listener(plan.codec)), ..plan })
}
