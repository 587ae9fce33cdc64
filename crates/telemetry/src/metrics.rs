//! The metrics of the process, rendered for Prometheus on the internal HTTP listener.

use std::fmt;
use std::time::Duration;

use metrics_exporter_prometheus::{PrometheusBuilder, PrometheusHandle};

use crate::{TelemetryError, process};

/// Buckets of every histogram, in seconds: from a fast read to a hanging dependency.
const SECONDS: [f64; 14] = [
    0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0, 60.0,
];

/// How often histograms are folded.
const UPKEEP: Duration = Duration::from_secs(5);

/// The process's metrics. Cheap to clone.
#[derive(Clone)]
pub struct Metrics(PrometheusHandle);

impl Metrics {
    /// Makes a recorder and installs it for the process.
    pub(crate) fn install() -> Result<Self, TelemetryError> {
        let recorder = builder().build_recorder();
        let handle = recorder.handle();
        ::metrics::set_global_recorder(recorder).map_err(|_| TelemetryError::MetricsInstalled)?;
        Ok(Self(handle))
    }

    /// The metrics in Prometheus's text format, version 0.0.4.
    pub fn render(&self) -> String {
        let mut text = self.0.render();
        process::render(&mut text);
        text
    }

    /// Folds what histograms have collected. To be called every few seconds, so that memory does
    /// not grow while nobody scrapes.
    pub fn upkeep(&self) {
        self.0.run_upkeep();
    }

    /// Calls [`Metrics::upkeep`] for ever; to be run as a supervised task.
    pub async fn keep_up(self) {
        let mut ticks = tokio::time::interval(UPKEEP);
        loop {
            ticks.tick().await;
            self.upkeep();
        }
    }
}

impl fmt::Debug for Metrics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Metrics")
    }
}

fn builder() -> PrometheusBuilder {
    PrometheusBuilder::new()
        .set_buckets(&SECONDS)
        .expect("some buckets") // invariant: SECONDS is not empty
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rendered_text_has_counters_histogram_buckets_and_the_process() {
        let recorder = builder().build_recorder();
        let metrics = Metrics(recorder.handle());
        ::metrics::with_local_recorder(&recorder, || {
            ::metrics::counter!("lotse_rpcs_total", "code" => "OK").increment(2);
            ::metrics::histogram!("lotse_rpc_seconds").record(0.003);
        });
        metrics.upkeep();
        let text = metrics.render();
        assert!(text.contains("lotse_rpcs_total{code=\"OK\"} 2"), "{text}");
        assert!(
            text.contains("lotse_rpc_seconds_bucket{le=\"0.005\"} 1"),
            "{text}"
        );
        assert!(
            text.contains("lotse_rpc_seconds_bucket{le=\"0.0025\"} 0"),
            "{text}"
        );
        if cfg!(target_os = "linux") {
            assert!(text.contains("\nprocess_resident_memory_bytes "), "{text}");
            assert!(text.contains("\nprocess_cpu_seconds_total "), "{text}");
        }
    }
}
