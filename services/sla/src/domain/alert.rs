//! One alert: who is to be told when, until somebody takes care.
//!
//! A level is told at most once in a round, and levels follow each other without a gap. A round is
//! one climb from level 1: the next begins when the policy repeats, or when an acknowledgement ran
//! out. Whom a level means is not known here: that is found out when it is told.

use std::time::Duration;

use lotse_calendar::Calendar;
use lotse_clock::Timestamp;

use super::alert_words::{AlertState, Resolution};
use super::escalation::EscalationContent;

/// How long to wait after each time nobody could say whom a level means. After the last of them the
/// level is told as far as it is known.
const TRY_AGAIN: [Duration; 4] = [
    Duration::from_secs(5),
    Duration::from_secs(10),
    Duration::from_secs(20),
    Duration::from_secs(40),
];

/// Where an alert stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Alert {
    /// In one word.
    pub state: AlertState,
    /// The level told last in this round; 0 before the first.
    pub level: u32,
    /// How often the climb began anew.
    pub round: u32,
    /// How often all levels may still be gone through again.
    pub repeats_left: u32,
    /// Whether whoever is on duty is told beside the next level.
    pub also_on_duty: bool,
    /// How often nobody could say whom the next level means.
    pub attempts: u32,
    /// When it next needs a look; `None` when only somebody can change it.
    pub next_at: Option<Timestamp>,
}

/// What can happen to an alert.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Happening {
    /// Its time has come.
    Due,
    /// Its time has come, but nobody can say whom the next level means.
    Unanswered,
    /// Somebody takes care.
    Acknowledged,
    /// It is over.
    Resolved(Resolution),
}

/// What comes of it: to be told, written down and journaled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Told {
    /// This level of this round is told now.
    Notified {
        /// From 1.
        level: u32,
        /// From 0.
        round: u32,
        /// Whether whoever is on duty is told too.
        also_on_duty: bool,
    },
    /// The climb stops.
    Acknowledged,
    /// Whoever took care did nothing for too long.
    AcknowledgementExpired,
    /// It waits for support hours.
    Held {
        /// When they begin.
        until: Timestamp,
    },
    /// It is over.
    Resolved(Resolution),
}

impl Alert {
    /// An alert that begins at `now`.
    pub fn open(policy: &EscalationContent, now: Timestamp) -> Self {
        Self {
            state: AlertState::Open,
            level: 0,
            round: 0,
            repeats_left: policy.repeat,
            also_on_duty: false,
            attempts: 0,
            next_at: policy.level(1).map(|first| later(now, first.delay)),
        }
    }

    /// Whether to ask again later whom the next level means, when nobody can say now.
    pub fn may_wait(&self) -> bool {
        usize::try_from(self.attempts).is_ok_and(|attempts| attempts < TRY_AGAIN.len())
    }

    /// Takes what happens at `now`; `hours` are those in which somebody may be told. What comes
    /// before its time, or after the end, changes nothing.
    pub fn apply(
        &mut self,
        happening: Happening,
        policy: &EscalationContent,
        hours: Option<&Calendar>,
        now: Timestamp,
    ) -> Vec<Told> {
        let mut told = Vec::new();
        if self.state == AlertState::Resolved {
            return told;
        }
        let is_due = self.next_at.is_some_and(|at| at <= now);
        match happening {
            Happening::Due if is_due => self.climb(policy, hours, now, &mut told),
            Happening::Unanswered if is_due => {
                self.expire(policy, &mut told);
                let wait = usize::try_from(self.attempts).unwrap_or(usize::MAX);
                let wait = TRY_AGAIN[wait.min(TRY_AGAIN.len() - 1)];
                self.attempts += 1;
                self.next_at = Some(now + wait);
            }
            Happening::Due | Happening::Unanswered => {}
            Happening::Acknowledged => {
                self.state = AlertState::Acknowledged;
                self.also_on_duty = false;
                self.attempts = 0;
                let timeout = policy.acknowledgement_timeout;
                self.next_at = timeout.map(|timeout| later(now, timeout));
                told.push(Told::Acknowledged);
            }
            Happening::Resolved(why) => {
                self.state = AlertState::Resolved;
                self.next_at = None;
                told.push(Told::Resolved(why));
            }
        }
        told
    }

    /// Tells the next level, or waits for the hours in which it may be told.
    fn climb(
        &mut self,
        policy: &EscalationContent,
        hours: Option<&Calendar>,
        now: Timestamp,
        told: &mut Vec<Told>,
    ) {
        self.expire(policy, told);
        if let Some(until) = hours.and_then(|hours| opening(hours, now)) {
            if self.state != AlertState::Held {
                told.push(Told::Held { until });
            }
            self.state = AlertState::Held;
            self.next_at = Some(until);
            return;
        }
        if policy.level(self.level + 1).is_none() {
            self.level = 0;
            self.round += 1;
            self.repeats_left = self.repeats_left.saturating_sub(1);
        }
        self.level += 1;
        self.state = AlertState::Open;
        self.attempts = 0;
        told.push(Told::Notified {
            level: self.level,
            round: self.round,
            also_on_duty: std::mem::take(&mut self.also_on_duty),
        });
        self.next_at = match policy.level(self.level + 1) {
            Some(next) => Some(later(now, next.delay)),
            None if self.repeats_left > 0 => Some(later(now, policy.repeat_after)),
            None => None,
        };
    }

    /// Of an acknowledged alert: begins the climb anew.
    fn expire(&mut self, policy: &EscalationContent, told: &mut Vec<Told>) {
        if self.state == AlertState::Acknowledged {
            self.state = AlertState::Open;
            self.level = 0;
            self.round += 1;
            self.repeats_left = policy.repeat;
            self.also_on_duty = true;
            told.push(Told::AcknowledgementExpired);
        }
    }
}

/// When closed hours open; `None` when they are open, or never open: rather at a wrong time than not
/// at all.
fn opening(hours: &Calendar, now: Timestamp) -> Option<Timestamp> {
    hours.next_open(now).ok().filter(|open| *open > now)
}

fn later(now: Timestamp, millis: i64) -> Timestamp {
    now + Duration::from_millis(u64::try_from(millis).unwrap_or(0))
}

#[cfg(test)]
#[path = "alert_tests.rs"]
mod tests;
