//! The only door for HTTP, on two listeners.
//!
//! The public one ([`survey`]) is for requesters: the hosted survey page and its JSON form. The
//! internal one ([`console`], [`operations`]) is for the team and the operators: the console with
//! its one stream of snapshots, metrics, probes. Inward everything is gRPC; the gateway owns no
//! tables, and a gRPC error becomes an HTTP one in [`mod@refusal`] only.

mod config;
pub mod console;
pub mod operations;
pub mod refusal;
mod serve;
pub mod survey;
mod watchdog;

use std::sync::Arc;

use axum::Router;
use lotse_auth::Authenticator;
use lotse_client::Channel;
use lotse_clock::BusinessClock;
use lotse_grpc::{Readiness, Service};
use lotse_supervise::Job;
use lotse_telemetry::Metrics;

pub use config::{Config, Origin, Zone};
pub use serve::{Stopping, serve};

/// The services it calls. Channels are cheap to clone; all may lead to one address.
#[derive(Clone, Debug)]
pub struct Peers {
    /// `intake`
    pub intake: Channel,
    /// `routing`
    pub routing: Channel,
    /// `sla`
    pub sla: Channel,
    /// `survey`
    pub survey: Channel,
    /// `insight`
    pub insight: Channel,
}

impl Peers {
    /// All services behind one channel, as in `lotse up`.
    pub fn all(channel: &Channel) -> Self {
        Self {
            intake: channel.clone(),
            routing: channel.clone(),
            sla: channel.clone(),
            survey: channel.clone(),
            insight: channel.clone(),
        }
    }
}

/// What the gateway needs.
pub struct Deps {
    /// The services it calls.
    pub peers: Peers,
    /// Ages and periods are counted by it.
    pub clock: BusinessClock,
    /// What `/metrics` shows; without it there is no such path.
    pub metrics: Option<Metrics>,
}

/// The gateway, ready to be served.
pub struct Gateway {
    peers: Peers,
    config: Config,
    metrics: Option<Metrics>,
    auth: Authenticator,
    readiness: Option<Readiness>,
    board: Arc<console::Board>,
    snapshots: Arc<dyn Job>,
}

/// Puts the gateway together. Without [`Gateway::authenticated_by`] the console answers on
/// loopback only.
pub fn build(deps: Deps, config: Config) -> Gateway {
    let Deps {
        peers,
        clock,
        metrics,
    } = deps;
    let board = Arc::new(console::Board::new(config.max_viewers));
    let snapshots = console::Snapshots::new(&peers, clock, &config, Arc::clone(&board));
    Gateway {
        peers,
        config,
        metrics,
        auth: Authenticator::local(),
        readiness: None,
        board,
        snapshots: Arc::new(snapshots),
    }
}

impl Gateway {
    /// Lets callers of the console show a token, as callers of gRPC do; then it may listen on any
    /// address. Its listener is to be checked by [`lotse_auth::require_auth_or_loopback`].
    #[must_use]
    pub fn authenticated_by(self, auth: Authenticator) -> Self {
        Self { auth, ..self }
    }

    /// Lets `/readyz` say what `readiness` says; without it the gateway is ready as soon as it
    /// listens.
    #[must_use]
    pub fn watching(self, readiness: Readiness) -> Self {
        Self {
            readiness: Some(readiness),
            ..self
        }
    }

    /// What the internal listener serves: the console, metrics, probes.
    pub fn internal(&self) -> Router {
        let console = console::routes(Arc::clone(&self.board), self.auth.clone());
        let operations = operations::routes(self.metrics.clone(), self.readiness.clone());
        watchdog::around(console.merge(operations), "internal", &self.config)
    }

    /// What the public listener serves: survey pages.
    pub fn public(&self) -> Router {
        let survey = survey::routes(self.peers.survey.clone(), &self.config);
        watchdog::around(survey, "public", &self.config)
    }

    /// The background job: it makes the console's snapshots while somebody watches.
    pub fn jobs(&self) -> Vec<Arc<dyn Job>> {
        vec![Arc::clone(&self.snapshots)]
    }

    /// The gateway as a service without gRPC methods: its jobs, and health on the gRPC port.
    pub fn service(&self) -> Service {
        self.jobs()
            .into_iter()
            .fold(Service::new("gateway"), Service::job)
    }
}
