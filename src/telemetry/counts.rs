//! What becomes of spans, counted: made, taken by the collector, refused or not answered. What was made and is neither
//! waits in the queue or found it full.

use opentelemetry::Context;
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::error::OTelSdkResult;
use opentelemetry_sdk::trace::{SdkTracer, Span, SpanData, SpanExporter, SpanProcessor};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// Makes spans, and knows what becomes of them.
#[derive(Clone, Debug)]
pub struct Tracing {
    /// Makes them.
    pub tracer: SdkTracer,
    /// Counts them.
    pub spans: SpanCounts,
}

/// Counts of spans; clones share them.
#[derive(Clone, Debug, Default)]
pub struct SpanCounts(Arc<[AtomicU64; 3]>);

/// The counts at one moment.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SpanFigures {
    /// Spans that ended and were to be exported.
    pub made: u64,
    /// Spans that the collector took.
    pub exported: u64,
    /// Spans that it refused, or did not answer for.
    pub failed: u64,
}

impl SpanCounts {
    /// A look.
    pub fn read(&self) -> SpanFigures {
        let [made, exported, failed] = [0, 1, 2].map(|at| self.0[at].load(Ordering::Relaxed));
        SpanFigures { made, exported, failed }
    }

    fn add(&self, at: usize, spans: usize) {
        self.0[at].fetch_add(spans as u64, Ordering::Relaxed);
    }
}

/// Counts what leaves.
#[derive(Debug)]
pub(super) struct CountedExporter<E> {
    inner: E,
    spans: SpanCounts,
}

impl<E> CountedExporter<E> {
    /// In front of `inner`.
    pub(super) fn new(inner: E, spans: &SpanCounts) -> Self {
        Self { inner, spans: spans.clone() }
    }
}

impl<E: SpanExporter> SpanExporter for CountedExporter<E> {
    async fn export(&self, batch: Vec<SpanData>) -> OTelSdkResult {
        let spans = batch.len();
        let outcome = self.inner.export(batch).await;
        self.spans.add(if outcome.is_ok() { 1 } else { 2 }, spans);
        outcome
    }

    fn shutdown_with_timeout(&self, timeout: Duration) -> OTelSdkResult {
        self.inner.shutdown_with_timeout(timeout)
    }

    fn force_flush(&self) -> OTelSdkResult {
        self.inner.force_flush()
    }

    fn set_resource(&mut self, resource: &Resource) {
        self.inner.set_resource(resource);
    }
}

/// Counts what is to leave.
#[derive(Debug)]
pub(super) struct CountedProcessor<P> {
    inner: P,
    spans: SpanCounts,
}

impl<P> CountedProcessor<P> {
    /// In front of `inner`.
    pub(super) fn new(inner: P, spans: &SpanCounts) -> Self {
        Self { inner, spans: spans.clone() }
    }
}

impl<P: SpanProcessor> SpanProcessor for CountedProcessor<P> {
    fn on_start(&self, span: &mut Span, context: &Context) {
        self.inner.on_start(span, context);
    }

    fn on_end(&self, span: SpanData) {
        self.spans.add(0, usize::from(span.span_context.is_sampled()));
        self.inner.on_end(span);
    }

    fn force_flush(&self) -> OTelSdkResult {
        self.inner.force_flush()
    }

    fn shutdown_with_timeout(&self, timeout: Duration) -> OTelSdkResult {
        self.inner.shutdown_with_timeout(timeout)
    }

    fn set_resource(&mut self, resource: &Resource) {
        self.inner.set_resource(resource);
    }
}
