//! Insight: every KPI, defined once, computed from facts that are a projection of the journal.
//!
//! - [`facts`]: how the journal's events become facts, a pure fold.
//! - [`domain`]: how a question is read, and counts become figures.
//! - [`catalogue`]: the metrics and dimensions, each definition beside its formula.
//! - [`store`]: the tables `insight_*`.
//! - [`app`]: answering questions, rebuilding the facts.
//! - [`api`]: the gRPC service. [`jobs`]: the consumer of the journal.

pub mod api;
pub mod app;
pub mod catalogue;
pub mod domain;
mod error;
pub mod facts;
pub mod jobs;
pub mod store;

use std::sync::Arc;

use lotse_clock::BusinessClock;
use lotse_db::Db;
use lotse_grpc::{Service, tuned};
use lotse_journal::Journal;
use lotse_proto::insight::v1::insight_service_server::InsightServiceServer;

pub use app::rebuild;
pub use error::Error;
pub use store::migrations;

/// What insight needs from its surroundings.
#[derive(Clone)]
pub struct Deps {
    /// The database with the facts.
    pub db: Db,
    /// Says what is overdue and what can still change.
    pub clock: BusinessClock,
    /// Where the facts come from.
    pub journal: Journal,
}

/// What can be chosen about insight: nothing yet.
#[derive(Clone, Debug, Default, serde::Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {}

/// The service: its gRPC server and the consumer that keeps the facts.
pub fn build(deps: Deps, config: Config) -> Service {
    let Config {} = config;
    let Deps { db, clock, journal } = deps;
    let api = api::Api::new(app::Insight::new(db, clock));
    Service::new("insight")
        .add(tuned!(InsightServiceServer::new(api)))
        .job(journal.consumer_job(Arc::new(jobs::Projection)))
}
