//! Changing one ticket: the verbs of its life, and edits.

use std::sync::{Mutex, PoisonError};

use lotse_journal::{Origin, Tx};
use lotse_proto::intake::v1 as proto;

use super::{Intake, enter, lock, touch};
use crate::domain::lifecycle::{Command, Illegal};
use crate::domain::ticket::Ticket;
use crate::error::Error;
use crate::store::tickets;
use crate::wire::check::attribute_count_allowed;
use crate::wire::update::Update;
use crate::wire::verb::{Verb, VerbRequest};
use crate::wire::{answer, event};

/// What is known of a ticket once its transaction has committed; empty when the command had been
/// done before.
#[derive(Default)]
pub(super) struct Aftermath(Mutex<Option<(Ticket, i64)>>);

impl Aftermath {
    /// Keeps the changed ticket, and the generation that its timer had before.
    pub(super) fn keep(&self, ticket: Ticket, generation_before: i64) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some((ticket, generation_before));
    }

    fn take(&self) -> Option<(Ticket, i64)> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}

impl Intake {
    /// Changes a ticket's status by one of the verbs.
    pub(crate) async fn change<R: VerbRequest>(
        &self,
        origin: &Origin,
        request: &R,
        verb: &Verb,
        command: Command<'_>,
    ) -> Result<proto::Ticket, Error> {
        let rules = self.config.rules();
        let aftermath = &Aftermath::default();
        let work = |tx: Tx| async move {
            let mut ticket = lock(&tx, &verb.ticket_id, &verb.etag, verb.when).await?;
            if ticket.merged_into.is_some() {
                // Also for who may reopen closed ones: its messages are another ticket's.
                let (status, asked) = (ticket.life.status, "changed: it was merged");
                return Err(Illegal { status, asked }.into());
            }
            let before = ticket.life.generation;
            let transition = ticket.life.apply(command, verb.when.at, rules)?;
            enter(
                &tx,
                &mut ticket,
                transition,
                &verb.reason,
                &verb.agent_id,
                verb.when,
            )
            .await?;
            let answer = answer::wordless(&ticket);
            aftermath.keep(ticket, before);
            Ok::<_, Error>(answer)
        };
        let answer = self
            .journal
            .command(origin, R::METHOD, &verb.request_id, request, work)
            .await?;
        self.after(aftermath, answer).await
    }

    /// Edits a ticket. Edits to what is there already change nothing.
    pub(crate) async fn update(
        &self,
        origin: &Origin,
        request: &proto::UpdateTicketRequest,
        update: &Update,
    ) -> Result<proto::Ticket, Error> {
        let aftermath = &Aftermath::default();
        let work = |tx: Tx| async move {
            let mut ticket = lock(&tx, &update.ticket_id, &update.etag, update.when).await?;
            let before = ticket.life.generation;
            let changed = ticket.edit(update.edits.clone());
            if !attribute_count_allowed(ticket.attributes.len()) {
                let description = "must leave at most 64 attributes";
                return Err(lotse_errors::Error::invalid("ticket.attributes", description).into());
            }
            if !changed.is_empty() {
                touch(&mut ticket, update.when);
                tickets::save_facts(&tx, &ticket).await?;
                tx.emit(event::updated(&ticket, &changed, update.when.past()));
            }
            let answer = answer::wordless(&ticket);
            aftermath.keep(ticket, before);
            Ok::<_, Error>(answer)
        };
        let answer = self
            .journal
            .command(origin, "UpdateTicket", &update.request_id, request, work)
            .await?;
        self.after(aftermath, answer).await
    }

    /// Completes an answer with what is not stored in it, and tells the timers.
    pub(super) async fn after(
        &self,
        aftermath: &Aftermath,
        mut answer: proto::Ticket,
    ) -> Result<proto::Ticket, Error> {
        if let Some((ticket, generation_before)) = aftermath.take() {
            self.rearm(&ticket, generation_before).await;
            if ticket.id.as_str() == answer.id {
                answer.subject = ticket.subject;
            }
        }
        self.complete(&mut answer).await?;
        Ok(answer)
    }

    /// Fills in the subject of a ticket from a stored answer; only an erased one is empty.
    pub(super) async fn complete(&self, answer: &mut proto::Ticket) -> Result<(), Error> {
        if answer.subject.is_empty() {
            let subject = tickets::subject(self.db.reader(), &answer.id).await?;
            answer.subject = subject.unwrap_or_default();
        }
        Ok(())
    }
}
