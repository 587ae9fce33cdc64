//! Escalation policies: who is told of an alert, in which order.

use serde::{Deserialize, Serialize};

use super::alert_words::TargetKind;

/// One version of an escalation policy, as it was put. Also the stored form.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct EscalationContent {
    /// Unique among escalation policies.
    pub name: String,
    /// Who is told, in order; never empty.
    pub levels: Vec<Level>,
    /// How often all levels are gone through again.
    pub repeat: u32,
    /// How long after the last level the first is told again, in milliseconds.
    pub repeat_after: i64,
    /// How long whoever acknowledged has, in milliseconds; `None` for ever.
    pub acknowledgement_timeout: Option<i64>,
    /// The calendar in whose open time somebody may be told; `None` for any time.
    pub support_calendar: Option<String>,
    /// Where the agents who are told are written to.
    pub notification_targets: Vec<String>,
}

/// One level.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Level {
    /// How long after the level before, or after the opening, in milliseconds.
    pub delay: i64,
    /// Who is told.
    pub targets: Vec<EscalationTarget>,
}

/// Whom a level means.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct EscalationTarget {
    /// What kind.
    pub kind: TargetKind,
    /// Which one; empty for those that follow from the ticket.
    pub id: String,
}

impl EscalationContent {
    /// The level of this number, from 1.
    pub fn level(&self, number: u32) -> Option<&Level> {
        let index = usize::try_from(number).ok()?.checked_sub(1)?;
        self.levels.get(index)
    }
}
