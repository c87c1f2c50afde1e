//! Rate budgets: whatever form a venue tells them in.

use crate::support::{DIGITS, NOW, encoded, line, message, order, response};
use highwire_links::fill::{OrderReject, ReportKind};
use highwire_links::order::Action;
use highwire_links::rate::{RateNotice, RateRule, Scope};
use highwire_venues::Venue;
use highwire_venues::orders::Transport;
use highwire_venues::private::notices;

const SECOND: u64 = 1_000_000_000;

fn wait(scope: Scope, seconds: u64) -> RateNotice {
    RateNotice::Wait { scope, wait_ns: seconds * SECOND }
}

fn used(scope: Scope, used: u32, seconds: u64) -> RateNotice {
    RateNotice::Used { scope, used, span_ns: seconds * SECOND }
}

/// Conformance: binance_spot rates; binance_usdm rates
#[test]
fn binance_headers_tell_what_is_used() {
    let mut codec = line(Venue::BinanceSpot, Transport::Http).codec;
    let headers = "X-MBX-USED-WEIGHT-1M: 117\r\nx-mbx-order-count-10s: 3\r\nX-MBX-ORDER-COUNT-1D: 40\r\n";
    let body = br#"{"code":-2010,"msg":"Market is closed."}"#;
    let heard = response(&mut *codec, Action::Place, 400, headers, body);
    assert_eq!(
        heard.rates,
        [used(Scope::Weight, 117, 60), used(Scope::Orders, 3, 10), used(Scope::OrdersLong, 40, 86_400)]
    );
}

#[test]
fn every_retry_after_of_a_429_is_obeyed_and_a_418_is_a_ban() {
    let mut codec = line(Venue::BinanceSpot, Transport::Http).codec;
    for (headers, seconds) in [
        ("Retry-After: 1\r\n", 1),
        ("Retry-After: 600\r\n", 600),
        ("", 60),
        ("Retry-After: soon\r\n", 60),
        // 30 s after the time that the tests have.
        ("Retry-After: Mon, 21 Sep 2026 14:13:50 GMT\r\n", 30),
    ] {
        let heard = response(&mut *codec, Action::Place, 429, headers, b"");
        let RateNotice::Wait { scope: Scope::Weight, wait_ns } = heard.rates[0] else { panic!("{heard:?}") };
        assert_eq!(wait_ns.div_ceil(SECOND), seconds, "{headers}");
        assert_eq!(heard.only().kind, ReportKind::Unknown);
    }
    let body = br#"{"code":-1003,"msg":"Way too much request weight used; IP banned until 1659146400000."}"#;
    let heard = response(&mut *codec, Action::Place, 418, "Retry-After: 120\r\n", body);
    assert_eq!(heard.rates[0], RateNotice::Banned { wait_ns: 120 * SECOND });
    assert_eq!((heard.only().kind, heard.only().reject), (ReportKind::Rejected, OrderReject::RateLimit));
}

#[test]
fn binance_messages_tell_limits_once_and_counts_each_time() {
    let mut codec = line(Venue::BinanceSpot, Transport::Socket).codec;
    encoded(&mut *codec, &order(Action::Place));
    let limits = r#"[{"rateLimitType":"ORDERS","interval":"SECOND","intervalNum":10,"limit":50,"count":12},{"rateLimitType":"REQUEST_WEIGHT","interval":"MINUTE","intervalNum":1,"limit":3000,"count":321},{"rateLimitType":"CONNECTIONS","interval":"MINUTE","intervalNum":5,"limit":300,"count":1},{"odd":1}]"#;
    let text = format!(
        r#"{{"id":"p{DIGITS}","status":400,"error":{{"code":-1015,"msg":"Too many new orders."}},"rateLimits":{limits}}}"#
    );
    let rule =
        |scope, limit, seconds| RateNotice::Limit(RateRule { scope, limit, span_ns: seconds * SECOND, aligned: true });
    let first = message(&mut *codec, &text).1;
    let told = [
        rule(Scope::Orders, 50, 10),
        used(Scope::Orders, 12, 10),
        rule(Scope::Weight, 3_000, 60),
        used(Scope::Weight, 321, 60),
    ];
    assert_eq!(first.rates, [&told[..], &[wait(Scope::Orders, 10)]].concat());
    assert_eq!(first.only().reject, OrderReject::RateLimit);
    assert_eq!(message(&mut *codec, &text).1.rates, [told[1], told[3], wait(Scope::Orders, 10)]);
    let until = NOW / 1_000_000 + 7_000;
    let banned = format!(
        r#"{{"id":null,"status":418,"error":{{"code":-1003,"msg":"banned","data":{{"serverTime":1,"retryAfter":{until}}}}}}}"#
    );
    assert_eq!(message(&mut *codec, &banned).1.rates, [RateNotice::Banned { wait_ns: 7 * SECOND }]);
}

/// Conformance: okx rates; bybit_spot rates; bybit_linear rates
#[test]
fn okx_and_bybit_tell_by_code() {
    let mut okx = line(Venue::Okx, Transport::Http).codec;
    let heard = response(&mut *okx, Action::Place, 429, "", br#"{"code":"50011","msg":"Too Many Requests","data":[]}"#);
    assert_eq!(heard.rates, [wait(Scope::Orders, 2), wait(Scope::Orders, 2)]);
    assert_eq!((heard.only().kind, heard.only().reject), (ReportKind::Rejected, OrderReject::RateLimit));
    let mut bybit = line(Venue::BybitSpot, Transport::Http).codec;
    let reset = NOW / 1_000_000 + 400;
    let headers = format!("X-Bapi-Limit: 20\r\nX-Bapi-Limit-Status: 0\r\nX-Bapi-Limit-Reset-Timestamp: {reset}\r\n");
    let heard = response(
        &mut *bybit,
        Action::Place,
        200,
        &headers,
        br#"{"retCode":10006,"retMsg":"Too many visits!","result":{}}"#,
    );
    let waits = RateNotice::Wait { scope: Scope::Orders, wait_ns: 400_000_000 };
    assert_eq!(heard.rates, [used(Scope::Orders, 20, 1), waits]);
    assert_eq!(heard.only().reject, OrderReject::RateLimit);
    let heard = response(&mut *bybit, Action::Place, 403, "", b"access too frequent");
    assert_eq!(heard.rates, [wait(Scope::Weight, 600)]);
}

#[test]
fn the_cold_side_hears_the_same() {
    let header = |name: &str| (name == "retry-after").then_some("9");
    assert_eq!(notices(Venue::BinanceUsdm, 418, &header, NOW), [RateNotice::Banned { wait_ns: 9 * SECOND }]);
    assert_eq!(notices(Venue::BybitLinear, 429, &header, NOW), [wait(Scope::Orders, 9)]);
    assert_eq!(notices(Venue::Okx, 200, &header, NOW), []);
}
