//! Requests whose answers belong into the capture: instrument lists and depth snapshots.

use super::tape::{Tape, Torn};
use highwire_store::capture::Body;
use std::time::Duration;

/// Whole time of one request.
const TIMEOUT: Duration = Duration::from_secs(15);
/// Tries of one request.
const TRIES: u32 = 5;
/// Longest wait that a venue's `Retry-After` may ask for before we give the request up.
const WAIT_MAX: Duration = Duration::from_secs(120);

/// A client for all requests.
///
/// # Errors
/// The TLS set-up failed.
pub(super) fn client() -> reqwest::Result<reqwest::Client> {
    reqwest::Client::builder().timeout(TIMEOUT).user_agent(concat!("highwire/", env!("CARGO_PKG_VERSION"))).build()
}

/// Asks for `url` until it answers, and puts the answer down. An answer that never comes is only
/// missed: the recording goes on without it.
///
/// # Errors
/// The file cannot be written any more.
pub(super) async fn fetch(client: &reqwest::Client, url: &str, tape: &Tape) -> Result<(), Torn> {
    for attempt in 0..TRIES {
        match ask(client, url).await {
            Ok(body) => return tape.put(Body::Http { url: url.to_owned(), body }).await,
            Err((why, wait)) => {
                tracing::warn!(url, why, "request failed");
                tokio::time::sleep(wait.unwrap_or(Duration::from_secs(1 << attempt)).min(WAIT_MAX)).await;
            }
        }
    }
    tracing::error!(url, "request given up; the capture goes on without its answer");
    Ok(())
}

/// The body, or why there is none and how long the venue asks to wait.
async fn ask(client: &reqwest::Client, url: &str) -> Result<String, (String, Option<Duration>)> {
    let plain = |error: reqwest::Error| (error.to_string(), None);
    let answer = client.get(url).send().await.map_err(plain)?;
    if !answer.status().is_success() {
        let after = answer.headers().get("retry-after").and_then(|value| value.to_str().ok()?.parse().ok());
        return Err((format!("status {}", answer.status()), after.map(Duration::from_secs)));
    }
    answer.text().await.map_err(plain)
}
