//! What notification targets are told of a step.

use std::collections::BTreeMap;

use lotse_clock::Timestamp;
use lotse_ids::NotificationTargetId;
use lotse_notify::{Action, Notice, Severity};

use crate::domain::StepKind;
use crate::store::alerts::rows::Row;
use crate::store::alerts::steps::Step;
use crate::store::deliveries::Delivery;

/// The deliveries of a step. `before` are the targets that were written to before: they learn that
/// somebody takes care, and that it is over.
pub(super) fn notices(row: &Row, step: &Step, before: &[String], now: Timestamp) -> Vec<Delivery> {
    let (kind, action, targets) = match step.kind {
        StepKind::Notified => {
            let targets = step.detail.notification_targets.as_slice();
            ("alert.notified", Action::Trigger, targets)
        }
        StepKind::Acknowledged => ("alert.acknowledged", Action::Acknowledge, before),
        StepKind::Resolved => ("alert.resolved", Action::Resolve, before),
        StepKind::Opened | StepKind::AcknowledgementExpired | StepKind::Held => return Vec::new(),
    };
    let notice = notice(row, step, kind, action, now);
    let targets = targets.iter().filter_map(|target| target.parse().ok());
    let delivery = |target: NotificationTargetId| Delivery::new(target, notice.clone(), now);
    targets.map(delivery).collect()
}

fn notice(row: &Row, step: &Step, kind: &str, action: Action, now: Timestamp) -> Notice {
    let Row {
        id,
        ticket_id,
        clock_id,
        metric,
        at_percent,
        escalation_id,
        group_id,
        ..
    } = row;
    let metric = metric.code();
    let what = match at_percent {
        0 => format!("{metric} is overdue"),
        percent => format!("{percent} % of the time for {metric} are used"),
    };
    let agents: Vec<&str> = step
        .detail
        .agents
        .iter()
        .map(|agent| agent.agent_id.as_str())
        .collect();
    let agents = agents.join(", ");
    let text = match step.kind {
        StepKind::Notified if agents.is_empty() => "It is for nobody in particular.".to_owned(),
        StepKind::Notified => format!("It is for {agents}."),
        StepKind::Acknowledged if step.detail.agent.is_empty() => {
            "Somebody takes care of it.".to_owned()
        }
        StepKind::Acknowledged => format!("{} takes care of it.", step.detail.agent),
        _ => format!("It is over: {}.", step.detail.reason),
    };
    let mut facts: BTreeMap<String, String> = BTreeMap::new();
    for (key, value) in [
        ("alert_id", id.as_str()),
        ("ticket_id", ticket_id.as_str()),
        ("clock_id", clock_id.as_str()),
        ("metric", metric),
        ("escalation_policy_id", escalation_id.as_str()),
        ("group_id", group_id.as_deref().unwrap_or_default()),
        ("agent_ids", agents.as_str()),
        ("agent_id", step.detail.agent.as_str()),
        ("reason", step.detail.reason.as_str()),
        ("level", &step.level.to_string()),
        ("round", &step.round.to_string()),
        ("at_percent", &at_percent.to_string()),
    ] {
        if !value.is_empty() {
            facts.insert(key.to_owned(), value.to_owned());
        }
    }
    Notice {
        // Given by the delivery.
        id: String::new(),
        at: now,
        kind: kind.to_owned(),
        action,
        subject_key: id.clone(),
        severity: if *at_percent == 0 {
            Severity::Critical
        } else {
            Severity::Warning
        },
        title: format!("{what} on {ticket_id}"),
        text,
        facts,
        recipients: Vec::new(),
    }
}
