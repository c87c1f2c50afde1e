//! One HTTP request with a bounded body and a bounded time, and what its answer says about waiting: a venue that
//! was asked too much is left alone by everything that asks it, until its time is over. One that does not answer is
//! spared what can wait ([`Quiet`]'s breaker); what hedges, withdraws and keeps books and clock goes on asking.

use highwire_links::Nanos;
use highwire_links::breaker::{Breaker, Moved, Outcome, Settings, Stand};
use highwire_venues::http::retry_after;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

/// Larger bodies are not read: the largest that we ask for is an instrument list of a few megabytes.
const BODY_BYTES_MAX: usize = 32 << 20;
/// Wait after a refusal that names none, seconds.
const WAIT_S: u64 = 60;
/// Refusals for asking too much; 403 is how firewalls before a venue, and Bybit itself, say it.
const REFUSALS: [u16; 3] = [403, 418, 429];

/// Whether a request can wait.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Need {
    /// It is asked for even while the breaker is tripped.
    Now,
    /// It waits until the venue answers again.
    Later,
}

/// Until when a venue wants to be left alone, and whether it answers; shared by all that ask it.
#[derive(Clone, Debug)]
pub struct Quiet(Arc<Mutex<Manners>>);

#[derive(Debug)]
struct Manners {
    until: Option<Instant>,
    breaker: Breaker,
    /// Where the breaker's time begins.
    born: Instant,
}

impl Default for Quiet {
    fn default() -> Self {
        Self::new(Settings::default())
    }
}

impl Quiet {
    /// A venue that may be asked.
    pub fn new(settings: Settings) -> Self {
        let (breaker, born) = (Breaker::new(settings), Instant::now());
        Self(Arc::new(Mutex::new(Manners { until: None, breaker, born })))
    }

    /// How long it is to be left alone yet.
    pub fn left(&self) -> Duration {
        self.lock().until.map_or(Duration::ZERO, |until| until.saturating_duration_since(Instant::now()))
    }

    /// Where its breaker for questions stands, and how often it tripped.
    pub fn stand(&self) -> (Stand, u64) {
        let mut manners = self.lock();
        let now = manners.now();
        let _told_by_its_stand = manners.breaker.on_time(now);
        (manners.breaker.stand(), manners.breaker.trips())
    }

    fn keep(&self, wait_s: u64) {
        let until = Instant::now().checked_add(Duration::from_secs(wait_s));
        let mut manners = self.lock();
        manners.until = manners.until.max(until);
    }

    /// When it is asked; `None` when it is not.
    fn ask(&self, need: Need) -> Option<Nanos> {
        let mut manners = self.lock();
        let now = manners.now();
        let _told_by_its_stand = manners.breaker.on_time(now);
        (need == Need::Now || manners.breaker.ask(now)).then_some(now)
    }

    fn on_outcome(&self, outcome: Outcome, asked_ns: Nanos) -> Option<Moved> {
        let mut manners = self.lock();
        let now = manners.now();
        manners.breaker.on_outcome(outcome, asked_ns, now)
    }

    fn lock(&self) -> MutexGuard<'_, Manners> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Manners {
    fn now(&self) -> Nanos {
        u64::try_from(self.born.elapsed().as_nanos()).unwrap_or(u64::MAX)
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

/// Sends a request, unless the venue wants to be left alone, or does not answer and it can wait. Errors never name the
/// query of its address, which may be signed.
///
/// # Errors
/// Why there is no answer.
pub async fn send(
    request: reqwest::RequestBuilder,
    within: Duration,
    quiet: &Quiet,
    need: Need,
) -> Result<Answer, String> {
    let left = quiet.left();
    if !left.is_zero() {
        return Err(format!("not asked: the venue wants to be left alone for {} s more", left.as_secs() + 1));
    }
    let asked_ns = quiet.ask(need).ok_or("not asked: the venue has not answered lately")?;
    let answer = match tokio::time::timeout(within, read(request)).await {
        Err(_) => Err(format!("no answer within {within:?}")),
        Ok(read) => read.map_err(|error| error.without_url().to_string()).and_then(|answer| answer),
    };
    if let Some(wait_s) = answer.as_ref().ok().and_then(|answer| answer.wait_s) {
        quiet.keep(wait_s);
    }
    if let Some(moved) = quiet.on_outcome(outcome(&answer), asked_ns) {
        tracing::warn!(from = moved.from.name(), to = moved.to.name(), "a venue's breaker for questions");
    }
    answer
}

/// What an answer says of the venue: that it refuses is its good right.
fn outcome(answer: &Result<Answer, String>) -> Outcome {
    match answer {
        Err(_) => Outcome::Failed,
        Ok(answer) if answer.wait_s.is_some() => Outcome::Limited,
        Ok(answer) if answer.status >= 500 => Outcome::Failed,
        Ok(_) => Outcome::Answered,
    }
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
