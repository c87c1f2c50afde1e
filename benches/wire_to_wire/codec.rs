//! The order protocol of the bench's venue: requests of a usual length from a prepared text, answers of a few
//! bytes. A real venue's signature is measured apart; see docs/measurements.md.

use highwire_links::InstrumentId;
use highwire_links::codec::{Answer, AnswerKind, OrderCodec, ReportSink};
use highwire_links::decode::{Reject, Rejected};
use highwire_links::fill::{OrderReject, Report, ReportKind};
use highwire_links::fixed::{Px, Qty};
use highwire_links::order::{Action, Order};
use highwire_links::rate::Cost;
use std::io::Write;

/// `{"id":"p…","method":"order.place",…}`, filled up to the length of a real one.
#[derive(Debug)]
pub struct BenchCodec;

impl OrderCodec for BenchCodec {
    fn encode(&mut self, order: &Order, wall_ms: i64, out: &mut Vec<u8>) -> Result<(), OrderReject> {
        let (id, px, qty, at) = (order.id, order.px.0, order.qty.0, order.instrument.0);
        let written = write!(
            out,
            r#"{{"id":"p{id:016x}","method":"order.place","params":{{"symbol":"{at:05}","q":"{qty:012}","p":"{px:012}","side":"BUY","type":"LIMIT","timeInForce":"IOC","price":"{px:012}","quantity":"{qty:012}","newClientOrderId":"hw{id:016x}","newOrderRespType":"RESULT","recvWindow":5000,"timestamp":{wall_ms}}}}}"#
        );
        written.map_err(|_| OrderReject::Encoding)
    }

    fn cost(&self, _order: &Order) -> Cost {
        Cost::default()
    }

    /// Instrument, id in hexadecimal, price and quantity: the order is filled whole and done.
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
