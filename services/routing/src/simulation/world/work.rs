//! What becomes of a ticket: it comes, is given to somebody, worked on, passed on, solved, given up.

use lotse_clock::Timestamp;

use super::{AGAIN, Live, Phase, What, World};
use crate::domain::agent::{Agent, Seat};
use crate::domain::channel::Presences;
use crate::domain::choice::{Needs, misfit};
use crate::domain::codes::{Channel, Presence};
use crate::domain::item::{Item, Trail};
use crate::domain::placement::{Placement, SeatPools, ever_asked, place};
use crate::domain::weight::Weight;
use crate::simulation::arrivals::Case;
use crate::simulation::chance::Draws;
use crate::simulation::crew::Answer;
use crate::simulation::happened::{Happened, There};
use crate::simulation::ids::numbered;
use crate::simulation::router::Found;

/// A ticket that went from hand to hand so often is solved by whoever has it.
const MOST_TRANSFERS: u32 = 5;
/// What answers to offers are drawn from.
const OFFERS: u64 = u64::MAX;
/// What wrapping up is drawn from.
const WRAPPING: u64 = u64::MAX - 1;

impl<W: FnMut(Timestamp, Happened)> World<'_, W> {
    /// A ticket comes in.
    pub(super) fn arrive(&mut self, item: Item, case: Case, number: u64, twin: Option<usize>) {
        let (class, patience) = (case.class, case.patience);
        let live = Live {
            item,
            case,
            number,
            came_at: self.now,
            stamp: 0,
            phase: Phase::Waiting,
            given_for: None,
            twin,
            assigned_before: false,
            begun_before: false,
        };
        let slot = self.tickets.add(live);
        if let Some(first) = twin {
            self.tickets.live_mut(first).twin = Some(slot);
        }
        self.tell(Happened::Arrived {
            ticket: number,
            class,
            again: twin.is_some(),
        });
        if let Some(patience) = patience {
            self.plan(self.now + patience, What::OutOfPatience(slot, number));
        }
        self.queue(slot);
    }

    /// It waits in the queue, as old as it is.
    pub(super) fn queue(&mut self, slot: usize) {
        self.enter(slot, Phase::Waiting);
        let (item, desk) = (self.tickets.item(slot), self.desk);
        self.router.wait(slot, item, desk, &self.seats, self.now);
    }

    /// Gives away what can be given. Whoever declines leaves it to the next at a later instant.
    pub(super) fn give_away(&mut self) {
        let all = self
            .router
            .plan(&self.tickets, self.desk, &mut self.seats, self.now);
        for Found { slot, group, agent } in all {
            let Some(agent) = agent else {
                if let Some(group) = &group {
                    (self.places)(self.tickets.live(slot).number, group, true);
                }
                continue;
            };
            let agent = self.desk.numbers[&agent];
            self.tickets.live_mut(slot).given_for = group;
            let live = self.tickets.live(slot);
            let (ticket, class) = (live.number, live.case.class);
            if !self.desk.manners.offered.contains(&live.item.channel) {
                self.assign(slot, agent);
                continue;
            }
            let of = ticket.wrapping_mul(self.hands.len() as u64) + agent as u64;
            let mut draws = Draws::of(self.seed ^ class as u64, OFFERS, of);
            let conduct = &self.desk.conducts[agent];
            let (answer, after) = conduct.answer(&self.desk.manners, &mut draws);
            let stamp = self.enter(slot, Phase::Offered(agent));
            self.plan(self.now + after, What::Answers(slot, stamp, answer));
            self.tell(Happened::Offered { ticket, agent });
        }
    }

    /// An agent answers an offer, or lets it lapse.
    pub(super) fn answered(&mut self, slot: usize, stamp: u64, answer: Answer) {
        let Some(live) = self.tickets.get(slot).filter(|live| live.stamp == stamp) else {
            return;
        };
        let Phase::Offered(agent) = live.phase else {
            return;
        };
        let ticket = live.number;
        if answer == Answer::Accept && self.hands[agent].there != There::Offline {
            self.assign(slot, agent);
            return;
        }
        self.leave_to_others(slot, agent);
        let id = self.desk.ids[agent].clone();
        self.tickets.live_mut(slot).item.trail.excluded.insert(id);
        if answer == Answer::Silence {
            let back_at = self.now + self.desk.manners.back_after;
            let hands = &mut self.hands[agent];
            hands.silent = true;
            hands.stamp += 1;
            let stamp = hands.stamp;
            self.plan(back_at, What::Back(agent, stamp));
            self.tell(Happened::TimedOut { ticket, agent });
            self.sit(agent);
        } else {
            self.tell(Happened::Declined { ticket, agent });
        }
        self.queue(slot);
    }

    /// An agent has it now.
    fn assign(&mut self, slot: usize, agent: usize) {
        let best_fit = self.fits_best(slot, agent);
        self.enter(slot, Phase::InHand(agent));
        let (id, now) = (self.desk.ids[agent].clone(), self.now);
        let group = self.tickets.live(slot).given_for.clone();
        if let Some(group) = &group {
            (self.places)(self.tickets.live(slot).number, group, false);
        }
        let live = self.tickets.live_mut(slot);
        live.item.hand_to(group, Some(id), now, &self.rules);
        let first = !std::mem::replace(&mut live.assigned_before, true);
        let happened = Happened::Assigned {
            ticket: live.number,
            class: live.case.class,
            agent,
            waited: now.since(live.came_at),
            first,
            best_fit,
        };
        self.tell(happened);
        self.hands[agent].in_hand.push_back(slot);
        self.begin_next(agent);
    }

    /// An agent begins with what they have in hand, as much as they do at once.
    pub(super) fn begin_next(&mut self, agent: usize) {
        let at_once = self.desk.conducts[agent].at_once;
        while self.hands[agent].there == There::Online && self.hands[agent].working < at_once {
            let Some(slot) = self.hands[agent].in_hand.pop_front() else {
                return;
            };
            self.begin(slot, agent);
        }
    }

    fn begin(&mut self, slot: usize, agent: usize) {
        let stamp = self.enter(slot, Phase::Working(agent));
        self.work(agent, 1);
        let live = self.tickets.live_mut(slot);
        let first = !std::mem::replace(&mut live.begun_before, true);
        let happened = Happened::Begun {
            ticket: live.number,
            class: live.case.class,
            agent,
            waited: self.now.since(live.came_at),
            first,
        };
        let twin = live.twin.take();
        let live = self.tickets.live(slot);
        let span = match &live.case.truth {
            Some(truth) if !self.can_solve(slot, agent) => {
                live.case.handling.mul_f64(truth.noticed_after)
            }
            _ => live.case.handling,
        };
        let takes = self.desk.conducts[agent].takes(span);
        self.tell(happened);
        self.plan(self.now + takes, What::Done(slot, stamp));
        if let Some(twin) = twin {
            self.tickets.live_mut(twin).twin = None;
            if !matches!(self.tickets.live(twin).phase, Phase::Working(_)) {
                self.give_up(twin, true);
            }
        }
    }

    /// An agent is through with a ticket, or knows that they cannot solve it.
    pub(super) fn done(&mut self, slot: usize, stamp: u64) {
        let Some(live) = self.tickets.get(slot).filter(|live| live.stamp == stamp) else {
            return;
        };
        let Phase::Working(agent) = live.phase else {
            return;
        };
        let (ticket, class) = (live.number, live.case.class);
        let (channel, weight) = (live.item.channel, live.item.weight);
        let took = self.now.since(live.came_at);
        let wrong = live.case.truth.is_some() && !self.can_solve(slot, agent);
        if wrong {
            let first = live.item.transfers == 0;
            self.tell(Happened::Transferred {
                ticket,
                class,
                agent,
                after: took,
                first,
            });
            self.pass_on(slot, agent);
        } else {
            self.tell(Happened::Solved {
                ticket,
                class,
                agent,
                took,
                transfers: live.item.transfers,
            });
            self.tickets.remove(slot);
        }
        match &self.desk.conducts[agent].wrap_up {
            Some(wrap_up) => {
                let mut draws = Draws::of(self.seed ^ class as u64, WRAPPING, ticket);
                let takes = wrap_up.draw(&mut draws);
                self.plan(self.now + takes, What::WrappedUp(agent, channel, weight));
            }
            None => self.wrapped_up(agent, channel, weight),
        }
    }

    /// An agent has room again.
    pub(super) fn wrapped_up(&mut self, agent: usize, channel: Channel, weight: Weight) {
        self.let_go(agent, channel, weight);
        self.work(agent, -1);
        self.begin_next(agent);
    }

    /// Somebody else must solve it: routing is told what it really is.
    fn pass_on(&mut self, slot: usize, agent: usize) {
        let (id, now) = (self.desk.ids[agent].clone(), self.now);
        let live = self.tickets.live_mut(slot);
        if let Some(truth) = &live.case.truth {
            live.item.facts = truth.facts.clone();
        }
        live.item.hand_to(None, None, now, &self.rules);
        live.item.transfers += 1;
        live.item.trail.excluded.insert(id);
        let (ticket, class) = (live.number, live.case.class);
        self.tell(Happened::Requeued { ticket, class });
        self.queue(slot);
    }

    /// Who goes home leaves what they have not begun.
    pub(super) fn hand_back(&mut self, agent: usize) {
        for slot in std::mem::take(&mut self.hands[agent].in_hand) {
            self.leave_to_others(slot, agent);
            let now = self.now;
            let live = self.tickets.live_mut(slot);
            let group = live.item.group.clone();
            live.item.hand_to(group, None, now, &self.rules);
            let (ticket, class) = (live.number, live.case.class);
            self.tell(Happened::Requeued { ticket, class });
            self.queue(slot);
        }
    }

    /// The customer leaves or writes again, unless somebody has begun.
    pub(super) fn out_of_patience(&mut self, slot: usize, number: u64) {
        let Some(live) = self.tickets.get(slot).filter(|live| live.number == number) else {
            return;
        };
        if live.begun_before {
            return;
        }
        if !live.case.writes_again {
            self.give_up(slot, false);
            return;
        }
        let number = AGAIN + self.again;
        self.again += 1;
        let item = Item {
            ticket: numbered("tkt", number),
            queued_at: self.now,
            assigned_at: None,
            group: None,
            agent: None,
            load: Weight::ZERO,
            trail: Trail::default(),
            ..live.item.clone()
        };
        let case = Case {
            patience: None,
            writes_again: false,
            ..live.case.clone()
        };
        self.arrive(item, case, number, Some(slot));
    }

    /// A ticket that nobody has begun is over.
    fn give_up(&mut self, slot: usize, merged: bool) {
        let phase = self.tickets.live(slot).phase;
        match phase {
            Phase::Waiting => self.router.leave(self.tickets.item(slot)),
            Phase::Offered(agent) => self.leave_to_others(slot, agent),
            Phase::InHand(agent) | Phase::Working(agent) => {
                self.hands[agent].in_hand.retain(|held| *held != slot);
                self.leave_to_others(slot, agent);
            }
        }
        let live = self.tickets.remove(slot);
        self.tell(Happened::Left {
            ticket: live.number,
            class: live.case.class,
            waited: self.now.since(live.came_at),
            in_hand: matches!(phase, Phase::InHand(_)),
            merged,
        });
    }

    /// An agent has no longer to do with a ticket that is not over.
    fn leave_to_others(&mut self, slot: usize, agent: usize) {
        let item = self.tickets.item(slot);
        self.let_go(agent, item.channel, item.weight);
    }

    /// Where a ticket stands now.
    fn place(&self, item: &Item) -> Option<Placement> {
        let pools = SeatPools {
            directory: &self.desk.directory,
            seats: &self.seats,
        };
        place(item, &self.desk.directory, &pools, self.now)
    }

    /// Whether nobody who is there knows more of what a ticket needs.
    fn fits_best(&self, slot: usize, agent: usize) -> Option<bool> {
        let needs = self.place(self.tickets.item(slot))?.needs;
        if needs.skills.is_empty() && needs.language.is_none() {
            return None;
        }
        let answering = self.desk.directory.answering(&needs.group, self.now);
        let there = answering.filter(|one| {
            let seat = self.seats.get(&one.id);
            seat.is_some_and(|seat| seat.presence() == Presence::Online)
        });
        let best = there.map(|one| fit(one, &needs)).max()?;
        let agent = &self.desk.directory.agents[&self.desk.ids[agent]];
        Some(fit(agent, &needs) >= best)
    }

    /// Whether an agent can solve what a ticket really is: whether they could have got it, had
    /// routing known.
    fn can_solve(&self, slot: usize, agent: usize) -> bool {
        let live = self.tickets.live(slot);
        let Some(truth) = &live.case.truth else {
            return true;
        };
        if live.item.transfers >= MOST_TRANSFERS {
            return true;
        }
        let known = Item {
            facts: truth.facts.clone(),
            group: None,
            agent: None,
            trail: Trail::default(),
            ..live.item.clone()
        };
        let (id, directory) = (&self.desk.ids[agent], &self.desk.directory);
        let (agent, seat) = (&directory.agents[id], &self.desk.seats[id]);
        let idle = Seat {
            presences: Presences::all(Presence::Online),
            ..seat.clone()
        };
        // Whoever got it while their group covered another can finish it.
        let since = live.item.assigned_at.unwrap_or(self.now);
        ever_asked(&known, directory).iter().any(|needs| {
            let mut answering = directory.answering(&needs.group, since);
            answering.any(|one| one.id == *id) && misfit(agent, &idle, needs).is_none()
        })
    }

    /// Moves a ticket on; whatever was on the agenda for it is void.
    fn enter(&mut self, slot: usize, phase: Phase) -> u64 {
        let stamp = self.stamp();
        let live = self.tickets.live_mut(slot);
        (live.phase, live.stamp) = (phase, stamp);
        stamp
    }

    fn work(&mut self, agent: usize, more: i32) {
        let working = &mut self.hands[agent].working;
        *working = working.saturating_add_signed(more);
        let tickets = *working;
        self.tell(Happened::Working { agent, tickets });
    }
}

/// The sum of an agent's levels in what is needed.
fn fit(agent: &Agent, needs: &Needs) -> u32 {
    let skills = needs.skills.keys();
    let skills = skills.filter_map(|skill| agent.profile.skills.get(skill).copied());
    let language = needs.language.as_ref();
    let language = language.and_then(|language| agent.profile.language_level(language));
    skills.chain(language).map(u32::from).sum()
}
