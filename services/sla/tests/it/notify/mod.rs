//! Notices on their way out: targets, the outbox, and what becomes of it.

mod killed;
mod outbox;
mod post;
mod sending;
mod service;
mod targets;

use std::collections::BTreeMap;

use lotse_clock::Timestamp;
use lotse_ids::NotificationTargetId;
use lotse_notify::{Action, Notice, Severity};
use lotse_sla::store::deliveries::Delivery;

/// A notice about `subject` for a target.
pub(crate) fn delivery(target: &str, subject: &str, now: Timestamp) -> Delivery {
    let target: NotificationTargetId = target.parse().unwrap();
    let notice = Notice {
        id: String::new(),
        at: now,
        kind: "alert.notified".to_owned(),
        action: Action::Trigger,
        subject_key: subject.to_owned(),
        severity: Severity::Warning,
        title: "Untouched for two hours".to_owned(),
        text: "Please look after it.".to_owned(),
        facts: BTreeMap::new(),
        recipients: Vec::new(),
    };
    Delivery::new(target, notice, now)
}
