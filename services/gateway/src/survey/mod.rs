//! The public door: the hosted survey page and its JSON form.
//!
//! `GET /s/{token}` shows the form, whatever its query asks: mail scanners open every link. Only a
//! submitted form (`POST /s/{token}`) or its JSON twin (`POST /s/{token}/answer`) is an answer.
//! The token in the path is the whole secret, so there is no session to forge a request with.

mod address;
mod form;
mod json;
mod language;
mod limit;
mod page;
mod words;

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::{ConnectInfo, DefaultBodyLimit, RawPathParams, Request, State};
use axum::middleware::{Next, from_fn, from_fn_with_state};
use axum::response::{IntoResponse as _, Response};
use axum::routing::{get, post};
use http::{HeaderName, HeaderValue, Method, StatusCode, header};
use lotse_client::Channel;
use lotse_errors::ErrorReason;
use lotse_proto::survey::v1::survey_service_client::SurveyServiceClient;
use tower_http::cors::CorsLayer;

use crate::Config;
use crate::refusal::Refusal;
use limit::Limiter;

/// Largest body taken, in bytes: a comment of 4,000 bytes in the least favourable encoding fits.
const MAX_BODY: usize = 16 * 1024;

/// Time for one call to the survey service.
const CALL: Duration = Duration::from_secs(5);

/// What the handlers share.
#[derive(Clone)]
struct Door {
    survey: SurveyServiceClient<Channel>,
}

/// What is counted against whom.
#[derive(Clone)]
struct Quota {
    addresses: Arc<Limiter>,
    links: Arc<Limiter>,
    trusted_proxies: usize,
}

/// The routes of the public listener.
pub fn routes(survey: Channel, config: &Config) -> Router {
    let door = Door {
        survey: SurveyServiceClient::new(survey),
    };
    let quota = Quota {
        addresses: Arc::new(Limiter::new(config.requests_per_address)),
        links: Arc::new(Limiter::new(config.requests_per_link)),
        trusted_proxies: config.trusted_proxies,
    };
    let page = Router::new()
        .route("/s/{token}", get(form::show).post(form::submit))
        .layer(from_fn_with_state(quota.clone(), pages_within_quota));
    let json = Router::new()
        .route("/s/{token}/answer", post(json::submit))
        .layer(from_fn_with_state(quota, json_within_quota));
    // Outside of the quota, so that a script may read that it was refused.
    let json = match cors(config) {
        Some(cors) => json.layer(cors),
        None => json,
    };
    page.merge(json)
        .layer(DefaultBodyLimit::max(MAX_BODY))
        .layer(from_fn(protect))
        .with_state(door)
}

/// Scripts of other pages may answer only where they are configured; without a layer a browser
/// lets no other page read or send JSON here.
fn cors(config: &Config) -> Option<CorsLayer> {
    if config.cors_origins.is_empty() {
        return None;
    }
    let origins: Vec<_> = config.cors_origins.iter().map(|it| it.header()).collect();
    let layer = CorsLayer::new()
        .allow_origin(origins)
        .allow_methods([Method::POST])
        .allow_headers([header::CONTENT_TYPE])
        .max_age(Duration::from_secs(3600));
    Some(layer)
}

/// A link is a secret: nothing is kept, indexed, framed or told to the next page.
async fn protect(request: Request, next: Next) -> Response {
    let mut response = next.run(request).await;
    let headers = response.headers_mut();
    let fixed = [
        (header::CACHE_CONTROL, "no-store"),
        (header::REFERRER_POLICY, "no-referrer"),
        (HeaderName::from_static("x-robots-tag"), "noindex, nofollow"),
        (
            HeaderName::from_static("cross-origin-opener-policy"),
            "same-origin",
        ),
        (
            HeaderName::from_static("permissions-policy"),
            "camera=(), geolocation=(), microphone=()",
        ),
    ];
    for (name, value) in fixed {
        headers.insert(name, HeaderValue::from_static(value));
    }
    headers.insert(header::CONTENT_SECURITY_POLICY, page::policy());
    response
}

async fn pages_within_quota(
    State(quota): State<Quota>,
    params: RawPathParams,
    request: Request,
    next: Next,
) -> Response {
    match quota.check(&params, &request) {
        Ok(()) => next.run(request).await,
        Err(refusal) => page::refused(&refusal, language::own(request.headers())),
    }
}

async fn json_within_quota(
    State(quota): State<Quota>,
    params: RawPathParams,
    request: Request,
    next: Next,
) -> Response {
    match quota.check(&params, &request) {
        Ok(()) => next.run(request).await,
        Err(refusal) => refusal.into_response(),
    }
}

impl Quota {
    fn check(&self, params: &RawPathParams, request: &Request) -> Result<(), Refusal> {
        let connected = request.extensions().get::<ConnectInfo<_>>();
        let address = address::of(request.headers(), connected, self.trusted_proxies);
        let link = params.iter().find(|(name, _)| *name == "token");
        self.addresses
            .take(&address)
            .and_then(|()| link.map_or(Ok(()), |(_, token)| self.links.take(token)))
            .map_err(|wait| {
                metrics::counter!("lotse_http_over_quota_total").increment(1);
                let status = StatusCode::TOO_MANY_REQUESTS;
                Refusal::busy(status, ErrorReason::QuotaExceeded, wait)
            })
    }
}

/// Whether a token can be one at all; what cannot is not worth a call.
fn plausible(token: &str) -> bool {
    (1..=200).contains(&token.len()) && token.bytes().all(|byte| byte.is_ascii_graphic())
}

/// The refusal of a link that leads nowhere.
fn unknown_link() -> Refusal {
    let reason = ErrorReason::ResourceNotFound;
    Refusal::new(
        StatusCode::NOT_FOUND,
        reason,
        "there is no such survey link",
    )
}
