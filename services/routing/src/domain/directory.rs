//! All configuration of one version, as routing looks at it.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use lotse_ids::{AgentId, GroupId, RotaId};

use super::agent::{Agent, Seat};
use super::group::{Group, Skill};
use super::rota::Rota;
use super::workflow::Workflow;

/// The seats of all agents at one instant.
pub(crate) type Seats = HashMap<AgentId, Seat>;

/// Groups, agents, skills, the workflow in force and the rotas.
#[derive(Debug, Default)]
pub(crate) struct Directory {
    /// All groups.
    pub(crate) groups: BTreeMap<GroupId, Group>,
    /// All agents, the retired too: history names them.
    pub(crate) agents: BTreeMap<AgentId, Agent>,
    /// All skills by name.
    pub(crate) skills: BTreeMap<String, Skill>,
    /// The workflow in force; none in a fresh installation.
    pub(crate) workflow: Option<Arc<Workflow>>,
    /// All rotas.
    pub(crate) rotas: BTreeMap<RotaId, Rota>,
    members: HashMap<GroupId, Vec<AgentId>>,
}

impl Directory {
    /// Puts the parts together.
    pub(crate) fn new(
        groups: Vec<Group>,
        agents: Vec<Agent>,
        skills: Vec<Skill>,
        workflow: Option<Workflow>,
    ) -> Self {
        let mut members: HashMap<GroupId, Vec<AgentId>> = HashMap::new();
        for agent in &agents {
            for group in &agent.profile.groups {
                members
                    .entry(group.clone())
                    .or_default()
                    .push(agent.id.clone());
            }
        }
        Self {
            groups: groups
                .into_iter()
                .map(|group| (group.id.clone(), group))
                .collect(),
            agents: agents
                .into_iter()
                .map(|agent| (agent.id.clone(), agent))
                .collect(),
            skills: skills
                .into_iter()
                .map(|skill| (skill.profile.name.clone(), skill))
                .collect(),
            workflow: workflow.map(Arc::new),
            rotas: BTreeMap::new(),
            members,
        }
    }

    /// The same with these rotas.
    pub(crate) fn with_rotas(mut self, rotas: Vec<Rota>) -> Self {
        self.rotas = rotas
            .into_iter()
            .map(|rota| (rota.setting.id.clone(), rota))
            .collect();
        self
    }

    /// The agents who work in `group`.
    pub(crate) fn members(&self, group: &GroupId) -> impl Iterator<Item = &Agent> {
        let ids = self.members.get(group).map_or(&[][..], Vec::as_slice);
        ids.iter().filter_map(|id| self.agents.get(id))
    }

    /// Whether an agent works here.
    pub(crate) fn is_active(&self, agent: &AgentId) -> bool {
        let agent = self.agents.get(agent);
        agent.is_some_and(|agent| !agent.profile.retired)
    }

    /// The rota of a group.
    pub(crate) fn rota_of(&self, group: &GroupId) -> Option<&Rota> {
        let mut rotas = self.rotas.values();
        rotas.find(|rota| rota.profile().group.as_ref() == Some(group))
    }

    /// Rotas by name, for people.
    pub(crate) fn rotas_by_name(&self) -> Vec<&Rota> {
        let mut rotas: Vec<&Rota> = self.rotas.values().collect();
        rotas.sort_by(|a, b| a.profile().name.cmp(&b.profile().name));
        rotas
    }

    /// Groups by name, for people.
    pub(crate) fn groups_by_name(&self) -> Vec<&Group> {
        let mut groups: Vec<&Group> = self.groups.values().collect();
        groups.sort_by(|a, b| a.profile.name.cmp(&b.profile.name));
        groups
    }

    /// Agents by name, for people.
    pub(crate) fn agents_by_name(&self) -> Vec<&Agent> {
        let mut agents: Vec<&Agent> = self.agents.values().collect();
        agents.sort_by(|a, b| a.profile.name.cmp(&b.profile.name));
        agents
    }

    /// Where tickets of `group` are escalated to: its own escalation group, else the first by name
    /// of the next higher tier that exists.
    pub(crate) fn next_tier(&self, group: &Group) -> Option<&Group> {
        if let Some(next) = &group.profile.escalates_to {
            return self.groups.get(next);
        }
        let higher = self
            .groups
            .values()
            .filter(|other| other.profile.tier > group.profile.tier);
        higher.min_by_key(|other| (other.profile.tier, other.profile.name.as_str()))
    }
}
