//! Intake in the test's own process, and short words for what tests ask of it.

use std::sync::Arc;
use std::time::Duration;

use lotse_clock::{BusinessClock, Timestamp};
use lotse_errors::{ErrorReason, peer};
use lotse_grpc::{Service, Stack};
use lotse_ids::TicketId;
use lotse_intake::{Config, Deps};
use lotse_journal::{Journal, JournalConfig, Wakeups};
use lotse_proto::common::v1::{AuthorKind, Channel, TicketStatus, Visibility};
use lotse_proto::intake::v1::create_ticket_request::Requester;
use lotse_proto::intake::v1::event_service_client::EventServiceClient;
use lotse_proto::intake::v1::get_ticket_request::By;
use lotse_proto::intake::v1::requester_service_client::RequesterServiceClient;
use lotse_proto::intake::v1::ticket_service_client::TicketServiceClient;
use lotse_proto::intake::v1::*;
use lotse_proto::journal::v1::Event;
use lotse_proto::journal::v1::event::Body;
use lotse_supervise::Supervisor;
use lotse_testkit::{InProcess, TestDb};
use lotse_timers::LocalTimers;
use sea_orm_migration::MigrationTrait;
use tonic::Status;
use tonic_types::StatusExt as _;

/// 2026-03-02T08:00:00Z, a Monday.
pub(crate) const START: Timestamp = Timestamp::from_millis(1_772_438_400_000);
pub(crate) const DAY: Duration = Duration::from_secs(24 * 60 * 60);

pub(crate) fn migrations() -> Vec<Box<dyn MigrationTrait>> {
    let mut all = lotse_journal::migrations();
    all.extend(lotse_intake::migrations());
    all
}

/// Intake, served.
pub(crate) struct Suite {
    pub(crate) clock: BusinessClock,
    pub(crate) journal: Journal,
    pub(crate) served: InProcess,
}

/// The parts of a suite that a test may want to serve in its own way.
pub(crate) async fn service(
    db: &TestDb,
    clock: &BusinessClock,
    config: Config,
) -> (Service, Journal) {
    let journal = Journal::open(
        db.db(),
        clock.clone(),
        Wakeups::local(),
        JournalConfig::default(),
    );
    let journal = journal.await.unwrap();
    let deps = Deps {
        db: db.db(),
        clock: clock.clone(),
        journal: journal.clone(),
        timers: Arc::new(LocalTimers::new()),
        supervisor: Supervisor::new(clock.clone()),
    };
    (lotse_intake::build(deps, config), journal)
}

impl Suite {
    pub(crate) async fn new(db: &TestDb) -> Self {
        Self::with(db, Config::default()).await
    }

    pub(crate) async fn with(db: &TestDb, config: Config) -> Self {
        let clock = BusinessClock::manual(START);
        let (service, journal) = service(db, &clock, config).await;
        let served = InProcess::new(clock.clone(), vec![service]);
        Self {
            clock,
            journal,
            served,
        }
    }

    pub(crate) fn tickets(&self) -> TicketServiceClient<Stack> {
        TicketServiceClient::new(self.served.stack())
    }

    pub(crate) fn events(&self) -> EventServiceClient<Stack> {
        EventServiceClient::new(self.served.stack())
    }

    pub(crate) fn requesters(&self) -> RequesterServiceClient<Stack> {
        RequesterServiceClient::new(self.served.stack())
    }

    /// Lets time pass and the jobs work.
    pub(crate) async fn pass(&self, time: Duration) {
        self.served.advance(time).await;
    }

    pub(crate) async fn create(&self, request: CreateTicketRequest) -> Ticket {
        self.try_create(request).await.unwrap()
    }

    pub(crate) async fn try_create(&self, request: CreateTicketRequest) -> Result<Ticket, Status> {
        let created = self.tickets().create_ticket(request).await?.into_inner();
        Ok(created.ticket.unwrap())
    }

    pub(crate) async fn get(&self, id: &str) -> Ticket {
        let request = GetTicketRequest {
            by: Some(By::TicketId(id.to_owned())),
        };
        self.tickets()
            .get_ticket(request)
            .await
            .unwrap()
            .into_inner()
            .ticket
            .unwrap()
    }

    /// One of the verbs, by name.
    pub(crate) async fn verb(
        &self,
        name: &str,
        ticket_id: &str,
        reason: &str,
    ) -> Result<Ticket, Status> {
        let (ticket_id, reason) = (ticket_id.to_owned(), reason.to_owned());
        macro_rules! call {
            ($method:ident, $request:ident) => {{
                let request = $request {
                    ticket_id,
                    reason,
                    ..$request::default()
                };
                self.tickets()
                    .$method(request)
                    .await?
                    .into_inner()
                    .ticket
                    .unwrap()
            }};
        }
        Ok(match name {
            "wait" => call!(wait_for_requester, WaitForRequesterRequest),
            "hold" => call!(hold_ticket, HoldTicketRequest),
            "resume" => call!(resume_ticket, ResumeTicketRequest),
            "solve" => call!(solve_ticket, SolveTicketRequest),
            "reopen" => call!(reopen_ticket, ReopenTicketRequest),
            "close" => call!(close_ticket, CloseTicketRequest),
            other => panic!("no verb {other}"),
        })
    }

    /// Does a verb that must work.
    pub(crate) async fn does(&self, name: &str, ticket_id: &str) -> Ticket {
        let reason = if name == "hold" { "vendor" } else { "" };
        self.verb(name, ticket_id, reason).await.unwrap()
    }

    pub(crate) async fn says(
        &self,
        ticket_id: &str,
        who: AuthorKind,
        body: &str,
    ) -> AddMessageResponse {
        let request = message(ticket_id, who, body);
        self.tickets()
            .add_message(request)
            .await
            .unwrap()
            .into_inner()
    }

    pub(crate) async fn list(&self, filter: &str, order_by: &str) -> Vec<Ticket> {
        let request = ListTicketsRequest {
            filter: filter.to_owned(),
            order_by: order_by.to_owned(),
            page_size: 500,
            ..ListTicketsRequest::default()
        };
        self.tickets()
            .list_tickets(request)
            .await
            .unwrap()
            .into_inner()
            .tickets
    }

    /// All events of a ticket.
    pub(crate) async fn history(&self, ticket_id: &str) -> Vec<Event> {
        let request = GetTimelineRequest {
            ticket_id: ticket_id.to_owned(),
            page_size: 500,
            ..GetTimelineRequest::default()
        };
        let entries = self
            .tickets()
            .get_timeline(request)
            .await
            .unwrap()
            .into_inner()
            .entries;
        entries
            .into_iter()
            .map(|entry| entry.event.unwrap())
            .collect()
    }
}

/// A ticket by mail from Ann.
pub(crate) fn mail(subject: &str) -> CreateTicketRequest {
    CreateTicketRequest {
        requester: Some(from("ann")),
        subject: subject.to_owned(),
        channel: Channel::Email.into(),
        ..CreateTicketRequest::default()
    }
}

/// A requester known by the caller's id.
pub(crate) fn from(external_id: &str) -> Requester {
    Requester::RequesterProfile(RequesterProfile {
        external_id: external_id.to_owned(),
        ..RequesterProfile::default()
    })
}

/// A public message.
pub(crate) fn message(ticket_id: &str, who: AuthorKind, body: &str) -> AddMessageRequest {
    AddMessageRequest {
        ticket_id: ticket_id.to_owned(),
        author: Some(Author {
            kind: who.into(),
            id: String::new(),
        }),
        visibility: Visibility::Public.into(),
        body: body.to_owned(),
        ..AddMessageRequest::default()
    }
}

/// The id of a ticket that does not exist.
pub(crate) fn nowhere() -> String {
    TicketId::generate(START).to_string()
}

pub(crate) fn status(ticket: &Ticket) -> TicketStatus {
    ticket.status()
}

/// Why a call was refused, for programs.
pub(crate) fn reason(status: &Status) -> ErrorReason {
    peer::reason(status).unwrap_or_else(|| panic!("no reason in {status:?}"))
}

/// The fields that a refusal names, with what it says about them.
pub(crate) fn fields(status: &Status) -> Vec<(String, String)> {
    let details = status.get_details_bad_request();
    let details = details.unwrap_or_else(|| panic!("no fields in {status:?}"));
    details
        .field_violations
        .into_iter()
        .map(|one| (one.field, one.description))
        .collect()
}

/// The changes of status among events: from, to and when.
pub(crate) fn changes(events: &[Event]) -> Vec<(TicketStatus, TicketStatus, i64)> {
    let change = |event: &Event| match event.body.as_ref().unwrap() {
        Body::TicketStatusChanged(change) => {
            let at = lotse_proto::time::from_proto(event.occurred_at.as_ref().unwrap()).unwrap();
            Some((change.from(), change.to(), at.millis_since(START)))
        }
        _ => None,
    };
    events.iter().filter_map(change).collect()
}

/// An instant as the API has it.
pub(crate) fn at(instant: Timestamp) -> Option<prost_types::Timestamp> {
    Some(lotse_proto::time::to_proto(instant))
}
