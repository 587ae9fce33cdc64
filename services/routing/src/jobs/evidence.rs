//! Keeps what the journal tells about where tickets belong, and who solves what.
//!
//! A consumer of its own, so that what learning cannot read never stops routing, and so that an
//! installation which was there before learning begins with its whole history.

use std::collections::{BTreeMap, BTreeSet};

use async_trait::async_trait;
use lotse_ids::{GroupId, TicketId};
use lotse_journal::{Body, Consumer, ConsumerError, Recorded, Tx};
use lotse_proto::common::v1::TicketStatus;
use lotse_proto::journal::v1 as journal;
use lotse_proto::journal::v1::ticket_status_changed::Change;
use tokio::sync::Notify;

use super::tracker::channel;
use crate::domain::chance::{Tally, weight};
use crate::domain::evidence::{Evidence, Intake, Turn};
use crate::store::learning::chances::{self, Counts};
use crate::store::learning::evidence;

/// The journal's consumer `routing_learning`.
pub(crate) struct Collector {
    came: std::sync::Arc<Notify>,
}

impl Collector {
    /// `came` is told of whatever may be looked at.
    pub(crate) fn new(came: std::sync::Arc<Notify>) -> Self {
        Self { came }
    }
}

#[async_trait]
impl Consumer for Collector {
    fn name(&self) -> &'static str {
        "routing_learning"
    }

    async fn apply(&self, tx: &Tx, events: &[Recorded]) -> Result<(), ConsumerError> {
        let tickets: BTreeSet<TicketId> = events
            .iter()
            .filter(|event| concerns(&event.body))
            .filter_map(ticket)
            .collect();
        if tickets.is_empty() {
            return Ok(());
        }
        let known = evidence::find(tx, &tickets).await?;
        let mut known: BTreeMap<TicketId, Evidence> = known
            .into_iter()
            .map(|one| (one.ticket.clone(), one))
            .collect();
        let mut changed = BTreeSet::new();
        let mut erased = BTreeSet::new();
        let mut counts = Counts::new();
        for event in events {
            let Some(ticket) = ticket(event) else {
                continue;
            };
            if let Body::TicketCreated(created) = &event.body {
                let fields = fields(created);
                let category = created.category.clone();
                let came = Evidence::new(ticket.clone(), event.occurred_at, category, fields);
                known.insert(ticket.clone(), came);
                changed.insert(ticket);
            } else if let Body::TicketErased(_) = &event.body {
                erased.insert(ticket);
            } else if let Some(one) = known.get_mut(&ticket) {
                count(one, event, &mut counts);
                if let Some(turn) = turn(&event.body) {
                    one.follow(turn);
                    changed.insert(ticket);
                }
            }
        }
        let changed = known.values().filter(|one| changed.contains(&one.ticket));
        evidence::save(tx, changed).await?;
        if !erased.is_empty() {
            // Afterwards: it may have come with the same events.
            evidence::erase_words(tx, &erased).await?;
        }
        chances::add(tx, counts).await?;
        Ok(())
    }

    async fn committed(&self) {
        self.came.notify_one();
    }
}

fn ticket(event: &Recorded) -> Option<TicketId> {
    event.ticket_id.as_ref()?.parse().ok()
}

fn concerns(body: &Body) -> bool {
    let of_its_own = matches!(
        body,
        Body::TicketCreated(_) | Body::TicketReleased(_) | Body::TicketErased(_)
    );
    of_its_own || turn(body).is_some()
}

fn turn(body: &Body) -> Option<Turn> {
    let group = |id: &str| id.parse::<GroupId>().ok();
    match body {
        Body::TicketAssigned(assigned) => Some(Turn::Assigned {
            to: group(&assigned.group_id)?,
            first: assigned.first,
            by_person: assigned.manual,
        }),
        Body::TicketTransferred(passed) => Some(Turn::Transferred {
            from: group(&passed.from_group_id),
            to: group(&passed.to_group_id),
        }),
        Body::TicketEscalated(up) => Some(Turn::Escalated {
            from: group(&up.from_group_id),
        }),
        Body::TicketStatusChanged(changed) => Some(match (changed.to(), changed.change()) {
            (TicketStatus::Solved | TicketStatus::Closed, _) => Turn::Settled,
            (_, Change::Reopened) => Turn::Reopened,
            _ => Turn::Begun,
        }),
        Body::TicketMerged(_) => Some(Turn::Merged),
        _ => None,
    }
}

fn fields(created: &journal::TicketCreated) -> BTreeMap<String, String> {
    let intake = Intake {
        category: &created.category,
        channel: channel(created.channel()),
        language: &created.language,
        requester: &created.requester_id,
        organisation: &created.organisation_key,
        attributes: &created.attributes,
    };
    intake.fields()
}

/// Counts what an agent did with a ticket. What was passed on for lack of time says nothing about
/// the agent's chance with the next one, and an escalation is planned.
fn count(one: &Evidence, event: &Recorded, counts: &mut Counts) {
    let mut add = |agent: &str, group: &str, resolved: f64, passed_on: f64| {
        if agent.is_empty() || group.is_empty() {
            return;
        }
        let key = (agent.to_owned(), group.to_owned(), one.category.clone());
        let tally: &mut Tally = counts.entry(key).or_default();
        let weight = weight(event.occurred_at);
        tally.resolved += resolved * weight;
        tally.passed_on += passed_on * weight;
    };
    match &event.body {
        Body::TicketReleased(released) => add(&released.agent_id, &released.group_id, 1.0, 0.0),
        Body::TicketTransferred(passed) if passed.misroute => {
            add(&passed.from_agent_id, &passed.from_group_id, 0.0, 1.0);
        }
        _ => {}
    }
}
