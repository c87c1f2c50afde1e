//! The wire's stamps → spans: one trace per taken opportunity, one child per stage, with the wire's
//! own times. Stages follow one another, so each begins where the one before ended.

use highwire_links::counter::Stage;
use highwire_links::telemetry::Trace;
use opentelemetry::trace::{Span, SpanBuilder, TraceContextExt, Tracer};
use opentelemetry::{Context, KeyValue};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// Emits the trace of one record.
pub fn emit<T: Tracer>(tracer: &T, record: &Trace, instrument: &str)
where
    T::Span: Send + Sync + 'static,
{
    let received = UNIX_EPOCH + Duration::from_nanos(record.recv_ns);
    let attributes = vec![
        KeyValue::new("instrument", instrument.to_owned()),
        KeyValue::new("opportunity", i64::from(record.opportunity)),
    ];
    let root = SpanBuilder::from_name("opportunity").with_start_time(received).with_attributes(attributes);
    let parent = Context::new().with_span(tracer.build_with_context(root, &Context::new()));
    for (name, from, to) in windows(record, received) {
        let stage = SpanBuilder::from_name(name).with_start_time(from);
        tracer.build_with_context(stage, &parent).end_with_timestamp(to);
    }
    parent.span().end_with_timestamp(received + wire(record));
}

/// Name, begin and end of every stage that took time, in flow order.
fn windows(record: &Trace, received: SystemTime) -> Vec<(&'static str, SystemTime, SystemTime)> {
    let mut from = received;
    let mut windows = Vec::with_capacity(Stage::ALL.len());
    for ((stage, name), ns) in Stage::ALL.iter().zip(record.stage_ns) {
        if *stage != Stage::Wire && ns > 0 {
            let to = from + Duration::from_nanos(u64::from(ns));
            windows.push((*name, from, to));
            from = to;
        }
    }
    windows
}

fn wire(record: &Trace) -> Duration {
    Duration::from_nanos(u64::from(record.stage_ns[Stage::Wire as usize]))
}

#[cfg(test)]
mod tests {
    use super::*;
    use highwire_links::InstrumentId;

    #[test]
    fn stages_follow_one_another_from_the_moment_of_receipt() {
        let stage_ns = [50, 0, 7, 20, 30, 10, 140];
        let record = Trace { recv_ns: 1_000, opportunity: 1, instrument: InstrumentId(0), stage_ns };
        let windows = windows(&record, UNIX_EPOCH + Duration::from_nanos(1_000));
        let at = |t: SystemTime| t.duration_since(UNIX_EPOCH).unwrap().as_nanos();
        let seen: Vec<_> = windows.iter().map(|(name, from, to)| (*name, at(*from), at(*to))).collect();
        assert_eq!(
            seen,
            [
                ("decode", 1000, 1050),
                ("queue", 1050, 1057),
                ("detect", 1057, 1077),
                ("risk", 1077, 1107),
                ("send", 1107, 1117)
            ]
        );
    }
}
