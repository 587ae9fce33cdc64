//! What operators and probes ask: metrics and whether the process is well.

use axum::Router;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use http::{StatusCode, header};
use lotse_grpc::Readiness;
use lotse_telemetry::Metrics;

#[derive(Clone)]
struct Operations {
    metrics: Option<Metrics>,
    readiness: Option<Readiness>,
}

/// `/metrics`, `/livez` and `/readyz`. Open to whoever reaches the listener: probes and scrapers
/// carry no token, and nothing here tells of tickets.
pub fn routes(metrics: Option<Metrics>, readiness: Option<Readiness>) -> Router {
    Router::new()
        .route("/metrics", get(show_metrics))
        .route("/livez", get(|| async { "alive\n" }))
        .route("/readyz", get(show_readiness))
        .with_state(Operations { metrics, readiness })
}

async fn show_metrics(State(operations): State<Operations>) -> Response {
    match operations.metrics {
        Some(metrics) => {
            let kind = [(header::CONTENT_TYPE, "text/plain; version=0.0.4")];
            (kind, metrics.render()).into_response()
        }
        None => StatusCode::NOT_FOUND.into_response(),
    }
}

async fn show_readiness(State(operations): State<Operations>) -> (StatusCode, &'static str) {
    match operations.readiness {
        Some(readiness) if !readiness.is_ready() => {
            (StatusCode::SERVICE_UNAVAILABLE, "not ready\n")
        }
        _ => (StatusCode::OK, "ready\n"),
    }
}
