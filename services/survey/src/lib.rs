//! Asks requesters how it went, and reports what they said.
//!
//! A solved ticket triggers an invitation ([`jobs`] follows the journal), which is made after the
//! survey's delay unless a cap or a reopening says otherwise ([`domain`]). The link carries a
//! keyed token ([`link`]). Only a submitted form is an answer; reading the page never is.

pub mod api;
pub mod app;
pub mod domain;
mod error;
pub mod jobs;
pub mod link;
pub mod store;

use std::sync::Arc;

use lotse_clock::BusinessClock;
use lotse_db::Db;
use lotse_grpc::{Service, tuned};
use lotse_journal::{Consumer, Journal};
use lotse_proto::survey::v1::survey_service_server::SurveyServiceServer;
use lotse_timers::{TimerStore, Worker};

pub use error::Error;
pub use link::{KeyError, LinkKey, LinkKeys};
pub use store::migrations::migrations;

/// What the service needs.
pub struct Deps {
    /// The database.
    pub db: Db,
    /// Stamps answers and decides what is due.
    pub clock: BusinessClock,
    /// The journal.
    pub journal: Journal,
    /// Where timers are armed.
    pub timers: Arc<dyn TimerStore>,
    /// What signs the links.
    pub links: LinkKeys,
}

/// How the service behaves.
#[derive(Clone, Debug, serde::Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// Whether to follow tickets and ask about solved ones. Off for a replay of history.
    pub ask: bool,
}

impl Default for Config {
    fn default() -> Self {
        Self { ask: true }
    }
}

/// The service, ready to be served.
pub fn build(deps: Deps, config: &Config) -> Service {
    let Deps {
        db,
        clock,
        journal,
        timers,
        links,
    } = deps;
    let follow: Arc<dyn Consumer> = Arc::new(jobs::consumer::Follow::new(timers.clone()));
    let app = app::App {
        db,
        clock: clock.clone(),
        journal: journal.clone(),
        timers: timers.clone(),
        links,
        follow: follow.clone(),
    };
    let service =
        Service::new("survey").add(tuned!(SurveyServiceServer::new(api::Api(app.clone()))));
    if !config.ask {
        return service;
    }
    let due = Arc::new(jobs::timers::Due::new(app));
    service
        .job(journal.consumer_job(follow))
        .job(Arc::new(Worker::new(timers, clock, app::QUEUE, due)))
}
