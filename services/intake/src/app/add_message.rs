//! Adding to the conversation.

use lotse_ids::MessageId;
use lotse_journal::{Origin, Tx};
use lotse_proto::intake::v1 as proto;
use tracing::Span;

use super::change::Aftermath;
use super::create::{self, Item};
use super::merge::survivor;
use super::{Intake, enter, lock, not_before_creation};
use crate::domain::conversation::{Effect, Heard};
use crate::domain::language::Basis;
use crate::domain::lifecycle::Change;
use crate::domain::ticket::{Message, Ticket};
use crate::domain::words::{AuthorKind, Visibility};
use crate::error::Error;
use crate::store::{messages, tickets};
use crate::wire::create::{NewTicket, Who};
use crate::wire::message::NewMessage;
use crate::wire::time::When;
use crate::wire::{answer, event};

/// Why a message of the requester changed a status, in the journal.
const REQUESTER_WROTE: &str = "requester_wrote";

impl Intake {
    /// Adds a message or a note, with what that does to the ticket.
    pub(crate) async fn add_message(
        &self,
        origin: &Origin,
        request: &proto::AddMessageRequest,
        new: &NewMessage,
    ) -> Result<proto::AddMessageResponse, Error> {
        let rules = self.config.rules();
        let aftermath = &Aftermath::default();
        let work = |tx: Tx| async move {
            let mut ticket = self.addressed(&tx, new).await?;
            let approved = self.approved(&tx, &ticket, new).await?;
            let before = ticket.life.generation;
            let heard = Heard {
                author: new.author_kind,
                visibility: new.visibility,
                body: &new.body,
                received_at: new.when.at,
            };
            let (message, follow_up) = match ticket.life.hear(&heard, rules)? {
                Effect::Nothing => (store(&tx, &ticket, new, approved).await?, None),
                Effect::Changes(transition) => {
                    let message = store(&tx, &ticket, new, approved).await?;
                    let (reason, agent_id) = explain(transition.change, new);
                    enter(&tx, &mut ticket, transition, reason, agent_id, new.when).await?;
                    (message, None)
                }
                Effect::FollowsUp { closing } => {
                    if let Some(transition) = closing {
                        let when = When {
                            at: transition.life.since,
                            ..new.when
                        };
                        enter(&tx, &mut ticket, transition, "", "", when).await?;
                    }
                    let (next, message) = self.follow_up(&tx, &ticket, new).await?;
                    (message, Some(next))
                }
            };
            let landed = follow_up.as_ref().unwrap_or(&ticket);
            let answer = proto::AddMessageResponse {
                message: Some(answer::message(Message {
                    body: String::new(),
                    ..message
                })),
                ticket: Some(answer::wordless(landed)),
                follow_up_ticket_id: follow_up
                    .as_ref()
                    .map(|next| next.id.to_string())
                    .unwrap_or_default(),
            };
            aftermath.keep(ticket, before);
            Ok::<_, Error>(answer)
        };
        let request_id = &request.request_id;
        let mut answer = self
            .journal
            .command(origin, "AddMessage", request_id, request, work)
            .await?;
        if let Some(ticket) = answer.ticket.take() {
            answer.ticket = Some(self.after(aftermath, ticket).await?);
        }
        Ok(answer)
    }

    /// The ticket that a message is for, or the one that it went into; locked where the message may
    /// change it.
    async fn addressed(&self, tx: &Tx, new: &NewMessage) -> Result<Ticket, Error> {
        let aside = new.visibility == Visibility::Internal
            || matches!(new.author_kind, AuthorKind::Automation | AuthorKind::System);
        if !aside {
            let ticket = lock(tx, &new.ticket_id, "", new.when).await?;
            return match ticket.merged_into {
                Some(into) => lock(tx, &survivor(tx, &into).await?, "", new.when).await,
                None => Ok(ticket),
            };
        }
        let mut ticket = tickets::find(tx, &new.ticket_id).await?;
        if let Some(into) = ticket
            .as_ref()
            .and_then(|ticket| ticket.merged_into.as_ref())
        {
            ticket = tickets::find(tx, &survivor(tx, into).await?).await?;
        }
        let ticket = ticket.ok_or_else(|| Error::NoTicket(new.ticket_id.to_string()))?;
        not_before_creation(&ticket, new.when.at)?;
        Ok(ticket)
    }

    /// Begins a ticket that continues `ended`, with the message as its first.
    async fn follow_up(
        &self,
        tx: &Tx,
        ended: &Ticket,
        new: &NewMessage,
    ) -> Result<(Ticket, Message), Error> {
        let given = ended.language.basis == Basis::Given;
        let item = Item {
            new: NewTicket {
                who: Who::Known(ended.requester_id.clone()),
                subject: ended.subject.clone(),
                body: new.body.clone(),
                composed_at: new.composed_at,
                channel: ended.channel,
                category: ended.category.clone(),
                tags: ended.tags.clone(),
                priority: ended.priority,
                language: if given {
                    ended.language.tag.clone()
                } else {
                    String::new()
                },
                attributes: ended.attributes.clone(),
                external_id: None,
                required_skills: ended.required_skills.clone(),
                requested_group_id: ended.requested_group_id.clone(),
                when: new.when,
                follow_up_of: Some(ended.id.clone()),
                written_by: new.author_id.parse().ok(),
            },
            origin: tx.origin().clone(),
            span: Span::current(),
        };
        let created = create::take_in(tx, &self.config, &[&item]).await?;
        let created = created.into_iter().next().unwrap_or(Err(Error::Stopping))?;
        let missing = || sea_orm::DbErr::Custom("a follow-up ticket has no message".to_owned());
        let message = created.message.ok_or_else(missing)?;
        Ok((created.ticket, message))
    }
}

/// Stores a message on its ticket and says so in the journal, and which approval it uses up.
async fn store(
    tx: &Tx,
    ticket: &Ticket,
    new: &NewMessage,
    approved: Option<&MessageId>,
) -> Result<Message, Error> {
    let own_requester = new.author_kind == AuthorKind::Requester && new.author_id.is_empty();
    let message = Message {
        id: MessageId::generate(new.when.at),
        ticket_id: ticket.id.clone(),
        author_kind: new.author_kind,
        author_id: if own_requester {
            ticket.requester_id.to_string()
        } else {
            new.author_id.clone()
        },
        visibility: new.visibility,
        body: new.body.clone(),
        composed_at: new.composed_at,
        received_at: new.when.at,
        recorded_at: new.when.now,
    };
    messages::insert(tx, std::slice::from_ref(&message)).await?;
    let past = new.when.past();
    tx.emit(event::message_added(ticket, &message, approved, past));
    Ok(message)
}

/// The reason and the agent of a change of status that a message made.
fn explain(change: Change, new: &NewMessage) -> (&'static str, &str) {
    match change {
        Change::TakenUp => ("", &new.author_id),
        _ => (REQUESTER_WROTE, ""),
    }
}
