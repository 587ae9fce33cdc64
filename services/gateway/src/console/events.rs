//! The stream of snapshots to one browser, as server-sent events.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use axum::Extension;
use axum::extract::State;
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{IntoResponse as _, Response};
use futures::stream;
use http::{HeaderMap, HeaderValue, StatusCode, header};
use lotse_errors::ErrorReason;

use crate::Stopping;
use crate::console::{Board, Viewer};
use crate::refusal::Refusal;

/// A browser that lost its stream connects again after this.
const RETRY: Duration = Duration::from_secs(2);

/// Keeps proxies from closing a stream whose snapshots are held up.
const KEEP_ALIVE: Duration = Duration::from_secs(15);

struct Stream {
    viewer: Viewer,
    stopping: Stopping,
    /// Id of the last snapshot that the browser has.
    seen: Option<String>,
}

/// `GET /events`: the latest snapshot at once and then each new one. Each is whole, so a browser
/// that reconnects with `Last-Event-ID` has missed nothing; it is not sent what it has.
pub(super) async fn stream(
    State(board): State<Arc<Board>>,
    stopping: Option<Extension<Stopping>>,
    headers: HeaderMap,
) -> Result<Response, Refusal> {
    let Some(viewer) = board.join() else {
        let status = StatusCode::SERVICE_UNAVAILABLE;
        return Err(Refusal::busy(status, ErrorReason::Overloaded, RETRY));
    };
    let seen = headers.get("last-event-id");
    let stream = Stream {
        viewer,
        stopping: stopping.map(|Extension(it)| it).unwrap_or_default(),
        seen: seen.and_then(|id| id.to_str().ok()).map(str::to_owned),
    };
    let events = stream::unfold(stream, |mut stream| async move {
        let event = stream.next().await?;
        Some((Ok::<_, Infallible>(event), stream))
    });
    let keep_alive = KeepAlive::new().interval(KEEP_ALIVE);
    let mut response = Sse::new(events).keep_alive(keep_alive).into_response();
    let headers = response.headers_mut();
    let no_store = HeaderValue::from_static("no-store");
    headers.insert(header::CACHE_CONTROL, no_store);
    // nginx would hold events back until a buffer is full.
    headers.insert("x-accel-buffering", HeaderValue::from_static("no"));
    Ok(response)
}

impl Stream {
    /// The next snapshot; `None` when the server stops.
    async fn next(&mut self) -> Option<Event> {
        loop {
            let frame = self.viewer.frames.borrow_and_update().clone();
            if let Some(frame) = frame
                && self.seen.as_ref() != Some(&frame.id)
            {
                self.seen = Some(frame.id.clone());
                let event = Event::default().event("snapshot").id(&frame.id);
                return Some(event.retry(RETRY).data(&frame.json));
            }
            tokio::select! {
                changed = self.viewer.frames.changed() => changed.ok()?,
                () = self.stopping.0.cancelled() => return None,
            }
        }
    }
}
