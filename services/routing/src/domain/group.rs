//! Teams of agents, each with one queue.

use std::collections::BTreeMap;

use lotse_clock::Timestamp;
use lotse_ids::{AgentId, GroupId, SkillId};
use serde::{Deserialize, Serialize};

use super::offer::OwnHandling;
use super::setting::{Content, Setting};

/// What is configured about a group.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct GroupProfile {
    /// Unique.
    pub(crate) name: String,
    /// Support level, from 1.
    pub(crate) tier: u8,
    /// What all its tickets need, with least levels.
    pub(crate) required_skills: BTreeMap<String, u8>,
    /// Who leads it.
    pub(crate) lead: Option<AgentId>,
    /// Where its escalations go.
    pub(crate) escalates_to: Option<GroupId>,
    /// How its tickets are handled, where it differs from the service.
    #[serde(default)]
    pub(crate) handling: OwnHandling,
}

/// A group as configured, with its version.
pub(crate) type Group = Setting<GroupProfile>;

impl Content for GroupProfile {
    type Id = GroupId;

    const KIND: &'static str = "group";

    fn new_id(&self, now: Timestamp) -> GroupId {
        GroupId::generate(now)
    }

    fn name(&self) -> &str {
        &self.name
    }
}

/// Something that agents can do and tickets may need.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct SkillProfile {
    /// What it is known by; never changes.
    pub(crate) name: String,
    /// For people.
    pub(crate) description: String,
}

/// A skill as configured, with its version.
pub(crate) type Skill = Setting<SkillProfile>;

impl Content for SkillProfile {
    type Id = SkillId;

    const KIND: &'static str = "skill";

    fn new_id(&self, now: Timestamp) -> SkillId {
        SkillId::generate(now)
    }

    fn name(&self) -> &str {
        &self.name
    }
}
