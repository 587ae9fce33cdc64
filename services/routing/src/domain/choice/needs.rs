//! What a ticket asks of an agent.

use std::collections::{BTreeMap, BTreeSet};

use lotse_ids::{AgentId, GroupId};
use serde::{Deserialize, Serialize};

use crate::domain::codes::{Channel, Order};
use crate::domain::language::Language;
use crate::domain::weight::Weight;

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

impl Needs {
    /// Who goes before all others and need not bring anything along: whoever had the ticket before
    /// has shown that they can answer it.
    pub(crate) fn former(&self) -> Option<&AgentId> {
        self.preferred.as_ref().filter(|_| !self.repeats)
    }
}

/// Of records from before channels counted.
const fn unsaid_channel() -> Channel {
    Channel::Email
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
