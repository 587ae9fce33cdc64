//! A ticket's clocks recomputed from its journal alone.
//!
//! Facts are taken in the order of their recording, each with the plan that was chosen for it.
//! Timers are let fire where the journal tells that they did. What comes out is laid beside what
//! was told: every transition that a clock went through, and none that it did not.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use lotse_clock::Timestamp;
use lotse_ids::ClockId;
use lotse_journal::{Body, Recorded, audit};
use lotse_proto::journal::v1 as proto;
use lotse_proto::journal::v1::clock_changed::Transition as ProtoTransition;
use lotse_proto::time::from_proto;
use sea_orm::ConnectionTrait;

use super::differences::{Difference, Told};
use crate::Error;
use crate::domain::{
    Catalog, Change, Event, Fact, Facts, Metric, PlanRef, Reason, Record, Replan, Transition,
    instant,
};
use crate::jobs::timers::CAUSE;
use crate::wire::changed::changed;
use crate::wire::enums;
use crate::wire::news::{News, Tidings};
use crate::wire::plan;

/// How much of the journal is looked at.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Until {
    /// Facts up to this position: what the service has read.
    pub(crate) position: i64,
    /// What was recorded by then.
    pub(crate) at: Timestamp,
}

/// What the journal says of one ticket.
pub(crate) struct History {
    /// Its clocks.
    pub(crate) record: Record,
    /// What decides which policy fits.
    pub(crate) facts: Facts,
    /// The plans it got, in order.
    pub(crate) choices: Vec<Choice>,
    /// Warnings given: the clock, the share, the instant.
    pub(crate) warnings: Vec<(Key, u8, Timestamp)>,
    /// Transitions told.
    pub(crate) told: u64,
    /// Where what was told is not what came out.
    pub(crate) differences: Vec<Difference>,
}

/// A clock of a ticket, by metric and cycle.
pub(crate) type Key = (Metric, u32);

/// A plan of a ticket, and what led to it.
pub(crate) struct Choice {
    /// When.
    pub(crate) at: Timestamp,
    /// The event.
    pub(crate) reference: String,
    /// The plan; `None` where no policy fits.
    pub(crate) plan: Option<PlanRef>,
    /// Why it was chosen.
    pub(crate) reason: Reason,
    /// What was known of the ticket then.
    pub(crate) facts: Facts,
}

/// The journals of tickets that went into others.
pub(crate) type Merged = BTreeMap<String, Vec<Recorded>>;

/// The journals of all tickets that went into those of `histories`, and into them before.
///
/// # Errors
/// The database's.
pub(crate) async fn merged(
    conn: &impl ConnectionTrait,
    histories: &BTreeMap<String, Vec<Recorded>>,
) -> Result<Merged, Error> {
    let sources = |histories: &BTreeMap<String, Vec<Recorded>>| -> BTreeSet<String> {
        let events = histories.values().flatten();
        let source = |event: &Recorded| match &event.body {
            Body::HistoryMerged(merged) => Some(merged.source_ticket_id.clone()),
            _ => None,
        };
        events.filter_map(source).collect()
    };
    let mut merged = Merged::new();
    let mut wanted = sources(histories);
    while !wanted.is_empty() {
        let keys: Vec<&str> = wanted.iter().map(String::as_str).collect();
        let found = audit::histories(conn, &keys).await?;
        wanted = sources(&found);
        merged.extend(found);
        wanted.retain(|source| !merged.contains_key(source));
    }
    Ok(merged)
}

/// Recomputes the ticket whose events these are, all of its history in order, with the journals of
/// those that went into it; `watched` notes what an explanation needs. `None` when its creation is not among them.
///
/// # Errors
/// When the journal names a version of a policy or calendar that is not there.
pub(crate) fn recompute(
    catalog: &Catalog,
    (events, merged): (&[Recorded], &Merged),
    until: Until,
    watched: bool,
) -> Result<Option<History>, Error> {
    let mut retrace: Option<Retrace<'_>> = None;
    for event in events.iter().filter(|event| event.recorded_at <= until.at) {
        if let Body::ClockChanged(told) = &event.body {
            if let Some(retrace) = &mut retrace {
                retrace.compare(event, told);
            }
            continue;
        }
        let Some(news) = News::of(event).filter(|news| news.position <= until.position) else {
            continue;
        };
        if let Tidings::Created { facts, .. } = &news.tidings {
            retrace = Some(Retrace::new(
                catalog,
                (events, merged),
                news.at,
                facts.clone(),
                watched,
            ));
        }
        if let Some(retrace) = &mut retrace {
            retrace.take(news)?;
        }
    }
    Ok(retrace.map(Retrace::finish))
}

impl History {
    /// Lets time run out until `to`, whether or not that was told.
    pub(crate) fn let_pass(&mut self, to: Timestamp) {
        for change in self.record.pass(to) {
            if let Transition::Warned(share) = change.transition {
                let key = (change.clock.metric, change.clock.cycle);
                self.warnings.push((key, share, change.at));
            }
        }
    }
}

struct Retrace<'a> {
    catalog: &'a Catalog,
    /// The journals of the tickets that went into it.
    merged: &'a Merged,
    /// What was chosen, by the event that led to it.
    plans: BTreeMap<&'a str, &'a proto::PlanChosen>,
    /// Ids of the clocks, as they were told.
    ids: BTreeMap<Key, ClockId>,
    /// When the breaches were noticed, as told so far.
    noticed: BTreeMap<Key, Timestamp>,
    /// What came out and has not been told so far.
    pending: BTreeMap<Key, VecDeque<Change>>,
    history: History,
}

impl<'a> Retrace<'a> {
    fn new(
        catalog: &'a Catalog,
        (events, merged): (&'a [Recorded], &'a Merged),
        at: Timestamp,
        facts: Facts,
        watched: bool,
    ) -> Self {
        let mut plans = BTreeMap::new();
        let mut ids = BTreeMap::new();
        for event in events {
            match &event.body {
                Body::PlanChosen(chosen) => {
                    plans.insert(event.cause.as_str(), chosen);
                }
                Body::ClockChanged(told) => {
                    let id = told.clock_id.parse::<ClockId>().ok();
                    if let (Some(key), Some(id)) = (key(told), id) {
                        ids.entry(key).or_insert(id);
                    }
                }
                _ => {}
            }
        }
        Self {
            catalog,
            merged,
            plans,
            ids,
            noticed: BTreeMap::new(),
            pending: BTreeMap::new(),
            history: History {
                record: Record::new(at, watched),
                facts,
                choices: Vec::new(),
                warnings: Vec::new(),
                told: 0,
                differences: Vec::new(),
            },
        }
    }

    fn take(&mut self, news: News<'_>) -> Result<(), Error> {
        let News {
            ticket_id: _,
            position: _,
            at,
            recorded_at,
            reference,
            human,
            tidings,
        } = news;
        let solved = self.history.record.ticket().status.is_solved();
        if solved && matches!(tidings, Tidings::Released(_) | Tidings::Edited(_)) {
            // Nobody is awaited there, and it is not open any more.
            return Ok(());
        }
        let (event, _) = tidings.told(&mut self.history.facts);
        let replan = match self.plans.get(reference.as_str()).copied() {
            Some(chosen) => Some(self.choose(chosen, at, &reference)?),
            // A creation brings a plan, be it none.
            None => matches!(event, Event::Created { .. }).then_some(Replan {
                plan: None,
                reason: Reason::None,
            }),
        };
        if matches!(event, Event::Edited | Event::Touched) && !human && replan.is_none() {
            return Ok(());
        }
        let absorbed = match &event {
            Event::Absorbed { source } => self.absorbed(source)?,
            _ => Vec::new(),
        };
        let fact = Fact {
            at,
            event,
            human,
            replan,
            absorbed,
        };
        let changes = self
            .history
            .record
            .take(fact, reference.into(), recorded_at);
        self.note(changes);
        Ok(())
    }

    /// The facts of a ticket that went into this one, as its own journal tells them.
    fn absorbed(&self, source: &str) -> Result<Vec<Fact>, Error> {
        let all = Until {
            position: i64::MAX,
            at: Timestamp::MAX,
        };
        let events = self.merged.get(source).map(Vec::as_slice);
        let events = events.unwrap_or_default();
        let history = recompute(self.catalog, (events, self.merged), all, false)?;
        Ok(history.map_or_else(Vec::new, |history| history.record.facts().to_vec()))
    }

    fn choose(
        &mut self,
        chosen: &proto::PlanChosen,
        at: Timestamp,
        reference: &str,
    ) -> Result<Replan, Error> {
        let choice = Choice {
            at,
            reference: reference.to_owned(),
            plan: plan::read(chosen),
            reason: Reason::from_code(&chosen.reason).unwrap_or(Reason::None),
            facts: self.history.facts.clone(),
        };
        let looked_up = choice.plan.as_ref().map(|plan| self.catalog.plan(plan));
        let replan = Replan {
            plan: looked_up.transpose()?.map(Arc::new),
            reason: choice.reason,
        };
        self.history.choices.push(choice);
        Ok(replan)
    }

    fn note(&mut self, changes: Vec<Change>) {
        for change in changes {
            let key = (change.clock.metric, change.clock.cycle);
            if let Transition::Warned(share) = change.transition {
                self.history.warnings.push((key, share, change.at));
            }
            self.pending.entry(key).or_default().push_back(change);
        }
    }

    /// Lays what was told beside what came out.
    fn compare(&mut self, event: &Recorded, told: &proto::ClockChanged) {
        self.history.told += 1;
        let Some(key) = key(told) else {
            let unknown = Difference::of_event(event, told, "metric", told.metric, "a metric");
            return self.history.differences.push(unknown);
        };
        let silent = |queue: &VecDeque<Change>| queue.is_empty();
        if event.cause == CAUSE && self.pending.get(&key).is_none_or(silent) {
            // A breach is one from the millisecond after its due time.
            let breach = told.transition() == ProtoTransition::Breached;
            let to = event.occurred_at + Duration::from_millis(u64::from(breach));
            let changes = self.history.record.pass(to);
            self.note(changes);
        }
        let queue = self.pending.entry(key).or_default();
        let same = |change: &Change| {
            let Body::ClockChanged(of) = changed(change, None) else {
                return false;
            };
            (of.transition, of.warned_percent) == (told.transition, told.warned_percent)
        };
        let Some(place) = queue.iter().position(same) else {
            let difference = Difference::of_event(event, told, "event", "told", "not told");
            return self.history.differences.push(difference);
        };
        let passed_over: Vec<_> = queue.drain(..place).collect();
        let change = queue.pop_front();
        for change in passed_over {
            self.miss(&change);
        }
        if let Some(change) = change {
            self.lay_beside(key, event, told, change);
        }
    }

    fn lay_beside(
        &mut self,
        key: Key,
        event: &Recorded,
        told: &proto::ClockChanged,
        mut change: Change,
    ) {
        if change.transition == Transition::Breached {
            // When it was noticed is nobody's to compute.
            let noticed = told.detected_at.as_ref().map(from_proto);
            let noticed = noticed.and_then(Result::ok);
            self.noticed.extend(noticed.map(|at| (key, at)));
        }
        if let Some(detected) = &mut change.clock.times.detected {
            *detected = self.noticed.get(&key).copied().unwrap_or(*detected);
        }
        let Body::ClockChanged(came_out) = changed(&change, self.ids.get(&key)) else {
            return;
        };
        let differences = &mut self.history.differences;
        if event.occurred_at != change.at {
            let (told_at, at) = (instant(event.occurred_at), instant(change.at));
            differences.push(Difference::of_event(
                event,
                told,
                "occurred_at",
                told_at,
                at,
            ));
        }
        differences.extend(Told(told).differences(event, &came_out));
    }

    /// What came out and was never told.
    fn miss(&mut self, change: &Change) {
        let difference = Difference::missing(
            change,
            self.ids.get(&(change.clock.metric, change.clock.cycle)),
        );
        self.history.differences.push(difference);
    }

    fn finish(mut self) -> History {
        for change in std::mem::take(&mut self.pending).into_values().flatten() {
            self.miss(&change);
        }
        for clock in self.history.record.clocks_mut() {
            let key = (clock.metric, clock.cycle);
            clock.id = self.ids.get(&key).cloned();
            if let Some(detected) = &mut clock.times.detected {
                *detected = self.noticed.get(&key).copied().unwrap_or(*detected);
            }
        }
        self.history
    }
}

/// The clock that a transition is of.
fn key(told: &proto::ClockChanged) -> Option<Key> {
    Some((enums::metric(told.metric)?, told.cycle))
}
