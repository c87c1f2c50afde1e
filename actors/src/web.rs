//! One HTTP request with a bounded body and a bounded time, within what the venue allows: it waits for its part of the
//! budget, and what the answer says of budgets and waits is heeded by all that ask the venue.

use crate::allowance::{Allowance, Need};
use highwire_links::breaker::Outcome;
use highwire_links::rate::{Cost, Priority};
use std::time::{Duration, Instant};

/// Larger bodies are not read: the largest that we ask for is an instrument list of a few megabytes.
const BODY_BYTES_MAX: usize = 32 << 20;

/// A request's claim on what the venue allows.
#[derive(Clone, Copy, Debug)]
pub struct Claim<'a> {
    /// What the venue allows.
    pub allowance: &'a Allowance,
    /// Whether it can wait while the venue does not answer.
    pub need: Need,
    /// How much the request matters.
    pub priority: Priority,
    /// What it uses.
    pub cost: Cost,
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
    /// From the request's leaving to the last byte.
    pub took: Duration,
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

/// Sends a request once the venue allows it, unless the venue does not answer and it can wait. Errors never name the
/// query of its address, which may be signed.
///
/// # Errors
/// Why there is no answer; also that the venue does not allow it in time.
pub async fn send(request: reqwest::RequestBuilder, within: Duration, claim: Claim<'_>) -> Result<Answer, String> {
    let until = Instant::now() + within;
    while let Err(wait) = claim.allowance.take(claim.priority, &claim.cost) {
        if Instant::now() + wait > until {
            return Err(format!("not asked: the venue does not allow it for {} s more", wait.as_secs() + 1));
        }
        tokio::time::sleep(wait).await;
    }
    let asked_ns = claim.allowance.ask(claim.need).ok_or("not asked: the venue has not answered lately")?;
    let answer = match tokio::time::timeout(within, read(request, claim.allowance)).await {
        Err(_) => Err(format!("no answer within {within:?}")),
        Ok(read) => read.map_err(|error| error.without_url().to_string()).and_then(|answer| answer),
    };
    if let Some(moved) = claim.allowance.on_outcome(outcome(&answer), asked_ns) {
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

async fn read(request: reqwest::RequestBuilder, allowance: &Allowance) -> reqwest::Result<Result<Answer, String>> {
    let began = Instant::now();
    let mut response = request.send().await?;
    let status = response.status().as_u16();
    let headers = response.headers().clone();
    let header = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    let used = ["x-mbx-used-weight-1m", "x-mbx-used-weight"].iter().find_map(|name| header(name)?.parse().ok());
    // Whatever becomes of the body: a refusal counts from its first line on.
    let wait_s = allowance.heed(status, &header).map(|wait| wait.as_millis().div_ceil(1_000) as u64);
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await? {
        if body.len() + chunk.len() > BODY_BYTES_MAX {
            return Ok(Err(format!("a body above {BODY_BYTES_MAX} bytes")));
        }
        body.extend_from_slice(&chunk);
    }
    Ok(Ok(Answer { status, used, wait_s, took: began.elapsed(), body }))
}
