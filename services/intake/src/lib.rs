//! Intake: tickets, messages and requesters, and the journal as a feed for outsiders.
//!
//! [`domain`] holds the rules (the life of a ticket above all), `store` the tables, `app` the use
//! cases, `wire` the conversion between messages and domain, `api` the gRPC services and `jobs`
//! the background work. [`build`] puts them together.
//!
//! Names, addresses and texts live in this service's tables and nowhere else.

mod api;
mod app;
mod config;
pub mod domain;
mod error;
mod jobs;
mod store;
mod wire;

use std::sync::Arc;

use lotse_clock::BusinessClock;
use lotse_db::Db;
use lotse_grpc::{Service, tuned};
use lotse_journal::Journal;
use lotse_proto::intake::v1::event_service_server::EventServiceServer;
use lotse_proto::intake::v1::requester_service_server::RequesterServiceServer;
use lotse_proto::intake::v1::ticket_service_server::TicketServiceServer;
use lotse_supervise::Supervisor;
use lotse_timers::{TimerStore, Worker};

use app::{GroupCommit, Intake};

pub use config::Config;
pub use error::Error;
pub use store::migrations;

/// What intake stands on.
#[derive(Clone)]
pub struct Deps {
    /// The database, migrated.
    pub db: Db,
    /// The clock that stamps tickets.
    pub clock: BusinessClock,
    /// The journal in that database.
    pub journal: Journal,
    /// The index of what closes itself.
    pub timers: Arc<dyn TimerStore>,
    /// Runs the transactions that concurrent creations share, so that none of their callers does.
    pub supervisor: Supervisor,
}

/// The service: TicketService, RequesterService and EventService, and its jobs.
pub fn build(deps: Deps, config: Config) -> Service {
    let Deps {
        db,
        clock,
        journal,
        timers,
        supervisor,
    } = deps;
    let closing = jobs::Closing {
        journal: journal.clone(),
        clock: clock.clone(),
        rules: config.rules(),
    };
    let worker = Worker::new(
        Arc::clone(&timers),
        clock.clone(),
        app::QUEUE,
        Arc::new(closing),
    );
    let projection = journal.consumer_job(Arc::new(jobs::Assignments));
    let creations = GroupCommit::new(journal.clone(), supervisor, config.clone());
    let intake = Arc::new(Intake {
        db,
        clock,
        journal,
        timers,
        creations,
        config,
    });
    Service::new("intake")
        .add(tuned!(TicketServiceServer::new(api::TicketApi(
            Arc::clone(&intake)
        ))))
        .add(tuned!(RequesterServiceServer::new(api::RequesterApi(
            Arc::clone(&intake)
        ))))
        .add(tuned!(EventServiceServer::new(api::EventApi(intake))))
        .job(projection)
        .job(Arc::new(worker))
}
