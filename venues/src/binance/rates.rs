//! What Binance says of its rate budgets: headers, `rateLimits` of WebSocket answers, waits and bans.
//! Weights count by the UTC minute.

use super::Market;
use crate::http::{Headers, SECOND_NS, retry_after};
use crate::tape::{Fields, Value};
use highwire_links::Nanos;
use highwire_links::rate::{RateNotice, RateRule, Scope};

/// A ban lasts two minutes at least; that is assumed where the answer does not say.
const BAN_NS: Nanos = 120 * SECOND_NS;
/// The weight window, assumed where a 429 names no time.
const WAIT_NS: Nanos = 60 * SECOND_NS;

/// Documented budgets, until the venue names its own.
pub(crate) fn rules(market: Market) -> Vec<RateRule> {
    let rule = |scope, limit, seconds| RateRule { scope, limit, span_ns: seconds * SECOND_NS, aligned: true };
    match market {
        Market::Spot => {
            vec![rule(Scope::Weight, 6_000, 60), rule(Scope::Orders, 50, 10), rule(Scope::OrdersLong, 160_000, 86_400)]
        }
        Market::Futures => {
            vec![rule(Scope::Weight, 2_400, 60), rule(Scope::Orders, 300, 10), rule(Scope::OrdersLong, 1_200, 60)]
        }
    }
}

/// What status and headers of an HTTP answer say.
pub(crate) fn headers(status: u16, header: Headers<'_>, now: Nanos, give: &mut dyn FnMut(RateNotice)) {
    const USED: [(&str, Scope, u64); 4] = [
        ("x-mbx-used-weight-1m", Scope::Weight, 60),
        ("x-mbx-order-count-10s", Scope::Orders, 10),
        ("x-mbx-order-count-1m", Scope::OrdersLong, 60),
        ("x-mbx-order-count-1d", Scope::OrdersLong, 86_400),
    ];
    for (name, scope, seconds) in USED {
        if let Some(used) = header(name).and_then(|value| value.parse().ok()) {
            give(RateNotice::Used { scope, used, span_ns: seconds * SECOND_NS });
        }
    }
    match status {
        418 => give(RateNotice::Banned { wait_ns: retry_after(header("retry-after"), now, BAN_NS) }),
        429 | 403 => {
            let wait_ns = retry_after(header("retry-after"), now, WAIT_NS);
            give(RateNotice::Wait { scope: Scope::Weight, wait_ns });
        }
        _ => {}
    }
}

/// What an error inside a WebSocket answer says: 429 and 418 name the time to go on in `retryAfter`,
/// in milliseconds since 1970; -1015 is about orders only.
pub(crate) fn refusal(status: u16, code: i64, until_ms: Option<u64>, now: Nanos, give: &mut dyn FnMut(RateNotice)) {
    let wait = |default: Nanos| until_ms.map_or(default, |ms| ms.saturating_mul(1_000_000).saturating_sub(now));
    match (status, code) {
        (418, _) => give(RateNotice::Banned { wait_ns: wait(BAN_NS) }),
        (_, -1015) => give(RateNotice::Wait { scope: Scope::Orders, wait_ns: wait(10 * SECOND_NS) }),
        (429, _) | (_, -1003) => give(RateNotice::Wait { scope: Scope::Weight, wait_ns: wait(WAIT_NS) }),
        (_, -1008) => give(RateNotice::Wait { scope: Scope::Orders, wait_ns: SECOND_NS }),
        _ => {}
    }
}

const KEYS: [&str; 5] = ["rateLimitType", "interval", "intervalNum", "limit", "count"];

/// What the `rateLimits` of a WebSocket answer say. `known` holds the limits told before: only a
/// changed one is told again.
pub(crate) fn limits(list: Value<'_, '_>, known: &mut [u32; 3], give: &mut dyn FnMut(RateNotice)) {
    for entry in list.items().into_iter().flatten() {
        // A budget that cannot be read is one that we do not know: nothing about an order hangs on it.
        let Ok(fields) = Fields::of(&KEYS, entry) else { continue };
        let Some((scope, span_ns)) = budget(&fields) else { continue };
        let number = |key: &str| fields.unsigned(key).ok().flatten().and_then(|number| u32::try_from(number).ok());
        if let Some(limit) = number("limit").filter(|limit| known[scope as usize] != *limit) {
            known[scope as usize] = limit;
            give(RateNotice::Limit(RateRule { scope, limit, span_ns, aligned: true }));
        }
        if let Some(used) = number("count") {
            give(RateNotice::Used { scope, used, span_ns });
        }
    }
}

/// Which budget an entry is about, and its span.
fn budget(fields: &Fields<'_, '_, 5>) -> Option<(Scope, Nanos)> {
    let unit = match fields.text("interval")? {
        "SECOND" => 1,
        "MINUTE" => 60,
        "HOUR" => 3_600,
        "DAY" => 86_400,
        _ => return None,
    };
    let seconds = fields.unsigned("intervalNum").ok()??.checked_mul(unit)?;
    let scope = match fields.text("rateLimitType")? {
        "REQUEST_WEIGHT" => Scope::Weight,
        "ORDERS" if seconds <= 10 => Scope::Orders,
        "ORDERS" => Scope::OrdersLong,
        _ => return None,
    };
    Some((scope, seconds.checked_mul(SECOND_NS)?))
}
