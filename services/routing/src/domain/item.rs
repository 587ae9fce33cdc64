//! A ticket as routing sees it: what it needs, who has it, what it occupies.

use std::collections::{BTreeMap, BTreeSet};

use lotse_clock::Timestamp;
use lotse_ids::{AgentId, DecisionId, GroupId, TicketId};
use serde::{Deserialize, Serialize};

use super::advice::Advice;
use super::choice::Needs;
use super::codes::{Channel, Order, Priority, Reason, State, Status};
use super::group::Group;
use super::hops::{Hop, Place, Put};
use super::language::Language;
use super::weight::Weight;

/// What a deployment chooses about items.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Policy {
    /// What a ticket counts for while somebody else's answer is awaited.
    pub(crate) paused: Weight,
    /// Whether routing only keeps record of what people did.
    pub(crate) recorded: bool,
    /// From this confidence on a detected language is taken for certain.
    pub(crate) certain_from: f64,
}

/// One ticket.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Item {
    /// The ticket.
    pub(crate) ticket: TicketId,
    /// Raised by every change.
    pub(crate) version: i64,
    /// As much of the ticket's status as routing needs.
    pub(crate) status: Status,
    /// The group, once decided.
    pub(crate) group: Option<GroupId>,
    /// Who has it; of a done ticket, who had it.
    pub(crate) agent: Option<AgentId>,
    /// What it occupies of the agent's capacity.
    pub(crate) load: Weight,
    /// Where it came from.
    pub(crate) channel: Channel,
    /// How soon.
    pub(crate) priority: Priority,
    /// What its age counts from, whatever happens later.
    pub(crate) queued_at: Timestamp,
    /// When the present agent got it.
    pub(crate) assigned_at: Option<Timestamp>,
    /// Whether anybody has begun to work on it since: it is not taken away any more by routing.
    pub(crate) begun: bool,
    /// How often it was transferred.
    pub(crate) transfers: u32,
    /// How often it was escalated.
    pub(crate) escalations: u32,
    /// The decision that made it wait; none while nobody has looked at it since it was queued.
    pub(crate) decision: Option<DecisionId>,
    /// Why nobody has it, of that decision.
    pub(crate) reason: Option<Reason>,
    /// What intake knows of it.
    pub(crate) facts: Facts,
    /// What routing remembers of it.
    pub(crate) trail: Trail,
}

/// What intake says about a ticket, as far as routing decides by it.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Facts {
    /// What it is about; may be empty.
    pub(crate) category: String,
    /// Labels.
    pub(crate) tags: BTreeSet<String>,
    /// The caller's own facts.
    pub(crate) attributes: BTreeMap<String, String>,
    /// The requester's language, if known.
    pub(crate) language: Option<Language>,
    /// Whether the language is given, or detected with enough confidence to insist on it.
    pub(crate) language_is_certain: bool,
    /// Skills that the ticket's creator requires.
    pub(crate) required_skills: BTreeSet<String>,
    /// The group that the ticket's creator asked for.
    pub(crate) requested_group: Option<GroupId>,
    /// Who asks, by id; empty when not known.
    #[serde(default)]
    pub(crate) requester: String,
    /// Key of the requester's organisation; empty when not known.
    #[serde(default)]
    pub(crate) organisation: String,
}

/// What routing remembers of a ticket.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Trail {
    /// Agents who passed it on: they do not get it back automatically.
    pub(crate) excluded: BTreeSet<AgentId>,
    /// Who had it before it was reopened.
    pub(crate) preferred: Option<AgentId>,
    /// Whether a person chose its group, or an agent had it there: then it stays there, and the
    /// workflow no longer moves it. What older versions placed stays, too.
    #[serde(default = "always")]
    pub(crate) settled: bool,
    /// Whether it was ever given to a group or an agent of one; waiting for one does not count.
    pub(crate) had_group: bool,
    /// Deadlines of its running SLA clocks by clock id, in milliseconds since the epoch.
    pub(crate) deadlines: BTreeMap<String, i64>,
    /// Skills that it turned out to need, with least levels.
    #[serde(default)]
    pub(crate) missing: BTreeMap<String, u8>,
    /// What put it where it is; none while nobody has looked at it.
    #[serde(default)]
    pub(crate) put: Option<Put>,
    /// The last transfer.
    #[serde(default)]
    pub(crate) last_hop: Option<Hop>,
    /// Whether a guard put it before its supervisors: they decide where it goes, and need not be
    /// able to answer it.
    #[serde(default)]
    pub(crate) supervised: bool,
    /// The decision by which it was last handed over with a summary.
    #[serde(default)]
    pub(crate) hand_over: Option<DecisionId>,
    /// What the model said of its group; none while it was not asked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) advice: Option<Advice>,
    /// What the re-router said about the group that a person chose first, when it was sure of
    /// another one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) second_opinion: Option<Advice>,
    /// What made it wait, so that its assignment says what it answers and continues the trace.
    pub(crate) cause: Cause,
}

const fn always() -> bool {
    true
}

/// Where a change comes from.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Cause {
    /// The request id of a command, or `bucket:position` of an event.
    pub(crate) reference: String,
    /// W3C trace context; empty when it was not traced.
    pub(crate) traceparent: String,
}

impl Facts {
    /// The language, if it is certain.
    pub(crate) fn certain_language(&self) -> Option<&Language> {
        self.language.as_ref().filter(|_| self.language_is_certain)
    }
}

impl Item {
    /// Where it stands: decided by its status and its agent.
    pub(crate) fn state(&self) -> State {
        match (self.status, &self.agent) {
            (Status::Solved | Status::Closed, _) => State::Done,
            (_, Some(_)) => State::Assigned,
            (_, None) => State::Waiting,
        }
    }

    /// Where it is.
    pub(crate) fn place(&self) -> Place {
        Place {
            group: self.group.clone(),
            agent: self.agent.clone(),
        }
    }

    /// The earliest deadline of its SLA clocks.
    pub(crate) fn due_at(&self) -> Option<Timestamp> {
        let earliest = self.trail.deadlines.values().min();
        earliest.copied().map(Timestamp::from_millis)
    }

    /// Gives it to a group, and to an agent if one is named; without one it waits, to be looked at
    /// anew. A done ticket changes owner and still occupies nobody.
    pub(crate) fn hand_to(
        &mut self,
        group: Option<GroupId>,
        agent: Option<AgentId>,
        at: Timestamp,
        policy: &Policy,
    ) {
        if let Some(agent) = &agent {
            self.trail.excluded.remove(agent);
        }
        self.trail.settled = group.is_some();
        self.trail.had_group |= group.is_some();
        self.trail.preferred = None;
        self.trail.supervised = false;
        self.trail.second_opinion = None;
        self.assigned_at = agent.as_ref().map(|_| at);
        self.begun = false;
        self.group = group;
        self.agent = agent;
        self.decision = None;
        self.reason = None;
        self.settle(policy);
    }

    /// Follows the ticket's status. A reopened ticket waits for the agent who had it; where routing
    /// only keeps record, it is that agent's again.
    pub(crate) fn follow_status(&mut self, status: Status, policy: &Policy) {
        let was_done = self.state() == State::Done;
        self.status = status;
        if was_done && self.state() != State::Done && !policy.recorded {
            self.trail.preferred = self.agent.take();
            self.assigned_at = None;
            self.begun = false;
            self.decision = None;
            self.reason = None;
        }
        self.settle(policy);
    }

    /// Whether somebody has it and has not begun to work on it.
    pub(crate) fn is_untouched(&self) -> bool {
        self.state() == State::Assigned && self.status == Status::Open && !self.begun
    }

    /// Leaves it waiting where it was placed, with the decision that says why.
    pub(crate) fn wait(&mut self, group: Option<GroupId>, decision: DecisionId, reason: Reason) {
        // Where something else than the workflow put it, it stays.
        self.trail.settled &= self.group == group;
        self.group = group;
        self.decision = Some(decision);
        self.reason = Some(reason);
    }

    fn settle(&mut self, policy: &Policy) {
        self.load = match (self.state(), self.status) {
            (State::Assigned, Status::Paused) => policy.paused,
            (State::Assigned, _) => Weight::TICKET,
            (State::Waiting | State::Done, _) => Weight::ZERO,
        };
    }

    /// Whose capacity it takes, and how much of it.
    fn held(&self) -> Option<(&AgentId, Weight)> {
        let agent = self.agent.as_ref()?;
        (self.load != Weight::ZERO).then_some((agent, self.load))
    }

    /// What an agent must bring along to get it from `group`'s queue.
    pub(crate) fn needs(&self, group: &Group) -> Needs {
        let mut skills = group.profile.required_skills.clone();
        let own = self.facts.required_skills.iter().map(|skill| (skill, 1));
        let turned_out = self
            .trail
            .missing
            .iter()
            .map(|(skill, level)| (skill, *level));
        for (skill, level) in own.chain(turned_out).filter(|_| !self.trail.supervised) {
            let least = skills.entry(skill.clone()).or_insert(level);
            *least = level.max(*least);
        }
        let language = self.facts.certain_language().cloned();
        Needs {
            group: group.id.clone(),
            skills,
            preferred_skills: BTreeMap::new(),
            language: language.filter(|_| !self.trail.supervised),
            language_level: 1,
            min_tier: 0,
            order: Order::default(),
            weight: Weight::TICKET,
            excluded: self.trail.excluded.clone(),
            preferred: self.trail.preferred.clone(),
        }
    }
}

/// Changes of agents' loads.
pub(crate) type Loads = BTreeMap<AgentId, Weight>;

/// Adds to `loads` what a change of an item means for the agents' loads.
pub(crate) fn shift_loads(before: Option<&Item>, after: &Item, loads: &mut Loads) {
    if let Some((agent, weight)) = before.and_then(Item::held) {
        *loads.entry(agent.clone()).or_default() += -weight;
    }
    if let Some((agent, weight)) = after.held() {
        *loads.entry(agent.clone()).or_default() += weight;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::samples::{self, agent, group, item};

    const NOW: Timestamp = Timestamp::from_millis(5_000);

    fn loads(before: &Item, after: &Item) -> Vec<(AgentId, i64)> {
        let mut loads = Loads::new();
        shift_loads(Some(before), after, &mut loads);
        let changed = loads
            .into_iter()
            .filter(|(_, weight)| *weight != Weight::ZERO);
        changed
            .map(|(agent, weight)| (agent, weight.thousandths()))
            .collect()
    }

    #[test]
    fn a_pending_ticket_counts_by_its_fraction_and_a_solved_one_not_at_all() {
        let policy = samples::policy();
        let mut item = item(1);
        let waiting = item.clone();
        item.hand_to(Some(group(1)), Some(agent(1)), NOW, &policy);
        assert_eq!(loads(&waiting, &item), [(agent(1), 1_000)]);
        let open = item.clone();
        item.follow_status(Status::Paused, &policy);
        assert_eq!(loads(&open, &item), [(agent(1), -750)]);
        let paused = item.clone();
        item.follow_status(Status::Solved, &policy);
        assert_eq!(loads(&paused, &item), [(agent(1), -250)]);
        assert_eq!(item.state(), State::Done);
    }

    #[test]
    fn a_transfer_moves_the_load() {
        let policy = samples::policy();
        let mut item = item(1);
        item.hand_to(Some(group(1)), Some(agent(1)), NOW, &policy);
        let before = item.clone();
        item.hand_to(Some(group(1)), Some(agent(2)), NOW, &policy);
        assert_eq!(
            loads(&before, &item),
            [(agent(1), -1_000), (agent(2), 1_000)]
        );
    }

    #[test]
    fn a_reopened_ticket_waits_for_its_agent_with_its_original_age() {
        let policy = samples::policy();
        let mut item = item(1);
        let queued_at = item.queued_at;
        item.hand_to(Some(group(1)), Some(agent(1)), NOW, &policy);
        item.follow_status(Status::Solved, &policy);
        item.follow_status(Status::Open, &policy);
        assert_eq!(item.state(), State::Waiting);
        assert_eq!(item.trail.preferred, Some(agent(1)));
        assert_eq!((item.queued_at, item.decision.as_ref()), (queued_at, None));
    }

    #[test]
    fn where_routing_only_keeps_record_a_reopened_ticket_is_its_agents_again() {
        let policy = Policy {
            recorded: true,
            ..samples::policy()
        };
        let mut item = item(1);
        item.hand_to(Some(group(1)), Some(agent(1)), NOW, &policy);
        item.follow_status(Status::Solved, &policy);
        item.follow_status(Status::Open, &policy);
        assert_eq!(item.state(), State::Assigned);
        assert_eq!(item.load, Weight::TICKET);
    }

    #[test]
    fn a_solved_ticket_can_change_owner_without_occupying_anybody() {
        let policy = samples::policy();
        let mut item = item(1);
        item.follow_status(Status::Solved, &policy);
        item.hand_to(Some(group(1)), Some(agent(1)), NOW, &policy);
        assert_eq!((item.state(), item.load), (State::Done, Weight::ZERO));
    }
}
