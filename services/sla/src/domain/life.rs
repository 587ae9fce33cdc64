//! How each clock of a ticket came to stand where it stands.
//!
//! Watched from outside while the facts are taken: the machine itself carries nothing for it. A
//! life is a row of marks in order of time; between two of them a clock runs by the same terms, or
//! stands still for the same reason.

use std::collections::BTreeMap;
use std::sync::Arc;

use lotse_clock::Timestamp;

use super::catalog::Plan;
use super::clock::Clock;
use super::fact::{Event, Fact, Replan};
use super::hours::Terms;
use super::merge;
use super::ticket::{Ticket, mode};
use super::vocabulary::{Metric, Mode, Reason, State};

/// `bucket:position` of the event that a fact is from.
pub type Source = Arc<str>;

/// The life of one clock.
#[derive(Clone, Debug)]
pub struct Life {
    /// Consumed when it began, in milliseconds on the calendar.
    pub inherited: i64,
    /// In order of time, never empty; the first is its beginning.
    pub marks: Vec<Mark>,
}

/// An instant from which on something is different.
#[derive(Clone, Debug)]
pub struct Mark {
    /// When.
    pub at: Timestamp,
    /// What the time does from then on.
    pub flow: Flow,
    /// What the clock goes by from then on.
    pub terms: Terms,
    /// What brought it about.
    pub cause: Cause,
}

/// What brought a mark about.
#[derive(Clone, Debug, PartialEq)]
pub struct Cause {
    /// The event.
    pub source: Source,
    /// What happened.
    pub event: Event,
    /// Why the ticket goes by another plan, where it does.
    pub replan: Option<Reason>,
}

/// What time does to a clock.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Flow {
    /// It runs.
    Runs,
    /// It stands still.
    Stands(Reason),
    /// The clock has ended.
    Over,
}

/// The lives of all clocks of a ticket, by metric and cycle.
#[derive(Clone, Debug, Default)]
pub struct Lives(BTreeMap<(Metric, u32), Life>);

impl Lives {
    /// The life of a clock.
    pub fn get(&self, metric: Metric, cycle: u32) -> Option<&Life> {
        self.0.get(&(metric, cycle))
    }

    /// The lives of a ticket with these facts, in order of time, none of them late.
    pub(super) fn of(facts: &[Fact], sources: &[Source]) -> (Ticket, Self) {
        let mut lives = Self::default();
        let mut ticket = Ticket::blank(facts.first().map_or(Timestamp::EPOCH, |fact| fact.at));
        for (index, fact) in facts.iter().enumerate() {
            let before = (&facts[..index], &sources[..index]);
            ticket.step(fact, before.0, fact.at);
            lives.watch(&ticket, fact, &sources[index], before);
        }
        (ticket, lives)
    }

    /// Notes what `fact`, which `ticket` has just taken, did to its clocks. `before` are the facts
    /// until then and where they are from.
    pub(super) fn watch(
        &mut self,
        ticket: &Ticket,
        fact: &Fact,
        source: &Source,
        before: (&[Fact], &[Source]),
    ) {
        if let Event::Absorbed { .. } = &fact.event {
            self.unite(ticket, fact, source, before);
        }
        for clock in ticket.clocks.values().chain(&ticket.past) {
            let mark = |at| Mark {
                at,
                flow: flow(ticket, clock),
                terms: clock.terms.clone(),
                cause: Cause {
                    source: source.clone(),
                    event: fact.event.clone(),
                    replan: fact.replan.as_ref().map(|replan| replan.reason),
                },
            };
            let key = (clock.metric, clock.cycle);
            if let Some(life) = self.0.get_mut(&key) {
                let now = mark(fact.at);
                if life
                    .marks
                    .last()
                    .is_none_or(|last| last.flow != now.flow || last.terms != now.terms)
                {
                    life.marks.push(now);
                }
                continue;
            }
            let begun = clock.resumed_at.unwrap_or(fact.at);
            // A clock that begins later than what it times goes on from an imagined one.
            let imagined = (clock.started_at < begun)
                .then(|| imagined(clock.metric, ticket.plan.as_ref(), before))
                .flatten();
            let mut life = imagined.unwrap_or(Life {
                inherited: clock.consumed,
                marks: Vec::new(),
            });
            life.marks.push(mark(begun));
            self.0.insert(key, life);
        }
    }

    /// Gives the clocks that a merge has recomputed the lives of the united history.
    fn unite(
        &mut self,
        ticket: &Ticket,
        fact: &Fact,
        source: &Source,
        (before, sources): (&[Fact], &[Source]),
    ) {
        let (places, facts): (Vec<_>, Vec<_>) =
            merge::unite(before, &fact.absorbed).into_iter().unzip();
        // What the other ticket has brought came with the merge.
        let source = |place: Option<usize>| place.map_or(source, |place| &sources[place]).clone();
        let sources: Vec<_> = places.into_iter().map(source).collect();
        let (united, mut lives) = Self::of(&facts, &sources);
        let united: Vec<_> = united.clocks.values().chain(&united.past).collect();
        for clock in ticket.clocks.values().chain(&ticket.past) {
            let key = (clock.metric, clock.cycle);
            let known = self.0.get(&key).and_then(|life| life.marks.last());
            let over = known.is_some_and(|mark| mark.flow == Flow::Over);
            // A breach that was told before stays as it was.
            let broken = clock.times.breached.is_some_and(|at| at < fact.at);
            if over || broken {
                continue;
            }
            let same = |other: &&&Clock| {
                (other.metric, other.started_at) == (clock.metric, clock.started_at)
            };
            if let Some(other) = united.iter().find(same)
                && let Some(life) = lives.0.remove(&(other.metric, other.cycle))
            {
                self.0.insert(key, life);
            }
        }
    }

    /// The lives after `before` was reconciled to `after` by all `facts` in order of time, at `at`,
    /// because of the fact from `cause`.
    pub(super) fn reconcile(
        &mut self,
        (before, after): (&Ticket, &Ticket),
        (facts, sources): (&[Fact], &[Source]),
        at: Timestamp,
        cause: Cause,
    ) {
        let (replayed, mut lives) = Self::of(facts, sources);
        let mut replayed = by_beginning(&replayed);
        for (beginning, clocks) in by_beginning(after) {
            let mut found = replayed.remove(&beginning).unwrap_or_default().into_iter();
            for clock in clocks {
                let key = (clock.metric, clock.cycle);
                let known = before.clocks.values().chain(&before.past);
                let old = known.clone().find(|old| (old.metric, old.cycle) == key);
                let matching = found.next();
                let settled =
                    old.is_some_and(|old| matches!(old.state, State::Met | State::Cancelled));
                match matching {
                    Some(new) if !settled => {
                        self.0.extend(
                            lives
                                .0
                                .remove(&(new.metric, new.cycle))
                                .map(|life| (key, life)),
                        );
                    }
                    // A result that stays, or a clock that never was and has been taken back.
                    _ => {
                        if let Some(life) = self.0.get_mut(&key)
                            && old.is_some_and(Clock::is_open)
                            && !clock.is_open()
                        {
                            life.marks.push(Mark {
                                at,
                                flow: Flow::Over,
                                terms: clock.terms.clone(),
                                cause: cause.clone(),
                            });
                        }
                    }
                }
            }
        }
    }
}

/// What time does to a clock of `ticket` as it stands.
fn flow(ticket: &Ticket, clock: &Clock) -> Flow {
    if !clock.is_open() {
        Flow::Over
    } else if clock.resumed_at.is_some() {
        Flow::Runs
    } else if clock.state == State::Paused {
        Flow::Stands(clock.reason)
    } else {
        // Overdue and not answered: its reason says why it is overdue. Solved, it waits for a
        // reopening to run on.
        match mode(clock.metric, &clock.terms, ticket.status, ticket.bot) {
            Mode::Pauses(reason) | Mode::Cancels(reason) | Mode::Ends(reason) => {
                Flow::Stands(reason)
            }
            Mode::Runs | Mode::Fulfils => Flow::Over,
        }
    }
}

/// The life that the newest clock of `metric` would have had, had the ticket always gone by `plan`.
fn imagined(
    metric: Metric,
    plan: Option<&Arc<Plan>>,
    (facts, sources): (&[Fact], &[Source]),
) -> Option<Life> {
    let as_if = |fact: &Fact| {
        let created = matches!(fact.event, Event::Created { .. });
        let replan = created.then(|| Replan {
            plan: plan.cloned(),
            reason: Reason::None,
        });
        Fact {
            replan,
            ..fact.clone()
        }
    };
    let facts: Vec<_> = facts.iter().map(as_if).collect();
    let (ticket, mut lives) = Lives::of(&facts, sources);
    let cycle = ticket.clocks.get(&metric)?.cycle;
    lives.0.remove(&(metric, cycle))
}

/// Clocks by what they time; of those that time the same thing, in order of their cycles. What is
/// reconciled is matched in this order.
fn by_beginning(ticket: &Ticket) -> BTreeMap<(Metric, Timestamp), Vec<&Clock>> {
    let mut clocks: Vec<_> = ticket.clocks.values().chain(&ticket.past).collect();
    clocks.sort_by_key(|clock| clock.cycle);
    let mut sorted: BTreeMap<_, Vec<_>> = BTreeMap::new();
    for clock in clocks {
        let key = (clock.metric, clock.started_at);
        sorted.entry(key).or_default().push(clock);
    }
    sorted
}
