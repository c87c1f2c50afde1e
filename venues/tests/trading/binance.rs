//! Binance's answers and events, as its documents write them.

use crate::support::{
    DIGITS, Heard, ID, NOW, TEXT, encoded, line, message, order, ours, private, response, try_message,
};
use highwire_links::codec::{AnswerKind, LineNotice, OrderCodec};
use highwire_links::fill::{FeeAsset, OrderReject, Report, ReportKind};
use highwire_links::order::Action;
use highwire_links::{InstrumentId, Px, Qty};
use highwire_venues::Venue;
use highwire_venues::orders::Transport;

const EXECUTION: &str = r#"{"subscriptionId":0,"event":{"e":"executionReport","E":1499405658658,"s":"BTCUSDT","c":"arb-1","S":"BUY","o":"LIMIT","f":"GTC","q":"1.00000000","p":"65000.12000000","P":"0.00000000","F":"0.00000000","g":-1,"C":"","x":"NEW","X":"NEW","r":"NONE","i":4293153,"l":"0.00000000","z":"0.00000000","L":"0.00000000","n":"0","N":null,"T":1499405658657,"t":-1,"I":8641984,"w":true,"m":false,"M":false,"O":1499405658657,"Z":"0.00000000","Y":"0.00000000","Q":"0.00000000","W":1499405658657,"V":"NONE"}}"#;
const TRADE: &str = r#"{"e":"ORDER_TRADE_UPDATE","E":1568879465651,"T":1568879465650,"o":{"s":"BTCUSDT","c":"arb-f1","S":"SELL","o":"LIMIT","f":"IOC","q":"0.010","p":"65000.1","ap":"65000.5","sp":"0","x":"TRADE","X":"FILLED","i":8886774,"l":"0.010","z":"0.010","L":"65000.5","N":"USDT","n":"0.26","T":1568879465650,"t":123,"b":"0","a":"0","m":false,"R":true,"wt":"CONTRACT_PRICE","ot":"LIMIT","ps":"BOTH","cp":false,"rp":"0","pP":false,"V":"EXPIRE_MAKER","pm":"NONE","gtd":0,"er":"0"}}"#;
const FULL: &str = r#"{"symbol":"BTCUSDT","orderId":28,"orderListId":-1,"clientOrderId":"arb-0001","transactTime":1507725176595,"price":"0.00000000","origQty":"10.00000000","executedQty":"10.00000000","cummulativeQuoteQty":"10.00000000","status":"FILLED","timeInForce":"GTC","type":"MARKET","side":"SELL","workingTime":1507725176595,"fills":[{"price":"4000.00000000","qty":"1.00000000","commission":"4.00000000","commissionAsset":"USDT","tradeId":56},{"price":"3999.00000000","qty":"9.00000000","commission":"0.00010000","commissionAsset":"BNB","tradeId":57}],"selfTradePreventionMode":"NONE"}"#;

/// A line on which a request of this action went out.
fn asked(venue: Venue, action: Action) -> Box<dyn OrderCodec> {
    let mut codec = line(venue, Transport::Socket).codec;
    encoded(&mut *codec, &order(action));
    codec
}

fn result(venue: Venue, action: Action, letter: &str, result: &str) -> Heard {
    let text = format!(r#"{{"id":"{letter}{DIGITS}","status":200,"result":{result}}}"#);
    let (kind, heard) = message(&mut *asked(venue, action), &text);
    assert_eq!(kind, AnswerKind::Answer);
    heard
}

fn refusal(action: Action, letter: &str, status: u16, code: i64, why: &str) -> Report {
    let text = format!(r#"{{"id":"{letter}{DIGITS}","status":{status},"error":{{"code":{code},"msg":"{why}"}}}}"#);
    message(&mut *asked(Venue::BinanceSpot, action), &text).1.only()
}

#[test]
fn a_full_answer_is_ack_fills_and_end() {
    let heard = result(Venue::BinanceSpot, Action::Place, "p", &ours(FULL, "arb-0001"));
    assert_eq!(heard.kinds(), [ReportKind::Ack, ReportKind::Fill, ReportKind::Fill, ReportKind::Done]);
    let [_, first, second, end] = heard.reports[..] else { panic!() };
    assert_eq!((first.px, first.qty, first.filled, first.trade), (Px(400_000), Qty(100_000), Qty(100_000), 56));
    assert_eq!((first.fee, first.fee_dp, first.fee_in, first.flags), (4, 0, FeeAsset::Quote, 0));
    assert_eq!((second.filled, second.fee, second.fee_dp, second.fee_in), (Qty(1_000_000), 1, 4, FeeAsset::Other));
    assert_eq!((end.filled, end.id, end.instrument), (Qty(1_000_000), ID, InstrumentId(3)));
    assert_eq!(end.at_ns, 1_507_725_176_595_000_000);
}

#[test]
fn an_answer_whose_fills_do_not_add_up_proves_nothing() {
    let short = ours(FULL, "arb-0001").replace(r#""executedQty":"10.00000000""#, r#""executedQty":"9.00000000""#);
    let heard = result(Venue::BinanceSpot, Action::Place, "p", &short);
    assert_eq!(heard.kinds(), [ReportKind::Unknown]);
}

#[test]
fn an_order_that_expired_unfilled_is_done_with_nothing() {
    let full = ours(FULL, "arb-0001")
        .replace("FILLED", "EXPIRED")
        .replace(r#""executedQty":"10.00000000""#, r#""executedQty":"0.00000000""#);
    let (head, _) = full.split_once(r#","fills""#).unwrap();
    let heard = result(Venue::BinanceSpot, Action::Place, "p", &format!("{head},\"fills\":[]}}"));
    assert_eq!(heard.kinds(), [ReportKind::Ack, ReportKind::Done]);
    assert_eq!(heard.reports[1].filled, Qty(0));
}

#[test]
fn cancel_query_amend_and_cancel_all_are_told_apart() {
    let cancelled = format!(
        r#"{{"symbol":"BTCUSDT","origClientOrderId":"{TEXT}","orderId":4,"clientOrderId":"xyz","transactTime":1684804350068,"price":"23416.10000000","origQty":"0.00847000","executedQty":"0.00100000","status":"CANCELED","side":"SELL"}}"#
    );
    let done = result(Venue::BinanceSpot, Action::Cancel, "c", &cancelled).only();
    assert_eq!((done.kind, done.id, done.filled), (ReportKind::Done, ID, Qty(100)));
    let found = cancelled.replace("CANCELED", "PARTIALLY_FILLED");
    let open = result(Venue::BinanceSpot, Action::Query, "q", &found).only();
    assert_eq!((open.kind, open.filled), (ReportKind::Open, Qty(100)));
    let odd = result(Venue::BinanceSpot, Action::Query, "q", &cancelled.replace("CANCELED", "TELEPORTED")).only();
    assert_eq!(odd.kind, ReportKind::Unknown);
    let all = result(Venue::BinanceSpot, Action::CancelAll, "x", &format!("[{cancelled}]"));
    assert_eq!(all.kinds(), [ReportKind::Done, ReportKind::Ack]);
    let modified = format!(
        r#"{{"orderId":20072994037,"symbol":"BTCUSDT","status":"NEW","clientOrderId":"{TEXT}","price":"30005.00","avgPrice":"0.0000","origQty":"1.000","executedQty":"0.250","updateTime":1629182711600}}"#
    );
    let amended = result(Venue::BinanceUsdm, Action::Amend, "a", &modified).only();
    assert_eq!(
        (amended.kind, amended.px, amended.qty, amended.filled),
        (ReportKind::Amended, Px(3_000_500), Qty(100_000), Qty(25_000))
    );
}

#[test]
fn refusals_name_their_reason_and_what_proves_nothing_is_unknown() {
    let why = "Account has insufficient balance for requested action.";
    let report = refusal(Action::Place, "p", 400, -2010, why);
    assert_eq!(
        (report.kind, report.reject, report.instrument),
        (ReportKind::Rejected, OrderReject::Balance, InstrumentId(3))
    );
    let report = refusal(Action::Cancel, "c", 400, -2011, "Unknown order sent.");
    assert_eq!((report.kind, report.reject), (ReportKind::CancelRejected, OrderReject::NoSuchOrder));
    assert_eq!(refusal(Action::Query, "q", 400, -2013, "Order does not exist.").kind, ReportKind::NotFound);
    let refused = format!(r#"{{"id":"q{DIGITS}","status":400,"error":{{"code":-1121,"msg":"Invalid symbol."}}}}"#);
    let (kind, heard) = message(&mut *asked(Venue::BinanceSpot, Action::Query), &refused);
    assert_eq!((kind, heard), (AnswerKind::Answer, Heard::default()), "a question that was refused changes nothing");
    for (status, code) in [(504, -1007), (400, -1006), (500, -1000), (400, -1001), (503, -2010)] {
        for (action, letter) in [(Action::Place, "p"), (Action::Cancel, "c")] {
            assert_eq!(refusal(action, letter, status, code, "").kind, ReportKind::Unknown, "{status} {code}");
        }
    }
}

#[test]
fn a_place_that_times_out_over_http_is_unknown_whatever_the_body() {
    let mut codec = line(Venue::BinanceSpot, Transport::Http).codec;
    for (status, body) in [
        (502, "<html><head><title>502 Bad Gateway</title></head></html>"),
        (504, r#"{"code":-1007,"msg":"Timeout waiting for response from backend server."}"#),
        (200, ""),
        (200, r#"{"symbol":"BTCUSDT","orderI"#),
        (200, "<html>maintenance</html>"),
        (200, "{}"),
        (403, "<html>WAF</html>"),
        (429, "<html>cloudflare</html>"),
        (503, r#"{"code":0,"msg":"Unknown error, please check your request or try again later."}"#),
    ] {
        for action in [Action::Place, Action::Cancel, Action::Amend, Action::Query, Action::CancelAll] {
            let heard = response(&mut *codec, action, status, "", body.as_bytes());
            if action == Action::Query {
                assert_eq!(heard.reports, [], "a question that was not answered changes nothing");
            } else {
                assert_eq!((heard.only().kind, heard.only().id), (ReportKind::Unknown, ID), "{status} {body}");
            }
        }
    }
    let done = br#"{"code":200,"msg":"The operation of cancel all open order is done."}"#;
    assert_eq!(response(&mut *codec, Action::CancelAll, 200, "", done).only().kind, ReportKind::Ack);
    let body = r#"{"code":-2010,"msg":"Duplicate order sent."}"#;
    let report = response(&mut *codec, Action::Place, 400, "", body.as_bytes()).only();
    assert_eq!((report.kind, report.reject), (ReportKind::Rejected, OrderReject::DuplicateId));
    let heard = response(&mut *codec, Action::Place, 200, "", ours(FULL, "arb-0001").as_bytes());
    assert_eq!(heard.kinds().len(), 4);
}

#[test]
fn another_order_s_answer_is_not_taken_for_ours() {
    let heard = result(Venue::BinanceSpot, Action::Place, "p", FULL);
    assert_eq!(heard.kinds(), [ReportKind::Unknown]);
    let (kind, heard) = message(
        &mut *asked(Venue::BinanceSpot, Action::Place),
        r#"{"id":"p00000000000000ff","status":400,"error":{"code":-2010,"msg":""}}"#,
    );
    assert_eq!((kind, heard), (AnswerKind::Control, Heard::default()));
}

/// Conformance: binance_spot private
#[test]
fn an_execution_report_is_ack_fill_end_or_amendment() {
    let mut codec = private(Venue::BinanceSpot).codec;
    let new = ours(EXECUTION, "arb-1");
    let (kind, heard) = message(&mut *codec, &new);
    assert_eq!((kind, heard.only().kind, heard.only().id), (AnswerKind::News, ReportKind::Ack, ID));
    let fill = new
        .replace(r#""x":"NEW","X":"NEW""#, r#""x":"TRADE","X":"PARTIALLY_FILLED""#)
        .replace(
            r#""l":"0.00000000","z":"0.00000000","L":"0.00000000","n":"0","N":null"#,
            r#""l":"0.25000000","z":"0.75000000","L":"65000.11000000","n":"0.00025","N":"BTC""#,
        )
        .replace(r#""t":-1"#, r#""t":77"#)
        .replace(r#""m":false"#, r#""m":true"#);
    let report = message(&mut *codec, &fill).1.only();
    assert_eq!(
        (report.kind, report.px, report.qty, report.filled),
        (ReportKind::Fill, Px(6_500_011), Qty(25_000), Qty(75_000))
    );
    assert_eq!((report.fee, report.fee_dp, report.fee_in), (25, 5, FeeAsset::Base));
    assert_eq!((report.trade, report.flags, report.at_ns), (77, Report::MAKER, 1_499_405_658_657_000_000));
    let last = fill.replace("PARTIALLY_FILLED", "FILLED");
    assert_eq!(message(&mut *codec, &last).1.kinds(), [ReportKind::Fill, ReportKind::Done]);
    // A cancel by request: `c` is the request's id and `C` ours.
    let cancelled = EXECUTION
        .replace(r#""C":"""#, &format!(r#""C":"{TEXT}""#))
        .replace(r#""x":"NEW","X":"NEW""#, r#""x":"CANCELED","X":"CANCELED""#);
    let report = message(&mut *codec, &cancelled).1.only();
    assert_eq!((report.kind, report.id), (ReportKind::Done, ID));
    for (reason, reject) in [
        ("UNFILLED_FOK_ORDER_EXPIRED", OrderReject::NotFilled),
        ("UNFILLED_IOC_QUANTITY_EXPIRED", OrderReject::None),
        ("EXECUTION_RULE_PRICE_RANGE_EXCEEDED", OrderReject::Filter),
    ] {
        let expired = new.replace(r#""x":"NEW","X":"NEW""#, &format!(r#""x":"EXPIRED","X":"EXPIRED","eR":"{reason}""#));
        let report = message(&mut *codec, &expired).1.only();
        assert_eq!((report.kind, report.reject), (ReportKind::Done, reject), "{reason}");
    }
    let prevented = new.replace(r#""x":"NEW","X":"NEW""#, r#""x":"TRADE_PREVENTION","X":"EXPIRED_IN_MATCH""#);
    assert_eq!(message(&mut *codec, &prevented).1.only().kind, ReportKind::Done);
    let rejected = new.replace(r#""x":"NEW","X":"NEW""#, r#""x":"REJECTED","X":"REJECTED""#);
    assert_eq!(message(&mut *codec, &rejected).1.only().kind, ReportKind::Rejected);
    let replaced = new.replace(r#""x":"NEW""#, r#""x":"REPLACED""#);
    let report = message(&mut *codec, &replaced).1.only();
    assert_eq!((report.kind, report.px, report.qty), (ReportKind::Amended, Px(6_500_012), Qty(100_000)));
}

/// Conformance: binance_usdm private
#[test]
fn a_usd_m_fill_is_booked_once_and_forced_trades_are_foreign() {
    let mut codec = private(Venue::BinanceUsdm).codec;
    let (kind, heard) = message(&mut *codec, &ours(TRADE, "arb-f1"));
    assert_eq!((kind, heard.kinds()), (AnswerKind::News, vec![ReportKind::Fill, ReportKind::Done]));
    let fill = heard.reports[0];
    assert_eq!((fill.px, fill.qty, fill.filled, fill.fee, fill.fee_dp), (Px(6_500_050), Qty(1_000), Qty(1_000), 26, 2));
    let lite = format!(
        r#"{{"e":"TRADE_LITE","E":1721895408092,"T":1721895408214,"s":"BTCUSDT","q":"0.001","p":"0","m":false,"c":"{TEXT}","S":"BUY","L":"64089.20","l":"0.040","t":109100866,"i":8886774}}"#
    );
    assert_eq!(message(&mut *codec, &lite), (AnswerKind::Control, Heard::default()));
    for id in ["autoclose-1568879465", "adl_autoclose", "settlement_autoclose-1", "web_xyz", ""] {
        let report = message(&mut *codec, &TRADE.replace("arb-f1", id)).1.only();
        assert_eq!((report.kind, report.id, report.flags), (ReportKind::Foreign, 0, Report::SOLD), "{id}");
        assert_eq!((report.px, report.qty, report.trade), (Px(6_500_050), Qty(1_000), 123));
    }
    let calculated = TRADE.replace("arb-f1", "autoclose-1").replace(r#""x":"TRADE""#, r#""x":"CALCULATED""#);
    assert_eq!(message(&mut *codec, &calculated).1.only().kind, ReportKind::Foreign);
    let resting = TRADE.replace("arb-f1", "web_xyz").replace(r#""x":"TRADE","X":"FILLED""#, r#""x":"NEW","X":"NEW""#);
    assert_eq!(message(&mut *codec, &resting), (AnswerKind::Control, Heard::default()));
}

#[test]
fn the_end_of_a_stream_is_told_and_unknown_events_are_normal() {
    let mut codec = private(Venue::BinanceSpot).codec;
    for (text, notice) in [
        (r#"{"event":{"e":"eventStreamTerminated","E":1728973001334}}"#, Some(LineNotice::LoggedOut)),
        (r#"{"e":"listenKeyExpired","E":1736996475556,"listenKey":"x"}"#, Some(LineNotice::LoggedOut)),
        (r#"{"event":{"e":"serverShutdown","E":1770123456789}}"#, Some(LineNotice::Leaving)),
        (
            r#"{"e":"ACCOUNT_UPDATE","E":1,"T":1,"a":{"m":"ORDER","B":[{"a":"USDT","wb":"1","cw":"1","bc":"0"}],"P":[]}}"#,
            None,
        ),
        (
            r#"{"subscriptionId":0,"event":{"e":"outboundAccountPosition","E":1,"u":1,"B":[{"a":"ETH","f":"10000.0","l":"0.0"}]}}"#,
            None,
        ),
        (r#"{"subscriptionId":0,"event":{"e":"somethingNew","E":1,"x":[1,2,{"y":null}]}}"#, None),
        (r#"{"id":"login","status":200,"result":{"subscriptionId":0}}"#, None),
        (r#"{"hello":1}"#, None),
    ] {
        let (kind, heard) = message(&mut *codec, text);
        assert_eq!(
            (kind, heard.reports.len(), heard.lines),
            (AnswerKind::Control, 0, Vec::from_iter(notice)),
            "{text}"
        );
    }
}

#[test]
fn a_fill_that_cannot_be_read_exactly_is_refused() {
    let mut codec = private(Venue::BinanceUsdm).codec;
    let fill = ours(TRADE, "arb-f1");
    for (good, bad) in [
        (r#""L":"65000.5""#, r#""L":"65000.555""#),
        (r#""L":"65000.5""#, r#""L":"6.50005e4""#),
        (r#""l":"0.010""#, r#""l":"-0.010""#),
        (r#""l":"0.010""#, r#""l":"0""#),
        (r#""z":"0.010""#, r#""z":"0.001""#),
        (r#""n":"0.26""#, r#""n":"NaN""#),
        (r#""t":123"#, r#""t":-1"#),
        (r#""m":false"#, r#""m":null"#),
        (r#""x":"TRADE","#, ""),
    ] {
        let (kind, heard) = try_message(&mut *codec, fill.replace(good, bad).as_bytes());
        assert!(kind.is_err() && heard.reports.is_empty(), "{bad}: {heard:?}");
    }
    assert_eq!(NOW, 1_790_000_000_500_000_000);
}
