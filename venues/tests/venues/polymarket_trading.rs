//! Polymarket's trading side against the documents' literals: orders out, answers in, the user channel,
//! account queries, and the same after damage.

use crate::mutants::{Dice, damage};
use crate::support::data;
use highwire_links::codec::{Answer, AnswerKind, Field, LineNotice, OrderCodec, ReportSink};
use highwire_links::decode::{Frame, Rejected};
use highwire_links::fill::{OrderReject, Report, ReportKind, Settlement};
use highwire_links::limits::{FRAME_HEAD, FRAME_TAIL};
use highwire_links::mode::OrderClass;
use highwire_links::order::{Action, Order, TimeInForce};
use highwire_links::rate::RateNotice;
use highwire_links::{InstrumentId, Px, Qty, Side};
use highwire_venues::Venue;
use highwire_venues::keys::{KeyMaterial, Keys};
use highwire_venues::orders::{Listed, Transport, order_line, private_line};
use highwire_venues::polymarket::eip712::{SignatureType, TypedOrder, bytes, uint256};
use highwire_venues::polymarket::request::{OrderType, Post, body};
use highwire_venues::polymarket::{Exchange, Wallet, market, private, typed};
use highwire_venues::private::{Query, Reply, Why, answer_for, report, request};
use serde_json::Value;

const UP: &str = "72690798903588392269001731007662425920353908498880709179939493847828858696064";
const DOWN: &str = "57726118860664877408225679006057036191805241206083874875095996065406561439567";
const CONDITION: &str = "0x11ba5a5ab05573dee22a32b4c5bec06f035b8660eed912fb134e7215f46bf537";
const KEY: &str = "0xac0974bec39a17e36ba4a6b4d238ff944bacb478cbed5efcae784d7bf4f2ff80";
const OWNER: &str = "00000000-0000-0000-0000-000000000001";
const NOW_MS: i64 = 1_790_000_000_123;

fn listed() -> Vec<Listed> {
    let compact = format!(
        r#"{{"c":"{CONDITION}","t":[{{"t":"{UP}","o":"Up"}},{{"t":"{DOWN}","o":"Down"}}],"mos":5,"mts":0.01,"mbf":0,"tbf":0,"nr":false,"itode":true,"fd":{{"r":0.07,"e":1,"to":true}}}}"#
    );
    let read = market::markets(compact.as_bytes(), NOW_MS).unwrap();
    let specs = read.markets[0].specs(NOW_MS);
    specs.iter().zip(0..).map(|(spec, id)| Listed::of(spec, InstrumentId(id))).collect()
}

fn keys() -> Keys {
    let secret = KeyMaterial::Hmac("cG9seW1hcmtldC1kdW1teS1zZWNyZXQtMzItYnl0ZXM=".into());
    let keys = Keys::new(OWNER.into(), secret).unwrap().with_passphrase("pass".into()).unwrap();
    keys.with_wallet(Wallet::new(&KEY.into(), None, SignatureType::Eoa).unwrap())
}

fn order(id: u64, action: Action) -> Order {
    Order {
        id,
        group: 0,
        px: Px(5_200),
        qty: Qty(100_000_000),
        decided_ns: NOW_MS as u64 * 1_000_000,
        stamp: 0,
        instrument: InstrumentId(0),
        side: Side::Buy,
        tif: TimeInForce::Ioc,
        class: OrderClass::Open,
        action,
        reduce_only: false,
    }
}

#[derive(Default)]
struct Heard {
    reports: Vec<Report>,
    rates: Vec<RateNotice>,
}

impl ReportSink for Heard {
    fn on_report(&mut self, report: &Report) {
        self.reports.push(*report);
    }

    fn on_rate(&mut self, notice: RateNotice) {
        self.rates.push(notice);
    }

    fn on_line(&mut self, _: LineNotice) {}
}

fn framed(text: &[u8]) -> Vec<u8> {
    let mut room = vec![b'"'; FRAME_HEAD + text.len() + FRAME_TAIL];
    room[FRAME_HEAD..][..text.len()].copy_from_slice(text);
    room
}

struct Desk {
    keys: Keys,
    codec: Box<dyn OrderCodec>,
    news: Box<dyn OrderCodec>,
}

impl Desk {
    fn new() -> Self {
        let keys = keys();
        let line = order_line(Venue::Polymarket, &keys, &listed(), Transport::Http, "clob.test:80", NOW_MS).unwrap();
        let news = private_line(Venue::Polymarket, &keys, &listed(), None, NOW_MS).unwrap();
        Self { keys, codec: line.codec, news: news.codec }
    }

    fn sent(&mut self, order: &Order) -> Result<String, OrderReject> {
        let mut out = Vec::new();
        self.codec.encode(order, NOW_MS, &mut out)?;
        Ok(String::from_utf8(out).unwrap())
    }

    /// Places the order and gives its hash.
    fn place(&mut self, order: &Order) -> String {
        self.sent(order).unwrap();
        let mut hash = Vec::new();
        highwire_venues::polymarket::eip712::hex(&self.keys.wallet().unwrap().hash_of(order.id).unwrap(), &mut hash);
        String::from_utf8(hash).unwrap()
    }

    fn answered(&mut self, order: &Order, status: u16, text: &[u8]) -> (Result<AnswerKind, Rejected>, Heard) {
        let (mut room, mut heard) = (framed(text), Heard::default());
        let body = Frame::new(&mut room, text.len()).unwrap();
        let head = format!("HTTP/1.1 {status} X\r\nRetry-After: 3\r\n\r\n");
        let answer = Answer::Response { status, head: head.as_bytes(), body, order };
        (self.codec.decode(answer, 7, &mut heard), heard)
    }

    /// The kinds and reasons that an answer yields.
    fn kinds(&mut self, order: &Order, status: u16, text: &str) -> Vec<(ReportKind, OrderReject)> {
        let (result, heard) = self.answered(order, status, text.as_bytes());
        assert_eq!(result, Ok(AnswerKind::Answer), "{text}");
        heard.reports.iter().map(|report| (report.kind, report.reject)).collect()
    }

    fn told(&mut self, text: &[u8]) -> (Result<AnswerKind, Rejected>, Vec<Report>) {
        let (mut room, mut heard) = (framed(text), Heard::default());
        let frame = Frame::new(&mut room, text.len()).unwrap();
        (self.news.decode(Answer::Message(frame), 7, &mut heard), heard.reports)
    }
}

/// Conformance: polymarket orders
#[test]
fn an_order_leaves_whole_signed_and_already_known_by_its_hash() {
    let mut desk = Desk::new();
    let text = desk.sent(&order(9, Action::Place)).unwrap();
    assert!(text.starts_with("POST /order HTTP/1.1\r\nHost: clob.test:80\r\n"));
    let (head, body) = text.split_once("\r\n\r\n").unwrap();
    assert!(
        head.contains(&format!("Content-Length: {}", body.len())) && head.contains("POLY_TIMESTAMP: 1790000000\r\n")
    );
    let read: Value = serde_json::from_str(body).unwrap();
    assert_eq!((&read["orderType"], &read["postOnly"], &read["owner"]), (&"FAK".into(), &false.into(), &OWNER.into()));
    assert_eq!(
        (&read["order"]["makerAmount"], &read["order"]["takerAmount"]),
        (&"52000000".into(), &"100000000".into())
    );
    assert_eq!(read["order"]["salt"], typed::salt(9));
    assert_eq!(read["order"]["timestamp"], "1790000000123");
    // After a restart the hash follows from the order alone.
    let fresh = keys();
    let wallet = fresh.wallet().unwrap();
    assert_eq!(wallet.hash_of(9), None);
    let hash = wallet.recall(&listed()[0], &order(9, Action::Query)).unwrap();
    assert_eq!(desk.keys.wallet().unwrap().hash_of(9), Some(hash));
}

#[test]
fn an_order_says_what_was_meant_and_whatever_spoils_it_is_seen() {
    let (mut desk, meant) = (Desk::new(), order(9, Action::Place));
    let text = desk.sent(&meant).unwrap();
    assert_eq!(desk.codec.differs(&meant, text.as_bytes()), None, "{text}");
    let salt = typed::salt(9).to_string();
    for (field, from, to) in [
        (Field::Symbol, UP, DOWN),
        (Field::Side, "\"BUY\"", "\"SELL\""),
        (Field::Price, "\"52000000\"", "\"53000000\""),
        (Field::Quantity, "\"100000000\"", "\"101000000\""),
        (Field::Id, &salt, "7"),
        (Field::Id, "\"1790000000123\"", "\"1790000000124\""),
    ] {
        let wrong = text.replace(from, to);
        assert_ne!(wrong, text);
        assert_eq!(desk.codec.differs(&meant, wrong.as_bytes()), Some(field), "{wrong}");
    }
    for other in [
        Order { instrument: InstrumentId(1), ..meant },
        Order { instrument: InstrumentId(7), ..meant },
        Order { side: Side::Sell, ..meant },
        Order { px: Px(5_300), ..meant },
        Order { qty: Qty(90_000_000), ..meant },
        Order { qty: Qty(110_000_000), ..meant },
        Order { id: 10, ..meant },
    ] {
        assert!(desk.codec.differs(&other, text.as_bytes()).is_some(), "{other:?}");
    }
    assert_eq!(desk.codec.differs(&order(9, Action::Cancel), text.as_bytes()), None, "it places nothing");
}

/// What rounding takes from an order is not held against it, at any price and size.
#[test]
fn a_rounded_order_says_what_was_meant() {
    let (mut desk, mut dice) = (Desk::new(), Dice(7));
    for id in 0..5_000 {
        let px = Px(100 * (1 + dice.roll(99) as i64));
        let qty = Qty(5_000_000 + dice.roll(2_000_000_000) as i64);
        for side in [Side::Buy, Side::Sell] {
            let meant = Order { px, qty, side, ..order(id, Action::Place) };
            let text = desk.sent(&meant).unwrap();
            assert_eq!(desk.codec.differs(&meant, text.as_bytes()), None, "{meant:?} {text}");
        }
    }
}

#[test]
fn what_cannot_be_an_order_is_never_sent() {
    let mut desk = Desk::new();
    let place = order(9, Action::Place);
    let refused = |desk: &mut Desk, order: Order| desk.sent(&order).unwrap_err();
    assert_eq!(refused(&mut desk, Order { px: Px(0), ..place }), OrderReject::Filter);
    assert_eq!(refused(&mut desk, Order { px: Px(10_000), ..place }), OrderReject::Filter);
    assert_eq!(refused(&mut desk, Order { qty: Qty(9_999), ..place }), OrderReject::Filter);
    assert_eq!(refused(&mut desk, Order { reduce_only: true, ..place }), OrderReject::ReduceOnly);
    assert_eq!(refused(&mut desk, Order { instrument: InstrumentId(5), ..place }), OrderReject::Encoding);
    for action in [Action::Cancel, Action::Query, Action::Amend] {
        assert_eq!(refused(&mut desk, Order { action, ..place }), OrderReject::Encoding);
    }
    let mut unknown = listed();
    unknown[0].outcome = None;
    let line = order_line(Venue::Polymarket, &keys(), &unknown, Transport::Http, "h", NOW_MS).unwrap();
    let mut codec = line.codec;
    assert_eq!(codec.encode(&place, NOW_MS, &mut Vec::new()), Err(OrderReject::NotTrading));
}

#[test]
fn cancels_and_queries_name_the_hash() {
    let mut desk = Desk::new();
    let hash = desk.place(&order(9, Action::Place));
    let cancel = desk.sent(&order(9, Action::Cancel)).unwrap();
    assert!(cancel.starts_with("DELETE /order HTTP/1.1") && cancel.ends_with(&format!(r#"{{"orderID":"{hash}"}}"#)));
    let query = desk.sent(&order(9, Action::Query)).unwrap();
    assert!(query.starts_with(&format!("GET /data/order/{hash} HTTP/1.1")) && query.ends_with("\r\n\r\n"));
    let all = desk.sent(&order(10, Action::CancelAll)).unwrap();
    assert!(all.starts_with("DELETE /cancel-market-orders"));
    assert!(all.ends_with(&format!(r#"{{"market":"{CONDITION}","asset_id":"{UP}"}}"#)));
}

/// Conformance: polymarket orders
#[test]
fn an_acceptance_names_our_hash_and_anything_else_is_unknown() {
    let mut desk = Desk::new();
    let place = order(9, Action::Place);
    let hash = desk.place(&place);
    let body = |id: &str, status: &str| {
        format!(
            r#"{{"success":true,"errorMsg":"","orderID":"{id}","status":"{status}","makingAmount":"50","takingAmount":"90.909","tradeIDs":["t"],"transactionsHashes":[]}}"#
        )
    };
    let ack = (ReportKind::Ack, OrderReject::None);
    assert_eq!(desk.kinds(&place, 200, &body(&hash, "live")), [ack]);
    assert_eq!(desk.kinds(&place, 200, &body(&hash, "delayed")), [ack]);
    let (_, heard) = desk.answered(&place, 200, body(&hash, "matched").as_bytes());
    assert_eq!((heard.reports[1].kind, heard.reports[1].filled), (ReportKind::Done, Qty(90_909_000)));
    let resting = Order { tif: TimeInForce::Gtc, ..place };
    assert_eq!(desk.kinds(&resting, 200, &body(&hash, "matched")), [ack]);
    let unknown = [(ReportKind::Unknown, OrderReject::None)];
    assert_eq!(desk.kinds(&place, 200, &body("", "live")), unknown);
    assert_eq!(desk.kinds(&place, 200, &body(&hash.replace('a', "b"), "live")), unknown);
    assert_eq!(desk.kinds(&place, 200, r#"{"success":false,"orderID":null,"errorMsg":""}"#), unknown);
    let broke = r#"{"success":false,"orderID":null,"errorMsg":"Insufficient balance"}"#;
    assert_eq!(desk.kinds(&place, 200, broke), [(ReportKind::Rejected, OrderReject::Balance)]);
}

#[test]
fn a_refusal_is_proved_or_it_is_unknown() {
    let mut desk = Desk::new();
    let place = order(9, Action::Place);
    desk.place(&place);
    let rejected = |why| vec![(ReportKind::Rejected, why)];
    let unknown = vec![(ReportKind::Unknown, OrderReject::None)];
    assert_eq!(desk.kinds(&place, 425, ""), rejected(OrderReject::NotTrading));
    assert_eq!(desk.kinds(&place, 503, r#"{"code":"post_only_mode"}"#), rejected(OrderReject::NotTrading));
    assert_eq!(desk.kinds(&place, 503, "Trading is currently cancel-only"), rejected(OrderReject::NotTrading));
    assert_eq!(desk.kinds(&place, 503, "<html>cancel-only</html>"), unknown);
    assert_eq!(desk.kinds(&place, 500, r#"{"error":"Internal server error"}"#), unknown);
    assert_eq!(desk.kinds(&place, 504, ""), unknown);
    let error = |text| format!(r#"{{"error":"{text}"}}"#);
    assert_eq!(desk.kinds(&place, 400, &error("not enough balance / allowance")), rejected(OrderReject::Balance));
    assert_eq!(desk.kinds(&place, 400, &error("order is invalid. Duplicated.")), unknown);
    let (_, heard) = desk.answered(&place, 429, b"");
    assert_eq!((heard.reports[0].reject, heard.rates.len()), (OrderReject::RateLimit, 1));
    assert!(desk.answered(&place, 200, b"{\"success\":tr").0.is_err());
}

#[test]
fn a_cancel_is_done_when_the_venue_tells_so_and_refused_with_its_reason() {
    let mut desk = Desk::new();
    let (place, cancel) = (order(9, Action::Place), order(9, Action::Cancel));
    let hash = desk.place(&place);
    assert_eq!(desk.kinds(&cancel, 200, &format!(r#"{{"canceled":["{hash}"],"not_canceled":{{}}}}"#)), []);
    let gone = format!(r#"{{"canceled":[],"not_canceled":{{"{hash}":"already canceled or matched"}}}}"#);
    assert_eq!(desk.kinds(&cancel, 200, &gone), [(ReportKind::CancelRejected, OrderReject::TooLate)]);
    let other = r#"{"canceled":["0x11"],"not_canceled":{}}"#;
    assert_eq!(desk.kinds(&cancel, 200, other), [(ReportKind::Unknown, OrderReject::None)]);
    let told = format!(
        r#"{{"event_type":"order","type":"CANCELLATION","id":"{hash}","asset_id":"{UP}","size_matched":"12.5","status":"CANCELED","timestamp":"1703875205000"}}"#
    );
    let (_, reports) = desk.told(told.as_bytes());
    let done = reports[0];
    assert_eq!((done.id, done.kind, done.filled), (9, ReportKind::Done, Qty(12_500_000)));
    assert_eq!(done.at_ns, 1_703_875_205_000_000_000);
    let killed = told.replace("\"12.5\"", "\"\"");
    assert_eq!(desk.told(killed.as_bytes()).1[0].filled, Qty(0));
}

#[test]
fn a_query_tells_where_the_order_stands() {
    let mut desk = Desk::new();
    let (place, query) = (order(9, Action::Place), order(9, Action::Query));
    let hash = desk.place(&place);
    let state = |status: &str| {
        format!(
            r#"{{"associate_trades":null,"id":"{hash}","status":"{status}","market":"x","original_size":"50.0000","price":"0.5000","side":"SELL","size_matched":"20.5","asset_id":"{UP}","created_at":1703875201}}"#
        )
    };
    for (status, kind) in [
        ("LIVE", ReportKind::Open),
        ("ORDER_STATUS_LIVE", ReportKind::Open),
        ("MATCHED", ReportKind::Done),
        ("CANCELED", ReportKind::Done),
        ("ORDER_STATUS_WEIRD", ReportKind::Unknown),
    ] {
        let (_, heard) = desk.answered(&query, 200, state(status).as_bytes());
        assert_eq!((heard.reports[0].kind, heard.reports[0].filled), (kind, Qty(20_500_000)), "{status}");
    }
    for (status, body) in [(200, "null"), (404, r#"{"error":"not found"}"#), (404, "")] {
        assert_eq!(desk.kinds(&query, status, body), [(ReportKind::NotFound, OrderReject::None)]);
    }
    // A question that was not answered changes nothing.
    assert_eq!(desk.kinds(&query, 500, ""), []);
}

fn trade(status: &str, taker: &str, maker: &str, side: &str) -> String {
    format!(
        r#"{{"event_type":"trade","type":"TRADE","id":"trade-uuid","taker_order_id":"{taker}","market":"m","asset_id":"{UP}","side":"BUY","size":"25.0","price":"0.5","status":"{status}","fee_rate_bps":"0","trader_side":"{side}","match_time":"1790000000","maker_orders":[{{"order_id":"{maker}","maker_address":"0x1","matched_amount":"20","price":"0.48","asset_id":"{DOWN}","outcome":"Down","owner":"other","fee_rate_bps":"0"}}],"timestamp":"1790000001"}}"#
    )
}

/// Conformance: polymarket private
#[test]
fn a_fill_is_booked_at_its_match_and_settles_or_fails_later() {
    let mut desk = Desk::new();
    let hash = desk.place(&order(9, Action::Place));
    let (_, reports) = desk.told(trade("MATCHED", &hash, "0x11", "TAKER").as_bytes());
    let [fill] = reports[..] else { panic!("{reports:?}") };
    assert_eq!((fill.id, fill.kind, fill.settlement), (9, ReportKind::Fill, Settlement::Pending));
    assert_eq!((fill.px, fill.qty, fill.flags), (Px(5_000), Qty(25_000_000), 0));
    // 25 × 0.07 × 0.25 dollars.
    assert_eq!((fill.fee, fill.fee_dp, fill.at_ns), (43_750, 5, 1_790_000_001_000_000_000));
    for quiet in ["MATCHED", "MINED", "RETRYING"] {
        assert_eq!(desk.told(trade(quiet, &hash, "0x11", "TAKER").as_bytes()).1, []);
    }
    for (status, settlement) in [("CONFIRMED", Settlement::Settled), ("FAILED", Settlement::Failed)] {
        let (_, reports) = desk.told(trade(status, &hash, "0x11", "TAKER").as_bytes());
        let [settled] = reports[..] else { panic!("{reports:?}") };
        assert_eq!((settled.kind, settled.settlement, settled.trade), (ReportKind::Settlement, settlement, fill.trade));
    }
    let missed = trade("CONFIRMED", &hash, "0x11", "TAKER").replace("trade-uuid", "another");
    let kinds: Vec<_> = desk.told(missed.as_bytes()).1.iter().map(|report| report.kind).collect();
    assert_eq!(kinds, [ReportKind::Fill, ReportKind::Settlement]);
}

/// Conformance: polymarket private
#[test]
fn as_maker_our_fill_is_our_entry_in_its_own_token() {
    let mut desk = Desk::new();
    let resting =
        Order { instrument: InstrumentId(1), tif: TimeInForce::PostOnly, px: Px(4_800), ..order(8, Action::Place) };
    let hash = desk.place(&resting);
    let (_, reports) = desk.told(trade("MATCHED", "0x22", &hash, "MAKER").as_bytes());
    let [fill] = reports[..] else { panic!("{reports:?}") };
    assert_eq!((fill.id, fill.kind, fill.instrument), (8, ReportKind::Fill, InstrumentId(1)));
    assert_eq!((fill.px, fill.qty, fill.fee, fill.flags), (Px(4_800), Qty(20_000_000), 0, Report::MAKER));
    // By hand: the owner is ours, the order is not known. The complement was bought as well.
    let foreign = trade("MATCHED", "0x22", "0x33", "MAKER").replace("\"other\"", &format!("\"{OWNER}\""));
    let (_, reports) = desk.told(foreign.replace("trade-uuid", "t2").as_bytes());
    assert_eq!((reports[0].kind, reports[0].id, reports[0].flags), (ReportKind::Foreign, 0, Report::MAKER));
    let sold = foreign.replace("trade-uuid", "t3").replace(DOWN, UP);
    assert_eq!(desk.told(sold.as_bytes()).1[0].flags, Report::MAKER | Report::SOLD);
    assert_eq!(desk.told(b"PONG").0, Ok(AnswerKind::Control));
}

#[test]
fn damaged_answers_and_news_never_panic_and_prove_nothing_new() {
    let (mut desk, mut dice) = (Desk::new(), Dice(0x9e37_79b9_7f4a_7c15));
    let place = order(9, Action::Place);
    let hash = desk.place(&place);
    let accepted = format!(
        r#"{{"success":true,"errorMsg":"","orderID":"{hash}","status":"live","makingAmount":"50","takingAmount":"90.909"}}"#
    );
    for _ in 0..6_000 {
        let bytes = damage(accepted.as_bytes(), &mut dice);
        let (_, heard) = desk.answered(&place, 200, &bytes);
        let acked = heard.reports.iter().any(|report| report.kind == ReportKind::Ack);
        assert!(!acked || bytes.windows(hash.len()).any(|part| part.eq_ignore_ascii_case(hash.as_bytes())));
        for action in [Action::Cancel, Action::Query, Action::CancelAll] {
            let _any = desk.answered(&Order { action, ..place }, [200, 400, 503][dice.roll(3)], &bytes);
        }
        let news = damage(trade("CONFIRMED", &hash, &hash, "TAKER").as_bytes(), &mut dice);
        let (_, reports) = desk.told(&news);
        assert!(reports.iter().all(|report| report.qty.0 >= 0 && report.px.0 >= 0));
    }
}

/// Conformance: polymarket queries; polymarket deadman
#[test]
fn account_queries_are_signed_without_their_query_and_read_exactly() {
    let keys = keys();
    let ask = |query| request(Venue::Polymarket, &keys, &query, NOW_MS).unwrap();
    let open = Query::OpenOrders { symbol: Some(UP), page: None };
    let sent = ask(open);
    assert_eq!(sent.path_and_query, format!("/data/orders?asset_id={UP}&next_cursor=MA%3D%3D"));
    let signature = sent.headers().find(|(name, _)| *name == "POLY_SIGNATURE").unwrap().1;
    assert_eq!(signature, "Gli5d50uMb0hJH_93KI4RXzrxZBfRG4sT9pFWrGTiGM=");
    let read = |query, body: &str| answer_for(Venue::Polymarket, &keys, &query, 200, body.as_bytes()).unwrap();
    let hash = keys.wallet().unwrap().recall(&listed()[0], &order(9, Action::Place)).unwrap();
    let mut id = Vec::new();
    highwire_venues::polymarket::eip712::hex(&hash, &mut id);
    let id = String::from_utf8(id).unwrap();
    let rows = format!(
        r#"{{"data":[{{"id":"{id}","status":"LIVE","asset_id":"{UP}","side":"BUY","original_size":"100","size_matched":"","price":"0.52","created_at":1790000000}}],"next_cursor":"LTE="}}"#
    );
    let Reply::Orders { orders, next } = read(open, &rows) else { panic!() };
    assert_eq!((orders[0].id, orders[0].filled.to_string().as_str(), next), (Some(9), "0", None));
    let fills = Query::Fills { symbol: UP, since_ms: NOW_MS, page: None };
    let row = trade("MINED", &id, "0x11", "TAKER");
    let Reply::Fills { fills: parts, .. } = read(fills, &format!("[{row},{}]", row.replace("MINED", "FAILED"))) else {
        panic!()
    };
    assert_eq!((parts[0].id, parts[0].qty.to_string().as_str()), (Some(9), "25"));
    let told = parts.iter().map(|part| report(&listed()[0], 9, part).unwrap().settlement);
    assert_eq!(told.collect::<Vec<_>>(), [Settlement::Pending, Settlement::Failed], "each with its status");
    let fee = report(&listed()[0], 9, &parts[0]).unwrap();
    assert!(fee.fee > 0 && fee.qty == Qty(25_000_000), "what the taker paid is the market's own: {fee:?}");
    let Reply::Balances(held) = read(Query::Balances, r#"{"balance":"1000000001","allowances":{}}"#) else { panic!() };
    assert_eq!(held[0].free.to_string(), "1000.000001");
    assert_eq!(read(Query::Time, "1790000000"), Reply::Time(1_790_000_000_000));
    let beat = Query::DeadMan { symbol: None, after_ms: 10_000 };
    assert_eq!(ask(beat).body, r#"{"heartbeat_id":""}"#);
    assert_eq!(read(beat, r#"{"heartbeat_id":"h-1"}"#), Reply::Done);
    assert_eq!(ask(beat).body, r#"{"heartbeat_id":"h-1"}"#);
    let missing = answer_for(Venue::Polymarket, &keys, &Query::Order { symbol: UP, id: 9 }, 404, b"").unwrap_err();
    assert_eq!(missing.why, Why::NotFound);
    assert!(request(Venue::Polymarket, &keys, &Query::Order { symbol: UP, id: 10 }, NOW_MS).is_err());
    assert_eq!(private::version_of(br#"{"version":2}"#), Some(2));
}

/// Bodies that the official client made of prices and sizes, of the version that is signed today.
/// Conformance: polymarket signing
#[test]
fn bodies_of_the_official_client_come_out_byte_for_byte() {
    let Some(data) = data() else { return };
    let file = std::fs::read(data.join("golden-signed-requests/polymarket-clob-v1-v2.json")).unwrap();
    let file: Value = serde_json::from_slice(&file).unwrap();
    let mut checked = 0;
    for case in file["cases"].as_array().unwrap().iter().filter(|case| case["version"] == 2) {
        let kind = SignatureType::from_u8(case["signature_type"].as_u64().unwrap() as u8).unwrap();
        let key = file["private_key"].as_str().unwrap().into();
        let wallet = Wallet::new(&key, case["funder"].as_str(), kind).unwrap();
        let given = case["post_body"].as_str().unwrap();
        let read: Value = serde_json::from_str(given).unwrap();
        let fixed =
            |key: &str, dp| highwire_links::fixed::parse(case[key].to_string().as_bytes(), dp).unwrap().mantissa;
        let side = if case["side"] == "BUY" { Side::Buy } else { Side::Sell };
        let tick = highwire_links::fixed::parse(case["tick_size"].as_str().unwrap().as_bytes(), 4).unwrap().mantissa;
        let (maker_amount, taker_amount) =
            typed::amounts(side, fixed("price", 4), fixed("size", 6), tick, false).unwrap();
        let (maker, signer) = wallet.parties();
        let token = read["order"]["tokenId"].as_str().unwrap();
        let signed = TypedOrder {
            salt: file["salt"].as_u64().unwrap(),
            maker,
            signer,
            token: uint256(token).unwrap(),
            maker_amount,
            taker_amount,
            side,
            signature_type: kind,
            timestamp_ms: file["fixed_time_ms"].as_u64().unwrap(),
        };
        let exchange = if case["neg_risk"] == true { Exchange::NegRisk } else { Exchange::Standard };
        let owner = read["owner"].as_str().unwrap().into();
        let post = Post { token, order_type: OrderType::Gtc, post_only: false, owner: &owner };
        let mut out = Vec::new();
        body(&wallet, exchange, &signed, &post, &mut out).unwrap();
        assert_eq!(String::from_utf8(out).unwrap(), given);
        checked += 1;
    }
    assert!(checked >= 10, "{checked}");
    assert!(bytes::<20>(file["address"].as_str().unwrap().as_bytes()).is_some());
}
