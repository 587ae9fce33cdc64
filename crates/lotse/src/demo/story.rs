//! The story: what happens next, decided without asking anybody.
//!
//! It is told what came of each [`Action`] and whom routing gave each ticket, and answers with the
//! next action and its time. Agents are a closed loop: they work when they have tickets, one at a
//! time, so the backlog neither empties nor explodes.

mod alarms;
mod bids;
mod parts;

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::time::Duration;

use lotse_clock::Timestamp;
use lotse_proto::common::v1::{Channel, SurveyKind, TicketStatus};

use super::arrivals::Arrivals;
use super::case::{Case, Customer, Request, Step, Turn};
use super::desk::{Desks, Key, Pick};
use super::dice::{Dice, minutes};
use super::texts::{Tongue, Topic};

use alarms::Ringing;
pub(crate) use alarms::{Alarm, Hearing};
pub(crate) use bids::Bid;
use parts::Beat;
pub(crate) use parts::{Action, Found, What};

/// Where the numbers of tickets begin that the story did not write.
const FOUND: Key = 1 << 48;

/// A ticket in play.
struct Ticket {
    id: String,
    agent: Option<String>,
    /// Whether agents can go on with it.
    ours: bool,
    solved: bool,
    /// Beats after the solution that are still to come.
    open_ends: usize,
    /// The alert that somebody must take care of.
    ringing: Option<Ringing>,
    case: Case,
}

/// The story.
pub(crate) struct Story {
    seed: u64,
    arrivals: Arrivals,
    beats: BTreeMap<(Timestamp, u64), Beat>,
    next_number: u64,
    tickets: HashMap<Key, Ticket>,
    keys: HashMap<String, Key>,
    desks: Desks,
    found: u64,
}

impl Story {
    /// A story of these arrivals.
    pub(crate) fn new(seed: u64, arrivals: Arrivals) -> Self {
        let mut story = Self {
            seed,
            arrivals,
            beats: BTreeMap::new(),
            next_number: 0,
            tickets: HashMap::new(),
            keys: HashMap::new(),
            desks: Desks::default(),
            found: 0,
        };
        story.expect_next();
        story
    }

    /// Adds tickets that come beside the arrivals.
    pub(crate) fn add(&mut self, cases: Vec<Case>) {
        for case in cases {
            self.plan(case.at, Beat::Arrive(Box::new(case)));
        }
    }

    /// When something happens next.
    pub(crate) fn next_at(&self) -> Option<Timestamp> {
        self.beats.first_key_value().map(|((at, _), _)| *at)
    }

    /// The next thing to do that is due at `now`.
    pub(crate) fn next(&mut self, now: Timestamp) -> Option<Action> {
        while self.next_at().is_some_and(|at| at <= now) {
            let (_, beat) = self.beats.pop_first()?;
            if let Some(action) = self.act(beat, now) {
                return Some(action);
            }
        }
        None
    }

    /// Routing gave a ticket to an agent. False for one that is not in play: somebody else made
    /// it, or reopened it.
    pub(crate) fn assigned(&mut self, ticket_id: &str, agent: &str, now: Timestamp) -> bool {
        let Some(key) = self.keys.get(ticket_id).copied() else {
            return false;
        };
        match self.tickets.get_mut(&key) {
            Some(ticket) if !ticket.solved => ticket.agent = Some(agent.to_owned()),
            _ => {
                self.forget(key);
                return false;
            }
        }
        self.lay_out(key, now);
        true
    }

    /// A ticket that came from elsewhere is answered too.
    pub(crate) fn adopt(&mut self, found: Found, now: Timestamp) {
        let key = FOUND + self.found;
        self.found += 1;
        let mut dice = Dice::new(self.seed, key);
        let tongue = Tongue::of_tag(&found.language);
        let customer = Customer::speaking(tongue, key, &mut dice);
        let request = Request::about(Topic::Account, tongue, &mut dice);
        let mut case = Case::plain(key, now, customer, Channel::Email, request, &mut dice);
        for turn in &mut case.plan {
            if let Step::Solve(words) = &mut turn.step {
                // Nobody here knows the name of who really asked.
                *words = words.replace(&format!(" {}", case.customer.name), "");
            }
        }
        let ours = matches!(found.status, TicketStatus::New | TicketStatus::Open);
        let ticket = Ticket {
            id: found.ticket_id.clone(),
            agent: Some(found.agent).filter(|agent| !agent.is_empty()),
            ours,
            solved: false,
            open_ends: 0,
            ringing: None,
            case,
        };
        self.keys.insert(found.ticket_id, key);
        self.tickets.insert(key, ticket);
        let back = match found.status {
            TicketStatus::Pending => Some(What::Write(dice.pick::<&str>(tongue.phrases().answers))),
            TicketStatus::OnHold => Some(What::Resume),
            _ => None,
        };
        if let Some(back) = back {
            self.plan(now + dice.minutes(5.0, 60.0), Beat::Return(key, back));
        }
        self.lay_out(key, now);
    }

    /// An action was carried out; `ticket_id` is that of its ticket.
    pub(crate) fn done(&mut self, action: &Action, ticket_id: &str, now: Timestamp) {
        let key = action.key;
        match &action.what {
            What::Create(case) => {
                let ticket = Ticket {
                    id: ticket_id.to_owned(),
                    agent: None,
                    ours: true,
                    solved: false,
                    open_ends: 0,
                    ringing: None,
                    case: (**case).clone(),
                };
                self.keys.insert(ticket_id.to_owned(), key);
                self.tickets.insert(key, ticket);
            }
            What::Work { agent, step } => {
                self.follow(key, step, now);
                self.desks.finish(agent);
                self.lay_out(key, now);
                self.look(agent, now);
            }
            What::Write(_) | What::Resume | What::Invite(_) | What::Rate(..) => {
                self.go_on(key, now);
            }
            What::Acknowledge(alarm) => self.acknowledged(key, alarm, now),
            What::Take(alarm) => self.take(key, &alarm.agent_id, now),
            // Routing tells what comes of it.
            What::Answer(..) | What::Back(_) => {}
        }
    }

    /// An action was refused: somebody else has a hand in the ticket. Returns whether the story
    /// leaves it for that.
    pub(crate) fn refused(&mut self, action: &Action, now: Timestamp) -> bool {
        if let What::Acknowledge(_) | What::Take(_) | What::Answer(..) | What::Back(_) = action.what
        {
            // Somebody was quicker: the ticket goes on as if nobody had been told or asked.
            return false;
        }
        self.forget(action.key);
        if let What::Work { agent, .. } = &action.what {
            self.desks.finish(agent);
            self.look(agent, now);
        }
        true
    }

    /// What a beat means now; `None` when it is over with.
    fn act(&mut self, beat: Beat, now: Timestamp) -> Option<Action> {
        let (key, what) = match beat {
            Beat::Arrive(case) => {
                // Those that were added do not count: they have numbers of their own.
                if case.ordinal < super::opening::FIRST {
                    self.expect_next();
                }
                (case.ordinal, What::Create(case))
            }
            Beat::Look(agent) => {
                self.look(&agent, now);
                return None;
            }
            Beat::Finish(agent, key) => match self.finished(&agent, key) {
                Some(step) => (key, What::Work { agent, step }),
                None => {
                    self.desks.finish(&agent);
                    self.look(&agent, now);
                    return None;
                }
            },
            Beat::Return(key, what) | Beat::Close(key, what) => (key, what),
            Beat::Heed(key, alarm) if self.rings(key, &alarm) => (key, What::Acknowledge(alarm)),
            Beat::Take(key, alarm) if self.may_take(key, &alarm) => (key, What::Take(alarm)),
            Beat::Heed(..) | Beat::Take(..) => return None,
            Beat::Answer(bid, accepts) => return Some(self.speak(What::Answer(bid, accepts))),
            Beat::Back(agent) => return Some(self.speak(What::Back(agent))),
        };
        let ticket_id = match (&what, self.tickets.get(&key)) {
            (What::Create(_), _) => String::new(),
            (_, Some(ticket)) => ticket.id.clone(),
            (_, None) => return None,
        };
        let number = self.number();
        Some(Action {
            number,
            key,
            ticket_id,
            what,
        })
    }

    /// The piece of work that an agent has finished, unless the ticket was taken away meanwhile.
    fn finished(&mut self, agent: &str, key: Key) -> Option<Step> {
        let ticket = self.tickets.get_mut(&key)?;
        let still = ticket.ours && ticket.agent.as_deref() == Some(agent);
        still
            .then(|| ticket.case.plan.pop_front())
            .flatten()
            .map(|turn| turn.step)
    }

    /// What comes of a piece of work.
    fn follow(&mut self, key: Key, step: &Step, now: Timestamp) {
        let Some(ticket) = self.tickets.get_mut(&key) else {
            return;
        };
        ticket.ringing = None;
        match step {
            Step::Reply(_) => {}
            Step::Ask { answer, after, .. } => {
                ticket.ours = false;
                self.plan(now + *after, Beat::Return(key, What::Write(answer)));
            }
            Step::Hold { span, .. } => {
                ticket.ours = false;
                self.plan(now + *span, Beat::Return(key, What::Resume));
            }
            Step::Transfer { .. } | Step::Escalate { .. } => ticket.agent = None,
            Step::Solve(_) => self.close(key, now),
        }
    }

    /// Plans what comes after a solution.
    fn close(&mut self, key: Key, now: Timestamp) {
        let Some(ticket) = self.tickets.get_mut(&key) else {
            return;
        };
        (ticket.ours, ticket.solved, ticket.agent) = (false, true, None);
        if let Some((after, words)) = ticket.case.ending.again.take() {
            let solution = ticket.case.customer.tongue.phrases().solutions[1];
            let words_again = solution.replace("{name}", &ticket.case.customer.name);
            let turn = Turn {
                effort: minutes(6.0),
                step: Step::Solve(words_again),
            };
            ticket.case.plan = VecDeque::from([turn]);
            self.plan(now + after, Beat::Return(key, What::Write(words)));
            return;
        }
        let ending = ticket.case.ending.clone();
        let mut closing: Vec<(Duration, What)> = Vec::new();
        closing.extend(
            ending
                .thanks
                .map(|(after, words)| (after, What::Write(words))),
        );
        if ending.survey != SurveyKind::Csat {
            closing.push((minutes(1.0), What::Invite(ending.survey)));
        }
        let rated = ending.opinion;
        closing.extend(rated.map(|(after, said)| (after, What::Rate(ending.survey, said))));
        ticket.open_ends = closing.len();
        for (after, what) in closing {
            self.plan(now + after, Beat::Close(key, what));
        }
        self.forget_if_over(key);
    }

    /// A customer or a third party has done their part.
    fn go_on(&mut self, key: Key, now: Timestamp) {
        let Some(ticket) = self.tickets.get_mut(&key) else {
            return;
        };
        if ticket.open_ends > 0 {
            ticket.open_ends -= 1;
            self.forget_if_over(key);
            return;
        }
        (ticket.ours, ticket.solved) = (true, false);
        self.lay_out(key, now);
    }

    /// Puts a ticket on its agent's pile, if it is their turn.
    fn lay_out(&mut self, key: Key, now: Timestamp) {
        let Some(ticket) = self.tickets.get(&key) else {
            return;
        };
        let (true, Some(agent)) = (ticket.ours, ticket.agent.clone()) else {
            self.desks.take_away(key);
            return;
        };
        let from = now.max(ticket.case.at + ticket.case.neglect);
        self.desks.put(&agent, key, ticket.case.eager, from);
        self.look(&agent, now);
    }

    /// An agent who has nothing at work takes something up.
    fn look(&mut self, agent: &str, now: Timestamp) {
        match self.desks.pick(agent, now) {
            Pick::Work(key) => {
                let plan = self
                    .tickets
                    .get(&key)
                    .and_then(|ticket| ticket.case.plan.front());
                let effort = plan.map_or(Duration::ZERO, |turn| turn.effort);
                self.plan(now + effort, Beat::Finish(agent.to_owned(), key));
            }
            Pick::LookAt(at) => self.plan(at, Beat::Look(agent.to_owned())),
            Pick::Nothing => {}
        }
    }

    fn forget_if_over(&mut self, key: Key) {
        let over = |ticket: &Ticket| ticket.solved && ticket.open_ends == 0;
        if self.tickets.get(&key).is_some_and(over) {
            self.forget(key);
        }
    }

    fn forget(&mut self, key: Key) {
        if let Some(ticket) = self.tickets.remove(&key) {
            self.keys.remove(&ticket.id);
            self.desks.take_away(key);
        }
    }

    /// Plans the next ordinary arrival.
    fn expect_next(&mut self) {
        if let Some(case) = self.arrivals.next() {
            self.plan(case.at, Beat::Arrive(Box::new(case)));
        }
    }

    fn plan(&mut self, at: Timestamp, beat: Beat) {
        let number = self.number();
        self.beats.insert((at, number), beat);
    }

    fn number(&mut self) -> u64 {
        self.next_number += 1;
        self.next_number
    }
}

#[cfg(test)]
#[path = "story_tests.rs"]
mod tests;
