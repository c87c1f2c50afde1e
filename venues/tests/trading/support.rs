//! Lines, orders and a sink for the tests.

use highwire_links::codec::{Answer, AnswerKind, LineNotice, OrderCodec, ReportSink};
use highwire_links::decode::{Frame, Rejected};
use highwire_links::directory::Entry;
use highwire_links::drift::DriftKind;
use highwire_links::fill::{Report, ReportKind};
use highwire_links::fixed::Scale;
use highwire_links::limits::{FRAME_HEAD, FRAME_TAIL};
use highwire_links::mode::OrderClass;
use highwire_links::order::{Action, Order, TimeInForce};
use highwire_links::rate::RateNotice;
use highwire_links::{InstrumentId, Px, Qty, Side};
use highwire_venues::keys::{KeyMaterial, Keys};
use highwire_venues::orders::{Listed, OrderPlan, Transport, order_line, private_line};
use highwire_venues::{Kind, Venue};

/// The order id of every test, and its text.
pub const ID: u64 = 0x0001_0000_0000_002a;
pub const TEXT: &str = "hw000100000000002a";
pub const DIGITS: &str = "000100000000002a";
/// The venue's time of every test.
pub const WALL_MS: i64 = 1_790_000_000_123;
/// Our time of every test.
pub const NOW: u64 = 1_790_000_000_500_000_000;
pub const SECRET: &str = "NhqPtmdSJYdKjVHjA7PZj4Mge3R5YNiP1e3UZjInClVN65XAbvqqM6A7H5fATj0j";
/// Seed bytes 00 to 1f: a documented dummy.
pub const ED25519: &str = "-----BEGIN PRIVATE KEY-----\nMC4CAQAwBQYDK2VwBCIEIAABAgMEBQYHCAkKCwwNDg8QERITFBUWFxgZGhscHR4f\n-----END PRIVATE KEY-----\n";
pub const VENUES: [Venue; 5] =
    [Venue::BinanceSpot, Venue::BinanceUsdm, Venue::Okx, Venue::BybitSpot, Venue::BybitLinear];

pub fn keys() -> Keys {
    Keys::new("dummy-key".into(), KeyMaterial::Hmac(SECRET.into()))
        .unwrap()
        .with_passphrase("dummyPass!1".into())
        .unwrap()
}

pub fn ed25519_keys() -> Keys {
    Keys::new("dummy-key".into(), KeyMaterial::Ed25519(ED25519.into())).unwrap()
}

/// Instrument 3 is BTC/USDT of the venue, at two and five decimals; at OKX 4 is its swap.
pub fn listed(venue: Venue) -> Vec<Listed> {
    let listed = |symbol: &str, id, kind, code| Listed {
        symbol: symbol.to_owned(),
        entry: Entry { id: InstrumentId(id), scale: Scale::new(2, 5).unwrap() },
        base: "BTC".to_owned(),
        quote: "USDT".to_owned(),
        kind,
        code,
        outcome: None,
    };
    match venue {
        Venue::Okx => vec![
            listed("BTC-USDT", 3, Kind::Spot, Some(1_000_000_000)),
            listed("BTC-USDT-SWAP", 4, Kind::Perpetual, Some(2_000_000_000)),
        ],
        Venue::BinanceUsdm | Venue::BybitLinear => vec![listed("BTCUSDT", 3, Kind::Perpetual, None)],
        _ => vec![listed("BTCUSDT", 3, Kind::Spot, None)],
    }
}

pub fn line(venue: Venue, transport: Transport) -> OrderPlan {
    order_line(venue, &keys(), &listed(venue), transport, "127.0.0.1:8080", WALL_MS).unwrap()
}

pub fn private(venue: Venue) -> OrderPlan {
    private_line(venue, &keys(), &listed(venue), Some("listen-key"), WALL_MS).unwrap()
}

/// A buy of 0.01 at 65000.12, immediate or cancelled.
pub fn order(action: Action) -> Order {
    Order {
        id: ID,
        group: 0,
        px: Px(6_500_012),
        qty: Qty(1_000),
        decided_ns: 0,
        stamp: 0,
        instrument: InstrumentId(3),
        side: Side::Buy,
        tif: TimeInForce::Ioc,
        class: OrderClass::Open,
        action,
        reduce_only: false,
    }
}

pub fn encoded(codec: &mut dyn OrderCodec, order: &Order) -> String {
    let mut out = Vec::new();
    codec.encode(order, WALL_MS, &mut out).unwrap();
    String::from_utf8(out).unwrap()
}

/// Everything that a decoder said.
#[derive(Default, Debug, PartialEq)]
pub struct Heard {
    pub reports: Vec<Report>,
    pub rates: Vec<RateNotice>,
    pub lines: Vec<LineNotice>,
    pub drifts: Vec<(DriftKind, String)>,
}

impl ReportSink for Heard {
    fn on_report(&mut self, report: &Report) {
        self.reports.push(*report);
    }

    fn on_rate(&mut self, notice: RateNotice) {
        self.rates.push(notice);
    }

    fn on_line(&mut self, notice: LineNotice) {
        self.lines.push(notice);
    }

    fn on_drift(&mut self, kind: DriftKind, word: &str) {
        self.drifts.push((kind, word.to_owned()));
    }
}

impl Heard {
    pub fn kinds(&self) -> Vec<ReportKind> {
        self.reports.iter().map(|report| report.kind).collect()
    }

    /// The only report.
    pub fn only(&self) -> Report {
        assert_eq!(self.reports.len(), 1, "{self:?}");
        self.reports[0]
    }
}

fn buffer(text: &[u8]) -> Vec<u8> {
    let mut buffer = vec![b'"'; FRAME_HEAD];
    buffer.extend_from_slice(text);
    buffer.extend_from_slice(&[b'}'; FRAME_TAIL]);
    buffer
}

pub fn try_message(codec: &mut dyn OrderCodec, text: &[u8]) -> (Result<AnswerKind, Rejected>, Heard) {
    let (mut buffer, mut heard) = (buffer(text), Heard::default());
    let frame = Frame::new(&mut buffer, text.len()).unwrap();
    let kind = codec.decode(Answer::Message(frame), NOW, &mut heard);
    (kind, heard)
}

pub fn message(codec: &mut dyn OrderCodec, text: &str) -> (AnswerKind, Heard) {
    let (kind, heard) = try_message(codec, text.as_bytes());
    (kind.unwrap_or_else(|rejected| panic!("{rejected:?}: {text}")), heard)
}

/// An HTTP answer to an order of this action; `headers` are whole lines.
pub fn response(codec: &mut dyn OrderCodec, action: Action, status: u16, headers: &str, body: &[u8]) -> Heard {
    let (mut buffer, mut heard) = (buffer(body), Heard::default());
    let body = Frame::new(&mut buffer, body.len()).unwrap();
    let head = format!("HTTP/1.1 {status} X\r\n{headers}\r\n");
    let order = order(action);
    let answer = Answer::Response { status, head: head.as_bytes(), body, order: &order };
    assert_eq!(codec.decode(answer, NOW, &mut heard), Ok(AnswerKind::Answer));
    heard
}

/// A private message with our id where the documents write another.
pub fn ours(text: &str, documented: &str) -> String {
    assert!(text.contains(documented), "{text}");
    text.replace(documented, TEXT)
}
