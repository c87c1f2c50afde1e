//! What becomes of spans and log lines, counted. A span is made, and then taken by the collector, refused or not answered
//! for, or dropped because too many wait; what is none of these waits. A log line that finds its queue full is lost.

use opentelemetry::Context;
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::error::OTelSdkResult;
use opentelemetry_sdk::trace::{SdkTracer, Span, SpanData, SpanExporter, SpanProcessor};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;
use tracing_appender::non_blocking::ErrorCounter;

/// Makes spans, and knows what becomes of them and of log lines.
#[derive(Clone, Debug, Default)]
pub struct Tracing {
    /// Makes them; `None` while export is off.
    pub tracer: Option<SdkTracer>,
    /// Counts them.
    pub spans: SpanCounts,
    /// Counts lost lines.
    pub lines: LineCounts,
}

/// Counts of log lines that found a queue full, by where they were to go.
#[derive(Clone, Debug, Default)]
pub struct LineCounts(pub(super) Vec<(&'static str, ErrorCounter)>);

impl LineCounts {
    /// A look: lines lost on their way to `stderr` and to `files`.
    pub fn lost(&self) -> Vec<(&'static str, u64)> {
        self.0.iter().map(|(sink, counter)| (*sink, counter.dropped_lines() as u64)).collect()
    }
}

/// Counts of spans; clones share them.
#[derive(Clone, Debug, Default)]
pub struct SpanCounts(Arc<[AtomicU64; 5]>);

const MADE: usize = 0;
const EXPORTED: usize = 1;
const FAILED: usize = 2;
const DROPPED: usize = 3;
const WAITING: usize = 4;

/// The counts at one moment.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SpanFigures {
    /// Spans that ended and were to be exported.
    pub made: u64,
    /// Spans that the collector took.
    pub exported: u64,
    /// Spans that it refused, or did not answer for.
    pub failed: u64,
    /// Spans that found too many others waiting.
    pub dropped: u64,
}

impl SpanCounts {
    /// A look.
    pub fn read(&self) -> SpanFigures {
        let [made, exported, failed, dropped] =
            [MADE, EXPORTED, FAILED, DROPPED].map(|at| self.0[at].load(Ordering::Relaxed));
        SpanFigures { made, exported, failed, dropped }
    }

    /// Whether one more may wait beside fewer than `queue_max`; it is counted, one way or the other.
    fn admits(&self, queue_max: u64) -> bool {
        self.add(MADE, 1);
        let one_more = |waiting| (waiting < queue_max || cfg!(mutant = "span-queue")).then_some(waiting + 1);
        let admits = self.0[WAITING].fetch_update(Ordering::Relaxed, Ordering::Relaxed, one_more).is_ok();
        self.add(DROPPED, usize::from(!admits));
        admits
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
        self.spans.0[WAITING].fetch_sub(spans as u64, Ordering::Relaxed);
        let outcome = self.inner.export(batch).await;
        self.spans.add(if outcome.is_ok() { EXPORTED } else { FAILED }, spans);
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

/// Counts what is to leave, and drops what finds as many waiting as may wait: the processor behind it has room for these, so
/// that what it would drop uncounted is nothing.
#[derive(Debug)]
pub(super) struct CountedProcessor<P> {
    inner: P,
    spans: SpanCounts,
    queue_max: u64,
}

impl<P> CountedProcessor<P> {
    /// In front of `inner`, whose queue has `queue_max` places.
    pub(super) fn new(inner: P, spans: &SpanCounts, queue_max: usize) -> Self {
        Self { inner, spans: spans.clone(), queue_max: queue_max as u64 }
    }
}

impl<P: SpanProcessor> SpanProcessor for CountedProcessor<P> {
    fn on_start(&self, span: &mut Span, context: &Context) {
        self.inner.on_start(span, context);
    }

    fn on_end(&self, span: SpanData) {
        if span.span_context.is_sampled() && self.spans.admits(self.queue_max) {
            self.inner.on_end(span);
        }
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
