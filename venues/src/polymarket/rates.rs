//! Polymarket's rate budgets: per address at the edge, and per signer in tokens of a tier.
//!
//! Dossier §10. The tier's tokens are learned from headers; until then the lowest tier (Standard: 40 orders a
//! second, bursts of 60) is assumed, and cancels, whose budget is double, are counted with the orders.

use crate::http::{Headers, SECOND_NS, retry_after};
use highwire_links::Nanos;
use highwire_links::codec::ReportSink;
use highwire_links::rate::{RateNotice, RateRule, Scope};

/// Orders per second of the lowest tier.
const STANDARD: u32 = 40;
/// Wait after a 429 that names none.
const WAIT_NS: Nanos = 10 * SECOND_NS;

/// The budgets of a new account.
pub(crate) fn rules() -> Vec<RateRule> {
    let rule = |scope, limit, seconds| RateRule { scope, limit, span_ns: seconds * SECOND_NS, aligned: false };
    vec![rule(Scope::Weight, 9_000, 10), rule(Scope::Orders, STANDARD, 1), rule(Scope::OrdersLong, 120_000, 600)]
}

/// Orders per second of each tier.
fn tier(name: &str) -> Option<u32> {
    const TIERS: [(&str, u32); 8] = [
        ("standard", STANDARD),
        ("copper", 60),
        ("bronze", 80),
        ("silver", 200),
        ("gold", 400),
        ("platinum", 450),
        ("diamond", 525),
        ("elite", 600),
    ];
    TIERS.iter().find(|(known, _)| known.eq_ignore_ascii_case(name)).map(|(_, limit)| *limit)
}

/// What the headers of an answer say.
pub(crate) fn headers(status: u16, headers: Headers<'_>, now: Nanos, take: &mut dyn FnMut(RateNotice)) {
    if let Some(limit) = headers("poly-ratelimit-tier").and_then(tier) {
        take(RateNotice::Limit(RateRule { scope: Scope::Orders, limit, span_ns: SECOND_NS, aligned: false }));
    }
    if status == 429 {
        // The signer's bucket names what is left; the edge's answer does not.
        let scope = if headers("poly-ratelimit-remaining").is_some() { Scope::Orders } else { Scope::Weight };
        take(RateNotice::Wait { scope, wait_ns: retry_after(headers("retry-after"), now, WAIT_NS) });
    }
}

/// The same, of a head as received.
pub(super) fn head(status: u16, head: &[u8], now: Nanos, sink: &mut dyn ReportSink) {
    headers(status, &|name| crate::http::header(head, name), now, &mut |notice| sink.on_rate(notice));
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Conformance: polymarket rates
    #[test]
    fn tiers_and_waits_are_learned_from_headers() {
        let read = |status, lines: &'static [(&str, &str)]| {
            let mut notices = Vec::new();
            let find = |name: &str| lines.iter().find(|(key, _)| *key == name).map(|(_, value)| *value);
            headers(status, &find, 0, &mut |notice| notices.push(notice));
            notices
        };
        let gold = RateRule { scope: Scope::Orders, limit: 400, span_ns: SECOND_NS, aligned: false };
        assert_eq!(read(200, &[("poly-ratelimit-tier", "Gold")]), [RateNotice::Limit(gold)]);
        let signer = RateNotice::Wait { scope: Scope::Orders, wait_ns: 2 * SECOND_NS };
        assert_eq!(read(429, &[("poly-ratelimit-remaining", "0"), ("retry-after", "2")]), [signer]);
        assert_eq!(read(429, &[]), [RateNotice::Wait { scope: Scope::Weight, wait_ns: WAIT_NS }]);
        assert_eq!(read(200, &[]), []);
    }
}
