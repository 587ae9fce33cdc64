//! Items that need the same of an agent, and the agents as these items see them.

use std::cmp::Ordering;
use std::collections::{BTreeMap, BTreeSet};

use lotse_clock::Timestamp;
use lotse_ids::{AgentId, GroupId};

use super::LineId;
use crate::domain::agent::{Agent, Seat};
use crate::domain::choice::{Candidate, Choice, Misfit, Needs, RECORDED_CANDIDATES, misfit_at};
use crate::domain::codes::Order;
use crate::domain::cover::Cover;
use crate::domain::directory::{Directory, Seats};

/// By what everybody is judged: the configuration, and an instant until whose next change of shifts
/// and covers the judgement stays the same.
#[derive(Clone, Copy)]
pub(super) struct Judge<'a> {
    pub(super) directory: &'a Directory,
    pub(super) at: Timestamp,
}

impl Judge<'_> {
    pub(super) fn misfit(self, agent: &Agent, seat: &Seat, needs: &Needs) -> Option<Misfit> {
        misfit_at(self.at, self.directory, agent, seat, needs)
    }

    /// Whether an agent answers the tickets of a group.
    fn is_member(self, agent: &Agent, group: &GroupId) -> bool {
        let groups = &agent.profile.groups;
        let cover = self.directory.cover_of(group, self.at);
        groups.contains(group) || cover.is_some_and(|cover| groups.contains(&cover.by))
    }
}

/// What sets an item apart from others with the same needs: agents who had it before.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Exceptions {
    /// Who must not get it.
    pub(super) excluded: BTreeSet<AgentId>,
    /// Who did not take it when it was offered.
    pub(super) declined: BTreeSet<AgentId>,
    /// Who goes before all others.
    pub(super) preferred: Option<AgentId>,
    /// Whether the preferred agent must fit like the others.
    pub(super) repeats: bool,
}

impl Exceptions {
    /// Takes them out of `needs`, which is that of a class then.
    pub(super) fn take_from(needs: &mut Needs) -> Self {
        Self {
            excluded: std::mem::take(&mut needs.excluded),
            declined: std::mem::take(&mut needs.declined),
            repeats: std::mem::take(&mut needs.repeats),
            preferred: needs.preferred.take(),
        }
    }

    fn put_into(&self, needs: &Needs) -> Needs {
        Needs {
            excluded: self.excluded.clone(),
            declined: self.declined.clone(),
            repeats: self.repeats,
            preferred: self.preferred.clone(),
            ..needs.clone()
        }
    }

    fn concerns(&self, agent: &AgentId) -> bool {
        self.excluded.contains(agent)
            || self.declined.contains(agent)
            || self.preferred.as_ref() == Some(agent)
    }

    fn agents<'a>(&'a self, directory: &'a Directory) -> impl Iterator<Item = &'a Agent> {
        // Each once.
        let sets = self.excluded.iter().chain(&self.declined);
        let all: BTreeSet<&AgentId> = sets.chain(&self.preferred).collect();
        all.into_iter()
            .filter_map(|agent| directory.agents.get(agent))
    }
}

/// A candidate in the order of its class.
#[derive(Clone, Debug)]
struct Ranked(Candidate, Order);

impl Ord for Ranked {
    fn cmp(&self, other: &Self) -> Ordering {
        self.0.compare(&other.0, self.1).1
    }
}

impl PartialOrd for Ranked {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Ranked {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}

impl Eq for Ranked {}

/// One class: what [`choose`](crate::domain::choice::choose) would find, kept up to date.
#[derive(Debug)]
pub(super) struct Class {
    /// Without exceptions.
    pub(super) needs: Needs,
    /// Its lines in which something waits.
    pub(super) lines: BTreeMap<Exceptions, LineId>,
    eligible: BTreeSet<Ranked>,
    rejections: BTreeMap<Misfit, u32>,
}

impl Class {
    pub(super) fn new(needs: Needs, judge: Judge<'_>, seats: &Seats) -> Self {
        let mut class = Self {
            lines: BTreeMap::new(),
            eligible: BTreeSet::new(),
            rejections: BTreeMap::new(),
            needs,
        };
        class.judge_anew(judge, seats);
        class
    }

    /// Looks at everybody again.
    pub(super) fn judge_anew(&mut self, judge: Judge<'_>, seats: &Seats) {
        self.eligible.clear();
        self.rejections.clear();
        let group = self.needs.group.clone();
        for agent in judge.directory.answering(&group, judge.at) {
            if let Some(seat) = seats.get(&agent.id) {
                self.add(agent, seat, judge);
            }
        }
    }

    /// A member of the group, with this seat from now on. Returns whether the agent is eligible.
    pub(super) fn add(&mut self, agent: &Agent, seat: &Seat, judge: Judge<'_>) -> bool {
        match judge.misfit(agent, seat, &self.needs) {
            None => self.eligible.insert(self.ranked(agent, seat, judge)),
            Some(misfit) => {
                *self.rejections.entry(misfit).or_default() += 1;
                false
            }
        }
    }

    /// A member of the group, with this seat until now. Returns whether the agent was eligible.
    pub(super) fn remove(&mut self, agent: &Agent, seat: &Seat, judge: Judge<'_>) -> bool {
        match judge.misfit(agent, seat, &self.needs) {
            None => self.eligible.remove(&self.ranked(agent, seat, judge)),
            Some(misfit) => {
                less(&mut self.rejections, &misfit);
                false
            }
        }
    }

    fn ranked(&self, agent: &Agent, seat: &Seat, judge: Judge<'_>) -> Ranked {
        let chance = judge.directory.chances.of(&self.needs.group, &agent.id);
        let candidate = Candidate::new(agent, seat, &self.needs, chance);
        Ranked(candidate, self.needs.order)
    }

    /// Everybody eligible for items with these exceptions, best first.
    pub(super) fn candidates<'a>(
        &'a self,
        exceptions: &'a Exceptions,
        judge: Judge<'a>,
        seats: &'a Seats,
    ) -> impl Iterator<Item = Candidate> + 'a {
        let preferred = self.preferred(exceptions, judge, seats);
        let others = self.eligible.iter().map(|ranked| &ranked.0);
        let others = others.filter(|one| !exceptions.concerns(&one.agent));
        preferred.into_iter().chain(others.cloned())
    }

    fn preferred(
        &self,
        exceptions: &Exceptions,
        judge: Judge<'_>,
        seats: &Seats,
    ) -> Option<Candidate> {
        let id = exceptions.preferred.as_ref()?;
        let (agent, seat) = (judge.directory.agents.get(id)?, seats.get(id)?);
        let needs = exceptions.put_into(&self.needs);
        if exceptions.repeats && !judge.is_member(agent, &needs.group) {
            return None;
        }
        let fits = judge.misfit(agent, seat, &needs).is_none();
        fits.then(|| self.ranked(agent, seat, judge).0)
    }

    /// What a look finds for items with these exceptions.
    pub(super) fn choice(
        &self,
        exceptions: &Exceptions,
        judge: Judge<'_>,
        seats: &Seats,
    ) -> Choice {
        let needs = exceptions.put_into(&self.needs);
        let mut rejections = self.rejections.clone();
        let mut eligible = self.eligible.len();
        for agent in exceptions.agents(judge.directory) {
            let Some(seat) = seats.get(&agent.id) else {
                continue;
            };
            let is_member = judge.is_member(agent, &needs.group);
            if is_member {
                match judge.misfit(agent, seat, &self.needs) {
                    None => eligible -= 1,
                    Some(misfit) => less(&mut rejections, &misfit),
                }
            }
            if is_member || needs.former() == Some(&agent.id) {
                match judge.misfit(agent, seat, &needs) {
                    None => eligible += 1,
                    Some(misfit) => *rejections.entry(misfit).or_default() += 1,
                }
            }
        }
        let candidates = self.candidates(exceptions, judge, seats);
        let candidates = candidates.take(RECORDED_CANDIDATES).collect();
        let cover = judge.directory.cover_of(&needs.group, judge.at);
        let chances = judge.directory.chances.version_for(&needs.group);
        Choice::of(
            needs,
            candidates,
            eligible,
            rejections,
            cover.map(Cover::seen),
        )
        .by(chances)
    }
}

/// One agent fewer for this reason.
fn less(rejections: &mut BTreeMap<Misfit, u32>, misfit: &Misfit) {
    if let Some(agents) = rejections.get_mut(misfit) {
        *agents -= 1;
        if *agents == 0 {
            rejections.remove(misfit);
        }
    }
}
