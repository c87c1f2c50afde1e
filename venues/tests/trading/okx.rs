//! OKX's answers and pushes, as its documents write them.

use crate::support::{DIGITS, Heard, ID, TEXT, encoded, line, message, order, ours, private, response, try_message};
use highwire_links::codec::{AnswerKind, LineNotice};
use highwire_links::fill::{FeeAsset, OrderReject, Report, ReportKind};
use highwire_links::order::Action;
use highwire_links::{InstrumentId, Px, Qty};
use highwire_venues::Venue;
use highwire_venues::orders::Transport;

const PUSH: &str = r#"{"arg":{"channel":"orders","instType":"ANY","uid":"614488474791936"},"data":[{"instType":"SPOT","instId":"BTC-USDT","ordId":"452197707845865472","clOrdId":"arb0001","side":"sell","ordType":"limit","px":"31527.1","sz":"0.001","tdMode":"cash","state":"filled","accFillSz":"0.001","avgPx":"31527.1","fillPx":"31527.1","fillSz":"0.001","fillTime":"1654084353263","tradeId":"242589207","execType":"M","fillFee":"-0.02522168","fillFeeCcy":"USDT","fee":"-0.02522168","feeCcy":"USDT","rebate":"0","rebateCcy":"BTC","reduceOnly":"false","cancelSource":"","amendResult":"","code":"0","msg":"","cTime":"1654084334977","uTime":"1654084353264"}]}"#;

fn answered(action: Action, text: &str) -> (AnswerKind, Heard) {
    let mut codec = line(Venue::Okx, Transport::Socket).codec;
    encoded(&mut *codec, &order(action));
    message(&mut *codec, text)
}

fn element(letter: &str, op: &str, outer: &str, code: &str) -> String {
    format!(
        r#"{{"id":"{letter}{DIGITS}","op":"{op}","data":[{{"clOrdId":"{TEXT}","ordId":"312269865356374016","tag":"","ts":"1695190491421","sCode":"{code}","sMsg":"","subCode":""}}],"code":"{outer}","msg":"","inTime":"1695190491421339","outTime":"1695190491423240"}}"#
    )
}

/// A push of nothing new: an order that rests.
fn live() -> String {
    ours(PUSH, "arb0001")
        .replace(r#""state":"filled""#, r#""state":"live""#)
        .replace(r#""fillSz":"0.001""#, r#""fillSz":"0""#)
        .replace(r#""accFillSz":"0.001""#, r#""accFillSz":"0""#)
        .replace("242589207", "")
}

#[test]
fn an_accepted_request_is_an_ack() {
    for (action, letter, op) in
        [(Action::Place, "p", "order"), (Action::Cancel, "c", "cancel-order"), (Action::Amend, "a", "amend-order")]
    {
        let (kind, heard) = answered(action, &element(letter, op, "0", "0"));
        assert_eq!((kind, heard.only().kind, heard.only().id), (AnswerKind::Answer, ReportKind::Ack, ID));
    }
}

#[test]
fn refusals_name_their_reason_wherever_the_code_stands() {
    let report = answered(Action::Place, &element("p", "order", "1", "51008")).1.only();
    assert_eq!(
        (report.kind, report.reject, report.instrument),
        (ReportKind::Rejected, OrderReject::Balance, InstrumentId(3))
    );
    let report = answered(Action::Place, &element("p", "order", "2", "51016")).1.only();
    assert_eq!(report.reject, OrderReject::DuplicateId);
    let report = answered(Action::Cancel, &element("c", "cancel-order", "1", "51400")).1.only();
    assert_eq!((report.kind, report.reject), (ReportKind::CancelRejected, OrderReject::TooLate));
    let format = format!(r#"{{"id":"p{DIGITS}","op":"order","code":"60013","msg":"Invalid args","data":[]}}"#);
    assert_eq!(answered(Action::Place, &format).1.only().reject, OrderReject::Filter);
    let event = format!(r#"{{"id":"p{DIGITS}","event":"error","code":"60011","msg":"Please log in","connId":"a"}}"#);
    assert_eq!(answered(Action::Place, &event).1.only().reject, OrderReject::Auth);
    for code in ["50001", "50004", "51149", "50026", "50013"] {
        assert_eq!(
            answered(Action::Place, &element("p", "order", "1", code)).1.only().kind,
            ReportKind::Unknown,
            "{code}"
        );
    }
    let other = element("p", "order", "0", "0").replace(TEXT, "somebodyelse");
    assert_eq!(answered(Action::Place, &other).1.only().kind, ReportKind::Unknown);
    let empty = format!(r#"{{"id":"p{DIGITS}","op":"order","code":"0","msg":"","data":[]}}"#);
    assert_eq!(answered(Action::Place, &empty).1.only().kind, ReportKind::Unknown);
}

#[test]
fn http_answers_are_read_alike_and_the_unreadable_is_unknown() {
    let mut codec = line(Venue::Okx, Transport::Http).codec;
    let body = element("p", "order", "0", "0");
    assert_eq!(response(&mut *codec, Action::Place, 200, "", body.as_bytes()).only().kind, ReportKind::Ack);
    for (status, body) in [
        (502, "<html>"),
        (200, ""),
        (200, "{}"),
        (503, r#"{"code":"50001","msg":"Service unavailable","data":[]}"#),
        (200, r#"{"code":"0","data":[{"#),
    ] {
        assert_eq!(
            response(&mut *codec, Action::Place, status, "", body.as_bytes()).only().kind,
            ReportKind::Unknown,
            "{body}"
        );
    }
    let gone = r#"{"code":"51603","msg":"Order does not exist","data":[]}"#;
    assert_eq!(response(&mut *codec, Action::Query, 200, "", gone.as_bytes()).only().kind, ReportKind::NotFound);
    for (state, kind) in [
        ("live", ReportKind::Open),
        ("partially_filled", ReportKind::Open),
        ("filled", ReportKind::Done),
        ("canceled", ReportKind::Done),
        ("odd", ReportKind::Unknown),
    ] {
        let (_, rest) = PUSH.split_once(r#""data":"#).unwrap();
        let found = format!(r#"{{"code":"0","msg":"","data":{rest}"#)
            .replace("arb0001", TEXT)
            .replace(r#""state":"filled""#, &format!(r#""state":"{state}""#));
        let report = response(&mut *codec, Action::Query, 200, "", found.as_bytes()).only();
        assert_eq!((report.kind, report.filled), (kind, Qty(100)), "{state}");
    }
}

/// Conformance: okx private
#[test]
fn a_push_is_fill_and_end() {
    let mut codec = private(Venue::Okx).codec;
    let (kind, heard) = message(&mut *codec, &ours(PUSH, "arb0001"));
    assert_eq!((kind, heard.kinds()), (AnswerKind::News, vec![ReportKind::Fill, ReportKind::Done]));
    let fill = heard.reports[0];
    assert_eq!((fill.px, fill.qty, fill.filled, fill.trade), (Px(3_152_710), Qty(100), Qty(100), 242_589_207));
    assert_eq!((fill.fee, fill.fee_dp, fill.fee_in, fill.flags), (2_522_168, 8, FeeAsset::Quote, Report::MAKER));
    assert_eq!(fill.at_ns, 1_654_084_353_263_000_000);
    let rebate = ours(PUSH, "arb0001").replace(r#""fillFee":"-0.02522168""#, r#""fillFee":"0.01""#);
    assert_eq!(message(&mut *codec, &rebate).1.reports[0].fee, -1);
}

#[test]
fn a_push_without_fill_is_ack_amendment_or_end() {
    let mut codec = private(Venue::Okx).codec;
    assert_eq!(message(&mut *codec, &live()).1.only().kind, ReportKind::Ack);
    let amended = message(&mut *codec, &live().replace(r#""amendResult":"""#, r#""amendResult":"0""#)).1.only();
    assert_eq!((amended.kind, amended.px, amended.qty), (ReportKind::Amended, Px(3_152_710), Qty(100)));
    let failed = message(&mut *codec, &live().replace(r#""amendResult":"""#, r#""amendResult":"-1""#)).1.only();
    assert_eq!(failed.kind, ReportKind::CancelRejected);
    for (source, reject) in [
        ("31", OrderReject::WouldTake),
        ("14", OrderReject::None),
        ("1", OrderReject::None),
        ("20", OrderReject::None),
        ("15", OrderReject::Filter),
    ] {
        let ended = live()
            .replace(r#""state":"live""#, r#""state":"canceled""#)
            .replace(r#""cancelSource":"""#, &format!(r#""cancelSource":"{source}""#));
        let report = message(&mut *codec, &ended).1.only();
        assert_eq!((report.kind, report.reject), (ReportKind::Done, reject), "{source}");
    }
    let odd = live().replace(r#""state":"live""#, r#""state":"levitating""#);
    let (kind, heard) = message(&mut *codec, &odd);
    assert_eq!((kind, heard.reports.len(), heard.drifts.len()), (AnswerKind::Control, 0, 1));
}

#[test]
fn a_trade_that_is_not_ours_is_foreign() {
    let mut codec = private(Venue::Okx).codec;
    for id in ["", "somebody"] {
        let report = message(&mut *codec, &PUSH.replace("arb0001", id)).1.only();
        assert_eq!((report.kind, report.id, report.flags), (ReportKind::Foreign, 0, Report::MAKER | Report::SOLD));
    }
    assert_eq!(message(&mut *codec, &live().replace(TEXT, "")), (AnswerKind::Control, Heard::default()));
    assert_eq!(message(&mut *codec, &PUSH.replace("BTC-USDT", "DOGE-USDT")), (AnswerKind::Control, Heard::default()));
}

#[test]
fn notices_and_what_is_not_known_are_control() {
    let mut codec = private(Venue::Okx).codec;
    let notice = r#"{"event":"notice","code":"64008","msg":"The connection will soon be closed for a service upgrade. Please reconnect.","connId":"a4d3ae55"}"#;
    let (kind, heard) = message(&mut *codec, notice);
    assert_eq!((kind, heard.lines), (AnswerKind::Control, vec![LineNotice::Leaving]));
    for text in [
        "pong",
        r#"{"event":"login","code":"0","msg":"","connId":"a"}"#,
        r#"{"event":"channel-conn-count","channel":"orders","connCount":"2","connId":"a"}"#,
        r#"{"event":"error","code":"60012","msg":"..","connId":".."}"#,
        r#"{"arg":{"channel":"account"},"data":[{}]}"#,
    ] {
        assert_eq!(message(&mut *codec, text), (AnswerKind::Control, Heard::default()), "{text}");
    }
    let (kind, heard) = message(&mut *codec, r#"{"new":true}"#);
    assert_eq!((kind, heard.drifts.len()), (AnswerKind::Control, 1));
}

#[test]
fn a_fill_that_cannot_be_read_exactly_is_refused() {
    let mut codec = private(Venue::Okx).codec;
    for (good, bad) in [
        (r#""fillPx":"31527.1""#, r#""fillPx":"31527.123""#),
        (r#""fillPx":"31527.1""#, r#""fillPx":"""#),
        (r#""fillSz":"0.001""#, r#""fillSz":"0.000001""#),
        (r#""accFillSz":"0.001""#, r#""accFillSz":"0.0001""#),
        (r#""fillFee":"-0.02522168""#, r#""fillFee":"-x""#),
    ] {
        let (kind, heard) = try_message(&mut *codec, ours(PUSH, "arb0001").replace(good, bad).as_bytes());
        assert!(kind.is_err() && heard.reports.is_empty(), "{bad}: {heard:?}");
    }
}
