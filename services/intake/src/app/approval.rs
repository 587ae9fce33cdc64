//! A public reply of somebody who learns goes out once their mentor has approved it.
//!
//! Who learns where is projected from routing's events, so that no reply waits for routing to answer
//! and none is let through because it does not. While routing is away, what was heard last holds.
//! Approvals stand in the ticket's own journal, and so does which of them were used: with the ticket
//! locked, what is read there is all there is.

use lotse_ids::{AgentId, MessageId};
use lotse_journal::{Body, Tx};

use super::Intake;
use crate::domain::ticket::Ticket;
use crate::domain::words::{AuthorKind, Visibility};
use crate::error::{Error, Unapproved};
use crate::store::{messages, supervision};
use crate::wire::message::NewMessage;

/// Events of a ticket that are read together.
const PAGE: u32 = 500;

/// How an approval stands in the journal, by routing's words.
const APPROVED: &str = "approved";

impl Intake {
    /// Refuses a public reply that needs an approval and has none. Returns the note whose approval it
    /// uses up; none where it needs none. The ticket must be locked.
    pub(super) async fn approved<'a>(
        &self,
        tx: &Tx,
        ticket: &Ticket,
        new: &'a NewMessage,
    ) -> Result<Option<&'a MessageId>, Error> {
        let is_reply = new.author_kind == AuthorKind::Human && new.visibility == Visibility::Public;
        // What is told afterwards has been said already.
        if !is_reply || new.when.past().is_some() {
            return Ok(None);
        }
        // A token that is an agent's says who writes, whatever the message says.
        let written_by = new.author_id.parse().ok();
        let Some(agent) = new.sender.clone().or(written_by) else {
            return Ok(None);
        };
        let Some(group) = &ticket.assignment.group_id else {
            return Ok(None);
        };
        let mentor = supervision::mentor(tx, group, &agent, new.when.now).await?;
        let Some(mentor) = mentor else {
            return Ok(None);
        };
        let note = new.approved_note.as_ref();
        let state = match note {
            Some(note) => self.state(tx, ticket, new, note, &agent).await?,
            None => "none".to_owned(),
        };
        if state == APPROVED {
            return Ok(note);
        }
        Err(Error::Unapproved(Unapproved {
            agent,
            mentor,
            state,
        }))
    }

    /// How an agent's note stands as the approval of this reply.
    async fn state(
        &self,
        tx: &Tx,
        ticket: &Ticket,
        new: &NewMessage,
        note: &MessageId,
        agent: &AgentId,
    ) -> Result<String, Error> {
        let mut state = "none".to_owned();
        // Who asked on a ticket that was merged since has the answer there.
        let mut keys = vec![ticket.id.as_str(), new.ticket_id.as_str()];
        keys.dedup();
        for key in keys {
            let mut after = 0;
            loop {
                let (events, next) = self.journal.read_key_in(tx, key, after, PAGE).await?;
                for event in &events {
                    match &event.body {
                        Body::MessageAdded(added) if added.approved_note_id == note.as_str() => {
                            return Ok("used".to_owned());
                        }
                        Body::ReplyReviewed(told)
                            if told.message_id == note.as_str()
                                && told.agent_id == agent.as_str() =>
                        {
                            state.clone_from(&told.state);
                        }
                        _ => {}
                    }
                }
                match next {
                    Some(next) => after = next,
                    None => break,
                }
            }
        }
        let found = messages::with_ids(tx, &[note.as_str()]).await?;
        let same = found.first().is_some_and(|note| {
            note.ticket_id == ticket.id
                && note.visibility == Visibility::Internal
                && note.body == new.body
        });
        if state == APPROVED && !same {
            return Ok("differs".to_owned());
        }
        Ok(state)
    }
}
