//! A codec for a line that only tells: it carries nothing, so the gateway never sends an order on it.

use highwire_links::Nanos;
use highwire_links::codec::{Answer, AnswerKind, OrderCodec, ReportSink};
use highwire_links::decode::Rejected;
use highwire_links::fill::OrderReject;
use highwire_links::order::{Action, Order};
use highwire_links::rate::Cost;

/// Reads with a venue's codec and writes nothing.
#[derive(Debug)]
pub(crate) struct Listener(pub(crate) Box<dyn OrderCodec>);

impl OrderCodec for Listener {
    fn encode(&mut self, _: &Order, _: i64, _: &mut Vec<u8>) -> Result<(), OrderReject> {
        Err(OrderReject::Encoding)
    }

    fn cost(&self, order: &Order) -> Cost {
        self.0.cost(order)
    }

    fn decode(&mut self, answer: Answer<'_>, now: Nanos, sink: &mut dyn ReportSink) -> Result<AnswerKind, Rejected> {
        self.0.decode(answer, now, sink)
    }

    fn carries(&self, _: Action) -> bool {
        false
    }
}
