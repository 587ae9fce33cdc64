//! Who gets what: the service's own rules, or a simpler one to compare them with.

use std::collections::{BTreeMap, HashMap};
use std::ops::Bound;
use std::str::FromStr;

use lotse_clock::Timestamp;
use lotse_ids::{AgentId, GroupId};

use super::world::{Desk, Tickets};
use crate::domain::agent::{Agent, Seat};
use crate::domain::choice::{Needs, misfit};
use crate::domain::directory::{Directory, Seats};
use crate::domain::item::Item;
use crate::domain::placement::{Placement, SeatPools, place};
use crate::domain::queue::{Turn, plan, turn};

/// How waiting tickets are given away. In every policy the queue has the same order, and only
/// those get a ticket who may.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Policy {
    /// As the service does it, each ticket by itself: the best fit, then the largest share of
    /// spare capacity, then who has been without a new ticket for the longest.
    OneByOne,
    /// Whose turn it is in the group, round and round.
    RoundRobin,
    /// Who holds the fewest tickets, then who has been without a new one for the longest.
    LeastLoaded,
}

impl Policy {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::OneByOne, Self::RoundRobin, Self::LeastLoaded];

    /// What it is called.
    pub const fn name(self) -> &'static str {
        match self {
            Self::OneByOne => "one-by-one",
            Self::RoundRobin => "round-robin",
            Self::LeastLoaded => "least-loaded",
        }
    }
}

impl FromStr for Policy {
    type Err = String;

    fn from_str(name: &str) -> Result<Self, String> {
        let known = Self::ALL.into_iter().find(|policy| policy.name() == name);
        known.ok_or_else(|| {
            let names = Self::ALL.map(Self::name).join(", ");
            format!("must be one of {names}")
        })
    }
}

/// The queue, and what changed since it was last looked through.
pub(crate) struct Router {
    policy: Policy,
    waiting: BTreeMap<Turn, Standing>,
    anything_new: bool,
    freed: Vec<AgentId>,
    last: HashMap<GroupId, AgentId>,
}

/// A waiting ticket.
struct Standing {
    slot: usize,
    needs: Needs,
    is_new: bool,
}

impl Router {
    pub(crate) fn new(policy: Policy) -> Self {
        Self {
            policy,
            waiting: BTreeMap::new(),
            anything_new: false,
            freed: Vec::new(),
            last: HashMap::new(),
        }
    }

    /// A ticket waits, or what it needs has changed by time. Returns where it stands.
    pub(crate) fn wait(
        &mut self,
        slot: usize,
        item: &Item,
        pools: &SeatPools<'_>,
        now: Timestamp,
    ) -> Option<Placement> {
        let place = place(item, pools.directory, pools, now)?;
        let standing = Standing {
            slot,
            needs: place.needs.clone(),
            is_new: true,
        };
        self.waiting.insert(turn(item), standing);
        self.anything_new = true;
        Some(place)
    }

    /// The slots of all that wait.
    pub(crate) fn slots(&self) -> Vec<usize> {
        self.waiting
            .values()
            .map(|standing| standing.slot)
            .collect()
    }

    /// A ticket waits no more.
    pub(crate) fn leave(&mut self, item: &Item) {
        self.waiting.remove(&turn(item));
    }

    /// An agent may have room now.
    pub(crate) fn freed(&mut self, agent: &AgentId) {
        if !self.waiting.is_empty() {
            self.freed.push(agent.clone());
        }
    }

    /// Gives away what can be given, in the order of the queue: slots, agents, and for which group.
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
    ) -> Vec<(usize, AgentId, Option<GroupId>)> {
        let mut given = Vec::new();
        let directory = &desk.directory;
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
            standing.is_new = false;
            let (turn, slot) = (turn.clone(), standing.slot);
            let item = tickets.item(slot);
            let given_to = match self.policy {
                Policy::OneByOne => {
                    let planned = plan(std::slice::from_ref(item), directory, seats, now).pop();
                    planned.and_then(|planned| Some((planned.agent?.0, planned.group)))
                }
                simple => {
                    let last = self.last.get(&standing.needs.group);
                    let agent = pick(simple, &standing.needs, last, directory, seats);
                    let seat = agent.as_ref().and_then(|agent| seats.get_mut(agent));
                    if let (Some(seat), Some(agent)) = (seat, &agent) {
                        seat.take(item.channel, item.weight, now);
                        self.last
                            .insert(standing.needs.group.clone(), agent.clone());
                    }
                    agent.map(|agent| (agent, Some(standing.needs.group.clone())))
                }
            };
            if let Some((agent, group)) = given_to {
                self.waiting.remove(&turn);
                given.push((slot, agent, group));
                self.keep_free(seats);
            }
            cursor = Bound::Excluded(turn);
        }
        self.anything_new = false;
        self.freed.clear();
        given
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
        Policy::OneByOne | Policy::LeastLoaded => {
            able.min_by_key(|(agent, seat)| (seat.load, seat.last_assigned_at, &agent.id))
        }
    };
    best.map(|(agent, _)| agent.id.clone())
}
