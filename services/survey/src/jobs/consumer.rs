//! Follows tickets in the journal: who has them, and when to ask about them.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use lotse_journal::{Body, Consumer, ConsumerError, Recorded, Tx};
use lotse_proto::common::v1::{AuthorKind, TicketStatus, Visibility};
use lotse_proto::journal::v1::TicketStatusChanged;
use lotse_proto::journal::v1::ticket_status_changed::Change;
use lotse_timers::{Entry, TimerStore};

use crate::app::invite::Why;
use crate::app::{QUEUE, invite, timer};
use crate::error::Error;
use crate::store::{invitation, survey, ticket};

/// The name under which the cursors are kept.
pub const NAME: &str = "survey";

/// The journal's reader of this service.
pub struct Follow {
    timers: Arc<dyn TimerStore>,
    /// Timers of invitations that a transaction made; armed once it has committed.
    to_arm: Mutex<Vec<Entry>>,
}

impl Follow {
    /// A reader that arms the timers of the invitations it makes.
    pub fn new(timers: Arc<dyn TimerStore>) -> Self {
        Self {
            timers,
            to_arm: Mutex::default(),
        }
    }
}

/// What a batch knows and changes.
#[derive(Default)]
struct Batch {
    tickets: HashMap<String, ticket::Model>,
    changed: HashSet<String>,
    to_arm: Vec<Entry>,
}

#[async_trait]
impl Consumer for Follow {
    fn name(&self) -> &'static str {
        NAME
    }

    async fn apply(&self, tx: &Tx, events: &[Recorded]) -> Result<(), ConsumerError> {
        let batch = apply(tx, events).await?;
        let mut to_arm = self.to_arm.lock().unwrap_or_else(PoisonError::into_inner);
        to_arm.extend(batch.to_arm);
        Ok(())
    }

    async fn committed(&self) {
        let entries =
            std::mem::take(&mut *self.to_arm.lock().unwrap_or_else(PoisonError::into_inner));
        if entries.is_empty() {
            return;
        }
        if let Err(error) = self.timers.arm(QUEUE, &entries).await {
            tracing::debug!(%error, "timers not armed; the reconciler will");
        }
    }
}

async fn apply(tx: &Tx, events: &[Recorded]) -> Result<Batch, Error> {
    let mut batch = Batch::default();
    let known: HashSet<_> = events
        .iter()
        .filter_map(|event| event.ticket_id.clone())
        .collect();
    if known.is_empty() {
        return Ok(batch);
    }
    for ticket in ticket::find_all(tx, known.into_iter().collect()).await? {
        batch.tickets.insert(ticket.id.clone(), ticket);
    }
    for event in events {
        let Some(id) = &event.ticket_id else {
            continue;
        };
        if let Some(ticket) = batch.fold(id, &event.body) {
            let ticket = ticket.clone();
            batch.changed.insert(id.clone());
            match &event.body {
                Body::TicketStatusChanged(change) => {
                    follow(tx, &mut batch, &ticket, change, event).await?;
                }
                Body::TicketMerged(_) => withdraw(tx, &ticket, Why::Merged).await?,
                _ => {}
            }
        }
    }
    let changed: Vec<_> = batch
        .changed
        .iter()
        .filter_map(|id| batch.tickets.get(id).cloned())
        .collect();
    ticket::save_all(tx, changed).await?;
    Ok(batch)
}

impl Batch {
    /// The ticket after an event that concerns it; `None` when it does not.
    fn fold(&mut self, id: &str, body: &Body) -> Option<&ticket::Model> {
        if let Body::TicketCreated(created) = body {
            let ticket = ticket::Model {
                id: id.to_owned(),
                requester_id: created.requester_id.clone(),
                human_reply: false,
                episode: 0,
                agent_id: String::new(),
                group_id: String::new(),
                channel: created.channel,
                language: created.language.clone(),
                category: created.category.clone(),
            };
            self.tickets.insert(id.to_owned(), ticket);
            return self.tickets.get(id);
        }
        let ticket = self.tickets.get_mut(id)?;
        match body {
            Body::TicketUpdated(updated) => {
                ticket.language.clone_from(&updated.language);
                ticket.category.clone_from(&updated.category);
            }
            Body::TicketAssigned(assigned) => {
                ticket.group_id.clone_from(&assigned.group_id);
                ticket.agent_id.clone_from(&assigned.agent_id);
                ticket.human_reply |=
                    !assigned.agent_id.is_empty() && invite::taking_is_answering(ticket.channel);
            }
            Body::TicketTransferred(transferred) => {
                ticket.group_id.clone_from(&transferred.to_group_id);
                ticket.agent_id.clone_from(&transferred.to_agent_id);
            }
            Body::TicketEscalated(escalated) => {
                ticket.group_id.clone_from(&escalated.to_group_id);
                ticket.agent_id.clear();
            }
            Body::MessageAdded(message)
                if message.author_kind() == AuthorKind::Human
                    && message.visibility() == Visibility::Public =>
            {
                ticket.human_reply = true;
            }
            Body::TicketStatusChanged(change) => {
                if change.change() == Change::Reopened {
                    ticket.episode += 1;
                }
            }
            // Nobody is asked about it any more.
            Body::TicketMerged(_) => {}
            _ => return None,
        }
        Some(ticket)
    }
}

/// Solved: whom to ask. Reopened: nobody any more, as when it is merged.
async fn follow(
    tx: &Tx,
    batch: &mut Batch,
    ticket: &ticket::Model,
    change: &TicketStatusChanged,
    event: &Recorded,
) -> Result<(), Error> {
    if change.to() == TicketStatus::Solved {
        for survey in survey::asked_on_solved(tx).await? {
            let invitation = invite::on_solved(&survey, ticket, event.occurred_at);
            if invitation::insert(tx, invitation.clone()).await? {
                batch.to_arm.extend(timer(&invitation));
                invite::changed(&invitation)?
                    .into_iter()
                    .for_each(|draft| tx.emit(draft));
            }
        }
    } else if change.change() == Change::Reopened {
        withdraw(tx, ticket, Why::Reopened).await?;
    }
    Ok(())
}

/// Takes back what can still be taken back of asking about a ticket.
async fn withdraw(tx: &Tx, ticket: &ticket::Model, why: Why) -> Result<(), Error> {
    for mut invitation in invitation::find_by_tickets(tx, vec![ticket.id.clone()]).await? {
        let (was, generation) = (invitation.state()?, invitation.generation);
        if was.can_be_cancelled() {
            invite::cancel(&mut invitation, was, why);
            invitation::update(tx, invitation.clone(), generation).await?;
            invite::changed(&invitation)?
                .into_iter()
                .for_each(|draft| tx.emit(draft));
        }
    }
    Ok(())
}
