//! Who asks over HTTP, and the proof: four headers, a signature over the bytes as they were sent, the window of time.
//!
//! Rules: bybit-exchange.github.io v5 (guide: authentication).

use axum::http::HeaderMap;

use super::call::Problem;
use crate::members::{Member, member, signed_hex};

/// Window of a request that names none, in ms.
const WINDOW_MS: &str = "5000";
/// How far a time may be ahead, in ms.
const AHEAD_MS: u64 = 1_000;

/// The member who signed.
pub(super) fn judge(members: &[Member], headers: &HeaderMap, payload: &str, now_ms: u64) -> Result<usize, Problem> {
    let header = |name: &str| headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or("");
    let (key, time, window) = (header("X-BAPI-API-KEY"), header("X-BAPI-TIMESTAMP"), header("X-BAPI-RECV-WINDOW"));
    let (number, member) = member(members, key).ok_or_else(|| Problem::new(10_003, "API key is invalid."))?;
    timely(time, window, now_ms)?;
    let window = if window.is_empty() { WINDOW_MS } else { window };
    let fine = signed_hex(member, &format!("{time}{key}{window}{payload}"), header("X-BAPI-SIGN"));
    let why = "error sign! please check your signature generation algorithm.";
    if fine { Ok(number) } else { Err(Problem::new(10_004, why)) }
}

/// Whether a request's time lies within its window.
pub(super) fn timely(time: &str, window: &str, now_ms: u64) -> Result<(), Problem> {
    let wrong = |_| Problem::new(10_001, "params error: timestamp or recv_window");
    let window = if window.is_empty() { WINDOW_MS } else { window };
    let (at_ms, window_ms): (u64, u64) = (time.parse().map_err(wrong)?, window.parse().map_err(wrong)?);
    if at_ms.saturating_add(window_ms) >= now_ms && at_ms < now_ms + AHEAD_MS {
        return Ok(());
    }
    let why = "invalid request, please check your server timestamp or recv_window param.";
    let told = format!("{why} req_timestamp[{at_ms}],server_timestamp[{now_ms}],recv_window[{window_ms}]");
    Err(Problem::new(10_002, told))
}
