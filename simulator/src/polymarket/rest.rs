//! The REST room: who asks, how long it must wait, and which answer fits the path.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, HeaderValue, Method, Uri};
use axum::response::Response;

use super::eip712::attested_by;
use super::house::House;
use super::limits::{Gate, Group};
use super::word::{fixed, unhex};
use super::{gamma, private, public};
use crate::config::{Endpoint, Venue};
use crate::fault::Place;
use crate::fault::script::Happening;
use crate::fault::verb::{AnswerFault, OutcomeFault, Verb};
use crate::rest::json;
use crate::world::World;

/// How far a request's clock may be off, in seconds.
const SKEW_S: i64 = 60;

/// A request, read.
pub(super) struct Asked<'a> {
    pub(super) method: &'a str,
    pub(super) path: &'a str,
    /// Decoded parameters in their order; a name may repeat.
    pub(super) query: Vec<(String, String)>,
    pub(super) headers: &'a HeaderMap,
    pub(super) body: &'a str,
}

/// Status, body and the order tokens that are left, where it was an order.
pub(super) struct Answer {
    pub(super) status: u16,
    pub(super) body: String,
    /// What is left of the tokens, or the seconds to wait for them.
    pub(super) tokens: Option<Result<i64, u64>>,
}

impl Answer {
    /// Success.
    pub(super) fn fine(body: impl Into<String>) -> Self {
        Self { status: 200, body: body.into(), tokens: None }
    }

    /// A refusal in the venue's form.
    pub(super) fn refused(status: u16, why: &str) -> Self {
        Self { status, body: serde_json::json!({ "error": why }).to_string(), tokens: None }
    }
}

impl Asked<'_> {
    /// A parameter, if it is there and not empty.
    pub(super) fn param(&self, name: &str) -> Option<&str> {
        self.query.iter().find(|(key, value)| key == name && !value.is_empty()).map(|(_, value)| value.as_str())
    }

    fn header(&self, name: &str) -> Result<&str, Answer> {
        let value = self.headers.get(name).and_then(|value| value.to_str().ok());
        value.ok_or_else(|| Answer::refused(401, "Unauthorized/Invalid api key"))
    }

    fn timely(&self, house: &House) -> Result<&str, Answer> {
        let text = self.header("poly_timestamp")?;
        let near = text.parse::<i64>().is_ok_and(|at| at.abs_diff(house.now_s()) <= SKEW_S as u64);
        if near { Ok(text) } else { Err(Answer::refused(401, "Unauthorized/Invalid api key")) }
    }

    /// The account whose key and secret signed the request.
    pub(super) fn account(&self, house: &House) -> Result<usize, Answer> {
        let denied = || Answer::refused(401, "Unauthorized/Invalid api key");
        let (key, passphrase) = (self.header("poly_api_key")?, self.header("poly_passphrase")?);
        let (timestamp, signature) = (self.timely(house)?, self.header("poly_signature")?);
        let place = house.accounts.iter().position(|a| a.credentials.key == key).ok_or_else(denied)?;
        let account = &house.accounts[place];
        let owns = fixed(self.header("poly_address")?) == Some(account.owner);
        let signed = account.signed(signature, timestamp, self.method, self.path, self.body);
        if owns && signed && account.credentials.passphrase == passphrase { Ok(place) } else { Err(denied()) }
    }

    /// The account whose wallet key attested to the request.
    pub(super) fn wallet(&self, house: &House) -> Result<usize, Answer> {
        let denied = || Answer::refused(401, "Invalid L1 Request headers");
        let timestamp = self.timely(house).map_err(|_| denied())?;
        let address = fixed(self.header("poly_address")?).ok_or_else(denied)?;
        let nonce = self.header("poly_nonce")?.parse().map_err(|_| denied())?;
        let signature = unhex(self.header("poly_signature")?).ok_or_else(denied)?;
        if attested_by(address, timestamp, nonce, &signature) != Some(address) {
            return Err(denied());
        }
        house.accounts.iter().position(|account| account.owner == address).ok_or_else(denied)
    }
}

struct Room {
    world: Arc<World>,
    gate: Mutex<Gate>,
}

/// The REST room.
pub(crate) fn router(world: Arc<World>) -> Router {
    let room = Room { world, gate: Mutex::default() };
    Router::new().fallback(serve).with_state(Arc::new(room))
}

async fn serve(State(room): State<Arc<Room>>, method: Method, uri: Uri, headers: HeaderMap, body: Bytes) -> Response {
    let group = group(uri.path());
    let admitted = room.gate.lock().unwrap_or_else(PoisonError::into_inner).admit(group, room.world.now_ns());
    let Some(wait_ns) = admitted else {
        return retry_after(json(429, r#"{"error":"Too Many Requests"}"#.to_owned()), 10);
    };
    if wait_ns > 0 {
        tokio::time::sleep(Duration::from_nanos(wait_ns)).await; // the venue queues what is too fast
    }
    let Ok(body) = std::str::from_utf8(&body) else {
        return json(400, r#"{"error":"Invalid payload"}"#.to_owned());
    };
    let query = decoded(uri.query().unwrap_or(""));
    let asked = Asked { method: method.as_str(), path: uri.path(), query, headers: &headers, body };
    let (fault, restart) = outcome(&room.world, &asked);
    let answered = match fault {
        Some((OutcomeFault::Reject, ..)) => Answer::refused(400, "the order was not taken"),
        Some((OutcomeFault::Lost, ..)) => Answer::refused(500, "could not insert order"),
        Some((OutcomeFault::Accept, ..)) | None => {
            let mut house = room.world.house.lock();
            house.now_ns = house.now_ns.max(room.world.now_ns());
            if let Some((down_ms, post_only_ms)) = restart {
                house.restart(down_ms.saturating_mul(1_000_000), post_only_ms.saturating_mul(1_000_000));
            }
            answer(&mut house, &asked)
        }
    };
    match fault {
        Some((_, AnswerFault::Drop, _)) => std::future::pending().await, // until the client gives up
        Some((_, AnswerFault::Late, ms)) => tokio::time::sleep(Duration::from_millis(ms)).await,
        Some((_, AnswerFault::Error, _)) => return respond(Answer::refused(500, "internal server error")),
        Some((_, AnswerFault::Nameless, _)) => return respond(Answer { body: nameless(&answered.body), ..answered }),
        Some((_, AnswerFault::Ok, _)) | None => {}
    }
    respond(answered)
}

/// An order's answer without its name.
fn nameless(body: &str) -> String {
    let mut answer: serde_json::Value = serde_json::from_str(body).unwrap_or_default();
    if answer["orderID"].is_string() {
        answer["orderID"] = "".into();
    }
    answer.to_string()
}

/// A fault of an order request and of its answer; how long the engine goes down before it, in ms.
type Fate = (Option<(OutcomeFault, AnswerFault, u64)>, Option<(u64, u64)>);

/// What faults in force make of an order request; also lets triggers know of it. What it pulls is in force for the next
/// request already, not only from the next pulse on: of two orders sent together it can part them.
fn outcome(world: &World, asked: &Asked<'_>) -> Fate {
    if asked.method == "GET" || !matches!(asked.path, "/order" | "/orders") {
        return (None, None);
    }
    let place = Place { venue: Venue::Polymarket, endpoint: Endpoint::A, conn: 0, topic: asked.path, symbol: "" };
    let now_ns = world.now_ns();
    let mut state = world.lock();
    let fault = state.faults.pick(&place, |verb| match *verb {
        Verb::Outcome { outcome, answer, ms } => Some((outcome, answer, ms)),
        _ => None,
    });
    let restart = state.faults.pick(&place, |verb| match *verb {
        Verb::EngineRestart { down_ms, post_only_ms } => Some((down_ms, post_only_ms)),
        _ => None,
    });
    state.faults.happened(Happening::Order, &place, now_ns);
    if state.faults.listens() {
        state.turn(now_ns);
    }
    (fault, restart)
}

fn answer(house: &mut House, asked: &Asked<'_>) -> Answer {
    let found = gamma::answer(house, asked).or_else(|| public::answer(house, asked));
    found.or_else(|| private::answer(house, asked)).unwrap_or_else(|| Answer::refused(404, "not found"))
}

fn respond(answer: Answer) -> Response {
    let mut response = json(answer.status, answer.body);
    match answer.tokens {
        Some(Ok(left)) => {
            let headers = response.headers_mut();
            headers.insert("Poly-RateLimit-Remaining", HeaderValue::from(left));
            headers.insert("Poly-RateLimit-Tier", HeaderValue::from_static("Standard"));
        }
        Some(Err(seconds)) => response = retry_after(response, seconds),
        None => {}
    }
    response
}

fn retry_after(mut response: Response, seconds: u64) -> Response {
    response.headers_mut().insert("Retry-After", HeaderValue::from(seconds));
    response
}

fn group(path: &str) -> Group {
    match path {
        "/book" | "/books" | "/price" | "/prices" | "/midpoint" | "/spread" => Group::Book,
        "/tick-size" | "/neg-risk" | "/fee-rate" => Group::Parameters,
        "/order" => Group::Order,
        "/orders" => Group::Orders,
        "/cancel-all" | "/cancel-market-orders" => Group::Cancel,
        _ if path.starts_with("/data/") => Group::Records,
        _ if path.starts_with("/auth/") => Group::Auth,
        _ if path.starts_with("/balance-allowance") => Group::Balance,
        _ if path.starts_with("/gamma/") => Group::Gamma,
        _ => Group::Other,
    }
}

/// The parameters of a query, percent-decoded.
fn decoded(query: &str) -> Vec<(String, String)> {
    let pairs = query.split('&').filter(|pair| !pair.is_empty());
    pairs.map(|pair| pair.split_once('=').unwrap_or((pair, ""))).map(|(k, v)| (plain(k), plain(v))).collect()
}

fn plain(text: &str) -> String {
    let (mut out, mut bytes) = (Vec::new(), text.bytes());
    while let Some(byte) = bytes.next() {
        let mut nibble = || bytes.next().and_then(|digit| char::from(digit).to_digit(16));
        match byte {
            b'%' => out.extend(nibble().zip(nibble()).map(|(high, low)| (high * 16 + low) as u8)),
            b'+' => out.push(b' '),
            _ => out.push(byte),
        }
    }
    String::from_utf8_lossy(&out).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parameters_are_decoded_and_may_repeat() {
        let query = decoded("slug=a&slug=b&next_cursor=MA%3D%3D&empty=&broken=%4");
        let got: Vec<_> = query.iter().map(|(k, v)| (k.as_str(), v.as_str())).collect();
        assert_eq!(got, [("slug", "a"), ("slug", "b"), ("next_cursor", "MA=="), ("empty", ""), ("broken", "")]);
    }
}
