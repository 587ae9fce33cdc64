//! Keeps the items: what routing knows of each ticket, from the journal.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use async_trait::async_trait;
use lotse_ids::TicketId;
use lotse_journal::{Body, Consumer, ConsumerError, Draft, Recorded, Tx};
use lotse_proto::common::v1 as common;
use lotse_proto::journal::v1 as journal;
use lotse_proto::journal::v1::ticket_status_changed::Change;
use lotse_proto::time::from_proto;
use tokio::sync::Notify;

use crate::domain::codes::{Channel, Priority, State, Status};
use crate::domain::item::{Cause, Facts, Item, Loads, Policy, Trail, shift_loads};
use crate::domain::language::Language;
use crate::domain::weight::Weight;
use crate::store::{agents, items};

/// The journal's consumer `routing`.
pub(crate) struct Tracker {
    policy: Policy,
    /// Something may have changed for what waits.
    changed: Notify,
    /// The same, for whoever advises on it.
    came: Arc<Notify>,
}

impl Tracker {
    /// `came` is told of whatever may be looked at.
    pub(crate) fn new(policy: Policy, came: Arc<Notify>) -> Self {
        Self {
            policy,
            changed: Notify::new(),
            came,
        }
    }

    /// Returns when something may have changed for what waits.
    pub(crate) async fn changed(&self) {
        self.changed.notified().await;
    }

    /// What an event makes of a ticket; `None` when it does not concern routing.
    fn follow(&self, before: Option<&Item>, event: &Recorded) -> Option<Item> {
        let mut item = match (before, &event.body) {
            (None, Body::TicketCreated(created)) => return self.take_in(created, event),
            (Some(before), _) => before.clone(),
            // Older than routing's own knowledge of tickets.
            (None, _) => return None,
        };
        match &event.body {
            Body::TicketUpdated(updated) => update(&mut item, updated),
            Body::TicketStatusChanged(changed) => {
                item.follow_status(status(changed.to())?, &self.policy);
                item.begun |= is_work(changed.change());
                if item.state() == State::Waiting {
                    item.trail.cause = cause(event);
                }
            }
            // It has ended, like one that was closed: whoever had it is free.
            Body::TicketMerged(_) => item.follow_status(Status::Closed, &self.policy),
            // Who answers has begun. No change of the ticket's route, so its version stays.
            Body::MessageAdded(message) if !self.policy.recorded => {
                let by_us = message.author_kind() == common::AuthorKind::Human;
                if !by_us || item.begun || item.state() != State::Assigned {
                    return None;
                }
                item.begun = true;
                return Some(item);
            }
            // Deadlines only order a queue, and what is only recorded has none. They are no change
            // of the ticket's route, so its version stays.
            Body::ClockChanged(changed) if !self.policy.recorded => {
                note_deadline(&mut item, changed);
                return Some(item);
            }
            _ => return None,
        }
        item.version += 1;
        Some(item)
    }

    fn take_in(&self, created: &journal::TicketCreated, event: &Recorded) -> Option<Item> {
        let certain = created.language_confidence >= self.policy.certain_from;
        Some(Item {
            ticket: event.ticket_id.as_ref()?.parse().ok()?,
            version: 1,
            status: Status::Open,
            group: None,
            agent: None,
            load: Weight::ZERO,
            channel: channel(created.channel()),
            priority: priority(created.priority()),
            queued_at: event.occurred_at,
            assigned_at: None,
            begun: false,
            transfers: 0,
            escalations: 0,
            decision: None,
            reason: None,
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
        })
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
            let Some(item) = self.follow(now, event) else {
                continue;
            };
            if let Some(released) = now.and_then(|now| released(now, &item)) {
                let draft = Draft::ticket(ticket, Body::TicketReleased(released));
                tx.emit(draft.at(event.occurred_at));
            }
            after.insert(item.ticket.clone(), item);
        }
        let mut loads = Loads::new();
        for item in after.values() {
            shift_loads(before.get(&item.ticket), item, &mut loads);
        }
        items::save(tx, after.values()).await?;
        agents::shift_loads(tx, &loads, None).await?;
        Ok(())
    }

    async fn committed(&self) {
        self.came.notify_one();
        self.changed.notify_one();
    }
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

/// The event when a ticket no longer occupies its agent.
fn released(before: &Item, after: &Item) -> Option<journal::TicketReleased> {
    if before.state() != State::Assigned || after.state() != State::Done {
        return None;
    }
    Some(journal::TicketReleased {
        agent_id: before.agent.as_ref()?.to_string(),
        group_id: before
            .group
            .as_ref()
            .map(ToString::to_string)
            .unwrap_or_default(),
        wrapping_until: None,
    })
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

pub(super) const fn channel(channel: common::Channel) -> Channel {
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
