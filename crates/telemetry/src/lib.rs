//! Logs, traces and metrics of a process.
//!
//! [`init`] installs them once, before anything else runs. Spans come from `tracing`, metrics from
//! the `metrics` facade: code that reports knows nothing of this crate. [`trace`] carries W3C trace
//! context over gRPC and through the journal, with or without an exporter: a process that exports
//! nothing still has trace ids in its logs and passes a caller's context on.

pub mod metrics;
mod process;
pub mod trace;

use std::io;
use std::time::Duration;

use opentelemetry::KeyValue;
use opentelemetry::trace::TracerProvider as _;
use opentelemetry_otlp::WithExportConfig as _;
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::trace::{Sampler, SdkTracerProvider};
use tracing::level_filters::LevelFilter;
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::layer::{Layer as _, SubscriberExt as _};
use tracing_subscriber::util::SubscriberInitExt as _;
use tracing_subscriber::{EnvFilter, Registry};

pub use crate::metrics::Metrics;
pub use crate::trace::{current_trace_id, current_traceparent, span_with_parent};

/// How log lines look.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum LogFormat {
    /// For people at a terminal.
    #[default]
    Human,
    /// One JSON object a line, for log collectors.
    Json,
}

/// What to report and where to.
#[derive(Debug, Clone)]
pub struct Config {
    /// `service.name` of the traces: `lotse` or the name of the one service served.
    pub service: String,
    /// How log lines look.
    pub log_format: LogFormat,
    /// Which log lines are written, as in `info,lotse_sla=debug`.
    pub log_filter: String,
    /// Where spans are sent over OTLP/gRPC, as in `http://collector:4317`; none are when absent.
    pub otlp_endpoint: Option<String>,
    /// Time allowed for one export and for the last one on shutdown.
    pub otlp_timeout: Duration,
    /// Share of traces begun here that is exported, 0 to 1; a caller's own decision is kept.
    pub sample_ratio: f64,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            service: "lotse".to_owned(),
            log_format: LogFormat::Human,
            log_filter: "info".to_owned(),
            otlp_endpoint: None,
            otlp_timeout: Duration::from_secs(5),
            sample_ratio: 1.0,
        }
    }
}

/// Why reporting could not be set up.
#[derive(Debug, thiserror::Error)]
pub enum TelemetryError {
    /// The log filter does not parse.
    #[error("the log filter {filter:?} is wrong: {source}")]
    Filter {
        /// The filter as configured.
        filter: String,
        /// What the parser says.
        source: tracing_subscriber::filter::ParseError,
    },
    /// The OTLP exporter cannot be built, most likely because of its endpoint.
    #[error("spans cannot be exported to {endpoint}: {source}")]
    Exporter {
        /// The endpoint as configured.
        endpoint: String,
        /// What the exporter says.
        source: opentelemetry_otlp::ExporterBuildError,
    },
    /// Something else in this process has installed logging.
    #[error("logging is installed already")]
    LogsInstalled(#[source] tracing_subscriber::util::TryInitError),
    /// Something else in this process has installed a metrics recorder.
    #[error("metrics are installed already")]
    MetricsInstalled,
}

/// What a process reports, until it is [shut down](Telemetry::shutdown).
#[derive(Debug)]
pub struct Telemetry {
    tracer: Tracer,
    metrics: Metrics,
}

impl Telemetry {
    /// The process's metrics, to be rendered for Prometheus.
    pub fn metrics(&self) -> Metrics {
        self.metrics.clone()
    }

    /// Sends the spans still waiting.
    pub async fn shutdown(self) {
        self.tracer.shutdown().await;
    }
}

/// Installs logs, traces and metrics for the whole process. Needs a tokio runtime when spans are
/// exported.
///
/// # Errors
/// A wrong filter or endpoint, or something installed before.
pub fn init(config: &Config) -> Result<Telemetry, TelemetryError> {
    // Standard error, because standard output belongs to the commands' results.
    let (subscriber, tracer) = subscriber(config, io::stderr)?;
    subscriber
        .try_init()
        .map_err(TelemetryError::LogsInstalled)?;
    let metrics = Metrics::install()?;
    Ok(Telemetry { tracer, metrics })
}

/// The tracer of one subscriber, kept to flush it.
#[derive(Debug)]
pub struct Tracer {
    provider: SdkTracerProvider,
    timeout: Duration,
}

impl Tracer {
    /// Sends the spans still waiting, within the export timeout. What cannot be sent is logged.
    pub async fn shutdown(self) {
        let Self { provider, timeout } = self;
        // The provider blocks its thread until the exporter has answered.
        let done = tokio::task::spawn_blocking(move || provider.shutdown_with_timeout(timeout));
        match done.await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => tracing::warn!(%error, "the last spans were not exported"),
            Err(error) => tracing::warn!(%error, "the exporter failed while shutting down"),
        }
    }
}

/// Builds logs and traces without installing them, so that tests can watch them.
///
/// # Errors
/// A wrong filter or endpoint.
pub fn subscriber<W>(
    config: &Config,
    writer: W,
) -> Result<(impl tracing::Subscriber + Send + Sync + use<W>, Tracer), TelemetryError>
where
    W: for<'w> MakeWriter<'w> + Send + Sync + 'static,
{
    let filter =
        EnvFilter::try_new(&config.log_filter).map_err(|source| TelemetryError::Filter {
            filter: config.log_filter.clone(),
            source,
        })?;
    let provider = provider(config)?;
    let tracer = provider.tracer("lotse");
    let lines = tracing_subscriber::fmt::layer().with_writer(writer);
    let lines = match config.log_format {
        LogFormat::Human => lines.compact().boxed(),
        LogFormat::Json => lines
            .json()
            .flatten_event(true)
            .with_span_list(false)
            .boxed(),
    };
    // The filter is for lines only: spans carry the trace context whatever is logged.
    let spans = tracing_opentelemetry::layer()
        .with_tracer(tracer)
        .with_filter(LevelFilter::INFO);
    let subscriber = Registry::default()
        .with(spans)
        .with(lines.with_filter(filter));
    Ok((
        subscriber,
        Tracer {
            provider,
            timeout: config.otlp_timeout,
        },
    ))
}

fn provider(config: &Config) -> Result<SdkTracerProvider, TelemetryError> {
    let resource = Resource::builder()
        .with_service_name(config.service.clone())
        .with_attribute(KeyValue::new("service.version", env!("CARGO_PKG_VERSION")))
        .build();
    let builder = SdkTracerProvider::builder().with_resource(resource);
    let Some(endpoint) = &config.otlp_endpoint else {
        let none = Sampler::ParentBased(Box::new(Sampler::AlwaysOff));
        return Ok(builder.with_sampler(none).build());
    };
    let exporter = opentelemetry_otlp::SpanExporter::builder()
        .with_tonic()
        .with_endpoint(endpoint)
        .with_timeout(config.otlp_timeout)
        .build()
        .map_err(|source| TelemetryError::Exporter {
            endpoint: endpoint.clone(),
            source,
        })?;
    let ratio = Sampler::TraceIdRatioBased(config.sample_ratio);
    Ok(builder
        .with_sampler(Sampler::ParentBased(Box::new(ratio)))
        .with_batch_exporter(exporter)
        .build())
}
