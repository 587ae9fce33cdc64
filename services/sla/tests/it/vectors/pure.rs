//! The vectors against the pure state machine.

use std::sync::Arc;

use lotse_calendar::Spec;
use lotse_clock::Timestamp;
use lotse_sla::domain::{
    CalendarRef, CalendarVersion, Catalog, Change, Clock, Conditions, Event, Fact, Facts, Hand,
    PlanRef, PolicyContent, PolicyRef, PolicyVersion, Reason, Replan, Status, Target, Ticket,
    reconcile,
};
use lotse_sla::settings::{CalendarContent, Holidays};

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
            let Outcome {
                clocks,
                told,
                other: (others, _),
            } = run(&vector, timers);
            let look = vector.look.0;
            let text = |clocks: &[Clock]| -> Vec<_> {
                let text = |clock| ClockText::of(clock, look);
                clocks.iter().map(text).collect()
            };
            let about = format!("{name} ({}), timers: {timers:?}", vector.rule);
            assert_eq!(text(&clocks), vector.clocks, "{about}");
            assert_eq!(text(&others), vector.other_clocks, "{about}");
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

/// What became of a vector's tickets.
pub(crate) struct Outcome {
    /// The ticket's clocks, by metric and cycle.
    pub(crate) clocks: Vec<Clock>,
    /// What was told of them on the way.
    pub(crate) told: Vec<Change>,
    /// The same of the other ticket.
    pub(crate) other: (Vec<Clock>, Vec<Change>),
}

/// Where the clocks stand when looked at, and what was told on the way.
pub(crate) fn run(vector: &Vector, timers: Timers) -> Outcome {
    let mut sim = Sim::new(vector, timers);
    for event in &vector.events {
        sim.let_time_pass(event.recorded());
        sim.take(event);
    }
    sim.let_time_pass(vector.look.0);
    let [(clocks, told), other] = sim.lives.map(|mut life| {
        let look = vector.look.0;
        life.told.extend(life.ticket.pass(look, look));
        let all = life.ticket.clocks.into_values().chain(life.ticket.past);
        let mut clocks: Vec<_> = all.collect();
        clocks.sort_by_key(|clock| (clock.metric, clock.cycle));
        (clocks, life.told)
    });
    Outcome {
        clocks,
        told,
        other,
    }
}

/// What the vectors call prompt timers, for the comparison with the service.
pub(super) fn run_promptly(vector: &Vector) -> Vec<Change> {
    let outcome = run(vector, Timers::AtOnceAndTwice);
    let mut told = outcome.told;
    told.extend(outcome.other.1);
    told
}

struct Sim {
    timers: Timers,
    policies: Vec<PolicyVersion>,
    calendars: Vec<CalendarVersion>,
    /// The ticket, and the other one.
    lives: [Life; 2],
}

/// One ticket.
struct Life {
    facts: Facts,
    ticket: Ticket,
    history: Vec<Fact>,
    told: Vec<Change>,
}

impl Life {
    fn new(start: Timestamp) -> Self {
        Self {
            facts: Facts {
                priority: lotse_sla::domain::Priority::Normal,
                channel: Some(CHANNEL),
                category: String::new(),
                tags: Vec::new(),
                language: String::new(),
                attributes: std::collections::BTreeMap::new(),
                organisation: String::new(),
                group: None,
            },
            ticket: Ticket::blank(start),
            history: Vec::new(),
            told: Vec::new(),
        }
    }

    fn plan(&self) -> Option<&PlanRef> {
        self.ticket.plan.as_ref().map(|plan| &plan.reference)
    }

    /// Takes an event, with the plan chosen for a reason where there was one to choose it anew.
    fn take(
        &mut self,
        catalog: &Catalog,
        fact: Fact,
        chosen: Option<(Option<PlanRef>, Reason)>,
        now: Timestamp,
    ) {
        let created = matches!(fact.event, Event::Created { .. });
        let differs =
            |(chosen, _): &(Option<PlanRef>, Reason)| created || chosen.as_ref() != self.plan();
        let replan = chosen.filter(differs).map(|(chosen, reason)| Replan {
            plan: chosen.map(|plan| Arc::new(catalog.plan(&plan).unwrap())),
            reason,
        });
        if fact.event == Event::Touched && !fact.human && replan.is_none() {
            return;
        }
        let at = self.ticket.place(&fact.event, fact.at);
        let fact = Fact { at, replan, ..fact };
        self.told
            .extend(self.ticket.pass_until_recorded(at, now, now));
        if created {
            self.ticket = Ticket::blank(at);
        }
        let place = self.history.partition_point(|earlier| earlier.at <= at);
        let late = self.ticket.is_late(at) && !self.history.is_empty();
        self.history.insert(place, fact.clone());
        if late {
            let clocks = self.ticket.clocks.values().chain(&self.ticket.past);
            let stored = clocks.cloned().collect();
            let (ticket, told) = reconcile(&self.ticket, stored, &self.history, now);
            self.ticket = ticket;
            self.told.extend(told);
        } else {
            let told = self.ticket.step(&fact, &self.history[..place], now);
            self.told.extend(told);
        }
    }

    fn let_time_pass(&mut self, to: Timestamp, timers: Timers) {
        match timers {
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
}

impl Sim {
    fn new(vector: &Vector, timers: Timers) -> Self {
        let start = vector.events[0].at.0;
        let mut sim = Self {
            timers,
            policies: Vec::new(),
            calendars: Vec::new(),
            lives: [Life::new(start), Life::new(start)],
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
                    languages: text.languages.clone(),
                    organisations: text.organisations.clone(),
                    ..Conditions::default()
                },
                targets: text.targets.iter().map(target).collect(),
                warn: text.warn.clone(),
                ends_at: text.ends_at,
                replies: text.replies.clone(),
                bot_phase: text.bot_phase,
                reactions: Vec::new(),
            },
        });
    }

    fn let_time_pass(&mut self, to: Timestamp) {
        for life in &mut self.lives {
            life.let_time_pass(to, self.timers);
        }
    }

    fn take(&mut self, event: &EventText) {
        let now = event.recorded();
        let catalog = Catalog::new(self.policies.clone(), self.calendars.clone());
        let life = &mut self.lives[usize::from(event.other)];
        let hand = |group: Option<&String>, agent: bool, hop: bool| {
            Event::Handed(Hand {
                group: group.cloned(),
                agent,
                hop,
            })
        };
        let (what, human) = match &event.what {
            What::Created(priority) => {
                life.facts.priority = *priority;
                life.facts.language.clone_from(&event.language);
                life.facts.organisation = lotse_ids::organisation::key(&event.organisation);
                let for_requester = true;
                (Event::Created { for_requester }, false)
            }
            What::Status(to) => (status(*to), false),
            What::AgentSets(to) => (status(*to), true),
            What::Reopened(()) => {
                let (to, by_requester) = (Status::Open, true);
                (Event::Status { to, by_requester }, false)
            }
            What::RequesterWrites {} => (Event::Wrote, false),
            What::Reply(author) => {
                let human = *author == lotse_sla::domain::Author::Human;
                (Event::Answered(*author), human)
            }
            What::Note {} => (Event::Touched, true),
            What::Priority(priority) => {
                life.facts.priority = *priority;
                (Event::Touched, false)
            }
            What::Queued(group) | What::Group(group) => (hand(Some(group), false, false), false),
            What::PickedUp(group) => (hand(Some(group), true, false), false),
            What::Transfer(group) | What::Escalate(group) => (hand(Some(group), false, true), true),
            What::TransferToAgent(group) => (hand(Some(group), true, true), true),
            What::Released(()) if life.ticket.status.is_solved() => return,
            What::Released(()) => (hand(None, false, false), false),
            What::Merge {} => return self.merge(&catalog, event.at.0, now),
            What::PutPolicy(policy) => {
                self.put_policy(policy);
                return self.rebase(policy.rebase, &policy.name, Reason::PolicyEdited, now);
            }
            What::PutCalendar(calendar) => {
                self.put_calendar(calendar);
                return self.rebase(calendar.rebase, &calendar.name, Reason::CalendarEdited, now);
            }
        };
        let reason = match (&what, &event.what) {
            (Event::Created { .. }, _) => Some(Reason::None),
            (_, What::Priority(_)) => Some(Reason::PriorityChanged),
            (Event::Handed(Hand { group, .. }), _)
                if group.is_some() && *group != life.facts.group =>
            {
                life.facts.group.clone_from(group);
                Some(Reason::GroupChanged)
            }
            _ => None,
        };
        let chosen = reason.map(|reason| (catalog.choose(&life.facts, life.plan()), reason));
        life.take(&catalog, fact(event.at.0, what, human), chosen, now);
    }

    /// The other ticket goes into the first.
    fn merge(&mut self, catalog: &Catalog, at: Timestamp, now: Timestamp) {
        let [target, source] = &mut self.lives;
        source.take(catalog, fact(at, Event::Merged, false), None, now);
        let absorbed = source.history.clone();
        let event = Event::Absorbed {
            source: String::new(),
        };
        let merged = Fact {
            absorbed,
            ..fact(at, event, false)
        };
        target.take(catalog, merged, None, now);
    }

    /// Open tickets hear of an edit that is for them too.
    fn rebase(&mut self, wanted: bool, edited: &str, reason: Reason, now: Timestamp) {
        let catalog = Catalog::new(self.policies.clone(), self.calendars.clone());
        for life in &mut self.lives {
            let open = !life.history.is_empty() && !life.ticket.status.is_solved();
            if wanted && open && catalog.is_outdated(&life.facts, life.plan(), edited) {
                let chosen = catalog.choose_edited(&life.facts, life.plan(), edited);
                let edit = fact(now, Event::Edited, false);
                life.take(&catalog, edit, Some((chosen, reason)), now);
            }
        }
    }
}

fn fact(at: Timestamp, event: Event, human: bool) -> Fact {
    Fact {
        at,
        event,
        human,
        replan: None,
        absorbed: Vec::new(),
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
        holidays: Holidays::default(),
        effective_at: None,
    }
}
