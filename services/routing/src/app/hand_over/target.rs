//! Where a ticket is to go.

use lotse_clock::Timestamp;
use lotse_ids::GroupId;

use super::{HandOver, What};
use crate::app::{Ref, find_agent, find_group};
use crate::domain::agent::Profile;
use crate::domain::codes::TransferReason;
use crate::domain::decision::Missing;
use crate::domain::directory::Directory;
use crate::domain::hops::Place;
use crate::domain::item::Item;
use crate::domain::placement::{Everybody, place};
use crate::error::Error;

/// The group and the agent that a wish is about.
pub(super) fn target(
    directory: &Directory,
    item: &Item,
    wish: &HandOver,
    now: Timestamp,
) -> Result<Place, Error> {
    let named = |group: &GroupId| find_group(directory, &Ref::Id(group.clone()));
    let group = wish.group.as_ref().map(named).transpose()?;
    let agent = wish.agent.as_ref();
    let agent = agent
        .map(|agent| find_agent(directory, &Ref::Id(agent.clone())))
        .transpose()?;
    if let Some(agent) = agent.filter(|agent| agent.profile.retired) {
        return Err(Error::Retired(agent.id.clone()));
    }
    let group = match (wish.what, group, agent) {
        (What::Escalate, group, _) => Some(upwards(directory, item, group.map(|group| &group.id))?),
        (_, Some(group), _) => Some(group.id.clone()),
        (_, None, Some(agent)) => {
            let groups = &agent.profile.groups;
            let own = item.group.as_ref().filter(|own| groups.contains(*own));
            // A helper without any group leaves the ticket in its own.
            own.or(groups.first()).or(item.group.as_ref()).cloned()
        }
        (What::Transfer(TransferReason::WrongTier), None, None) => {
            Some(upwards(directory, item, None)?)
        }
        (What::Transfer(_), None, None) if !wish.missing.is_nothing() => {
            with_the_missing(directory, item, &wish.missing, now)
        }
        (What::Assign | What::Transfer(_), None, None) => {
            let wrong = lotse_errors::Error::invalid("agent_id", "or group_id is required");
            return Err(wrong.into());
        }
    };
    Ok(Place {
        group,
        agent: agent.map(|agent| agent.id.clone()),
    })
}

/// The ticket's own group if somebody there has what was missing, else where the workflow leads a
/// ticket that needs it.
fn with_the_missing(
    directory: &Directory,
    item: &Item,
    missing: &Missing,
    now: Timestamp,
) -> Option<GroupId> {
    let least = missing.skill.as_ref();
    let least = least.and_then(|skill| item.trail.missing.get_key_value(skill));
    let has = |profile: &Profile| {
        let skilled = least
            .is_none_or(|(skill, least)| profile.skills.get(skill).is_some_and(|has| has >= least));
        let mut languages = missing.language.iter();
        skilled && languages.all(|language| profile.language_level(language).is_some())
    };
    let somebody = |group: &&GroupId| {
        let mut others = directory
            .members(group)
            .filter(|agent| !agent.profile.retired && item.agent.as_ref() != Some(&agent.id));
        others.any(|agent| has(&agent.profile))
    };
    let own = item.group.as_ref();
    if let Some(own) = own.filter(somebody) {
        return Some(own.clone());
    }
    let mut anew = item.clone();
    anew.group = None;
    anew.facts.requested_group = None;
    let led = place(&anew, directory, &Everybody, now).map(|place| place.group);
    led.or_else(|| own.cloned())
}

/// The group that an escalation goes to.
fn upwards(directory: &Directory, item: &Item, named: Option<&GroupId>) -> Result<GroupId, Error> {
    let nothing_above = || Error::NoNextTier {
        ticket: item.ticket.clone(),
        group: item.group.clone(),
    };
    let from = item
        .group
        .as_ref()
        .and_then(|group| directory.groups.get(group));
    let from = from.ok_or_else(nothing_above)?;
    let to = match named {
        Some(named) => directory.groups.get(named),
        None => directory.next_tier(from),
    };
    let to = to.ok_or_else(nothing_above)?;
    if to.profile.tier > from.profile.tier {
        return Ok(to.id.clone());
    }
    match named {
        Some(_) => {
            let higher = format!("must have a higher tier than {}", from.profile.tier);
            Err(lotse_errors::Error::invalid("group_id", higher).into())
        }
        // The configured group has been lowered since.
        None => Err(nothing_above()),
    }
}
