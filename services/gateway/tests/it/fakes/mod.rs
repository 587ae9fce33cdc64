//! The services that the gateway calls, faked: they answer from a [`World`] in memory, behind the
//! real gRPC pipeline.

mod servers;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use lotse_auth::Authenticator;
use lotse_client::Channel;
use lotse_clock::{BusinessClock, Timestamp};
use lotse_gateway::Peers;
use lotse_grpc::{Config, Server, Service};
use lotse_proto::common::v1::SurveyKind;
use lotse_proto::insight::v1 as insight;
use lotse_proto::intake::v1 as intake;
use lotse_proto::journal::v1 as journal;
use lotse_proto::routing::v1 as routing;
use lotse_proto::sla::v1 as sla;
use lotse_proto::survey::v1 as survey;
use lotse_proto::time;
use tokio::sync::mpsc;

/// What the faked services know.
#[derive(Default)]
pub(crate) struct World {
    /// Services that answer UNAVAILABLE.
    pub(crate) away: BTreeSet<&'static str>,
    /// Intake's open tickets.
    pub(crate) tickets: Vec<intake::Ticket>,
    /// Clocks of the SLA service.
    pub(crate) clocks: Vec<sla::Clock>,
    /// Alerts of the SLA service that are not over, the oldest first, with their steps.
    pub(crate) alerts: Vec<sla::Alert>,
    /// How often an alert's steps were asked for.
    pub(crate) histories: usize,
    /// Routing's load board.
    pub(crate) board: routing::GetQueueStateResponse,
    /// Insight's figures by metric and part.
    pub(crate) figures: BTreeMap<(&'static str, &'static str), insight::Figure>,
    /// Survey's scores by kind.
    pub(crate) scores: BTreeMap<i32, survey::Score>,
    /// Survey's answers, newest first.
    pub(crate) answers: Vec<survey::Answer>,
    /// Survey links by token.
    pub(crate) links: BTreeMap<String, Link>,
    /// How often intake was asked for its queue.
    pub(crate) looks: usize,
    feeds: Vec<mpsc::UnboundedSender<intake::StreamEventsResponse>>,
}

/// A survey link, and what was said through it.
#[derive(Default)]
pub(crate) struct Link {
    /// What the page shows.
    pub(crate) form: survey::Form,
    /// Every answer that was stored, in order; a retry is not one.
    pub(crate) stored: Vec<survey::SubmitAnswerRequest>,
}

impl World {
    /// Appends an event to the feed.
    pub(crate) fn happen(&mut self, event: journal::Event) {
        let item = intake::StreamEventsResponse {
            event: Some(event),
            resume_token: "later".to_owned(),
            caught_up: false,
        };
        self.feeds.retain(|feed| feed.send(item.clone()).is_ok());
    }
}

/// A handle of the world. Clones share it.
#[derive(Clone, Default)]
pub(crate) struct Shared(Arc<Mutex<World>>);

impl Shared {
    /// The world, to be read or changed.
    pub(crate) fn lock(&self) -> MutexGuard<'_, World> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// All faked services behind one channel.
    pub(crate) fn peers(&self, clock: &BusinessClock) -> Peers {
        let server = Server::new(
            Config::default(),
            Authenticator::local(),
            vec![self.service(clock)],
        );
        let server = server.expect("methods with scopes"); // invariant: they are the suite's own
        Peers::all(&Channel::in_process(server.stack()))
    }

    fn service(&self, clock: &BusinessClock) -> Service {
        servers::add_all(Service::new("fakes"), self, clock)
    }
}

/// A time as messages carry it.
pub(crate) fn at(instant: Timestamp) -> Option<prost_types::Timestamp> {
    Some(time::to_proto(instant))
}

/// An open satisfaction survey in English.
pub(crate) fn csat_form() -> survey::Form {
    survey::Form {
        kind: SurveyKind::Csat.into(),
        question: "How satisfied are you with the support you received?".to_owned(),
        language: "en".to_owned(),
        min_score: 1,
        max_score: 5,
        min_label: "Very dissatisfied".to_owned(),
        max_label: "Very satisfied".to_owned(),
        ask_resolved_first_contact: true,
        open: true,
        answer: None,
    }
}
