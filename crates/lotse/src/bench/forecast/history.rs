//! The log as the clocks of its tickets, each fact at the instant at which it could be known.
//!
//! The replay dates a solution or closing that the log repeats by its last repetition. Nobody knows
//! at the first that there will be another, so here a status counts from the row that first says
//! it.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use anyhow::Result;
use lotse_calendar::Calendar;
use lotse_clock::Timestamp;
use lotse_proto::common::v1::Priority as ProtoPriority;
use lotse_sla::domain::{
    BotPhase, Clock, Event, Fact, Hours, Metric, Plan, PlanRef, PolicyRef, Priority, Reason,
    Replan, ResolutionEnd, State, Status, Terms, Ticket, Transition,
};

use crate::replay::log::{Incident, Log, State as LogState};

/// What is promised to every ticket of a priority.
#[derive(Clone, Debug)]
pub(super) struct Promise {
    /// What the report calls it.
    pub(super) name: &'static str,
    /// What ends the clock.
    pub(super) ends_at: ResolutionEnd,
    /// Time by priority, in milliseconds on weekdays round the clock.
    pub(super) targets: BTreeMap<Priority, i64>,
}

/// Everything that happened to one ticket's clocks.
pub(super) struct Story {
    /// Its statuses, each with the instant it began.
    pub(super) statuses: Vec<(Timestamp, Status)>,
    /// Its groups, likewise.
    groups: Vec<(Timestamp, Arc<str>)>,
    /// Its priorities, likewise.
    priorities: Vec<(Timestamp, Priority)>,
    /// The cycles of its clock.
    pub(super) cycles: Vec<Cycle>,
}

/// One cycle of a clock: how it stood from each instant on.
pub(super) struct Cycle {
    states: Vec<(Timestamp, Clock)>,
    /// When it was breached; it may never have been.
    pub(super) breached_at: Option<Timestamp>,
}

impl Story {
    /// The priority at an instant, and the group if it had one.
    pub(super) fn traits(&self, at: Timestamp) -> Option<(Priority, Option<Arc<str>>)> {
        let group = latest(&self.groups, at).cloned();
        Some((*latest(&self.priorities, at)?, group))
    }

    /// The status at an instant, and since when.
    pub(super) fn status(&self, at: Timestamp) -> Option<(Timestamp, Status)> {
        let behind = self.statuses.partition_point(|(since, _)| *since <= at);
        self.statuses.get(behind.checked_sub(1)?).copied()
    }
}

impl Cycle {
    /// How it stood at an instant; `None` before it began.
    pub(super) fn at(&self, at: Timestamp) -> Option<&Clock> {
        latest(&self.states, at)
    }

    /// When it began.
    pub(super) fn started_at(&self) -> Option<Timestamp> {
        Some(self.states.first()?.1.started_at)
    }
}

/// What held at an instant.
fn latest<T>(facts: &[(Timestamp, T)], at: Timestamp) -> Option<&T> {
    let behind = facts.partition_point(|(since, _)| *since <= at);
    facts.get(behind.checked_sub(1)?).map(|(_, fact)| fact)
}

/// The stories of all tickets under a promise.
pub(super) fn stories(log: &Log, promise: &Promise) -> Result<Vec<Story>> {
    let weekdays = Calendar::weekdays_24h("UTC")?;
    let plans = plans(promise, &Hours::Open(Arc::new(weekdays)));
    let mut names = HashMap::new();
    let stories = log.incidents.iter();
    Ok(stories
        .map(|incident| story(incident, &plans, &mut names))
        .collect())
}

fn plans(promise: &Promise, hours: &Hours) -> BTreeMap<Priority, Arc<Plan>> {
    let plan = |(priority, target): (&Priority, &i64)| {
        let policy = PolicyRef {
            id: priority.code().to_owned(),
            version: 1,
        };
        let terms = Terms {
            policy: policy.clone(),
            target: *target,
            calendar: None,
            hours: hours.clone(),
            warn: Arc::new([]),
            ends_at: promise.ends_at,
            bot_phase: BotPhase::Counts,
        };
        let reference = PlanRef {
            policy,
            calendars: BTreeMap::new(),
            priority: *priority,
        };
        let plan = Plan {
            reference,
            terms: BTreeMap::from([(Metric::TotalResolution, terms)]),
            replies: Vec::new(),
        };
        (*priority, Arc::new(plan))
    };
    promise.targets.iter().map(plan).collect()
}

fn story(
    incident: &Incident,
    plans: &BTreeMap<Priority, Arc<Plan>>,
    names: &mut HashMap<String, Arc<str>>,
) -> Story {
    let opened = incident.opened_at;
    let mut priority = known(incident.facts.priority);
    let mut teller = Teller {
        ticket: Ticket::blank(opened),
        facts: Vec::new(),
        cycles: BTreeMap::new(),
    };
    let replan = |priority: Priority, reason| {
        let plan = plans.get(&priority).cloned();
        Some(Replan { plan, reason })
    };
    let created = Event::Created {
        for_requester: true,
    };
    teller.tell(opened, created, replan(priority, Reason::None));
    let mut story = Story {
        statuses: vec![(opened, Status::New)],
        groups: Vec::new(),
        priorities: vec![(opened, priority)],
        cycles: Vec::new(),
    };
    let (mut now, mut status, mut reopenings) = (opened, Status::New, 0);
    for row in &incident.rows {
        now = now.max(row.at);
        if let Some(group) = &row.group
            && story
                .groups
                .last()
                .is_none_or(|(_, last)| **last != **group)
        {
            let name = names.entry(group.clone());
            let name = name.or_insert_with(|| group.as_str().into());
            story.groups.push((now, name.clone()));
        }
        let to = known(row.facts.priority);
        if to != priority {
            priority = to;
            story.priorities.push((now, to));
            teller.tell(now, Event::Touched, replan(to, Reason::PriorityChanged));
        }
        let reopened = row.reopenings > reopenings;
        reopenings = reopenings.max(row.reopenings);
        let said = status_of(row.state, status, reopened);
        let back = (reopened && status.is_solved()).then_some(Status::Open);
        for to in back.into_iter().chain(said) {
            if to != status {
                status = to;
                story.statuses.push((now, to));
                let by_requester = false;
                teller.tell(now, Event::Status { to, by_requester }, None);
            }
        }
    }
    story.cycles = teller.end();
    story
}

/// What a row says of the status; without a step of the log's counter of reopenings nothing leads
/// back out of a solution.
fn status_of(state: LogState, status: Status, reopened: bool) -> Option<Status> {
    let over = status.is_solved() && !reopened;
    match state {
        LogState::Closed => Some(Status::Closed),
        LogState::Resolved if status != Status::Closed || reopened => Some(Status::Solved),
        LogState::Active if !over => Some(Status::Open),
        LogState::AwaitingUser if !over => Some(Status::Pending),
        LogState::Awaiting(_) if !over => Some(Status::OnHold),
        _ => None,
    }
}

fn known(priority: ProtoPriority) -> Priority {
    match priority {
        ProtoPriority::Urgent => Priority::Urgent,
        ProtoPriority::High => Priority::High,
        ProtoPriority::Low => Priority::Low,
        ProtoPriority::Normal | ProtoPriority::Unspecified => Priority::Normal,
    }
}

/// Tells a ticket what happens and notes what that does to its clocks.
struct Teller {
    ticket: Ticket,
    facts: Vec<Fact>,
    cycles: BTreeMap<u32, Cycle>,
}

impl Teller {
    fn tell(&mut self, at: Timestamp, event: Event, replan: Option<Replan>) {
        let fact = Fact {
            at,
            event,
            human: false,
            replan,
            absorbed: Default::default(),
        };
        let changes = self.ticket.step(&fact, &self.facts, at);
        self.facts.push(fact);
        self.note(changes);
    }

    fn end(mut self) -> Vec<Cycle> {
        let end = Timestamp::MAX;
        let changes = self.ticket.pass(end, end);
        self.note(changes);
        self.cycles.into_values().collect()
    }

    fn note(&mut self, changes: Vec<lotse_sla::domain::Change>) {
        for change in changes {
            let cycle = self.cycles.entry(change.clock.cycle).or_insert(Cycle {
                states: Vec::new(),
                breached_at: None,
            });
            if change.transition == Transition::Breached {
                cycle.breached_at = Some(change.at);
            }
            debug_assert!(change.clock.state != State::Breached || cycle.breached_at.is_some());
            cycle.states.push((change.at, change.clock));
        }
    }
}
