//! One subscriber for the process: text or JSON logs on stderr, JSON logs in files when a folder is given, and, when an
//! endpoint is given, an OTLP exporter behind a bounded batch queue. A dead collector costs the queue and nothing else.

use super::counts::{CountedExporter, CountedProcessor, LineCounts, SpanCounts, Tracing};
use super::files;
use super::ids::Ids;
use super::limits::{Charged, Limits};
use super::one_line::OneLine;
use super::sampler::KeepFailures;
use crate::config::{Config, OtlpProtocol};
use opentelemetry::trace::TracerProvider;
use opentelemetry_otlp::{ExporterBuildError, Protocol as Wire, SpanExporter, WithExportConfig};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::trace::{BatchConfigBuilder, BatchSpanProcessor, SdkTracerProvider};
use std::path::PathBuf;
use tokio::runtime::Runtime;
use tracing_appender::non_blocking::{NonBlocking, WorkerGuard};
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{EnvFilter, Layer, Registry};

/// How spans travel.
pub use crate::config::OtlpProtocol as Protocol;

/// Spans in one request.
const BATCH_MAX: usize = 512;

/// What the operator chose.
#[derive(Clone, Debug)]
pub struct TelemetrySettings {
    /// The service's name in traces.
    pub service: String,
    /// Log filter, in `tracing` syntax.
    pub filter: String,
    /// JSON log lines instead of text.
    pub json: bool,
    /// Folder of JSON log files, one a day at least; `None` for none.
    pub log_folder: Option<PathBuf>,
    /// Log files kept.
    pub log_keep: usize,
    /// Bytes of one, after which the next begins.
    pub log_file_bytes: u64,
    /// Base address of an OTLP collector; empty switches export off.
    pub otlp_endpoint: String,
    /// How spans travel there.
    pub otlp_protocol: Protocol,
    /// Spans that wait for the collector; what does not fit is dropped.
    pub queue_max: usize,
    /// Share of traces exported, `0.0..=1.0`; those of failed trades are exported always.
    pub sample_ratio: f64,
}

impl TelemetrySettings {
    /// As configured, with this log filter.
    pub fn of(config: &Config, filter: &str) -> Self {
        let (service, telemetry) = (&config.service, &config.telemetry);
        Self {
            service: service.name.clone(),
            filter: filter.to_owned(),
            json: service.log_json,
            log_folder: (!service.log_dir.is_empty()).then(|| PathBuf::from(&service.log_dir)),
            log_keep: service.log_keep,
            log_file_bytes: service.log_file_mb << 20,
            otlp_endpoint: telemetry.otlp_endpoint.clone(),
            otlp_protocol: telemetry.otlp_protocol,
            queue_max: telemetry.queue_max,
            sample_ratio: telemetry.sample_ratio,
        }
    }
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
    /// Log files cannot be written.
    #[error("service.log_dir = {}: {why}", folder.display())]
    LogFolder {
        /// The folder.
        folder: PathBuf,
        /// What the system says.
        why: String,
    },
    /// The exporter could not be built.
    #[error("OTLP exporter: {0}")]
    Exporter(#[from] ExporterBuildError),
    /// The exporter's own runtime was not to be had.
    #[error("OTLP exporter: {0}")]
    Runtime(#[from] std::io::Error),
    /// A subscriber was set up before.
    #[error("logging is already set up")]
    AlreadySet,
}

/// Keeps the exporter and the log files alive; flushes them when the program ends.
pub struct Telemetry {
    provider: Option<SdkTracerProvider>,
    spans: SpanCounts,
    lines: LineCounts,
    limits: Limits,
    files: Option<WorkerGuard>,
    said: WorkerGuard,
    /// What carries gRPC. It ends last.
    runtime: Option<Runtime>,
}

/// Sets up logs and, if an endpoint is given, traces. Call once.
///
/// # Errors
/// A bad filter, a folder that cannot be written to, an exporter that cannot be built, or a second call.
pub fn start(settings: &TelemetrySettings) -> Result<Telemetry, TelemetryError> {
    let exports = !settings.otlp_endpoint.is_empty();
    let grpc = exports && settings.otlp_protocol == OtlpProtocol::Grpc;
    let runtime = grpc.then(runtime).transpose()?;
    let entered = runtime.as_ref().map(Runtime::enter);
    let spans = SpanCounts::default();
    let provider = exports.then(|| provider(settings, &spans)).transpose()?;
    drop(entered);
    let exported = provider.as_ref().map(|provider| {
        // The exporter's own client must not be traced, or every export would cause another; an actor's span lasts as long
        // as the actor.
        let quiet = EnvFilter::new("info,hyper=off,reqwest=off,h2=off,tonic=off,tower=off,ractor=off");
        tracing_opentelemetry::layer().with_tracer(provider.tracer("highwire")).with_filter(quiet)
    });
    let mut counts = LineCounts::default();
    let limits = Limits::default();
    let (files, kept) = match &settings.log_folder {
        Some(folder) => {
            let sizes = files::Sizes { keep: settings.log_keep, file_bytes: settings.log_file_bytes };
            let (writer, guard) = files::open(folder, sizes)?;
            counts.0.push(("files", writer.error_counter()));
            let lines = tracing_subscriber::fmt::layer().json().with_writer(limits.charged(writer));
            (Some(lines.with_filter(filter(settings)?)), Some(guard))
        }
        None => (None, None),
    };
    // A pipe that nobody empties loses lines and blocks nobody: whoever logs hands over and goes on.
    let (writer, said) = files::bounded("log-stderr").finish(OneLine(std::io::stderr()));
    counts.0.push(("stderr", writer.error_counter()));
    let writer = limits.charged(writer);
    let layers = Registry::default().with(logs(settings, writer)?).with(files).with(exported).with(limits.clone());
    layers.try_init().map_err(|_| TelemetryError::AlreadySet)?;
    Ok(Telemetry { provider, spans, lines: counts, limits, files: kept, said, runtime })
}

fn filter(settings: &TelemetrySettings) -> Result<EnvFilter, TelemetryError> {
    let bad = |source| TelemetryError::Filter { filter: settings.filter.clone(), source };
    EnvFilter::try_new(&settings.filter).map_err(bad)
}

fn logs<S>(
    settings: &TelemetrySettings,
    writer: Charged<NonBlocking>,
) -> Result<Box<dyn Layer<S> + Send + Sync>, TelemetryError>
where
    S: tracing::Subscriber + for<'a> tracing_subscriber::registry::LookupSpan<'a>,
{
    let filter = filter(settings)?;
    if settings.json {
        return Ok(tracing_subscriber::fmt::layer().with_writer(writer).json().with_filter(filter).boxed());
    }
    let lines = tracing_subscriber::fmt::layer().with_writer(writer);
    Ok(lines.with_filter(filter).boxed())
}

fn runtime() -> std::io::Result<Runtime> {
    tokio::runtime::Builder::new_multi_thread().worker_threads(1).thread_name("otlp").enable_all().build()
}

fn provider(settings: &TelemetrySettings, spans: &SpanCounts) -> Result<SdkTracerProvider, TelemetryError> {
    // Without it the exporter's HTTP client panics, even for plain http.
    crate::tls::choose_provider();
    let batch = BatchConfigBuilder::default()
        .with_max_queue_size(settings.queue_max)
        .with_max_export_batch_size(BATCH_MAX.min(settings.queue_max))
        .build();
    let processor =
        BatchSpanProcessor::builder(CountedExporter::new(exporter(settings)?, spans)).with_batch_config(batch).build();
    Ok(SdkTracerProvider::builder()
        .with_span_processor(CountedProcessor::new(processor, spans, settings.queue_max))
        .with_resource(Resource::builder().with_service_name(settings.service.clone()).build())
        .with_id_generator(Ids::default())
        .with_sampler(KeepFailures::new(settings.sample_ratio))
        .build())
}

fn exporter(settings: &TelemetrySettings) -> Result<SpanExporter, ExporterBuildError> {
    let base = settings.otlp_endpoint.trim_end_matches('/');
    match settings.otlp_protocol {
        OtlpProtocol::Http => {
            let http = SpanExporter::builder().with_http().with_protocol(Wire::HttpBinary);
            http.with_endpoint(format!("{base}/v1/traces")).build()
        }
        OtlpProtocol::Grpc => SpanExporter::builder().with_tonic().with_endpoint(base).build(),
    }
}

impl Telemetry {
    /// The tracer for spans made from the wire's stamps; `None` while export is off.
    pub fn tracer(&self) -> Option<opentelemetry_sdk::trace::SdkTracer> {
        self.provider.as_ref().map(|provider| provider.tracer("highwire.wire"))
    }

    /// The tracer with the counts of its spans and of lost log lines.
    pub fn tracing(&self) -> Tracing {
        Tracing { tracer: self.tracer(), spans: self.spans.clone(), lines: self.lines.clone() }
    }

    /// Flushes what is queued. Blocks for the exporter's own time limit at most; not for async code.
    pub fn finish(self) {
        if let Some(Err(error)) = self.provider.map(|provider| provider.shutdown()) {
            tracing::warn!(%error, "traces could not be flushed");
        }
        self.limits.finish();
        drop(self.files);
        drop(self.said);
        if let Some(runtime) = self.runtime {
            runtime.shutdown_background();
        }
    }
}
