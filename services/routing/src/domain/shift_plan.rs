//! When an agent should be at work: weekly shifts with breaks, and what is not like every week.

use lotse_calendar::{Calendar, Shift};
use lotse_clock::Timestamp;
use lotse_ids::AgentId;
use serde::{Deserialize, Serialize};

use super::codes::Standing;
use super::rota::{InvalidSchedule, Problem, weekly};
use super::setting::{Content, Setting};
use super::turns::Stretch;

/// How far ahead the next change is looked for. Whoever waits for one asks again after that.
pub(super) const AHEAD: std::time::Duration = std::time::Duration::from_secs(2 * 86_400);

/// What is configured about an agent's shifts. `A` is how the agent is named.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Shifts<A = AgentId> {
    /// Whose.
    pub(crate) agent: A,
    /// IANA name of the zone of the weekly hours.
    pub(crate) zone: String,
    /// At work, every week.
    pub(crate) shifts: Vec<Shift>,
    /// Not at work within these, every week.
    pub(crate) breaks: Vec<Shift>,
    /// Not there, whatever else is said.
    pub(crate) absences: Vec<Exception>,
    /// At work although no shift says so.
    pub(crate) extra_shifts: Vec<Exception>,
}

/// A time that is not like every week.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Exception {
    /// From when on, in milliseconds since the epoch.
    pub(crate) from: i64,
    /// Up to, not including.
    pub(crate) until: i64,
    /// For people.
    pub(crate) note: String,
}

/// An agent's shifts, checked and ready to be asked.
#[derive(Clone, Debug)]
pub(crate) struct ShiftPlan {
    /// What is configured.
    pub(crate) setting: Setting<Shifts>,
    shifts: Option<Calendar>,
    breaks: Option<Calendar>,
}

impl Content for Shifts {
    type Id = AgentId;

    const KIND: &'static str = "shift_plan";

    fn new_id(&self, _now: Timestamp) -> AgentId {
        self.agent.clone()
    }

    /// An agent has one plan, so its id is name enough.
    fn name(&self) -> &str {
        self.agent.as_str()
    }
}

impl<A> Shifts<A> {
    /// The same of this agent.
    pub(crate) fn of<B>(self, agent: B) -> Shifts<B> {
        Shifts {
            agent,
            zone: self.zone,
            shifts: self.shifts,
            breaks: self.breaks,
            absences: self.absences,
            extra_shifts: self.extra_shifts,
        }
    }

    /// What the weekly hours mean, or all that is wrong with them.
    pub(crate) fn check(&self) -> Result<(Option<Calendar>, Option<Calendar>), InvalidSchedule> {
        let mut problems: Vec<Problem> = Vec::new();
        if jiff::tz::TimeZone::get(&self.zone).is_err() {
            return Err(InvalidSchedule::unknown_zone(&self.zone));
        }
        let shifts = weekly(&self.zone, &self.shifts, &mut problems, |at| {
            format!("shifts[{at}]")
        });
        let breaks = weekly(&self.zone, &self.breaks, &mut problems, |at| {
            format!("breaks[{at}]")
        });
        if problems.is_empty() {
            Ok((shifts, breaks))
        } else {
            Err(InvalidSchedule(problems))
        }
    }
}

impl Exception {
    /// When.
    pub(crate) fn stretch(&self) -> Stretch {
        Stretch {
            from: Timestamp::from_millis(self.from),
            until: Timestamp::from_millis(self.until),
        }
    }
}

impl ShiftPlan {
    /// The plan, or all that is wrong with it.
    pub(crate) fn new(setting: Setting<Shifts>) -> Result<Self, InvalidSchedule> {
        let (shifts, breaks) = setting.profile.check()?;
        Ok(Self {
            setting,
            shifts,
            breaks,
        })
    }

    /// Whether the agent should be at work at an instant.
    pub(crate) fn standing(&self, at: Timestamp) -> Standing {
        let open = |calendar: &Option<Calendar>| {
            let calendar = calendar.as_ref();
            calendar.is_some_and(|calendar| calendar.is_open(at))
        };
        self.judge(at, || open(&self.shifts), || open(&self.breaks))
    }

    /// The whole of a time in stretches of the same standing, in order.
    pub(crate) fn standings(&self, window: Stretch) -> Vec<(Stretch, Standing)> {
        let (shifts, breaks) = (open(&self.shifts, window), open(&self.breaks, window));
        let exceptions = self.exceptions().map(Exception::stretch);
        let weekly = shifts.iter().chain(&breaks).copied();
        let mut edges: Vec<Timestamp> = weekly
            .chain(exceptions)
            .flat_map(|one| [one.from, one.until])
            .filter(|edge| window.from < *edge && *edge < window.until)
            .chain([window.from, window.until])
            .collect();
        edges.sort_unstable();
        edges.dedup();
        let mut found: Vec<(Stretch, Standing)> = Vec::new();
        for (&from, &until) in edges.iter().zip(&edges[1..]) {
            let standing = self.judge(from, || within(&shifts, from), || within(&breaks, from));
            match found.last_mut() {
                Some((last, same)) if *same == standing => last.until = until,
                _ => found.push((Stretch { from, until }, standing)),
            }
        }
        found
    }

    /// When the standing changes next, if it does within two days.
    pub(crate) fn next_change(&self, at: Timestamp) -> Option<Timestamp> {
        let window = Stretch {
            from: at,
            until: at + AHEAD,
        };
        let first = self.standings(window).into_iter().next();
        let (first, _) = first.filter(|(first, _)| first.until < window.until)?;
        Some(first.until)
    }

    /// What is said about the absence at an instant.
    pub(crate) fn absence(&self, at: Timestamp) -> Option<&Exception> {
        let mut absences = self.setting.profile.absences.iter();
        absences.find(|one| one.stretch().contains(at))
    }

    fn judge(
        &self,
        at: Timestamp,
        in_shift: impl FnOnce() -> bool,
        on_break: impl FnOnce() -> bool,
    ) -> Standing {
        let mut extra = self.setting.profile.extra_shifts.iter();
        if self.absence(at).is_some() {
            Standing::Absent
        } else if extra.any(|one| one.stretch().contains(at)) {
            Standing::AtWork
        } else if !in_shift() {
            Standing::OffShift
        } else if on_break() {
            Standing::OnBreak
        } else {
            Standing::AtWork
        }
    }

    fn exceptions(&self) -> impl Iterator<Item = &Exception> {
        let Shifts {
            absences,
            extra_shifts,
            ..
        } = &self.setting.profile;
        absences.iter().chain(extra_shifts)
    }
}

/// What is open in a window, in order.
pub(super) fn open(calendar: &Option<Calendar>, window: Stretch) -> Vec<Stretch> {
    let calendar = calendar.iter();
    let intervals = calendar.flat_map(|calendar| calendar.intervals(window.from, window.until));
    intervals
        .map(|(from, until)| Stretch { from, until })
        .collect()
}

/// Whether one of `sorted`, which do not overlap, has an instant.
pub(super) fn within(sorted: &[Stretch], at: Timestamp) -> bool {
    let begun = sorted.partition_point(|one| one.from <= at);
    sorted[..begun].last().is_some_and(|one| one.contains(at))
}

#[cfg(test)]
#[path = "shift_plan_tests.rs"]
pub(crate) mod tests;
