//! One HTTP request with a bounded body and a bounded time, and what its answer says about waiting.

use std::time::Duration;

/// Larger bodies are not read: the largest that we ask for is an instrument list of a few megabytes.
const BODY_BYTES_MAX: usize = 32 << 20;
/// Wait after a 429 or a 418 that names none, seconds.
const WAIT_S: u64 = 60;

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

/// Sends a request. Errors never name the query of its address, which may be signed.
///
/// # Errors
/// Why there is no answer.
pub async fn send(request: reqwest::RequestBuilder, within: Duration) -> Result<Answer, String> {
    let answer = tokio::time::timeout(within, read(request)).await;
    answer.map_err(|_| format!("no answer within {within:?}"))?.map_err(|error| error.without_url().to_string())?
}

async fn read(request: reqwest::RequestBuilder) -> reqwest::Result<Result<Answer, String>> {
    let mut response = request.send().await?;
    let status = response.status().as_u16();
    let header = |name: &str| response.headers().get(name).and_then(|value| value.to_str().ok()).map(str::to_owned);
    let used = ["x-mbx-used-weight-1m", "x-mbx-used-weight"].iter().find_map(|name| header(name)?.parse().ok());
    let named = header("retry-after").and_then(|value| value.trim().parse().ok());
    let wait_s = matches!(status, 418 | 429).then(|| named.unwrap_or(WAIT_S));
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await? {
        if body.len() + chunk.len() > BODY_BYTES_MAX {
            return Ok(Err(format!("a body above {BODY_BYTES_MAX} bytes")));
        }
        body.extend_from_slice(&chunk);
    }
    Ok(Ok(Answer { status, used, wait_s, body }))
}
