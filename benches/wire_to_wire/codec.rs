//! The order protocol of the bench's venue: requests as the service writes them for a real one and reads them back
//! before they leave (OKX, whose session is logged in once; or Binance, where each order is signed by HMAC), and
//! answers of a few bytes.

use crate::tables::instrument;
use highwire_links::codec::{Answer, AnswerKind, Field, OrderCodec, ReportSink};
use highwire_links::decode::{Reject, Rejected};
use highwire_links::directory::Entry;
use highwire_links::fill::{OrderReject, Report, ReportKind};
use highwire_links::fixed::{Px, Qty, parse};
use highwire_links::mode::OrderClass;
use highwire_links::order::{Action, Order, TimeInForce};
use highwire_links::rate::Cost;
use highwire_links::{InstrumentId, Side};
use highwire_venues::keys::{KeyMaterial, Keys};
use highwire_venues::orders::{Listed, Transport, order_line};
use highwire_venues::spec::Kind;
use highwire_venues::venue::Venue;

/// Bytes of a WebSocket head before an order: its length takes two bytes, its mask four.
const HEAD_BYTES: usize = 8;

/// A real venue's way to write orders, and our own to read answers.
#[derive(Debug)]
pub struct BenchCodec(Box<dyn OrderCodec>);

impl BenchCodec {
    /// Orders that are signed one by one, or not.
    pub fn new(signed: bool) -> Self {
        let venue = if signed { Venue::BinanceSpot } else { Venue::Okx };
        let listed: Vec<_> = (0..2).map(|id| listed(id, if signed { "" } else { "-" })).collect();
        let material = KeyMaterial::Hmac("s".repeat(64).into());
        let keys = Keys::new("k".repeat(64).into(), material).and_then(|keys| keys.with_passphrase("p".into()));
        let line = order_line(venue, &keys.expect("keys of letters"), &listed, Transport::Socket, "", 0);
        Self(line.expect("the venue takes orders by socket").codec)
    }

    /// Bytes that an order takes on the wire.
    pub fn order_bytes(&mut self) -> usize {
        let order = Order {
            id: 1,
            group: 0,
            px: Px(1_000_550),
            qty: Qty(1_000),
            decided_ns: 0,
            stamp: 0,
            instrument: InstrumentId(0),
            side: Side::Sell,
            tif: TimeInForce::Ioc,
            class: OrderClass::Open,
            action: Action::Place,
            reduce_only: false,
        };
        let mut request = Vec::new();
        self.0.encode(&order, 1_790_000_000_000, &mut request).expect("the order can be written");
        HEAD_BYTES + request.len()
    }
}

fn listed(id: u16, between: &str) -> Listed {
    let (base, quote) = (["BTC", "ETH"][usize::from(id)].to_owned(), "USDT".to_owned());
    Listed {
        symbol: [&base, between, &quote].concat(),
        entry: Entry { id: InstrumentId(id), scale: instrument(0, 2, 0).scale },
        base,
        quote,
        kind: Kind::Spot,
        code: Some(id.into()),
        outcome: None,
    }
}

/// What the venue answers to a request: that it is filled whole and done.
pub fn answer(request: &str) -> String {
    let field = |names: [&str; 2]| {
        let rest = names.iter().find_map(|name| request.split_once(name)).map_or("", |(_, rest)| rest);
        rest.split(['"', ',']).next().unwrap_or_default()
    };
    let at = u8::from(!matches!(field(["\"instIdCode\":", "\"symbol\":\""]), "0" | "BTCUSDT"));
    let mantissa = |text: &str, dp| parse(text.as_bytes(), dp).map_or(0, |read| read.mantissa);
    let scale = instrument(0, 2, 0).scale;
    let px = mantissa(field(["\"px\":\"", "\"price\":\""]), scale.px_dp);
    let qty = mantissa(field(["\"sz\":\"", "\"quantity\":\""]), scale.qty_dp);
    format!("{at} {} {px} {qty}", field(["\"clOrdId\":\"hw", "\"newClientOrderId\":\"hw"]))
}

impl OrderCodec for BenchCodec {
    fn encode(&mut self, order: &Order, wall_ms: i64, out: &mut Vec<u8>) -> Result<(), OrderReject> {
        self.0.encode(order, wall_ms, out)
    }

    fn differs(&self, order: &Order, request: &[u8]) -> Option<Field> {
        self.0.differs(order, request)
    }

    fn cost(&self, order: &Order) -> Cost {
        self.0.cost(order)
    }

    /// Instrument, id in hexadecimal, price and quantity, as [`answer`] writes them.
    fn decode(&mut self, answer: Answer<'_>, now: u64, sink: &mut dyn ReportSink) -> Result<AnswerKind, Rejected> {
        let Answer::Message(frame) = answer else { return Err(Reject::Malformed.into()) };
        let text = std::str::from_utf8(frame.payload()).map_err(|_| Rejected::from(Reject::Encoding))?;
        let bad = || Rejected::from(Reject::Malformed);
        let mut words = text.split(' ');
        let mut word = || words.next().ok_or_else(bad);
        let instrument = InstrumentId(word()?.parse().map_err(|_| bad())?);
        let id = u64::from_str_radix(word()?, 16).map_err(|_| bad())?;
        let (px, qty) = (Px(word()?.parse().map_err(|_| bad())?), Qty(word()?.parse().map_err(|_| bad())?));
        let about = |kind| Report { filled: qty, ..Report::about(id, instrument, kind, now) };
        sink.on_report(&Report { px, qty, trade: id, ..about(ReportKind::Fill) });
        sink.on_report(&about(ReportKind::Done));
        Ok(AnswerKind::Answer)
    }

    fn carries(&self, _action: Action) -> bool {
        true
    }
}
