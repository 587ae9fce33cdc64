//! What every process that serves has in common: listeners, the signal, one shutdown.

use anyhow::Result;
use axum::Router;
use lotse_grpc::{Server, shutdown_signal};
use lotse_supervise::Supervisor;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

/// HTTP on a listener.
pub(crate) struct Page {
    name: &'static str,
    listener: TcpListener,
    router: Router,
}

impl Page {
    /// `router` on `listener`.
    pub(crate) fn new(name: &'static str, listener: TcpListener, router: Router) -> Self {
        Self {
            name,
            listener,
            router,
        }
    }
}

/// A process that serves.
pub(crate) struct Host {
    /// gRPC and the jobs behind it.
    pub(crate) server: Server,
    /// Where gRPC listens.
    pub(crate) grpc: TcpListener,
    /// HTTP beside it.
    pub(crate) pages: Vec<Page>,
    /// Runs what is in the background.
    pub(crate) supervisor: Supervisor,
}

impl Host {
    /// Serves until SIGTERM or Ctrl-C. HTTP ends first, because it calls gRPC.
    pub(crate) async fn run(self) -> Result<()> {
        let ending = CancellationToken::new();
        for Page {
            name,
            listener,
            router,
        } in self.pages
        {
            let ended = ending.clone().cancelled_owned();
            self.supervisor.spawn_draining(name, async move {
                if let Err(error) = lotse_gateway::serve(listener, router, ended).await {
                    tracing::error!(%error, page = name, "HTTP ended");
                }
            });
        }
        let signal = async {
            if let Err(error) = shutdown_signal().await {
                tracing::error!(%error, "cannot wait for signals; ending");
            }
            ending.cancel();
        };
        self.server
            .serve(self.grpc, &self.supervisor, signal)
            .await?;
        Ok(())
    }
}
