//! The routing service: the right person the first time.
//!
//! Routing knows every ticket by the journal ([`jobs`]), leads it to a group and to the best agent
//! who is online with room ([`domain`]), and records why. [`app`] holds the use cases, one
//! transaction each; [`store`] the tables; [`api`] the gRPC services of `lotse.routing.v1`.
//!
//! However many replicas run, no agent automatically goes over capacity and no ticket has two
//! owners: the transaction that assigns holds the ticket's row and takes the room in the agent's
//! row with a statement that checks it.

mod api;
mod app;
mod config;
mod domain;
mod error;
mod jobs;
pub mod simulation;
mod store;

use std::sync::Arc;

use lotse_clock::BusinessClock;
use lotse_db::Db;
use lotse_grpc::{Service, tuned};
use lotse_journal::Journal;
use lotse_proto::routing::v1::agent_service_server::AgentServiceServer;
use lotse_proto::routing::v1::coverage_service_server::CoverageServiceServer;
use lotse_proto::routing::v1::duty_service_server::DutyServiceServer;
use lotse_proto::routing::v1::routing_service_server::RoutingServiceServer;
use lotse_proto::routing::v1::workflow_service_server::WorkflowServiceServer;
use lotse_timers::{TimerStore, Worker};
use sea_orm_migration::MigrationTrait;

pub use config::{Config, Mode};
pub use domain::learning;

use api::Api;
use app::App;
use jobs::dispatcher::Dispatcher;
use jobs::presence::{PRESENCE_QUEUE, Presences};

/// What the service stands on.
#[derive(Clone)]
pub struct Deps {
    /// The database.
    pub db: Db,
    /// Stamps events and decides what is due.
    pub clock: BusinessClock,
    /// The journal in that database.
    pub journal: Journal,
    /// The index of what is due.
    pub timers: Arc<dyn TimerStore>,
}

/// The service: gRPC and background jobs.
pub fn build(deps: Deps, config: Config) -> Service {
    let Deps {
        db,
        clock,
        journal,
        timers,
    } = deps;
    let automatic = config.mode == Mode::Automatic;
    let tracker = jobs::tracker::Tracker::new(config.policy());
    let app = Arc::new(App::new(
        db,
        clock.clone(),
        journal.clone(),
        timers.clone(),
        tracker,
        config,
    ));
    let api = Api::new(app.clone());
    let presences = Arc::new(Presences::new(app.clone()));
    let service = Service::new("routing")
        .add(tuned!(WorkflowServiceServer::new(api.clone())))
        .add(tuned!(AgentServiceServer::new(api.clone())))
        .add(tuned!(DutyServiceServer::new(api.clone())))
        .add(tuned!(CoverageServiceServer::new(api.clone())))
        .add(tuned!(RoutingServiceServer::new(api)))
        .job(journal.consumer_job(app.tracker()))
        .job(Arc::new(Worker::new(
            timers,
            clock,
            PRESENCE_QUEUE,
            presences,
        )));
    if automatic {
        service.job(Arc::new(Dispatcher::new(app)))
    } else {
        service
    }
}

/// The schema of the service's tables.
pub fn migrations() -> Vec<Box<dyn MigrationTrait>> {
    store::migrations::all()
}
