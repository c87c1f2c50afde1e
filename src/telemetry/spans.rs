//! A trade → its trace: one root span, under it the market event with the wire's stages, an order each with its ack
//! and fills, and the settling. Times are the wire's own stamps; what a venue dates before its cause is shown at its
//! cause, so that children never begin before their parents.

use super::ids::as_trace;
use crate::trade::{Placed, Trade};
use crate::universe::Universe;
use highwire_links::counter::Stage;
use highwire_links::fill::{Report, ReportKind};
use highwire_links::fixed::Decimal;
use highwire_links::mode::OrderClass;
use highwire_links::telemetry::Trace;
use highwire_links::{Mode, Nanos};
use opentelemetry::trace::{SpanBuilder, TraceContextExt, TraceId, Tracer};
use opentelemetry::{Context, KeyValue};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// Attribute of a root span that the sampler never drops.
pub const FAILED: &str = "failed";

/// Emits the trace of a trade under this id; `mode` is what the service may do at its end.
pub fn emit<T: Tracer>(tracer: &T, id: TraceId, trade: &Trade, universe: &Universe, mode: Mode)
where
    T::Span: Send + Sync + 'static,
{
    let began_ns = trade.stamps.map_or(trade.began_ns, |stamps| stamps.recv_ns.min(trade.began_ns));
    let root = SpanBuilder::from_name("saga").with_start_time(at(began_ns));
    let root = root.with_attributes(about(trade, universe, mode));
    let root = as_trace(id, || tracer.build_with_context(root, &Context::new()));
    let draw = Draw { tracer, universe, parent: Context::new().with_span(root), from_ns: began_ns };
    let handed_ns = trade.stamps.map_or(trade.began_ns, |stamps| draw.market(&stamps));
    trade.orders.iter().for_each(|placed| draw.order(placed, handed_ns));
    // An order that never left ended before its turn was over.
    let settling_ns = trade.orders.iter().map(Placed::ended_ns).fold(handed_ns, Nanos::max);
    let ended_ns = trade.ended_ns.max(settling_ns);
    draw.span("settled", (settling_ns, ended_ns), vec![KeyValue::new("why", format!("{:?}", trade.why))]);
    draw.parent.span().end_with_timestamp(at(ended_ns));
}

fn about(trade: &Trade, universe: &Universe, mode: Mode) -> Vec<KeyValue> {
    let pair = universe.pairs.get(trade.pair.index()).map_or("?", |pair| pair.name.as_str());
    vec![
        KeyValue::new("saga", format!("{:016x}", trade.group)),
        KeyValue::new("pair", pair.to_owned()),
        KeyValue::new("strategy", trade.strategy()),
        KeyValue::new("mode", format!("{mode:?}")),
        KeyValue::new("edge_expected_bps", bps(trade.expected_ppb)),
        KeyValue::new("edge_captured_bps", bps(trade.captured_ppb)),
        KeyValue::new("outcome", trade.outcome()),
        KeyValue::new(FAILED, trade.has_failed()),
    ]
}

/// One trace being drawn.
struct Draw<'a, T> {
    tracer: &'a T,
    universe: &'a Universe,
    parent: Context,
    /// Nothing begins before.
    from_ns: Nanos,
}

impl<T: Tracer> Draw<'_, T>
where
    T::Span: Send + Sync + 'static,
{
    /// The market event and the stages that the wire took over it; when the orders were handed over.
    fn market(&self, stamps: &Trace) -> Nanos {
        let handed_ns = stamps.recv_ns + u64::from(stamps.stage_ns[Stage::Wire as usize]);
        let child = self.child("market", (stamps.recv_ns, handed_ns), self.instrument(stamps.instrument));
        for (name, from_ns, to_ns) in windows(stamps) {
            child.span(name, (from_ns, to_ns), Vec::new());
        }
        handed_ns
    }

    /// An order from its hand-over to its last report.
    fn order(&self, placed: &Placed, handed_ns: Nanos) {
        let order = &placed.order;
        let is_hedge = order.class == OrderClass::Hedge;
        let from_ns = if is_hedge { order.decided_ns } else { handed_ns };
        let mut attributes = self.instrument(order.instrument);
        let scale = self.universe.instruments.get(order.instrument.index()).map(|i| i.scale).unwrap_or_default();
        let decimal = |mantissa, dp| Decimal { mantissa, dp }.to_string();
        attributes.extend([
            KeyValue::new("order", format!("{:016x}", order.id)),
            KeyValue::new("side", format!("{:?}", order.side)),
            KeyValue::new("px", decimal(order.px.0, scale.px_dp)),
            KeyValue::new("qty", decimal(order.qty.0, scale.qty_dp)),
            KeyValue::new("filled", decimal(placed.filled(), scale.qty_dp)),
        ]);
        let name = if is_hedge { "hedge" } else { "order" };
        let child = self.child(name, (from_ns, placed.ended_ns()), attributes);
        let mut last_ns = from_ns;
        for report in &placed.reports {
            let to_ns = report.at_ns.max(last_ns);
            child.span(step(report), (last_ns, to_ns), Vec::new());
            last_ns = to_ns;
        }
    }

    fn instrument(&self, id: highwire_links::InstrumentId) -> Vec<KeyValue> {
        let name = self.universe.name(id);
        let venue = name.split(':').next().unwrap_or("?").to_owned();
        vec![KeyValue::new("venue", venue), KeyValue::new("instrument", name)]
    }

    fn span(&self, name: &'static str, window: (Nanos, Nanos), attributes: Vec<KeyValue>) {
        drop(self.child(name, window, attributes));
    }

    /// A span that is over, as the parent of others.
    fn child(&self, name: &'static str, (from_ns, to_ns): (Nanos, Nanos), attributes: Vec<KeyValue>) -> Draw<'_, T> {
        let from_ns = from_ns.max(self.from_ns);
        let span = SpanBuilder::from_name(name).with_start_time(at(from_ns)).with_attributes(attributes);
        let parent = Context::new().with_span(self.tracer.build_with_context(span, &self.parent));
        parent.span().end_with_timestamp(at(to_ns.max(from_ns)));
        Draw { tracer: self.tracer, universe: self.universe, parent, from_ns }
    }
}

/// What a report ended the waiting for.
const fn step(report: &Report) -> &'static str {
    match report.kind {
        ReportKind::Ack => "ack",
        ReportKind::Fill => "fill",
        ReportKind::Sent => "send",
        ReportKind::Done => "done",
        ReportKind::Rejected => "rejected",
        ReportKind::Unknown => "unknown",
        _ => "answer",
    }
}

/// Name, begin and end of every stage that took time, in flow order. Together they are the wire-to-wire time: what
/// lay between detection and the verdict belonged to other candidates of the same frame.
fn windows(stamps: &Trace) -> Vec<(&'static str, Nanos, Nanos)> {
    let took = |stage: Stage| u64::from(stamps.stage_ns[stage as usize]);
    let own: u64 = Stage::ALL.iter().filter(|(stage, _)| *stage != Stage::Wire).map(|(stage, _)| took(*stage)).sum();
    let others_ns = took(Stage::Wire).saturating_sub(own);
    let mut from_ns = stamps.recv_ns;
    let mut windows = Vec::with_capacity(Stage::ALL.len());
    let mut add = |name, ns: u64| {
        if ns > 0 {
            windows.push((name, from_ns, from_ns + ns));
            from_ns += ns;
        }
    };
    for (stage, name) in Stage::ALL {
        if stage == Stage::Risk {
            add("others", others_ns);
        }
        if stage != Stage::Wire {
            add(name, took(stage));
        }
    }
    windows
}

fn at(ns: Nanos) -> SystemTime {
    UNIX_EPOCH + Duration::from_nanos(ns)
}

/// A ratio in parts per billion as basis points, for people.
fn bps(ppb: i64) -> f64 {
    ppb as f64 / 100_000.0
}

#[cfg(test)]
mod tests {
    use super::*;
    use highwire_links::InstrumentId;

    #[test]
    fn stages_follow_one_another_and_sum_to_the_wire() {
        let stage_ns = [50, 0, 7, 20, 30, 10, 140];
        let stamps = Trace { recv_ns: 1_000, opportunity: 1, instrument: InstrumentId(0), stage_ns };
        let expected = [
            ("decode", 1000, 1050),
            ("queue", 1050, 1057),
            ("detect", 1057, 1077),
            ("others", 1077, 1100),
            ("risk", 1100, 1130),
            ("send", 1130, 1140),
        ];
        assert_eq!(windows(&stamps), expected);
    }
}
