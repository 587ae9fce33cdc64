//! The load board, as it is answered.

use lotse_grpc::etag;
use lotse_ids::{AgentId, GroupId};
use lotse_proto::routing::v1 as proto;
use lotse_proto::time::to_proto;

use super::channels::show_presences;
use super::offers::open_offer;
use super::show;
use crate::app::board::Board;
use crate::config::Mode;
use crate::domain::codes::Reason;
use crate::domain::item::Item;

pub(super) fn queue_state(
    board: &Board,
    groups: &[GroupId],
    mode: Mode,
) -> proto::GetQueueStateResponse {
    let directory = &board.directory;
    let mut states: Vec<proto::GroupState> = board
        .groups
        .iter()
        .map(|(id, load)| {
            let group = id.as_ref().and_then(|id| directory.groups.get(id));
            proto::GroupState {
                group_id: show::id(id.as_ref()),
                name: group
                    .map(|group| group.profile.name.clone())
                    .unwrap_or_default(),
                tier: group.map_or(0, |group| group.profile.tier.into()),
                waiting: load.waiting,
                assigned: load.assigned,
                oldest_queued_at: show::time(load.oldest),
                agents_online: load.agents_online,
                agents_free: load.agents_free,
                offered: load.offered,
            }
        })
        .collect();
    states.sort_by(|a, b| a.name.cmp(&b.name));
    let shown = |groups_of: &std::collections::BTreeSet<GroupId>| {
        groups.is_empty() || groups.iter().any(|group| groups_of.contains(group))
    };
    let offered_to = |agent: &AgentId| {
        let theirs = board.offered.iter().filter(|item| {
            let offer = item.offer.as_ref();
            offer.is_some_and(|offer| offer.agent == *agent)
        });
        u32::try_from(theirs.count()).unwrap_or(u32::MAX)
    };
    let agents = directory.agents_by_name().into_iter().filter_map(|agent| {
        let (profile, seat) = (&agent.profile, board.seats.get(&agent.id)?);
        (!profile.retired && shown(&profile.groups)).then(|| proto::AgentLoad {
            agent_id: agent.id.to_string(),
            name: profile.name.clone(),
            group_ids: profile.groups.iter().map(ToString::to_string).collect(),
            presence: show::presence(seat.presence()),
            capacity: profile.capacity,
            load: seat.load.as_tickets(),
            assigned: board.assigned.get(&agent.id).copied().unwrap_or_default(),
            last_assigned_at: show::time(seat.last_assigned_at),
            offered: offered_to(&agent.id),
            channel_presences: show_presences(seat),
            untouched: board.untouched.get(&agent.id).copied().unwrap_or_default(),
        })
    });
    let mode = match mode {
        Mode::Automatic => proto::RoutingMode::Automatic,
        Mode::Recorded => proto::RoutingMode::Recorded,
    };
    proto::GetQueueStateResponse {
        as_of: Some(to_proto(board.as_of)),
        mode: mode.into(),
        agents: agents.collect(),
        waiting: board.waiting.iter().map(waiting).collect(),
        offers: board.offered.iter().filter_map(open_offer).collect(),
        groups: states,
    }
}

fn waiting((item, reason): &(Item, Option<Reason>)) -> proto::WaitingTicket {
    proto::WaitingTicket {
        ticket_id: item.ticket.to_string(),
        group_id: show::id(item.group.as_ref()),
        priority: show::priority(item.priority),
        channel: show::channel(item.channel),
        language: show::id(item.facts.language.as_ref()),
        queued_at: Some(to_proto(item.queued_at)),
        due_at: show::time(item.due_at()),
        reason: show::id(reason.as_ref()),
        etag: etag::of(item.version),
    }
}
