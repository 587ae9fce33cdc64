//! The time ahead in which too few agents will be there.

use std::collections::{BTreeMap, BTreeSet};

use lotse_calendar::{Calendar, Shift};
use lotse_clock::Timestamp;
use lotse_ids::{AgentId, GroupId};
use serde::{Deserialize, Serialize};

use super::agent::{Agent, Profile};
use super::codes::Standing;
use super::cover::Cover;
use super::directory::Directory;
use super::language::Language;
use super::rota::{InvalidSchedule, Problem, weekly};
use super::setting::Content;
use super::shift_plan::{open, within};
use super::turns::Stretch;

/// How many must be there of a group. `G` is how the group is named.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Requirements<G = GroupId> {
    /// Of which group.
    pub(crate) group: G,
    /// IANA name of the zone of the hours.
    pub(crate) zone: String,
    /// Each counts by itself.
    pub(crate) all: Vec<Requirement>,
}

/// How many agents of a kind must be there, and when.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Requirement {
    /// Who have this skill; none for any.
    pub(crate) skill: Option<String>,
    /// Who speak this language; none for any.
    pub(crate) language: Option<Language>,
    /// At least this well.
    pub(crate) min_level: u8,
    /// So many.
    pub(crate) agents: u32,
    /// In these hours; none for around the clock.
    pub(crate) hours: Vec<Shift>,
}

/// What is known of when an agent will be there.
#[derive(Clone, Debug)]
pub(crate) struct Roster<'a> {
    /// Who.
    pub(crate) agent: &'a Agent,
    /// There, in order.
    pub(crate) there: Vec<Stretch>,
    /// Would be there but for a break or an absence, in order.
    pub(crate) missing: Vec<(Stretch, Missing)>,
}

/// Why somebody is missing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Missing {
    /// On a break or absent.
    pub(crate) standing: Standing,
    /// What is said of it.
    pub(crate) note: String,
}

/// A time in which too few are there, as long as possible.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Gap {
    /// Which requirement is not met, from 0.
    pub(crate) requirement: usize,
    /// When.
    pub(crate) stretch: Stretch,
    /// The fewest who are there at once.
    pub(crate) fewest: u32,
    /// Who is there, at least for a part of it.
    pub(crate) there: BTreeSet<AgentId>,
    /// Who is missing, at least for a part of it.
    pub(crate) missing: BTreeMap<AgentId, Missing>,
}

impl Content for Requirements {
    type Id = GroupId;

    const KIND: &'static str = "coverage_requirements";

    fn new_id(&self, _now: Timestamp) -> GroupId {
        self.group.clone()
    }

    /// A group has one set of them, so its id is name enough.
    fn name(&self) -> &str {
        self.group.as_str()
    }
}

impl<G> Requirements<G> {
    /// The same of this group.
    pub(crate) fn of<H>(self, group: H) -> Requirements<H> {
        Requirements {
            group,
            zone: self.zone,
            all: self.all,
        }
    }

    /// The hours of each requirement, none for around the clock, or all that is wrong with them.
    pub(crate) fn hours(&self) -> Result<Vec<Option<Calendar>>, InvalidSchedule> {
        if jiff::tz::TimeZone::get(&self.zone).is_err() {
            return Err(InvalidSchedule::unknown_zone(&self.zone));
        }
        let mut problems: Vec<Problem> = Vec::new();
        let all = self.all.iter().enumerate();
        let hours = all
            .map(|(at, one)| {
                weekly(&self.zone, &one.hours, &mut problems, |shift| {
                    format!("requirements[{at}].hours[{shift}]")
                })
            })
            .collect();
        if problems.is_empty() {
            Ok(hours)
        } else {
            Err(InvalidSchedule(problems))
        }
    }
}

impl Requirement {
    /// Whether an agent counts.
    fn counts(&self, profile: &Profile) -> bool {
        let enough = |level: Option<u8>| level.is_some_and(|level| level >= self.min_level);
        let skill = self.skill.as_ref();
        let language = self.language.as_ref();
        skill.is_none_or(|skill| enough(profile.skills.get(skill).copied()))
            && language.is_none_or(|language| {
                profile.languages.is_empty() || enough(profile.language_level(language))
            })
    }
}

/// When everybody who answers for a group will be there. `covers` are the group's in the window, by
/// beginning. `duty` is who is on duty in its rota when;
/// whoever is, is there also outside of shifts, but not on a break or absent. Beside them the
/// members of whom nothing says when they are there.
pub(crate) fn rosters<'a>(
    directory: &'a Directory,
    group: &GroupId,
    covers: &[Cover],
    duty: &[(Stretch, BTreeSet<AgentId>)],
    window: Stretch,
) -> (Vec<Roster<'a>>, Vec<AgentId>) {
    let mut belongs: BTreeMap<&AgentId, Vec<Stretch>> = BTreeMap::new();
    for agent in directory.members(group) {
        belongs.insert(&agent.id, vec![window]);
    }
    for cover in covers {
        let clipped = Stretch {
            from: cover.starts_at.max(window.from),
            until: cover.ends_at.min(window.until),
        };
        for agent in directory.members(&cover.by) {
            let own = agent.profile.groups.contains(group);
            if !own && clipped.from < clipped.until {
                belongs.entry(&agent.id).or_default().push(clipped);
            }
        }
    }
    for agent in duty.iter().flat_map(|(_, agents)| agents) {
        belongs.entry(agent).or_default();
    }
    let (mut rosters, mut unplanned) = (Vec::new(), Vec::new());
    for (id, belongs) in belongs {
        let active = directory.agents.get(id);
        let Some(agent) = active.filter(|agent| !agent.profile.retired) else {
            continue;
        };
        let on_duty: Vec<Stretch> = duty
            .iter()
            .filter(|(_, agents)| agents.contains(id))
            .map(|(stretch, _)| *stretch)
            .collect();
        if on_duty.is_empty() && !directory.shift_plans.contains_key(id) {
            if agent.profile.groups.contains(group) {
                unplanned.push(id.clone());
            }
            continue;
        }
        rosters.push(roster(directory, agent, &belongs, &on_duty, window));
    }
    (rosters, unplanned)
}

fn roster<'a>(
    directory: &Directory,
    agent: &'a Agent,
    belongs: &[Stretch],
    on_duty: &[Stretch],
    window: Stretch,
) -> Roster<'a> {
    let plan = directory.shift_plans.get(&agent.id);
    let standings = plan.map(|plan| plan.standings(window)).unwrap_or_default();
    let planned = standings.iter().map(|(stretch, _)| stretch);
    let edges = edges(planned.chain(belongs).chain(on_duty), window);
    let mut roster = Roster {
        agent,
        there: Vec::new(),
        missing: Vec::new(),
    };
    for (&from, &until) in edges.iter().zip(&edges[1..]) {
        let stretch = Stretch { from, until };
        let on_duty = within(on_duty, from);
        let answers = on_duty || within(belongs, from);
        let standing = plan.map(|plan| (plan, plan.standing(from)));
        match standing {
            Some((_, Standing::AtWork)) if answers => roster.there.push(stretch),
            Some((_, Standing::OffShift)) | None if on_duty => roster.there.push(stretch),
            Some((plan, standing @ (Standing::OnBreak | Standing::Absent))) if answers => {
                let absence = plan.absence(from);
                let note = absence.map(|absence| absence.note.clone());
                let note = note.unwrap_or_default();
                roster.missing.push((stretch, Missing { standing, note }));
            }
            Some(_) | None => {}
        }
    }
    roster
}

/// All gaps in a window, by beginning and requirement. `hours` are those of the requirements.
pub(crate) fn gaps(
    requirements: &[Requirement],
    hours: &[Option<Calendar>],
    rosters: &[Roster<'_>],
    window: Stretch,
) -> Vec<Gap> {
    let all = requirements.iter().zip(hours).enumerate();
    let each = all.flat_map(|(at, (one, hours))| {
        let rosters: Vec<&Roster<'_>> = rosters
            .iter()
            .filter(|roster| one.counts(&roster.agent.profile))
            .collect();
        let needed = match hours {
            Some(_) => open(hours, window),
            None => vec![window],
        };
        gaps_of(at, one.agents, &needed, &rosters, window)
    });
    let mut gaps: Vec<Gap> = each.collect();
    gaps.sort_by_key(|gap| (gap.stretch.from, gap.requirement));
    gaps
}

fn gaps_of(
    requirement: usize,
    required: u32,
    needed: &[Stretch],
    rosters: &[&Roster<'_>],
    window: Stretch,
) -> Vec<Gap> {
    let there = rosters.iter().flat_map(|one| &one.there);
    let missing = rosters.iter().flat_map(|one| &one.missing);
    let missing = missing.map(|(stretch, _)| stretch);
    let edges = edges(there.chain(missing).chain(needed), window);
    let mut gaps: Vec<Gap> = Vec::new();
    for (&from, &until) in edges.iter().zip(&edges[1..]) {
        let there = rosters.iter().filter(|one| within(&one.there, from));
        let there: BTreeSet<AgentId> = there.map(|one| one.agent.id.clone()).collect();
        let count = u32::try_from(there.len()).unwrap_or(u32::MAX);
        if !within(needed, from) || count >= required {
            continue;
        }
        let missing = rosters.iter().filter_map(|one| {
            let mut missing = one.missing.iter();
            let (_, why) = missing.find(|(stretch, _)| stretch.contains(from))?;
            Some((one.agent.id.clone(), why.clone()))
        });
        match gaps.last_mut() {
            Some(gap) if gap.stretch.until == from => {
                gap.stretch.until = until;
                gap.fewest = gap.fewest.min(count);
                gap.there.extend(there);
                gap.missing.extend(missing);
            }
            _ => gaps.push(Gap {
                requirement,
                stretch: Stretch { from, until },
                fewest: count,
                there,
                missing: missing.collect(),
            }),
        }
    }
    gaps
}

/// Where any of `stretches` begins or ends in a window, with its own ends; at least two.
fn edges<'a>(stretches: impl Iterator<Item = &'a Stretch>, window: Stretch) -> Vec<Timestamp> {
    let mut edges: Vec<Timestamp> = stretches
        .flat_map(|one| [one.from, one.until])
        .filter(|edge| window.from < *edge && *edge < window.until)
        .chain([window.from, window.until])
        .collect();
    edges.sort_unstable();
    edges.dedup();
    edges
}

#[cfg(test)]
#[path = "coverage_tests.rs"]
mod tests;
