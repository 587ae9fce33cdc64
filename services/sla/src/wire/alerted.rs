//! What happened to an alert, as an event of the journal.

use lotse_journal::Body;
use lotse_proto::journal::v1 as proto;
use lotse_proto::journal::v1::alert_changed::Change;

use super::enums::to_metric;
use crate::domain::StepKind;
use crate::store::alerts::rows::Row;
use crate::store::alerts::steps::Step;

/// The event of a step. Notes stay out of the journal.
pub(crate) fn alerted(row: &Row, step: &Step) -> Body {
    let change = match step.kind {
        StepKind::Opened => Change::Opened,
        StepKind::Notified => Change::Notified,
        StepKind::Acknowledged => Change::Acknowledged,
        StepKind::AcknowledgementExpired => Change::AcknowledgementExpired,
        StepKind::Held => Change::Held,
        StepKind::Resolved => Change::Resolved,
    };
    let told = step.detail.agents.iter().map(|agent| &agent.agent_id);
    let agents = match step.kind {
        StepKind::Notified => told.cloned().collect(),
        StepKind::Acknowledged => vec![step.detail.agent.clone()],
        _ => Vec::new(),
    };
    Body::AlertChanged(proto::AlertChanged {
        alert_id: row.id.clone(),
        escalation_policy_id: row.escalation_id.clone(),
        escalation_policy_version: row.escalation_version,
        clock_id: row.clock_id.clone(),
        metric: to_metric(row.metric).into(),
        change: change.into(),
        level: step.level,
        round: step.round,
        agent_ids: agents
            .into_iter()
            .filter(|agent| !agent.is_empty())
            .collect(),
        notification_target_ids: step.detail.notification_targets.clone(),
        reason: step.detail.reason.clone(),
    })
}
