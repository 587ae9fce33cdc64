//! What every request on either listener passes through.

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::{MatchedPath, Request, State};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse as _, Response};
use http::{HeaderValue, StatusCode, header};
use lotse_clock::SystemClock;
use lotse_errors::ErrorReason;
use tokio::sync::Semaphore;
use tower_http::catch_panic::CatchPanicLayer;

use crate::Config;
use crate::refusal::Refusal;

#[derive(Clone)]
struct Watchdog {
    listener: &'static str,
    places: Arc<Semaphore>,
    timeout: Duration,
}

/// Wraps `router`, outermost first: it counts and times every request, refuses what is too much or
/// too slow, and survives a panic.
pub(crate) fn around(router: Router, listener: &'static str, config: &Config) -> Router {
    let watchdog = Watchdog {
        listener,
        places: Arc::new(Semaphore::new(config.max_concurrent_requests)),
        timeout: Duration::from_secs(config.request_timeout_seconds),
    };
    router
        .layer(CatchPanicLayer::custom(|_| broken()))
        .layer(from_fn_with_state(watchdog, watch))
}

async fn watch(State(watchdog): State<Watchdog>, request: Request, next: Next) -> Response {
    // The pattern, never the path: a path can hold a survey's secret.
    let route = request
        .extensions()
        .get::<MatchedPath>()
        .map_or("unknown".to_owned(), |path| path.as_str().to_owned());
    let began = SystemClock.monotonic();
    let mut response = answer(&watchdog, request, next).await;
    let labels = [
        ("listener", watchdog.listener.to_owned()),
        ("route", route),
        ("status", response.status().as_str().to_owned()),
    ];
    metrics::counter!("lotse_http_requests_total", &labels).increment(1);
    metrics::histogram!("lotse_http_request_seconds", &labels).record(began.elapsed());
    let nosniff = HeaderValue::from_static("nosniff");
    response
        .headers_mut()
        .insert(header::X_CONTENT_TYPE_OPTIONS, nosniff);
    response
}

async fn answer(watchdog: &Watchdog, request: Request, next: Next) -> Response {
    let Ok(_place) = watchdog.places.try_acquire() else {
        let after = Duration::from_secs(1);
        let status = StatusCode::SERVICE_UNAVAILABLE;
        return Refusal::busy(status, ErrorReason::Overloaded, after).into_response();
    };
    // Reading the body is within; what a stream sends after its head is not.
    match tokio::time::timeout(watchdog.timeout, next.run(request)).await {
        Ok(response) => response,
        Err(_elapsed) => Refusal::new(
            StatusCode::REQUEST_TIMEOUT,
            ErrorReason::DeadlineExceeded,
            "the request took too long",
        )
        .into_response(),
    }
}

/// The panic's own words went to the log through the panic hook.
fn broken() -> Response {
    tracing::error!("a request's handler panicked");
    metrics::counter!("lotse_http_panics_total").increment(1);
    Refusal::new(
        StatusCode::INTERNAL_SERVER_ERROR,
        ErrorReason::Internal,
        "internal error",
    )
    .into_response()
}
