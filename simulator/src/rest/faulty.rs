//! What faults do to REST requests, in front of every venue's own handlers.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::{Request, State};
use axum::http::{HeaderName, HeaderValue, StatusCode, header};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use tokio::time::sleep;

use super::json;
use crate::config::{Endpoint, Venue};
use crate::fault::Place;
use crate::fault::script::Happening;
use crate::fault::verb::Verb;
use crate::ledger::{self, Deed};
use crate::window::Window;
use crate::world::World;

const SECOND: u64 = 1_000_000_000;
/// Largest answer that can be cut short.
const ANSWER_MAX: usize = 64 << 20;

/// One REST address.
struct Counter {
    venue: Venue,
    endpoint: Endpoint,
    world: Arc<World>,
    /// Times of the requests of the last minute.
    minute: Mutex<Window>,
    second: Mutex<Window>,
}

/// The venue's router behind the faults of one of its addresses.
pub(crate) fn behind_faults(router: Router, venue: Venue, endpoint: Endpoint, world: Arc<World>) -> Router {
    let window = |span_ns| Mutex::new(Window::new(u32::MAX, span_ns));
    let counter = Counter { venue, endpoint, world, minute: window(60 * SECOND), second: window(SECOND) };
    router.layer(from_fn_with_state(Arc::new(counter), serve))
}

async fn serve(State(counter): State<Arc<Counter>>, request: Request, next: Next) -> Response {
    let path = request.uri().path().to_owned();
    let number = counter.note(&request);
    let verbs = counter.verbs(&path);
    let used = (counter.count(&counter.minute), counter.count(&counter.second));
    for verb in &verbs {
        if let Some(answer) = counter.instead(verb, used).await {
            return counter.answered(number, answer);
        }
    }
    let mut response = next.run(request).await;
    for verb in &verbs {
        response = counter.after(verb, response).await;
    }
    counter.answered(number, response)
}

impl Counter {
    /// Writes a request down as it arrives.
    fn note(&self, request: &Request) -> u64 {
        let (method, uri) = (request.method().to_string(), request.uri());
        let (path, query) = (uri.path().to_owned(), ledger::public(uri.query().unwrap_or("")));
        let deed = Deed::Request { endpoint: self.endpoint.name(), method, path, query };
        self.world.lock().ledger.note(self.venue, self.world.now_ns(), deed)
    }

    fn answered(&self, request: u64, response: Response) -> Response {
        let deed = Deed::Answer { request, status: response.status().as_u16() };
        self.world.lock().ledger.note(self.venue, self.world.now_ns(), deed);
        response
    }

    fn verbs(&self, path: &str) -> Vec<Verb> {
        let now_ns = self.world.now_ns();
        let place = Place { venue: self.venue, endpoint: self.endpoint, conn: 0, topic: path, symbol: "" };
        let mut state = self.world.lock();
        state.faults.happened(Happening::Request, &place, now_ns);
        state.faults.armed.iter().filter(|a| a.target.fits(&place)).map(|a| a.verb.clone()).collect()
    }

    /// Counts this request; how many the window now holds.
    fn count(&self, window: &Mutex<Window>) -> u64 {
        let mut window = window.lock().unwrap_or_else(PoisonError::into_inner);
        window.allow(self.world.now_ns());
        window.len() as u64
    }

    fn binance(&self) -> bool {
        matches!(self.venue, Venue::BinanceSpot | Venue::BinanceUsdm)
    }

    /// The answer that comes instead of the venue's.
    async fn instead(&self, verb: &Verb, (minute, second): (u64, u64)) -> Option<Response> {
        match verb {
            Verb::HttpStatus { code, headers, body } => Some(with_headers(*code, headers, body.clone())),
            Verb::Html { code } => Some(html(*code)),
            Verb::Bomb { mib } => Some(super::bomb::answer(*mib)),
            Verb::Hang {} => std::future::pending().await,
            Verb::RetryAfter { value } => Some(self.limited(429, value)),
            Verb::Ban { s } => Some(self.limited(if self.binance() { 418 } else { 403 }, &s.to_string())),
            Verb::Weight { limit } if !self.binance() && minute > *limit => Some(self.limited(429, "60")),
            Verb::DelayInsteadOf429 { ms, limit } if second > u64::from(*limit) => {
                sleep(Duration::from_millis(*ms)).await;
                None
            }
            _ => None,
        }
    }

    /// The venue's refusal of one request too many.
    fn limited(&self, status: u16, retry_after: &str) -> Response {
        let (status, body) = match self.venue {
            Venue::BinanceSpot | Venue::BinanceUsdm => (status, r#"{"code":-1003,"msg":"Too many requests."}"#),
            Venue::Okx => (429, r#"{"msg":"Too Many Requests","code":"50011"}"#),
            Venue::Bybit => (403, r#"{"retCode":10006,"retMsg":"access too frequent"}"#),
            Venue::Polymarket => (429, r#"{"error":"Too Many Requests"}"#),
        };
        let mut response = json(status, body.to_owned());
        if let (false, Ok(value)) = (retry_after.is_empty(), HeaderValue::from_str(retry_after)) {
            response.headers_mut().insert(header::RETRY_AFTER, value);
        }
        response
    }

    async fn after(&self, verb: &Verb, response: Response) -> Response {
        match verb {
            Verb::Truncate { n, announced } => truncated(response, *n, *announced).await,
            Verb::Weight { limit } if self.binance() => {
                let used = response.headers().get("x-mbx-used-weight-1m").and_then(|used| used.to_str().ok());
                let over = used.and_then(|used| used.parse::<u64>().ok()).is_some_and(|used| used > *limit);
                if over { self.limited(429, "60") } else { response }
            }
            _ => response,
        }
    }
}

fn with_headers(code: u16, headers: &[(String, String)], body: String) -> Response {
    let mut response = json(code, body);
    for (name, value) in headers {
        if let (Ok(name), Ok(value)) = (HeaderName::from_bytes(name.as_bytes()), HeaderValue::from_str(value)) {
            response.headers_mut().insert(name, value);
        }
    }
    response
}

/// A page as a content delivery network shows it in front of a venue.
fn html(code: u16) -> Response {
    let status = StatusCode::from_u16(code).unwrap_or(StatusCode::BAD_GATEWAY);
    let page = format!(
        "<!DOCTYPE html><html><head><title>{code}</title></head><body><center><h1>Error {code}</h1></center><hr><center>cloudflare</center></body></html>"
    );
    (status, [(header::CONTENT_TYPE, "text/html; charset=UTF-8")], page).into_response()
}

/// The first `n` bytes of an answer, either said to be all or promised more.
async fn truncated(response: Response, n: usize, announced: bool) -> Response {
    let (mut parts, body) = response.into_parts();
    let Ok(bytes) = axum::body::to_bytes(body, ANSWER_MAX).await else {
        return StatusCode::INTERNAL_SERVER_ERROR.into_response();
    };
    let short = bytes.slice(..n.min(bytes.len()));
    parts.headers.remove(header::CONTENT_LENGTH);
    if announced {
        return Response::from_parts(parts, Body::from(short));
    }
    parts.headers.insert(header::CONTENT_LENGTH, HeaderValue::from(bytes.len()));
    // the end waits until what came before it has left
    let pieces = futures_util::stream::unfold(Some(short), async |left| match left {
        Some(short) if !short.is_empty() => Some((Ok(short), Some(Bytes::new()))),
        Some(_) => {
            sleep(Duration::from_millis(20)).await;
            Some((Err(std::io::Error::from(std::io::ErrorKind::ConnectionAborted)), None))
        }
        None => None,
    });
    Response::from_parts(parts, Body::from_stream(Box::pin(pieces)))
}
