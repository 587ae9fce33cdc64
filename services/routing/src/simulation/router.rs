//! Who gets what: the service's own rules, or a simpler one to compare them with.

use std::collections::HashMap;
use std::str::FromStr;
use std::sync::Arc;

use lotse_clock::Timestamp;
use lotse_ids::{AgentId, GroupId, TicketId};

use super::singly::Singly;
use super::world::{Desk, Tickets};
use crate::domain::agent::Seat;
use crate::domain::directory::Seats;
use crate::domain::index::Index;
use crate::domain::item::Item;

/// How waiting tickets are given away. In every policy the queue has the same order, and only
/// those get a ticket who may.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Policy {
    /// As the service does it: tickets that meet several free agents are paired with them
    /// together, by the order of agents.
    Matched,
    /// Each ticket by itself, to the first agent in the same order.
    OneByOne,
    /// Whose turn it is in the group, round and round.
    RoundRobin,
    /// Who holds the fewest tickets, then who has been without a new one for the longest.
    LeastLoaded,
}

impl Policy {
    /// All of them.
    pub const ALL: [Self; 4] = [
        Self::Matched,
        Self::OneByOne,
        Self::RoundRobin,
        Self::LeastLoaded,
    ];

    /// What it is called.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Matched => "matched",
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

/// What waits, and who gets it.
pub(crate) enum Router {
    /// As the service does it.
    Matched(Box<Matched>),
    /// One ticket after another.
    Singly(Singly),
}

/// The service's own index, told of everything.
pub(crate) struct Matched {
    index: Index,
    slots: HashMap<TicketId, usize>,
}

/// What a look at a waiting ticket found.
pub(crate) struct Found {
    /// Its slot.
    pub(crate) slot: usize,
    /// The group in whose queue it is.
    pub(crate) group: Option<GroupId>,
    /// Who gets it; none while it waits.
    pub(crate) agent: Option<AgentId>,
}

impl Router {
    /// A queue of nothing yet, at a desk where nobody is there.
    pub(crate) fn new(policy: Policy, desk: &Desk) -> Self {
        if policy != Policy::Matched {
            return Self::Singly(Singly::new(policy));
        }
        let mut index = Index::new(Arc::clone(&desk.directory), Timestamp::EPOCH);
        for (agent, seat) in &desk.seats {
            index.put_seat(agent, seat.clone());
        }
        Self::Matched(Box::new(Matched {
            index,
            slots: HashMap::new(),
        }))
    }

    /// A ticket waits.
    pub(crate) fn wait(
        &mut self,
        slot: usize,
        item: &Item,
        desk: &Desk,
        seats: &Seats,
        now: Timestamp,
    ) {
        match self {
            Self::Matched(matched) => {
                matched.slots.insert(item.ticket.clone(), slot);
                matched.index.put_item(item.clone(), now);
            }
            Self::Singly(singly) => singly.wait(slot, item, desk, seats, now),
        }
    }

    /// A ticket waits no more.
    pub(crate) fn leave(&mut self, item: &Item) {
        match self {
            Self::Matched(matched) => {
                matched.slots.remove(&item.ticket);
                matched.index.forget_item(&item.ticket);
            }
            Self::Singly(singly) => singly.leave(item),
        }
    }

    /// An agent has come or gone, or holds less.
    pub(crate) fn changed(&mut self, agent: &AgentId, seat: &Seat) {
        match self {
            Self::Matched(matched) => matched.index.put_seat(agent, seat.clone()),
            Self::Singly(singly) => singly.freed(agent),
        }
    }

    /// When to plan again even if nothing happens: time alone changes what a ticket needs, and who
    /// is at work.
    pub(crate) fn next_due(&self) -> Option<Timestamp> {
        match self {
            Self::Matched(matched) => matched.index.next_due(),
            Self::Singly(singly) => singly.next_due(),
        }
    }

    /// Gives away what can be given, and says where anything else waits that has come to its group
    /// since. The seats are left as they are afterwards.
    pub(crate) fn plan(
        &mut self,
        tickets: &Tickets,
        desk: &Desk,
        seats: &mut Seats,
        now: Timestamp,
    ) -> Vec<Found> {
        match self {
            Self::Matched(matched) => matched.plan(seats, now),
            Self::Singly(singly) => singly.plan(tickets, desk, seats, now),
        }
    }
}

impl Matched {
    /// As the service works: plan by plan, until there is nothing left to do.
    fn plan(&mut self, seats: &mut Seats, now: Timestamp) -> Vec<Found> {
        let mut found = Vec::new();
        loop {
            let planned = self.index.plan(now);
            if planned.is_empty() {
                return found;
            }
            for one in planned {
                let agent = one.agent.map(|(agent, _)| agent);
                let slot = match &agent {
                    Some(agent) => {
                        if let Some(seat) = self.index.seat(agent) {
                            seats.insert(agent.clone(), seat.clone());
                        }
                        self.slots.remove(&one.ticket)
                    }
                    None => self.slots.get(&one.ticket).copied(),
                };
                found.extend(slot.map(|slot| Found {
                    slot,
                    group: one.group,
                    agent,
                }));
            }
        }
    }
}
