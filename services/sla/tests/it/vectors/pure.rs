//! The vectors against the pure state machine.

use std::sync::Arc;

use lotse_calendar::Spec;
use lotse_clock::Timestamp;
use lotse_sla::domain::{
    CalendarRef, CalendarVersion, Catalog, Change, Clock, Conditions, Event, Fact, Facts,
    PolicyContent, PolicyRef, PolicyVersion, Reason, Replan, Status, Target, Ticket, reconcile,
};
use lotse_sla::settings::CalendarContent;

use super::format::{CHANNEL, CalendarText, ClockText, EventText, PolicyText, Vector, What};
use super::{all, format};

/// When timers fire.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Timers {
    /// At the instant they are due, and once more a second later.
    AtOnceAndTwice,
    /// When the next event is recorded.
    Late,
    /// Not before somebody looks.
    Never,
}

#[test]
fn the_state_machine_follows_every_rule_whenever_timers_fire() {
    for (name, vector) in all() {
        for timers in [Timers::AtOnceAndTwice, Timers::Late, Timers::Never] {
            let (clocks, told) = run(&vector, timers);
            let look = vector.look.0;
            let found: Vec<_> = clocks
                .iter()
                .map(|clock| ClockText::of(clock, look))
                .collect();
            assert_eq!(
                found, vector.clocks,
                "{name} ({}), timers: {timers:?}",
                vector.rule
            );
            if let Some(wanted) = &vector.told
                && timers == Timers::AtOnceAndTwice
            {
                let told: Vec<_> = told.iter().map(words).collect();
                assert_eq!(told, *wanted, "{name} ({})", vector.rule);
            }
        }
    }
}

/// What was told, as vectors write it.
pub(crate) fn words(change: &Change) -> String {
    let Change {
        at,
        transition,
        reason,
        clock,
    } = change;
    let at = format::At(*at);
    let (metric, cycle) = (clock.metric.code(), clock.cycle);
    let transition = format!("{transition:?}");
    format!("{at:?} {metric} {cycle} {transition} {}", reason.code())
        .trim_end()
        .to_owned()
}

/// Where the clocks stand when looked at, and what was told on the way.
pub(crate) fn run(vector: &Vector, timers: Timers) -> (Vec<Clock>, Vec<Change>) {
    let mut sim = Sim::new(vector, timers);
    for event in &vector.events {
        sim.let_time_pass(event.recorded());
        sim.take(event);
    }
    sim.let_time_pass(vector.look.0);
    sim.told
        .extend(sim.ticket.pass(vector.look.0, vector.look.0));
    let mut clocks: Vec<_> = sim
        .ticket
        .clocks
        .into_values()
        .chain(sim.ticket.past)
        .collect();
    clocks.sort_by_key(|clock| (clock.metric, clock.cycle));
    (clocks, sim.told)
}

/// What the vectors call prompt timers, for the comparison with the service.
pub(super) fn run_promptly(vector: &Vector) -> Vec<Change> {
    run(vector, Timers::AtOnceAndTwice).1
}

struct Sim {
    timers: Timers,
    policies: Vec<PolicyVersion>,
    calendars: Vec<CalendarVersion>,
    facts: Facts,
    ticket: Ticket,
    history: Vec<Fact>,
    told: Vec<Change>,
}

impl Sim {
    fn new(vector: &Vector, timers: Timers) -> Self {
        let start = vector.events[0].at.0;
        let mut sim = Self {
            timers,
            policies: Vec::new(),
            calendars: Vec::new(),
            facts: Facts {
                priority: lotse_sla::domain::Priority::Normal,
                channel: Some(CHANNEL),
                category: String::new(),
                tags: Vec::new(),
                language: String::new(),
                attributes: std::collections::BTreeMap::new(),
                group: None,
            },
            ticket: Ticket::blank(start),
            history: Vec::new(),
            told: Vec::new(),
        };
        for calendar in &vector.calendars {
            sim.put_calendar(calendar);
        }
        for policy in &vector.policies {
            sim.put_policy(policy);
        }
        sim
    }

    fn put_calendar(&mut self, text: &CalendarText) {
        let before = self
            .calendars
            .iter()
            .filter(|one| one.reference.id == text.name);
        let version = u32::try_from(before.count()).unwrap() + 1;
        for calendar in &mut self.calendars {
            calendar.current &= calendar.reference.id != text.name;
        }
        self.calendars.push(CalendarVersion {
            reference: CalendarRef {
                id: text.name.clone(),
                version,
            },
            current: true,
            calendar: Arc::new(content(text).calendar(version).unwrap()),
        });
    }

    fn put_policy(&mut self, text: &PolicyText) {
        let same = |one: &&PolicyVersion| one.reference.id == text.name;
        let version = u32::try_from(self.policies.iter().filter(same).count()).unwrap() + 1;
        let first = self
            .policies
            .iter()
            .find(same)
            .map(|one| one.content.position);
        let position = first.unwrap_or(u32::try_from(self.policies.len()).unwrap());
        for policy in &mut self.policies {
            policy.current &= policy.reference.id != text.name;
        }
        let target = |target: &format::TargetText| Target {
            metric: target.metric,
            priority: target.priority,
            millis: target.target.0,
            calendar: target.calendar.clone(),
        };
        self.policies.push(PolicyVersion {
            reference: PolicyRef {
                id: text.name.clone(),
                version,
            },
            current: true,
            content: PolicyContent {
                name: text.name.clone(),
                position,
                conditions: Conditions {
                    priorities: text.priorities.clone(),
                    groups: text.groups.clone(),
                    ..Conditions::default()
                },
                targets: text.targets.iter().map(target).collect(),
                warn: text.warn.clone(),
                ends_at: text.ends_at,
                replies: text.replies.clone(),
            },
        });
    }

    fn let_time_pass(&mut self, to: Timestamp) {
        match self.timers {
            Timers::AtOnceAndTwice => {
                while let Some(next) = self.ticket.next_at().filter(|next| *next <= to) {
                    // A timer may lead to the past: it fires now.
                    let now = next.max(self.ticket.watermark);
                    self.told.extend(self.ticket.pass(now, now));
                    let again = now + std::time::Duration::from_secs(1);
                    if again <= to && self.ticket.next_at().is_none_or(|next| next > again) {
                        self.told.extend(self.ticket.pass(again, again));
                    }
                }
            }
            Timers::Late => {
                self.ticket.pass(to, to);
            }
            Timers::Never => {}
        }
    }

    fn take(&mut self, event: &EventText) {
        let now = event.recorded();
        let catalog = Catalog::new(self.policies.clone(), self.calendars.clone());
        let mut human = false;
        let (event_, replan) = match &event.what {
            What::Created(priority) => {
                self.facts.priority = *priority;
                (
                    Event::Created {
                        for_requester: true,
                    },
                    Some(Reason::None),
                )
            }
            What::Status(to) => (status(*to), None),
            What::AgentSets(to) => {
                human = true;
                (status(*to), None)
            }
            What::Reopened(()) => (
                Event::Status {
                    to: Status::Open,
                    by_requester: true,
                },
                None,
            ),
            What::RequesterWrites {} => (Event::Wrote, None),
            What::Reply(author) => {
                human = *author == lotse_sla::domain::Author::Human;
                (Event::Answered(*author), None)
            }
            What::Note {} => {
                human = true;
                (Event::Touched, None)
            }
            What::Priority(priority) => {
                self.facts.priority = *priority;
                (Event::Touched, Some(Reason::PriorityChanged))
            }
            What::Group(group) => {
                self.facts.group = Some(group.clone());
                (Event::Touched, Some(Reason::GroupChanged))
            }
            What::Transfer(group) => {
                human = true;
                self.facts.group = Some(group.clone());
                (Event::Touched, Some(Reason::GroupChanged))
            }
            What::PutPolicy(policy) => return self.put_policy(policy),
            What::PutCalendar(calendar) => return self.put_calendar(calendar),
        };
        let replan = replan.and_then(|reason| {
            let before = self.ticket.plan.as_ref().map(|plan| &plan.reference);
            let chosen = catalog.choose(&self.facts, before);
            let created = matches!(event_, Event::Created { .. });
            (created || chosen.as_ref() != before).then(|| Replan {
                plan: chosen.map(|plan| Arc::new(catalog.plan(&plan).unwrap())),
                reason,
            })
        });
        if event_ == Event::Touched && !human && replan.is_none() {
            return;
        }
        let at = self.ticket.place(event_, event.at.0);
        let fact = Fact {
            at,
            event: event_,
            human,
            replan,
        };
        let place = self.history.partition_point(|earlier| earlier.at <= at);
        let late = self.ticket.is_late(at) && !self.history.is_empty();
        self.history.insert(place, fact.clone());
        if late {
            let stored = self
                .ticket
                .clocks
                .values()
                .chain(&self.ticket.past)
                .cloned()
                .collect();
            let (ticket, told) = reconcile(&self.ticket, stored, &self.history, now);
            self.ticket = ticket;
            self.told.extend(told);
        } else {
            let told = self.ticket.step(&fact, &self.history[..place], now);
            self.told.extend(told);
        }
    }
}

fn status(to: Status) -> Event {
    Event::Status {
        to,
        by_requester: false,
    }
}

/// The content of a calendar.
pub(super) fn content(text: &CalendarText) -> CalendarContent {
    let week = text
        .preset
        .map_or_else(|| text.week.clone(), |preset| preset.week());
    CalendarContent {
        name: text.name.clone(),
        preset: text.preset,
        spec: Spec {
            zone: text.zone.clone(),
            version: 0,
            week,
            overrides: text.overrides.clone(),
        },
    }
}
