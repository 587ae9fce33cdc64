//! How likely each agent resolves what comes to a group without passing it on.

use std::collections::BTreeMap;

use lotse_ids::{AgentId, GroupId};

use super::chance::Shares;

/// What was learned of the agents of each group, as published: everybody goes by the same version.
/// Of a group it knows everybody or nobody, so that candidates can be compared: whoever is new, or
/// covers for another group, has the group's mean.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Chances {
    version: u32,
    groups: BTreeMap<GroupId, Shares>,
}

impl Chances {
    /// A published version.
    pub(crate) const fn new(version: u32, groups: BTreeMap<GroupId, Shares>) -> Self {
        Self { version, groups }
    }

    /// In thousandths; none where nothing was learned of the group.
    pub(crate) fn of(&self, group: &GroupId, agent: &AgentId) -> Option<u16> {
        let shares = self.groups.get(group)?;
        Some(*shares.agents.get(agent).unwrap_or(&shares.mean))
    }

    /// The version that says something of a group; none where nothing was learned of it.
    pub(crate) fn version_for(&self, group: &GroupId) -> Option<u32> {
        self.groups.contains_key(group).then_some(self.version)
    }
}
