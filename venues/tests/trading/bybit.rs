//! Bybit's answers and pushes, as its documents write them.

use crate::support::{DIGITS, Heard, ID, TEXT, encoded, line, message, order, ours, private, response, try_message};
use highwire_links::codec::{AnswerKind, LineNotice};
use highwire_links::fill::{FeeAsset, OrderReject, Report, ReportKind, trade_key};
use highwire_links::order::Action;
use highwire_links::{Px, Qty};
use highwire_venues::Venue;
use highwire_venues::orders::Transport;

const ORDER: &str = r#"{"id":"5923","topic":"order","creationTime":1672364262474,"data":[{"category":"spot","symbol":"BTCUSDT","orderId":"x","orderLinkId":"arb-0001","side":"Buy","orderType":"Limit","cancelType":"UNKNOWN","price":"65000.12","qty":"0.01","timeInForce":"IOC","orderStatus":"Filled","reduceOnly":false,"leavesQty":"0","leavesValue":"0","cumExecQty":"0.01","cumExecValue":"650.0","avgPrice":"65000","positionIdx":0,"cumFeeDetail":{"BTC":"0.00001"},"createdTime":"1672364262444","updatedTime":"1672364262457","rejectReason":"EC_NoError","smpType":"None","isLeverage":"0","rpiMatchedQty":"0"}]}"#;
const EXECUTION: &str = r#"{"topic":"execution","id":"..","creationTime":1746270400355,"data":[{"category":"linear","symbol":"BTCUSDT","orderId":"9aac","orderLinkId":"arb-2","side":"Sell","orderQty":"0.5","orderPrice":"94942.5","leavesQty":"0.1","execId":"0ab1bdf7-6d70-5d5b-95a3-9a1cf2f1ad9d","execPrice":"95900.1","execQty":"0.4","execValue":"47950.05","execFee":"26.3725275","feeRate":"0.00055","feeCurrency":"","execType":"Trade","isMaker":false,"execTime":"1746270400353","closedSize":"0.5","seq":4688002127}]}"#;

fn answered(action: Action, text: &str) -> (AnswerKind, Heard) {
    let mut codec = line(Venue::BybitLinear, Transport::Socket).codec;
    encoded(&mut *codec, &order(action));
    message(&mut *codec, text)
}

fn ack(letter: &str, op: &str, code: i64) -> String {
    format!(
        r#"{{"reqId":"{letter}{DIGITS}","retCode":{code},"retMsg":"OK","op":"{op}","data":{{"orderId":"a4c1718e","orderLinkId":"{TEXT}"}},"retExtInfo":{{}},"header":{{"Traceid":"..","Timenow":"1711001595209"}},"connId":".."}}"#
    )
}

fn order_push(status: &str) -> String {
    ours(ORDER, "arb-0001").replace(r#""orderStatus":"Filled""#, &format!(r#""orderStatus":"{status}""#))
}

#[test]
fn an_accepted_request_is_an_ack_and_a_refused_one_names_its_reason() {
    for (action, letter, op) in [
        (Action::Place, "p", "order.create"),
        (Action::Cancel, "c", "order.cancel"),
        (Action::Amend, "a", "order.amend"),
    ] {
        let (kind, heard) = answered(action, &ack(letter, op, 0));
        assert_eq!((kind, heard.only().kind, heard.only().id), (AnswerKind::Answer, ReportKind::Ack, ID));
    }
    let report = answered(Action::Place, &ack("p", "order.create", 110_007)).1.only();
    assert_eq!((report.kind, report.reject), (ReportKind::Rejected, OrderReject::Balance));
    let report = answered(Action::Cancel, &ack("c", "order.cancel", 110_001)).1.only();
    assert_eq!((report.kind, report.reject), (ReportKind::CancelRejected, OrderReject::NoSuchOrder));
    for code in [10_000, 10_016, 170_007] {
        assert_eq!(
            answered(Action::Place, &ack("p", "order.create", code)).1.only().kind,
            ReportKind::Unknown,
            "{code}"
        );
    }
    let other = ack("p", "order.create", 0).replace(TEXT, "somebody");
    assert_eq!(answered(Action::Place, &other).1.only().kind, ReportKind::Unknown);
    let leaving =
        answered(Action::Place, r#"{"retCode":10019,"retMsg":"service restarting","op":"order.create","connId":"x"}"#);
    assert_eq!((leaving.0, leaving.1.lines), (AnswerKind::Control, vec![LineNotice::Leaving]));
}

#[test]
fn http_answers_are_read_alike_and_the_unreadable_is_unknown() {
    let mut codec = line(Venue::BybitSpot, Transport::Http).codec;
    let accepted = format!(
        r#"{{"retCode":0,"retMsg":"OK","result":{{"orderId":"1321003749386327552","orderLinkId":"{TEXT}"}},"retExtInfo":{{}},"time":1672211918471}}"#
    );
    assert_eq!(response(&mut *codec, Action::Place, 200, "", accepted.as_bytes()).only().kind, ReportKind::Ack);
    for (status, body) in [
        (502, "<html>"),
        (403, "<html>access too frequent</html>"),
        (200, ""),
        (200, "{}"),
        (200, r#"{"retCode":0,"result":{}}"#),
        (500, accepted.as_str()),
    ] {
        assert_eq!(
            response(&mut *codec, Action::Place, status, "", body.as_bytes()).only().kind,
            ReportKind::Unknown,
            "{body}"
        );
    }
    let empty = r#"{"retCode":0,"retMsg":"OK","result":{"list":[],"nextPageCursor":"","category":"spot"},"time":1}"#;
    assert_eq!(response(&mut *codec, Action::Query, 200, "", empty.as_bytes()).only().kind, ReportKind::NotFound);
    for (status, kind) in [
        ("New", ReportKind::Open),
        ("PartiallyFilled", ReportKind::Open),
        ("Filled", ReportKind::Done),
        ("Cancelled", ReportKind::Done),
        ("Rejected", ReportKind::Rejected),
        ("Odd", ReportKind::Unknown),
    ] {
        let entry = order_push(status);
        let (_, rest) = entry.split_once(r#""data":"#).unwrap();
        let body = format!(r#"{{"retCode":0,"retMsg":"OK","result":{{"list":{rest}}}"#);
        let report = response(&mut *codec, Action::Query, 200, "", body.as_bytes()).only();
        assert_eq!((report.kind, report.filled), (kind, Qty(1_000)), "{status}");
    }
}

#[test]
fn an_order_push_is_ack_amendment_or_end() {
    let mut codec = private(Venue::BybitSpot).codec;
    let new = order_push("New").replace(r#""updatedTime":"1672364262457""#, r#""updatedTime":"1672364262444""#);
    let (kind, heard) = message(&mut *codec, &new);
    assert_eq!((kind, heard.only().kind), (AnswerKind::News, ReportKind::Ack));
    let amended = message(&mut *codec, &order_push("New")).1.only();
    assert_eq!((amended.kind, amended.px, amended.qty), (ReportKind::Amended, Px(6_500_012), Qty(1_000)));
    for status in ["Filled", "Cancelled", "PartiallyFilledCanceled", "Deactivated"] {
        let report = message(&mut *codec, &order_push(status)).1.only();
        assert_eq!((report.kind, report.filled), (ReportKind::Done, Qty(1_000)), "{status}");
    }
    for (reason, reject) in [
        ("EC_PostOnlyWillTakeLiquidity", OrderReject::WouldTake),
        ("EC_NoEnoughQtyToFill", OrderReject::NotFilled),
        ("EC_PerCancelRequest", OrderReject::None),
    ] {
        let report = message(&mut *codec, &order_push("Cancelled").replace("EC_NoError", reason)).1.only();
        assert_eq!((report.kind, report.reject), (ReportKind::Done, reject), "{reason}");
    }
    assert_eq!(message(&mut *codec, &order_push("Rejected")).1.only().kind, ReportKind::Rejected);
    for quiet in [
        order_push("PartiallyFilled"),
        order_push("Filled").replace("EC_NoError", "EC_OrigClOrdIDDoesNotExist"),
        ORDER.to_owned(),
        order_push("Filled").replace(r#""category":"spot""#, r#""category":"linear""#),
        order_push("Filled").replace(r#""topic":"order""#, r#""topic":"wallet""#),
    ] {
        assert_eq!(message(&mut *codec, &quiet), (AnswerKind::Control, Heard::default()), "{quiet}");
    }
}

/// Conformance: bybit_spot private; bybit_linear private
#[test]
fn an_execution_is_a_fill_and_a_forced_one_foreign() {
    let mut codec = private(Venue::BybitLinear).codec;
    let fill = message(&mut *codec, &ours(EXECUTION, "arb-2")).1.only();
    assert_eq!(
        (fill.kind, fill.id, fill.px, fill.qty, fill.filled),
        (ReportKind::Fill, ID, Px(9_590_010), Qty(40_000), Qty(40_000))
    );
    assert_eq!((fill.fee, fill.fee_dp, fill.fee_in, fill.flags), (263_725_275, 7, FeeAsset::Quote, 0));
    assert_eq!(fill.trade, trade_key(b"0ab1bdf7-6d70-5d5b-95a3-9a1cf2f1ad9d"));
    for kind in ["AdlTrade", "BustTrade"] {
        let report = message(
            &mut *codec,
            &ours(EXECUTION, "arb-2").replace(r#""execType":"Trade""#, &format!(r#""execType":"{kind}""#)),
        )
        .1
        .only();
        assert_eq!((report.kind, report.id, report.flags), (ReportKind::Foreign, 0, Report::SOLD), "{kind}");
    }
    assert_eq!(message(&mut *codec, &EXECUTION.replace("arb-2", "")).1.only().kind, ReportKind::Foreign);
    for kind in ["Funding", "Delivery", "Settle", "CorporateAction"] {
        let text = EXECUTION.replace(r#""execType":"Trade""#, &format!(r#""execType":"{kind}""#));
        assert_eq!(message(&mut *codec, &text), (AnswerKind::Control, Heard::default()), "{kind}");
    }
}

#[test]
fn a_spot_fee_without_a_currency_is_in_what_was_received() {
    let mut codec = private(Venue::BybitSpot).codec;
    let spot = ours(EXECUTION, "arb-2").replace(r#""category":"linear""#, r#""category":"spot""#);
    assert_eq!(message(&mut *codec, &spot).1.only().fee_in, FeeAsset::Quote);
    assert_eq!(message(&mut *codec, &spot.replace("Sell", "Buy")).1.only().fee_in, FeeAsset::Base);
    assert_eq!(
        message(&mut *codec, &spot.replace(r#""feeCurrency":"""#, r#""feeCurrency":"MNT""#)).1.only().fee_in,
        FeeAsset::Other
    );
}

#[test]
fn a_fill_that_cannot_be_read_exactly_is_refused() {
    let mut codec = private(Venue::BybitLinear).codec;
    for (good, bad) in [
        (r#""execPrice":"95900.1""#, r#""execPrice":"95900.123""#),
        (r#""execQty":"0.4""#, r#""execQty":"0""#),
        (r#""execFee":"26.3725275""#, r#""execFee":"2e1""#),
        (r#""side":"Sell""#, r#""side":"Sideways""#),
        (r#""execId":"0ab1bdf7-6d70-5d5b-95a3-9a1cf2f1ad9d""#, r#""execId":"""#),
        (r#""isMaker":false"#, r#""isMaker":"no""#),
    ] {
        let (kind, heard) = try_message(&mut *codec, ours(EXECUTION, "arb-2").replace(good, bad).as_bytes());
        assert!(kind.is_err() && heard.reports.is_empty(), "{bad}: {heard:?}");
    }
}
