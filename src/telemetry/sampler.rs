//! Which traces are kept: a share of all, drawn by their ids, every one of a trade that failed, and those of the few
//! things that a night is judged by (connections, recoveries, modes, restarts).

use super::episodes::KEPT;
use super::spans::FAILED;
use opentelemetry::trace::{Link, SpanKind, TraceId};
use opentelemetry::{Context, KeyValue, Value};
use opentelemetry_sdk::trace::{Sampler, SamplingResult, ShouldSample};

/// Keeps failures, and the rest by ratio. A trade's trace is made when the trade is over, so its root already says
/// whether it failed; its children follow it.
#[derive(Clone, Debug)]
pub(super) struct KeepFailures {
    ratio: Sampler,
}

impl KeepFailures {
    /// Keeps `ratio` of what did not fail, `0.0..=1.0`.
    pub(super) fn new(ratio: f64) -> Self {
        Self { ratio: Sampler::ParentBased(Box::new(Sampler::TraceIdRatioBased(ratio))) }
    }
}

impl ShouldSample for KeepFailures {
    fn should_sample(
        &self,
        parent: Option<&Context>,
        id: TraceId,
        name: &str,
        kind: &SpanKind,
        attributes: &[KeyValue],
        links: &[Link],
    ) -> SamplingResult {
        let kept = KEPT.contains(&name);
        let failed = attributes.iter().any(|a| a.key.as_str() == FAILED && a.value == Value::Bool(true));
        let sampler = if failed || kept { &Sampler::AlwaysOn } else { &self.ratio };
        sampler.should_sample(parent, id, name, kind, attributes, links)
    }
}
