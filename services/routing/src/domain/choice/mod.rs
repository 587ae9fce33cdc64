//! From group to agent: who may get a ticket, and who of them is the best choice.
//!
//! [`needs`] is what a ticket asks of an agent, [`misfit`] why somebody cannot get it, [`candidate`]
//! in which order those stand who can; here they are put together.

mod candidate;
mod misfit;
mod needs;

use std::collections::BTreeMap;

use lotse_clock::Timestamp;
use lotse_ids::AgentId;
use serde::{Deserialize, Serialize};

use super::codes::Reason;
use super::cover::{Cover, Covered};
use super::directory::{Directory, Seats};
pub(crate) use candidate::{Candidate, Criterion};
pub(crate) use misfit::{Misfit, misfit, misfit_at, misfit_in};
pub(crate) use needs::Needs;

/// How many candidates a record keeps.
pub(crate) const RECORDED_CANDIDATES: usize = 20;

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
    /// The cover of the group that lasted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) cover: Option<Covered>,
    /// The published version that chances are of; none where nothing was learned of the group.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) chances: Option<u32>,
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

/// Looks for the best agent of the group, or of the one that covers it.
pub(crate) fn choose(needs: Needs, directory: &Directory, seats: &Seats, now: Timestamp) -> Choice {
    let mut candidates = Vec::new();
    let mut rejections: BTreeMap<Misfit, u32> = BTreeMap::new();
    let former = needs.former().and_then(|id| directory.agents.get(id));
    // By hand a ticket may have gone to somebody outside the group.
    let outsider = former.filter(|agent| {
        let mut members = directory.answering(&needs.group, now);
        !members.any(|member| member.id == agent.id)
    });
    for agent in directory.answering(&needs.group, now).chain(outsider) {
        let Some(seat) = seats.get(&agent.id) else {
            continue;
        };
        match misfit_at(now, directory, agent, seat, &needs) {
            None => {
                let chance = directory.chances.of(&needs.group, &agent.id);
                candidates.push(Candidate::new(agent, seat, &needs, chance));
            }
            Some(misfit) => *rejections.entry(misfit).or_default() += 1,
        }
    }
    candidates.sort_by(|a, b| a.compare(b, needs.order).1);
    let same = needs.preferred.as_ref();
    let same = same.and_then(|id| candidates.iter().position(|one| one.agent == *id));
    if let Some(at) = same {
        candidates[..=at].rotate_right(1);
    }
    let eligible = candidates.len();
    candidates.truncate(RECORDED_CANDIDATES);
    let cover = directory.cover_of(&needs.group, now).map(Cover::seen);
    let chances = directory.chances.version_for(&needs.group);
    Choice::of(needs, candidates, eligible, rejections, cover).by(chances)
}

impl Choice {
    /// The same for an agent who is not the best for this ticket alone, but in the pairing of
    /// several tickets with several agents.
    pub(crate) fn settle_on(mut self, candidate: Candidate) -> Self {
        if self.agent.as_ref() == Some(&candidate.agent) {
            return self;
        }
        self.agent = Some(candidate.agent.clone());
        self.reason = Reason::Matched;
        let candidates = &mut self.look.candidates;
        if candidates.iter().all(|one| one.agent != candidate.agent) {
            candidates.truncate(RECORDED_CANDIDATES - 1);
            candidates.push(candidate);
        }
        self
    }

    /// From what was seen: the best of the eligible agents, best first, whoever is preferred before
    /// all; how many there are; why the others are left out; and the cover that lasts.
    pub(crate) fn of(
        needs: Needs,
        candidates: Vec<Candidate>,
        eligible: usize,
        rejections: BTreeMap<Misfit, u32>,
        cover: Option<Covered>,
    ) -> Self {
        let agent = candidates.first().map(|best| best.agent.clone());
        let reason = match &agent {
            None => why_nobody(&rejections),
            Some(_) if agent == needs.preferred && needs.repeats => Reason::SolvedBefore,
            Some(_) if agent == needs.preferred => Reason::SameAgent,
            Some(_) if eligible == 1 => Reason::OnlyCandidate,
            Some(_) => Reason::BestFit,
        };
        Self {
            look: Look {
                needs,
                candidates,
                eligible: u32::try_from(eligible).unwrap_or(u32::MAX),
                rejections: rejections.into_iter().collect(),
                cover,
                chances: None,
            },
            agent,
            reason,
        }
    }

    /// The same by this published version of the chances.
    pub(crate) const fn by(mut self, chances: Option<u32>) -> Self {
        self.look.chances = chances;
        self
    }
}

/// The reason nearest to somebody being eligible: the check that the best of them failed.
fn why_nobody(rejections: &BTreeMap<Misfit, u32>) -> Reason {
    match rejections.keys().next_back() {
        None | Some(Misfit::Retired) => Reason::EmptyGroup,
        Some(Misfit::NotOnline | Misfit::NotOnChannel(_)) => Reason::NobodyOnline,
        Some(Misfit::OffShift | Misfit::Absent | Misfit::OnBreak) => Reason::NobodyOnShift,
        Some(Misfit::Excluded) => Reason::NobodyEligible,
        Some(Misfit::Declined) => Reason::EverybodyDeclined,
        Some(Misfit::BelowTier(_)) => Reason::NobodyOfTier,
        Some(Misfit::LacksSkill(..)) => Reason::NobodySkilled,
        Some(Misfit::LacksLanguage(_) | Misfit::LacksLanguageLevel(..)) => {
            Reason::NobodySpeaksLanguage
        }
        Some(Misfit::AtChannelCap(_) | Misfit::AtCapacity) => Reason::AllBusy,
        Some(Misfit::LacksPreferred(..)) => Reason::WaitingForPreferred,
    }
}

#[cfg(test)]
mod tests;
