//! Who gets which ticket, as it happens.

use std::collections::HashSet;

use futures::{Stream, TryStreamExt as _};
use lotse_journal::{Body, Course, Recorded, Told};
use lotse_proto::journal::v1::{TicketEscalated, TicketTransferred};
use lotse_proto::routing::v1 as proto;
use lotse_proto::routing::v1::assignment_change::Change;
use lotse_proto::time::to_proto;

use super::App;
use crate::error::Error;

/// Which changes a reader wants, by ids. Every set that is not empty must have one of the change's.
#[derive(Clone, Debug, Default)]
pub(crate) struct Wanted {
    pub(crate) tickets: HashSet<String>,
    pub(crate) groups: HashSet<String>,
    pub(crate) agents: HashSet<String>,
}

impl App {
    /// The changes that are wanted, from where the caller was.
    pub(crate) async fn watch_assignments(
        &self,
        wanted: Wanted,
        course: Course,
    ) -> Result<
        impl Stream<Item = Result<Told<proto::AssignmentChange>, Error>> + Send + use<>,
        Error,
    > {
        let told = self.journal.stream(course, move |event| wanted.pick(event));
        Ok(told.await?.err_into())
    }
}

impl Wanted {
    fn pick(&self, event: Recorded) -> Option<proto::AssignmentChange> {
        let ticket_id = event.ticket_id?;
        let change = change(event.body)?;
        let (groups, agents) = concerned(&change);
        let wanted = has_any(&self.tickets, &[&ticket_id])
            && has_any(&self.groups, &groups)
            && has_any(&self.agents, &agents);
        wanted.then(|| proto::AssignmentChange {
            ticket_id,
            occurred_at: Some(to_proto(event.occurred_at)),
            recorded_at: Some(to_proto(event.recorded_at)),
            change: Some(change),
        })
    }
}

fn change(body: Body) -> Option<Change> {
    match body {
        Body::TicketQueued(it) => Some(Change::Queued(it)),
        Body::TicketAssigned(it) => Some(Change::Assigned(it)),
        Body::TicketTransferred(it) => Some(Change::Transferred(it)),
        Body::TicketEscalated(it) => Some(Change::Escalated(it)),
        Body::TicketReleased(it) => Some(Change::Released(it)),
        Body::OfferChanged(it) => Some(Change::OfferChanged(it)),
        Body::WrapUpEnded(it) => Some(Change::WrapUpEnded(it)),
        _ => None,
    }
}

/// The groups and the agents that a change is about.
fn concerned(change: &Change) -> (Vec<&str>, Vec<&str>) {
    match change {
        Change::Queued(it) => (vec![&it.group_id], vec![]),
        Change::Assigned(it) => (vec![&it.group_id], vec![&it.agent_id]),
        Change::Transferred(TicketTransferred {
            from_group_id,
            to_group_id,
            from_agent_id,
            to_agent_id,
            ..
        }) => (
            vec![from_group_id, to_group_id],
            vec![from_agent_id, to_agent_id],
        ),
        // Whoever gets it at once is told of by an assignment of its own.
        Change::Escalated(TicketEscalated {
            from_group_id,
            to_group_id,
            from_agent_id,
            ..
        }) => (vec![from_group_id, to_group_id], vec![from_agent_id]),
        Change::Released(it) => (vec![&it.group_id], vec![&it.agent_id]),
        Change::OfferChanged(it) => (vec![&it.group_id], vec![&it.agent_id]),
        Change::WrapUpEnded(it) => (vec![&it.group_id], vec![&it.agent_id]),
    }
}

fn has_any(wanted: &HashSet<String>, values: &[&str]) -> bool {
    wanted.is_empty() || values.iter().any(|value| wanted.contains(*value))
}
