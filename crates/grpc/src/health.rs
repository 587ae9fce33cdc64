//! Health v1 (`grpc.health.v1`): overall, per service of the suite, and per gRPC service.

use std::collections::BTreeMap;
use std::sync::Arc;

use async_trait::async_trait;
use futures::StreamExt as _;
use futures::stream::BoxStream;
use lotse_errors::Error;
use tokio::sync::watch;
use tokio_stream::wrappers::WatchStream;
use tonic::{Request, Response, Status};
use tonic_health::pb::health_check_response::ServingStatus;
use tonic_health::pb::health_server::Health;
use tonic_health::pb::{HealthCheckRequest, HealthCheckResponse};

use crate::Service;

/// The name that is served as long as the process answers at all. A liveness probe asks for it: a
/// database that is away makes services not ready, which no restart mends.
pub const LIVE: &str = "live";

/// Whether services are ready. Nothing is until somebody says so; once draining, nothing is again.
/// Clones share it.
#[derive(Debug, Clone)]
pub struct Readiness {
    state: Arc<watch::Sender<State>>,
}

#[derive(Debug, Clone, Default)]
struct State {
    /// Ready or not, by the service's name.
    ready: BTreeMap<&'static str, bool>,
    /// The service that each gRPC service belongs to.
    owners: BTreeMap<&'static str, &'static str>,
    draining: bool,
}

impl State {
    /// `None` for a name nobody serves; the empty name is the whole server.
    fn serving(&self, name: &str) -> Option<bool> {
        let ready = match name {
            LIVE => return Some(true),
            "" => self.ready.values().all(|ready| *ready),
            name => *self
                .ready
                .get(self.owners.get(name).copied().unwrap_or(name))?,
        };
        Some(ready && !self.draining)
    }

    fn status(&self, name: &str) -> ServingStatus {
        match self.serving(name) {
            Some(true) => ServingStatus::Serving,
            Some(false) => ServingStatus::NotServing,
            None => ServingStatus::ServiceUnknown,
        }
    }
}

impl Readiness {
    pub(crate) fn of(services: &[Service]) -> Self {
        let mut state = State::default();
        for service in services {
            state.ready.insert(service.name, false);
            state.owners.extend(
                service
                    .grpc_names()
                    .iter()
                    .map(|name| (*name, service.name)),
            );
        }
        Self {
            state: Arc::new(watch::Sender::new(state)),
        }
    }

    /// Says whether `service` (`intake`) is ready. Other names are ignored.
    pub fn set(&self, service: &str, ready: bool) {
        self.state
            .send_if_modified(|state| match state.ready.get_mut(service) {
                Some(now) => std::mem::replace(now, ready) != ready,
                None => false,
            });
    }

    /// Says whether all services are ready.
    pub fn set_all(&self, ready: bool) {
        self.state.send_if_modified(|state| {
            let changed = state.ready.values().any(|now| *now != ready);
            state.ready.values_mut().for_each(|now| *now = ready);
            changed
        });
    }

    /// Whether everything is ready.
    pub fn is_ready(&self) -> bool {
        self.state.borrow().serving("").unwrap_or(false)
    }

    pub(crate) fn drain(&self) {
        self.state.send_modify(|state| state.draining = true);
    }
}

fn answer(status: ServingStatus) -> HealthCheckResponse {
    HealthCheckResponse {
        status: status.into(),
    }
}

#[async_trait]
impl Health for Readiness {
    async fn check(
        &self,
        request: Request<HealthCheckRequest>,
    ) -> Result<Response<HealthCheckResponse>, Status> {
        let HealthCheckRequest { service } = request.into_inner();
        match self.state.borrow().status(&service) {
            ServingStatus::ServiceUnknown => Err(Error::not_found("service", service).into()),
            status => Ok(Response::new(answer(status))),
        }
    }

    type WatchStream = BoxStream<'static, Result<HealthCheckResponse, Status>>;

    async fn watch(
        &self,
        request: Request<HealthCheckRequest>,
    ) -> Result<Response<Self::WatchStream>, Status> {
        let HealthCheckRequest { service } = request.into_inner();
        let mut last = None;
        let changes = WatchStream::new(self.state.subscribe())
            .map(move |state| state.status(&service))
            .filter(move |status| std::future::ready(last.replace(*status) != Some(*status)))
            .map(|status| Ok(answer(status)));
        Ok(Response::new(changes.boxed()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_process_that_is_not_ready_is_alive() {
        let readiness = Readiness::of(&[Service::new("sla")]);
        let serving = |name| readiness.state.borrow().serving(name);
        assert_eq!(serving("sla"), Some(false));
        assert_eq!(serving(LIVE), Some(true));
        readiness.set_all(true);
        readiness.drain();
        assert_eq!(serving("sla"), Some(false));
        assert_eq!(serving(LIVE), Some(true));
        assert_eq!(serving("nobody"), None);
    }
}
