//! A ticket's clocks recomputed from nothing but what was recorded, by the same machine.

use lotse_clock::Timestamp;

use super::clock::{Change, Clock};
use super::fact::{Event, Fact};
use super::late::reconcile;
use super::life::{Cause, Lives, Source};
use super::ticket::Ticket;

/// A ticket with everything that ever happened to it.
#[derive(Clone, Debug)]
pub struct Record {
    ticket: Ticket,
    /// In order of time, those of one time as recorded.
    facts: Vec<Fact>,
    /// Where each fact is from.
    sources: Vec<Source>,
    /// Watched where somebody will ask for an explanation.
    lives: Option<Lives>,
}

impl Record {
    /// A ticket that nothing has happened to before `at`; `watched` notes the lives of its clocks.
    pub fn new(at: Timestamp, watched: bool) -> Self {
        Self {
            ticket: Ticket::blank(at),
            facts: Vec::new(),
            sources: Vec::new(),
            lives: watched.then(Lives::default),
        }
    }

    /// The ticket, with every cycle of every metric.
    pub fn ticket(&self) -> &Ticket {
        &self.ticket
    }

    /// All its clocks.
    pub fn clocks(&self) -> impl Iterator<Item = &Clock> {
        self.ticket.clocks.values().chain(&self.ticket.past)
    }

    /// All its clocks, to be named and dated as they were.
    pub fn clocks_mut(&mut self) -> impl Iterator<Item = &mut Clock> {
        self.ticket.clocks.values_mut().chain(&mut self.ticket.past)
    }

    /// Its facts in order of time.
    pub fn facts(&self) -> &[Fact] {
        &self.facts
    }

    /// The lives of its clocks, if they were watched.
    pub fn lives(&self) -> Option<&Lives> {
        self.lives.as_ref()
    }

    /// Takes what came next; returns what it did to the clocks.
    pub fn take(&mut self, mut fact: Fact, source: Source, recorded_at: Timestamp) -> Vec<Change> {
        fact.at = self.ticket.place(&fact.event, fact.at);
        let mut changes = self
            .ticket
            .pass_until_recorded(fact.at, recorded_at, recorded_at);
        let late = !matches!(fact.event, Event::Created { .. }) && self.ticket.is_late(fact.at);
        let place = self.facts.partition_point(|earlier| earlier.at <= fact.at);
        self.facts.insert(place, fact.clone());
        self.sources.insert(place, source.clone());
        if late {
            changes.extend(self.reconcile(&fact, source, recorded_at));
            return changes;
        }
        let (before, sources) = (&self.facts[..place], &self.sources[..place]);
        changes.extend(self.ticket.step(&fact, before, recorded_at));
        if let Some(lives) = &mut self.lives {
            lives.watch(&self.ticket, &fact, &source, (before, sources));
        }
        changes
    }

    fn reconcile(&mut self, fact: &Fact, source: Source, recorded_at: Timestamp) -> Vec<Change> {
        let stored = self.clocks().cloned().collect();
        let (ticket, changes) = reconcile(&self.ticket, stored, &self.facts, recorded_at);
        let before = std::mem::replace(&mut self.ticket, ticket);
        if let Some(lives) = &mut self.lives {
            let cause = Cause {
                source,
                event: fact.event.clone(),
                replan: fact.replan.as_ref().map(|replan| replan.reason),
            };
            let facts = (&self.facts[..], &self.sources[..]);
            lives.reconcile((&before, &self.ticket), facts, recorded_at, cause);
        }
        changes
    }

    /// Lets time run out until `to`.
    pub fn pass(&mut self, to: Timestamp) -> Vec<Change> {
        self.ticket.pass(to, to)
    }
}
