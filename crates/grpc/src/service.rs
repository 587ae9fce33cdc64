//! One service of the suite, ready to be served.

use std::convert::Infallible;
use std::fmt;
use std::sync::Arc;

use lotse_supervise::Job;
use tonic::body::Body;
use tonic::server::NamedService;
use tonic::service::Routes;

/// Largest message after decompression, in bytes. What arrives over the network is limited further
/// by [`crate::Config::max_message_bytes`]; this one stops small messages that unpack to huge ones.
pub const MAX_DECODED_BYTES: usize = 32 * 1024 * 1024;

/// One service: its gRPC servers and its background jobs.
pub struct Service {
    /// Name of the service: `intake`, `sla`.
    pub name: &'static str,
    /// The background jobs, to be run by a supervisor or stepped by a manual clock.
    pub jobs: Vec<Arc<dyn Job>>,
    pub(crate) routes: Routes,
    pub(crate) grpc_names: Vec<&'static str>,
}

impl Service {
    /// A service that serves nothing yet.
    pub fn new(name: &'static str) -> Self {
        Self {
            name,
            jobs: Vec::new(),
            routes: Routes::default(),
            grpc_names: Vec::new(),
        }
    }

    /// Adds a generated gRPC server; wrap it in [`crate::tuned!`].
    #[must_use]
    #[allow(
        clippy::should_implement_trait,
        reason = "it adds a server, as tonic's builders do, not a number"
    )]
    pub fn add<S>(mut self, server: S) -> Self
    where
        S: tower::Service<http::Request<Body>, Error = Infallible>
            + NamedService
            + Clone
            + Send
            + Sync
            + 'static,
        S::Response: axum::response::IntoResponse,
        S::Future: Send + 'static,
    {
        self.grpc_names.push(S::NAME);
        self.routes = self.routes.add_service(server);
        self
    }

    /// Adds a background job.
    #[must_use]
    pub fn job(mut self, job: Arc<dyn Job>) -> Self {
        self.jobs.push(job);
        self
    }

    /// Full names of its gRPC services, as in `lotse.intake.v1.TicketService`.
    pub fn grpc_names(&self) -> &[&'static str] {
        &self.grpc_names
    }
}

impl fmt::Debug for Service {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let jobs: Vec<&str> = self.jobs.iter().map(|job| job.name()).collect();
        f.debug_struct("Service")
            .field("name", &self.name)
            .field("grpc_names", &self.grpc_names)
            .field("jobs", &jobs)
            .finish_non_exhaustive()
    }
}

/// Gives a generated server the suite's compression and size limits:
/// `Service::new("intake").add(tuned!(TicketServiceServer::new(api)))`.
///
/// A macro, because generated servers share these methods by name only.
#[macro_export]
macro_rules! tuned {
    ($server:expr) => {
        $server
            .accept_compressed(::tonic::codec::CompressionEncoding::Gzip)
            .accept_compressed(::tonic::codec::CompressionEncoding::Zstd)
            .send_compressed(::tonic::codec::CompressionEncoding::Gzip)
            .send_compressed(::tonic::codec::CompressionEncoding::Zstd)
            .max_decoding_message_size($crate::MAX_DECODED_BYTES)
    };
}
