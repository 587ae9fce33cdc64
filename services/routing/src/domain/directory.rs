//! All configuration of one version, as routing looks at it.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use lotse_clock::Timestamp;
use lotse_ids::{AgentId, GroupId, RotaId};

use super::agent::{Agent, Seat};
use super::chances::Chances;
use super::codes::Standing;
use super::cover::Cover;
use super::group::{Group, Skill};
use super::rota::Rota;
use super::shift_plan::{AHEAD, ShiftPlan};
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
    /// The shifts of those agents who have a plan.
    pub(crate) shift_plans: BTreeMap<AgentId, ShiftPlan>,
    covers: HashMap<GroupId, Vec<Cover>>,
    /// What was learned of who resolves what.
    pub(crate) chances: Chances,
    /// In how many steps agents are told apart by what they hold, before fit counts; 1 for not at
    /// all.
    pub(crate) load_steps: u8,
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
            shift_plans: BTreeMap::new(),
            covers: HashMap::new(),
            chances: Chances::default(),
            load_steps: 1,
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

    /// The same with these shifts.
    pub(crate) fn with_shift_plans(mut self, plans: Vec<ShiftPlan>) -> Self {
        self.shift_plans = plans
            .into_iter()
            .map(|plan| (plan.setting.id.clone(), plan))
            .collect();
        self
    }

    /// The same with these covers; those that are long over need not be among them.
    pub(crate) fn with_covers(mut self, covers: Vec<Cover>) -> Self {
        for cover in covers {
            let of_group = self.covers.entry(cover.group.clone()).or_default();
            of_group.push(cover);
        }
        self
    }

    /// The agents who answer the tickets of `group` at an instant: those who work in it, and those
    /// of the group that covers it, each once.
    pub(crate) fn answering(&self, group: &GroupId, at: Timestamp) -> impl Iterator<Item = &Agent> {
        let cover = self.cover_of(group, at);
        let covering = cover.into_iter().flat_map(|cover| self.members(&cover.by));
        let covering = covering.filter(|agent| !agent.profile.groups.contains(group));
        self.members(group).chain(covering)
    }

    /// The same with what was learned.
    pub(crate) fn with_chances(mut self, chances: Chances) -> Self {
        self.chances = chances;
        self
    }

    /// The same with agents told apart in so many steps by what they hold.
    pub(crate) fn with_load_steps(mut self, steps: u8) -> Self {
        self.load_steps = steps;
        self
    }

    /// The agents who work in `group`.
    pub(crate) fn members(&self, group: &GroupId) -> impl Iterator<Item = &Agent> {
        let ids = self.members.get(group).map_or(&[][..], Vec::as_slice);
        ids.iter().filter_map(|id| self.agents.get(id))
    }

    /// The cover of a group at an instant that is not long past.
    pub(crate) fn cover_of(&self, group: &GroupId, at: Timestamp) -> Option<&Cover> {
        self.covers(group).iter().find(|cover| cover.lasts(at))
    }

    /// All covers of a group but those that are long over, in no order.
    pub(crate) fn covers(&self, group: &GroupId) -> &[Cover] {
        self.covers.get(group).map_or(&[][..], Vec::as_slice)
    }

    /// What the shifts of an agent say of an instant; none without a plan.
    pub(crate) fn standing(&self, agent: &AgentId, at: Timestamp) -> Option<Standing> {
        Some(self.shift_plans.get(agent)?.standing(at))
    }

    /// Whether an agent's shifts, if there are any, say that they are at work.
    pub(crate) fn is_at_work(&self, agent: &AgentId, at: Timestamp) -> bool {
        matches!(self.standing(agent, at), None | Some(Standing::AtWork))
    }

    /// When the next cover begins or ends, or the standing of an agent changes: somebody may be
    /// eligible then who was not. With shift plans at the latest in two days, where nothing may
    /// have changed; asked again then, this looks further. None where nothing will change.
    pub(crate) fn next_change(&self, at: Timestamp) -> Option<Timestamp> {
        let covers = self.covers.values().flatten();
        let covers = covers.flat_map(|cover| [cover.starts_at, cover.ends_at]);
        let plans = self.shift_plans.values();
        let plans = plans.map(|plan| plan.next_change(at).unwrap_or(at + AHEAD));
        covers.filter(|edge| *edge > at).chain(plans).min()
    }

    /// The group where tickets wait for a person to choose theirs.
    pub(crate) fn triage_group(&self) -> Option<&GroupId> {
        let triage = self.workflow.as_ref()?.plan.triage.as_ref();
        triage.filter(|group| self.groups.contains_key(*group))
    }

    /// Whether the workflow asks the model about any ticket.
    pub(crate) fn asks_model(&self) -> bool {
        self.workflow.as_ref().is_some_and(|workflow| {
            let plan = &workflow.plan;
            plan.default.learned || plan.rules.iter().any(|rule| rule.way.learned)
        })
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
