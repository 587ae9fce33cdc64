//! Work that ends by itself.

use std::future::pending;

use tracing::Instrument as _;

/// Runs a short, bounded piece of work in a task of its own, to its end even if the caller stops
/// asking for it or goes away.
///
/// For work that holds something others need, such as a connection, under a caller that may be
/// polled once and then not for a long time: a stream is, by whoever reads it slowly.
#[allow(
    clippy::disallowed_methods,
    reason = "it ends by itself, so there is nothing to supervise"
)]
pub async fn to_its_end<T: Send + 'static>(work: impl Future<Output = T> + Send + 'static) -> T {
    match tokio::spawn(work.in_current_span()).await {
        Ok(value) => value,
        Err(error) => match error.try_into_panic() {
            Ok(panic) => std::panic::resume_unwind(panic),
            // The runtime ends, and the caller with it.
            Err(_) => pending().await,
        },
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use futures::FutureExt as _;
    use tokio::sync::{Mutex, Notify};

    use super::*;

    #[tokio::test]
    async fn what_was_begun_ends_although_nobody_asks_again() {
        let (held, go) = (Arc::new(Mutex::new(())), Arc::new(Notify::new()));
        let work = {
            let (held, go) = (held.clone(), go.clone());
            to_its_end(async move {
                let _guard = held.lock().await;
                go.notified().await;
            })
        };
        tokio::pin!(work);
        assert!(work.as_mut().now_or_never().is_none());
        tokio::task::yield_now().await;
        assert!(held.try_lock().is_err(), "it has begun");
        go.notify_one();
        // Comes free without another poll of the work.
        drop(held.lock().await);
    }

    #[tokio::test]
    #[should_panic(expected = "from within")]
    async fn a_panic_is_the_callers() {
        to_its_end(async { panic!("from within") }).await
    }
}
