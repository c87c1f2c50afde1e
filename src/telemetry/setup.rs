//! One subscriber for the process: text or JSON logs on stderr, and, when an endpoint is given, an
//! OTLP exporter behind a bounded batch queue. A dead collector costs the queue and nothing else.

use opentelemetry::trace::TracerProvider;
use opentelemetry_otlp::{Protocol, SpanExporter, WithExportConfig};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::trace::{Sampler, SdkTracerProvider};
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{EnvFilter, Layer, Registry};

/// What the operator chose.
#[derive(Clone, Debug)]
pub struct TelemetrySettings {
    /// The service's name in traces.
    pub service: String,
    /// Log filter, in `tracing` syntax.
    pub filter: String,
    /// JSON log lines instead of text.
    pub json: bool,
    /// Base address of an OTLP/HTTP collector; empty switches export off.
    pub otlp_endpoint: String,
    /// Share of traces exported, `0.0..=1.0`.
    pub sample_ratio: f64,
}

/// Why telemetry could not be set up.
#[derive(Debug, thiserror::Error)]
pub enum TelemetryError {
    /// The log filter is not in `tracing` syntax.
    #[error("log filter {filter:?}: {source}")]
    Filter {
        /// The filter.
        filter: String,
        /// What is wrong with it.
        source: tracing_subscriber::filter::ParseError,
    },
    /// The exporter could not be built.
    #[error("OTLP exporter: {0}")]
    Exporter(#[from] opentelemetry_otlp::ExporterBuildError),
    /// A subscriber was set up before.
    #[error("logging is already set up")]
    AlreadySet,
}

/// Keeps the exporter alive; flushes it when the program ends.
#[derive(Debug)]
pub struct Telemetry {
    provider: Option<SdkTracerProvider>,
}

/// Sets up logs and, if an endpoint is given, traces. Call once.
///
/// # Errors
/// A bad filter, an exporter that cannot be built, or a second call.
pub fn start(settings: &TelemetrySettings) -> Result<Telemetry, TelemetryError> {
    let provider = if settings.otlp_endpoint.is_empty() { None } else { Some(provider(settings)?) };
    let exported = provider.as_ref().map(|provider| {
        // The exporter's own HTTP client must not be traced, or every export would cause another.
        let quiet = EnvFilter::new("info,hyper=off,reqwest=off,h2=off");
        tracing_opentelemetry::layer().with_tracer(provider.tracer("highwire")).with_filter(quiet)
    });
    Registry::default().with(logs(settings)?).with(exported).try_init().map_err(|_| TelemetryError::AlreadySet)?;
    Ok(Telemetry { provider })
}

fn logs<S>(settings: &TelemetrySettings) -> Result<Box<dyn Layer<S> + Send + Sync>, TelemetryError>
where
    S: tracing::Subscriber + for<'a> tracing_subscriber::registry::LookupSpan<'a>,
{
    let filter = EnvFilter::try_new(&settings.filter)
        .map_err(|source| TelemetryError::Filter { filter: settings.filter.clone(), source })?;
    let lines = tracing_subscriber::fmt::layer().with_writer(std::io::stderr);
    Ok(if settings.json { lines.json().with_filter(filter).boxed() } else { lines.with_filter(filter).boxed() })
}

fn provider(settings: &TelemetrySettings) -> Result<SdkTracerProvider, TelemetryError> {
    // Without it the exporter's HTTP client panics, even for plain http.
    crate::tls::choose_provider();
    let exporter = SpanExporter::builder()
        .with_http()
        .with_protocol(Protocol::HttpBinary)
        .with_endpoint(format!("{}/v1/traces", settings.otlp_endpoint.trim_end_matches('/')))
        .build()?;
    Ok(SdkTracerProvider::builder()
        .with_batch_exporter(exporter)
        .with_resource(Resource::builder().with_service_name(settings.service.clone()).build())
        .with_sampler(Sampler::ParentBased(Box::new(Sampler::TraceIdRatioBased(settings.sample_ratio))))
        .build())
}

impl Telemetry {
    /// The tracer for spans made from the wire's stamps; `None` while export is off.
    pub fn tracer(&self) -> Option<opentelemetry_sdk::trace::SdkTracer> {
        self.provider.as_ref().map(|provider| provider.tracer("highwire.wire"))
    }

    /// Flushes what is queued. Blocks for the exporter's own time limit at most; not for async code.
    pub fn finish(self) {
        if let Some(Err(error)) = self.provider.map(|provider| provider.shutdown()) {
            tracing::warn!(%error, "traces could not be flushed");
        }
    }
}
