//! What a simulated workflow comes to: where tickets went, how long they waited, who had what to do.

use std::collections::{BTreeMap, HashMap};
use std::time::Duration;

use lotse_clock::Timestamp;
use lotse_ids::{AgentId, GroupId};

use super::history::{History, Span};
use crate::simulation::happened::{Happened, There};

/// What would have been under one workflow.
#[derive(Debug)]
pub(crate) struct Outcome {
    /// Counted tickets that an agent got.
    pub(crate) assigned: u32,
    /// Counted tickets that nobody got.
    pub(crate) unrouted: u32,
    /// Those that came first to another group than the one that solved them.
    pub(crate) transferred: u32,
    /// How often tickets were passed on.
    pub(crate) transfers: u32,
    /// How long they waited for their first agent, shortest first.
    pub(crate) waits: Vec<Duration>,
    /// By group.
    pub(crate) groups: BTreeMap<GroupId, GroupOutcome>,
    /// By agent.
    pub(crate) agents: BTreeMap<AgentId, AgentOutcome>,
    /// The first group and agent of each ticket.
    pub(crate) first: Vec<Option<(GroupId, usize)>>,
}

/// What a group would have had to do.
#[derive(Debug, Default)]
pub(crate) struct GroupOutcome {
    pub(crate) first: u32,
    pub(crate) wrong: u32,
    pub(crate) max_waiting: u32,
    waiting: u32,
    pub(crate) taken: Share,
}

/// What an agent would have had to do.
#[derive(Debug, Default)]
pub(crate) struct AgentOutcome {
    pub(crate) assigned: u32,
    pub(crate) max_held: u32,
    pub(crate) taken: Share,
    held: u32,
    online: bool,
    since: Timestamp,
}

/// Ticket time in capacity time, in milliseconds.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Share {
    taken: f64,
    offered: f64,
}

impl Share {
    /// 0 to 1, and more where tickets were held while nobody was online.
    pub(crate) fn value(self) -> f64 {
        if self.offered > 0.0 {
            self.taken / self.offered
        } else {
            0.0
        }
    }
}

/// Adds up what happens.
pub(super) struct Tally<'a> {
    history: &'a History,
    now: Timestamp,
    transfers: u32,
    groups: HashMap<GroupId, GroupOutcome>,
    agents: Vec<AgentOutcome>,
    /// Where each ticket is, and whether it waits there.
    places: Vec<Option<(GroupId, bool)>>,
    first: Vec<Option<(GroupId, usize)>>,
    waited: Vec<Duration>,
}

impl<'a> Tally<'a> {
    pub(super) fn new(history: &'a History) -> Self {
        let size = history.tickets.len();
        Self {
            history,
            now: history.span.begin,
            transfers: 0,
            groups: HashMap::new(),
            agents: history
                .agents
                .iter()
                .map(|_| AgentOutcome::default())
                .collect(),
            places: vec![None; size],
            first: vec![None; size],
            waited: vec![Duration::ZERO; size],
        }
    }

    /// A ticket comes to a group.
    pub(super) fn place(&mut self, ticket: u64, group: &GroupId, waits: bool) {
        let Some(at) = slot(ticket, self.places.len()) else {
            return;
        };
        let counted = self.now >= self.history.span.from;
        if let Some((before, true)) = &self.places[at] {
            let before = self.groups.entry(before.clone()).or_default();
            before.waiting = before.waiting.saturating_sub(1);
        }
        if waits {
            let group = self.groups.entry(group.clone()).or_default();
            group.waiting += 1;
            if counted {
                group.max_waiting = group.max_waiting.max(group.waiting);
            }
        }
        self.places[at] = Some((group.clone(), waits));
    }

    /// Something happens.
    pub(super) fn happen(&mut self, now: Timestamp, happened: Happened) {
        self.now = now;
        let span = self.history.span;
        match happened {
            Happened::Assigned {
                ticket,
                agent,
                waited,
                ..
            } => {
                self.agents[agent].assigned += u32::from(now >= span.from);
                let Some(at) = slot(ticket, self.first.len()) else {
                    return;
                };
                if self.first[at].is_none()
                    && let Some((group, _)) = &self.places[at]
                {
                    self.first[at] = Some((group.clone(), agent));
                    self.waited[at] = waited;
                }
            }
            Happened::Transferred { ticket, .. } => {
                let at = slot(ticket, self.first.len());
                let counted = at.is_some_and(|at| self.history.tickets[at].came >= span.from);
                self.transfers += u32::from(counted);
            }
            Happened::Present { agent, there } => {
                self.pass(agent, now);
                self.agents[agent].online = there == There::Online;
            }
            Happened::Working { agent, tickets } => {
                self.pass(agent, now);
                let one = &mut self.agents[agent];
                one.held = tickets;
                if now >= span.from && now < span.until {
                    one.max_held = one.max_held.max(tickets);
                }
            }
            _ => {}
        }
    }

    /// Counts what an agent had up to now.
    fn pass(&mut self, agent: usize, now: Timestamp) {
        let capacity = self.history.agents[agent].profile.capacity;
        let one = &mut self.agents[agent];
        let millis = within(self.history.span, one.since, now);
        one.taken.taken += f64::from(one.held) * millis;
        if one.online {
            one.taken.offered += f64::from(capacity) * millis;
        }
        one.since = now;
    }

    /// What it comes to.
    pub(super) fn finish(mut self) -> Outcome {
        for agent in 0..self.agents.len() {
            self.pass(agent, self.history.span.until.max(self.now));
        }
        let (mut assigned, mut unrouted, mut transferred) = (0, 0, 0);
        let mut waits = Vec::new();
        for (at, past) in self.history.tickets.iter().enumerate() {
            if past.came < self.history.span.from {
                continue;
            }
            let Some((group, _)) = &self.first[at] else {
                unrouted += 1;
                continue;
            };
            assigned += 1;
            waits.push(self.waited[at]);
            let wrong = past.right.as_ref().is_some_and(|right| right != group);
            transferred += u32::from(wrong);
            let group = self.groups.entry(group.clone()).or_default();
            group.first += 1;
            group.wrong += u32::from(wrong);
        }
        waits.sort_unstable();
        let mut agents = BTreeMap::new();
        for (agent, outcome) in self.history.agents.iter().zip(self.agents) {
            for group in &agent.profile.groups {
                let of_group = &mut self.groups.entry(group.clone()).or_default().taken;
                of_group.taken += outcome.taken.taken;
                of_group.offered += outcome.taken.offered;
            }
            if outcome.assigned > 0 || outcome.taken.offered > 0.0 {
                agents.insert(agent.id.clone(), outcome);
            }
        }
        Outcome {
            assigned,
            unrouted,
            transferred,
            transfers: self.transfers,
            waits,
            groups: self.groups.into_iter().collect(),
            agents,
            first: self.first,
        }
    }
}

/// The place of a ticket in its history: they are numbered as they come.
fn slot(ticket: u64, size: usize) -> Option<usize> {
    usize::try_from(ticket).ok().filter(|at| *at < size)
}

/// How much of a stretch is counted, in milliseconds.
#[allow(clippy::cast_precision_loss, reason = "spans of months are exact")]
fn within(span: Span, since: Timestamp, now: Timestamp) -> f64 {
    let begin = since.max(span.from);
    let end = now.min(span.until);
    end.millis_since(begin).max(0) as f64
}
