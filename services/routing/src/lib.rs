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
pub mod bench;
mod config;
mod domain;
mod error;
mod jobs;
pub mod simulation;
mod store;

use std::sync::Arc;

use lotse_client::Channel;
use lotse_clock::BusinessClock;
use lotse_db::Db;
use lotse_grpc::{Service, tuned};
use lotse_journal::Journal;
use lotse_proto::routing::v1::agent_service_server::AgentServiceServer;
use lotse_proto::routing::v1::coverage_service_server::CoverageServiceServer;
use lotse_proto::routing::v1::duty_service_server::DutyServiceServer;
use lotse_proto::routing::v1::learning_service_server::LearningServiceServer;
use lotse_proto::routing::v1::routing_service_server::RoutingServiceServer;
use lotse_proto::routing::v1::workflow_service_server::WorkflowServiceServer;
use lotse_timers::{TimerStore, Worker};
use sea_orm_migration::MigrationTrait;

pub use config::{Config, Learning, Mode, Reroute, WordSecret};
pub use domain::learning;

use api::Api;
use app::App;
use jobs::dispatcher::Dispatcher;
use jobs::evidence::Collector;
use jobs::keeper::Keeper;
use jobs::learning::{Adviser, Publisher, Reader, Refitter};
use jobs::presence::{PRESENCE_QUEUE, Presences};
use jobs::timers::{ITEMS_QUEUE, Items};

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
    /// The services it calls.
    pub peers: Peers,
}

/// The services it calls: to learn from the words of tickets.
#[derive(Clone)]
pub struct Peers {
    /// Takes tickets in, and knows what they say.
    pub intake: Channel,
}

impl Peers {
    /// All of them behind one address.
    pub fn all(channel: &Channel) -> Self {
        Self {
            intake: channel.clone(),
        }
    }
}

/// The service: gRPC and background jobs.
pub fn build(deps: Deps, config: Config) -> Service {
    let Deps {
        db,
        clock,
        journal,
        timers,
        peers,
    } = deps;
    let learns = config.mode == Mode::Automatic && config.learning.enabled;
    let learning = app::learning::Learning::new(config.learning.clone(), &peers.intake);
    let automatic = config.mode == Mode::Automatic;
    let app = Arc::new(App::new(
        db,
        clock.clone(),
        journal.clone(),
        timers.clone(),
        learning,
        config,
    ));
    let api = Api::new(app.clone());
    let presences = Arc::new(Presences::new(app.clone()));
    let items = Arc::new(Items::new(app.clone()));
    let mut service = Service::new("routing")
        .add(tuned!(WorkflowServiceServer::new(api.clone())))
        .add(tuned!(AgentServiceServer::new(api.clone())))
        .add(tuned!(DutyServiceServer::new(api.clone())))
        .add(tuned!(CoverageServiceServer::new(api.clone())))
        .add(tuned!(LearningServiceServer::new(api.clone())))
        .add(tuned!(RoutingServiceServer::new(api)))
        .job(journal.consumer_job(app.tracker()))
        .job(Arc::new(Keeper::new(app.clone())))
        .job(Arc::new(Worker::new(
            timers.clone(),
            clock.clone(),
            PRESENCE_QUEUE,
            presences,
        )))
        .job(Arc::new(Worker::new(timers, clock, ITEMS_QUEUE, items)));
    if learns {
        let collector = Arc::new(Collector::new(app.learning_came()));
        service = service
            .job(journal.consumer_job(collector))
            .job(Arc::new(Reader(app.clone())))
            .job(Arc::new(Refitter(app.clone())));
    }
    if automatic {
        // Also where nothing is learnt: what the workflow asks must be answered, and what was learnt
        // before does not count any more.
        let service = service
            .job(Arc::new(Adviser(app.clone())))
            .job(Arc::new(Publisher(app.clone())));
        service.job(Arc::new(Dispatcher::new(app)))
    } else {
        service
    }
}

/// The schema of the service's tables.
pub fn migrations() -> Vec<Box<dyn MigrationTrait>> {
    store::migrations::all()
}
