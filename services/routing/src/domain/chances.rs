//! How likely each agent resolves what comes to a group without passing it on.

use std::collections::HashMap;

use lotse_ids::{AgentId, GroupId};

/// What a learned model says of the members of each group. Of a group it knows everybody or nobody,
/// so that candidates can be compared: the learner gives newcomers the group's average.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Chances(HashMap<GroupId, HashMap<AgentId, u16>>);

impl Chances {
    /// Of these groups, in thousandths by agent.
    #[allow(dead_code, reason = "called where the model is read")]
    pub(crate) const fn new(groups: HashMap<GroupId, HashMap<AgentId, u16>>) -> Self {
        Self(groups)
    }

    /// In thousandths; none where nothing was learned.
    pub(crate) fn of(&self, group: &GroupId, agent: &AgentId) -> Option<u16> {
        self.0.get(group)?.get(agent).copied()
    }
}
