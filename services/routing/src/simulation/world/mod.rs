//! The events of a simulation, in their order.

mod tickets;
mod work;

use std::cmp::Reverse;
use std::collections::{BinaryHeap, HashMap};
use std::iter::Peekable;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use lotse_clock::Timestamp;
use lotse_ids::{AgentId, GroupId};

pub(crate) use tickets::Tickets;
use tickets::{Live, Phase};

use super::arrivals::Arrival;
use super::crew::{Answer, Coming, Conduct, Hands, Manners};
use super::happened::{Happened, There};
use super::router::{Policy, Router};
use crate::config::Config;
use crate::domain::agent::{Agent, Seat};
use crate::domain::channel::Presences;
use crate::domain::codes::{Channel, Presence};
use crate::domain::directory::{Directory, Seats};
use crate::domain::item;
use crate::domain::weight::Weight;

/// A desk: what is configured, and how its people are.
pub(crate) struct Desk {
    /// Groups, agents and workflow.
    pub(crate) directory: Arc<Directory>,
    /// Where everybody sits before the first comes; nobody is there.
    pub(crate) seats: Seats,
    /// Agents by number.
    pub(crate) ids: Vec<AgentId>,
    /// The numbers of agents.
    pub(crate) numbers: HashMap<AgentId, usize>,
    /// How agents work, by number.
    pub(crate) conducts: Vec<Conduct>,
    /// How they are asked.
    pub(crate) manners: Manners,
    /// Whether the workflow has steps that are passed over by who is there.
    pub(crate) passes_over: bool,
}

impl Desk {
    /// A desk of these people, who are not there yet and hold nothing.
    pub(crate) fn new(
        people: &[Agent],
        directory: Directory,
        conducts: Vec<Conduct>,
        manners: Manners,
    ) -> Self {
        let ids: Vec<AgentId> = people.iter().map(|agent| agent.id.clone()).collect();
        let seat = |agent: &Agent| Seat::empty(agent.version, &agent.profile);
        let seats = people.iter().map(|agent| (agent.id.clone(), seat(agent)));
        let workflow = directory.workflow.as_ref();
        Self {
            seats: seats.collect(),
            numbers: ids.iter().cloned().zip(0..).collect(),
            passes_over: workflow.is_some_and(|workflow| workflow.plan.passes_over()),
            directory: Arc::new(directory),
            ids,
            conducts,
            manners,
        }
    }
}

/// What is to come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum What {
    /// An agent answers an offer.
    Answers(usize, u64, Answer),
    /// An agent is through with a ticket, or knows that they cannot solve it.
    Done(usize, u64),
    /// An agent has wrapped a ticket up, of this channel and weight.
    WrappedUp(usize, Channel, Weight),
    /// An agent who did not answer is back.
    Back(usize, u64),
    /// The customer's patience is over.
    OutOfPatience(usize, u64),
}

/// Tickets of customers who wrote again are numbered from here on.
const AGAIN: u64 = 1 << 40;

/// Told of every place that a ticket comes to: its number, the group, and whether it waits there or
/// an agent of it has it.
pub(crate) type Watchman<'a> = &'a mut dyn FnMut(u64, &GroupId, bool);

/// What comes to a desk from outside, in the order of time.
pub(crate) struct Course<'a, A, C> {
    /// Tickets.
    pub(crate) arrivals: A,
    /// The comings and goings of agents.
    pub(crate) comings: C,
    /// When it is over.
    pub(crate) until: Timestamp,
    /// Whether nobody wants to know any more: then nothing further happens.
    pub(crate) called_off: &'a AtomicBool,
}

/// Plays a desk. `watch` is told everything, `places` of groups.
pub(crate) fn play(
    desk: &Desk,
    policy: Policy,
    seed: u64,
    course: Course<'_, impl Iterator<Item = Arrival>, impl Iterator<Item = Coming>>,
    watch: impl FnMut(Timestamp, Happened),
    places: Watchman<'_>,
) {
    let mut world = World {
        desk,
        rules: item::Policy {
            paused: Weight::TICKET,
            certain_from: 1.0,
            ..Config::default().policy()
        },
        router: Router::new(policy, desk),
        tickets: Tickets::default(),
        seats: desk.seats.clone(),
        hands: vec![Hands::default(); desk.ids.len()],
        agenda: BinaryHeap::new(),
        stamps: 0,
        came: 0,
        again: 0,
        seed,
        now: Timestamp::EPOCH,
        watch,
        places,
    };
    let (arrivals, comings) = (course.arrivals.peekable(), course.comings.peekable());
    world.run(arrivals, comings, course.until, course.called_off);
}

struct World<'a, W> {
    desk: &'a Desk,
    rules: item::Policy,
    router: Router,
    tickets: Tickets,
    seats: Seats,
    hands: Vec<Hands>,
    agenda: BinaryHeap<Reverse<(Timestamp, u64, What)>>,
    stamps: u64,
    came: u64,
    again: u64,
    seed: u64,
    now: Timestamp,
    watch: W,
    places: Watchman<'a>,
}

impl<W: FnMut(Timestamp, Happened)> World<'_, W> {
    fn run(
        &mut self,
        mut arrivals: Peekable<impl Iterator<Item = Arrival>>,
        mut comings: Peekable<impl Iterator<Item = Coming>>,
        until: Timestamp,
        called_off: &AtomicBool,
    ) {
        while !called_off.load(Ordering::Relaxed) {
            let due = self.agenda.peek().map(|Reverse((at, ..))| *at);
            let routing = self.router.next_due();
            let coming = comings.peek().map(|coming| coming.at);
            let arrival = arrivals.peek().map(|arrival| arrival.at);
            let Some(now) = [due, routing, coming, arrival].into_iter().flatten().min() else {
                return;
            };
            if now >= until {
                return;
            }
            self.now = now;
            // Everything of one instant happens before anything is given away.
            while let Some(Reverse((at, _, what))) = self.agenda.peek().copied()
                && at == now
            {
                self.agenda.pop();
                self.happen(what);
            }
            while let Some(coming) = comings.next_if(|coming| coming.at == now) {
                self.come(coming);
            }
            while let Some(arrival) = arrivals.next_if(|arrival| arrival.at == now) {
                self.came += 1;
                self.arrive(arrival.item, arrival.case, self.came - 1, None);
            }
            self.give_away();
        }
    }

    fn happen(&mut self, what: What) {
        match what {
            What::Answers(slot, stamp, answer) => self.answered(slot, stamp, answer),
            What::Done(slot, stamp) => self.done(slot, stamp),
            What::WrappedUp(agent, channel, weight) => self.wrapped_up(agent, channel, weight),
            What::Back(agent, stamp) if self.hands[agent].stamp == stamp => {
                self.hands[agent].silent = false;
                self.sit(agent);
            }
            What::Back(..) => {}
            What::OutOfPatience(slot, number) => self.out_of_patience(slot, number),
        }
    }

    /// An agent comes, goes, or has a break.
    fn come(&mut self, coming: Coming) {
        let agent = coming.agent;
        let hands = &mut self.hands[agent];
        (hands.there, hands.channels) = (coming.there, coming.channels);
        hands.silent = false;
        hands.stamp += 1;
        self.sit(agent);
        if coming.there == There::Offline {
            self.hand_back(agent);
        } else {
            self.begin_next(agent);
        }
    }

    /// Shows routing whether an agent is there.
    fn sit(&mut self, agent: usize) {
        let (there, channels) = (self.hands[agent].seen(), self.hands[agent].channels);
        let id = &self.desk.ids[agent];
        if let Some(seat) = self.seats.get_mut(id) {
            seat.presences = Presences::of(|channel| match there {
                There::Online if channels.contains(channel) => Presence::Online,
                There::Away => Presence::Away,
                There::Online | There::Offline => Presence::Offline,
            });
            self.router.changed(id, seat);
        }
        self.tell(Happened::Present { agent, there });
    }

    /// An agent has no longer to do with a ticket of this channel and weight.
    fn let_go(&mut self, agent: usize, channel: Channel, weight: Weight) {
        let id = &self.desk.ids[agent];
        if let Some(seat) = self.seats.get_mut(id) {
            seat.shift(channel, -seat.limits.weight_of(channel, weight));
            self.router.changed(id, seat);
        }
    }

    fn plan(&mut self, at: Timestamp, what: What) {
        self.stamps += 1;
        self.agenda.push(Reverse((at, self.stamps, what)));
    }

    fn stamp(&mut self) -> u64 {
        self.stamps += 1;
        self.stamps
    }

    fn tell(&mut self, happened: Happened) {
        (self.watch)(self.now, happened);
    }
}

#[cfg(test)]
mod tests;
