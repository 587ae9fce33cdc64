//! The terms of one clock: how much time there is, and which time counts.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use lotse_calendar::Calendar;
use lotse_clock::Timestamp;
use serde::{Deserialize, Serialize};

use super::vocabulary::{BotPhase, ResolutionEnd};

/// A version of a policy.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct PolicyRef {
    /// The policy's id.
    pub id: String,
    /// Its version, from 1.
    pub version: u32,
}

/// A version of a calendar.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct CalendarRef {
    /// The calendar's id.
    pub id: String,
    /// Its version, from 1.
    pub version: u32,
}

/// The time that counts.
#[derive(Clone)]
pub enum Hours {
    /// Every hour of every day.
    Always,
    /// The open time of a calendar.
    Open(Arc<Calendar>),
}

/// What a clock goes by. Equal when they name the same versions and the same target.
#[derive(Clone, Debug)]
pub struct Terms {
    /// The policy that set the target.
    pub policy: PolicyRef,
    /// How much time there is, in milliseconds on the calendar.
    pub target: i64,
    /// The calendar; `None` for every hour of every day.
    pub calendar: Option<CalendarRef>,
    /// The hours of that calendar.
    pub hours: Hours,
    /// Shares of the target at which the clock warns, in percent, ascending.
    pub warn: Arc<[u8]>,
    /// What ends total_resolution.
    pub ends_at: ResolutionEnd,
    /// Whether the bot phase counts for first_reply.
    pub bot_phase: BotPhase,
}

impl PartialEq for Terms {
    fn eq(&self, other: &Self) -> bool {
        // Hours, warnings, end and bot phase follow from the versions.
        self.policy == other.policy
            && self.target == other.target
            && self.calendar == other.calendar
    }
}

impl Hours {
    /// When `millis` of this time have passed since `from`; `None` when that is not within the
    /// calendar's horizon.
    pub fn advance(&self, from: Timestamp, millis: i64) -> Option<Timestamp> {
        let budget = Duration::from_millis(u64::try_from(millis).unwrap_or(0));
        match self {
            Self::Always => Some(from + budget),
            Self::Open(calendar) => calendar.advance(from, budget).ok(),
        }
    }

    /// Whether time counts at an instant.
    pub fn are_open(&self, at: Timestamp) -> bool {
        self.elapsed(at, Timestamp::from_millis(at.as_millis().saturating_add(1))) > 0
    }

    /// How much of this time lies between two instants, in milliseconds; 0 when they are reversed.
    pub fn elapsed(&self, from: Timestamp, to: Timestamp) -> i64 {
        match self {
            Self::Always => to.millis_since(from).max(0),
            Self::Open(calendar) => {
                i64::try_from(calendar.elapsed(from, to).as_millis()).unwrap_or(i64::MAX)
            }
        }
    }
}

impl fmt::Debug for Hours {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Always => "always",
            Self::Open(_) => "calendar",
        })
    }
}
