//! Which groups belong together: those that may compete for an agent or for a ticket.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use lotse_ids::GroupId;

use crate::domain::directory::Directory;

/// The groups of each connected set, by the first of them. Groups are connected that share an agent,
/// now or by a cover, or that a ticket may come to one after the other on its way.
pub(crate) fn sets(directory: &Directory) -> BTreeMap<GroupId, BTreeSet<GroupId>> {
    let mut union = Union::default();
    for agent in directory.agents.values() {
        if !agent.profile.retired {
            union.join(agent.profile.groups.iter());
        }
    }
    for group in directory.groups.keys() {
        let covers = directory.covers(group).iter();
        union.join(covers.flat_map(|cover| [&cover.group, &cover.by]));
    }
    if let Some(workflow) = &directory.workflow {
        let ways = workflow.plan.rules.iter().map(|rule| &rule.way);
        for way in ways.chain([&workflow.plan.default]) {
            union.join(way.steps.iter().map(|step| &step.group));
        }
    }
    let mut sets: BTreeMap<GroupId, BTreeSet<GroupId>> = BTreeMap::new();
    for group in directory.groups.keys() {
        let first = union.first(group).clone();
        sets.entry(first).or_default().insert(group.clone());
    }
    sets
}

/// Disjoint sets (union-find, Galler and Fischer, 1964): the first by id stands for its set.
#[derive(Default)]
struct Union<'a> {
    parents: HashMap<&'a GroupId, &'a GroupId>,
}

impl<'a> Union<'a> {
    fn first<'b>(&self, group: &'b GroupId) -> &'b GroupId
    where
        'a: 'b,
    {
        let mut at = group;
        while let Some(parent) = self.parents.get(at) {
            at = parent;
        }
        at
    }

    fn join(&mut self, groups: impl IntoIterator<Item = &'a GroupId>) {
        let mut groups = groups.into_iter();
        let Some(mut one) = groups.next().map(|group| self.first(group)) else {
            return;
        };
        for other in groups {
            let other = self.first(other);
            if other != one {
                let (low, high) = (one.min(other), one.max(other));
                self.parents.insert(high, low);
                one = low;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::samples::{group, team};

    #[test]
    fn groups_are_connected_through_agents_who_work_in_several() {
        let mut team = team(4);
        let groups = [vec![1, 2], vec![2, 3], vec![4], vec![4, 5]];
        for (agent, groups) in groups.iter().enumerate() {
            let profile = &mut team.agents[agent].0.profile;
            profile.groups = groups.iter().map(|n| group(*n)).collect();
        }
        team.agents[3].0.profile.retired = true;
        let (directory, _) = team.with_groups(6).finish();
        let sets: Vec<BTreeSet<GroupId>> = sets(&directory).into_values().collect();
        let expected = [vec![1, 2, 3], vec![4], vec![5], vec![6]];
        let expected = expected.map(|set| set.into_iter().map(group).collect::<BTreeSet<_>>());
        assert_eq!(sets, expected);
    }
}
