//! One HTTP request with a bounded body and a bounded time, and what its answer says about waiting: a venue that
//! was asked too much is left alone by everything that asks it, until its time is over.

use highwire_venues::http::retry_after;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

/// Larger bodies are not read: the largest that we ask for is an instrument list of a few megabytes.
const BODY_BYTES_MAX: usize = 32 << 20;
/// Wait after a refusal that names none, seconds.
const WAIT_S: u64 = 60;
/// Refusals for asking too much; 403 is how firewalls before a venue, and Bybit itself, say it.
const REFUSALS: [u16; 3] = [403, 418, 429];

/// Until when a venue wants to be left alone; shared by all that ask it.
#[derive(Clone, Debug, Default)]
pub struct Quiet(Arc<Mutex<Option<Instant>>>);

impl Quiet {
    /// How long it is to be left alone yet.
    pub fn left(&self) -> Duration {
        let until = *self.0.lock().unwrap_or_else(PoisonError::into_inner);
        until.map_or(Duration::ZERO, |until| until.saturating_duration_since(Instant::now()))
    }

    fn keep(&self, wait_s: u64) {
        let until = Instant::now().checked_add(Duration::from_secs(wait_s));
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        *kept = (*kept).max(until);
    }
}

/// An answer.
#[derive(Clone, Debug)]
pub struct Answer {
    /// HTTP status.
    pub status: u16,
    /// Request weight used, where the venue tells it.
    pub used: Option<u32>,
    /// Seconds for which nothing more may be asked; `None` unless the venue refused for asking too much.
    pub wait_s: Option<u64>,
    /// The body.
    pub body: Vec<u8>,
}

impl Answer {
    /// The body of a good answer.
    ///
    /// # Errors
    /// The status of any other.
    pub fn good(self) -> Result<Vec<u8>, String> {
        if (200..300).contains(&self.status) { Ok(self.body) } else { Err(format!("HTTP status {}", self.status)) }
    }
}

/// Sends a request, unless the venue wants to be left alone. Errors never name the query of its address, which may be signed.
///
/// # Errors
/// Why there is no answer.
pub async fn send(request: reqwest::RequestBuilder, within: Duration, quiet: &Quiet) -> Result<Answer, String> {
    let left = quiet.left();
    if !left.is_zero() {
        return Err(format!("not asked: the venue wants to be left alone for {} s more", left.as_secs() + 1));
    }
    let answer = tokio::time::timeout(within, read(request)).await;
    let answer =
        answer.map_err(|_| format!("no answer within {within:?}"))?.map_err(|error| error.without_url().to_string())?;
    if let Some(wait_s) = answer.as_ref().ok().and_then(|answer| answer.wait_s) {
        quiet.keep(wait_s);
    }
    answer
}

/// The wait that a refusal asks for, in whole seconds, rounded up.
fn wait_s(status: u16, named: Option<&str>) -> Option<u64> {
    const SECOND_NS: u64 = 1_000_000_000;
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    let now_ns = u64::try_from(now.as_nanos()).unwrap_or(u64::MAX);
    REFUSALS.contains(&status).then(|| retry_after(named, now_ns, WAIT_S * SECOND_NS).div_ceil(SECOND_NS))
}

async fn read(request: reqwest::RequestBuilder) -> reqwest::Result<Result<Answer, String>> {
    let mut response = request.send().await?;
    let status = response.status().as_u16();
    let header = |name: &str| response.headers().get(name).and_then(|value| value.to_str().ok()).map(str::to_owned);
    let used = ["x-mbx-used-weight-1m", "x-mbx-used-weight"].iter().find_map(|name| header(name)?.parse().ok());
    let wait_s = wait_s(status, header("retry-after").as_deref());
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await? {
        if body.len() + chunk.len() > BODY_BYTES_MAX {
            return Ok(Err(format!("a body above {BODY_BYTES_MAX} bytes")));
        }
        body.extend_from_slice(&chunk);
    }
    Ok(Ok(Answer { status, used, wait_s, body }))
}
