//! Alerts and actions, as callers read them.

use lotse_clock::Timestamp;
use lotse_proto::common::v1::Priority as ProtoPriority;
use lotse_proto::sla::v1 as proto;
use lotse_proto::time::to_proto;

use super::enums;
use crate::domain::{ActionKind, EscalationContent, Resolution, StepKind};
use crate::store::actions::{Action, Command};
use crate::store::alerts::rows::Row;
use crate::store::alerts::steps::{Detail, Missing, Recipient, Step};

/// An alert without its steps, from which only those who were told are taken.
pub(crate) fn write(row: &Row, policy: &EscalationContent, steps: &[Step]) -> proto::Alert {
    let Row {
        id,
        ticket_id,
        lane: _,
        clock_id,
        metric,
        at_percent,
        escalation_id,
        escalation_version,
        group_id,
        alert,
        generation: _,
        steps: _,
        opened_at,
        acknowledged_at,
        acknowledged_by,
        resolved_at,
        resolution,
    } = row;
    let mut told: Vec<String> = Vec::new();
    for agent in steps.iter().flat_map(|step| &step.detail.agents) {
        if !told.contains(&agent.agent_id) {
            told.push(agent.agent_id.clone());
        }
    }
    proto::Alert {
        id: id.clone(),
        ticket_id: ticket_id.clone(),
        clock_id: clock_id.clone(),
        metric: enums::to_metric(*metric).into(),
        at_percent: (*at_percent).into(),
        state: enums::to_alert_state(alert.state).into(),
        escalation_policy_id: escalation_id.clone(),
        escalation_policy_version: *escalation_version,
        escalation_policy_name: policy.name.clone(),
        levels: u32::try_from(policy.levels.len()).unwrap_or(u32::MAX),
        level: alert.level,
        round: alert.round,
        group_id: group_id.clone().unwrap_or_default(),
        told_agent_ids: told,
        opened_at: Some(to_proto(*opened_at)),
        next_at: alert.next_at.map(to_proto),
        acknowledged_at: acknowledged_at.map(to_proto),
        acknowledged_by_agent_id: acknowledged_by.clone(),
        resolved_at: resolved_at.map(to_proto),
        resolution: resolution
            .map(Resolution::code)
            .unwrap_or_default()
            .to_owned(),
        steps: Vec::new(),
    }
}

/// A step of an alert.
pub(crate) fn write_step(step: &Step) -> proto::AlertStep {
    let Step {
        alert_id: _,
        number,
        at,
        kind,
        level,
        round,
        detail,
    } = step;
    let Detail {
        agents,
        notification_targets,
        missing,
        until,
        reason,
        agent,
        principal,
        note,
    } = detail;
    let told = |told: &Recipient| proto::ToldAgent {
        agent_id: told.agent_id.clone(),
        kind: enums::to_target_kind(told.kind).into(),
    };
    let missed = |missing: &Missing| proto::MissingTarget {
        kind: enums::to_target_kind(missing.kind).into(),
        id: missing.id.clone(),
        reason: missing.why.code().to_owned(),
    };
    proto::AlertStep {
        number: *number,
        at: Some(to_proto(*at)),
        kind: step_kind(*kind).into(),
        level: *level,
        round: *round,
        agents: agents.iter().map(told).collect(),
        notification_target_ids: notification_targets.clone(),
        missing: missing.iter().map(missed).collect(),
        until: until.map(|until| to_proto(Timestamp::from_millis(until))),
        reason: reason.clone(),
        agent_id: agent.clone(),
        principal: principal.clone(),
        note: note.clone(),
    }
}

/// An action as callers see it.
pub(crate) fn write_action(action: &Action) -> proto::ReactionAction {
    let Action {
        id,
        ticket_id,
        lane: _,
        clock_id,
        metric,
        at_percent,
        kind,
        command: Command { raise_to, group },
        state,
        attempts,
        next_at,
        generation: _,
        error,
        created_at,
        ended_at,
    } = action;
    let raise_to = raise_to.map_or(ProtoPriority::Unspecified, enums::to_priority);
    proto::ReactionAction {
        id: id.clone(),
        ticket_id: ticket_id.clone(),
        clock_id: clock_id.clone(),
        metric: enums::to_metric(*metric).into(),
        at_percent: (*at_percent).into(),
        kind: action_kind(*kind).into(),
        raise_priority_to: raise_to.into(),
        group_id: group.clone().unwrap_or_default(),
        state: enums::to_action_state(*state).into(),
        attempts: *attempts,
        error: error.clone(),
        created_at: Some(to_proto(*created_at)),
        next_at: next_at.map(to_proto),
        ended_at: ended_at.map(to_proto),
    }
}

fn step_kind(kind: StepKind) -> proto::AlertStepKind {
    match kind {
        StepKind::Opened => proto::AlertStepKind::Opened,
        StepKind::Notified => proto::AlertStepKind::Notified,
        StepKind::Acknowledged => proto::AlertStepKind::Acknowledged,
        StepKind::AcknowledgementExpired => proto::AlertStepKind::AcknowledgementExpired,
        StepKind::Held => proto::AlertStepKind::Held,
        StepKind::Resolved => proto::AlertStepKind::Resolved,
    }
}

fn action_kind(kind: ActionKind) -> proto::ReactionActionKind {
    match kind {
        ActionKind::RaisePriority => proto::ReactionActionKind::RaisePriority,
        ActionKind::Requeue => proto::ReactionActionKind::Requeue,
        ActionKind::Escalate => proto::ReactionActionKind::Escalate,
    }
}
