//! Changes of assignments, as they are streamed.

use std::collections::HashSet;
use std::fmt::Display;
use std::pin::Pin;
use std::str::FromStr;

use futures::{Stream, TryStreamExt as _};
use lotse_errors::Violations;
use lotse_ids::{AgentId, GroupId, TicketId};
use lotse_journal::{Course, Positions, Told};
use lotse_proto::routing::v1 as proto;
use tonic::{Response, Status};

use super::{Api, parse};
use crate::app::watch::Wanted;
use crate::error::Error;

/// Most ids that a stream can be limited to, of each kind.
const MOST: usize = 500;

pub(super) type Changes =
    Pin<Box<dyn Stream<Item = Result<proto::WatchAssignmentsResponse, Status>> + Send>>;

impl Api {
    pub(super) async fn watch(
        &self,
        request: proto::WatchAssignmentsRequest,
    ) -> Result<Response<Changes>, Status> {
        let (wanted, course) = read(request)?;
        let told = self.app.watch_assignments(wanted, course).await?;
        Ok(Response::new(Box::pin(told.map_ok(item).err_into())))
    }
}

fn item(told: Told<proto::AssignmentChange>) -> proto::WatchAssignmentsResponse {
    let Told {
        event,
        token,
        caught_up,
    } = told;
    proto::WatchAssignmentsResponse {
        change: event,
        resume_token: token,
        caught_up,
    }
}

fn read(request: proto::WatchAssignmentsRequest) -> Result<(Wanted, Course), Error> {
    let proto::WatchAssignmentsRequest {
        resume_token,
        ticket_ids,
        group_ids,
        agent_ids,
        from_now,
        end_when_caught_up,
    } = request;
    let mut wrong = Violations::new();
    let from = match resume_token.as_str() {
        "" => None,
        token => wrong.take("resume_token", Positions::from_token(token)),
    };
    wrong.require(
        "from_now",
        !from_now || resume_token.is_empty(),
        "goes without a resume token only",
    );
    let wanted = Wanted {
        tickets: ids::<TicketId>(&mut wrong, "ticket_ids", ticket_ids),
        groups: ids::<GroupId>(&mut wrong, "group_ids", group_ids),
        agents: ids::<AgentId>(&mut wrong, "agent_ids", agent_ids),
    };
    wrong.finish()?;
    let course = Course {
        from,
        from_now,
        ends: end_when_caught_up,
    };
    Ok((wanted, course))
}

/// Ids of one kind, checked.
fn ids<T>(wrong: &mut Violations, field: &str, given: Vec<String>) -> HashSet<String>
where
    T: FromStr,
    T::Err: Display,
{
    parse::at_most(wrong, field, given.len(), MOST);
    for (at, id) in given.iter().take(MOST).enumerate() {
        let _: Option<T> = wrong.parse(&format!("{field}[{at}]"), id);
    }
    given.into_iter().collect()
}
