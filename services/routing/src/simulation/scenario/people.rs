//! The people of a scenario: what is configured about them, and how they are.

use std::collections::{BTreeMap, BTreeSet};
use std::str::FromStr;

use lotse_clock::Timestamp;
use lotse_ids::GroupId;

use super::hours::positive;
use super::{Agent, Offers};
use crate::domain::agent::{self, Profile};
use crate::domain::language::Language;
use crate::simulation::crew::{Conduct, Manners};
use crate::simulation::ids::numbered;

pub(super) fn person(
    agent: &Agent,
    name: String,
    number: usize,
    groups: &BTreeMap<&str, GroupId>,
) -> agent::Agent {
    let working: BTreeSet<GroupId> = agent
        .groups
        .iter()
        .filter_map(|name| groups.get(name.as_str()).cloned())
        .collect();
    let languages = agent.languages.iter();
    agent::Agent {
        id: numbered("agt", number as u64),
        profile: Profile {
            name,
            groups: working,
            tier: agent.tier,
            skills: agent.skills.clone(),
            languages: languages
                .filter_map(|(tag, level)| Some((Language::parse(tag)?, *level)))
                .collect(),
            capacity: agent.capacity,
            channel_weights: BTreeMap::new(),
            channel_caps: BTreeMap::new(),
            presence_never_expires: true,
            retired: false,
        },
        version: 1,
        created_at: Timestamp::EPOCH,
        updated_at: Timestamp::EPOCH,
    }
}

pub(super) fn conduct(agent: &Agent) -> Conduct {
    Conduct {
        at_once: agent.at_once,
        speed: agent.speed,
        wrap_up: agent.wrap_up.clone(),
        declines: agent.declines,
        ignores: agent.ignores,
    }
}

pub(super) fn manners(offers: &Offers) -> Manners {
    Manners {
        offered: offers
            .channels
            .iter()
            .map(|channel| code(channel))
            .collect(),
        answer: offers.answer.clone(),
        timeout: positive(offers.timeout),
        back_after: positive(offers.back_after),
    }
}

/// A code of the service.
pub(super) fn code<T: FromStr>(code: &str) -> T
where
    T::Err: std::fmt::Debug,
{
    code.parse().expect("a known code") // invariant: the scenario is checked
}
