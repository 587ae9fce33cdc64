//! Keeps time on what was promised: policies, calendars, and the clocks of every ticket.
//!
//! The journal tells what happens to tickets ([`jobs`] follows it), the pure state machine in
//! [`domain`] says what that does to their clocks, [`app`] makes both one transaction per batch,
//! and a timer per ticket fires warnings and breaches at the instant they are due.

pub mod api;
pub mod app;
mod config;
pub mod courier;
pub mod domain;
mod error;
pub mod jobs;
pub mod notification;
pub mod settings;
pub mod store;
pub mod vault;
mod wire;

use std::sync::Arc;

use lotse_client::Channel;
use lotse_clock::BusinessClock;
use lotse_db::Db;
use lotse_grpc::{Service, tuned};
use lotse_journal::Journal;
use lotse_proto::sla::v1::alert_service_server::AlertServiceServer;
use lotse_proto::sla::v1::sla_service_server::SlaServiceServer;
use lotse_timers::{DueRows, TimerStore, Worker};

pub use config::{Config, Notifications};
pub use error::Error;
pub use store::migrations::migrations;

use app::actions::{self, Actions};
use app::alerts::ask::Ask;
use app::alerts::{self, Alerts};
use app::catalogs::Catalogs;
use app::forecast::Learning;
use app::keeper::{Keeper, QUEUE};
use courier::Courier;
use jobs::alerts::{DueActions, DueAlerts};
use jobs::deliveries::{Outbox, Wake};

/// What the service needs.
pub struct Deps {
    /// The database.
    pub db: Db,
    /// Decides what is due.
    pub clock: BusinessClock,
    /// The journal.
    pub journal: Journal,
    /// Where timers are armed.
    pub timers: Arc<dyn TimerStore>,
    /// The services it calls.
    pub peers: Peers,
}

/// The services it calls: to find out whom to tell, and to act on tickets.
#[derive(Clone)]
pub struct Peers {
    /// Takes tickets in.
    pub intake: Channel,
    /// Gives them to people.
    pub routing: Channel,
}

impl Peers {
    /// All of them behind one address.
    pub fn all(channel: &Channel) -> Self {
        Self {
            intake: channel.clone(),
            routing: channel.clone(),
        }
    }
}

/// The use cases behind the gRPC service. Cheap to clone.
#[derive(Clone)]
pub struct App {
    db: Db,
    clock: BusinessClock,
    journal: Journal,
    catalogs: Catalogs,
    courier: Arc<Courier>,
    outbox: Wake,
    alerts: Alerts,
    peers: Peers,
    learning: Learning,
}

/// The service, ready to be served.
pub fn build(deps: Deps, config: Config) -> Service {
    let Config { notifications } = config;
    let Deps {
        db,
        clock,
        journal,
        timers,
        peers,
    } = deps;
    let catalogs = Catalogs::default();
    let keeper = Keeper::new(catalogs.clone(), clock.clone(), timers.clone());
    let follow = Arc::new(jobs::consumer::Follow::new(keeper.clone()));
    let alerts = keeper.alerts().clone();
    let due = jobs::timers::Due::new(db.clone(), journal.clone(), keeper, follow.clone());
    let rebases = jobs::rebase::Rebases::new(journal.clone(), catalogs.clone(), follow.clone());
    let due_alerts = DueAlerts::new(
        db.clone(),
        clock.clone(),
        journal.clone(),
        alerts.clone(),
        Ask::new(&peers.routing),
        follow.clone(),
    );
    let actions = Actions::new(clock.clone(), alerts.clone(), &peers);
    let due_actions = DueActions::new(db.clone(), journal.clone(), alerts.clone(), actions);
    let follower = journal.consumer_job(follow);
    let (sender, vault) = (notifications.sender(), notifications.vault());
    let courier = Courier::new(&clock, sender, vault, notifications.retry());
    let courier = Arc::new(courier);
    let wake = alerts.outbox().clone();
    let (sends, woken) = (courier.clone(), wake.clone());
    let outbox = Outbox::new(db.clone(), clock.clone(), sends, woken, &notifications);
    let worker = |queue: &str, rows: Arc<dyn DueRows>| {
        Arc::new(Worker::new(timers.clone(), clock.clone(), queue, rows))
    };
    let workers = [
        worker(QUEUE, Arc::new(due)),
        worker(alerts::QUEUE, Arc::new(due_alerts)),
        worker(actions::QUEUE, Arc::new(due_actions)),
    ];
    let app = App {
        db,
        clock,
        journal,
        catalogs,
        courier,
        outbox: wake,
        alerts,
        peers,
        learning: Learning::default(),
    };
    let service = Service::new("sla")
        .add(tuned!(SlaServiceServer::new(api::Api(app.clone()))))
        .add(tuned!(AlertServiceServer::new(api::Api(app))))
        .job(follower)
        .job(Arc::new(rebases))
        .job(Arc::new(outbox));
    workers
        .into_iter()
        .fold(service, |service, worker| service.job(worker))
}
