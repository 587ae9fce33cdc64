//! Who is at work and what waits, as routing tells it.

use std::collections::HashMap;
use std::time::Duration;

use lotse_client::{Channel, deadline};
use lotse_clock::Timestamp;
use lotse_proto::routing::v1 as routing;
use lotse_proto::routing::v1::routing_service_client::RoutingServiceClient;
use lotse_proto::time::from_proto;

use crate::domain::forecast::Staffing;

/// How long a forecast waits for routing.
const PATIENCE: Duration = Duration::from_secs(2);
/// Waiting tickets whose place is asked for.
const PLACES: i32 = 2_000;
/// Who took work within this time belongs to today's people.
const TODAY: Duration = Duration::from_secs(24 * 60 * 60);

/// The load board, by group and by ticket.
#[derive(Default)]
pub(super) struct Board {
    groups: HashMap<String, Staffing>,
    places: HashMap<String, u32>,
}

impl Board {
    /// The present one; `None` when routing does not answer.
    pub(super) async fn ask(routing: &Channel, now: Timestamp) -> Option<Self> {
        let mut client = RoutingServiceClient::new(routing.clone());
        let request = routing::GetQueueStateRequest {
            group_ids: Vec::new(),
            max_waiting: PLACES,
        };
        match deadline::within(PATIENCE, client.get_queue_state(request)).await {
            Ok(state) => Some(Self::read(&state.into_inner(), now)),
            Err(status) => {
                tracing::debug!(%status, "forecasting without staffing");
                None
            }
        }
    }

    fn read(state: &routing::GetQueueStateResponse, now: Timestamp) -> Self {
        let mut board = Self::default();
        for group in &state.groups {
            let staffing = board.groups.entry(group.group_id.clone()).or_default();
            staffing.online = group.agents_online;
            staffing.waiting = group.waiting;
        }
        for agent in &state.agents {
            let took = agent.last_assigned_at.as_ref();
            let took = took.and_then(|at| from_proto(at).ok());
            let today = took.is_some_and(|at| now.since(at) < TODAY);
            if agent.presence() == routing::Presence::Online || today {
                for group in &agent.group_ids {
                    board.groups.entry(group.clone()).or_default().roster += 1;
                }
            }
        }
        let mut ahead: HashMap<&str, u32> = HashMap::new();
        for waiting in &state.waiting {
            let ahead = ahead.entry(&waiting.group_id).or_default();
            *ahead += 1;
            board.places.insert(waiting.ticket_id.clone(), *ahead);
        }
        board
    }

    /// How a ticket's group stands; `None` where routing does not know it.
    pub(super) fn of(&self, ticket: &str, group: Option<&str>) -> Option<Staffing> {
        let staffing = self.groups.get(group?)?;
        Some(Staffing {
            place: self.places.get(ticket).copied(),
            ..*staffing
        })
    }
}
