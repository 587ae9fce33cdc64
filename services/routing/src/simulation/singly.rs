//! One ticket after another, in the order of the queue: by the service's order of agents, or by a
//! simpler one.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::ops::Bound;

use lotse_clock::Timestamp;
use lotse_ids::{AgentId, GroupId};

use super::router::{Found, Policy};
use super::world::{Desk, Tickets};
use crate::domain::agent::{Agent, Seat};
use crate::domain::choice::{Needs, misfit};
use crate::domain::directory::{Directory, Seats};
use crate::domain::item::Item;
use crate::domain::placement::{SeatPools, place};
use crate::domain::queue::{Turn, plan, turn};

/// The queue, and what changed since it was last looked through.
///
/// Scenarios have neither covers nor shift plans, so the simpler policies do not look at them.
pub(crate) struct Singly {
    policy: Policy,
    waiting: BTreeMap<Turn, Standing>,
    due: BTreeSet<(Timestamp, Turn)>,
    anything_new: bool,
    freed: Vec<AgentId>,
    last: HashMap<GroupId, AgentId>,
}

/// A waiting ticket.
struct Standing {
    slot: usize,
    needs: Needs,
    changes_at: Option<Timestamp>,
    is_new: bool,
}

impl Singly {
    pub(crate) fn new(policy: Policy) -> Self {
        Self {
            policy,
            waiting: BTreeMap::new(),
            due: BTreeSet::new(),
            anything_new: false,
            freed: Vec::new(),
            last: HashMap::new(),
        }
    }

    /// A ticket waits, or stands elsewhere than before.
    pub(crate) fn wait(
        &mut self,
        slot: usize,
        item: &Item,
        desk: &Desk,
        seats: &Seats,
        now: Timestamp,
    ) {
        let directory: &Directory = &desk.directory;
        let pools = SeatPools { directory, seats };
        let Some(place) = place(item, directory, &pools, now) else {
            return;
        };
        let (turn, changes_at) = (turn(item), place.changes_at.filter(|at| *at > now));
        self.due.extend(changes_at.map(|at| (at, turn.clone())));
        let standing = Standing {
            slot,
            needs: place.needs,
            changes_at,
            is_new: true,
        };
        self.waiting.insert(turn, standing);
        self.anything_new = true;
    }

    /// A ticket waits no more.
    pub(crate) fn leave(&mut self, item: &Item) {
        self.remove(&turn(item));
    }

    fn remove(&mut self, turn: &Turn) {
        let left = self.waiting.remove(turn);
        if let Some(at) = left.and_then(|left| left.changes_at) {
            self.due.remove(&(at, turn.clone()));
        }
    }

    /// An agent may have room now.
    pub(crate) fn freed(&mut self, agent: &AgentId) {
        if !self.waiting.is_empty() {
            self.freed.push(agent.clone());
        }
    }

    /// When time alone changes what a ticket needs.
    pub(crate) fn next_due(&self) -> Option<Timestamp> {
        self.due.first().map(|(at, _)| *at)
    }

    /// Finds anew where tickets stand that have come of age; and all, where steps are passed over
    /// by who is there.
    fn place_again(&mut self, tickets: &Tickets, desk: &Desk, seats: &Seats, now: Timestamp) {
        let due = self.due.iter().take_while(|(at, _)| *at <= now);
        let turns: Vec<Turn> = if desk.passes_over {
            self.waiting.keys().cloned().collect()
        } else {
            due.map(|(_, turn)| turn.clone()).collect()
        };
        for turn in turns {
            let Some(slot) = self.waiting.get(&turn).map(|standing| standing.slot) else {
                continue;
            };
            self.remove(&turn);
            self.wait(slot, tickets.item(slot), desk, seats, now);
        }
    }

    /// Gives away what can be given, in the order of the queue, and says where anything new waits.
    /// The seats are left as they are afterwards.
    ///
    /// Between two calls only what is new or what somebody freed could take is looked at: anything
    /// else was looked at before and nothing has changed for it.
    pub(crate) fn plan(
        &mut self,
        tickets: &Tickets,
        desk: &Desk,
        seats: &mut Seats,
        now: Timestamp,
    ) -> Vec<Found> {
        let mut all = Vec::new();
        let directory: &Directory = &desk.directory;
        self.place_again(tickets, desk, seats, now);
        self.keep_free(seats);
        let mut cursor: Bound<Turn> = Bound::Unbounded;
        while self.anything_new || !self.freed.is_empty() {
            let freed = &self.freed;
            let mut rest = self.waiting.range_mut((cursor, Bound::Unbounded));
            let found = rest.find(|(_, one)| {
                one.is_new
                    || freed
                        .iter()
                        .any(|agent| may(agent, &one.needs, directory, seats))
            });
            let Some((turn, standing)) = found else {
                break;
            };
            let is_new = std::mem::take(&mut standing.is_new);
            let (turn, slot) = (turn.clone(), standing.slot);
            let item = tickets.item(slot);
            let group = standing.needs.group.clone();
            let agent = match self.policy {
                Policy::OneByOne => {
                    let planned = plan(std::slice::from_ref(item), directory, seats, now).pop();
                    planned
                        .and_then(|planned| planned.agent)
                        .map(|(agent, _)| agent)
                }
                simple => {
                    let last = self.last.get(&group);
                    let agent = pick(simple, &standing.needs, last, directory, seats);
                    let seat = agent.as_ref().and_then(|agent| seats.get_mut(agent));
                    if let (Some(seat), Some(agent)) = (seat, &agent) {
                        seat.take(item.channel, item.weight, now);
                        self.last.insert(group.clone(), agent.clone());
                    }
                    agent
                }
            };
            if agent.is_some() {
                self.remove(&turn);
                self.keep_free(seats);
            }
            if agent.is_some() || is_new {
                all.push(Found {
                    slot,
                    group: Some(group),
                    agent,
                });
            }
            cursor = Bound::Excluded(turn);
        }
        self.anything_new = false;
        self.freed.clear();
        all
    }

    fn keep_free(&mut self, seats: &Seats) {
        self.freed
            .retain(|agent| seats.get(agent).is_some_and(Seat::is_free));
    }
}

/// Whether an agent may get what needs this.
fn may(agent: &AgentId, needs: &Needs, directory: &Directory, seats: &Seats) -> bool {
    let (Some(agent), Some(seat)) = (directory.agents.get(agent), seats.get(agent)) else {
        return false;
    };
    let wanted = needs.preferred.as_ref() == Some(&agent.id);
    (wanted || agent.profile.groups.contains(&needs.group)) && misfit(agent, seat, needs).is_none()
}

/// Whom a simple policy takes of those who may.
fn pick(
    policy: Policy,
    needs: &Needs,
    last: Option<&AgentId>,
    directory: &Directory,
    seats: &Seats,
) -> Option<AgentId> {
    let members = directory.members(&needs.group);
    let able = members.filter_map(|agent| {
        let seat = seats.get(&agent.id)?;
        misfit(agent, seat, needs)
            .is_none()
            .then_some((agent, seat))
    });
    let best: Option<(&Agent, &Seat)> = match policy {
        // Those after the last one come before those up to it.
        Policy::RoundRobin => able.min_by_key(|(agent, _)| {
            let had_it = last.is_some_and(|last| agent.id <= *last);
            (had_it, &agent.id)
        }),
        Policy::Matched | Policy::OneByOne | Policy::LeastLoaded => {
            able.min_by_key(|(agent, seat)| (seat.load, seat.last_assigned_at, &agent.id))
        }
    };
    best.map(|(agent, _)| agent.id.clone())
}
