//! Carries out what reactions do to tickets: a command to the service that owns it, after the
//! commit that decided on it.
//!
//! The request id follows from the cause, so a command that is sent again, because its process died
//! or the answer was lost, is done once. It is also the cause of what it brings about in the journal:
//! that is how [`super::alerts`] knows its own doing and lets it trigger nothing more.

use std::time::Duration;

use lotse_client::{Channel, deadline};
use lotse_clock::{BusinessClock, Timestamp};
use lotse_db::Db;
use lotse_errors::{ErrorReason, peer};
use lotse_journal::Tx;
use lotse_proto::common::v1::TransferReason;
use lotse_proto::intake::v1::get_ticket_request::By;
use lotse_proto::intake::v1::ticket_service_client::TicketServiceClient;
use lotse_proto::intake::v1::{GetTicketRequest, Ticket, UpdateTicketRequest};
use lotse_proto::routing::v1::routing_service_client::RoutingServiceClient;
use lotse_proto::routing::v1::{EscalateTicketRequest, TransferTicketRequest};
use lotse_timers::Entry;
use tonic::{Code, Status};

use super::alerts::Alerts;
use crate::domain::{ActionKind, ActionState};
use crate::store::actions::{self, Action};
use crate::store::tickets;
use crate::wire::enums;
use crate::{Error, Peers};

/// The queue of the actions' timers.
pub const QUEUE: &str = "sla-actions";

/// How long one command may take.
const PATIENCE: Duration = Duration::from_secs(2);
/// The wait after the first failure; it doubles with each further one.
const RETRY: Duration = Duration::from_secs(1);
/// The longest wait.
const LONGEST_RETRY: Duration = Duration::from_secs(300);
/// Failures after which an action is parked: about half an hour.
const ATTEMPTS: u32 = 14;

/// Carries actions out. Cheap to clone.
#[derive(Clone)]
pub struct Actions {
    clock: BusinessClock,
    alerts: Alerts,
    tickets: TicketServiceClient<Channel>,
    routing: RoutingServiceClient<Channel>,
}

/// What came of one try.
#[derive(Debug)]
enum Outcome {
    Done,
    /// There is nothing left to do.
    Dropped(&'static str),
    /// It will always fail.
    Refused(String),
    /// It may succeed later.
    Failed(String),
}

/// An action that was tried.
#[derive(Debug)]
pub struct Tried {
    id: String,
    generation: i64,
    outcome: Outcome,
}

impl Actions {
    /// Sends commands to `peers`.
    pub fn new(clock: BusinessClock, alerts: Alerts, peers: &Peers) -> Self {
        Self {
            clock,
            alerts,
            tickets: TicketServiceClient::new(peers.intake.clone()),
            routing: RoutingServiceClient::new(peers.routing.clone()),
        }
    }

    /// Tries those of `due` that are due. Outside of any transaction.
    ///
    /// # Errors
    /// The database's. A service that refuses or does not answer is no error.
    pub async fn carry_out(&self, db: &Db, due: &[Entry]) -> Result<Vec<Tried>, Error> {
        let now = self.clock.now();
        let ids: Vec<&str> = due.iter().map(|entry| entry.row.as_str()).collect();
        let conn = db.reader();
        let mut tried = Vec::new();
        // Whoever does not answer once is not asked again in this batch: the others wait as long.
        let mut silent: Option<String> = None;
        for action in actions::load(conn, &ids).await? {
            let same =
                |entry: &&Entry| entry.row == action.id && entry.generation == action.generation;
            let is_due = action.next_at.is_some_and(|at| at <= now);
            if !is_due || !due.iter().any(|entry| same(&entry)) {
                continue;
            }
            let ticket = tickets::load(conn, &[&action.ticket_id]).await?.pop();
            let outcome = match (&silent, ticket) {
                (_, None) => Outcome::Refused("the ticket is not known here".to_owned()),
                (_, Some(ticket)) if ticket.status.is_solved() => {
                    Outcome::Dropped("the ticket is solved")
                }
                (Some(error), _) => Outcome::Failed(error.clone()),
                (None, Some(ticket)) => {
                    let call = self.call(&action, ticket.facts.group.as_deref());
                    let outcome = deadline::within(PATIENCE, call).await;
                    outcome.unwrap_or_else(|status| {
                        if matches!(status.code(), Code::Unavailable | Code::DeadlineExceeded) {
                            silent = Some(words(&status));
                        }
                        failure(&status)
                    })
                }
            };
            tried.push(Tried {
                id: action.id,
                generation: action.generation,
                outcome,
            });
        }
        Ok(tried)
    }

    async fn call(&self, action: &Action, group: Option<&str>) -> Result<Outcome, Status> {
        match action.kind {
            ActionKind::RaisePriority => self.raise(action).await,
            ActionKind::Requeue => self.requeue(action, group).await,
            ActionKind::Escalate => self.escalate(action).await,
        }
    }

    async fn raise(&self, action: &Action) -> Result<Outcome, Status> {
        let Some(wanted) = action.command.raise_to else {
            return Ok(Outcome::Refused("it names no priority".to_owned()));
        };
        let request = GetTicketRequest {
            by: Some(By::TicketId(action.ticket_id.clone())),
        };
        let ticket = self.tickets.clone().get_ticket(request).await?.into_inner();
        let ticket = ticket.ticket.unwrap_or_default();
        // The most urgent priority is the first.
        if enums::priority(ticket.priority).is_some_and(|is| is <= wanted) {
            return Ok(Outcome::Dropped("the ticket is as urgent already"));
        }
        let request = UpdateTicketRequest {
            request_id: action.id.clone(),
            ticket: Some(Ticket {
                id: ticket.id,
                priority: enums::to_priority(wanted).into(),
                // Somebody may make it even more urgent meanwhile.
                etag: ticket.etag,
                ..Ticket::default()
            }),
            update_mask: Some(prost_types::FieldMask {
                paths: vec!["priority".to_owned()],
            }),
            occurred_at: None,
        };
        self.tickets.clone().update_ticket(request).await?;
        Ok(Outcome::Done)
    }

    async fn requeue(&self, action: &Action, group: Option<&str>) -> Result<Outcome, Status> {
        let Some(group) = action.command.group.as_deref().or(group) else {
            return Ok(Outcome::Refused("the ticket is in no group".to_owned()));
        };
        let request = TransferTicketRequest {
            ticket_id: action.ticket_id.clone(),
            group_id: group.to_owned(),
            // Whoever had it did not come to it; nobody sent it to the wrong place.
            reason: TransferReason::Capacity.into(),
            note: summary(action),
            request_id: action.id.clone(),
            ..TransferTicketRequest::default()
        };
        self.routing.clone().transfer_ticket(request).await?;
        Ok(Outcome::Done)
    }

    async fn escalate(&self, action: &Action) -> Result<Outcome, Status> {
        let request = EscalateTicketRequest {
            ticket_id: action.ticket_id.clone(),
            summary: summary(action),
            group_id: action.command.group.clone().unwrap_or_default(),
            request_id: action.id.clone(),
            ..EscalateTicketRequest::default()
        };
        self.routing.clone().escalate_ticket(request).await?;
        Ok(Outcome::Done)
    }

    /// Writes down what came of it, as far as nobody else has.
    ///
    /// # Errors
    /// The database's.
    pub async fn settle(&self, tx: &Tx, tried: &[Tried]) -> Result<(), Error> {
        let now = self.clock.now();
        let ids: Vec<&str> = tried.iter().map(|one| one.id.as_str()).collect();
        let mut changed = Vec::new();
        for action in actions::lock(tx, &ids).await? {
            let same = |one: &&Tried| one.id == action.id && one.generation == action.generation;
            if let Some(one) = tried.iter().find(same) {
                changed.push(after(action, &one.outcome, now));
            }
        }
        actions::save(tx, &changed).await?;
        for action in &changed {
            self.alerts.reschedule_action(action);
        }
        Ok(())
    }
}

/// The action after a try.
fn after(mut action: Action, outcome: &Outcome, now: Timestamp) -> Action {
    action.attempts += 1;
    action.generation += 1;
    let (state, error) = match outcome {
        Outcome::Done => (ActionState::Done, String::new()),
        Outcome::Dropped(why) => (ActionState::Dropped, (*why).to_owned()),
        Outcome::Refused(why) => (ActionState::Parked, why.clone()),
        Outcome::Failed(why) if action.attempts >= ATTEMPTS => (ActionState::Parked, why.clone()),
        Outcome::Failed(why) => (ActionState::Pending, why.clone()),
    };
    let outcome = state.code();
    metrics::counter!("lotse_sla_actions_total", "outcome" => outcome).increment(1);
    if state == ActionState::Parked {
        tracing::warn!(
            action = action.id,
            error,
            "an action of a reaction is parked"
        );
    }
    if state == ActionState::Pending {
        let doubled = RETRY.saturating_mul(1 << (action.attempts - 1).min(16));
        action.next_at = Some(now + doubled.min(LONGEST_RETRY));
    } else {
        action.next_at = None;
        action.ended_at = Some(now);
    }
    action.state = state;
    action.error = error;
    action
}

/// What an error means for the action.
fn failure(status: &Status) -> Outcome {
    // The first try was done; only its answer was lost, and the ticket has changed since.
    if peer::reason(status) == Some(ErrorReason::RequestIdReused) {
        return Outcome::Done;
    }
    let permanent = matches!(
        status.code(),
        Code::InvalidArgument
            | Code::NotFound
            | Code::AlreadyExists
            | Code::FailedPrecondition
            | Code::PermissionDenied
    );
    let words = words(status);
    if permanent {
        Outcome::Refused(words)
    } else {
        Outcome::Failed(words)
    }
}

fn words(status: &Status) -> String {
    format!("{:?}: {}", status.code(), status.message())
}

/// For whoever gets the ticket.
fn summary(action: &Action) -> String {
    let metric = action.metric.code();
    match action.at_percent {
        0 => format!("By policy: {metric} is overdue."),
        percent => format!("By policy: {percent} % of the time for {metric} are used."),
    }
}
