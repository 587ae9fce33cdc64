//! Puts a router behind a listener and takes it down in order.

use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use axum::{Extension, Router};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

/// What is still being answered when a shutdown begins gets this long.
const DRAIN: Duration = Duration::from_secs(10);

/// Cancelled when the listener stops, so that streams end by themselves: a connection with an open
/// stream never becomes idle.
#[derive(Clone, Debug, Default)]
pub struct Stopping(pub CancellationToken);

/// Serves `router` on `listener` until `shutdown`; then running requests end, streams are ended,
/// and after ten seconds whatever is left is cut off.
///
/// # Errors
/// When the listener is not usable.
pub async fn serve(
    listener: TcpListener,
    router: Router,
    shutdown: impl Future<Output = ()> + Send + 'static,
) -> io::Result<()> {
    let stopping = CancellationToken::new();
    let app = router
        .layer(Extension(Stopping(stopping.clone())))
        .into_make_service_with_connect_info::<SocketAddr>();
    let began = stopping.clone();
    let serving = axum::serve(listener, app).with_graceful_shutdown(async move {
        shutdown.await;
        stopping.cancel();
    });
    tokio::select! {
        ended = serving.into_future() => ended,
        () = async { began.cancelled().await; tokio::time::sleep(DRAIN).await } => {
            tracing::warn!(within = ?DRAIN, "requests were cut off by the shutdown");
            Ok(())
        }
    }
}
