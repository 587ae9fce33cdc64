//! From group to agent: who may get a ticket, and who of them is the best choice.

use std::cmp::Ordering;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use lotse_clock::Timestamp;
use lotse_ids::{AgentId, GroupId};
use serde::{Deserialize, Serialize};

use super::agent::{Agent, Profile, Seat};
use super::codes::{Channel, Order, Presence, Reason, Standing};
use super::cover::{Cover, Covered};
use super::directory::{Directory, Seats};
use super::language::Language;
use super::weight::Weight;

/// How many candidates a record keeps.
pub(crate) const RECORDED_CANDIDATES: usize = 20;

/// What a ticket needs of an agent.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub(crate) struct Needs {
    /// A member of this group.
    pub(crate) group: GroupId,
    /// Skills with least levels.
    pub(crate) skills: BTreeMap<String, u8>,
    /// Skills with least levels that the workflow still prefers: asked like the others until they
    /// are dropped.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub(crate) preferred_skills: BTreeMap<String, u8>,
    /// The language, when it is certain.
    pub(crate) language: Option<Language>,
    /// How well the agent must know it.
    #[serde(default = "lowest")]
    pub(crate) language_level: u8,
    /// Least support level; 0 for any.
    #[serde(default)]
    pub(crate) min_tier: u8,
    /// Which of several gets it.
    #[serde(default)]
    pub(crate) order: Order,
    /// In how many steps agents are told apart by the share of their capacity that is taken, before
    /// anything else of the order by best fit counts; 1 for not at all.
    #[serde(default = "one_step", skip_serializing_if = "is_one_step")]
    pub(crate) load_steps: u8,
    /// Where it came from: the agent takes new work of this channel.
    #[serde(default = "unsaid_channel")]
    pub(crate) channel: Channel,
    /// Room in the agent's capacity, where the agent's own weights say nothing else.
    pub(crate) weight: Weight,
    /// Agents who must not get it.
    pub(crate) excluded: BTreeSet<AgentId>,
    /// Agents who were offered it and did not take it.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub(crate) declined: BTreeSet<AgentId>,
    /// Who goes before all others: had the ticket before it was reopened, or solved the one that it
    /// repeats.
    pub(crate) preferred: Option<AgentId>,
    /// Whether it only repeats what the preferred agent solved: then they need all that it needs.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub(crate) repeats: bool,
}

/// Of records from before channels counted.
const fn unsaid_channel() -> Channel {
    Channel::Email
}

impl Needs {
    /// Who goes before all others and need not bring anything along: whoever had the ticket before
    /// has shown that they can answer it.
    pub(crate) fn former(&self) -> Option<&AgentId> {
        self.preferred.as_ref().filter(|_| !self.repeats)
    }
}

const fn lowest() -> u8 {
    1
}

const fn one_step() -> u8 {
    1
}

#[allow(clippy::trivially_copy_pass_by_ref, reason = "as serde calls it")]
const fn is_one_step(steps: &u8) -> bool {
    *steps == 1
}

#[allow(clippy::trivially_copy_pass_by_ref, reason = "as serde calls it")]
const fn is_lowest_step(step: &u8) -> bool {
    *step == 0
}

/// Why an agent cannot get a ticket. Sorts in the order of checking.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Misfit {
    /// Gets nothing more.
    Retired,
    /// Takes nothing new now.
    NotOnline,
    /// Takes nothing new of this channel now.
    NotOnChannel(Channel),
    /// In no shift.
    OffShift,
    /// Absent by an exception to the shifts.
    Absent,
    /// On a break.
    OnBreak,
    /// Passed the ticket on before.
    Excluded,
    /// Was offered the ticket and did not take it.
    Declined,
    /// Has less than this support level.
    BelowTier(u8),
    /// Lacks a skill, or has less of it than this level.
    LacksSkill(String, u8),
    /// Does not speak the language.
    LacksLanguage(Language),
    /// Speaks the language less well than this level.
    LacksLanguageLevel(Language, u8),
    /// Holds as many tickets of this channel as they may.
    AtChannelCap(Channel),
    /// Has no room.
    AtCapacity,
    /// Lacks a skill that is still preferred, or has less of it than this level; would get the
    /// ticket otherwise.
    LacksPreferred(String, u8),
}

/// An eligible agent, with everything the order depends on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Candidate {
    /// The agent.
    pub(crate) agent: AgentId,
    /// On which step the share of the capacity stands that is taken: 0 is the lowest.
    #[serde(default, skip_serializing_if = "is_lowest_step")]
    pub(crate) load_step: u8,
    /// How likely the agent resolves it without a transfer, in thousandths, as learned; none where
    /// nothing was learned of the group.
    #[serde(default)]
    pub(crate) chance: Option<u16>,
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

impl Misfit {
    /// The code.
    pub(crate) const fn as_str(&self) -> &'static str {
        match self {
            Self::Retired => "retired",
            Self::NotOnline => "not_online",
            Self::NotOnChannel(_) => "not_on_channel",
            Self::OffShift => "off_shift",
            Self::Absent => "absent",
            Self::OnBreak => "on_break",
            Self::Excluded => "excluded",
            Self::Declined => "declined",
            Self::BelowTier(_) => "below_tier",
            Self::LacksSkill(..) => "lacks_skill",
            Self::LacksLanguage(_) => "lacks_language",
            Self::LacksLanguageLevel(..) => "lacks_language_level",
            Self::AtChannelCap(_) => "at_channel_cap",
            Self::AtCapacity => "at_capacity",
            Self::LacksPreferred(..) => "lacks_preferred",
        }
    }
}

/// What exactly is missing; empty when the code says it all.
impl fmt::Display for Misfit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::LacksSkill(skill, level) | Self::LacksPreferred(skill, level) => {
                write!(f, "{skill} at level {level} or more")
            }
            Self::LacksLanguage(language) => write!(f, "{language}"),
            Self::LacksLanguageLevel(language, level) => {
                write!(f, "{language} at level {level} or more")
            }
            Self::BelowTier(tier) => write!(f, "tier {tier} or more"),
            Self::NotOnChannel(channel) | Self::AtChannelCap(channel) => write!(f, "{channel}"),
            Self::Retired
            | Self::NotOnline
            | Self::OffShift
            | Self::Absent
            | Self::OnBreak
            | Self::Excluded
            | Self::Declined
            | Self::AtCapacity => Ok(()),
        }
    }
}

impl Candidate {
    /// An agent who fits, as a choice for `needs`; `chance` as in the field.
    pub(crate) fn new(agent: &Agent, seat: &Seat, needs: &Needs, chance: Option<u16>) -> Self {
        let profile = &agent.profile;
        let asked: BTreeSet<&String> = needs
            .skills
            .keys()
            .chain(needs.preferred_skills.keys())
            .collect();
        let skills = asked
            .into_iter()
            .filter_map(|skill| profile.skills.get(skill));
        let language = needs.language.as_ref();
        let language = language.and_then(|language| profile.language_level(language));
        Self {
            agent: agent.id.clone(),
            load_step: load_step(seat, needs.load_steps),
            chance,
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

    /// The first criterion of an order in which two candidates differ.
    pub(crate) fn compare(&self, other: &Self, order: Order) -> (Criterion, Ordering) {
        order
            .criteria()
            .iter()
            .map(|criterion| (*criterion, self.compare_by(other, *criterion)))
            .find(|(_, ordering)| ordering.is_ne())
            .unwrap_or_else(|| (Criterion::Id, self.compare_by(other, Criterion::Id)))
    }

    fn compare_by(&self, other: &Self, criterion: Criterion) -> Ordering {
        // a/b > c/d without rounding: a*d > c*b.
        let product = |spare: Weight, capacity: Weight| {
            i128::from(spare.thousandths()) * i128::from(capacity.thousandths())
        };
        match criterion {
            Criterion::Load => self.load_step.cmp(&other.load_step),
            Criterion::Chance => other.chance.cmp(&self.chance),
            Criterion::Fit => other.fit.cmp(&self.fit),
            Criterion::Spare => {
                product(other.spare, self.capacity).cmp(&product(self.spare, other.capacity))
            }
            // None, never assigned, sorts before every time.
            Criterion::LongestIdle => self.last_assigned_at.cmp(&other.last_assigned_at),
            Criterion::Id => self.agent.cmp(&other.agent),
        }
    }
}

impl Order {
    /// What it goes by, most important first; the id comes last in any.
    pub(crate) const fn criteria(self) -> &'static [Criterion] {
        use Criterion::{Chance, Fit, Load, LongestIdle, Spare};
        match self {
            Self::BestFit => &[Load, Chance, Fit, Spare, LongestIdle],
            Self::LongestIdle => &[LongestIdle, Chance, Fit, Spare],
            Self::MostSpare => &[Spare, Chance, Fit, LongestIdle],
        }
    }
}

/// What candidates are ordered by, in this order unless the workflow says another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Criterion {
    /// A lower step of the share of the capacity that is taken.
    Load,
    /// More likely to resolve it without a transfer.
    Chance,
    /// More of the needed skills and language.
    Fit,
    /// A larger free share of the capacity.
    Spare,
    /// Longer without a new ticket.
    LongestIdle,
    /// Nothing else: the id, so that the order is total.
    Id,
}

impl Criterion {
    /// The code.
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Load => "load",
            Self::Chance => "chance",
            Self::Fit => "fit",
            Self::Spare => "spare",
            Self::LongestIdle => "longest_idle",
            Self::Id => "id",
        }
    }
}

/// The step, of so many, on which the taken share of a capacity stands.
fn load_step(seat: &Seat, steps: u8) -> u8 {
    let taken = seat.load.thousandths().max(0);
    let step = taken * i64::from(steps) / seat.capacity.thousandths().max(1);
    u8::try_from(step).unwrap_or(u8::MAX)
}

/// Why `agent` cannot get the ticket; `None` when it can. Skills and language are not asked of the
/// agent who had it before.
pub(crate) fn misfit(agent: &Agent, seat: &Seat, needs: &Needs) -> Option<Misfit> {
    let profile = &agent.profile;
    if profile.retired {
        return Some(Misfit::Retired);
    }
    if seat.presence() != Presence::Online {
        return Some(Misfit::NotOnline);
    }
    if !seat.takes(needs.channel) {
        return Some(Misfit::NotOnChannel(needs.channel));
    }
    if needs.excluded.contains(&agent.id) {
        return Some(Misfit::Excluded);
    }
    if needs.declined.contains(&agent.id) {
        return Some(Misfit::Declined);
    }
    let had_it = needs.former() == Some(&agent.id);
    if !had_it {
        if profile.tier < needs.min_tier {
            return Some(Misfit::BelowTier(needs.min_tier));
        }
        if let Some((skill, level)) = lacking(profile, &needs.skills) {
            return Some(Misfit::LacksSkill(skill, level));
        }
        if let Some(language) = &needs.language {
            match profile.language_level(language) {
                None => return Some(Misfit::LacksLanguage(language.clone())),
                Some(level) if level < needs.language_level => {
                    let level = needs.language_level;
                    return Some(Misfit::LacksLanguageLevel(language.clone(), level));
                }
                Some(_) => {}
            }
        }
    }
    if !seat.room_for(needs.channel, needs.weight) {
        let weight = seat.limits.weight_of(needs.channel, needs.weight);
        return Some(if weight <= seat.spare() {
            Misfit::AtChannelCap(needs.channel)
        } else {
            Misfit::AtCapacity
        });
    }
    if had_it {
        return None;
    }
    lacking(profile, &needs.preferred_skills)
        .map(|(skill, level)| Misfit::LacksPreferred(skill, level))
}

/// The first of these skills that an agent lacks, or has too little of.
fn lacking(profile: &Profile, skills: &BTreeMap<String, u8>) -> Option<(String, u8)> {
    let mut skills = skills.iter();
    let lacking =
        skills.find(|(skill, level)| profile.skills.get(*skill).is_none_or(|has| has < level));
    lacking.map(|(skill, level)| (skill.clone(), *level))
}

/// As [`misfit`], by the agent's shifts at an instant too.
pub(crate) fn misfit_at(
    now: Timestamp,
    directory: &Directory,
    agent: &Agent,
    seat: &Seat,
    needs: &Needs,
) -> Option<Misfit> {
    misfit_in(directory.standing(&agent.id, now), agent, seat, needs)
}

/// As [`misfit`], by what the agent's shifts say too; none without a plan.
pub(crate) fn misfit_in(
    standing: Option<Standing>,
    agent: &Agent,
    seat: &Seat,
    needs: &Needs,
) -> Option<Misfit> {
    let misfit = misfit(agent, seat, needs);
    // Who is not there at all is told as such, whatever the plan says.
    if matches!(
        misfit,
        Some(Misfit::Retired | Misfit::NotOnline | Misfit::NotOnChannel(_))
    ) {
        return misfit;
    }
    match standing {
        Some(Standing::OffShift) => Some(Misfit::OffShift),
        Some(Standing::Absent) => Some(Misfit::Absent),
        Some(Standing::OnBreak) => Some(Misfit::OnBreak),
        Some(Standing::AtWork) | None => misfit,
    }
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
#[path = "choice_tests.rs"]
mod tests;
