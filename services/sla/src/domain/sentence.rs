//! What the parts of an explanation say to people. The wording is part of the interface: it changes
//! only on purpose.

use lotse_clock::Timestamp;

use super::Clock;
use super::explain::{Kind, Phase, Schedule, Segment, Special};
use super::fact::Event;
use super::hours::Terms;
use super::life::Cause;
use super::vocabulary::{Reason, State};

impl Segment {
    /// The part in a sentence.
    pub fn sentence(&self) -> String {
        let length = span(self.end.millis_since(self.start));
        let (counted, skipped) = match self.phase {
            Phase::Past => ("Counted", "Skipped"),
            Phase::Overdue => ("Overdue", "Skipped"),
            Phase::Future => ("Will count", "Will skip"),
        };
        match &self.kind {
            Kind::Always => format!("{counted} {length}: every hour counts."),
            Kind::Open(schedule) => {
                let version = schedule.version;
                let shifts = shifts(schedule);
                format!("{counted} {length}: open hours, calendar version {version}.{shifts}")
            }
            Kind::Closed(schedule, special) => {
                let (version, shifts) = (schedule.version, shifts(schedule));
                let why = special.as_ref().map_or("closed".to_owned(), closed_on);
                format!("{skipped} {length}: {why}, calendar version {version}.{shifts}")
            }
            Kind::Paused {
                reason,
                begun,
                ended,
            } => {
                let until = ended
                    .as_ref()
                    .map_or_else(String::new, |ended| format!(" until {}", event(ended)));
                let why = why(*reason);
                format!("{skipped} {length}: {why}, since {}{until}.", event(begun))
            }
            Kind::Solved { begun, ended } => format!(
                "{skipped} {length}: solved, since {} until {}.",
                event(begun),
                event(ended)
            ),
            Kind::Inherited(cycle) => {
                let by = cycle.map_or("earlier cycles".to_owned(), |cycle| {
                    format!("cycle {cycle}")
                });
                format!("Inherited {}: consumed by {by}.", span(self.counted))
            }
            Kind::Retargeted { old, new, cause } => format!(
                "The terms changed from {} to {}: {}.",
                terms(old),
                terms(new),
                cause.replan.map_or("the plan changed", changed)
            ),
        }
    }
}

impl Clock {
    /// Where it stands at `as_of`, in a sentence.
    pub fn sentence(&self, as_of: Timestamp) -> String {
        let metric = self.metric.code();
        let (used, target) = (span(self.used(as_of)), span(self.terms.target));
        let stands = match (self.state, self.times.due) {
            (State::Running, Some(due)) => format!("runs and is due at {}", instant(due)),
            (State::Running, None) => "runs and is never due".to_owned(),
            (State::Paused, _) => format!("stands still: {}", why(self.reason)),
            (State::Met, _) => "was met".to_owned(),
            (State::Breached, due) => {
                let due = due.map_or_else(String::new, |due| format!(" at {}", instant(due)));
                match self.times.fulfilled {
                    Some(at) => format!("was broken{due} and fulfilled at {}", instant(at)),
                    None => format!("was broken{due}"),
                }
            }
            (State::Cancelled, _) => format!("was cancelled: {}", self.reason.code()),
        };
        let cycle = self.cycle;
        format!("Cycle {cycle} of {metric} {stands}; {used} of {target} are used.")
    }
}

impl Event {
    /// What happened, as a code.
    pub fn code(&self) -> String {
        match self {
            Self::Created { .. } => "created".to_owned(),
            Self::Status { to, .. } => format!("status_{}", to.code()),
            Self::Wrote => "requester_wrote".to_owned(),
            Self::Answered(_) => "replied".to_owned(),
            Self::Handed(_) => "handed_over".to_owned(),
            Self::Merged => "merged".to_owned(),
            Self::Absorbed { .. } => "absorbed".to_owned(),
            Self::Asked => "requester_wrote".to_owned(),
            Self::Edited => "policy_edited".to_owned(),
            Self::Touched => "updated".to_owned(),
        }
    }
}

fn event(cause: &Cause) -> String {
    format!("event {} ({})", cause.source, cause.event.code())
}

fn closed_on(special: &Special) -> String {
    let Special { date, name, source } = special;
    if name.is_empty() {
        format!("closed on {date} ({source})")
    } else {
        format!("closed on {date} for {name} ({source})")
    }
}

fn shifts(schedule: &Schedule) -> String {
    let said = schedule.shifts.iter().map(|shift| {
        let (before, after) = (offset(shift.offset_before), offset(shift.offset_after));
        format!(
            " Clocks went from {before} to {after} at {}.",
            instant(shift.at)
        )
    });
    said.collect()
}

fn terms(terms: &Terms) -> String {
    let Terms {
        policy,
        target,
        calendar,
        ..
    } = terms;
    let hours = calendar
        .as_ref()
        .map_or("every hour counts".to_owned(), |calendar| {
            format!("calendar {} version {}", calendar.id, calendar.version)
        });
    let (id, version) = (&policy.id, policy.version);
    format!("{} ({hours}, policy {id} version {version})", span(*target))
}

/// Why a clock stands still.
fn why(reason: Reason) -> &'static str {
    match reason {
        Reason::Pending => "waiting for the requester",
        Reason::OnHold => "waiting for a third party",
        Reason::Solved | Reason::SolvedWithoutReply => "the ticket is solved",
        Reason::BotPhase => "the bot talks to the requester",
        other => other.code(),
    }
}

/// Why terms changed.
fn changed(reason: Reason) -> &'static str {
    match reason {
        Reason::PriorityChanged => "the priority changed",
        Reason::GroupChanged => "the group changed",
        Reason::FactsChanged => "other facts changed",
        other => other.code(),
    }
}

/// A span in hours, minutes and seconds: `26h 5m 0.250s`.
pub(super) fn span(millis: i64) -> String {
    let millis = millis.max(0);
    let (hours, minutes) = (millis / 3_600_000, millis / 60_000 % 60);
    let (seconds, rest) = (millis / 1_000 % 60, millis % 1_000);
    let mut parts = Vec::new();
    if hours > 0 {
        parts.push(format!("{hours}h"));
    }
    if minutes > 0 {
        parts.push(format!("{minutes}m"));
    }
    if rest > 0 {
        parts.push(format!("{seconds}.{rest:03}s"));
    } else if seconds > 0 || parts.is_empty() {
        parts.push(format!("{seconds}s"));
    }
    parts.join(" ")
}

/// An instant in UTC, RFC 3339.
pub(crate) fn instant(at: Timestamp) -> String {
    jiff::Timestamp::from_millisecond(at.as_millis())
        .map_or_else(|_| at.to_string(), |at| at.to_string())
}

/// An offset from UTC: `UTC+05:30`.
fn offset(seconds: i32) -> String {
    let sign = if seconds < 0 { '-' } else { '+' };
    let minutes = seconds.unsigned_abs() / 60;
    format!("UTC{sign}{:02}:{:02}", minutes / 60, minutes % 60)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_are_exact() {
        for (millis, text) in [
            (0, "0s"),
            (250, "0.250s"),
            (61_000, "1m 1s"),
            (93_900_001, "26h 5m 0.001s"),
            (3_600_000, "1h"),
        ] {
            assert_eq!(span(millis), text);
        }
    }

    #[test]
    fn offsets_have_their_sign() {
        assert_eq!(offset(19_800), "UTC+05:30");
        assert_eq!(offset(-12_600), "UTC-03:30");
    }
}
