//! Two tickets become one.
//!
//! The clocks of the ticket that goes are over. Those of the ticket that stays are recomputed by
//! replaying both histories as one: the earlier creation, all messages and replies, and what human
//! agents did on either. Whose turn it is and who has it is the staying ticket's to say; before
//! there was one, the oldest ticket's status counts. Results stay, a breach is never retracted, and
//! what is past due by the united history is broken at the merge.

use std::collections::BTreeMap;

use super::clock::{Change, Clock, Transition};
use super::fact::{Event, Fact};
use super::ticket::{Ticket, When};
use super::vocabulary::{Metric, Reason, State, Status};

impl Ticket {
    /// It goes into another ticket.
    pub(super) fn go(&mut self, when: When, log: &mut Vec<Change>) {
        for clock in self.clocks.values_mut().filter(|clock| clock.is_open()) {
            clock.end(when.at, Reason::MergedInto, log);
        }
        self.status = Status::Closed;
        self.status_at = when.at;
        self.first_over = true;
        self.wrote_at = None;
    }

    /// Another ticket with the history `absorbed` goes into this one; `before` is its own.
    pub(super) fn absorb(
        &mut self,
        absorbed: &[Fact],
        before: &[Fact],
        when: When,
        log: &mut Vec<Change>,
    ) {
        let facts: Vec<Fact> = unite(before, absorbed)
            .into_iter()
            .map(|(_, fact)| fact)
            .collect();
        let Some(first) = facts.first() else {
            return;
        };
        let mut united = Self::blank(first.at);
        for (index, fact) in facts.iter().enumerate() {
            united.step(fact, &facts[..index], when.now);
        }
        united.pass(when.at, when.now);
        self.created_at = self.created_at.min(first.at);
        self.first_over = united.first_over;
        self.wrote_at = united.wrote_at;
        for (metric, tally) in &united.tallies {
            self.tallies.entry(*metric).or_default().spent = tally.spent;
        }
        let mut cycles: BTreeMap<Metric, Vec<Clock>> = BTreeMap::new();
        for clock in united.past.into_iter().chain(united.clocks.into_values()) {
            cycles.entry(clock.metric).or_default().push(clock);
        }
        for (metric, mut cycles) in cycles {
            cycles.sort_by_key(|clock| clock.cycle);
            self.recompute(metric, &cycles, when, log);
        }
        self.settle(Metric::FirstReply, when, log);
    }

    /// Brings the open clock of a metric in line with all of its cycles in the united history, and
    /// begins the cycle that is open there and not here. Others that came out of it were the other
    /// ticket's, which has them.
    fn recompute(&mut self, metric: Metric, united: &[Clock], when: When, log: &mut Vec<Change>) {
        let open = |clock: &&mut Clock| clock.is_open();
        if let Some(clock) = self.clocks.get_mut(&metric).filter(open) {
            let mut covering = united.iter().rev();
            if let Some(same) = covering.find(|other| other.started_at <= clock.started_at) {
                clock.follow(same, when, log);
            }
        }
        let still_open = self.clocks.get(&metric).is_some_and(Clock::is_open);
        if let Some(newest) = united
            .last()
            .filter(|newest| newest.is_open() && !still_open)
        {
            let begin = (when.at, newest.used(when.at));
            let from = newest.started_at;
            self.start(metric, from, begin, Reason::Merge, when.now, log);
        }
    }
}

impl Clock {
    /// Goes on as the clock of the united history that covers what this one times.
    fn follow(&mut self, united: &Self, when: When, log: &mut Vec<Change>) {
        if self.state == State::Breached {
            // It was told, so it stays; but what the other ticket has fulfilled is done with.
            if united.times.fulfilled.is_some() {
                self.fulfil(when.at, log);
            }
            return;
        }
        let before = self.clone();
        self.started_at = united.started_at;
        self.consumed = united.used(when.at);
        self.resumed_at = united.resumed_at.map(|_| when.at);
        self.times.due = united.times.due;
        match united.state {
            State::Running | State::Paused => {
                self.state = united.state;
                self.reason = united.reason;
                let same = (before.started_at, before.times.due, before.used(when.at));
                if same != (self.started_at, self.times.due, self.consumed) {
                    self.tell(Transition::Retargeted, when.at, Reason::Merge, log);
                }
            }
            State::Breached => {
                self.breach(when.at, when.now, Reason::Merge, log);
                if united.times.fulfilled.is_some() {
                    self.fulfil(when.at, log);
                }
            }
            State::Met => {
                self.state = State::Met;
                self.reason = Reason::None;
                self.times.fulfilled = united.times.fulfilled;
                let at = united.times.fulfilled.unwrap_or(when.at);
                self.tell(Transition::Met, at, Reason::None, log);
            }
            State::Cancelled => self.cancel(when.at, united.reason, log),
        }
    }
}

/// Both histories as the staying ticket's, in order of time; its own facts with their places.
pub(super) fn unite(own: &[Fact], absorbed: &[Fact]) -> Vec<(Option<usize>, Fact)> {
    let mut others = Vec::new();
    for fact in own {
        histories(&fact.absorbed, &mut others);
    }
    histories(absorbed, &mut others);
    let Some(creation) = own.first() else {
        return Vec::new();
    };
    let oldest = others
        .iter()
        .filter_map(|facts| facts.first())
        .map(|fact| fact.at)
        .min()
        .filter(|oldest| *oldest < creation.at);
    let mut all = Vec::new();
    let mut begun = false;
    for facts in others {
        let leads = !begun && facts.first().map(|fact| fact.at) == oldest;
        begun |= leads;
        let its = facts
            .iter()
            .take_while(|fact| fact.event != Event::Merged)
            .filter_map(|fact| Some((None, foreign(fact, creation, leads)?)));
        all.extend(its);
    }
    all.extend(own.iter().enumerate().filter_map(|(place, fact)| {
        let event = match &fact.event {
            Event::Absorbed { .. } => return None,
            // What was until now another ticket's status is this one's from here on.
            Event::Created { .. } if oldest.is_some() => Event::Status {
                to: Status::New,
                by_requester: false,
            },
            event => event.clone(),
        };
        let replan = fact.replan.clone();
        let created = matches!(fact.event, Event::Created { .. }) && oldest.is_some();
        let fact = Fact {
            event,
            replan: replan.filter(|_| !created),
            ..fact.clone()
        };
        Some((Some(place), fact))
    }));
    all.sort_by_key(|(_, fact)| fact.at);
    all
}

/// The history of a ticket and of all that went into it.
fn histories<'a>(facts: &'a [Fact], all: &mut Vec<&'a [Fact]>) {
    if !facts.is_empty() {
        all.push(facts);
    }
    for fact in facts {
        histories(&fact.absorbed, all);
    }
}

/// What a fact of another ticket is to the one with this creation; `leads` for the oldest one.
fn foreign(fact: &Fact, creation: &Fact, leads: bool) -> Option<Fact> {
    let before = leads && fact.at < creation.at;
    let event = match &fact.event {
        Event::Created { for_requester } if leads => {
            let own = matches!(
                creation.event,
                Event::Created {
                    for_requester: true
                }
            );
            let event = Event::Created {
                for_requester: *for_requester || own,
            };
            return Some(Fact {
                at: fact.at,
                event,
                human: false,
                // As if the staying ticket's had been promised from the beginning.
                replan: creation.replan.clone(),
                absorbed: Vec::new(),
            });
        }
        event @ (Event::Status { .. } | Event::Wrote) if before => event.clone(),
        Event::Wrote | Event::Asked => Event::Asked,
        event @ Event::Answered(_) => event.clone(),
        Event::Created { .. }
        | Event::Status { .. }
        | Event::Handed(_)
        | Event::Merged
        | Event::Absorbed { .. }
        | Event::Edited
        | Event::Touched => Event::Touched,
    };
    (fact.human || event != Event::Touched).then(|| Fact {
        at: fact.at,
        event,
        human: fact.human,
        replan: None,
        absorbed: Vec::new(),
    })
}
