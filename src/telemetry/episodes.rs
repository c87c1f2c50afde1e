//! What the service lives through → traces of one span, or of one with parts: recoveries, moves of modes, threads that
//! died and came back, books that were made anew. They are told when they are over, with their own times.

use highwire_links::Nanos;
use opentelemetry::trace::{SpanBuilder, TraceContextExt, Tracer};
use opentelemetry::{Context, KeyValue};
use std::time::{Duration, UNIX_EPOCH};

/// Names of root spans that are exported whatever the ratio: they are few, and what a night is judged by.
pub const KEPT: [&str; 4] = ["connection", "recovery", "mode", "restart"];

/// Something that began, and is over.
#[derive(Clone, Debug, Default)]
pub struct Episode {
    /// What it is.
    pub name: &'static str,
    /// From when to when.
    pub window: (Nanos, Nanos),
    /// What is to be known of it.
    pub facts: Vec<(&'static str, String)>,
    /// What it consisted of.
    pub parts: Vec<Episode>,
}

/// Emits a trace.
pub fn emit<T: Tracer>(tracer: &T, episode: &Episode)
where
    T::Span: Send + Sync + 'static,
{
    draw(tracer, episode, &Context::new());
}

fn draw<T: Tracer>(tracer: &T, episode: &Episode, above: &Context)
where
    T::Span: Send + Sync + 'static,
{
    let at = |ns: Nanos| UNIX_EPOCH + Duration::from_nanos(ns);
    let (from_ns, to_ns) = episode.window;
    let facts = episode.facts.iter().map(|(key, value)| KeyValue::new(*key, value.clone()));
    let span = SpanBuilder::from_name(episode.name).with_start_time(at(from_ns)).with_attributes(facts);
    let here = above.with_span(tracer.build_with_context(span, above));
    episode.parts.iter().for_each(|part| draw(tracer, part, &here));
    here.span().end_with_timestamp(at(to_ns.max(from_ns)));
}
