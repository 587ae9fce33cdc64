//! Who works: routing's load board.

use lotse_client::Channel;
use lotse_proto::routing::v1::routing_service_client::RoutingServiceClient;
use lotse_proto::routing::v1::{GetQueueStateRequest, GetQueueStateResponse, Presence};
use tonic::Status;

use crate::console::snapshot::{Agent, Team};

/// Asks routing.
pub(crate) async fn board(routing: &Channel) -> Result<GetQueueStateResponse, Status> {
    // The counts are whole however few waiting tickets are listed; the list itself is not needed.
    let request = GetQueueStateRequest {
        group_ids: Vec::new(),
        max_waiting: 1,
    };
    let mut client = RoutingServiceClient::new(routing.clone());
    Ok(client.get_queue_state(request).await?.into_inner())
}

/// What the console shows of it.
pub(crate) fn shown(board: &GetQueueStateResponse) -> Team {
    let agents = board.agents.iter().map(|agent| Agent {
        name: agent.name.clone(),
        presence: match agent.presence() {
            Presence::Online => "online",
            Presence::Away => "away",
            Presence::NotResponding => "not responding",
            Presence::Offline | Presence::Unspecified => "offline",
        },
        load: agent.load,
        offered: agent.offered,
        capacity: agent.capacity,
    });
    Team {
        unassigned: board.groups.iter().map(|group| group.waiting).sum(),
        agents: agents.collect(),
    }
}
