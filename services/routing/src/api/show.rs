//! What several answers have in common.

use lotse_clock::Timestamp;
use lotse_grpc::etag;
use lotse_proto::common::v1 as common;
use lotse_proto::routing::v1 as proto;
use lotse_proto::time::to_proto;

use super::channels;
use crate::app::Outcome;
pub(super) use crate::app::agents::channel;
use crate::domain::codes::{DecisionKind, Presence, Priority, State};
use crate::domain::group::{Group, Skill};
use crate::domain::item::Item;
use crate::store::agents::Full;

/// An id, or empty when there is none.
pub(super) fn id<T: ToString>(id: Option<&T>) -> String {
    id.map(ToString::to_string).unwrap_or_default()
}

pub(super) fn time(at: Option<Timestamp>) -> Option<prost_types::Timestamp> {
    at.map(to_proto)
}

pub(super) fn version(version: i64) -> u32 {
    u32::try_from(version).unwrap_or(u32::MAX)
}

pub(super) fn outcome(outcome: Outcome) -> i32 {
    let outcome = match outcome {
        Outcome::Created => proto::PutOutcome::Created,
        Outcome::Updated => proto::PutOutcome::Updated,
        Outcome::Unchanged => proto::PutOutcome::Unchanged,
    };
    outcome.into()
}

pub(super) fn levels<'a>(
    skills: impl Iterator<Item = (&'a String, &'a u8)>,
) -> Vec<proto::SkillLevel> {
    skills
        .map(|(skill, level)| proto::SkillLevel {
            skill: skill.clone(),
            level: (*level).into(),
        })
        .collect()
}

pub(super) fn group(group: &Group) -> proto::Group {
    let profile = &group.profile;
    proto::Group {
        id: group.id.to_string(),
        name: profile.name.clone(),
        tier: profile.tier.into(),
        required_skills: levels(profile.required_skills.iter()),
        lead_agent_id: id(profile.lead.as_ref()),
        escalation_group_id: id(profile.escalates_to.as_ref()),
        version: version(group.version),
        etag: etag::of(group.version),
        created_at: Some(to_proto(group.created_at)),
        updated_at: Some(to_proto(group.updated_at)),
        handling: channels::show_handling(&profile.handling),
    }
}

pub(super) fn skill(skill: &Skill) -> proto::Skill {
    proto::Skill {
        id: skill.id.to_string(),
        name: skill.profile.name.clone(),
        description: skill.profile.description.clone(),
        version: version(skill.version),
        etag: etag::of(skill.version),
        created_at: Some(to_proto(skill.created_at)),
        updated_at: Some(to_proto(skill.updated_at)),
    }
}

pub(super) fn agent(full: &Full) -> proto::Agent {
    let (agent, profile, seat) = (&full.agent, &full.agent.profile, &full.seat);
    let languages = profile.languages.iter();
    proto::Agent {
        id: agent.id.to_string(),
        name: profile.name.clone(),
        group_ids: profile.groups.iter().map(ToString::to_string).collect(),
        tier: profile.tier.into(),
        skills: levels(profile.skills.iter()),
        languages: languages
            .map(|(language, level)| proto::LanguageLevel {
                language: language.to_string(),
                level: (*level).into(),
            })
            .collect(),
        capacity: profile.capacity,
        presence_never_expires: profile.presence_never_expires,
        retired: profile.retired,
        presence: presence(seat.presence()),
        presence_since: Some(to_proto(full.presence_since)),
        presence_expires_at: time(full.presence_due_at),
        load: seat.load.as_tickets(),
        last_assigned_at: time(seat.last_assigned_at),
        version: version(agent.version),
        etag: etag::of(agent.version),
        created_at: Some(to_proto(agent.created_at)),
        updated_at: Some(to_proto(agent.updated_at)),
        channel_weights: channels::show_weights(&profile.channel_weights),
        channel_caps: channels::show_caps(&profile.channel_caps),
        channel_presences: channels::show_presences(seat),
        channel_loads: channels::show_loads(seat),
    }
}

pub(super) fn route(item: &Item, tier: u8) -> proto::TicketRoute {
    let state = match item.state() {
        State::Waiting => proto::RouteState::Waiting,
        State::Offered => proto::RouteState::Offered,
        State::Assigned => proto::RouteState::Assigned,
        State::Done => proto::RouteState::Done,
    };
    proto::TicketRoute {
        ticket_id: item.ticket.to_string(),
        state: state.into(),
        group_id: id(item.group.as_ref()),
        tier: tier.into(),
        agent_id: id(item.agent.as_ref()),
        transfers: item.transfers,
        escalations: item.escalations,
        queued_at: Some(to_proto(item.queued_at)),
        assigned_at: time(item.assigned_at),
        etag: etag::of(item.version),
        hand_over_id: id(item.trail.hand_over.as_ref()),
    }
}

pub(super) fn presence(presence: Presence) -> i32 {
    let presence = match presence {
        Presence::Online => proto::Presence::Online,
        Presence::Away => proto::Presence::Away,
        Presence::NotResponding => proto::Presence::NotResponding,
        Presence::Offline => proto::Presence::Offline,
    };
    presence.into()
}

pub(super) fn priority(priority: Priority) -> i32 {
    let priority = match priority {
        Priority::Urgent => common::Priority::Urgent,
        Priority::High => common::Priority::High,
        Priority::Normal => common::Priority::Normal,
        Priority::Low => common::Priority::Low,
    };
    priority.into()
}

pub(super) fn kind(kind: DecisionKind) -> i32 {
    let kind = match kind {
        DecisionKind::Automatic => proto::DecisionKind::Automatic,
        DecisionKind::Manual => proto::DecisionKind::Manual,
        DecisionKind::Transfer => proto::DecisionKind::Transfer,
        DecisionKind::Escalation => proto::DecisionKind::Escalation,
    };
    kind.into()
}
