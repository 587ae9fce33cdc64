//! A ticket as routing sees it: what it needs, who has it, what it occupies.
//!
//! What others say about it and what routing remembers of it is in [`trail`].

mod trail;

use std::collections::BTreeMap;

use lotse_clock::Timestamp;
use lotse_ids::{AgentId, DecisionId, GroupId, TicketId};

use super::agent::Limits;
use super::channel::PerChannel;
use super::choice::Needs;
use super::codes::{Channel, Order, Priority, Reason, State, Status};
use super::group::Group;
use super::hops::Place;
use super::offer::{Handling, Offer};
use super::weight::Weight;
pub(crate) use trail::{Cause, Facts, Trail};

/// What a deployment chooses about items.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Policy {
    /// What a ticket of weight one counts for while somebody else's answer is awaited.
    pub(crate) paused: Weight,
    /// What tickets weigh by their channel, where nothing else is configured for an agent.
    pub(crate) weights: PerChannel<Weight>,
    /// How tickets are handled, where nothing else is configured for their group.
    pub(crate) handling: Handling,
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
    /// Who is being asked to take it.
    pub(crate) offer: Option<Offer>,
    /// What it weighs for an agent for whom nothing else is configured.
    pub(crate) weight: Weight,
    /// What it occupies of the agent's capacity; while it is offered, of the one who is asked.
    pub(crate) load: Weight,
    /// Until when the work that follows its solution takes room of its agent.
    pub(crate) wrapping_until: Option<Timestamp>,
    /// When something is to be done about it though nothing happens.
    pub(crate) timer: Option<Timer>,
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

/// An instant at which an offer runs out, work that follows ends, or a pause between offers is over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Timer {
    /// When.
    pub(crate) at: Timestamp,
    /// The item's version that set it: grows with every timer of the item.
    pub(crate) generation: i64,
}

impl Item {
    /// A mail of normal priority that nobody has looked at and of which nothing is known.
    pub(crate) fn new(ticket: TicketId, queued_at: Timestamp) -> Self {
        Self {
            ticket,
            version: 1,
            status: Status::Open,
            group: None,
            agent: None,
            offer: None,
            weight: Weight::TICKET,
            load: Weight::ZERO,
            wrapping_until: None,
            timer: None,
            channel: Channel::Email,
            priority: Priority::Normal,
            queued_at,
            assigned_at: None,
            begun: false,
            transfers: 0,
            escalations: 0,
            decision: None,
            reason: None,
            facts: Facts::default(),
            trail: Trail::default(),
        }
    }

    /// Where it stands: decided by its status, its agent and its offer.
    pub(crate) fn state(&self) -> State {
        match (self.status, &self.agent, &self.offer) {
            (Status::Solved | Status::Closed, _, _) => State::Done,
            (_, Some(_), _) => State::Assigned,
            (_, None, Some(_)) => State::Offered,
            (_, None, None) => State::Waiting,
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

    /// Weighs it for an agent who is to get it or to be asked.
    pub(crate) fn weigh_for(&mut self, limits: Option<&Limits>) {
        let weight = limits.map(|limits| limits.weight_of(self.channel, self.weight));
        self.trail.weighs = weight.filter(|weight| *weight != self.weight);
    }

    /// What it takes of its agent's capacity while it is worked on.
    pub(crate) fn full_load(&self) -> Weight {
        self.trail.weighs.unwrap_or(self.weight)
    }

    /// Gives it to a group, and to an agent if one is named; without one it waits, to be looked at
    /// anew. A done ticket changes owner and still occupies nobody. It has been weighed for the
    /// agent; whoever was asked is no longer.
    pub(crate) fn hand_to(
        &mut self,
        group: Option<GroupId>,
        agent: Option<AgentId>,
        at: Timestamp,
        policy: &Policy,
    ) {
        if let Some(agent) = &agent {
            self.trail.excluded.remove(agent);
            self.trail.declined.remove(agent);
        }
        self.trail.settled = group.is_some();
        self.trail.had_group |= group.is_some();
        self.trail.supervised = false;
        self.trail.second_opinion = None;
        self.trail.accepted = None;
        self.forget_preference();
        self.assigned_at = agent.as_ref().map(|_| at);
        self.begun = false;
        self.group = group;
        self.agent = agent;
        self.offer = None;
        self.wrapping_until = None;
        self.look_anew();
        self.settle(policy);
    }

    /// Asks an agent of a group to take it. It has been weighed for the agent.
    pub(crate) fn offer_to(&mut self, group: Option<GroupId>, offer: Offer, policy: &Policy) {
        self.trail.offers = offer.attempt;
        // As where it waits: the workflow may move it on as long as nobody takes it.
        self.trail.settled &= self.group == group;
        self.group = group;
        self.offer = Some(offer);
        self.look_anew();
        self.settle(policy);
    }

    /// Ends its offer. Who did not take it is not asked again; it goes on to the next with its
    /// original age.
    pub(crate) fn end_offer(&mut self, not_taken: bool, policy: &Policy) -> Option<Offer> {
        let offer = self.offer.take()?;
        if not_taken {
            self.trail.declined.insert(offer.agent.clone());
        }
        self.trail.weighs = None;
        self.look_anew();
        self.settle(policy);
        Some(offer)
    }

    /// Lets those who declined be asked again.
    pub(crate) fn ask_again(&mut self, policy: &Policy) {
        self.trail.declined.clear();
        self.look_anew();
        self.settle(policy);
    }

    /// Ends the work that follows its solution.
    pub(crate) fn end_wrap_up(&mut self, policy: &Policy) {
        self.wrapping_until = None;
        self.settle(policy);
    }

    /// Follows the ticket's status, as of `at`. A solved ticket goes on taking its room for the
    /// wrap-up time. One that is reopened soon enough waits for the agent who had it; where routing
    /// only keeps record, it is that agent's again.
    pub(crate) fn follow_status(
        &mut self,
        status: Status,
        at: Timestamp,
        policy: &Policy,
        handling: &Handling,
    ) {
        let before = self.state();
        self.status = status;
        match (before, self.state()) {
            (State::Assigned, State::Done) => {
                self.trail.solved_at = Some(at.as_millis());
                let wraps_up =
                    status == Status::Solved && !handling.wrap_up.is_zero() && !policy.recorded;
                self.wrapping_until = wraps_up.then(|| at + handling.wrap_up);
            }
            // Whoever was asked is no longer.
            (State::Offered, State::Done) => self.offer = None,
            (State::Done, State::Assigned | State::Waiting) if !policy.recorded => {
                let soon =
                    |solved| at <= Timestamp::from_millis(solved) + handling.same_agent_window;
                let agent = self.agent.take();
                self.trail.preferred = agent.filter(|_| self.trail.solved_at.is_none_or(soon));
                self.trail.repeats = false;
                self.trail.declined.clear();
                self.trail.weighs = None;
                self.assigned_at = None;
                self.begun = false;
                self.wrapping_until = None;
                self.look_anew();
            }
            _ => {}
        }
        self.settle(policy);
    }

    /// Whether somebody has it and has not begun to work on it.
    pub(crate) fn is_untouched(&self) -> bool {
        self.state() == State::Assigned && self.status == Status::Open && !self.begun
    }

    /// Leaves it waiting where it was placed, with the decision that says why. Where everybody declined, they are asked
    /// again after a pause, if one is configured.
    pub(crate) fn wait(
        &mut self,
        group: Option<GroupId>,
        decision: DecisionId,
        reason: Reason,
        offer_again_at: Option<Timestamp>,
        policy: &Policy,
    ) {
        // Where something else than the workflow put it, it stays.
        self.trail.settled &= self.group == group;
        self.group = group;
        self.decision = Some(decision);
        self.reason = Some(reason);
        self.trail.offer_again_at = offer_again_at.map(Timestamp::as_millis);
        self.settle(policy);
    }

    /// Forgets what the last look found.
    fn look_anew(&mut self) {
        self.decision = None;
        self.reason = None;
        self.trail.offer_again_at = None;
    }

    fn forget_preference(&mut self) {
        self.trail.preferred = None;
        self.trail.repeats = false;
    }

    /// Brings what follows from its state up to date: its load and its timer.
    fn settle(&mut self, policy: &Policy) {
        let state = self.state();
        self.load = match (state, self.status) {
            (State::Assigned | State::Offered, Status::Paused) => {
                self.full_load().share(policy.paused.thousandths())
            }
            (State::Assigned | State::Offered, _) => self.full_load(),
            // As much as it took before: work that follows puts nobody over capacity.
            (State::Done, _) if self.wrapping_until.is_some() => self.load,
            (State::Waiting | State::Done, _) => Weight::ZERO,
        };
        let at = match state {
            State::Waiting => self.trail.offer_again_at.map(Timestamp::from_millis),
            State::Offered => self.offer.as_ref().map(|offer| offer.expires_at),
            State::Assigned => None,
            State::Done => self.wrapping_until,
        };
        if self.timer.map(|timer| timer.at) != at {
            let generation = self.version;
            self.timer = at.map(|at| Timer { at, generation });
        }
    }

    /// Whose capacity it takes, and how much of it.
    fn held(&self) -> Option<(&AgentId, Weight)> {
        let asked = self.offer.as_ref().map(|offer| &offer.agent);
        let agent = self.agent.as_ref().or(asked)?;
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
            load_steps: 1,
            channel: self.channel,
            weight: self.weight,
            excluded: self.trail.excluded.clone(),
            declined: self.trail.declined.clone(),
            preferred: self.trail.preferred.clone(),
            repeats: self.trail.repeats,
        }
    }
}

/// Changes of agents' loads, by the channel they come from.
pub(crate) type Loads = BTreeMap<(AgentId, Channel), Weight>;

/// Adds to `loads` what a change of an item means for the agents' loads.
pub(crate) fn shift_loads(before: Option<&Item>, after: &Item, loads: &mut Loads) {
    if let Some((agent, weight)) = before.and_then(Item::held) {
        *loads.entry((agent.clone(), after.channel)).or_default() += -weight;
    }
    if let Some((agent, weight)) = after.held() {
        *loads.entry((agent.clone(), after.channel)).or_default() += weight;
    }
}

#[cfg(test)]
mod tests;
