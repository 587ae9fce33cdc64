//! The way of a ticket through the steps of a rule, by its age and by who is there.

use std::collections::BTreeMap;
use std::time::Duration;

use lotse_calendar::{Calendar, InvalidCalendar, Shift, Spec};
use lotse_clock::Timestamp;
use serde::{Deserialize, Serialize};

use lotse_ids::GroupId;

use super::choice::Needs;
use super::codes::{Order, SkipReason};

/// Steps, first to last, and skills that are preferred on all of them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "StoredWay<G>", into = "StoredWay<G>")]
#[serde(bound(
    serialize = "G: Clone + Serialize",
    deserialize = "G: Deserialize<'de>"
))]
pub(crate) struct Way<G = GroupId> {
    /// At least one.
    pub(crate) steps: Vec<WorkflowStep<G>>,
    /// What agents should have while the ticket is young.
    pub(crate) preferred: Vec<PreferredSkills>,
    /// Whether the model is asked for the group first: the steps are for when it cannot say.
    pub(crate) learned: bool,
}

/// A way that is nothing but a group's queue is stored as that group, as it always was.
#[derive(Serialize, Deserialize)]
#[serde(untagged)]
enum StoredWay<G> {
    Group(G),
    Steps {
        steps: Vec<WorkflowStep<G>>,
        #[serde(default)]
        preferred: Vec<PreferredSkills>,
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        learned: bool,
    },
}

/// One step as configured.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct WorkflowStep<G = GroupId> {
    /// In whose queue the ticket waits.
    pub(crate) group: G,
    /// What an agent needs, beside what ticket and group require.
    pub(crate) terms: Terms,
    /// The ticket's age at which it goes on; none for the last.
    pub(crate) timeout: Option<Duration>,
    /// When to go on at once.
    pub(crate) skip_if: SkipIf,
}

/// What a step asks of agents.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Terms {
    /// Skills with least levels.
    pub(crate) skills: BTreeMap<String, u8>,
    /// Least level in the ticket's language, from 1.
    pub(crate) language_level: u8,
    /// Least support level; 0 for any.
    pub(crate) min_tier: u8,
    /// Which of several gets it.
    pub(crate) order: Order,
}

/// When a step is passed over: when any of these holds.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct SkipIf {
    /// No agent of the group is online.
    pub(crate) nobody_online: bool,
    /// No agent of the group has room.
    pub(crate) nobody_free: bool,
    /// It is none of these hours.
    pub(crate) outside: Option<OpenHours>,
}

/// Hours of a common week.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(try_from = "StoredHours", into = "StoredHours")]
pub(crate) struct OpenHours(Calendar);

#[derive(PartialEq, Eq, Serialize, Deserialize)]
struct StoredHours {
    zone: String,
    week: Vec<Shift>,
}

/// Skills that are dropped together.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct PreferredSkills {
    /// With least levels.
    pub(crate) skills: BTreeMap<String, u8>,
    /// The ticket's age at which they are dropped.
    pub(crate) drop_after: Duration,
}

impl<G> From<StoredWay<G>> for Way<G> {
    fn from(stored: StoredWay<G>) -> Self {
        match stored {
            StoredWay::Group(group) => Self::to(group),
            StoredWay::Steps {
                steps,
                preferred,
                learned,
            } => Self {
                steps,
                preferred,
                learned,
            },
        }
    }
}

impl<G> From<Way<G>> for StoredWay<G> {
    fn from(mut way: Way<G>) -> Self {
        match way.steps.pop() {
            Some(only)
                if way.steps.is_empty()
                    && way.preferred.is_empty()
                    && !way.learned
                    && only.is_plain() =>
            {
                Self::Group(only.group)
            }
            last => Self::Steps {
                steps: way.steps.into_iter().chain(last).collect(),
                preferred: way.preferred,
                learned: way.learned,
            },
        }
    }
}

impl<G> Way<G> {
    /// Into a group's queue, and nothing else.
    pub(crate) fn to(group: G) -> Self {
        Self {
            steps: vec![WorkflowStep::at(group)],
            preferred: Vec::new(),
            learned: false,
        }
    }

    /// The same with its groups found: `find` is asked for each, with the name of its field under
    /// `path`. None when one was not found.
    pub(crate) fn resolve<H>(
        &self,
        path: &str,
        find: &mut impl FnMut(&str, &G) -> Option<H>,
    ) -> Option<Way<H>> {
        let steps: Vec<Option<WorkflowStep<H>>> = self
            .steps
            .iter()
            .enumerate()
            .map(|(at, step)| {
                let field = self.field(path, at, "group_id");
                Some(WorkflowStep {
                    group: find(&field, &step.group)?,
                    terms: step.terms.clone(),
                    timeout: step.timeout,
                    skip_if: step.skip_if.clone(),
                })
            })
            .collect();
        Some(Way {
            steps: steps.into_iter().collect::<Option<_>>()?,
            preferred: self.preferred.clone(),
            learned: self.learned,
        })
    }

    /// What a field of a step is called. `path` is a rule, or what names the default begin with;
    /// a way that is nothing but a group's queue has no steps for those who write it.
    pub(crate) fn field(&self, path: &str, at: usize, name: &str) -> String {
        match self.steps.as_slice() {
            [only] if only.is_plain() => format!("{path}{name}"),
            _ => format!("{path}steps[{at}].{name}"),
        }
    }

    /// The step on which a ticket is, from 0, and why it is not on an earlier one that has not
    /// timed out. `skips` says whether a step is to be passed over now.
    pub(crate) fn step_at(
        &self,
        queued_at: Timestamp,
        now: Timestamp,
        skips: impl Fn(&WorkflowStep<G>) -> Option<SkipReason>,
    ) -> (usize, Vec<(usize, SkipReason)>) {
        let mut skipped = Vec::new();
        let last = self.steps.len().saturating_sub(1);
        for (at, step) in self.steps.iter().enumerate().take(last) {
            if step.ends_at(queued_at).is_some_and(|end| end <= now) {
                continue;
            }
            match skips(step) {
                None => return (at, skipped),
                Some(why) => skipped.push((at, why)),
            }
        }
        (last, skipped)
    }

    /// Adds to `needs` what is still preferred at `now`, and returns when less of it will be.
    pub(crate) fn prefer(
        &self,
        needs: &mut Needs,
        queued_at: Timestamp,
        now: Timestamp,
    ) -> Option<Timestamp> {
        let young = |group: &&PreferredSkills| queued_at + group.drop_after > now;
        // Of a skill that several groups name, the highest level counts, and whatever is required
        // anyway is not preferred.
        let preferred_from = |from: Timestamp, required: &BTreeMap<String, u8>| {
            let mut all: BTreeMap<String, u8> = BTreeMap::new();
            let later = self.preferred.iter();
            let later = later.filter(|group| queued_at + group.drop_after > from);
            for (skill, level) in later.flat_map(|group| &group.skills) {
                if required.get(skill).is_none_or(|required| required < level) {
                    let highest = all.entry(skill.clone()).or_insert(*level);
                    *highest = (*highest).max(*level);
                }
            }
            all
        };
        needs.preferred_skills = preferred_from(now, &needs.skills);
        let mut drops: Vec<Timestamp> = self
            .preferred
            .iter()
            .filter(young)
            .map(|group| queued_at + group.drop_after)
            .collect();
        drops.sort_unstable();
        drops
            .into_iter()
            .find(|drop| preferred_from(*drop, &needs.skills) != needs.preferred_skills)
    }
}

impl<G> WorkflowStep<G> {
    /// To wait in a group's queue, for any agent of it.
    pub(crate) fn at(group: G) -> Self {
        Self {
            group,
            terms: Terms::default(),
            timeout: None,
            skip_if: SkipIf::default(),
        }
    }

    /// Whether it is nothing but a group's queue.
    pub(crate) fn is_plain(&self) -> bool {
        self.terms == Terms::default() && self.timeout.is_none() && self.skip_if.is_empty()
    }

    /// When a ticket leaves it at the latest; none for the last.
    pub(crate) fn ends_at(&self, queued_at: Timestamp) -> Option<Timestamp> {
        self.timeout.map(|timeout| queued_at + timeout)
    }
}

impl Default for Terms {
    /// Nothing but what ticket and group require.
    fn default() -> Self {
        Self {
            skills: BTreeMap::new(),
            language_level: 1,
            min_tier: 0,
            order: Order::default(),
        }
    }
}

impl Terms {
    /// Adds to `needs` what this asks.
    pub(crate) fn ask(&self, needs: &mut Needs) {
        for (skill, level) in &self.skills {
            let asked = needs.skills.entry(skill.clone()).or_insert(*level);
            *asked = (*asked).max(*level);
        }
        needs.language_level = self.language_level;
        needs.min_tier = self.min_tier;
        needs.order = self.order;
    }

    /// Whether whoever meets these meets `other`, too.
    pub(crate) fn ask_no_less_than(&self, other: &Self) -> bool {
        let asked = |(skill, level): (&String, &u8)| {
            let mine = self.skills.get(skill);
            mine.is_some_and(|mine| mine >= level)
        };
        self.language_level >= other.language_level
            && self.min_tier >= other.min_tier
            && other.skills.iter().all(asked)
    }
}

impl SkipIf {
    /// Whether nothing is given, so that nothing is passed over.
    pub(crate) fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

impl OpenHours {
    /// Hours of the week in a zone.
    ///
    /// # Errors
    /// When the zone is unknown or the hours are empty or overlap; the fields are the calendar's.
    pub(crate) fn new(zone: String, week: Vec<Shift>) -> Result<Self, InvalidCalendar> {
        let spec = Spec {
            zone,
            version: 1,
            week,
            overrides: Vec::new(),
        };
        Calendar::new(spec).map(Self)
    }

    /// IANA name of the zone.
    pub(crate) fn zone(&self) -> &str {
        &self.0.spec().zone
    }

    /// The hours.
    pub(crate) fn week(&self) -> &[Shift] {
        &self.0.spec().week
    }

    /// Whether an instant lies within.
    pub(crate) fn contain(&self, at: Timestamp) -> bool {
        self.0.is_open(at)
    }

    /// When that next changes; none where it never does.
    pub(crate) fn change_after(&self, at: Timestamp) -> Option<Timestamp> {
        if !self.contain(at) {
            return self.0.next_open(at).ok();
        }
        // Hours past midnight come as two intervals that touch.
        let week = Duration::from_secs(8 * 24 * 60 * 60);
        let mut end = at;
        for (open, close) in self.0.intervals(at, at + week) {
            if open > end {
                break;
            }
            end = close;
        }
        (end < at + week).then_some(end)
    }
}

impl PartialEq for OpenHours {
    fn eq(&self, other: &Self) -> bool {
        self.zone() == other.zone() && self.week() == other.week()
    }
}

impl Eq for OpenHours {}

impl TryFrom<StoredHours> for OpenHours {
    type Error = InvalidCalendar;

    fn try_from(StoredHours { zone, week }: StoredHours) -> Result<Self, InvalidCalendar> {
        Self::new(zone, week)
    }
}

impl From<OpenHours> for StoredHours {
    fn from(hours: OpenHours) -> Self {
        Self {
            zone: hours.zone().to_owned(),
            week: hours.week().to_vec(),
        }
    }
}

#[cfg(test)]
#[path = "way_tests.rs"]
mod tests;
