//! The console: the page that a support team looks at all day.
//!
//! One page ([`assets`]), kept up to date over one stream of snapshots per browser ([`events`]). A
//! snapshot is made once, by one job ([`mod@job`]), however many browsers watch, and only while at
//! least one does; they share it over the [`Board`]. What a snapshot holds is in [`snapshot`], who
//! is asked for it in `sources`.

mod assets;
mod board;
mod events;
mod job;
pub mod snapshot;
mod sources;

use std::sync::Arc;

use axum::Router;
use axum::extract::{Request, State};
use axum::middleware::{Next, from_fn, from_fn_with_state};
use axum::response::Response;
use axum::routing::get;
use http::{HeaderName, HeaderValue, header};
use lotse_auth::Authenticator;

use crate::refusal::Refusal;

pub use board::{Board, Frame, Viewer};
pub use job::Snapshots;

/// What a caller needs who comes with a token: the console shows something of each service.
const SCOPES: [&str; 5] = [
    "tickets.read",
    "routing.read",
    "sla.read",
    "surveys.read",
    "insight.read",
];

/// The page's own rights: its own script and style, its own stream, nothing else, and no text ever
/// turned into markup.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; \
    connect-src 'self'; img-src 'self'; base-uri 'none'; form-action 'none'; \
    frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types 'none'";

/// The routes of the console.
pub fn routes(board: Arc<Board>, auth: Authenticator) -> Router {
    Router::new()
        .route("/", get(assets::page))
        .route("/console/{file}", get(assets::file))
        .route("/events", get(events::stream))
        .layer(from_fn(protect))
        .layer(from_fn_with_state(auth, admit))
        .with_state(board)
}

/// Lets in who may read everything; without authentication that is who addresses this machine by a
/// loopback name and comes from no other page.
async fn admit(
    State(auth): State<Authenticator>,
    request: Request,
    next: Next,
) -> Result<Response, Refusal> {
    let host = request.headers().get(header::HOST);
    let host = host.and_then(|host| host.to_str().ok());
    let authority = request.uri().authority().map(http::uri::Authority::as_str);
    // HTTP sends one or the other; a request with neither comes from nowhere we trust.
    let authority = authority.or(host).unwrap_or_default();
    let caller = auth
        .authenticate(Some(authority), request.headers())
        .await?;
    for scope in SCOPES {
        caller.require(scope)?;
    }
    Ok(next.run(request).await)
}

async fn protect(request: Request, next: Next) -> Response {
    let mut response = next.run(request).await;
    let fixed = [
        (header::CONTENT_SECURITY_POLICY, POLICY),
        (header::REFERRER_POLICY, "no-referrer"),
        (
            HeaderName::from_static("cross-origin-opener-policy"),
            "same-origin",
        ),
        (
            HeaderName::from_static("cross-origin-resource-policy"),
            "same-origin",
        ),
    ];
    for (name, value) in fixed {
        let value = HeaderValue::from_static(value);
        response.headers_mut().insert(name, value);
    }
    response
}
