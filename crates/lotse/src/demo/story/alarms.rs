//! What people do when an alert tells them of a ticket: some nothing, the next one takes care.

use std::time::Duration;

use lotse_clock::Timestamp;

use super::{Beat, Key, Story, minutes};

/// How long somebody reads another agent's ticket before it is theirs, in minutes.
const READING: f64 = 6.0;

/// Who listens to an alert about a ticket.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Hearing {
    /// So many of those who are told do nothing.
    pub(crate) deaf: usize,
    /// The next one takes care after this long.
    pub(crate) after: Duration,
}

/// Somebody was told of an alert.
#[derive(Clone, Debug)]
pub(crate) struct Alarm {
    pub(crate) alert_id: String,
    pub(crate) ticket_id: String,
    pub(crate) agent_id: String,
}

/// An alert about a ticket on which nobody has done anything since.
pub(super) struct Ringing {
    alert_id: String,
    /// Who was told, in order.
    told: Vec<String>,
    /// Whether somebody has said that they take care.
    acknowledged: bool,
}

impl Story {
    /// Somebody was told of an alert. Nothing comes of it when the ticket is not in play.
    pub(crate) fn alarmed(&mut self, alarm: &Alarm, now: Timestamp) {
        let Some(key) = self.keys.get(&alarm.ticket_id).copied() else {
            return;
        };
        let Some(ticket) = self.tickets.get_mut(&key).filter(|ticket| ticket.ours) else {
            return;
        };
        let ringing = match &mut ticket.ringing {
            Some(ringing) if ringing.alert_id == alarm.alert_id => ringing,
            other => other.insert(Ringing {
                alert_id: alarm.alert_id.clone(),
                told: Vec::new(),
                acknowledged: false,
            }),
        };
        if ringing.told.contains(&alarm.agent_id) {
            return;
        }
        ringing.told.push(alarm.agent_id.clone());
        let Hearing { deaf, after } = ticket.case.hearing;
        if ringing.told.len() > deaf {
            self.plan(now + after, Beat::Heed(key, alarm.clone()));
        }
    }

    /// Whether an alert waits for somebody to say that they take care.
    pub(super) fn rings(&self, key: Key, alarm: &Alarm) -> bool {
        self.ringing(key, alarm)
            .is_some_and(|ringing| !ringing.acknowledged)
    }

    /// Whether whoever takes care of a ticket should still make it theirs.
    pub(super) fn may_take(&self, key: Key, alarm: &Alarm) -> bool {
        self.ringing(key, alarm).is_some()
    }

    fn ringing(&self, key: Key, alarm: &Alarm) -> Option<&Ringing> {
        let ticket = self.tickets.get(&key).filter(|ticket| ticket.ours)?;
        let ringing = ticket.ringing.as_ref()?;
        (ringing.alert_id == alarm.alert_id).then_some(ringing)
    }

    /// Somebody has said that they take care: of their own ticket at once, of another agent's when
    /// they have read it.
    pub(super) fn acknowledged(&mut self, key: Key, alarm: &Alarm, now: Timestamp) {
        let Some(ticket) = self.tickets.get_mut(&key) else {
            return;
        };
        if let Some(ringing) = &mut ticket.ringing {
            ringing.acknowledged = true;
        }
        if ticket.agent.as_ref() == Some(&alarm.agent_id) {
            self.take(key, &alarm.agent_id, now);
        } else {
            self.plan(now + minutes(READING), Beat::Take(key, alarm.clone()));
        }
    }

    /// A ticket is somebody's own, and the next that they work on.
    pub(super) fn take(&mut self, key: Key, agent: &str, now: Timestamp) {
        if let Some(ticket) = self.tickets.get_mut(&key) {
            ticket.agent = Some(agent.to_owned());
            ticket.case.eager = true;
            ticket.case.neglect = Duration::ZERO;
        }
        self.lay_out(key, now);
    }
}
