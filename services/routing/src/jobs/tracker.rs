//! Keeps the items: what routing knows of each ticket, from the journal.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use lotse_ids::TicketId;
use lotse_journal::{Body, Consumer, ConsumerError, Draft, Recorded, Tx};
use lotse_proto::common::v1 as common;
use lotse_proto::journal::v1 as journal;
use lotse_proto::journal::v1::ticket_status_changed::Change;
use lotse_proto::time::{from_proto, to_proto};
use lotse_timers::{Entry, TimerStore};
use sea_orm::DbErr;
use tokio::sync::Notify;

use super::arrivals::Arrivals;
use super::timers::{ITEMS_QUEUE, timer_entry};
use crate::app::offers::{self, text};
use crate::domain::codes::{Channel, Priority, State, Status};
use crate::domain::directory::Directory;
use crate::domain::item::{Cause, Facts, Item, Loads, Policy, Trail, shift_loads};
use crate::domain::language::Language;
use crate::domain::offer::Handling;
use crate::store::directory::Cache;
use crate::store::{agents, items};

/// The journal's consumer `routing`.
pub(crate) struct Tracker {
    policy: Policy,
    /// How groups handle their tickets.
    directory: Arc<Cache>,
    timers: Arc<dyn TimerStore>,
    /// Timers of the transactions that run, to be armed when they are committed. One that fails
    /// leaves entries that find nothing to do.
    to_arm: Mutex<Vec<Entry>>,
    /// Something may have changed for what waits.
    changed: Notify,
    /// The same, for whoever advises on it.
    came: Arc<Notify>,
    /// When what waits began to.
    pub(crate) arrivals: Arrivals,
}

impl Tracker {
    /// `came` is told of whatever may be looked at.
    pub(crate) fn new(
        policy: Policy,
        directory: Arc<Cache>,
        timers: Arc<dyn TimerStore>,
        came: Arc<Notify>,
    ) -> Self {
        Self {
            policy,
            directory,
            timers,
            to_arm: Mutex::default(),
            changed: Notify::new(),
            came,
            arrivals: Arrivals::default(),
        }
    }

    /// Returns when something may have changed for what waits.
    pub(crate) async fn changed(&self) {
        self.changed.notified().await;
    }

    /// Notes the timers of items as they were saved, to be armed when their transaction is
    /// committed.
    pub(crate) fn arm<'a>(&self, items: impl IntoIterator<Item = &'a Item>) {
        let entries = items.into_iter().filter_map(timer_entry);
        let mut to_arm = self.to_arm.lock().unwrap_or_else(PoisonError::into_inner);
        to_arm.extend(entries);
    }

    /// Arms what [`Tracker::arm`] was told of.
    pub(crate) async fn arm_committed(&self) {
        let armed = {
            let mut to_arm = self.to_arm.lock().unwrap_or_else(PoisonError::into_inner);
            std::mem::take(&mut *to_arm)
        };
        // A failure costs lateness only: the worker arms the lane again from SQL.
        if !armed.is_empty()
            && let Err(error) = self.timers.arm(ITEMS_QUEUE, &armed).await
        {
            tracing::debug!(%error, "timers of tickets were not armed");
        }
    }

    /// What an event makes of a ticket; `None` when it does not concern routing.
    fn follow(
        &self,
        before: Option<&Item>,
        event: &Recorded,
        directory: Option<&Directory>,
    ) -> Option<Item> {
        let mut item = match (before, &event.body) {
            (None, Body::TicketCreated(created)) => return taken_in(created, event, &self.policy),
            (Some(before), _) => before.clone(),
            // Older than routing's own knowledge of tickets.
            (None, _) => return None,
        };
        item.version += 1;
        let handling = self.handling(&item, directory);
        match &event.body {
            Body::TicketUpdated(updated) => update(&mut item, updated),
            Body::TicketStatusChanged(changed) => {
                let (status, at) = (status(changed.to())?, event.occurred_at);
                item.follow_status(status, at, &self.policy, &handling);
                item.begun |= is_work(changed.change());
                if item.state() == State::Waiting {
                    item.trail.cause = cause(event);
                }
            }
            // It has ended, like one that was closed: whoever had it is free.
            Body::TicketMerged(_) => {
                let at = event.occurred_at;
                item.follow_status(Status::Closed, at, &self.policy, &handling);
            }
            // Who answers has begun. No change of the ticket's route, so its version stays.
            Body::MessageAdded(message) if !self.policy.recorded => {
                let by_us = message.author_kind() == common::AuthorKind::Human;
                if !by_us || item.begun || item.state() != State::Assigned {
                    return None;
                }
                item.begun = true;
                item.version -= 1;
            }
            // Deadlines only order a queue, and what is only recorded has none. They are no change
            // of the ticket's route, so its version stays.
            Body::ClockChanged(changed) if !self.policy.recorded => {
                note_deadline(&mut item, changed);
                item.version -= 1;
            }
            _ => return None,
        }
        Some(item)
    }
}

/// A ticket as routing first knows it.
pub(crate) fn taken_in(
    created: &journal::TicketCreated,
    event: &Recorded,
    policy: &Policy,
) -> Option<Item> {
    let channel = channel(created.channel());
    let certain = created.language_confidence >= policy.certain_from;
    let ticket = event.ticket_id.as_ref()?.parse().ok()?;
    Some(Item {
        weight: policy.weights[channel],
        channel,
        priority: priority(created.priority()),
        facts: Facts {
            category: created.category.clone(),
            tags: created.tags.iter().cloned().collect(),
            attributes: created.attributes.clone(),
            language: Language::parse(&created.language),
            language_is_certain: certain,
            required_skills: created.required_skills.iter().cloned().collect(),
            requested_group: created.requested_group_id.parse().ok(),
            requester: created.requester_id.clone(),
            organisation: created.organisation_key.clone(),
        },
        trail: Trail {
            cause: cause(event),
            ..Trail::default()
        },
        ..Item::new(ticket, event.occurred_at)
    })
}

impl Tracker {
    /// How a ticket's group handles it.
    fn handling(&self, item: &Item, directory: Option<&Directory>) -> Handling {
        let group = item.group.as_ref();
        let group = group.and_then(|group| directory?.groups.get(group));
        let service = &self.policy.handling;
        group.map_or(*service, |group| group.profile.handling.over(service))
    }

    /// Lets a ticket that repeats or continues another one prefer the agent who solved that.
    async fn prefer_solver(&self, tx: &Tx, item: &mut Item, event: &Recorded) -> Result<(), DbErr> {
        let Body::TicketCreated(created) = &event.body else {
            return Ok(());
        };
        let mut earlier = [&created.repeat_of, &created.follow_up_of].into_iter();
        let earlier = earlier.find_map(|ticket| ticket.parse::<TicketId>().ok());
        let Some(earlier) = earlier.filter(|_| !self.policy.recorded) else {
            return Ok(());
        };
        let earlier = items::find(tx, &earlier).await?;
        let solved = earlier.filter(|earlier| earlier.state() == State::Done);
        item.trail.preferred = solved.and_then(|earlier| earlier.agent);
        item.trail.repeats = item.trail.preferred.is_some();
        Ok(())
    }

    /// The configuration, where these events ask for it.
    async fn directory_for(
        &self,
        tx: &Tx,
        events: &[Recorded],
    ) -> Result<Option<Arc<Directory>>, DbErr> {
        let mut bodies = events.iter().map(|event| &event.body);
        let asked = bodies.any(|body| matches!(body, Body::TicketStatusChanged(_)));
        if !asked || self.policy.recorded {
            return Ok(None);
        }
        Ok(Some(self.directory.get(tx).await?))
    }
}

#[async_trait]
impl Consumer for Tracker {
    fn name(&self) -> &'static str {
        "routing"
    }

    async fn apply(&self, tx: &Tx, events: &[Recorded]) -> Result<(), ConsumerError> {
        let tickets: BTreeSet<TicketId> = events
            .iter()
            .filter(|event| concerns(&event.body))
            .filter_map(|event| event.ticket_id.as_ref()?.parse().ok())
            .collect();
        if tickets.is_empty() {
            return Ok(());
        }
        let directory = self.directory_for(tx, events).await?;
        let known = items::lock(tx, &tickets).await?;
        let before: BTreeMap<TicketId, Item> = known
            .into_iter()
            .map(|item| (item.ticket.clone(), item))
            .collect();
        let mut after: BTreeMap<TicketId, Item> = BTreeMap::new();
        for event in events {
            let Some(ticket) = event.ticket_id.as_deref() else {
                continue;
            };
            let now = after.get(ticket).or_else(|| before.get(ticket));
            let Some(mut item) = self.follow(now, event, directory.as_deref()) else {
                continue;
            };
            self.prefer_solver(tx, &mut item, event).await?;
            if let Some(now) = now {
                for body in [released(now, &item), offers::finished(now, &item)] {
                    let draft = body.map(|body| Draft::ticket(ticket, body));
                    draft
                        .into_iter()
                        .for_each(|draft| tx.emit(draft.at(event.occurred_at)));
                }
                if let Some(offer) = now.offer.as_ref().filter(|_| item.offer.is_none()) {
                    let (why, at) = (why_rescinded(&event.body), event.occurred_at);
                    offers::rescind(tx, &item, offer, why, at).await?;
                }
            }
            after.insert(item.ticket.clone(), item);
        }
        let mut loads = Loads::new();
        for item in after.values() {
            shift_loads(before.get(&item.ticket), item, &mut loads);
        }
        items::save(tx, after.values()).await?;
        agents::shift_loads(tx, &loads, None).await?;
        self.arm(after.values());
        if !self.policy.recorded {
            self.arrivals.announce(arriving(&before, &after));
        }
        Ok(())
    }

    async fn committed(&self) {
        self.arm_committed().await;
        self.came.notify_one();
        self.arrivals.committed();
        self.changed.notify_one();
    }
}

/// Tickets that wait and did not before.
fn arriving<'a>(
    before: &'a BTreeMap<TicketId, Item>,
    after: &'a BTreeMap<TicketId, Item>,
) -> impl Iterator<Item = TicketId> + 'a {
    let waits = |item: &Item| item.state() == State::Waiting;
    let new = after
        .values()
        .filter(move |item| waits(item) && !before.get(&item.ticket).is_some_and(waits));
    new.map(|item| item.ticket.clone())
}

/// Whether an event says something about a ticket that routing follows.
fn concerns(body: &Body) -> bool {
    matches!(
        body,
        Body::TicketCreated(_)
            | Body::TicketUpdated(_)
            | Body::TicketStatusChanged(_)
            | Body::TicketMerged(_)
            | Body::MessageAdded(_)
            | Body::ClockChanged(_)
    )
}

/// The event when a ticket is no longer its agent's work.
fn released(before: &Item, after: &Item) -> Option<Body> {
    if before.state() != State::Assigned || after.state() != State::Done {
        return None;
    }
    Some(Body::TicketReleased(journal::TicketReleased {
        agent_id: before.agent.as_ref()?.to_string(),
        group_id: text(before.group.as_ref()),
        wrapping_until: after.wrapping_until.map(to_proto),
    }))
}

/// Why an offer is taken back, as a code.
fn why_rescinded(body: &Body) -> &'static str {
    match body {
        Body::TicketMerged(_) => "merged",
        Body::TicketStatusChanged(changed) if changed.to() == common::TicketStatus::Closed => {
            "closed"
        }
        Body::TicketStatusChanged(_) => "solved",
        _ => "",
    }
}

/// Whether an agent must have worked on the ticket for its status to change so.
const fn is_work(change: Change) -> bool {
    matches!(change, Change::TakenUp | Change::Waited | Change::Held)
}

fn cause(event: &Recorded) -> Cause {
    Cause {
        reference: event.reference(),
        traceparent: event.traceparent.clone(),
    }
}

fn update(item: &mut Item, updated: &journal::TicketUpdated) {
    for field in &updated.changed {
        match field.as_str() {
            "priority" => item.priority = priority(updated.priority()),
            "category" => item.facts.category.clone_from(&updated.category),
            "tags" => item.facts.tags = updated.tags.iter().cloned().collect(),
            "attributes" => item.facts.attributes.clone_from(&updated.attributes),
            "language" => {
                // Somebody set it.
                item.facts.language = Language::parse(&updated.language);
                item.facts.language_is_certain = true;
            }
            _ => {}
        }
    }
}

fn note_deadline(item: &mut Item, changed: &journal::ClockChanged) {
    let due_at = changed
        .due_at
        .as_ref()
        .and_then(|due_at| from_proto(due_at).ok());
    let runs = changed.state() == common::ClockState::Running;
    let deadlines = &mut item.trail.deadlines;
    match due_at.filter(|_| runs) {
        Some(due_at) => deadlines.insert(changed.clock_id.clone(), due_at.as_millis()),
        None => deadlines.remove(&changed.clock_id),
    };
}

const fn status(status: common::TicketStatus) -> Option<Status> {
    match status {
        common::TicketStatus::Unspecified => None,
        common::TicketStatus::New | common::TicketStatus::Open => Some(Status::Open),
        common::TicketStatus::Pending | common::TicketStatus::OnHold => Some(Status::Paused),
        common::TicketStatus::Solved => Some(Status::Solved),
        common::TicketStatus::Closed => Some(Status::Closed),
    }
}

const fn priority(priority: common::Priority) -> Priority {
    match priority {
        common::Priority::Urgent => Priority::Urgent,
        common::Priority::High => Priority::High,
        common::Priority::Unspecified | common::Priority::Normal => Priority::Normal,
        common::Priority::Low => Priority::Low,
    }
}

pub(crate) const fn channel(channel: common::Channel) -> Channel {
    match channel {
        common::Channel::Email => Channel::Email,
        common::Channel::Chat => Channel::Chat,
        common::Channel::Phone => Channel::Phone,
        common::Channel::Web => Channel::Web,
        common::Channel::Unspecified | common::Channel::Api => Channel::Api,
        common::Channel::Social => Channel::Social,
        common::Channel::WalkIn => Channel::WalkIn,
    }
}
