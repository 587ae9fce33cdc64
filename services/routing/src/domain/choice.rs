//! From group to agent: who may get a ticket, and who of them is the best choice.

use std::cmp::Ordering;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use lotse_clock::Timestamp;
use lotse_ids::{AgentId, GroupId};
use serde::{Deserialize, Serialize};

use super::agent::{Agent, Seat};
use super::codes::{Presence, Reason};
use super::directory::{Directory, Seats};
use super::language::Language;
use super::weight::Weight;

/// How many candidates a record keeps.
const RECORDED_CANDIDATES: usize = 20;

/// What a ticket needs of an agent.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Needs {
    /// A member of this group.
    pub(crate) group: GroupId,
    /// Skills with least levels.
    pub(crate) skills: BTreeMap<String, u8>,
    /// The language, when it is certain.
    pub(crate) language: Option<Language>,
    /// Room in the agent's capacity.
    pub(crate) weight: Weight,
    /// Agents who must not get it.
    pub(crate) excluded: BTreeSet<AgentId>,
    /// Who goes before all others: had the ticket before it was reopened.
    pub(crate) preferred: Option<AgentId>,
}

/// Why an agent cannot get a ticket. Sorts in the order of checking.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Misfit {
    /// Gets nothing more.
    Retired,
    /// Takes nothing new now.
    NotOnline,
    /// Passed the ticket on before.
    Excluded,
    /// Lacks a skill, or has less of it than this level.
    LacksSkill(String, u8),
    /// Does not speak the language.
    LacksLanguage(Language),
    /// Has no room.
    AtCapacity,
}

/// An eligible agent, with everything the order depends on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Candidate {
    /// The agent.
    pub(crate) agent: AgentId,
    /// Sum of the levels in the needed skills and language.
    pub(crate) fit: u32,
    /// Room left.
    pub(crate) spare: Weight,
    /// Room altogether; above zero, because an eligible agent has room.
    pub(crate) capacity: Weight,
    /// When the agent last got a ticket, in milliseconds since the epoch.
    pub(crate) last_assigned_at: Option<i64>,
}

/// Everything that was seen when looking for an agent.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Look {
    /// What was needed.
    pub(crate) needs: Needs,
    /// The best candidates, best first.
    pub(crate) candidates: Vec<Candidate>,
    /// How many were eligible.
    pub(crate) eligible: u32,
    /// How many were left out, by why.
    pub(crate) rejections: Vec<(Misfit, u32)>,
}

/// Whom a look found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Choice {
    /// What was seen.
    pub(crate) look: Look,
    /// The agent; none when nobody is eligible.
    pub(crate) agent: Option<AgentId>,
    /// What decided.
    pub(crate) reason: Reason,
}

impl Misfit {
    /// The code.
    pub(crate) const fn as_str(&self) -> &'static str {
        match self {
            Self::Retired => "retired",
            Self::NotOnline => "not_online",
            Self::Excluded => "excluded",
            Self::LacksSkill(..) => "lacks_skill",
            Self::LacksLanguage(_) => "lacks_language",
            Self::AtCapacity => "at_capacity",
        }
    }
}

/// What exactly is missing; empty when the code says it all.
impl fmt::Display for Misfit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::LacksSkill(skill, level) => write!(f, "{skill} at level {level} or more"),
            Self::LacksLanguage(language) => write!(f, "{language}"),
            Self::Retired | Self::NotOnline | Self::Excluded | Self::AtCapacity => Ok(()),
        }
    }
}

impl Candidate {
    fn new(agent: &Agent, seat: &Seat, needs: &Needs) -> Self {
        let profile = &agent.profile;
        let skills = needs
            .skills
            .keys()
            .filter_map(|skill| profile.skills.get(skill));
        let language = needs.language.as_ref();
        let language = language.and_then(|language| profile.language_level(language));
        Self {
            agent: agent.id.clone(),
            fit: skills
                .chain(language.as_ref())
                .map(|level| u32::from(*level))
                .sum(),
            spare: seat.spare(),
            capacity: seat.capacity,
            last_assigned_at: seat.last_assigned_at.map(Timestamp::as_millis),
        }
    }

    /// The free share of the capacity, 0 to 1.
    #[allow(clippy::cast_precision_loss, reason = "far below 2^52")]
    pub(crate) fn spare_share(&self) -> f64 {
        self.spare.thousandths() as f64 / self.capacity.thousandths().max(1) as f64
    }

    /// The first criterion in which two candidates differ.
    pub(crate) fn compare(&self, other: &Self) -> (Criterion, Ordering) {
        let fit = other.fit.cmp(&self.fit);
        if fit.is_ne() {
            return (Criterion::Fit, fit);
        }
        // a/b > c/d without rounding: a*d > c*b.
        let product = |spare: Weight, capacity: Weight| {
            i128::from(spare.thousandths()) * i128::from(capacity.thousandths())
        };
        let spare = product(other.spare, self.capacity).cmp(&product(self.spare, other.capacity));
        if spare.is_ne() {
            return (Criterion::Spare, spare);
        }
        // None, never assigned, sorts before every time.
        let last = self.last_assigned_at.cmp(&other.last_assigned_at);
        if last.is_ne() {
            return (Criterion::LongestIdle, last);
        }
        (Criterion::Id, self.agent.cmp(&other.agent))
    }
}

/// What candidates are ordered by, in this order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Criterion {
    /// More of the needed skills and language.
    Fit,
    /// A larger free share of the capacity.
    Spare,
    /// Longer without a new ticket.
    LongestIdle,
    /// Nothing else: the id, so that the order is total.
    Id,
}

/// Why `agent` cannot get the ticket; `None` when it can.
///
/// Whoever had the ticket before has shown that they can answer it, so skills and language are not
/// asked of the preferred agent.
pub(crate) fn misfit(agent: &Agent, seat: &Seat, needs: &Needs) -> Option<Misfit> {
    let profile = &agent.profile;
    if profile.retired {
        return Some(Misfit::Retired);
    }
    if seat.presence != Presence::Online {
        return Some(Misfit::NotOnline);
    }
    if needs.excluded.contains(&agent.id) {
        return Some(Misfit::Excluded);
    }
    if needs.preferred.as_ref() != Some(&agent.id) {
        let lacking = needs
            .skills
            .iter()
            .find(|(skill, level)| profile.skills.get(*skill).is_none_or(|has| has < level));
        if let Some((skill, level)) = lacking {
            return Some(Misfit::LacksSkill(skill.clone(), *level));
        }
        let foreign = needs
            .language
            .as_ref()
            .filter(|language| profile.language_level(language).is_none());
        if let Some(language) = foreign {
            return Some(Misfit::LacksLanguage(language.clone()));
        }
    }
    (seat.spare() < needs.weight).then_some(Misfit::AtCapacity)
}

/// Looks for the best agent of the group.
pub(crate) fn choose(needs: Needs, directory: &Directory, seats: &Seats) -> Choice {
    let mut candidates = Vec::new();
    let mut rejections: BTreeMap<Misfit, u32> = BTreeMap::new();
    let preferred = needs
        .preferred
        .as_ref()
        .and_then(|id| directory.agents.get(id));
    // By hand a ticket may have gone to somebody outside the group.
    let outsider = preferred.filter(|agent| !agent.profile.groups.contains(&needs.group));
    for agent in directory.members(&needs.group).chain(outsider) {
        let Some(seat) = seats.get(&agent.id) else {
            continue;
        };
        match misfit(agent, seat, &needs) {
            None => candidates.push(Candidate::new(agent, seat, &needs)),
            Some(misfit) => *rejections.entry(misfit).or_default() += 1,
        }
    }
    candidates.sort_by(|a, b| a.compare(b).1);
    let same = needs.preferred.as_ref();
    let same = same.and_then(|id| candidates.iter().position(|one| one.agent == *id));
    if let Some(at) = same {
        candidates[..=at].rotate_right(1);
    }
    let agent = candidates.first().map(|best| best.agent.clone());
    let reason = match candidates.len() {
        0 => why_nobody(&rejections),
        _ if same.is_some() => Reason::SameAgent,
        1 => Reason::OnlyCandidate,
        _ => Reason::BestFit,
    };
    let eligible = u32::try_from(candidates.len()).unwrap_or(u32::MAX);
    candidates.truncate(RECORDED_CANDIDATES);
    let look = Look {
        needs,
        candidates,
        eligible,
        rejections: rejections.into_iter().collect(),
    };
    Choice {
        look,
        agent,
        reason,
    }
}

/// The reason nearest to somebody being eligible: the check that the best of them failed.
fn why_nobody(rejections: &BTreeMap<Misfit, u32>) -> Reason {
    match rejections.keys().next_back() {
        None | Some(Misfit::Retired) => Reason::EmptyGroup,
        Some(Misfit::NotOnline) => Reason::NobodyOnline,
        Some(Misfit::Excluded) => Reason::NobodyEligible,
        Some(Misfit::LacksSkill(..)) => Reason::NobodySkilled,
        Some(Misfit::LacksLanguage(_)) => Reason::NobodySpeaksLanguage,
        Some(Misfit::AtCapacity) => Reason::AllBusy,
    }
}

#[cfg(test)]
#[path = "choice_tests.rs"]
mod tests;
