//! Bybit's rate budgets: headers of HTTP answers and the same names inside WebSocket answers.

use crate::http::{Headers, SECOND_NS, retry_after};
use crate::venue::Venue;
use highwire_links::Nanos;
use highwire_links::rate::{RateNotice, RateRule, Scope};

/// After "access too frequent" the address is shut out for ten minutes at least.
const SHUT_OUT_NS: Nanos = 600 * SECOND_NS;
/// The longest that a reset time is believed: its windows are one second.
const RESET_MAX_NS: Nanos = 60 * SECOND_NS;

/// Per account and second 10 orders of derivatives or 20 of spot; per address 600 requests in 5 s.
pub(crate) fn rules(venue: Venue) -> Vec<RateRule> {
    let rule = |scope, limit, seconds| RateRule { scope, limit, span_ns: seconds * SECOND_NS, aligned: false };
    let orders = if venue == Venue::BybitSpot { 20 } else { 10 };
    vec![rule(Scope::Orders, orders, 1), rule(Scope::Weight, 600, 5)]
}

/// What status and headers of an HTTP answer say. 403 is how an address that asks too often is told.
pub(crate) fn headers(status: u16, header: Headers<'_>, now: Nanos, give: &mut dyn FnMut(RateNotice)) {
    let number = |name: &str| header(name).and_then(|value| value.parse().ok());
    used(number("x-bapi-limit"), number("x-bapi-limit-status"), give);
    match status {
        403 => {
            let wait_ns = retry_after(header("retry-after"), now, SHUT_OUT_NS);
            give(RateNotice::Wait { scope: Scope::Weight, wait_ns });
        }
        429 => {
            let default = until(number("x-bapi-limit-reset-timestamp"), now);
            give(RateNotice::Wait { scope: Scope::Orders, wait_ns: retry_after(header("retry-after"), now, default) });
        }
        418 => give(RateNotice::Banned { wait_ns: retry_after(header("retry-after"), now, SHUT_OUT_NS) }),
        _ => {}
    }
}

/// What is used of a limit, when so much is left.
pub(crate) fn used(limit: Option<u64>, left: Option<u64>, give: &mut dyn FnMut(RateNotice)) {
    let (Some(limit), Some(left)) = (limit, left) else { return };
    if let Ok(used) = u32::try_from(limit.saturating_sub(left)) {
        give(RateNotice::Used { scope: Scope::Orders, used, span_ns: SECOND_NS });
    }
}

/// What a code says: 10006 of our orders, the others of the address or the session.
pub(crate) fn refusal(code: i64, reset_ms: Option<u64>, now: Nanos, give: &mut dyn FnMut(RateNotice)) {
    let scope = match code {
        10_006 => Scope::Orders,
        10_018 | 10_403 | 10_429 => Scope::Weight,
        20_003 => Scope::Messages,
        _ => return,
    };
    give(RateNotice::Wait { scope, wait_ns: until(reset_ms, now) });
}

/// How long until the reset time; a second where there is none.
fn until(reset_ms: Option<u64>, now: Nanos) -> Nanos {
    reset_ms.map_or(SECOND_NS, |ms| ms.saturating_mul(1_000_000).saturating_sub(now).min(RESET_MAX_NS))
}
