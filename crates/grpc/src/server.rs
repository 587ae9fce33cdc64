//! Puts services behind a listener and takes them down in order.

use std::fmt;
use std::future::Future;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use lotse_auth::Authenticator;
use lotse_clock::SystemClock;
use lotse_supervise::{Job, Supervisor};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use tonic::service::Routes;
use tonic::transport::server::TcpIncoming;
use tonic_health::pb::health_server::HealthServer;

use crate::limit::Limits;
use crate::methods::{Methods, descriptor_sets};
use crate::pipeline::{Shared, Stack};
use crate::{Readiness, Service};

/// How a server serves.
#[derive(Debug, Clone)]
pub struct Config {
    /// Time for a unary call whose caller sets no deadline.
    pub default_deadline: Duration,
    /// Largest message taken, in bytes as sent.
    pub max_message_bytes: usize,
    /// Calls worked on at once, over all connections; more are refused.
    pub max_concurrent_calls: usize,
    /// Streams open at once, over all connections; more are refused.
    pub max_open_streams: usize,
    /// Calls and streams at once on one connection; more wait on the caller's side.
    pub max_per_connection: u32,
    /// Pings on a quiet connection, so that a dead one is noticed.
    pub keepalive_interval: Duration,
    /// Time a ping may take.
    pub keepalive_timeout: Duration,
    /// After this a connection is closed gently, so that callers spread over new replicas.
    pub max_connection_age: Duration,
    /// On shutdown: time between saying "not serving" and refusing connections, for load balancers
    /// to notice. Part of `drain`.
    pub lame_duck: Duration,
    /// The one deadline of a shutdown: running calls, then jobs.
    pub drain: Duration,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            default_deadline: Duration::from_secs(30),
            max_message_bytes: 4 * 1024 * 1024,
            max_concurrent_calls: 1024,
            max_open_streams: 1024,
            max_per_connection: 256,
            keepalive_interval: Duration::from_secs(30),
            keepalive_timeout: Duration::from_secs(10),
            max_connection_age: Duration::from_secs(600),
            lame_duck: Duration::ZERO,
            drain: Duration::from_secs(20),
        }
    }
}

/// Why a server did not start, or did not end well.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    /// These methods have no scope, so nobody could say who may call them.
    #[error("methods without a scope are not served: {}", .0.join(", "))]
    ScopeMissing(Vec<String>),
    /// The reflection service refused the descriptors.
    #[error("the descriptors for reflection are wrong: {0}")]
    Reflection(#[from] tonic_reflection::server::Error),
    /// Authentication is missing for this address.
    #[error(transparent)]
    Open(#[from] lotse_auth::OpenToAll),
    /// The listener has no address.
    #[error("the listener is not usable: {0}")]
    Listener(#[from] io::Error),
    /// Accepting connections failed.
    #[error("serving ended: {0}")]
    Transport(#[from] tonic::transport::Error),
    /// Calls or jobs were still running when the drain's time was over.
    #[error("not all work ended within the drain time of {within:?}: {what}")]
    Unfinished {
        /// The time given.
        within: Duration,
        /// What was still running.
        what: String,
    },
}

/// Services behind one port.
pub struct Server {
    config: Config,
    auth: Authenticator,
    stack: Stack,
    jobs: Vec<Arc<dyn Job>>,
    readiness: Readiness,
    draining: CancellationToken,
}

impl Server {
    /// Puts `services` together with health and reflection.
    ///
    /// # Errors
    /// When a method has no scope, or the descriptors do not fit together.
    pub fn new(
        config: Config,
        auth: Authenticator,
        services: Vec<Service>,
    ) -> Result<Self, ServeError> {
        let names: Vec<&str> = services.iter().flat_map(|s| s.grpc_names.clone()).collect();
        let methods = Methods::of(&names).map_err(ServeError::ScopeMissing)?;
        let readiness = Readiness::of(&services);
        let mut router = Routes::new(HealthServer::new(readiness.clone()))
            .add_service(reflection(&names).build_v1()?)
            .add_service(reflection(&names).build_v1alpha()?)
            .into_axum_router();
        let mut jobs = Vec::new();
        for service in services {
            // Each has the same fallback (UNIMPLEMENTED); a router takes only one.
            router = router.merge(service.routes.into_axum_router().reset_fallback());
            jobs.extend(service.jobs);
        }
        let draining = CancellationToken::new();
        let shared = Shared {
            methods,
            auth: auth.clone(),
            limits: Limits::new(config.max_concurrent_calls, config.max_open_streams),
            draining: draining.clone(),
            config: config.clone(),
        };
        let stack = Stack::new(shared, Routes::from(router));
        Ok(Self {
            config,
            auth,
            stack,
            jobs,
            readiness,
            draining,
        })
    }

    /// Says what is ready; nothing is at first.
    pub fn readiness(&self) -> Readiness {
        self.readiness.clone()
    }

    /// The server without a listener, for calls within the process.
    pub fn stack(&self) -> Stack {
        self.stack.clone()
    }

    /// Takes the jobs out, for a manual clock to step them; otherwise [`Server::serve`] runs them.
    pub fn take_jobs(&mut self) -> Vec<Arc<dyn Job>> {
        std::mem::take(&mut self.jobs)
    }

    /// Serves on a bound listener until `shutdown`, then drains under one deadline: not serving,
    /// running calls end, streams are told to reconnect, jobs stop. Jobs start at once.
    ///
    /// # Errors
    /// Before serving: an address open to all without authentication. After: what did not end in
    /// time.
    pub async fn serve(
        self,
        listener: TcpListener,
        supervisor: &Supervisor,
        shutdown: impl Future<Output = ()> + Send,
    ) -> Result<(), ServeError> {
        lotse_auth::require_auth_or_loopback(listener.local_addr()?, &self.auth)?;
        for job in self.jobs.into_iter().chain(self.auth.job()) {
            supervisor.spawn(job);
        }
        let Config {
            drain, lame_duck, ..
        } = self.config;
        let stop_accepting = CancellationToken::new();
        let serving = transport(&self.config).serve_with_incoming_shutdown(
            self.stack,
            TcpIncoming::from(listener).with_nodelay(Some(true)),
            stop_accepting.clone().cancelled_owned(),
        );
        tokio::pin!(serving);
        tokio::select! {
            ended = &mut serving => return Ok(ended?),
            () = shutdown => {}
        }

        let began = SystemClock.monotonic();
        let left = || drain.saturating_sub(began.elapsed());
        tracing::info!(within = ?drain, "draining");
        self.readiness.drain();
        // Still serving: load balancers keep sending until they have noticed.
        if let Ok(ended) = tokio::time::timeout(lame_duck.min(drain), &mut serving).await {
            return Ok(ended?);
        }
        stop_accepting.cancel();
        self.draining.cancel();
        let calls = tokio::time::timeout(left(), &mut serving).await;
        let jobs = supervisor.shutdown(left()).await;
        let unfinished = match (calls, jobs) {
            (Ok(ended), Ok(())) => return Ok(ended?),
            (Ok(_), Err(jobs)) => jobs.to_string(),
            (Err(_), Ok(())) => "calls".to_owned(),
            (Err(_), Err(jobs)) => format!("calls; {jobs}"),
        };
        Err(ServeError::Unfinished {
            within: drain,
            what: unfinished,
        })
    }
}

impl fmt::Debug for Server {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Server")
            .field("config", &self.config)
            .finish_non_exhaustive()
    }
}

fn transport(config: &Config) -> tonic::transport::Server {
    tonic::transport::Server::builder()
        .http2_keepalive_interval(Some(config.keepalive_interval))
        .http2_keepalive_timeout(Some(config.keepalive_timeout))
        .max_connection_age(config.max_connection_age)
        .max_concurrent_streams(config.max_per_connection)
}

/// Reflection of what is served, and of nothing else.
fn reflection(names: &[&str]) -> tonic_reflection::server::Builder<'static> {
    let mut builder = tonic_reflection::server::Builder::configure();
    for set in descriptor_sets() {
        builder = builder.register_encoded_file_descriptor_set(set);
    }
    for name in names.iter().chain(&[
        "grpc.health.v1.Health",
        "grpc.reflection.v1.ServerReflection",
    ]) {
        builder = builder.with_service_name(*name);
    }
    builder
}
