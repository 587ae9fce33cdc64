//! Why an agent cannot get a ticket.

use std::collections::BTreeMap;
use std::fmt;

use lotse_clock::Timestamp;
use serde::{Deserialize, Serialize};

use super::Needs;
use crate::domain::agent::{Agent, Profile, Seat};
use crate::domain::codes::{Channel, Presence, Standing};
use crate::domain::directory::Directory;
use crate::domain::language::Language;

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
