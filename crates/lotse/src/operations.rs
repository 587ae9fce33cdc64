//! HTTP for operators, beside gRPC: metrics and probes.

use axum::Router;
use axum::http::StatusCode;
use axum::routing::get;
use lotse_grpc::Readiness;
use lotse_telemetry::Metrics;

/// `/metrics`, `/livez` and `/readyz`.
pub(crate) fn router(metrics: Metrics, readiness: Readiness) -> Router {
    let ready = move || {
        let ready = readiness.is_ready();
        async move {
            if ready {
                (StatusCode::OK, "ready\n")
            } else {
                (StatusCode::SERVICE_UNAVAILABLE, "not ready\n")
            }
        }
    };
    Router::new()
        .route("/metrics", get(move || async move { metrics.render() }))
        .route("/livez", get(|| async { "alive\n" }))
        .route("/readyz", get(ready))
}
